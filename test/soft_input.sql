--
-- Malformed text of every type, reported softly (PostgreSQL 16): pg_input_is_valid(), COPY with
-- ON_ERROR, and what else asks for it. The same text is the same error as without.
--
\ir reference/setup.sql
BEGIN;
\ir reference/own_types.sql
\ir reference/type_texts.sql
SELECT plan(16);
SELECT is_empty('SELECT typname FROM own_type EXCEPT SELECT type FROM seed', 'a text of every type');
SELECT is_empty('SELECT type, left(written, 100) FROM seed WHERE written IS NULL', '... that is one');

-- Each type is given what is malformed for all, what is another type's, and its own, cut off or altered.
CREATE TABLE given AS
SELECT typname::text AS type, text
FROM own_type, unnest(ARRAY['', ' ', '{"x"', '{"x": 1}', '[', '[1]', '{', '}', 'x', '\x', '\x00', '\xzz', '{"rows": 1}', '{"at": "2024-02-30T00:00:00Z"}', '{2024-02-30}', '{infinity}',
	'month@Nowhere/At_all', 'week:noday', '{"zone": "Nowhere/At_all"}', '{"expires_after": "soon"}', '{"rate": 1e400}', '{"levels": 1}', '{"earn": {"rate": "much"}}', 'null', '"x"', '1']) text
UNION SELECT type, left(written, length(written) * n / 12) FROM typical_seed, generate_series(1, 11) n
UNION SELECT type, overlay(written PLACING 'Z' FROM length(written) * n / 12 + 1 FOR 1) FROM typical_seed, generate_series(0, 11) n
UNION SELECT type, overlay(written PLACING '9999999999999999999999' FROM length(written) * n / 12 + 1 FOR 0) FROM typical_seed, generate_series(1, 11) n;

CREATE TYPE report AS (message text, detail text, hint text, sql_error_code text);
CREATE FUNCTION hard_report(type text, text text) RETURNS report
LANGUAGE plpgsql AS $$
DECLARE
	got report;
BEGIN
	EXECUTE format('SELECT %L::%I', text, type);
	RETURN got;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS got.sql_error_code = RETURNED_SQLSTATE, got.message = MESSAGE_TEXT, got.detail = PG_EXCEPTION_DETAIL, got.hint = PG_EXCEPTION_HINT;
	RETURN (got.message, nullif(got.detail, ''), nullif(got.hint, ''), got.sql_error_code)::report;
END $$;
CREATE TABLE hard AS SELECT type, text, (hard_report(type, text)).* FROM given;
SELECT is_empty('SELECT typname FROM own_type WHERE (SELECT count(*) < 10 FROM hard WHERE type = typname AND sql_error_code IS NOT NULL)', 'each type refuses ten of them or more');

SELECT current_setting('server_version_num')::int >= 160000 AS has_soft_errors, current_setting('server_version_num')::int >= 170000 AS has_on_error \gset
\if :has_soft_errors
SELECT is_empty('SELECT type, left(written, 100) FROM seed WHERE NOT pg_input_is_valid(written, type)', 'what is well-formed is valid');
CREATE TABLE soft AS SELECT g.type, g.text, s.* FROM given g CROSS JOIN LATERAL pg_input_error_info(g.text, g.type) s;
SELECT is_empty('(TABLE hard EXCEPT TABLE soft) UNION ALL (TABLE soft EXCEPT TABLE hard)', 'every text is the error that it is without: message, detail, hint and SQLSTATE');
SELECT is_empty('SELECT type, text, sql_error_code FROM soft WHERE pg_input_is_valid(text, type) <> (sql_error_code IS NULL)', '... and is valid where it is none');
SELECT is_empty($$SELECT type, text, sql_error_code FROM soft WHERE sql_error_code !~ '^(22|0A000|54000)'$$, '... of a class that is about the text');
SELECT is(pg_input_error_info('{"x"', 'points_policy')::text, '("invalid input syntax for type json","The input string ended unexpectedly.",,22P02)', 'malformed JSON');
SELECT is(pg_input_error_info('{"expires_after": "soon"}', 'points_policy')::text, (hard_report('points_policy', '{"expires_after": "soon"}'))::text, 'a rule that is none');
SELECT is(pg_input_error_info('month@Nowhere/At_all', 'calendar_period')::text, (SELECT (message, detail, hint, sql_error_code)::report::text FROM hard WHERE type = 'calendar_period' AND text = 'month@Nowhere/At_all'), 'an unknown zone');
SELECT is_empty('SELECT typname FROM own_type WHERE pg_input_is_valid(''{x}'', typname || ''[]'')', 'an element of an array');
CREATE DOMAIN own_rules AS points_policy;
SELECT ok(NOT pg_input_is_valid('{"x": 1}', 'own_rules') AND pg_input_is_valid('{}', 'own_rules'), 'a domain');
SELECT throws_ok($$SELECT pg_input_is_valid(repeat('[', 1000000), 'event_timeline')$$, '54001', NULL, 'the depth of the stack is nobody''s text');
-- What an error leaves behind goes with its row.
SELECT count(pg_input_is_valid('{"expires_after": "soon", "kinds": ' || n, 'points_policy')) AS void FROM generate_series(1, 20000) n \gset
SELECT is_empty($$SELECT name, total_bytes FROM pg_backend_memory_contexts WHERE name = 'ErrorContext' AND total_bytes > 8192 OR name = 'ExprContext' AND total_bytes > 1000000$$, 'errors take no memory for longer');
\else
SELECT skip('soft errors are of PostgreSQL 16', 11);
\endif

\if :has_on_error
CREATE TABLE rules (n int, policy points_policy, days activity_set);
COPY rules FROM PROGRAM 'printf "%s\t%s\t%s\n" 1 {} {} 2 {\"x\" {2024-01-05} 3 {\"pending\":\"1\ day\"} {2024-02-30} 4 {\"overdraft\":\"clip\"} {2024-01-05}' (ON_ERROR ignore);
SELECT results_eq('SELECT n FROM rules ORDER BY n', ARRAY[1, 4], 'COPY leaves malformed rows out');
SELECT throws_ok($$COPY rules FROM PROGRAM 'printf "%s\t%s\t%s\n" 5 {} {2024-02-30}'$$, '22008', NULL, '... where it is told to');
\else
SELECT skip('COPY has ON_ERROR from PostgreSQL 17 on', 2);
\endif
SELECT * FROM finish();
ROLLBACK;
