--
-- Parameters as drivers send them: with a type, which for strings is text or varchar, and for
-- JSON json or jsonb. Policies and periods take them in every function.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(28);

-- Each function, aggregate and operator with a policy or a period, at each place that has one; all else is NULL.
CREATE FUNCTION calls() RETURNS TABLE (type text, call text)
LANGUAGE sql AS $$
	SELECT u.t::regtype::text, format('SELECT %I(%s)', p.proname, (SELECT string_agg(CASE WHEN a.n = u.n THEN '$1' ELSE format('NULL::%s', a.t::regtype) END, ', ' ORDER BY a.n) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a(t, n)))
	FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'loyalty'
	CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY u(t, n)
	WHERE u.t IN ('points_policy'::regtype, 'tier_policy'::regtype, 'earn_policy'::regtype, 'program_policy'::regtype, 'rfm_scale'::regtype, 'rfm_rules'::regtype, 'redemption_method'::regtype, 'calendar_period'::regtype)
	  AND p.oid NOT IN (SELECT aggtransfn FROM pg_aggregate)
	  AND p.oid NOT IN (SELECT unnest(ARRAY[typoutput, typsend]::oid[]) FROM pg_type) AND p.oid NOT IN (SELECT oprcode FROM pg_operator) AND p.oid NOT IN (SELECT amproc FROM pg_amproc)
	UNION ALL
	SELECT o.oprleft::regtype::text, format('SELECT NULL::%s %s $1', o.oprleft::regtype, o.oprname)
	FROM pg_operator o WHERE o.oprright = o.oprleft AND o.oprleft IN ('points_policy'::regtype, 'tier_policy'::regtype, 'earn_policy'::regtype, 'program_policy'::regtype, 'rfm_scale'::regtype, 'rfm_rules'::regtype, 'redemption_method'::regtype, 'calendar_period'::regtype)
$$;
SELECT cmp_ok((SELECT count(*)::int FROM calls()), '>', 80, 'there are calls');
CREATE FUNCTION refused(parameter text, call text) RETURNS text
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('PREPARE asked(%s) AS %s', parameter, call);
	DEALLOCATE asked;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLERRM;
END $$;
SELECT is_empty(format('SELECT call, refused(%L, call) FROM calls() WHERE refused(%1$L, call) IS NOT NULL', parameter), 'every one takes a parameter of type ' || parameter) FROM unnest(ARRAY['text', 'varchar']) parameter;
SELECT is_empty(format('SELECT call, refused(%L, call) FROM calls() WHERE type <> ''calendar_period'' AND refused(%1$L, call) IS NOT NULL', parameter), '... with a policy, of type ' || parameter) FROM unnest(ARRAY['json', 'jsonb']) parameter;
SELECT isnt(refused('json', 'SELECT activity_count(NULL::activity_set, $1)'), NULL, 'a period isn''t JSON');
SELECT isnt(refused('int', 'SELECT points_balance(NULL, $1)'), NULL, '... nor a policy a number');

-- the answers are those of literals
CREATE TABLE ledger AS SELECT 1 AS customer, timestamptz '2024-01-05 10:00+00' + n * interval '20 days' AS at, 10 AS points FROM generate_series(0, 9) n;
CREATE TABLE rules (name text, as_text text, as_varchar varchar(100), as_json json, as_jsonb jsonb, p points_policy);
INSERT INTO rules SELECT 'standard', r, r, r::json, r::jsonb, r::points_policy FROM (VALUES ('{"expires_after": "3 months", "zone": "UTC"}')) v(r);
PREPARE balance_text(text) AS SELECT points_balance(timeline_agg(at, points), $1, '2024-07-01') FROM ledger;
PREPARE balance_varchar(varchar) AS SELECT points_balance(timeline_agg(at, points), policy => $1, as_of => '2024-07-01') FROM ledger;
PREPARE balance_json(json) AS SELECT points_balance(timeline_agg(at, points), $1, '2024-07-01') FROM ledger;
PREPARE by_period(text) AS SELECT count(*)::int FROM growth_table((SELECT growth(activities(customer, at), $1, '2024-07-31') FROM ledger));
SELECT is((SELECT points_balance(timeline_agg(at, points), '{"expires_after": "3 months", "zone": "UTC"}', '2024-07-01') FROM ledger), 40::numeric, 'a literal');
SELECT results_eq(format('EXECUTE %s(%L)', statement, '{"expires_after": "3 months", "zone": "UTC"}'), 'SELECT 40::numeric', statement) FROM unnest(ARRAY['balance_text', 'balance_varchar', 'balance_json']) statement;
SELECT results_eq('EXECUTE by_period(''month'')', 'SELECT 7', 'a period of a text');
SELECT results_eq('EXECUTE by_period(''quarter@UTC'')', 'SELECT 3', '... with a zone');
SELECT throws_ok('EXECUTE by_period(''fortnight'')', '22023', 'unknown calendar period "fortnight"', '... is checked as a literal is');
SELECT throws_ok('EXECUTE balance_text(''{"expires": 1}'')', NULL, NULL, '... and so are rules');
SELECT throws_ok('EXECUTE balance_json(''{"unknown": 1}'')', '22P02', NULL, '... in json');
SELECT throws_ok('EXECUTE balance_text(NULL)', '22004', NULL, 'a NULL of text is a NULL policy');
-- a plan for all values, as the server makes after five
SET LOCAL plan_cache_mode = force_generic_plan;
SELECT results_eq(format('EXECUTE %s(%L)', statement, '{"expires_after": "3 months", "zone": "UTC"}'), 'SELECT 40::numeric', '... in a generic plan: ' || statement) FROM unnest(ARRAY['balance_text', 'balance_varchar', 'balance_json']) statement;
RESET plan_cache_mode;

-- columns of such types, and inserting from them
SELECT is((SELECT points_balance(t, p, '2024-07-01') || ' ' || points_balance(t, as_text, '2024-07-01') || ' ' || points_balance(t, as_varchar, '2024-07-01') || ' ' || points_balance(t, as_json, '2024-07-01') || ' ' || points_balance(t, as_jsonb, '2024-07-01') FROM rules, (SELECT timeline_agg(at, points) FROM ledger) q(t)), '40 40 40 40 40', 'columns of every type');
PREPARE keep_text(text) AS INSERT INTO rules (name, p) VALUES ('kept', $1);
PREPARE keep_varchar(varchar) AS INSERT INTO rules (name, p) VALUES ('kept', $1);
PREPARE keep_json(json) AS INSERT INTO rules (name, p) VALUES ('kept', $1);
EXECUTE keep_text('{"pending": "1 day"}');
EXECUTE keep_varchar('{"pending": "1 day"}');
EXECUTE keep_json('{"pending": "1 day"}');
SELECT is((SELECT count(*)::int FROM rules WHERE name = 'kept' AND p = '{"pending": "1 day"}'), 3, 'policies are stored from parameters');
PREPARE found(text) AS SELECT count(*)::int FROM rules WHERE p = $1;
SELECT results_eq('EXECUTE found(''{"pending": "24:00:00"}'')', 'SELECT 0', 'and compared with them');
SELECT results_eq('EXECUTE found('' {"pending":"1 day"}'')', 'SELECT 3', '... by what they mean');

-- a text stays a text where nobody asks for rules
SELECT is(pg_typeof(as_text || as_varchar)::text, 'text', 'texts are joined as texts') FROM rules LIMIT 1;
SELECT is((as_varchar = ' ' || as_text), false, '... and compared as texts') FROM rules LIMIT 1;
SELECT throws_ok('SELECT as_text = 5 FROM rules', '42883', NULL, 'what is an error of types stays one');
SELECT throws_ok('SELECT as_text = day FROM rules, (VALUES (ARRAY[date ''2024-01-01''])) v(day)', '42883', NULL, '... for lists of days too');
SELECT * FROM finish();
ROLLBACK;
