--
-- What sqlsmith sees as the server's functions: it reads pg_proc without
-- naming a schema, and finds this table. Functions of the extension are there
-- three times, so that they make a good part of its queries, and those that
-- return sets say that they don't, since it calls no other. Of the server's,
-- those are left out that sqlsmith can't call (it takes anyrange for a type
-- like others) or that its role may not.
--
CREATE SCHEMA sqlsmith;
-- It asks for arguments by oid, and calls by name: the oids need only be different ones.
CREATE TABLE sqlsmith.pg_proc AS
SELECT (1000000000 + row_number() OVER ())::oid AS oid, p.pronamespace, p.prorettype, p.proname, p.proargtypes, false AS proretset, p.prokind
FROM pg_catalog.pg_proc p
	JOIN pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'loyalty'
	CROSS JOIN generate_series(1, 3)
UNION ALL
SELECT p.oid, p.pronamespace, p.prorettype, p.proname, p.proargtypes, p.proretset, p.prokind
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname !~ '^(pg_|binary_upgrade|lo_|txid_|brin_|gin_)'
	AND NOT EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) t WHERE t::regtype::text ~ '^any|^internal$|^cstring$|range' OR t IN (SELECT oid FROM pg_type WHERE typtype = 'm'));
CREATE INDEX ON sqlsmith.pg_proc (oid);
ANALYZE sqlsmith.pg_proc;
GRANT USAGE ON SCHEMA sqlsmith TO sqlsmith;
GRANT SELECT ON sqlsmith.pg_proc TO sqlsmith;
GRANT ALL ON ALL TABLES IN SCHEMA public TO sqlsmith;
ALTER ROLE sqlsmith SET search_path = sqlsmith, pg_catalog, public;
-- A query may multiply tables at will.
ALTER ROLE sqlsmith SET statement_timeout = '5s';
ALTER ROLE sqlsmith SET jit = off;
