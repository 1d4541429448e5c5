unset HISTFILE
PS1='  \[\e[38;5;110m\]\w\[\e[0m\] $ '
alias ls='ls --color=auto'
