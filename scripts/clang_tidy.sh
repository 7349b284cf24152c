#!/usr/bin/env bash
# clang_tidy.sh --all | --changed: clang-tidy-19 on all sources, or on those that differ from the
# main branch (at most TIDY_FILES=16 of them, TIDY_SECONDS=420 in all).
# Ends with `N passed, N failed, N skipped`, counted in files.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v clang-tidy-19 > /dev/null; then
  echo "skipped: clang_tidy: clang-tidy-19 is not installed"
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
fi

changed_since() {
  local base
  for base in origin/main main; do
    if git rev-parse -q --verify "$base^{commit}" > /dev/null &&
       [[ $(git rev-parse "$base") != $(git rev-parse HEAD) ]]; then
      git merge-base "$base" HEAD
      return
    fi
  done
  git rev-parse -q --verify HEAD~1 || git hash-object -t tree /dev/null
}

limit=${TIDY_FILES:-16}
deadline=$((SECONDS + ${TIDY_SECONDS:-420}))
case ${1:-} in
  --all)
    mapfile -t files < <(git ls-files 'src/*.cc' 'apps/*.cc' ':!*_test.cc')
    limit=${#files[@]}
    deadline=$((SECONDS + 86400))
    ;;
  --changed)
    mapfile -t files < <(git diff --name-only --diff-filter=d "$(changed_since)" -- \
      'src/*.cc' 'apps/*.cc' ':!*_test.cc')
    ;;
  *)
    echo "usage: clang_tidy.sh --all|--changed" >&2
    exit 2
    ;;
esac

database=build/release
[[ -f $database/compile_commands.json ]] || scripts/configure.sh release
passed=0
failed=0
skipped=0
for file in "${files[@]}"; do
  if ((passed + failed >= limit || SECONDS >= deadline)); then
    skipped=$((skipped + 1))
  elif clang-tidy-19 --quiet -p "$database" --extra-arg=-Wno-unknown-warning-option "$file" \
      2> /dev/null; then
    passed=$((passed + 1))
  else
    echo "$file: clang-tidy found something"
    failed=$((failed + 1))
  fi
done
if ((skipped > 0)); then
  echo "skipped: clang_tidy: $skipped files beyond the limit of files or time; nightly does them"
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
