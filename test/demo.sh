#!/usr/bin/env bash
# make demo: sets up, builds, installs, and shows what the extension answers, beside a
# throw-away cluster. test/demo/*.sql run in the order of their names.
#
# DATA=orders.csv takes a file with a header that names the customer, the date and the
# amount, in any order; without it the demo makes up its own data.

[ -z "${DATA-}" ] || [[ $DATA == /* ]] || DATA=$PWD/$DATA
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/demo/file.sh

# PGXS has a variable of this name too: it must not reach the make that installs.
file=${DATA-}
unset DATA

commands=$(mktemp)
trap 'rm -f "$commands"' EXIT
if [ -n "$file" ]; then
	load_file "$file" >"$commands"
else
	echo '\i test/demo/load/generate.sql' >"$commands"
fi

set_up server
build

for section in test/demo/*.sql; do
	printf '\\i %s\n' "$section"
done >>"$commands"

test/cluster.sh -i -c shared_buffers=256MB -c work_mem=64MB \
	psql -X -q -v ON_ERROR_STOP=1 -f <(
		cat <<-'SQL'
			\set SHOW_CONTEXT never
			\pset pager off
			\pset footer off
			\pset linestyle ascii
			SET client_min_messages = warning;
			CREATE SCHEMA loyalty;
			CREATE EXTENSION loyalty SCHEMA loyalty;
			SET search_path = public, loyalty;
		SQL
		cat "$commands"
	)
