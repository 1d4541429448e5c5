# Login shells that did not come through PAM get the same environment as everything else.
set -a
. /etc/environment
set +a
