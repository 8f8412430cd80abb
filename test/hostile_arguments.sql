--
-- Every function of the extension with arguments that nobody should give it: the answer is one,
-- or one of the errors that say what is wrong; nothing internal, and the backend lives. Functions
-- and the types of their arguments are those of the catalog.
--
\ir reference/setup.sql
BEGIN;
\ir reference/own_types.sql
SELECT plan(32);
CREATE TEMP VIEW routine AS
SELECT p.* FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'loyalty';

-- ---- arrays of arrays where a list is meant ----

CREATE TEMP TABLE matrix (proname text, argument text, call text);
INSERT INTO matrix VALUES
	('activity_set', 'days', $$activity_set('{{2024-01-05,2024-01-06}}'::date[])$$),
	('calendar_period', 'days', $$calendar_period('{{2024-01-05,2024-01-06}}'::date[])$$),
	('timeline_filter', 'kinds', $$timeline_filter('[]', kinds => '{{a,b}}')$$),
	('timeline_filter', 'labels', $$timeline_filter('[]', labels => '{{a,b}}')$$),
	('funnel', 'steps', $$funnel('[]', '{{a,b}}')$$),
	('funnel', 'step_within', $$funnel('[]', '{a,b}', step_within => '{{1 day}}')$$),
	('funnel_totals', 'steps', $$funnel_totals(timelines(1, now(), 1), '{{a,b}}')$$),
	('funnel_totals', 'step_within', $$funnel_totals(timelines(1, now(), 1), '{a,b}', step_within => '{{1 day}}')$$),
	('cohort_value', 'horizons', $$cohort_value(timelines(1, now(), 1), horizons => '{{30,60}}')$$),
	('funnel_conversions', 'steps', $$funnel_conversions('[]', '{{a,b}}')$$),
	('funnel_conversions', 'step_within', $$funnel_conversions('[]', '{a,b}', step_within => '{{1 day}}')$$),
	('funnel_by_period', 'steps', $$funnel_by_period(timelines(1, now(), 1), '{{a,b}}', 7)$$),
	('funnel_by_period', 'step_within', $$funnel_by_period(timelines(1, now(), 1), '{a,b}', 7, step_within => '{{1 day}}')$$),
	('funnel_members', 'steps', $$funnel_members((SELECT timelines(1, now(), 1)), '{{a,b}}', 1)$$),
	('funnel_members', 'step_within', $$funnel_members((SELECT timelines(1, now(), 1)), '{a,b}', 1, step_within => '{{1 day}}')$$),
	('funnel_by_period_members', 'steps', $$funnel_by_period_members((SELECT timelines(1, now(), 1)), '{{a,b}}', 7, 'week', '2024-01-01', 1)$$),
	('funnel_by_period_members', 'step_within', $$funnel_by_period_members((SELECT timelines(1, now(), 1)), '{a,b}', 7, 'week', '2024-01-01', 1, step_within => '{{1 day}}')$$),
	('concentration_table', 'top_shares', $$concentration_table(concentration(1), '{{0.1,0.2}}')$$),
	('make_points_policy', 'refreshed_by', $$make_points_policy(inactive_after => '90 days', refreshed_by => '{{earn,redeem}}')$$),
	('make_earn_policy', 'excluded_kinds', $$make_earn_policy(excluded_kinds => '{{a,b}}')$$),
	('make_earn_policy', 'excluded_labels', $$make_earn_policy(excluded_labels => '{{a,b}}')$$),
	('make_rfm_scale', 'recency', $$make_rfm_scale('{{1,2}}', '{1,2}', '{1,2}')$$),
	('make_rfm_scale', 'frequency', $$make_rfm_scale('{2,1}', '{{1,2}}', '{1,2}')$$),
	('make_rfm_scale', 'monetary', $$make_rfm_scale('{2,1}', '{1,2}', '{{1,2}}')$$),
	('model_compare', 'parts', $$model_compare(sbg_fit(1, true), ARRAY[ARRAY[sbg_fit(1, true)]])$$),
	('make_program_policy', 'no_expiry_tiers', $$make_program_policy(tiers => '{"a": 1, "b": 2}', no_expiry_tiers => '{{a,b}}')$$);
SELECT throws_like('SELECT ' || call, '%must be an array of one dimension', proname || ': ' || argument) FROM matrix ORDER BY proname, argument;
-- Brackets are ranges of lags: an array of pairs.
SELECT is_empty($$SELECT r.oid::regprocedure, proargnames[o] FROM routine r, unnest(proargtypes) WITH ORDINALITY u(t, o) JOIN pg_type ON pg_type.oid = t AND typelem <> 0 AND typlen = -1
	WHERE proname !~ '_accum$' AND proargnames[o] <> 'brackets' AND NOT EXISTS (SELECT FROM matrix m WHERE m.proname = r.proname AND m.argument = proargnames[o])$$, 'no other function takes a list');

-- ---- any arguments ----

\ir reference/type_texts.sql
-- The extremes that there are: of days and instants, of values.
CREATE TEMP TABLE far AS SELECT * FROM (VALUES (1, timestamptz '4714-11-24 00:00:00+00 BC', 9e17), (1, '294276-12-31 23:59:59.999999+00', 9e17), (2, '2024-01-01', -9e17), (3, '2024-01-01', 5)) f (c, at, v);

CREATE TEMP TABLE pool (type regtype, value text);
INSERT INTO pool SELECT type, value FROM (VALUES
	('date', ARRAY['infinity', '-infinity', '4714-11-24 BC', '5874897-12-31', '294276-12-31', '2024-01-05', '2024-01-31']),
	('timestamptz', ARRAY['infinity', '-infinity', '4714-11-24 00:00:00+00 BC', '294276-12-31 23:59:59.999999+00', '2024-01-05 10:00+00']),
	('numeric', ARRAY['NaN', 'Infinity', '-Infinity', '1e131071', '1e-16000', '0', '-1', '9223372036854775807', '170141183460469231731687303715884105727', '12.50']),
	('int', ARRAY['0', '-1', '2147483647', '-2147483648', '3', '36525']), ('smallint', ARRAY['-32768', '1']),
	('bigint', ARRAY['0', '-1', '9223372036854775807', '-9223372036854775808', '3']),
	('float8', ARRAY['NaN', 'Infinity', '-Infinity', '1e308', '5e-324', '0', '0.95', '-1', '1']),
	('float4', ARRAY['NaN', 'Infinity', '3e38', '-0.1']),
	('boolean', ARRAY['true', 'false']), ('uuid', ARRAY['00000000-0000-0000-0000-000000000000']),
	('text', ARRAY['', 'month', 'first', repeat('x', 100000), 'Käse', 'UTC', 'spend', 'label']),
	('interval', ARRAY['0', '-1 day', '178000000 years', '-178000000 years', '1 microsecond', '1 month -30 days', '1 year', '2147483647 days']),
	('jsonb', ARRAY['{}', '[]', 'null', '1e1000', '"x"', repeat('[', 3000) || repeat(']', 3000), repeat('{"versions":', 2000) || '1' || repeat('}', 2000), '{"rate": 1e400}', '[{"from": "infinity"}]', '[{"from": "294276-12-31", "rate": 2}]']),
	('text[]', ARRAY['{}', '{NULL}', '{a,NULL}', '{{a,b},{c,d}}', '[5:6]={a,b}', '{a,a}', '{k0,k1,k2}', '{k0|k1,k1?,!k0,k2}', '{k0,!"",k1}']),
	('daterange', ARRAY['empty', '(,)', '[2024-01-05,)', '(,2024-01-05)', '[-infinity,infinity]', '[4714-11-24 BC,5874897-12-31)', '[2024-01-05,2024-01-31]']),
	('date[]', ARRAY['{}', '{NULL}', '{infinity}', '{-infinity,infinity}', '{2024-01-01,2024-02-01}']),
	('int[]', ARRAY['{}', '{NULL}', '{2147483647,-2147483648}', '{{1,2},{3,NULL}}', '{{1,2147483647}}', '{{1,7},{8,30}}', '{{{1}}}']),
	('numeric[]', ARRAY['{}', '{NULL}', '{NaN}', '{-Infinity,Infinity}', '{1e131071}', '{-1.5,2}', '{0,0,9223372036854775807}', '{{1,2}}']),
	('interval[]', ARRAY['{}', '{NULL}', '{-1 day,NULL}', '{1 day,2 days}', '{178000000 years}', '{{1 day}}']),
	('calendar_period', ARRAY['day', 'month', 'year', 'week:sunday@Europe/Helsinki', '{2024-01-01,2024-01-29}@UTC', '{5874897-12-31}', '{"4714-11-24 BC",2024-01-01}']),
	('activity_set', ARRAY['{}', '{2024-01-05}', '{"4714-11-24 BC",5874897-12-31}']),
	('timeline_event', ARRAY['{"at": "294276-12-31T23:59:59.999999Z", "value": 999999999999999999}', '{"at": "2024-01-05T10:00:00Z", "expires_at": "infinity", "kind": "earn", "ref": "A"}']),
	('event_timeline', ARRAY['[]']),
	('points_policy', ARRAY['{}', '{"expires_after": "178000000 years"}', '{"expires_after": "1 day", "pending": "178000000 years"}', '{"expires_on": "02-29"}', '{"overdraft": "clip", "redeem_order": "newest"}']),
	('earn_policy', ARRAY['{}', '{"rate": 1000000}', '{"multipliers": [{"times": 1000, "weekdays": ["saturday"]}], "caps": {"day": 1}}']),
	('tier_policy', ARRAY['{"Gold": 500}', '{"levels": {"Silver": 4, "Gold": 20.5}, "valid": "178000000 years"}', '{"levels": {"Silver": 4}, "valid": "1 day", "qualifying_window": "178000000 years", "grace": "1 day"}',
		'{"levels": [{"tier": "Gold", "any": [{"all": {"e": 1, "v": 4}}, {"all": {"v": 20.5}}]}], "metrics": {"e": {"of": "events", "qualifying_window": "178000000 years"}, "v": {"rollover": 9223372036854775807}}, "qualifying_window": "calendar day"}']),
	('program_policy', ARRAY['{}', '{"points": {"expires_after": "178000000 years"}, "tiers": {"Gold": 5}}', '{"earn": {"rate": 1000000}, "tiers": {"Gold": 5}, "tier_metric": "points"}', '{"tiers": {"Gold": 5}, "versions": [{"from": "5874897-12-31", "earn": {"rate": 3}}]}'])
) p (name, list), LATERAL (SELECT name::regtype) t (type), unnest(list) value;
INSERT INTO pool SELECT 'event_timeline'::regtype, timeline_agg(at, v - 3)::text FROM visit UNION ALL SELECT 'event_timeline', timeline_agg(at, v)::text FROM far;
INSERT INTO pool SELECT 'event_timeline', timeline_agg(make_event(at => at, value => v, kind => CASE c WHEN 1 THEN 'redeem' WHEN 2 THEN 'expire' WHEN 3 THEN 'return' ELSE 'earn' END, ref => c, label => 'l' || c))::text FROM visit;
INSERT INTO pool SELECT type::regtype, value FROM (SELECT activities(c, at) AS ab, activities(c::text, at) AS at, activities(md5(c::text)::uuid, at) AS au, timelines(c, at, v) AS tb, timelines(c::text, at, v) AS tt, timelines(md5(c::text)::uuid, at, v) AS tu FROM far) q,
	LATERAL (VALUES ('activity_base', ab::text), ('activity_base_bigint', ab::text), ('activity_base_text', at::text), ('activity_base_uuid', au::text),
	('timeline_base', tb::text), ('timeline_base_bigint', tb::text), ('timeline_base_text', tt::text), ('timeline_base_uuid', tu::text)) v (type, value);
INSERT INTO pool SELECT type::regtype, written FROM seed;
INSERT INTO pool SELECT 'purchase_model[]'::regtype, ARRAY[written::purchase_model, NULL]::text FROM seed WHERE type = 'purchase_model' UNION ALL SELECT 'spend_model[]', ARRAY[written::spend_model]::text FROM seed WHERE type = 'spend_model' UNION ALL SELECT 'renewal_model[]', ARRAY[written::renewal_model, written::renewal_model]::text FROM seed WHERE type = 'renewal_model';

-- What SQL can call: not what takes or gives what only C has, nor polymorphic arguments, whose type is another's.
CREATE TEMP TABLE called AS
SELECT oid, proname, proargtypes::oid[] AS types FROM routine
WHERE prokind = 'f' AND pronargs > 0 AND NOT EXISTS (SELECT FROM unnest(proargtypes::oid[]) t JOIN pg_type ON pg_type.oid = t WHERE typtype = 'p');
SELECT is_empty('SELECT typname FROM own_type WHERE oid NOT IN (SELECT type FROM pool)', 'values of every type');
SELECT is_empty('SELECT DISTINCT t::regtype FROM called, unnest(types) t WHERE t NOT IN (SELECT type FROM pool)', '... of every argument');
SELECT cmp_ok((SELECT count(*)::int FROM called), '>', 300, 'functions to call');

CREATE FUNCTION pg_temp.faults(rounds int) RETURNS TABLE (call text, fault text)
LANGUAGE plpgsql AS $$
DECLARE
	f record;
	state text;
	message text;
BEGIN
	FOR f IN SELECT * FROM called ORDER BY oid LOOP
		FOR round IN 1 .. rounds LOOP
			-- One argument in six is NULL.
			call := format('%I(%s)', f.proname, (SELECT string_agg(coalesce(quote_literal(value), 'NULL') || '::' || t::regtype, ', ' ORDER BY o)
				FROM unnest(f.types) WITH ORDINALITY a (t, o), LATERAL (SELECT CASE WHEN random() > 1 / 6.0 + 0 * o THEN (SELECT value FROM pool WHERE type = t ORDER BY random() LIMIT 1) END) p (value)));
			BEGIN
				EXECUTE 'SELECT count(*) FROM (SELECT ' || call || ' LIMIT 10000) q';
			EXCEPTION WHEN OTHERS THEN
				-- data exceptions, malformed JSON among them, and program limits exceeded; and of two arguments whose
				-- customers are of different types, that they are
				IF SQLSTATE !~ '^(22|54)' AND SQLSTATE <> '42804' THEN
					fault := SQLSTATE || ' ' || SQLERRM;
					RETURN NEXT;
				END IF;
			END;
		END LOOP;
	END LOOP;
END $$;
SELECT pg_backend_pid() AS pid \gset
SELECT setseed(0.19) IS NULL AS void \gset
SELECT is_empty('SELECT left(call, 300), fault FROM pg_temp.faults(4)', 'every error says what is wrong');
SELECT is(pg_backend_pid(), :pid, 'the backend is the same');
SELECT * FROM finish();
ROLLBACK;
