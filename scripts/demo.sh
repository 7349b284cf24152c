#!/usr/bin/env bash
# demo.sh [--serve]: runs the demo of the release build, which `make demo` has made before.
set -euo pipefail
cd "$(dirname "$0")/.."

salus=build/release/apps/salus/salus
if [[ -x $salus ]]; then
  exec "$salus" demo "$@"
fi
echo "The demo needs the salus command, which this tree does not build yet."
echo "What is built and tested so far:"
for folder in src/*/; do
  module=$(basename "$folder")
  [[ -f build/release/src/$module/libsalus_$module.a ]] && echo "  $module"
done
exit 0
