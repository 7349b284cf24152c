#!/usr/bin/env bash
# postgres.sh DIRECTORY SECONDS: the same events into PostgreSQL with pgcrypto, in a cluster of its
# own under DIRECTORY, which is stopped and deleted at the end. A private socket, no TCP; fsync and
# synchronous_commit as they should be. Figures as JSON lines on the standard output.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
workload=$here/../../build/release/bench/workload
seconds=$2
rows=100000 # of the workload, stored beforehand
batch=1000

bin=/usr/lib/postgresql/15/bin
if [[ ! -x $bin/postgres ]]; then
  echo "postgres.sh: PostgreSQL 15 is not installed (scripts/setup.sh bench)" >&2
  exit 1
fi
as_owner=()
if [[ $(id -u) -eq 0 ]]; then
  owner=postgres
  id postgres > /dev/null 2>&1 || owner=nobody
  as_owner=(runuser -u "$owner" --) # PostgreSQL refuses to run as root
fi

base=$(mktemp -d "$1/pg.XXXXXX")
chmod 711 "$base"
mkdir -m 700 "$base/data" "$base/socket"
[[ ${#as_owner[@]} -eq 0 ]] || chown "$owner" "$base" "$base/data" "$base/socket"

server_pid() { head -n 1 "$base/data/postmaster.pid" 2> /dev/null; }

stop() {
  local pid
  trap - EXIT
  if pid=$(server_pid); then
    kill -INT "$pid" 2> /dev/null || true
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
  fi
  rm -rf "$base"
}
trap stop EXIT
trap 'exit 130' INT TERM

sql() {
  "${as_owner[@]}" "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$base/socket" -U bench -d postgres "$@"
}

start() {
  cd /
  "${as_owner[@]}" "$bin/initdb" -D "$base/data" -U bench -A peer -E UTF8 --no-locale -N \
    > "$base/initdb.log" 2>&1 || { cat "$base/initdb.log" >&2; return 1; }
  # The socket's folder is the owner's alone; nobody else can come in.
  echo "local all all trust" | "${as_owner[@]}" tee "$base/data/pg_hba.conf" > /dev/null
  "${as_owner[@]}" "$bin/postgres" -D "$base/data" -c listen_addresses= \
    -c unix_socket_directories="$base/socket" -c unix_socket_permissions=0700 \
    -c fsync=on -c synchronous_commit=on -c full_page_writes=on \
    -c shared_buffers=512MB -c max_wal_size=8GB -c wal_buffers=16MB \
    > "$base/server.log" 2>&1 < /dev/null &
  for _ in $(seq 100); do
    sql -c 'select 1' > /dev/null 2>&1 && return 0
    sleep 0.1
  done
  tail -n 20 "$base/server.log" >&2
  return 1
}

figure() { # NAME VALUE UNIT
  printf '{"section":"postgresql","name":"%s","value":%s,"unit":"%s"}\n' "$1" "$2" "$3"
}

# run NAME CONNECTIONS ROWS SCRIPT: a closed loop of pgbench; rows a second.
run() {
  local name=$1 connections=$2 rows_each=$3 output tps
  printf '%s\n' "$4" > "$base/run.sql"
  chmod 644 "$base/run.sql"
  output=$("${as_owner[@]}" "$bin/pgbench" -n -M prepared -c "$connections" -j 2 -T "$seconds" \
    -h "$base/socket" -U bench -f "$base/run.sql" postgres 2> "$base/pgbench.log") ||
    { cat "$base/pgbench.log" >&2; return 1; }
  tps=$(sed -nE 's/^tps = ([0-9.]+).*/\1/p' <<< "$output")
  echo "  PostgreSQL: $name, connections: $connections" >&2
  figure "$name, connections: $connections" \
    "$(awk -v t="$tps" -v r="$rows_each" 'BEGIN {print t * r}')" rows/s
}

row_size() { # NAME TABLE
  local bytes
  bytes=$(sql -At -c "select pg_total_relation_size('$2') / greatest(count(*), 1) from $2")
  figure "$1, size" "$bytes" B/row
}

one="\\set n random(1, $rows)"
many="\\set n random(1, $((rows - batch)))"
some="from workload where n >= :n and n < :n + $batch"

start
sql < "$here/schema.sql"
"$workload" --events "$rows" --patients 20000 --seed 7 |
  sql -c 'copy workload (event) from stdin'
sql -c 'vacuum analyze workload' -c 'checkpoint'

run "plain, 1000-row transactions" 1 $batch \
  "$many"$'\n'"insert into audit_plain (event) select event $some;"
for connections in 1 4 8; do
  run "chained, single rows" "$connections" 1 \
    "$one"$'\n'"insert into audit_chained (event) select event::bytea from workload where n = :n;"
done
for connections in 1 4 8; do
  run "chained, 1000-row transactions" "$connections" $batch \
    "$many"$'\n'"insert into audit_chained (event) select event::bytea $some;"
done
run "chained in one function, 1000-row transactions" 1 $batch \
  "$many"$'\n'"select append_batch(array(select event $some));"
run "chained in one function, 1000-row transactions" 4 $batch \
  "$many"$'\n'"select append_batch(array(select event $some));"
for connections in 1 4 8; do
  run "naive, single rows" "$connections" 1 \
    "$one"$'\n'"insert into audit_naive (event) select event::bytea from workload where n = :n;"
done
run "naive, 1000-row transactions" 1 $batch \
  "$many"$'\n'"insert into audit_naive (event) select event::bytea $some;"

row_size "chained" audit_chained
row_size "chained in one function" audit_batched
row_size "naive" audit_naive
sql < "$here/verify.sql"
