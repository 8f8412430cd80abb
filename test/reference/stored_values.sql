--
-- The table stored_value of the values that every_type.sql made: up to five of each type, the shortest,
-- as the bytes that stand in a table. A cast that takes the bytes as they are shows them.
--
\ir raw_casts.sql
CREATE TABLE stored_value (type text, bytes bytea, text text, PRIMARY KEY (type, bytes));
DO $do$
DECLARE
	place record;
BEGIN
	FOR place IN
		SELECT a.attrelid::regclass AS table, quote_ident(a.attname) AS name, t.type
		FROM own_type t JOIN pg_attribute a ON a.atttypid = t.type JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
		WHERE a.attnum > 0 AND c.relname <> 'own_type'
	LOOP
		EXECUTE format('INSERT INTO stored_value SELECT DISTINCT %L, %2$s::bytea, %2$s::text FROM %3$s WHERE %2$s IS NOT NULL ON CONFLICT DO NOTHING', place.type, place.name, place.table);
	END LOOP;
	DELETE FROM stored_value WHERE (type, bytes) NOT IN (
		SELECT type, bytes FROM (SELECT type, bytes, row_number() OVER (PARTITION BY type ORDER BY length(bytes), bytes) AS n FROM stored_value) v WHERE n <= 5);
END
$do$;
CLUSTER stored_value USING stored_value_pkey;
