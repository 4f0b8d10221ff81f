#!/usr/bin/env bash
# pytest -m staging in this checkout's own .venv, which is set up when it is missing or stale.
#   scripts/staging.sh --stack=embedded     the whole loop on loopback
#   scripts/staging.sh                      hosted staging, configured by the environment (README: "Settings")
set -euo pipefail
# Closed streams (>&-) go nowhere: Python would start without them.
[[ -e /dev/fd/1 ]] || exec >/dev/null
[[ -e /dev/fd/2 ]] || exec 2>/dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash scripts/setup-venv.sh run
exec .venv/bin/python -m pytest -m staging "$@"
