#!/usr/bin/env bash
# nightly.sh: the long forms of the fault tests, every test with sanitizers, data races, clang-tidy
# on every file, and fuzzing.
# Runs all stages, also after one has failed, and ends with what failed.
set -uo pipefail
cd "$(dirname "$0")/.."

jobs=${JOBS:-2}
failed=()

stage() {
  local name=$1
  shift
  echo "==== $name"
  "$@" || failed+=("$name")
}

sanitized() {
  scripts/configure.sh "$1" &&
    cmake --build "build/$1" -j "$jobs" &&
    SALUS_HOSTILE_PATIENTS=6 tools/run_tests.py --build "build/$1" --timeout 7200 -j "$jobs" \
      -E house
}

long_faults() {
  local long="tamper|kill|kill_salusd|syscall|disk_full|midnight|size|audit|proxy_acme|seal"
  long+="|aggregate|integration_proxy_slow"
  scripts/configure.sh release &&
    cmake --build build/release -j "$jobs" &&
    SALUS_NIGHTLY=1 SALUS_HOSTILE_PATIENTS=1000 tools/run_tests.py --build build/release \
      --timeout 14400 -j "$jobs" -R "^(($long)_test|tls_judges|seal_age_judge)$"
}

stage "long fault loops" long_faults
stage "address and undefined behaviour" sanitized asan
stage "data races" sanitized tsan
stage "clang-tidy" scripts/clang_tidy.sh --all
stage "fuzzing" env FUZZ_SECONDS="${FUZZ_SECONDS:-600}" scripts/fuzz.sh

if [[ ${#failed[@]} -gt 0 ]]; then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
echo "all stages passed"
