#!/usr/bin/env bash
# Every check and the tests: ./test.sh [--all | pytest arguments]
# By itself it leaves out the tests marked "exhaustive", which take as long again; --all is for before a release.
# Sets itself up like start.sh, plus the development packages. The tests start servers of their own, on ports of their own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ops/local/python.sh

python=$(find_python)
"$python" ops/local/bootstrap.py --dev ops.local install --development
export PATH="$PWD/.venv/bin:$PATH"
node=$(python -c 'from ops.local import binaries; print(binaries.node())')

run() { # a heading, then the command; the first that fails ends it
  printf '\n== %s\n' "$1"
  shift
  "$@"
}

engine_tests() (
  cd prisma/engine
  "$node" --test --test-reporter=dot
)

run "lint (ruff check)" ruff check .
run "format (ruff format)" ruff format --check .
run "types (pyright)" pyright
run "import rules (import-linter)" lint-imports
run "query engine (node --test)" engine_tests
selection=(-m "not exhaustive")
if [[ "${1:-}" == --all ]]; then
  selection=()
  shift
fi
if (($#)); then
  run "tests (pytest)" python -m pytest "$@"
else
  # Faults are timed: they have the machine for themselves. The others mostly wait for processes, so two at a time are faster.
  run "tests of faults (pytest)" python -m pytest tests/faults
  run "all other tests (pytest)" python -m pytest --ignore tests/faults -n 2 --dist loadfile "${selection[@]}"
fi
