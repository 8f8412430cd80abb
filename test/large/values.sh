#!/usr/bin/env bash
# Values around 1 GB, the most that a datum holds: one below comes out whole, one above is an
# error that names the customer. Takes some 12 GB of memory and minutes, so it isn't among the
# tests of each run: make test-large.

source "$(dirname "${BASH_SOURCE[0]}")/../tap.sh"

new_database loyalty_large
run loyalty_large -c "CREATE EXTENSION loyalty" -c "CREATE UNLOGGED TABLE stored (base activity_base_bigint)" -c "ALTER TABLE stored ALTER base SET STORAGE EXTERNAL"

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

# bytes NUMBER...: as they are.
bytes()
{
	# shellcheck disable=SC2059
	printf "$(printf '\\x%02x' "$@")"
}

# varint NUMBER: as stored values have it.
varint()
{
	local left=$1

	while ((left >= 128)); do
		bytes $((left & 127 | 128))
		left=$((left >> 7))
	done
	bytes "$left"
}

# put_base COUNT FIRST: a row, in COPY's binary format, of a base in which customer 9 has so many
# days on end, from so many after 2000-01-01 on.
put_base()
{
	local body entry entries

	{ bytes 1; varint $((2 * $2)); } >"$scratch/head"
	body=$(($(stat -c %s "$scratch/head") + $1 - 1))
	{ varint 18; varint "$body"; } >"$scratch/entry"
	entry=$(($(stat -c %s "$scratch/entry") + body))
	{ bytes 1 "$ops" 1 0 2 0; varint 1; varint "$entry"; } >"$scratch/base"
	entries=$(($(stat -c %s "$scratch/base") + entry))
	bytes 0 1 $((entries >> 24 & 255)) $((entries >> 16 & 255)) $((entries >> 8 & 255)) $((entries & 255))
	cat "$scratch/base" "$scratch/entry" "$scratch/head"
	head -c "$(($1 - 1))" /dev/zero | tr '\0' '\1'
}
ops=$(run loyalty_large -c "SELECT get_byte(activity_base_bigint_send(activities(1, date '2024-01-01')), 1)")
{
	printf 'PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0'
	put_base 400000000 300000000
	put_base 400000000 700000000
	put_base 400000000 1100000000
	bytes 255 255
} >"$scratch/bases"
run loyalty_large -c "\\copy stored FROM '$scratch/bases' (FORMAT binary)"
rm "$scratch/bases"
is "$(run loyalty_large -c "SELECT c.customer, count(*), sum(activity_count(c.activity)) FROM stored CROSS JOIN LATERAL customer_activities(base) c GROUP BY 1")" "9|3|1200000000" "days on end"
is "$(context "SELECT c.customer FROM (SELECT activities(s.customer, s.activity) AS b FROM stored CROSS JOIN LATERAL customer_activities(base) s) q CROSS JOIN LATERAL customer_activities(q.b) c" | sed -nE 's/^ERROR: +P0001: +//p')" "54000 customer 9" "an activity_set above 1 GB names the customer"
finish
