#!/usr/bin/env bash
# The tests of the regtest stack: real Aperture, LND and btcd. Builds the tools when they are not in the cache (README: "Regtest").
#   scripts/regtest.sh            all of them
#   scripts/regtest.sh -k token   words are passed to pytest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ -z ${TOX_ENV_NAME:-} ]]; then
  bash scripts/setup-venv.sh dev
  export PATH="$PWD/.venv/bin:$PATH"
fi
exec python -m pytest -m regtest -n "${REGTEST_WORKERS:-2}" --dist worksteal --durations=10 tests/regtest tests/contracts "$@"
