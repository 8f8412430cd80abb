--
-- NULLs, empty input, one row, infinity, years before Christ, leap days; and
-- empty states combined in every position, with workers that got no rows.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(69);

-- nothing, and only NULLs
CREATE TABLE nothing (customer int, at timestamptz, value numeric, activity activity_set, timeline event_timeline);
CREATE TABLE nulls AS SELECT NULL::int AS customer, NULL::timestamptz AS at, NULL::numeric AS value, NULL::activity_set AS activity, NULL::event_timeline AS timeline FROM generate_series(1, 3);
SELECT is_empty(format('SELECT 1 FROM (SELECT %s AS x FROM nothing) q WHERE x IS NOT NULL', call), call || ' of no rows is NULL')
FROM unnest(ARRAY['activity_agg(at)', 'activity_agg(at::date)', 'activity_agg(at, ''UTC'')', 'timeline_agg(at)', 'timeline_agg(at, value)', 'timeline_agg(make_event(at => at))', 'rollup(activity)', 'rollup(timeline)', 'retention(activity, ''month'', ''2024-01-01'')']) call;
SELECT is((SELECT activity_agg(at) FROM nulls)::text, '{}', 'activity_agg of NULLs is empty');
SELECT is((SELECT activity_agg(at::date) FROM nulls)::text, '{}', '... of days');
SELECT is((SELECT activity_agg(at, 'UTC') FROM nulls)::text, '{}', '... with a zone');
SELECT is((SELECT timeline_agg(at) FROM nulls)::text, '[]', 'timeline_agg of NULLs is empty');
SELECT is((SELECT timeline_agg(at, value) FROM nulls)::text, '[]', '... with values');
SELECT is((SELECT timeline_agg(make_event(at => at)) FROM nulls)::text, '[]', '... of events');
SELECT is((SELECT rollup(activity) FROM nulls), NULL, 'rollup of NULLs is NULL');
SELECT is((SELECT rollup(timeline) FROM nulls), NULL, '... of timelines');
SELECT is((SELECT count(*)::int FROM (SELECT activities(customer, at) AS b FROM nulls) q CROSS JOIN LATERAL customer_activities(q.b)), 0, 'guests are no customers');
SELECT results_eq('SELECT customers, members_without_events, rows_without_customer, as_of FROM (SELECT retention(activities(customer, at)) AS r FROM nulls) q CROSS JOIN LATERAL retention_totals(q.r)', 'VALUES (0::bigint, 0::bigint, 3::bigint, NULL::date)', '... but are counted');
SELECT is((SELECT count(*)::int FROM (SELECT activities(1, at) AS b FROM nulls) q CROSS JOIN LATERAL customer_activities(q.b)), 1, 'a member without events is a customer');
SELECT is((SELECT timeline::text FROM (SELECT timelines(1, at, 5) AS b FROM nulls) q CROSS JOIN LATERAL customer_timelines(q.b)), '[]', '... with an empty timeline');

-- one row
SELECT is((SELECT activity_agg(timestamptz '2024-02-29 23:59:59.999999+00'))::text, '{2024-02-29}', 'one instant');
SELECT is((SELECT timeline_agg(timestamptz '2024-02-29 23:59:59.999999+00', 0))::text, '[{"at": "2024-02-29T23:59:59.999999+00:00", "value": 0}]', 'one event');
SELECT results_eq($$SELECT cohort, cohort_size, lag, retained, retained_after, complete, as_of FROM (SELECT retention(activities(1, date '2024-02-29')) AS r) q CROSS JOIN LATERAL retention_table(q.r)$$,
	$$VALUES (date '2024-02-01', 1::bigint, 0, 1::bigint, 1::bigint, true, date '2024-02-29')$$, 'retention of one row');

-- infinity is refused by name
SELECT throws_like('SELECT ' || call, '%infinity%', call || ' names infinity') FROM unnest(ARRAY[
	'activity_agg(timestamptz ''infinity'')', 'activity_agg(date ''-infinity'')', 'activity_agg(timestamptz ''infinity'', ''Asia/Tokyo'')', 'activity_set(ARRAY[date ''infinity''])', '''{infinity}''::activity_set',
	'timeline_agg(timestamptz ''-infinity'')', 'timeline_agg(timestamptz ''infinity'', 1)', 'make_event(at => ''infinity'')', 'activities(1, timestamptz ''infinity'')', 'activities(1, date ''infinity'')',
	'activities(1, timestamptz ''-infinity'', ''Asia/Tokyo'')', 'timelines(1, timestamptz ''infinity'', 1)', '''{2024-01-01,infinity}''::calendar_period', 'retention(activities(1, date ''2024-01-01''), ''month'', ''infinity'')']) call;
SELECT throws_ok('SELECT ' || call, '22008', NULL, call || ' is 22008') FROM unnest(ARRAY[
	'activity_agg(timestamptz ''infinity'')', 'activity_agg(date ''-infinity'')', 'activity_set(ARRAY[date ''infinity''])', '''{infinity}''::activity_set',
	'timeline_agg(timestamptz ''-infinity'')', 'make_event(at => ''infinity'')', 'activities(1, timestamptz ''infinity'')', 'timelines(1, timestamptz ''infinity'', 1)', '''{2024-01-01,infinity}''::calendar_period',
	'activity_streak(''{2024-01-01}'', ''day'', ''infinity'')', 'retention(activities(1, date ''2024-01-01''), ''month'', ''-infinity'')']) call;

-- long ago, far ahead
SELECT is(activity_set(ARRAY[date '4713-01-01 BC', '0001-12-31 BC', '0001-01-01', '5874897-12-31'])::date[], ARRAY[date '4713-01-01 BC', '0001-12-31 BC', '0001-01-01', '5874897-12-31'], 'the ends of date');
SELECT is(activity_gaps(activity_set(ARRAY[date '0001-12-31 BC', '0001-01-01'])), ARRAY[1], 'no year 0');
SELECT is(activity_count(activity_set(ARRAY[date '0002-01-01 BC', '0002-12-31 BC', '0001-01-01 BC', '0001-12-31 BC', '0001-01-01']), p::calendar_period), n::bigint, 'periods before Christ: ' || p)
FROM (VALUES ('day', 5), ('month', 5), ('year', 3), ('year:07-01', 3), ('week', 4)) v(p, n);
SELECT is((SELECT count(DISTINCT date_trunc('week', d)) FROM unnest(ARRAY[date '0002-01-01 BC', '0002-12-31 BC', '0001-01-01 BC', '0001-12-31 BC', '0001-01-01']) d), 4::bigint, '... as date_trunc has them');
SELECT results_eq($$SELECT cohort, lag, retained FROM (SELECT retention(activities(1, d), 'year') AS r FROM (VALUES (date '0002-05-05 BC'), ('0002-01-01')) v(d)) q CROSS JOIN LATERAL retention_table(q.r) ORDER BY lag$$,
	$$VALUES (date '0002-01-01 BC', 0, 1::bigint), ('0002-01-01 BC', 1, 0), ('0002-01-01 BC', 2, 0), ('0002-01-01 BC', 3, 1)$$, 'retention across the turn of the era');
SELECT is((SELECT timeline_agg(at)::text FROM (VALUES (timestamptz '4713-01-01 00:00+00 BC'), ('294276-12-31 23:59:59.999999+00')) v(at))::event_timeline, (SELECT timeline_agg(at) FROM (VALUES (timestamptz '294276-12-31 23:59:59.999999+00'), ('4713-01-01 00:00+00 BC')) v(at)), 'the ends of timestamptz');
SELECT is((SELECT array_agg(e.at) FROM (SELECT timeline_agg(at) AS t FROM (VALUES (timestamptz '4713-01-01 00:00+00 BC'), ('294276-12-31 23:59:59.999999+00')) v(at)) q CROSS JOIN LATERAL timeline_events(q.t) e),
	ARRAY[timestamptz '4713-01-01 00:00+00 BC', '294276-12-31 23:59:59.999999+00'], '... come out again');

-- leap days
SELECT results_eq($$SELECT lag, period_start, period_end, retained FROM (SELECT retention(activities(1, d), 'year:02-29', '2028-02-29') AS r FROM (VALUES (date '2024-02-29'), ('2025-02-27'), ('2025-02-28'), ('2028-02-29')) v(d)) q CROSS JOIN LATERAL retention_table(q.r) ORDER BY lag$$,
	$$VALUES (0, date '2024-02-29', date '2025-02-28', 1::bigint), (1, '2025-02-28', '2026-02-28', 1), (2, '2026-02-28', '2027-02-28', 0), (3, '2027-02-28', '2028-02-29', 0), (4, '2028-02-29', '2029-02-28', 1)$$, '29 February comes back');
SELECT is(activity_longest_streak(activity_set(ARRAY[date '2024-02-28', '2024-02-29', '2024-03-01'])), 3, 'a streak over a leap day');
SELECT is(activity_longest_streak(activity_set(ARRAY[date '2023-02-28', '2023-03-01'])), 2, '... and where there is none');

-- combine: workers without rows, with NULLs only, with guests only, members only
CREATE TABLE combined (part int, customer int, at timestamptz, value numeric) PARTITION BY LIST (part);
CREATE TABLE combined_0 PARTITION OF combined FOR VALUES IN (0);
CREATE TABLE combined_1 PARTITION OF combined FOR VALUES IN (1);
CREATE TABLE combined_2 PARTITION OF combined FOR VALUES IN (2);
CREATE FUNCTION positions(partitionwise text, leader text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	kinds text[] := ARRAY['empty', 'null', 'guest', 'member', 'row'];
	a text; b text; c text;
	got text; wanted text;
BEGIN
	PERFORM set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true), set_config('min_parallel_table_scan_size', '0', true),
		set_config('max_parallel_workers_per_gather', '3', true), set_config('parallel_leader_participation', leader, true), set_config('enable_partitionwise_aggregate', partitionwise, true);
	FOREACH a IN ARRAY kinds LOOP FOREACH b IN ARRAY kinds LOOP FOREACH c IN ARRAY kinds LOOP
		TRUNCATE combined;
		INSERT INTO combined
		SELECT part, CASE WHEN kind IN ('member', 'row') THEN part END, CASE WHEN kind IN ('guest', 'row') THEN timestamptz '2024-01-01 00:00+00' + part * interval '1 month' END, part
		FROM (VALUES (0, a), (1, b), (2, c)) v(part, kind) WHERE kind <> 'empty';
		SELECT concat_ws(' ', coalesce(activity_agg(at)::text, 'NULL'), coalesce(timeline_agg(at, value)::text, 'NULL')) INTO got FROM combined;
		SELECT concat_ws(' ',
			CASE WHEN count(*) = 0 THEN 'NULL' ELSE coalesce(array_agg(at::date ORDER BY at) FILTER (WHERE at IS NOT NULL), '{}')::text END,
			CASE WHEN count(*) = 0 THEN 'NULL' ELSE coalesce('[' || string_agg(format('{"at": "%sT00:00:00+00:00", "value": %s}', at::date, value), ', ' ORDER BY at) FILTER (WHERE at IS NOT NULL) || ']', '[]') END) INTO wanted
		FROM (SELECT * FROM combined OFFSET 0) o;
		IF got IS DISTINCT FROM wanted THEN
			RETURN NEXT format('%s %s %s: %s, not %s', a, b, c, got, wanted);
		END IF;
		SELECT t.customers || ' ' || t.members_without_events || ' ' || t.rows_without_customer INTO got
		FROM (SELECT retention(activities(customer, at)) AS r FROM combined) q CROSS JOIN LATERAL retention_totals(q.r) t;
		SELECT count(customer) FILTER (WHERE at IS NOT NULL) || ' ' || count(customer) FILTER (WHERE at IS NULL) || ' ' || count(*) FILTER (WHERE customer IS NULL) INTO wanted FROM (SELECT * FROM combined OFFSET 0) o HAVING count(*) > 0;
		IF got IS DISTINCT FROM wanted THEN
			RETURN NEXT format('%s %s %s: %s, not %s', a, b, c, got, wanted);
		END IF;
		SELECT string_agg(t.customer || ' ' || t.timeline, ', ' ORDER BY t.customer) INTO got FROM (SELECT timelines(customer, at, value) AS b FROM combined) q CROSS JOIN LATERAL customer_timelines(q.b) t;
		SELECT string_agg(customer || ' ' || CASE WHEN at IS NULL THEN '[]' ELSE format('[{"at": "%sT00:00:00+00:00", "value": %s}]', at::date, value) END, ', ' ORDER BY customer) INTO wanted FROM (SELECT * FROM combined OFFSET 0) o WHERE customer IS NOT NULL;
		IF got IS DISTINCT FROM wanted THEN
			RETURN NEXT format('%s %s %s: %s, not %s', a, b, c, got, wanted);
		END IF;
	END LOOP; END LOOP; END LOOP;
END $$;
SELECT is_empty(format('SELECT positions(%L, %L)', p, l), format('125 combinations: partitionwise %s, leader %s', p, l)) FROM unnest(ARRAY['on', 'off']) p, unnest(ARRAY['on', 'off']) l;

-- two-level states: NULL and empty sets in every position
CREATE TABLE levels (part int, activity activity_set) PARTITION BY LIST (part);
CREATE TABLE levels_0 PARTITION OF levels FOR VALUES IN (0);
CREATE TABLE levels_1 PARTITION OF levels FOR VALUES IN (1);
CREATE TABLE levels_2 PARTITION OF levels FOR VALUES IN (2);
CREATE FUNCTION level_positions(partitionwise text) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	contents text[] := ARRAY['none', NULL, '{}', '{2024-01-05}'];
	a text; b text; c text;
	got text; wanted text;
BEGIN
	PERFORM set_config('enable_partitionwise_aggregate', partitionwise, true);
	FOREACH a IN ARRAY contents LOOP FOREACH b IN ARRAY contents LOOP FOREACH c IN ARRAY contents LOOP
		TRUNCATE levels;
		INSERT INTO levels SELECT part, nullif(content, 'none')::activity_set FROM (VALUES (0, a), (1, b), (2, c)) v(part, content) WHERE content IS DISTINCT FROM 'none';
		SELECT t.customers || ' ' || t.members_without_events || ' ' || coalesce(rollup::text, 'NULL') INTO got
		FROM (SELECT retention(activity, 'month', '2024-01-31') AS r, rollup(activity) AS rollup FROM levels) q CROSS JOIN LATERAL retention_totals(q.r) t;
		SELECT count(*) FILTER (WHERE activity::text <> '{}') || ' ' || count(*) FILTER (WHERE activity::text = '{}') || ' ' || coalesce(max(nullif(activity::text, '{}')), max(activity::text), 'NULL') INTO wanted
		FROM (SELECT * FROM levels OFFSET 0) o HAVING count(activity) > 0;
		IF coalesce(got, '0 0 NULL') IS DISTINCT FROM coalesce(wanted, '0 0 NULL') THEN
			RETURN NEXT format('%s %s %s: %s, not %s', a, b, c, got, wanted);
		END IF;
	END LOOP; END LOOP; END LOOP;
END $$;
SELECT is_empty('SELECT level_positions(''on'')', '64 combinations of two-level states, partitionwise');
SELECT is_empty('SELECT level_positions(''off'')', '... in workers');
SELECT * FROM finish();
ROLLBACK;
