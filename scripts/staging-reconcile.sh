#!/usr/bin/env bash
# The runbook's entry point: one staging run, its summary as one line of JSON on stdout, everything else on stderr.
# Set OA_LIGHTNING_OPS_KHALA_URL and OA_LIGHTNING_OPS_SECRET; gateway URLs default to the canonical staging route.
set -uo pipefail
# Closed streams (>&-) go nowhere: Python would start without them.
[[ -e /dev/fd/1 ]] || exec >/dev/null
[[ -e /dev/fd/2 ]] || exec 2>/dev/null
exec 3>&1 1>&2
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 3
export OA_LIGHTNING_OPS_GATEWAY_BASE_URL="${OA_LIGHTNING_OPS_GATEWAY_BASE_URL:-https://l402.openagents.com}"
export OA_LIGHTNING_OPS_CHALLENGE_URL="${OA_LIGHTNING_OPS_CHALLENGE_URL:-https://l402.openagents.com/staging}"
export OA_LIGHTNING_OPS_PROXY_URL="${OA_LIGHTNING_OPS_PROXY_URL:-https://l402.openagents.com/staging}"
bash scripts/setup-venv.sh run </dev/null
code=$?
if [[ $code -ne 0 ]]; then
  steps='{"name":"settings","status":"failed","startedAtMs":null,"durationMs":null,"detail":null}'
  for name in read compile intent snapshot apply rollout health challenge proxy promote confirm rollback; do
    steps+=",{\"name\":\"$name\",\"status\":\"skipped\",\"startedAtMs\":null,\"durationMs\":null,\"detail\":null}"
  done
  now=$(($(date +%s) * 1000))
  printf '{"schemaVersion":1,"ok":false,"requestId":"reconcile:unknown","stack":"hosted","executionPath":"hosted-node","configHash":null,"ruleCount":0,"valid":false,"diagnostics":[],"diagnosticsCount":0,"deploymentId":null,"deploymentStatus":"failed","healthOk":false,"challengeOk":false,"proxyOk":false,"failureCode":null,"failureReason":"setup_failed","failureStage":"settings","cause":null,"remedy":"read the error on stderr: the virtual environment could not be made","imageDigest":null,"rolledBackFrom":null,"rollbackVerified":null,"servingConfigHash":null,"healthDetail":null,"proofSource":null,"spentMsats":0,"invoicesMinted":0,"recordsDelivered":true,"startedAtMs":%s,"finishedAtMs":%s,"steps":[%s]}\n' "$now" "$now" "$steps" >&3
  [[ $code -eq 4 ]] && exit 4
  exit 3
fi
exec .venv/bin/python -m reports.launcher "$@" 1>&3 3>&- </dev/null
