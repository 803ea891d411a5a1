#!/usr/bin/env bash
# An authority and a certificate for every server and program of production, in ./certs, by openssl alone. For trying out, and
# for whoever has no authority of their own: docs/operations/production.md says which files compose.prod.yml expects.
#
#   ops/certificates.sh                    makes what is missing
#   ops/certificates.sh renew NAME...      new certificates for these (or: all), by the same authority
#   ops/certificates.sh authority new      a new authority beside the old one: both are trusted, nothing is renewed yet
#   ops/certificates.sh authority only     only the newest authority is trusted from now on
#
# CERTS is another folder than certs, DAYS how long certificates are valid (90), CERTS_OWNER the user who may read the keys
# (10001:10001, whom programs run as in containers; only root can give files to somebody else).
set -euo pipefail
cd "$(dirname "$0")/.."

certs=${CERTS:-certs}
days=${DAYS:-90}
owner=${CERTS_OWNER:-10001:10001}
servers=(nats postgres redis)
programs=(gateway facebook-collector tiktok-collector custom-collector social-collector alerts console topology backup)
umask 077

new_authority() {
  mkdir -p "$certs/authority"
  if [[ -f $certs/authority/ca.crt ]]; then
    mv "$certs/authority/ca.crt" "$certs/authority/old.crt"
  fi
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Sluice $(date -u +%Y-%m-%dT%H:%M:%SZ)" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$certs/authority/ca.key" -out "$certs/authority/ca.crt" 2>/dev/null
}

# Whom everybody trusts: the authority, and the old one as long as it is there
spread_authority() {
  local name
  for name in "${servers[@]}" "${programs[@]}" clients; do
    mkdir -p "$certs/$name"
    cat "$certs/authority/ca.crt" "$certs/authority/old.crt" 2>/dev/null >"$certs/$name/ca.crt.new" || true
    chmod 644 "$certs/$name/ca.crt.new"
    mv "$certs/$name/ca.crt.new" "$certs/$name/ca.crt"
  done
}

# NAME: its key never leaves its folder. A server's certificate opens no door, and a program's is no server's.
issue() {
  local name=$1 usage=clientAuth names="DNS:$1" folder=$certs/$1
  if [[ " ${servers[*]} " == *" $name "* ]]; then
    usage=serverAuth names="DNS:$name,DNS:localhost"
  fi
  mkdir -p "$folder"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
    -keyout "$folder/tls.key.new" -out "$folder/request" 2>/dev/null
  openssl x509 -req -in "$folder/request" -CA "$certs/authority/ca.crt" -CAkey "$certs/authority/ca.key" -days "$days" \
    -set_serial "0x$(openssl rand -hex 16)" -out "$folder/tls.crt.new" 2>/dev/null -extfile <(
    printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=%s\n' "$usage" "$names")
  rm "$folder/request"
  chmod 644 "$folder/tls.crt.new"
  mv "$folder/tls.key.new" "$folder/tls.key"
  mv "$folder/tls.crt.new" "$folder/tls.crt"
  echo "$folder/tls.crt: valid for $days days"
}

# What anybody may see: for programs that watch when certificates expire
publish() {
  local name
  for name in "${servers[@]}" "${programs[@]}"; do
    install -m 644 "$certs/$name/tls.crt" "$certs/clients/$name.crt"
  done
}

hand_over() {
  chmod 755 "$certs"
  local name
  for name in "${servers[@]}" "${programs[@]}" clients; do
    [[ $EUID != 0 ]] || chown -R "$owner" "$certs/$name"
    chmod 700 "$certs/$name"
  done
  chmod 755 "$certs/clients"
  if [[ $EUID != 0 ]]; then
    echo "not root: let the programs read their keys by  sudo chown -R $owner $certs/*/ && sudo chown -R $(id -u) $certs/authority"
  fi
}

case "${1:-make}" in
  make)
    [[ -f $certs/authority/ca.key ]] || new_authority
    spread_authority
    for name in "${servers[@]}" "${programs[@]}"; do [[ -f $certs/$name/tls.crt ]] || issue "$name"; done ;;
  renew)
    shift
    [[ $# -gt 0 ]] || { echo "renew which? a name, or all" >&2; exit 2; }
    [[ $1 == all ]] && set -- "${servers[@]}" "${programs[@]}"
    for name; do
      [[ " ${servers[*]} ${programs[*]} " == *" $name "* ]] || { echo "nobody is called $name" >&2; exit 2; }
    done
    for name; do issue "$name"; done ;;
  authority)
    case "${2:-}" in
      new) new_authority ;;
      only) rm -f "$certs/authority/old.crt" ;;
      *) echo "authority new, or authority only" >&2; exit 2 ;;
    esac
    spread_authority ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
publish
hand_over
