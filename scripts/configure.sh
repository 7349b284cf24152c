#!/usr/bin/env bash
# configure.sh PRESET: configures a CMake preset, quietly unless it fails.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" > "$log" 2>&1; then
  cat "$log" >&2
  echo "configuring the preset '$preset' failed; is everything installed? (make setup)" >&2
  exit 1
fi
