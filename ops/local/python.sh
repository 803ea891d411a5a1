# Sourced by start.sh and test.sh: finds a Python that this project runs on.

# Prints the path of one; PYTHON names another. Some packages have no wheels for 3.14 yet, and a compiler is
# nothing to count on.
find_python() {
  local name names=(python3 python3.13 python3.12 python3.11 python)
  [[ -n ${PYTHON:-} ]] && names=("$PYTHON")
  for name in "${names[@]}"; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  {
    echo "  FAILED  no Python 3.11, 3.12 or 3.13${PYTHON:+ at PYTHON=$PYTHON}"
    echo "          install one (Debian 12 or Ubuntu 24.04: apt install python3 python3-venv),"
    echo "          or name it: PYTHON=/path/to/python3 $0"
  } >&2
  return 1
}
