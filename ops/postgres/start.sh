#!/bin/sh
# Postgres in production: hands certificate and key to the user who may read them, in memory, and becomes the image's own entry
# point. `start.sh key` only hands them over, after they were renewed: then pg_ctl reload, or SIGHUP.
set -eu
umask 077
for file in tls.crt tls.key; do install -o postgres -g postgres -m 600 "/run/tls/$file" "/run/own/$file"; done
[ "${1:-}" = key ] || exec docker-entrypoint.sh "$@"
