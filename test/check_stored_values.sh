#!/usr/bin/env bash
# What this version and older ones stored (stored_values/*.csv) is read as the values that it was. A
# type without a stored value fails.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
here=$(dirname "$0")

new_database loyalty_stored
run loyalty_stored -c 'CREATE EXTENSION loyalty' -f "$here/reference/raw_casts.sql"
version=$(run loyalty_stored -c "SELECT extversion FROM pg_extension WHERE extname = 'loyalty'")
is "$(ls "$here/stored_values/$version.csv" 2>&1)" "$here/stored_values/$version.csv" "there are values that version $version stored"

for file in "$here"/stored_values/*.csv; do
	name=$(basename "$file" .csv)
	run loyalty_stored -c 'DROP TABLE IF EXISTS stored_value' -c 'CREATE TABLE stored_value (type text, bytes bytea, text text)' -c "\\copy stored_value FROM '$file' (FORMAT csv, HEADER)" 2>"$scratch/notices"
	[ "$name" != "$version" ] ||
		is "$(run loyalty_stored -c 'SELECT type FROM own_type EXCEPT SELECT type::regtype FROM stored_value')" "" "... of every type"
	for type in $(run loyalty_stored -c 'SELECT DISTINCT type FROM stored_value ORDER BY 1'); do
		# read from the bytes, from the text, and from what both are written as
		is "$(run loyalty_stored <<-SQL 2>&1
			CREATE TEMP TABLE value AS SELECT bytes::$type AS stored, text::$type AS told, text FROM stored_value WHERE type = '$type';
			SELECT 'stored: ' || text FROM value WHERE (stored = told) IS NOT TRUE;
			SELECT 'written: ' || text FROM value WHERE (stored::text::$type = stored) IS NOT TRUE;
			\copy value (stored) TO '$scratch/value.bin' (FORMAT binary)
			CREATE TEMP TABLE sent (value $type);
			\copy sent FROM '$scratch/value.bin' (FORMAT binary)
			SELECT 'sent: ' || value::text FROM (SELECT value FROM sent EXCEPT SELECT told FROM value) q;
			SELECT 'different: ' || count(*) FROM value HAVING count(*) = 0;
		SQL
		)" "" "$name: $type"
	done
done
finish
