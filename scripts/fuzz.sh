#!/usr/bin/env bash
# fuzz.sh [TARGET...]: runs libFuzzer on each target for FUZZ_SECONDS (60) from its corpus.
# What it finds is left in build/fuzz/findings/; new inputs go to build/fuzz/corpus/, not to git.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
scripts/configure.sh fuzz
cmake --build build/fuzz -j "${JOBS:-2}" --target fuzz_targets
mkdir -p build/fuzz/findings

if [[ $# -eq 0 ]]; then
  mapfile -t targets < <(sed -nE 's/^salus_fuzz\(NAME (\w+).*/\1/p' fuzz/targets.cmake)
else
  targets=("$@")
fi

passed=0
failed=0
for target in "${targets[@]}"; do
  mkdir -p "build/fuzz/corpus/$target"
  echo "== $target for $seconds s"
  if "build/fuzz/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
      -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/findings/$target-" \
      "build/fuzz/corpus/$target" "fuzz/corpus/$target"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed, 0 skipped"
[[ $failed -eq 0 ]]
