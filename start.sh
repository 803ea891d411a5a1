#!/usr/bin/env bash
# Runs Sluice on this machine: ./start.sh [start] [--no-publisher] [--servers-only] [--local | --docker]
#                              ./start.sh stop | status | logs [service] [-f] | run COMMAND … | migrate [status | resolve …]
# Needs Python 3.11, 3.12 or 3.13 with venv, and nothing else: no Docker, no root, no compiler, no Node. Where a container engine
# answers, the first start is in containers unless --local is said; later ones are like the last.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ops/local/python.sh

python=$(find_python)
mode=$("$python" -m ops.container choose "$@")
[[ $mode == docker ]] && exec "$python" -m ops.container "$@"

case "${1:-}" in
  stop | status | logs | run | migrate)
    # nothing to stop or show where nothing was ever installed; and no reason to install it now
    [[ -x .venv/bin/python && -f .venv/.made-from ]] || { echo "Nothing is installed yet: ./start.sh"; exit 0; }
    exec .venv/bin/python -m ops.local "$@" ;;
esac
exec "$python" ops/local/bootstrap.py ops.local "$@"
