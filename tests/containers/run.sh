#!/usr/bin/env bash
# Runs docker-compose.yml for real and breaks it: tests/containers/run.sh [pytest arguments]. About fifteen minutes on two busy cores.
#
# Needs a container engine, Docker Compose of either generation, and the base images of Dockerfile and docker-compose.yml, pulled from a
# registry or already there. Where there is no registry, local stand-ins with the same names do: STAND_INS names a script that makes
# them when it is called with KIND=TAG for each (python, node, nats, postgres, redis, prometheus). Grafana and the exporters are left out
# where their images are missing; that is said.
#
# Everything here has a project name and ports of its own and is removed at the end, volumes included. Nothing is touched but that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. ops/local/python.sh

skip() { echo "  skipped  tests of containers: $1"; exit 0; }
command -v docker >/dev/null || skip "there is no docker here"
timeout 20 docker version >/dev/null 2>&1 || skip "no container engine answers"
docker compose version >/dev/null 2>&1 || docker-compose version >/dev/null 2>&1 || skip "there is no Docker Compose"

missing=()
while read -r kind tag; do
  docker image inspect "$tag" >/dev/null 2>&1 || docker pull -q "$tag" >/dev/null 2>&1 || missing+=("$kind=$tag")
done < <(
  sed -n 's/^ARG \(PYTHON\|NODE\)_IMAGE=\(.*\)/\1 \2/p' Dockerfile | tr '[:upper:]' '[:lower:]'
  sed -n 's/^ *image: \(\(.*\/\)\?\(nats\|postgres\|redis\|prometheus\):.*\)/\3 \1/p' docker-compose.yml | sort -u
)
if ((${#missing[@]})); then
  [[ -n ${STAND_INS:-} ]] || { echo "  FAILED  no registry has ${missing[*]}; STAND_INS may name a script that makes them" >&2; exit 1; }
  "$STAND_INS" "${missing[@]}"
fi

python=$(find_python)
"$python" ops/local/bootstrap.py --dev ops.local install
CONTAINERS=1 exec .venv/bin/python -m pytest tests/containers -p no:cacheprovider -x -v --timeout 900 "$@"
