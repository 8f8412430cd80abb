--
-- Installs the extension as a role that is no superuser, in a schema of its
-- own, and moves it; then as the other tests use it. They also use attempt().
--
SET client_min_messages = warning;
DROP ROLE IF EXISTS regress_loyalty_owner;
CREATE ROLE regress_loyalty_owner;
SELECT current_database() AS db \gset
-- how values and plans are shown is not the server's choice in the sessions that follow
ALTER DATABASE :"db" SET extra_float_digits = 1;
ALTER DATABASE :"db" SET quote_all_identifiers = off;
GRANT CREATE ON DATABASE :"db" TO regress_loyalty_owner;

SET ROLE regress_loyalty_owner;
CREATE SCHEMA regress_loyalty;
CREATE EXTENSION loyalty SCHEMA regress_loyalty;
SELECT extname, extversion, extrelocatable, nspname
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE extname = 'loyalty';

-- nothing on the search path is needed
SET search_path = pg_catalog;
SELECT regress_loyalty.activity_agg(day)::text
  FROM (VALUES (date '2024-01-09'), ('2024-01-05'), ('2024-01-09')) v(day);
SELECT r.cohort_size, r.lag, r.retained
  FROM (SELECT regress_loyalty.retention(regress_loyalty.activities(customer, day)) AS r
          FROM (VALUES (1, date '2024-01-05'), (1, '2024-02-09'), (2, '2024-01-09')) v(customer, day)) q
 CROSS JOIN LATERAL regress_loyalty.retention_table(q.r) r;

-- another schema
RESET search_path;
CREATE SCHEMA regress_loyalty_moved;
RESET ROLE;
ALTER EXTENSION loyalty SET SCHEMA regress_loyalty_moved;
SELECT regress_loyalty_moved.activity_count(regress_loyalty_moved.activity_set(ARRAY[date '2024-01-05']));
SELECT count(*) AS left_behind
  FROM pg_proc WHERE pronamespace = 'regress_loyalty'::regnamespace;
DROP EXTENSION loyalty;
DROP SCHEMA regress_loyalty, regress_loyalty_moved;
REVOKE CREATE ON DATABASE :"db" FROM regress_loyalty_owner;
DROP ROLE regress_loyalty_owner;

-- nothing stays after DROP EXTENSION
SELECT count(*) AS functions_left FROM pg_proc WHERE probin LIKE '%loyalty%';

CREATE EXTENSION loyalty;

-- What a statement answers, or its error on one line.
CREATE FUNCTION attempt(statement text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	message text;
	detail text;
	hint text;
	state text;
BEGIN
	EXECUTE statement INTO answer;
	RETURN coalesce(answer, 'NULL');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('ERROR %s: %s', state, message)
		|| CASE WHEN detail <> '' THEN format(' (%s)', detail) ELSE '' END
		|| CASE WHEN hint <> '' THEN format(' [%s]', hint) ELSE '' END;
END $$;
