#!/usr/bin/env bash
# make bench: generates orders, runs each query beside its peers, and prints a table of
# medians and ratios with the bar that each is held to.
#
#	ROWS, CUSTOMERS	size of the data (10,000,000 orders, 500,000 customers)
#	RUNS			how often each query is run (5)
#	ONLY			a regular expression: just the rows whose name matches
#	KEEP			a folder that keeps the data between runs
#	SHARED_BUFFERS	default 4GB, so that the tables stay cached (a scan of a table larger than
#					a quarter of it goes past the cache)

source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

export ROWS=${ROWS:-10000000} CUSTOMERS=${CUSTOMERS:-500000} RUNS=${RUNS:-5} ONLY=${ONLY-}

if [ "${1-}" != --beside-cluster ]; then
	set_up server bench
	build
	[ -d test/bench/node_modules/@duckdb/node-api ] || (cd test/bench && quietly npm ci --no-audit --no-fund) ||
		echo 'DuckDB is not to be had: its rows are left out' >&2
	cluster=(test/cluster.sh -i -c "shared_buffers=${SHARED_BUFFERS:-4GB}" -c maintenance_work_mem=1GB
		-c max_wal_size=16GB -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off -c jit=off)
	[ -z "${KEEP-}" ] || cluster+=(-k "$KEEP")
	exec "${cluster[@]}" test/bench/run.sh --beside-cluster
fi

# What generate.sql makes; another number where that changes, so that kept data is made anew.
data='data 3'
have=$(psql -X -Atc "SELECT obj_description('public.orders'::regclass)" 2>/dev/null || true)
if [ "$have" != "$ROWS rows of $CUSTOMERS customers, $data" ]; then
	echo "generating $ROWS orders of $CUSTOMERS customers" >&2
	psql -X -q -v ON_ERROR_STOP=1 -v rows="$ROWS" -v customers="$CUSTOMERS" -v data="$data" -f test/bench/generate.sql
fi
psql -X -q -v ON_ERROR_STOP=1 -f test/bench/prepare.sql >/dev/null

# DuckDB and ClickHouse keep their tables here; nothing is written in the project's folder.
BENCH_DIR=$(mktemp -d)
export BENCH_DIR
trap 'rm -rf "$BENCH_DIR"' EXIT
node test/bench/bench.mjs
