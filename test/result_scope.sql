--
-- result_scope(): what results of every type are about; as_of where it is left out; and that whatever
-- rollup() returns can be read.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/own_types.sql
\ir reference/type_texts.sql

-- Each result type has it, with the same columns, and nothing that a result says of itself is left out.
CREATE TABLE scoped (type text, written text, metric text, period text, zone text, as_of date, policy jsonb, arguments jsonb, rows_without_customer bigint, members_without_events bigint);
DO $do$
DECLARE
	type text;
BEGIN
	FOR type IN SELECT DISTINCT seed.type FROM seed WHERE seed.type ~ '_result$' LOOP
		EXECUTE format('INSERT INTO scoped SELECT %L, written, s.* FROM seed, LATERAL result_scope(written::%1$I) s WHERE type = %1$L', type);
	END LOOP;
END
$do$;
SELECT set_eq('SELECT typname FROM own_type WHERE typname ~ ''_result$''', 'SELECT DISTINCT type::name FROM scoped', 'results of each type say what they are about');
SELECT is_empty('SELECT * FROM scoped WHERE metric || ''_result'' <> type', 'the metric');
SELECT is_empty($$SELECT s.type, k.key, k.value FROM scoped s, jsonb_each(written::jsonb) k
	WHERE k.key NOT IN ('rows', 'cohorts', 'customers', 'last_day', 'no_answer', 'invalid', 'unassigned') AND (k.key <> 'scale' OR type IN ('csat_result', 'ces_result')) AND k.value <> 'null' AND
		CASE k.key WHEN 'period' THEN period WHEN 'zone' THEN zone WHEN 'as_of' THEN as_of::text WHEN 'to_day' THEN as_of::text WHEN 'until' THEN as_of::text WHEN 'rows_without_customer' THEN rows_without_customer::text
			WHEN 'members_without_events' THEN members_without_events::text WHEN 'policy' THEN policy::text WHEN 'program' THEN policy::text ELSE arguments->>k.key END IS DISTINCT FROM k.value #>> '{}'$$, 'all that a result says of itself is told');
-- Results of plain aggregates over rows have no customers.
CREATE TABLE of_rows AS SELECT unnest(ARRAY['survival_result', 'logrank_result', 'cumulative_incidence_result', 'nps_result', 'csat_result', 'ces_result', 'uplift_result', 'uplift_adjusted_result', 'renewal_sample_result']) AS type;
SELECT is_empty('SELECT type FROM scoped GROUP BY type HAVING max(rows_without_customer) = 0 AND type NOT IN (SELECT type FROM of_rows)', 'rows without customer');
SELECT is_empty('SELECT type FROM scoped GROUP BY type HAVING max(members_without_events) = 0 AND type NOT IN (SELECT type FROM of_rows)', 'members without events');

-- Over a base and of summaries, added up.
CREATE TABLE member AS SELECT * FROM (VALUES (1, timestamptz '2024-01-05 10:00+00'), (2, '2024-02-06 10:00+00'), (3, NULL), (4, NULL), (NULL, '2024-02-07 10:00+00')) v (customer, at);
CREATE TABLE answer AS
SELECT growth(activities(customer, at, 'UTC'), as_of => '2024-03-31') AS one_pass, points_totals(timelines(customer, at, 5), '{"zone": "Europe/Helsinki"}', '2024-03-31') AS points FROM member;
SELECT results_eq('SELECT s.* FROM answer, result_scope(one_pass) s', $$VALUES ('growth', 'month', 'UTC', date '2024-03-31', NULL::jsonb, NULL::jsonb, 1::bigint, 2::bigint)$$, 'growth() over a base');
SELECT results_eq('SELECT s.* FROM answer, result_scope(points) s', $$VALUES ('points_totals', NULL, 'Europe/Helsinki', date '2024-03-31', '{"zone": "Europe/Helsinki"}'::jsonb, NULL::jsonb, 1::bigint, 2::bigint)$$, 'points_totals() over a base');
SELECT results_eq($$SELECT rows_without_customer, members_without_events FROM (SELECT growth(a, 'month', '2024-03-31') AS r FROM (SELECT activity_agg(at, 'UTC') AS a FROM member WHERE customer IS NOT NULL GROUP BY customer) q) q, result_scope(r)$$, 'VALUES (0::bigint, 2::bigint)', '... over summaries');
SELECT results_eq('SELECT rows_without_customer, members_without_events FROM (SELECT rollup(one_pass) AS r FROM answer, generate_series(1, 3)) q, result_scope(r)', 'VALUES (3::bigint, 6::bigint)', '... and rolled up');
SELECT results_eq('SELECT metric, as_of, members_without_events FROM (SELECT growth(activities(n, NULL::date)) AS r FROM generate_series(1, 3) n) q, result_scope(r)', 'VALUES (''growth'', NULL::date, 3::bigint)', 'nobody has an event');
SELECT results_eq($$SELECT arguments FROM (SELECT tier_near(timelines(1, at, 5), '{"a": 10}', within => 2.50) AS r FROM member) q, result_scope(r)$$, $$VALUES ('{"within": 2.5}'::jsonb)$$, 'what else was asked');
SELECT is((SELECT s.metric FROM result_scope(NULL::growth_result) s), NULL, 'NULL of NULL');

-- ---- as_of left out: the last day with an event, but no later than today ----

CREATE TABLE dated AS SELECT * FROM (VALUES (1, date '2024-01-05'), (2, '2024-02-06'), (2, '9999-12-31'), (3, '9999-12-31')) v (customer, day);
CREATE FUNCTION as_of_of(base text, those text) RETURNS TABLE (metric text, as_of date)
LANGUAGE plpgsql AS $$
DECLARE
	asked text;
BEGIN
	FOR asked IN SELECT DISTINCT call(oid, false) FROM own_argument WHERE kind = 'f' AND n = 1 AND argument = 'base' AND type::text = base AND returns::text ~ '_result$'
			AND oid IN (SELECT oid FROM own_argument WHERE argument = 'as_of' AND has_default) AND name <> 'tier_near' LOOP
		RETURN QUERY EXECUTE format('SELECT s.metric, s.as_of FROM (SELECT %s AS r FROM (SELECT activities(customer, day)::activity_base AS activities, timelines(customer, day::timestamp AT TIME ZONE ''UTC'', 5)::timeline_base AS timelines FROM dated WHERE %s) b) q, result_scope(r) s', asked, those);
	END LOOP;
END $$;
SELECT cmp_ok((SELECT count(*)::int FROM as_of_of('activity_base', 'true')), '>', 5, 'metrics over days have a last day');
SELECT cmp_ok((SELECT count(*)::int FROM as_of_of('timeline_base', 'true')), '>', 8, '... and metrics over timelines');
SELECT is_empty(format('SELECT * FROM as_of_of(%L, ''day < ''''2025-01-01'''''') WHERE as_of <> ''2024-02-06'' AND metric <> ''lifecycle_census''', base), base || ': the day of the last event') FROM unnest('{activity_base,timeline_base}'::text[]) base;
SELECT is_empty(format('SELECT * FROM as_of_of(%L, ''true'') WHERE as_of IS DISTINCT FROM (transaction_timestamp() AT TIME ZONE ''UTC'')::date AND metric <> ''retention''', base), base || ': a row dated 9999 is of nobody''s time') FROM unnest('{activity_base,timeline_base}'::text[]) base;
SELECT cmp_ok((SELECT count(*)::int FROM (SELECT growth(activities(customer, day), 'day') AS r FROM dated) q, growth_table(r)), '<', 100000, '... and makes no rows');
-- in the zone of the question
SELECT is((SELECT (result_scope(r)).as_of FROM (SELECT points_totals(timelines(customer, day::timestamptz, 5), '{"zone": "Pacific/Kiritimati"}') AS r FROM dated) q), (transaction_timestamp() AT TIME ZONE 'Pacific/Kiritimati')::date, 'today in the policy''s zone');
SELECT is((SELECT (result_scope(r)).as_of FROM (SELECT growth(activities(customer, day::timestamptz, 'Pacific/Pago_Pago')) AS r FROM dated) q), (transaction_timestamp() AT TIME ZONE 'Pacific/Pago_Pago')::date, '... in that of the days');

-- ---- whatever is returned can be read back ----

-- A result is added to itself until a sum is out of range: up to there each sum is read as it is written, in text and in bytes.
CREATE FUNCTION doubled(type text, written text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	result text := written;
	same boolean;
BEGIN
	FOR n IN 1 .. 200 LOOP
		BEGIN
			EXECUTE format('SELECT rollup(x)::text FROM unnest(ARRAY[%L, %1$L]::%2$I[]) x', result, type) INTO result;
		EXCEPTION WHEN OTHERS THEN
			RETURN SQLSTATE;
		END;
		BEGIN
			EXECUTE format('SELECT x::text = %L FROM CAST(%1$L AS %2$I) x', result, type) INTO same;
			IF NOT same THEN
				RETURN 'read as another one: ' || result;
			END IF;
		EXCEPTION WHEN OTHERS THEN
			RETURN SQLSTATE || ', but returned: ' || result;
		END;
	END LOOP;
	RETURN 'no end';
END $$;
CREATE TABLE limits AS SELECT type, written, doubled(type, written) AS outcome FROM typical_seed WHERE type ~ '_result$' AND written !~ '"(rows|cohorts)": \[\]';
SELECT is_empty('SELECT typname FROM own_type WHERE typname ~ ''_result$'' AND typname NOT IN (SELECT type FROM limits)', 'results of every type are added up to their limits');
SELECT is_empty('SELECT type, left(outcome, 300) FROM limits WHERE outcome <> ''22003'' LIMIT 5', '... which rollup() finds, and no reader');
-- The limit of a count is met, not passed.
SELECT is((SELECT (growth_table(rollup(r))).new FROM (VALUES ('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "new": 9223372036854775800}]}'::growth_result), ('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "new": 7}]}')) v (r)), 9223372036854775807, 'the largest count');
SELECT throws_ok($$SELECT rollup(r) FROM (VALUES ('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "new": 9223372036854775800}]}'::growth_result), ('{"period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "new": 8}]}')) v (r)$$, '22003', NULL, '... and one more');
SELECT * FROM finish();
ROLLBACK;
