#!/usr/bin/env bash
# `make installcheck` passes on servers as they are set up: other encodings, locales, zones,
# ports, superusers, and settings that change how values are shown or strings are read.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/tap.sh

# installcheck NAME [options of cluster.sh]
installcheck()
{
	local name=$1

	shift
	mkdir "$scratch/$tests"
	# shellcheck disable=SC2016
	succeeds "$name" test/cluster.sh "$@" bash -c '
		source test/lib.sh
		make_with_server installcheck EXTRA_REGRESS_OPTS="--outputdir=$1" || { cat "$1/regression.diffs"; exit 1; }
	' - "$scratch/$tests"
}

# PostgreSQL 19 has no other strings any more.
strings=()
if psql -X -q -d postgres -c 'SET standard_conforming_strings = off' 2>/dev/null; then
	strings=(-c standard_conforming_strings=off)
fi
installcheck "strings and numbers of old" ${strings[@]+"${strings[@]}"} -c extra_float_digits=0 -c quote_all_identifiers=on \
	-c bytea_output=escape -c timezone=Pacific/Chatham -p 6543 -u boss
installcheck "LATIN1, and a server tuned for analysts" -e LATIN1 -l C -c timezone=America/St_Johns -c datestyle=SQL,DMY \
	-c intervalstyle=iso_8601 -c random_page_cost=1.1 -c work_mem=64MB -c max_parallel_workers_per_gather=4 \
	-c jit_above_cost=10 -c default_transaction_isolation=serializable -c transform_null_equals=on
installcheck "SQL_ASCII" -e SQL_ASCII -l C
finish
