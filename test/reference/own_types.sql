--
-- The types of the extension as the catalog has them: a test of every type
-- takes its list from here, so that it fails where one was forgotten.
--
CREATE VIEW own_type AS
SELECT t.*
FROM pg_type t JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'loyalty'
WHERE t.typtype IN ('b', 'd') AND t.typcategory <> 'A';
