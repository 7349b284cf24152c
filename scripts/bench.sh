#!/usr/bin/env bash
# bench.sh [quick] [SECTION...]: runs the whole-system bench, or some of its sections, prints one
# table and writes results/bench-DATE.json.
# bench.sh micro, bench.sh NAME_bench...: the modules' own benchmarks (Google Benchmark) instead.
#
# Sections: disk embedded w100 server history postgres proxy; and, only when they are named: open, a
# directory of a million patients, which takes long to make; seal, files beside age, GnuPG and
# openssl cms; prio3, aggregation beside npm's, and beside libprio-rs where LIBPRIO is a checkout of
# it, built outside the tree. Set by environment: EVENTS, PATIENTS, SINGLE_EVENTS, POSTGRES_SECONDS,
# OPEN_PATIENTS, SEAL_MIB, LIBPRIO, BENCH_DIR (a folder on the disk to measure), JOBS.
# docs/performance.md says what is measured, and how.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/release
bin=$build/bench
jobs=${JOBS:-2}
failed=()

run_micro() {
  local names=("$@") name
  if [[ ${#names[@]} -eq 0 ]]; then
    mapfile -t names < <(sed -nE 's/^salus_bench\(NAME (\w+).*/\1/p' bench/targets.cmake)
  fi
  cmake --build "$build" -j "$jobs" --target "${names[@]}"
  grep -m1 'model name' /proc/cpuinfo | sed 's/.*: /processor: /'
  echo "cores: $(nproc), kernel: $(uname -r), compiler: $(g++ -dumpfullversion)"
  for name in "${names[@]}"; do
    echo "== $name"
    "$build/bench/$name"
  done
}

if [[ ${1:-} == micro ]]; then
  shift
  run_micro "$@"
  exit
elif [[ ${1:-} == *_bench ]]; then
  run_micro "$@"
  exit
fi

size=full
if [[ ${1:-} == quick ]]; then
  size=quick
  shift
fi
sections=("$@")
[[ ${#sections[@]} -gt 0 ]] || sections=(disk embedded w100 server history postgres proxy)

if [[ $size == quick ]]; then
  events=${EVENTS:-200000} patients=${PATIENTS:-2000} single=${SINGLE_EVENTS:-20000}
  idle=500 postgres_seconds=${POSTGRES_SECONDS:-2} probe_seconds=1
  seal_mib=${SEAL_MIB:-64} seal_files=1000
else
  events=${EVENTS:-10000000} patients=${PATIENTS:-20000} single=${SINGLE_EVENTS:-1000000}
  idle=2000 postgres_seconds=${POSTGRES_SECONDS:-10} probe_seconds=3
  seal_mib=${SEAL_MIB:-1024} seal_files=10000
fi
open_patients=${OPEN_PATIENTS:-1000000}

build_all() {
  local target
  if [[ " ${sections[*]} " == *" prio3 "* ]]; then
    cmake --build "$build" -j "$jobs" --target prio3_bench
    [[ ${sections[*]} != prio3 ]] || return 0
  fi
  [[ ${sections[*]} == seal ]] ||
    cmake --build "$build" -j "$jobs" --target system_benchmarks
  for target in salusd salus; do
    cmake --build "$build" -j "$jobs" --target "$target" > "$base/build.log" 2>&1 ||
      echo "bench: $target does not build; what needs it is left out" >&2
  done
}

# section NAME COMMAND...: its figures go into the report; its failure is told at the end.
section() {
  local name=$1
  shift
  echo "== $name" >&2
  mkdir "$base/$name"
  "$@" >> "$figures" || failed+=("$name")
  rm -rf "${base:?}/$name"
}

disk() { "$bin/disk_probe" --directory "$base/disk" --seconds "$probe_seconds"; }

# embedded SECTION PATIENTS: half as much again goes in at half of the speed.
embedded() {
  local directory=$base/$1/data
  "$bin/workload" --events $((events * 3 / 2)) --patients "$2" --seed 1 |
    "$bin/embedded_bench" --section "$1" --directory "$directory" --events "$events" \
      --paced $((events / 2)) --patients "$2" --seed 1 || return 1
  [[ ! -x $bin/verify_bench ]] || "$bin/verify_bench" --section "$1" --directory "$directory"
}

server() {
  local program=$build/apps/salusd/salusd
  [[ -x $program ]] || { echo "bench: no $program" >&2; return 1; }
  "$bin/server_bench" --directory "$base/server" --salusd "$program" --events "$events" \
    --single-events "$single" --idle "$idle" --patients "$patients"
}

history() {
  local programs=()
  if [[ -x $build/apps/salus/salus && -x $build/apps/salusd/salusd ]]; then
    programs=(--salus "$build/apps/salus/salus" --salusd "$build/apps/salusd/salusd")
  fi
  "$bin/history_bench" --directory "$base/history" --events "$events" --patients "$patients" \
    "${programs[@]}"
}

seal() {
  bench/seal_bench.py --salus "$build/apps/salus/salus" --directory "$base/seal/files" \
    --size "$seal_mib" --files "$seal_files"
}

prio3() {
  local rounds=5 others=()
  [[ $size == full ]] || rounds=1
  [[ -z ${LIBPRIO:-} ]] || others=(--libprio "$LIBPRIO")
  bench/prio3_bench.py --bench "$bin/prio3_bench" --rounds "$rounds" "${others[@]}"
}

proxy() {
  local rounds=5 seconds=5
  [[ $size == full ]] || rounds=1 seconds=2
  [[ -x $build/apps/salus/salus ]] || { echo "bench: no salus" >&2; return 1; }
  bench/proxy_bench.py --directory "$base/proxy" --salus "$build/apps/salus/salus" \
    --rounds "$rounds" --seconds "$seconds"
}

run_section() {
  case $1 in
    disk) section disk disk ;;
    embedded) section embedded embedded embedded "$patients" ;;
    w100) section w100 embedded w100 $((patients * 5)) ;;
    open) section open embedded open "$open_patients" ;;
    server) section server server ;;
    history) section history history ;;
    seal) section seal seal ;;
    prio3) section prio3 prio3 ;;
    proxy) section proxy proxy ;;
    postgres) section postgres bench/postgres/postgres.sh "$base/postgres" "$postgres_seconds" ;;
    *) echo "bench: there is no section '$1'" >&2 && return 2 ;;
  esac
}

base=$(mktemp -d "${BENCH_DIR:-/var/tmp}/salus-bench.XXXXXX")
chmod 711 "$base" # PostgreSQL's own user passes through
trap 'rm -rf "$base"' EXIT
trap 'exit 130' INT TERM
figures=$base/figures.ndjson

build_all
load=$(cut -d ' ' -f 1 /proc/loadavg)
for name in "${sections[@]}"; do run_section "$name"; done

bench/report.py --figures "$figures" --size "$size" --events "$events" --patients "$patients" \
  --disk "$base" --load "$load" --results results
if [[ ${#failed[@]} -gt 0 ]]; then
  echo "bench: failed: ${failed[*]}" >&2
  exit 1
fi
