#!/usr/bin/env bash
# make stored-values: writes test/stored_values/VERSION.csv, values of every type as this version
# stores them: the type, the bytes in hex, the text. Each later version must read them as the
# values that they were: check_stored_values.sh sees to it.
#
# Nothing is frozen before 1.0 is released: until then the file is written anew where a stored form
# changes. After that a new version adds a file of its own, and the older ones stay as they are.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "${1-}" != --beside-cluster ]; then
	set_up server
	build
	exec test/cluster.sh -i test/stored_values.sh --beside-cluster
fi

version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" loyalty.control)
file=test/stored_values/$version.csv
if git rev-parse -q --verify "refs/tags/v$version" >/dev/null 2>&1; then
	die "$version is released: what it stored stays as it was"
fi
psql -X -q -v ON_ERROR_STOP=1 -d postgres -c 'CREATE EXTENSION loyalty'
psql -X -q -v ON_ERROR_STOP=1 -d postgres -v rows=60 -f test/reference/every_type.sql
psql -X -q -v ON_ERROR_STOP=1 -d postgres -f test/reference/stored_values.sql
mkdir -p "$(dirname "$file")"
psql -X -q -v ON_ERROR_STOP=1 -d postgres -c '\copy stored_value TO STDOUT (FORMAT csv, HEADER)' >"$file"
echo "$file: $(($(wc -l <"$file") - 1)) values"
