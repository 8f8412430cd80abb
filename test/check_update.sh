#!/usr/bin/env bash
# The path from one version to the next, tried on a made-up next version: make_update.sh writes the
# script; it says what has to be written by hand, takes that in, and notices what was forgotten.
# Also every script that is there, from the tag of the version that it starts from.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/tap.sh

version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" loyalty.control)
script=src/update/loyalty--$version--$version.next.sql

# next_version NAME: a folder with this version's source, objects and all, as a next version's.
next_version()
{
	next=$scratch/$1
	mkdir -p "$next"
	cp -a loyalty.control Makefile src "$next/"
	[ ! -d build ] || cp -a build "$next/"
	mkdir -p "$next/test"
	cp -a test/reference "$next/test/"
	sed -i "s/^default_version.*/default_version = '$version.next'/" "$next/loyalty.control"
}

# with_made_up: the next version's install script has the part src/core/made_up.sql. The time of
# the Makefile stays, for the objects' sake.
with_made_up()
{
	sed -i 's,^\tsrc/core/volatility.sql$,\tsrc/core/made_up.sql src/core/volatility.sql,' "$next/Makefile"
	touch -r Makefile "$next/Makefile"
}

# An own one: in the tests others install theirs in the meantime.
old=$scratch/old
next_version old
sed -i "s/^default_version.*/default_version = '$version'/" "$old/loyalty.control"

update()
{
	test/make_update.sh "$old" "$next" >"$scratch/output" 2>&1
}

says()
{
	is "$(grep -c -F -- "$1" "$scratch/output")" 1 "${2-... $1}"
}

writes()
{
	is "$(grep -c -x -F -- "$1" "$next/$script")" "${2-1}" "... $1"
}

next_version same
sed -i "s/^default_version.*/default_version = '$version'/" "$next/loyalty.control"
is "$(update || echo refused)" refused "two folders with one version"
says "raise default_version in loyalty.control first"

# ---- what is made without help ----

next_version ordinary
cat >"$next/src/core/made_up.c" <<-'C'
	#include "postgres.h"

	#include "fmgr.h"

	PG_FUNCTION_INFO_V1(loyalty_made_up);

	Datum
	loyalty_made_up(PG_FUNCTION_ARGS)
	{
		PG_RETURN_INT32(42);
	}
C
cat >"$next/src/core/made_up.sql" <<-'SQL'
	CREATE FUNCTION made_up(n int) RETURNS int AS 'MODULE_PATHNAME', 'loyalty_made_up' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
	COMMENT ON FUNCTION made_up(int) IS 'a new one; says "it''s"';
	CREATE TYPE made_up_period;
	CREATE FUNCTION made_up_period_in(text cstring) RETURNS made_up_period AS 'MODULE_PATHNAME', 'loyalty_calendar_period_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
	CREATE FUNCTION made_up_period_out(period made_up_period) RETURNS cstring AS 'MODULE_PATHNAME', 'loyalty_calendar_period_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
	CREATE TYPE made_up_period (INPUT = made_up_period_in, OUTPUT = made_up_period_out, INTERNALLENGTH = VARIABLE, STORAGE = extended);
	\expand core/bytes_operators.sql TYPE=made_up_period VALUE=period
	CREATE CAST (made_up_period AS calendar_period) WITHOUT FUNCTION AS IMPLICIT;
	CREATE FUNCTION made_up_default(period made_up_period DEFAULT 'month') RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC SELECT activity_count('{2024-05-17}', period::calendar_period); END;
	CREATE AGGREGATE made_up_agg(at timestamptz) (SFUNC = activity_agg_add, STYPE = internal, SSPACE = 1024, FINALFUNC = activity_agg_final, COMBINEFUNC = activity_agg_combine,
		SERIALFUNC = activity_agg_serialize, DESERIALFUNC = activity_agg_deserialize, PARALLEL = SAFE);
	COMMENT ON AGGREGATE made_up_agg(timestamptz) IS 'a new one by the session''s zone';
SQL
with_made_up
{
	# gone, replaced, with another result, marked by another comment
	echo "DROP FUNCTION activity_last(activity_set);"
	echo "ALTER FUNCTION activity_first(activity_set) COST 17;"
	echo "DROP FUNCTION activity_gaps(activity_set);"
	echo "CREATE FUNCTION activity_gaps(activity activity_set) RETURNS bigint AS 'MODULE_PATHNAME', 'loyalty_activity_count' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;"
	echo "COMMENT ON FUNCTION activity_gaps(activity_set) IS 'another result';"
	echo "COMMENT ON TYPE activity_set IS 'another comment';"
	echo "COMMENT ON AGGREGATE rollup(activity_set) IS NULL;"
	echo "DROP CAST (date[] AS activity_set);"
	echo "ALTER OPERATOR @> (activity_set, date) SET (RESTRICT = eqsel);"
	echo "ALTER TYPE activity_set SET (STORAGE = external);"
	echo "CREATE OR REPLACE AGGREGATE activity_agg(at timestamptz) (SFUNC = activity_agg_add, STYPE = internal, SSPACE = 999, FINALFUNC = activity_agg_final, COMBINEFUNC = activity_agg_combine,"
	echo "	SERIALFUNC = activity_agg_serialize, DESERIALFUNC = activity_agg_deserialize, PARALLEL = SAFE);"
} >>"$next/src/core/made_up.sql"
is "$(update || { echo refused; cat "$scratch/output"; })" "" "a script is made for new, changed and dropped functions, types, operators, classes, casts, aggregates and comments; tried, it makes of the old version the new one, and what was stored is read as it was"
writes "DROP FUNCTION activity_last(activity activity_set);"
writes "DROP CAST (date[] AS activity_set);"
writes "CREATE OR REPLACE FUNCTION activity_first(activity activity_set) RETURNS date"
writes "COMMENT ON TYPE activity_set IS 'another comment';"
writes "COMMENT ON AGGREGATE rollup(activity activity_set) IS NULL;"
writes "ALTER OPERATOR @> (activity_set, date) SET (RESTRICT = eqsel);"
writes "ALTER TYPE activity_set SET (STORAGE = external);"
writes "SELECT loyalty_restore_volatility();"
is "$(grep -c -E '^(CREATE|DROP|ALTER|COMMENT)' "$next/$script" | awk '{ print ($1 > 40 && $1 < 90) }')" 1 "... and nothing of what has not changed"
is "$(grep -c -F schema_of_the_update_script "$next/$script" || true)" 0 "... in whatever schema"

# ---- what takes a hand ----

next_version by_hand
by_hand=$next/src/update/$version--$version.next.sql
family="ALTER OPERATOR FAMILY activity_set_ops USING hash DROP FUNCTION 2 (activity_set, activity_set);"
# which CREATE AGGREGATE, and so a dump, has no word for
cost="UPDATE pg_catalog.pg_proc SET procost = 77 WHERE oid = 'activity_agg(date)'::regprocedure;"
printf '%s\n' "$family" "$cost" >"$next/src/core/made_up.sql"
with_made_up
is "$(update || echo refused)" refused "a changed operator family"
says "activity_set_ops USING hash has changed in a way that no statement makes of it" "... is named"
mkdir -p "$next/src/update"
echo "$family" >"$by_hand"
is "$(update || echo refused)" refused "what only the catalog tells"
says "write what is missing into $by_hand" "... is noticed when the script is tried"
is "$([ -e "$next/$script" ] && echo there)" "" "... which is not kept"
echo "$cost" >>"$by_hand"
is "$(update || { echo refused; cat "$scratch/output"; })" "" "with what was written by hand a script is made"
writes "$family"
writes "$cost"

# ---- the scripts that are there ----

for file in src/update/loyalty--*--*.sql; do
	[ -e "$file" ] || continue
	name=$(basename "$file" .sql)
	from=${name#loyalty--}
	from=${from%--*}
	if [ "${name##*--}" != "$version" ]; then
		continue
	fi
	next_version current
	cp -a loyalty.control "$next/"
	cp "$file" "$scratch/wanted"
	old=v$from
	is "$(update || { echo refused; cat "$scratch/output"; })" "" "$file is what make_update.sh makes of v$from"
	is "$(diff "$scratch/wanted" "$next/$file" | head -n 5)" "" "... and up to date"
done
finish
