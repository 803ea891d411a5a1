#!/bin/sh
# Writes users.acl to standard output, from users.acl.in beside it and the passwords in the environment.
set -eu
sums() { # NAME: how Redis writes the hash of its value, and that of NAME_OLD
  eval "new=\${$1:?} old=\${$1_OLD:-}"
  for value in "$new" $old; do printf '#%s ' "$(printf %s "$value" | sha256sum | cut -d' ' -f1)"; done
}
grep '^user ' "$(dirname "$0")/users.acl.in" | while IFS= read -r line; do
  name=$(printf %s "$line" | sed -n 's/.*@\([A-Z_]*\)@.*/\1/p')
  if [ -n "$name" ]; then
    hashes=$(sums "$name")
    line=$(printf %s "$line" | sed "s/@$name@/$hashes/")
  fi
  printf '%s\n' "$line"
done
