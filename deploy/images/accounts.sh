#!/bin/sh
# Users and groups 20001 … 20256: each room of the sandbox gets one of its own, so that the kernel keeps the
# commands of one task from the processes and files of another. The runner is in all of the groups: what it
# writes into a room belongs to the room's group as well.
set -eu
id=20001
while [ "$id" -le 20256 ]; do
  echo "room$id:x:$id:$id::/nonexistent:/bin/sh" >> /etc/passwd
  echo "room$id:x:$id:node" >> /etc/group
  id=$((id + 1))
done
install -d -o node -g node -m 0750 /var/lib/necrocode
# The supervisor makes its socket here, and only the runner's group reaches it; rooms are its own to make.
install -d -o root -g node -m 2750 /run/necrocode /run/necrocode-setup
install -d -o root -g root -m 0711 /rooms
