#!/usr/bin/env bash
# setup.sh [GROUP...]: installs what is missing of the Debian 12 packages in scripts/packages.txt.
# Groups: build test bench nightly; build and test when none is named. Does nothing, in a few
# milliseconds, when everything is there. Works in a bare root without /proc too: no <(...) here.
set -euo pipefail
cd "$(dirname "$0")/.."

groups=("$@")
[[ ${#groups[@]} -gt 0 ]] || groups=(build test)

wanted() {
  local group package choice
  while read -r group package; do
    for choice in "${groups[@]}"; do
      [[ $group == "$choice" ]] && echo "$package"
    done
  done <<< "$(grep -v '^#' scripts/packages.txt)"
  return 0
}

has_group() {
  local group
  for group in "${groups[@]}"; do
    [[ $group == "$1" ]] && return 0
  done
  return 1
}

# The judges in tests/judges/ need Node 18 and Go; one that is there already is used as it is.
node_is_new_enough() {
  local version
  version=$(node --version 2> /dev/null) || return 1
  version=${version#v}
  [[ ${version%%.*} -ge 18 ]]
}

missing_packages() {
  local packages installed package
  mapfile -t packages <<< "$(wanted)"
  if has_group test; then
    command -v go > /dev/null || packages+=(golang-go)
    node_is_new_enough || packages+=(nodejs npm)
  fi
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2> /dev/null |
    sed -n 's/^installed //p') || true
  for package in "${packages[@]}"; do
    grep -qxF "$package" <<< "$installed" || echo "$package"
  done
}

as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  else
    sudo "$@"
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 "$@" < /dev/null
}

install_packages() {
  local log
  if [[ $(id -u) -ne 0 ]] && ! command -v sudo > /dev/null; then
    echo "setup: not root, and there is no sudo. As root, run:" >&2
    echo "  apt-get install -y --no-install-recommends ${missing[*]}" >&2
    return 1
  fi
  log=$(mktemp)
  echo "setup: installing ${#missing[@]} Debian packages, which may take minutes: ${missing[*]}"
  if ! apt update > "$log" 2>&1; then
    echo "setup: apt-get update failed; trying with the package lists that are there" >&2
    tail -n 5 "$log" >&2
  fi
  if ! apt install --no-install-recommends "${missing[@]}" > "$log" 2>&1; then
    tail -n 25 "$log" >&2
    rm -f "$log"
    echo "setup: apt-get could not install: ${missing[*]}" >&2
    echo "setup: Salus builds on Debian 12 (main and security archives). Check the network and" \
         "/etc/apt/sources.list, then run 'make setup' again." >&2
    return 1
  fi
  rm -f "$log"
}

# Fetches the outside judges' packages once for each lock file. Without a network the tests that
# need them say that they are skipped.
install_judges() {
  local lock stamp
  for lock in tests/judges/package-lock.json tests/judges/*/package-lock.json; do
    [[ -f $lock ]] || continue
    stamp=$(dirname "$lock")/node_modules/.salus_lock
    cmp -s "$lock" "$stamp" && continue
    if ! command -v npm > /dev/null; then
      echo "setup: there is no npm; the judges in $(dirname "$lock") are skipped" >&2
      continue
    fi
    echo "setup: npm ci in $(dirname "$lock")"
    if npm ci --prefix "$(dirname "$lock")" --no-audit --no-fund --ignore-scripts --loglevel=error \
        < /dev/null; then
      cp "$lock" "$stamp"
    else
      echo "setup: npm ci failed; the judges in $(dirname "$lock") are skipped" >&2
    fi
  done
}

if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
  echo "setup: this is no Debian; the packages that Salus needs stand in scripts/packages.txt." >&2
  echo "setup: going on with what is there" >&2
else
  read -r -d '' -a missing <<< "$(missing_packages)" || true
  [[ ${#missing[@]} -eq 0 ]] || install_packages
fi
if has_group test; then
  install_judges
fi
