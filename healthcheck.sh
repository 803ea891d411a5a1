#!/usr/bin/env bash
# One line per server and service, in containers or without; exit status 0 when all of them are ready, 1 when one is not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ops/local/python.sh

python=$(find_python)
[[ $("$python" -m ops.container choose healthcheck) == docker ]] && exec "$python" -m ops.container healthcheck
[[ -x .venv/bin/python && -f .venv/.made-from ]] || { echo "  NOT   Sluice is not installed yet: ./start.sh" >&2; exit 1; }
exec .venv/bin/python -m ops.local healthcheck
