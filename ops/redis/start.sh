#!/bin/sh
# Redis in production: TLS only, and users as users.acl.in has them. It begins as root, because the key is readable for nobody
# else, and becomes the user redis. Its own files are in memory, in /run/own.
set -eu
umask 077
own=/run/own
here=$(dirname "$0")

sh "$here/users.sh" >"$own/users.new"
chown redis:redis "$own/users.new"
mv "$own/users.new" "$own/users.acl"
install -o redis -g redis -m 400 /run/tls/tls.key "$own/tls.key"
chown redis:redis "$own"
exec setpriv --reuid redis --regid redis --init-groups --inh-caps=-all -- redis-server --port 0 --tls-port 6379 --bind 0.0.0.0 \
  --tls-cert-file /run/tls/tls.crt --tls-key-file "$own/tls.key" --tls-ca-cert-file /run/tls/ca.crt --tls-auth-clients no \
  --aclfile "$own/users.acl" --dir /data --appendonly yes --appendfsync everysec --maxmemory-policy noeviction --save ''
