#!/bin/sh
# Redis in production: TLS only, and the users of users.acl.in. It begins as root, because keys are for nobody else to read,
# and becomes the user redis. What it needs to read is in memory, in /run/own.
set -eu
umask 077
own=/run/own
sh "$(dirname "$0")/users.sh" >"$own/users.acl"
cp /run/tls/tls.crt /run/tls/tls.key /run/tls/ca.crt "$own"
chown -R redis:redis "$own"
exec setpriv --reuid redis --regid redis --init-groups -- redis-server --port 0 --tls-port 6379 --bind 0.0.0.0 \
  --tls-cert-file "$own/tls.crt" --tls-key-file "$own/tls.key" --tls-ca-cert-file "$own/ca.crt" --tls-auth-clients no \
  --aclfile "$own/users.acl" --dir /data --appendonly yes --appendfsync everysec --maxmemory-policy noeviction --save ''
