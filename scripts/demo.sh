#!/usr/bin/env bash
# demo.sh [--serve]: runs the demo on the release build, which `make demo` has made before.
set -euo pipefail
cd "$(dirname "$0")/.."
exec python3 scripts/demo.py "$@"
