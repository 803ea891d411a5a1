#!/bin/sh
# The image's entry point: the first word says which program to become.
set -eu
cd /app
name=${1:-}
[ $# -gt 0 ] && shift
case "$name" in
  gateway | reporter | alerts | publisher) exec python -m "$name" "$@" ;;
  collector) exec python -m collectors "$@" ;;
  sluice) exec python -m console "$@" ;;
  migrate) # or another command of prisma migrate: status, resolve …
    [ $# -gt 0 ] || set -- deploy
    exec node prisma/engine/node_modules/prisma/build/index.js migrate "$@" --config prisma/prisma.config.mjs ;;
  '')
    echo "which program? gateway, collector SOURCE, reporter, alerts, publisher, migrate or sluice" >&2
    exit 64 ;;
  *) exec "$name" "$@" ;; # anything else is a command of its own, such as sh or python
esac
