# Sourced by start.sh and test.sh: finds a Python that this project runs on.

# Prints the path of one; PYTHON names another. Some packages have no wheels for 3.14 yet, and there is no compiler to count on.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  {
    echo "  FAILED  no Python 3.11, 3.12 or 3.13 found${PYTHON:+: PYTHON=$PYTHON is none, or does not run}"
    echo "          install one (Debian 12, Ubuntu 24.04 and later: apt install python3 python3-venv), or name it: PYTHON=/path/to/python3 $0"
  } >&2
  return 1
}
