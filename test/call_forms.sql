--
-- Calls resolve: smallint and integer arguments, bare NULLs, literals without
-- a type, named arguments, defaults.
--
\ir reference/setup.sql
BEGIN;
CREATE TYPE sort AS ENUM ('earn', 'redeem');
CREATE TYPE channel AS ENUM ('web', 'shop');
CREATE DOMAIN amount AS numeric(12, 2);
CREATE DOMAIN price AS float8;
CREATE TABLE visit AS SELECT 1::smallint AS c2, 2 AS c4, 3::bigint AS c8, 'x'::varchar AS cv, timestamptz '2024-01-05 10:00+00' AS at, timestamp '2024-01-05 10:00' AS ts, date '2024-01-05' AS day, 5::smallint AS v2, 5 AS v4, 5::bigint AS v8, 5.5 AS n, 5.5::real AS f4, 5.5::float8 AS f8, 5.5::amount AS dn, 5.5::price AS df, 'earn'::sort AS e, 'web'::channel AS ch, '6f1e0d1c-0000-4000-8000-000000000001'::uuid AS u, 'earn'::text AS k, 'earn'::char(6) AS bp, 'earn'::name AS nm,
	'{2024-01-05}'::activity_set AS a, '[{"at": "2024-01-05T10:00:00Z"}]'::event_timeline AS t;
CREATE TABLE form (call text);
INSERT INTO form SELECT unnest(ARRAY[
	-- amounts, kinds, refs and days of every type
	'timeline_agg(at, f4)', 'timeline_agg(at, f8)', 'timeline_agg(at, dn)', 'timeline_agg(at, df)', 'timeline_agg(at, e)', 'timeline_agg(at, bp)', 'timeline_agg(at, nm)', 'timeline_agg(ts, f8)', 'timeline_agg(NULL, f8)', 'timeline_agg(at, e, n)', 'timeline_agg(at, k, n)', 'timeline_agg(at, cv, v4)', 'timeline_agg(at, ''earn'', n)', 'timeline_agg(at, ''earn'', v4)', 'timeline_agg(at, ''earn'', f8)', 'timeline_agg(at, ''earn'', NULL)', 'timeline_agg(at, NULL, n)', 'timeline_agg(at, NULL, NULL)', 'timeline_agg(at, e, f8)', 'timeline_agg(at, k, f4)', 'timeline_agg(''2024-01-05 10:00+00'', ''earn'', n)',
	'timeline_agg(day)', 'timeline_agg(day, v2)', 'timeline_agg(day, v4)', 'timeline_agg(day, v8)', 'timeline_agg(day, f8)', 'timeline_agg(day, e)', 'timeline_agg(day, k)', 'timeline_agg(day, cv)', 'timeline_agg(day, NULL)', 'timeline_agg(day, ''earn'')', 'timeline_agg(day, k, n)', 'timeline_agg(day, ''earn'', v4)', 'timeline_agg(day, e, f8)', 'timeline_agg(day, n, ''UTC'')', 'timeline_agg(day, v4, cv) FROM visit WHERE false --', 'timeline_agg(day, f8, ''UTC'')', 'timeline_agg(day, e, ''UTC'')', 'timeline_agg(day, ''earn'', ''UTC'')', 'timeline_agg(day, NULL, ''UTC'')', 'timeline_agg(day, k, n, ''UTC'')', 'timeline_agg(day, e, f8, ''UTC'')', 'timeline_agg(day, ''earn'', NULL, ''UTC'')',
	'timelines(c4, at, f4)', 'timelines(c2, at, f8)', 'timelines(cv, at, e)', 'timelines(u, at, f8)', 'timelines(n::numeric(3), at, f8) FROM visit WHERE false --', 'timelines(c4, at, df)', 'timelines(c4, ts, f8)', 'timelines(c8, at, k, n)', 'timelines(c8, at, e, n)', 'timelines(c8, at, ''earn'', n)', 'timelines(c4, at, ''earn'', v4)', 'timelines(c4, at, e, f8)', 'timelines(c4, at, ''earn'', f8)', 'timelines(c4, at, cv, v8)', 'timelines(c4, at, NULL, NULL)', 'timelines(c4, NULL, k, n)', 'timelines(cv, ts, k, v2)',
	'timelines(c4, day)', 'timelines(c2, day, v2)', 'timelines(c8, day, n)', 'timelines(u, day, f8)', 'timelines(cv, day, e)', 'timelines(c4, day, k)', 'timelines(c4, day, ''earn'')', 'timelines(c4, day, k, n)', 'timelines(c4, day, e, f8)', 'timelines(c4, day, ''earn'', v4)', 'timelines(c4, day, n, ''UTC'')', 'timelines(c4, day, f8, ''UTC'')', 'timelines(c4, day, e, ''UTC'')', 'timelines(c4, day, ''earn'', ''UTC'')', 'timelines(c4, day, NULL, ''UTC'')', 'timelines(c4, day, k, n, ''UTC'')', 'timelines(c4, day, e, f8, ''UTC'')', 'activities(c4, day, ''UTC'')', 'activities(cv, day, ''UTC'')', 'activities(c4, NULL, ''UTC'')',
	'make_event(at, f8)', 'make_event(day, f4)', 'make_event(at, v8, k)', 'make_event(at, n, ''earn'', ''x'')', 'make_event(at => at, value => f8)', 'make_event(at => at, value => df, kind => e)', 'make_event(at => at, value => dn, kind => cv)', 'make_event(at => at, kind => e)', 'make_event(at => at, kind => e, label => ch)', 'make_event(at => at, kind => e, label => ''web'')', 'make_event(at => at, kind => e, label => k, ref => u)', 'make_event(at => at, label => ch)', 'make_event(at => at, label => ch, kind => ''earn'', ref => 5)', 'make_event(at => at, label => ch, kind => k, ref => cv)', 'make_event(at => at, kind => e, ref => NULL)', 'make_event(at => at, kind => e, ref => ''A-1'')', 'make_event(at => at, kind => bp, label => nm)',
	'make_event(at => at, ref => u)', 'make_event(at => at, ref => u, value => f8, kind => ''earn'')', 'make_event(at => ts, ref => u, kind => k, label => ''web'')', 'make_event(at => at, value => ''12.50'')', 'make_event(at => at, value => ''12.50'', ref => ''A'')', 'make_event(at => at, value => k) FROM visit WHERE false --', 'make_event(at => ''2024-01-05 10:00+00'', value => 5, kind => ''earn'', ref => 5)', 'make_event(at => ''2024-01-05'', value => f8, kind => e)', 'make_event(at => NULL, kind => e)',
	'make_event(at => day)', 'make_event(at => day, zone => ''UTC'')', 'make_event(at => day, zone => NULL)', 'make_event(at => day, value => n, kind => ''earn'', label => ''x'', ref => 5, expires_at => at, zone => ''UTC'')', 'make_event(at => day, value => f8, kind => e, label => ch, ref => u, zone => ''UTC'')', 'make_event(at => day, ref => ''A'', zone => ''UTC'')', 'make_event(at => day, label => ch, zone => ''UTC'')', 'make_event(at => day, ref => u, expires_at => ''infinity'')',
	'activity_agg(NULL)', 'activity_agg(''2024-01-05'')', 'activity_agg(NULL::date)', 'activity_agg(at)', 'activity_agg(ts)', 'activity_agg(day)', 'activity_agg(at, ''UTC'')', 'activity_agg(day, ''UTC'')', 'activity_agg(NULL, ''UTC'')',
	'timeline_agg(NULL)', 'timeline_agg(''2024-01-05'')', 'timeline_agg(at)', 'timeline_agg(day)', 'timeline_agg(ts)', 'timeline_agg(at, NULL)', 'timeline_agg(NULL, NULL)', 'timeline_agg(at, v2)', 'timeline_agg(at, v4)', 'timeline_agg(at, v8)', 'timeline_agg(at, cv)', 'timeline_agg(day, n)',
	'timeline_agg(make_event(at => at, value => NULL))', 'timeline_agg(make_event(at => day, value => v2, ref => c2))', 'timeline_agg(make_event(at => NULL, ref => NULL::bigint))', 'timeline_agg(make_event(at => at, kind => NULL, label => NULL, expires_at => NULL))',
	'timeline_agg(make_event(at => at, ref => cv))', 'timeline_agg(make_event(at => at, ref => ''a''))', 'timeline_agg(make_event(at => at, ref => c4))', 'timeline_agg(make_event(at))', 'timeline_agg(make_event(at, v2))', 'timeline_agg(make_event(at, n, ''earn'', ''x'', 5))',
	'activities(c2, at)', 'activities(c4, ts)', 'activities(c8, day)', 'activities(cv, at)', 'activities(c2, at, ''UTC'')', 'activities(c2, a)', 'activities(n::int, a)', 'activities(c4, NULL)', 'activities(NULL::int, NULL)',
	'timelines(c2, at, v2)', 'timelines(c4, ts, n)', 'timelines(c4, ts, cv)', 'timelines(c8, day, NULL)', 'timelines(cv, at, v8)', 'timelines(c2, make_event(at => at))', 'timelines(c2, t)', 'timelines(c4, NULL, NULL)',
	'retention(activities(c4, at))', 'retention(activities(c4, at), ''week'')', 'retention(activities(c4, at), period => ''week'')', 'retention(activities(c4, at), as_of => NULL)', 'retention(activities(c4, at), ''month'', ''2024-01-05'')', 'retention(activities(c4, at), as_of => day, period => ''week'') FROM visit GROUP BY day --',
	'retention(activities(c4, at), ''month'', NULL)', 'retention(activities(c4, at), calendar_period(ARRAY[date ''2024-01-01'']))', 'retention(a, ''month'', ''2024-01-05'')', 'retention(a, ''month'', NULL)', 'retention(a, ''month'')', 'retention(a, ARRAY[date ''2024-01-01'']::calendar_period, day)',
	'retention(activities(c4, at), ''month''::text)', 'retention(a, ''month''::varchar, day) FROM visit GROUP BY day --', 'growth(activities(c4, at), ''week:sunday''::text, day) FROM visit GROUP BY day --', 'growth(a, ''{2024-01-01,2024-02-01}'')', 'growth(a, ARRAY[day]::calendar_period) FROM visit GROUP BY day --', 'lifecycle(a, ''month''::text) FROM visit --',
	'nps(c2)', 'nps(v4, true)', 'nps(NULL::int)', 'nps(v8, NULL::int > 0) FROM visit WHERE false --', 'csat(v4)', 'csat(v4, 2, 7)', 'csat(v8, 2::smallint, 7::smallint, false)', 'ces(v2)', 'ces(v4, c2 + 6)', 'ces(n, 7, false)', 'nps_difference(nps(c2), nps(c4), confidence => 0.9)', 'nps_table(nps(c4))', 'score_shares(ces(c4), 0.9)',
	'uplift(true, false)', 'uplift(NULL, c2 = 1)', 'uplift(true, NULL::boolean)', 'uplift(true, v2)', 'uplift(true, f4)', 'uplift(true, df)', 'uplift(true, NULL::numeric)', 'uplift(true, true, ''a'')', 'uplift(true, v4, cv)', 'uplift(true, v8, NULL)', 'uplift(true, n, day)', 'uplift(true, c2 = 1, e)', 'uplift_adjusted(true, v2, n)', 'uplift_adjusted(false, f8, dn)', 'uplift_adjusted(true, v4, NULL::int)',
	'uplift_table(uplift(true, v4))', 'uplift_table(uplift(true, v4), planned_share => 0.9)', 'uplift_adjusted_table(uplift_adjusted(true, v4, v8), 0.9)', 'required_sample(0.1, 0.2)', 'required_sample(base_rate => 0.1, lift => 0.2, confidence => 0.9) FROM visit --',
	'bgnbd_fit(c2, v2, f4)', 'mbgnbd_fit(c4, v4, n, cv) FROM (SELECT c4, n, v4, ''week''::varchar AS cv FROM visit) v --', 'gammagamma_fit(c2, n)', 'sbg_fit(c4, true)', 'bgnbd_fit(purchase_sample(c8, 1, v8))', 'p_alive(''{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'', c2, 1, 2.5)', 'expected_purchases_new(''{"kind": "bgnbd", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}'', v4)',
	'survival(c2, true)', 'survival(c4, NULL)', 'survival(NULL::int, true)', 'survival(day - day, true)', 'survival(at - at, true)', 'survival(n, false)', 'logrank(c2, true, ''a'')', 'logrank(at - at, true, cv)', 'logrank(c8, true, NULL)',
	'survival_at(survival(c4, true), 5)', 'survival_mean(survival(c4, true))', 'survival_mean(survival(c4, true), NULL)', 'survival_mean(survival(c4, true), until => 1)', 'survival_median(survival(c4, true), interval_kind => ''log'')',
	'churn_duration(a, 30) FROM visit --', 'churn_duration(a, as_of => day, gap_days => c2) FROM visit --',
	'repeat_rate(activities(c4, at))', 'repeat_rate(activities(c4, at), NULL, NULL)', 'repeat_rate(activities(c4, at), within => c2) FROM visit GROUP BY c2 --', 'repeat_rate(timelines(c4, at, v2), ''2024-01-05'')', 'repeat_rate(timelines(c4, at, n), within => 7::smallint)',
	'repeat_rate(a, ''2024-01-05'', NULL)', 'repeat_rate(t, day, c2)', 'repeat_rate_table(repeat_rate(a, ''2024-01-05'', 30))', 'purchase_intervals(activities(c4, at))', 'purchase_intervals(activities(c4, at), NULL, 2::smallint)', 'purchase_intervals(activities(c4, at), up_to => 3)', 'purchase_intervals(a, ''2024-01-05'', 5)',
	'purchase_intervals_quantile(purchase_intervals(activities(c4, at)), 0.5)', 'purchase_intervals_quantile(purchase_intervals(activities(c4, at)), q => 0.5, n => 2)', 'next_purchase_due(a) FROM visit --', 'next_purchase_due(a, as_of => day) FROM visit --',
	'funnel(t, ''{a,b}'') FROM visit --', 'funnel(t, ARRAY[cv, ''b''], ''7 days'') FROM visit --', 'funnel(t, ''{a}'', NULL, ''strict_order'') FROM visit --', 'funnel(t, steps => ''{a,b}'', step_within => ''{1 day}'', as_of => day, by => ''label'') FROM visit --', 'funnel(NULL, ''{a}'')',
	'funnel_totals(timelines(c4, t), ''{a,b}'')', 'funnel_totals(timelines(c2, make_event(at => at, kind => cv)), ARRAY[''a'', ''b''], ''7 days'')', 'funnel_totals(timelines(c4, t), ''{a,b}'', by => ''label'', within => ''1 day'')', 'funnel_totals(timelines(c4, t), ''{a}'', NULL, as_of => NULL)',
	'funnel_totals(t, ''{a,b}'')', 'funnel_totals(t, ARRAY[''a'', ''b''], ''7 days'')', 'funnel_totals(t, ''{a}'', NULL)', 'funnel_totals(t, ''{a}'', ''1 day'', ''strict_order'')', 'funnel_totals(t, ''{a}'', NULL, ''in_order'', ''kind'', NULL, NULL)', 'funnel_totals(t, ''{a,b}'', ''1 day'', ''in_order'', ''label'', ''{1 hour}'', day) FROM visit GROUP BY day --',
	'program_summary(t, ''{}'') FROM visit --', 'program_summary(t, ''{"tiers": {"Gold": 5}}'', day) FROM visit --', 'program_summary(NULL, ''{}'', as_of => day) FROM visit --', 'program_statement(t, program => ''{"earn": {"rate": 2}}'', as_of => day) FROM visit --', 'program_statement(t, make_program_policy(earn => ''{}'', tiers => ''{"Gold": 5}'')) FROM visit --',
	'program_totals(timelines(c4, at, v2), ''{}'')', 'program_totals(timelines(c2, t), ''{}'', NULL)', 'program_totals(timelines(c4, at, v2), program => ''{"tiers": {"Gold": 5}}'', as_of => day) FROM visit GROUP BY day --', 'program_totals(t, ''{}'', ''2024-01-05'')', 'program_totals(t, ''{}''::jsonb, ''2024-01-05'')',
	'program_compare(timelines(c4, at, v2), ''{}'', ''{"tiers": {"Gold": 5}}'')', 'program_compare(timelines(cv, t), program_a => ''{}'', program_b => ''{}'', as_of => NULL)', 'program_compare(t, ''{}'', ''{}'', ''2024-01-05'')', 'program_compare_members(program_compare(t, ''{}'', ''{}'', ''2024-01-05''))',
	'program_rollforward(timelines(c4, at, v2), ''{}'')', 'program_rollforward(timelines(c4, at, v2), ''{}'', ''week'')', 'program_rollforward(timelines(c4, t), ''{}'', as_of => NULL)', 'program_rollforward(t, ''{}'', ''month'', ''2024-01-05'')', 'program_rollforward_table(program_rollforward(t, ''{}'', ''month'', ''2024-01-05''))',
	'rollup(a)', 'rollup(t)', 'rollup(NULL::retention_result)',
	'activity_count(a, ''month'') FROM visit --', 'activity_count(a, NULL, NULL) FROM visit --', 'activity_count(a, day, NULL) FROM visit --', 'activity_count(a, since => day, until => NULL) FROM visit --', 'activity_count(a, period => ''week'') FROM visit --',
	'activity_streak(a) FROM visit --', 'activity_streak(a, ''week'') FROM visit --', 'activity_streak(a, as_of => day) FROM visit --', 'activity_longest_streak(a) FROM visit --', 'activity_longest_streak(a, period => ''week'') FROM visit --',
	'a @> day FROM visit --', 'a @> ''2024-01-05'' FROM visit --', 'day <@ a FROM visit --', 'a + ''{2024-01-06}'' FROM visit --', 'a = ''{2024-01-06}'' FROM visit --', 't + ''[]'' FROM visit --',
	'timeline_sum(t, NULL, NULL) FROM visit --', 'timeline_sum(t, since => day, until => at) FROM visit --', 'timeline_slice(t, NULL, at) FROM visit --', 'timeline_slice(t, since => at, until => NULL) FROM visit --', 'timeline_filter(t, NULL, NULL) FROM visit --', 'timeline_filter(t, labels => ''{x}'') FROM visit --',
	'timeline_filter(t, kinds => ARRAY[''x'', NULL]) FROM visit --', 'activity_set(t) FROM visit --', 'activity_set(t, ''UTC'') FROM visit --', 'activity_set(t, zone => NULL) FROM visit --', 'activity_set(ARRAY[day]) FROM visit --', 'activity_set(''{2024-01-05}'')', 'activity_set(NULL::date[])']);
SELECT plan(count(*)::int + 46 + 27 + 13) FROM form;
SELECT lives_ok(format('SELECT %s FROM visit', call), call) FROM form;

SELECT is(pg_typeof(activity_agg(NULL))::text, 'activity_set', 'a bare NULL is an instant without a value') FROM visit;
SELECT is(activity_agg(NULL)::text, '{}', '... which adds no day') FROM visit;
SELECT is(timeline_agg(NULL)::text, '[]', 'nor an event') FROM visit;
SELECT is(activity_agg('2024-01-05 23:00-02')::text, '{2024-01-06}', 'a bare literal is an instant') FROM visit;
SELECT is(timeline_agg(make_event(at => at, value => NULL))::text, '[{"at": "2024-01-05T10:00:00+00:00"}]', 'a NULL value is an event without value') FROM visit;
SELECT is(make_event(at => at, ref => c2), make_event(at => at, ref => '1'), 'a smallint ref is its number') FROM visit;
SELECT is(make_event(NULL), NULL, 'make_event(NULL)');
-- which form a call finds
CREATE FUNCTION answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SELECT %s::event_timeline FROM visit', call) INTO answer;
	RETURN answer;
END $$;
SELECT is(answer(call), format('[{"at": "2024-01-05T%s:00:00+00:00"%s}]', CASE WHEN call ~ 'day' THEN '00' ELSE '10' END, want), call) FROM (VALUES
	('timeline_agg(at, f8)', ', "value": 5.5'), ('timeline_agg(at, f4)', ', "value": 5.5'), ('timeline_agg(at, dn)', ', "value": 5.50'), ('timeline_agg(at, df)', ', "value": 5.5'),
	('timeline_agg(at, e)', ', "kind": "earn"'), ('timeline_agg(at, bp)', ', "kind": "earn"'), ('timeline_agg(at, ''5'')', ', "kind": "5"'), ('timeline_agg(at, e, f8)', ', "value": 5.5, "kind": "earn"'),
	('timeline_agg(at, ''x'', v4)', ', "value": 5, "kind": "x"'), ('timeline_agg(at, ''x'', f8)', ', "value": 5.5, "kind": "x"'), ('timeline_agg(at, ''x'', ''5.50'')', ', "value": 5.50, "kind": "x"'), ('timeline_agg(at, k, NULL)', ', "kind": "earn"'),
	('timeline_agg(day, n)', ', "value": 5.5'), ('timeline_agg(day, ''UTC'')', ', "kind": "UTC"'), ('timeline_agg(day, ''5'', ''UTC'')', ', "kind": "5"'), ('timeline_agg(day, e, n)', ', "value": 5.5, "kind": "earn"'),
	('timeline_agg(day, e, n, ''UTC'')', ', "value": 5.5, "kind": "earn"'), ('make_event(at => at, value => f8)', ', "value": 5.5'), ('make_event(at => at, value => ''12.50'')', ', "value": 12.50'), ('make_event(at => at, value => f4, kind => e, label => ch, ref => u)', ', "value": 5.5, "kind": "earn", "label": "web", "ref": "6f1e0d1c-0000-4000-8000-000000000001"'),
	('make_event(at => at, kind => e, label => bp)', ', "kind": "earn", "label": "earn"'), ('make_event(at => at, kind => e, ref => c2)', ', "kind": "earn", "ref": 1'), ('make_event(at => at, kind => e, ref => ''42'')', ', "kind": "earn", "ref": 42'), ('make_event(at => at, label => ch, ref => c8)', ', "label": "web", "ref": 3'), ('make_event(at => at, ref => u)', ', "ref": "6f1e0d1c-0000-4000-8000-000000000001"'),
	('make_event(at => day, value => n)', ', "value": 5.5'), ('make_event(at => day, value => f8, kind => e, label => ch, ref => 5, zone => ''UTC'')', ', "value": 5.5, "kind": "earn", "label": "web", "ref": 5')) c(call, want);
-- what makes no sense says what would
SELECT throws_ok(format('SELECT %s FROM visit', call), '42804', error, call) FROM (VALUES
	('timeline_agg(at, true)', 'kind or value cannot be of type boolean'), ('timelines(c4, at, a)', 'kind or value cannot be of type activity_set'), ('timelines(c4, day, ''{}''::jsonb)', 'kind or value cannot be of type jsonb'), ('timelines(c4, at, at)', 'kind or value cannot be of type timestamp with time zone'),
	('timeline_agg(at, true, n)', 'kind cannot be of type boolean'), ('timelines(c4, at, k, true)', 'value cannot be of type boolean'), ('timelines(c4, day, n, k, ''UTC'')', 'kind cannot be of type numeric'), ('make_event(at => at, value => true)', 'value cannot be of type boolean'),
	('make_event(at => at, value => day)', 'value cannot be of type date'), ('make_event(at => at, kind => e, ref => true)', 'ref cannot be of type boolean'), ('make_event(at => at, kind => e, label => 5)', 'label cannot be of type integer'), ('make_event(at => at, label => ch, ref => day)', 'ref cannot be of type date')) v(call, error);
SELECT throws_ok('SELECT make_event(at => at, value => cv) FROM visit', '22P02', 'invalid input syntax for type numeric: "x"', 'a text that is no number');
SELECT is((SELECT as_of FROM (SELECT retention(activities(c4, at), as_of => NULL) AS r FROM visit) q CROSS JOIN LATERAL retention_totals(q.r)), date '2024-01-05', 'as_of NULL is the default');
SELECT is((SELECT period FROM (SELECT retention(activities(c4, at)) AS r FROM visit) q CROSS JOIN LATERAL retention_totals(q.r)), 'month', 'the period is the month by default');
SELECT is((SELECT as_of FROM (SELECT retention(a, 'month', NULL) AS r FROM visit) q CROSS JOIN LATERAL retention_totals(q.r)), date '2024-01-05', '... in the two-level form too');
SELECT is(activity_streak(a, 'day', at::date), 1, 'positional arguments') FROM visit;
SELECT is(activity_count(a, day, day + 1), 1::bigint, 'a range') FROM visit;
SELECT is((SELECT count(*)::int FROM (SELECT retention(activities(c4, at), 'week', day) AS r FROM visit GROUP BY day) q CROSS JOIN LATERAL retention_table(result => q.r, confidence => 0.9)), 1, 'names of retention_table');

-- what worked without the extension works with it
SELECT lives_ok(format('SELECT %s FROM visit', e), e || ' is what it was')
FROM unnest(ARRAY['ARRAY[day] = ARRAY[day]', 'ARRAY[day] <> ARRAY[day]', 'ARRAY[day] < ARRAY[day]', 'ARRAY[day] >= ARRAY[day]', 'ARRAY[day] IS DISTINCT FROM ARRAY[day]', 'ARRAY[day] = ''{2024-01-05}''', 'ARRAY[day] @> ARRAY[day]',
	'ARRAY[day] @> ''{2024-01-05}''', 'ARRAY[day] || day', 'day + 1', 'day - day', 'at - at', 'ARRAY[day]::text || cv', '''{"x": 1}''::jsonb - ''x''',
	-- texts, which are rules and periods to functions only
	'cv = cv', 'cv = cv::text', 'cv::text = cv', 'cv = ''x''', '''x'' = cv', 'cv < cv::char(3)', 'cv::char(3) = cv::char(2)', 'cv::name = cv', 'cv <> cv::name', 'cv::"char" = cv::text', 'cv IN (''a'', ''b'')', 'cv = ANY (ARRAY[cv])', 'cv IS DISTINCT FROM ''month''', 'nullif(cv, ''month'')',
	'cv LIKE ''m%''', 'cv || c4', 'coalesce(cv, ''month'') || cv', 'greatest(cv, ''month'')', '''{"x": 1}''::jsonb = ''{}''']) e;
SELECT * FROM finish();
ROLLBACK;
