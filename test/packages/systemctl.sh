#!/bin/sh
# Stands in for systemctl where no systemd runs: knows the one service by its process id, and notes what
# it was asked for.
echo "$*" >> /run/systemctl.log
pid=$(cat /run/dashgate.pid 2>/dev/null) || pid=''
runs() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
case " $* " in
  *' is-active '*) runs ;;
  *' kill '*) kill -USR2 "$pid" ;;
  *' stop '*)
    runs || exit 0
    kill -TERM "$pid"
    while runs; do sleep 0.1; done
    ;;
esac
