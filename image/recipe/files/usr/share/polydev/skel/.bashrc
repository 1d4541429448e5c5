unset HISTFILE
PS1='\[\e[90m\]\w\[\e[0m\] $ '
alias ls='ls --color=auto'
