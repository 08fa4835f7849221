#!/bin/bash
# A health check in the shell itself, a few milliseconds each, where a node process would take hundreds.
#   healthy http PORT PATH   answers 200
#   healthy grpc PORT        answers the opening of an HTTP/2 connection: its event loop turns
#   healthy socket PATH      is there
set -u
case "$1" in
  http)
    exec 3<>"/dev/tcp/127.0.0.1/$2" || exit 1
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$3" >&3
    read -r -t 4 status <&3
    [[ $status == HTTP/1.?' 200 '* ]]
    ;;
  grpc)
    exec 3<>"/dev/tcp/127.0.0.1/$2" || exit 1
    # The preface and an empty SETTINGS frame; any byte that comes back will do.
    printf 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0' >&3
    LC_ALL=C IFS= read -r -t 4 -n 1 -d '' <&3
    ;;
  socket) [ -S "$2" ] ;;
esac
