#!/usr/bin/env bash
# bench.sh [NAME...]: builds the benchmarks and runs them all, or those named.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/release
cmake --build "$build" -j "${JOBS:-2}" --target benchmarks
if [[ $# -eq 0 ]]; then
  mapfile -t names < <(sed -nE 's/^salus_bench\(NAME (\w+).*/\1/p' bench/targets.cmake)
else
  names=("$@")
fi
if [[ ${#names[@]} -eq 0 ]]; then
  echo "no benchmark is registered in bench/targets.cmake"
fi

grep -m1 'model name' /proc/cpuinfo | sed 's/.*: /processor: /'
echo "cores: $(nproc), kernel: $(uname -r), compiler: $(g++ -dumpfullversion)"
for name in "${names[@]}"; do
  echo "== $name"
  "$build/bench/$name"
done
