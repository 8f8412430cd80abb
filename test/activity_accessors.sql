--
-- activity_set's accessors against arrays in plain SQL, on thousands of random
-- sets: empty, single, dense, sparse, far apart.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(29);
\ir reference/periods.sql
CREATE TABLE calendar AS
SELECT p AS period, c.* FROM unnest(ARRAY['day', 'week', 'week:sunday', 'month', 'month:31', 'quarter:02-01', 'half_year', 'year:04-01']) p,
	LATERAL ref_calendar(p, '2019-06-01', '2026-12-31') c;
CREATE INDEX ON calendar (period, day);
ANALYZE calendar;
\ir reference/activity.sql

SELECT setseed(0.57);
CREATE TABLE sample AS
SELECT id, days, ref_set(days) AS expected, activity_set(days) AS a, date '2020-01-01' + trunc(random() * 2000)::int AS day, date '2020-01-01' + trunc(random() * 2000)::int AS day2
FROM (SELECT id, ARRAY(SELECT date '2020-01-01' + trunc(random() * width)::int + shift FROM generate_series(1, size)) AS days
	  FROM (SELECT id, trunc(power(random(), 3) * 60)::int AS size, (ARRAY[3, 30, 400, 2000])[1 + id % 4] AS width, trunc(random() * 40)::int AS shift FROM generate_series(1, 3000) id) s) d;
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE cardinality(expected) = 0), '>', 20, 'there are empty sets');
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE cardinality(expected) = 1), '>', 20, '... and single days');
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE cardinality(expected) < cardinality(days)), '>', 500, '... and duplicates');

SELECT is_empty('SELECT id, a, expected FROM sample WHERE a::date[] IS DISTINCT FROM expected', 'days out = distinct days in, in order');
SELECT is_empty('SELECT id FROM sample WHERE ARRAY(SELECT activity_days(a)) IS DISTINCT FROM expected', 'activity_days');
SELECT is_empty('SELECT id FROM sample WHERE activity_first(a) IS DISTINCT FROM expected[1]', 'activity_first');
SELECT is_empty('SELECT id FROM sample WHERE activity_last(a) IS DISTINCT FROM expected[cardinality(expected)]', 'activity_last');
SELECT is_empty('SELECT id FROM sample WHERE activity_count(a) IS DISTINCT FROM cardinality(expected)', 'activity_count');
SELECT is_empty('SELECT id, since, until FROM sample, LATERAL (VALUES (day, day2), (day2, day), (day, day), (day, NULL), (NULL, day), (NULL, NULL), (expected[1], expected[cardinality(expected)]), (expected[1], expected[1] + 1)) v(since, until)
	WHERE activity_count(a, since, until) IS DISTINCT FROM (SELECT count(*) FROM unnest(expected) d WHERE (since IS NULL OR d >= since) AND (until IS NULL OR d < until))', 'activity_count of [since, until)');
SELECT is_empty(format('SELECT id, a FROM sample WHERE activity_count(a, %L::calendar_period) IS DISTINCT FROM (SELECT count(DISTINCT c.n) FROM unnest(expected) d JOIN calendar c ON c.day = d AND c.period = %1$L)', p), 'activity_count by ' || p)
FROM unnest(ARRAY['day', 'week', 'week:sunday', 'month', 'month:31', 'quarter:02-01', 'half_year', 'year:04-01']) p;
SELECT is_empty('SELECT id, a FROM sample WHERE activity_gaps(a) IS DISTINCT FROM ref_gaps(expected)', 'activity_gaps');
SELECT is_empty('SELECT id, a FROM sample WHERE a @> day IS DISTINCT FROM (day = ANY (expected)) OR day <@ a IS DISTINCT FROM (day = ANY (expected))', '@> and <@');
SELECT is_empty('SELECT id, d FROM sample, unnest(expected) d WHERE NOT a @> d', 'a set holds its days');
SELECT is_empty('SELECT id, a, activity_streak(a, period::calendar_period, as_of), ref_streak(expected, period, as_of) FROM sample, unnest(ARRAY[''day'', ''week:sunday'', ''month'', ''month:31'']) period,
	LATERAL (VALUES (day), (expected[cardinality(expected)]), (expected[1 + id % greatest(cardinality(expected), 1)] + id % 3)) v(as_of)
	WHERE id % 3 = 0 AND as_of IS NOT NULL AND activity_streak(a, period::calendar_period, as_of) IS DISTINCT FROM ref_streak(expected, period, as_of)', 'activity_streak');
SELECT is_empty('SELECT id, a, period FROM sample, unnest(ARRAY[''day'', ''week'', ''quarter:02-01'', ''year:04-01'']) period
	WHERE id % 3 = 1 AND activity_longest_streak(a, period::calendar_period) IS DISTINCT FROM ref_longest_streak(expected, period)', 'activity_longest_streak');
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE activity_longest_streak(a, 'week') BETWEEN 2 AND 20), '>', 500, '... the sets have streaks');

-- the aggregate is the constructor
SELECT is_empty('SELECT id FROM sample WHERE days <> ''{}'' AND (SELECT activity_agg(d) FROM unnest(days) d) IS DISTINCT FROM a', 'activity_agg of dates');
SELECT is_empty('SELECT id FROM sample WHERE days <> ''{}'' AND (SELECT activity_agg(d + interval ''23:59:59.999999'') FROM unnest(days) d) IS DISTINCT FROM a', 'activity_agg of instants');

-- text and binary forms
SELECT is_empty('SELECT id FROM sample WHERE a::text IS DISTINCT FROM expected::text', 'the text form is that of the dates');
SELECT is_empty('SELECT id FROM sample WHERE a::text::activity_set IS DISTINCT FROM a', '... and reads back');

-- what is stored: distinct days of a dense set take little
SELECT cmp_ok((SELECT max(pg_column_size(a))::int FROM (SELECT activity_set(array_agg(date '2023-01-01' + (n * 36))) AS a FROM generate_series(0, 19) n) q), '<=', 2 * 20 + 16, 'twenty days in two years fit 2 bytes a day plus 16');
SELECT cmp_ok((SELECT pg_column_size(activity_set(array_agg(date '2020-01-01' + n))) FROM generate_series(0, 9999) n), '<=', 10016, 'days in a row take a byte each');
SELECT * FROM finish();
ROLLBACK;
