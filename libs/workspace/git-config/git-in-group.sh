# Runs git in a group of its own, which ends as a whole: on the signal with which simple-git aborts it, and
# when the process that started it dies. Ending git alone would not do: helpers such as git-remote-https go
# on waiting for their network.
command -v setpriv > /dev/null && command -v setsid > /dev/null || exec git "$@"
exec setpriv --pdeathsig TERM -- setsid sh -c \
  'trap "kill -KILL 0" TERM INT; exec 3<&0; git "$@" <&3 3<&- & wait $!' sh "$@"
