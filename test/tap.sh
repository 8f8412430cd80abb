# shellcheck shell=bash
# What the check_*.sh share; to be sourced. A database of their own, and TAP.
#
# The server is that of PGHOST, PGPORT and PGUSER (a superuser).

set -euo pipefail
unset PGOPTIONS PGTZ PGDATESTYLE PGSERVICE

tests=0
failures=0
scratch=$(mktemp -d)
chmod 755 "$scratch"
databases=()
roles=()

# Removes what the check made.
tap_clean()
{
	local name

	for name in ${databases[@]+"${databases[@]}"}; do
		psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $name WITH (FORCE)" >/dev/null 2>&1 || true
	done
	for name in ${roles[@]+"${roles[@]}"}; do
		psql -X -q -d postgres -c "DROP ROLE IF EXISTS $name" >/dev/null 2>&1 || true
	done
	rm -rf "$scratch"
}
trap tap_clean EXIT

# new_database NAME: an empty one.
new_database()
{
	psql -X -q -d postgres -v ON_ERROR_STOP=1 -c "SET client_min_messages = warning" \
		-c "DROP DATABASE IF EXISTS $1 WITH (FORCE)" -c "CREATE DATABASE $1 TEMPLATE template0"
	databases+=("$1")
}

# new_role NAME OPTIONS
new_role()
{
	psql -X -q -d postgres -v ON_ERROR_STOP=1 -c "SET client_min_messages = warning" \
		-c "DROP ROLE IF EXISTS $1" -c "CREATE ROLE $1 LOGIN ${2-}"
	roles+=("$1")
}

# run DATABASE [psql options]: what SQL on standard input answers, bare.
run()
{
	local database=$1

	shift
	psql -X -q -A -t -d "$database" -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$@"
}

# is GOT WANTED NAME
is()
{
	tests=$((tests + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $tests - $3"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $3"
		printf '%s\n' "got:" "$1" "wanted:" "$2" | head -n 40 | sed 's/^/# /'
	fi
}

# succeeds NAME COMMAND...
succeeds()
{
	local name=$1 status=0

	shift
	"$@" >"$scratch/output" 2>&1 || status=$?
	is "$status$([ "$status" = 0 ] || { echo; head -n 20 "$scratch/output"; })" 0 "$name"
}

finish()
{
	echo "1..$tests"
	[ "$failures" = 0 ]
}
