#!/usr/bin/env bash
# make report: sets up, builds, installs into a copy of the server, and writes build/report/report.html from the demo's data, beside a throw-away
# cluster.
#
# DATA=orders.csv takes a file with a header that names the customer, the date and the amount, in any order. CONFIG=report.json: another configuration.

[ -z "${DATA-}" ] || [[ $DATA == /* ]] || DATA=$PWD/$DATA
[ -z "${CONFIG-}" ] || [[ $CONFIG == /* ]] || CONFIG=$PWD/$CONFIG
source "$(dirname "${BASH_SOURCE[0]}")/../test/lib.sh"
source test/demo/file.sh

# PGXS has a variable of this name too: it must not reach the make that installs.
file=${DATA-}
config=${CONFIG-}
unset DATA CONFIG

commands=$(mktemp)
trap 'rm -f "$commands"' EXIT
{
	echo 'CREATE SCHEMA loyalty; CREATE EXTENSION loyalty SCHEMA loyalty; ALTER DATABASE postgres SET search_path = public, loyalty; SET search_path = public, loyalty;'
	if [ -n "$file" ]; then
		load_file "$file"
	else
		printf '%s\n' '\i test/demo/load/generate.sql' '\i report/demo.sql'
	fi
} >"$commands"
if [ -z "$config" ]; then
	config=report/report.json
	[ -z "$file" ] || config=report/orders.json
fi

set_up server report
build
mkdir -p build/report

# shellcheck disable=SC2016
test/cluster.sh -i -c shared_buffers=256MB -c work_mem=64MB -c max_parallel_workers_per_gather=2 bash -c '
	psql -X -q -v ON_ERROR_STOP=1 -f "$1" >/dev/null && report/loyalty-report --database postgres --config "$2" --output build/report/report.html
' make-report "$commands" "$config"
echo "$PWD/build/report/report.html"
