#!/bin/sh
# run.sh WORK_FOLDER WRITE_EVENTS VECTORS: our AuditEvents before Medplum's validator.
# Where it can't run it says so by name, and is counted as skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$1
write_events=$2
vectors=${SALUS_VECTORS:-$3}

skip() {
  echo "skipped: judge_fhir: $1"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

[ -d "$vectors/audit/balp/profiles" ] || skip "vectors not found"
command -v node >/dev/null || skip "node not found"
command -v npm >/dev/null || skip "npm not found"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || skip "needs Node 20 or newer"

mkdir -p "$work"
cp "$here/package.json" "$here/package-lock.json" "$here/judge.mjs" "$work"
if ! cmp -s "$work/package-lock.json" "$work/node_modules/.installed"; then
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1) ||
    skip "npm ci failed (see npm.log)"
  cp "$work/package-lock.json" "$work/node_modules/.installed"
fi
rm -rf "$work/events"
mkdir "$work/events"
"$write_events" "$work/events"
node "$work/judge.mjs" "$work/events" "$vectors/audit/balp/profiles"
