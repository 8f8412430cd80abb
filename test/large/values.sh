#!/usr/bin/env bash
# Values around 1 GB, the most that a datum holds: one below comes out whole, one above is an
# error that names the customer. Takes some 12 GB of memory and minutes, so it isn't among the
# tests of each run: make test-large.

source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"

new_database loyalty_large
run loyalty_large -c "CREATE EXTENSION loyalty" -c "CREATE UNLOGGED TABLE stored (customer bigint, activity activity_set)" -c "ALTER TABLE stored ALTER activity SET STORAGE EXTERNAL"

# timelines LENGTH ANSWER: of a customer with five events, each with a label of that length.
timelines()
{
	run loyalty_large -v VERBOSITY=sqlstate -c "SELECT $2 FROM (SELECT timelines(7, make_event(at => timestamptz '2024-01-01 00:00+00' + n * interval '1 day', label => repeat(chr(96 + n), $1))) AS b FROM generate_series(1, 5) n) q CROSS JOIN LATERAL customer_timelines(q.b) c" 2>&1 || true
}

# context QUERY: SQLSTATE and context of the error that it raises.
context()
{
	run loyalty_large 2>&1 <<-SQL || true
		DO \$\$
		DECLARE
			state text;
			context text;
		BEGIN
			PERFORM c.customer FROM ($1) c;
			RAISE 'no error';
		EXCEPTION WHEN program_limit_exceeded THEN
			GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, context = PG_EXCEPTION_CONTEXT;
			RAISE USING MESSAGE = state || ' ' || split_part(context, E'\n', 1), ERRCODE = 'P0001';
		END \$\$;
	SQL
}

is "$(timelines 200000000 "c.customer, pg_column_size(c.timeline) > 1000000000, (SELECT sum(length(e.label)) FROM timeline_events(c.timeline) e)")" "7|t|1000000000" "a timeline a bit below 1 GB"
is "$(timelines 240000000 "c.customer, pg_column_size(c.timeline)")" "ERROR:  54000" "one above"
is "$(context "SELECT c.customer FROM (SELECT timelines(7, make_event(at => timestamptz '2024-01-01 00:00+00' + n * interval '1 day', label => repeat(chr(96 + n), 240000000))) AS b FROM generate_series(1, 5) n) q CROSS JOIN LATERAL customer_timelines(q.b) c" | sed -nE 's/^ERROR: +P0001: +//p')" "54000 customer 7" "... names the customer"

# put_days COUNT FIRST: a row, in COPY's binary format, of a set of so many days on end, whose first
# one is written as five bytes.
put_days()
{
	printf '\0\2\0\0\0\10\0\0\0\0\0\0\0\11'
	# shellcheck disable=SC2059
	printf "$(printf '\\x%02x' $((($1 + 5) >> 24 & 255)) $((($1 + 5) >> 16 & 255)) $((($1 + 5) >> 8 & 255)) $((($1 + 5) & 255)))"
	# shellcheck disable=SC2059
	printf "\1$2"
	head -c "$(($1 - 1))" /dev/zero | tr '\0' '\1'
}
{
	printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0'
	# days 300,000,000, 700,000,000 and 1,100,000,000 after 2000-01-01
	put_days 400000000 '\x80\x8c\x8d\x9e\x02'
	put_days 400000000 '\x80\x9c\xc9\x9b\x05'
	put_days 400000000 '\x80\xac\x85\x99\x08'
	printf '\377\377'
} >"$scratch/days"
run loyalty_large -c "\\copy stored FROM '$scratch/days' (FORMAT binary)"
rm "$scratch/days"
is "$(run loyalty_large -c "SELECT count(*), sum(activity_count(activity)) FROM stored")" "3|1200000000" "days on end"
is "$(context "SELECT c.customer FROM (SELECT activities(customer, activity) AS b FROM stored) q CROSS JOIN LATERAL customer_activities(q.b) c" | sed -nE 's/^ERROR: +P0001: +//p')" "54000 customer 9" "an activity_set above 1 GB names the customer"
is "$(run loyalty_large -v VERBOSITY=sqlstate -c "SELECT activity_count(a.activity + b.activity + c.activity) FROM (SELECT activity, row_number() OVER (ORDER BY activity_first(activity)) AS n FROM stored) a, (SELECT activity, row_number() OVER (ORDER BY activity_first(activity)) AS n FROM stored) b, (SELECT activity, row_number() OVER (ORDER BY activity_first(activity)) AS n FROM stored) c WHERE (a.n, b.n, c.n) = (1, 2, 3)" 2>&1 || true)" "ERROR:  54000" "... as does a union"
finish
