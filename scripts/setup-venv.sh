#!/usr/bin/env bash
# Makes the virtual environment of this checkout from the hashed locks, unless it is there and current.
#   scripts/setup-venv.sh run   what a staging run needs      -> .venv
#   scripts/setup-venv.sh dev   and what the tests need       -> .venv as well
# Prints nothing when there is nothing to do. PYTHON names the interpreter (3.11 or newer) when the default is not it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
kind=${1:-run}
lock="requirements/${kind}.txt"
[[ -f $lock ]] || { echo "setup-venv: '$kind' is no set of requirements; use run or dev" >&2; exit 4; }

digest() { cksum "$1" | cut -d ' ' -f 1,2; }
stamp=".venv/.${kind}-stamp"
if [[ -x .venv/bin/python && -f $stamp && "$(<"$stamp")" == "$(digest "$lock")" ]]; then exit 0; fi

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3 python3.12 python3.13 python; do
    if command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  echo "setup-venv: no Python 3.11 or newer was found; install one, or set PYTHON to it" >&2
  return 4
}

# Two starts at once must not fill one environment together.
if command -v flock >/dev/null 2>&1; then exec 9>.venv.lock; flock 9; fi
if [[ -x .venv/bin/python && -f $stamp && "$(<"$stamp")" == "$(digest "$lock")" ]]; then exit 0; fi
echo "setting up .venv from $lock (once; about a minute) ..."
[[ -x .venv/bin/python ]] || "$(find_python)" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r "$lock"
digest "$lock" >"$stamp"
# The locks for tests hold those for runs.
if [[ $kind == dev ]]; then digest requirements/run.txt >.venv/.run-stamp; fi
