#!/usr/bin/env bash
# pg_dump and restore of tables with every type, as SQL and in the custom format, and a
# binary COPY out and in: everything is as it was.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
here=$(dirname "$0")

for name in loyalty_dump loyalty_restored loyalty_restored_custom loyalty_copied; do
	new_database "$name"
done
run loyalty_dump <<-SQL
	CREATE SCHEMA loyalty;
	CREATE EXTENSION loyalty SCHEMA loyalty;
	ALTER DATABASE loyalty_dump SET search_path = public, loyalty;
SQL
run loyalty_dump -f "$here/reference/every_type.sql"
is "$(run loyalty_dump -f "$here/reference/own_types.sql" -c "
	SELECT typname FROM own_type t WHERE NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid AND relkind = 'r' WHERE atttypid = t.oid)" -c 'DROP VIEW own_type')" "" "a column of every type"

# What is in a database, in text.
contents()
{
	run "$1" -f "$here/reference/contents.sql"
}
contents loyalty_dump >"$scratch/original"
is "$(wc -l <"$scratch/original" | awk '{ print ($1 > 400) }')" 1 "there is something to dump"

succeeds "pg_dump" pg_dump -d loyalty_dump -f "$scratch/dump.sql"
succeeds "restore" psql -X -q -v ON_ERROR_STOP=1 -d loyalty_restored -f "$scratch/dump.sql"
contents loyalty_restored >"$scratch/restored"
is "$(diff "$scratch/original" "$scratch/restored" | head -n 5)" "" "all is as it was"

PGTZ=Pacific/Apia PGDATESTYLE=German succeeds "pg_dump by a session with another zone and date style" pg_dump -Fc -d loyalty_dump -f "$scratch/dump.custom"
PGTZ=America/New_York succeeds "pg_restore by yet another" pg_restore --exit-on-error -d loyalty_restored_custom "$scratch/dump.custom"
contents loyalty_restored_custom >"$scratch/restored"
is "$(diff "$scratch/original" "$scratch/restored" | head -n 5)" "" "all is as it was"

# binary
run loyalty_copied <<-SQL
	CREATE SCHEMA loyalty;
	CREATE EXTENSION loyalty SCHEMA loyalty;
	ALTER DATABASE loyalty_copied SET search_path = public, loyalty;
SQL
pg_dump --schema-only -t per_customer -t whole -t dashboard -d loyalty_dump | psql -X -q -d loyalty_copied >/dev/null
for table in per_customer whole; do
	succeeds "binary COPY of $table out" psql -X -q -v ON_ERROR_STOP=1 -d loyalty_dump -c "\\copy $table TO '$scratch/$table.bin' (FORMAT binary)"
	succeeds "... and in" psql -X -q -v ON_ERROR_STOP=1 -d loyalty_copied -c "\\copy $table FROM '$scratch/$table.bin' (FORMAT binary)"
	# without arrays, whose binary form holds the type's OID, which is another one in another database
	columns=$(run loyalty_copied -c "SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum > 0 AND attndims = 0")
	for database in loyalty_dump loyalty_copied; do
		psql -X -q -v ON_ERROR_STOP=1 -d "$database" -c "\\copy (SELECT $columns FROM $table ORDER BY 1) TO '$scratch/$database.bin' (FORMAT binary)"
	done
	is "$(cmp "$scratch/loyalty_dump.bin" "$scratch/loyalty_copied.bin" 2>&1)" "" "... and out: the same bytes"
done
contents loyalty_copied >"$scratch/copied"
is "$(diff "$scratch/original" "$scratch/copied" | head -n 5)" "" "all is as it was"

finish
