#!/usr/bin/env bash
# pg_dump and restore of tables with every type, as SQL and in the custom format, and a
# binary COPY out and in: everything is as it was.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
here=$(dirname "$0")

for name in loyalty_dump loyalty_restored loyalty_restored_custom loyalty_copied loyalty_views loyalty_views_restored; do
	new_database "$name"
done
run loyalty_dump <<-SQL
	CREATE SCHEMA loyalty;
	CREATE EXTENSION loyalty SCHEMA loyalty;
	ALTER DATABASE loyalty_dump SET search_path = public, loyalty;
SQL
run loyalty_dump -f "$here/reference/every_type.sql"
is "$(run loyalty_dump -f "$here/reference/own_types.sql" -c "
	SELECT typname FROM own_type t WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE atttypid = t.oid AND attrelid = 'whole'::regclass)" -c 'DROP VIEW own_type')" "" "a column of every type"

# What is in a database, in text.
contents()
{
	run "$1" -c 'SET search_path = public, loyalty' -f "$here/reference/contents.sql"
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

# Views over our types, restored: the server writes operators with their schema where they are written
# as operators, but not where they stand behind another word.
run loyalty_views <<-SQL
	CREATE SCHEMA loyalty;
	CREATE EXTENSION loyalty SCHEMA loyalty;
	ALTER DATABASE loyalty_views SET search_path = public, loyalty;
SQL
run loyalty_views <<-SQL
	CREATE TABLE stored (customer int, activity activity_set, timeline event_timeline);
	CREATE VIEW survives_equals AS SELECT activity = '{}' AS answer, activity <> '{}' AS other FROM stored;
	CREATE VIEW survives_searched_case AS SELECT CASE WHEN activity = '{}' THEN 'never' ELSE 'active' END AS answer FROM stored;
	CREATE VIEW survives_join_on AS SELECT a.customer FROM stored a JOIN stored b ON a.activity = b.activity;
	CREATE VIEW survives_distinct AS SELECT DISTINCT activity FROM stored ORDER BY activity;
	CREATE VIEW survives_union AS SELECT timeline FROM stored UNION SELECT timeline FROM stored;
	CREATE VIEW survives_functions AS SELECT activity_last(activity + '{2024-01-01}') AS answer, activity @> date '2024-01-01' AS other FROM stored;
	CREATE VIEW lost_distinct_from AS SELECT activity IS DISTINCT FROM '{}' AS answer FROM stored;
	CREATE VIEW lost_nullif AS SELECT nullif(activity, '{}') AS answer FROM stored;
	CREATE VIEW lost_case AS SELECT CASE activity WHEN '{}' THEN 'never' ELSE 'active' END AS answer FROM stored;
	CREATE VIEW lost_using AS SELECT a.customer FROM stored a JOIN stored b USING (activity);
SQL
pg_dump -d loyalty_views -f "$scratch/views.sql"
psql -X -q -d loyalty_views_restored -f "$scratch/views.sql" >/dev/null 2>&1 || true
is "$(run loyalty_views_restored -c "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace")" \
	"survives_distinct survives_equals survives_functions survives_join_on survives_searched_case survives_union" "views that survive a dump, and those that do not"
is "$(run loyalty_views_restored -c 'SHOW search_path')" "\"\$user\", public" "pg_dump leaves the database's search_path behind"
is "$(pg_dump -C -d loyalty_views | grep -c "^ALTER DATABASE loyalty_views SET search_path TO 'public', 'loyalty';")" 1 "... pg_dump -C takes it along"

# moving the schema
new_role loyalty_mover
run loyalty_views_restored -c 'ALTER DATABASE loyalty_views_restored OWNER TO loyalty_mover' -c 'DROP EXTENSION loyalty CASCADE' -c 'DROP SCHEMA loyalty' >/dev/null 2>&1
is "$(PGUSER=loyalty_mover run loyalty_views_restored -c 'CREATE SCHEMA a' -c 'CREATE SCHEMA b' -c 'CREATE EXTENSION loyalty SCHEMA a' -c 'ALTER EXTENSION loyalty SET SCHEMA b' 2>&1 | sed -n '1s/\(must be owner of\) .*/\1/p')" \
	"ERROR:  42501: must be owner of" "the extension's owner may not move it: its members are the superuser's"
succeeds "a superuser may" run loyalty_views_restored -c 'ALTER EXTENSION loyalty SET SCHEMA b'
psql -X -q -d postgres -c 'DROP DATABASE loyalty_views_restored WITH (FORCE)'

finish
