#!/usr/bin/env bash
# make bench: generates orders, runs each query beside its peers, and prints a table of
# medians and ratios with the bar that each is held to.
#
#	ROWS, CUSTOMERS	size of the data (10,000,000 orders, 500,000 customers). Several ROWS, as in '5000000 10000000', measure
#					instead how the cost grows with them, a twentieth being customers
#	RUNS			how often each query is run (5)
#	ONLY			a regular expression: just the rows whose name matches
#	KEEP			a folder that keeps the data between runs
#	SHARED_BUFFERS	default 4GB, so that the tables stay cached (a scan of a table larger than
#					a quarter of it goes past the cache)
#	HUGE_PAGES		on: the server's shared memory lies in huge pages, which the system gives meanwhile, and so does that of
#					parallel queries (min_dynamic_shared_memory); transparent: the same as transparent huge pages. Needs root, and
#					a system that lets it: else nothing is measured, and why is told

source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

export ROWS=${ROWS:-10000000} RUNS=${RUNS:-5} ONLY=${ONLY-} HUGE_PAGES=${HUGE_PAGES-}
read -r -a sizes <<<"$ROWS"
[ ${#sizes[@]} -gt 1 ] || export CUSTOMERS=${CUSTOMERS:-500000}

restore=()

# kernel FILE VALUE: sets it until the end.
kernel()
{
	local before

	before=$(sed -E 's/.*\[(.*)\].*/\1/' "$1" 2>/dev/null) && as_root tee "$1" <<<"$2" >/dev/null 2>&1 || return
	restore+=("$before" "$1")
}

restore_kernel()
{
	local i

	for ((i = 0; i < ${#restore[@]}; i += 2)); do
		as_root tee "${restore[i + 1]}" <<<"${restore[i]}" >/dev/null
	done
}

if [ "${1-}" != --beside-cluster ]; then
	cluster=(test/cluster.sh -i -c "shared_buffers=${SHARED_BUFFERS:-4GB}" -c maintenance_work_mem=1GB
		-c max_wal_size=16GB -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off -c jit=off)
	case $HUGE_PAGES in
		'' | off) export HUGE_PAGES= ;;
		on)
			# As many as are asked for, of the memory that is free.
			kernel /proc/sys/vm/nr_overcommit_hugepages 1000000 || { echo 'huge pages: this system does not let them be set; skipped'; exit; }
			cluster+=(-c huge_pages=on -c min_dynamic_shared_memory=1GB)
			;;
		transparent)
			kernel /sys/kernel/mm/transparent_hugepage/shmem_enabled always || { echo 'transparent huge pages: this system does not let them be set; skipped'; exit; }
			cluster+=(-c huge_pages=off -c min_dynamic_shared_memory=1GB)
			;;
		*) die "HUGE_PAGES is on, transparent or off, not $HUGE_PAGES" ;;
	esac
	trap restore_kernel EXIT
	set_up server bench
	build
	[ -d test/bench/node_modules/@duckdb/node-api ] || (cd test/bench && quietly npm ci --no-audit --no-fund) ||
		echo 'DuckDB is not to be had: its rows are left out' >&2
	[ -z "${KEEP-}" ] || cluster+=(-k "$KEEP")
	"${cluster[@]}" test/bench/run.sh --beside-cluster
	exit
fi

# What generate.sql makes; another number where that changes, so that kept data is made anew.
data='data 4'

# fill DATABASE ROWS CUSTOMERS ALL: makes the data, where they are not there; and the extension as it is now.
fill()
{
	local have comment="$2 rows of $3 customers, $data"

	have=$(psql -X -d "$1" -Atc "SELECT obj_description('public.orders'::regclass)" 2>/dev/null || true)
	if [ "$have" != "$comment" ]; then
		echo "generating $2 orders of $3 customers" >&2
		psql -X -q -d "$1" -v ON_ERROR_STOP=1 -v rows="$2" -v customers="$3" -v all="$4" -v comment="$comment" -f test/bench/generate.sql
	fi
	psql -X -q -d "$1" -v ON_ERROR_STOP=1 -v all="$4" -f test/bench/prepare.sql >/dev/null
}

if [ ${#sizes[@]} -gt 1 ]; then
	for rows in "${sizes[@]}"; do
		psql -X -q -c "CREATE DATABASE rows_$rows" 2>/dev/null || true
		fill "rows_$rows" "$rows" $((rows / 20)) no
	done
	node test/bench/growth.mjs
	exit
fi
fill postgres "$ROWS" "$CUSTOMERS" yes

# DuckDB and ClickHouse keep their tables here; nothing is written in the project's folder.
BENCH_DIR=$(mktemp -d)
export BENCH_DIR
trap 'rm -rf "$BENCH_DIR"' EXIT
node test/bench/bench.mjs
