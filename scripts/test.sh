#!/usr/bin/env bash
# Everything that must hold of this repository: format, lint, types, import contracts, tests, coverage.
#   scripts/test.sh            all of it
#   scripts/test.sh -k outbox  words are passed to pytest; coverage is then not judged
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [[ -z ${TOX_ENV_NAME:-} ]]; then
  bash scripts/setup-venv.sh dev
  export PATH="$PWD/.venv/bin:$PATH"
fi
echo "== ruff";         ruff format --check --quiet . && ruff check --quiet .
echo "== mypy";         mypy
echo "== import-linter"; lint-imports --no-cache
echo "== pytest tests/ (with coverage, in ${TEST_WORKERS:=4} workers)"
rm -f .coverage .coverage.*
coverage run -m pytest -n "$TEST_WORKERS" --maxprocesses "$TEST_WORKERS" tests "$@"
coverage combine --quiet
if [[ $# -eq 0 ]]; then
  coverage report
  echo "== a seeded sample of the fault matrix (all of it: tox -e faults)"
  python -m tests.faults --sample 64 --jobs "$TEST_WORKERS"
fi
