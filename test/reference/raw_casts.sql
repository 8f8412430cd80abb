--
-- The extension's types, and casts from and to bytea that take the bytes as they stand in a table.
--
CREATE VIEW own_type AS
SELECT t.oid::regtype AS type FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND e.extname = 'loyalty' AND d.deptype = 'e'
WHERE t.typtype = 'b' AND t.typcategory <> 'A';
DO $do$
DECLARE
	type regtype;
BEGIN
	FOR type IN SELECT o.type FROM own_type o LOOP
		EXECUTE format('CREATE CAST (%s AS bytea) WITHOUT FUNCTION', type);
		EXECUTE format('CREATE CAST (bytea AS %s) WITHOUT FUNCTION', type);
	END LOOP;
END
$do$;
