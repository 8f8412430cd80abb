--
-- How long a customer took to the n-th purchase, against plain SQL: over active days and over orders; as
-- observations for survival(), whose median is that of purchase_intervals().
--
\ir reference/setup.sql
BEGIN;
SELECT plan(28);
SET timezone = 'America/New_York';
SELECT setseed(0.61);
CREATE TABLE placed AS
SELECT (80 * random() ^ 2)::int AS customer, timestamptz '2023-01-01' + random() * 500 * interval '1 day' AS at, CASE WHEN random() < 0.15 THEN -3 WHEN random() < 0.3 THEN NULL ELSE 9 END AS value,
	CASE WHEN random() < 0.6 THEN 'r' || (random() * 3)::int END AS ref, id FROM generate_series(1, 900) id;
INSERT INTO placed VALUES (900, NULL, NULL, NULL, 0);
CREATE VIEW ordered AS SELECT customer, coalesce(ref, 'line ' || id) AS which, min(at AT TIME ZONE 'Asia/Tokyo')::date AS tokyo, min(at)::date AS day, min(at) AS first FROM placed WHERE at IS NOT NULL AND (value IS NULL OR value >= 0) GROUP BY 1, 2;
CREATE TABLE summary AS SELECT customer, activity_agg(at) AS a, timeline_agg(make_event(at => at, value => value, ref => ref)) AS t FROM placed GROUP BY customer;

SELECT is_empty(format($$
	SELECT s.customer, r.*, w.* FROM summary s, LATERAL repeat_duration(a, %1$s, %2$L) r,
		LATERAL (SELECT array_agg(DISTINCT at::date ORDER BY at::date) AS days FROM placed p WHERE p.customer = s.customer AND at::date <= %2$L) d,
		LATERAL (SELECT coalesce(days[%1$s], %2$L::date) - days[1] AS duration, CASE WHEN days IS NOT NULL THEN cardinality(days) >= %1$s END AS event) w
	WHERE (r.duration, r.event) IS DISTINCT FROM (w.duration, w.event)$$, n, as_of), format('%s days by %s', n, as_of))
FROM unnest(ARRAY[2, 3, 7]) n, unnest(ARRAY['2023-05-31', '2024-12-31']) as_of;
SELECT is_empty(format($$
	SELECT s.customer, r.*, w.* FROM summary s, LATERAL repeat_duration(t, %1$s, %2$L, %4$L) r,
		LATERAL (SELECT array_agg(%3$s ORDER BY first) AS days FROM ordered p WHERE p.customer = s.customer AND %3$s <= %2$L) d,
		LATERAL (SELECT coalesce(days[%1$s], %2$L::date) - days[1] AS duration, CASE WHEN days IS NOT NULL THEN cardinality(days) >= %1$s END AS event) w
	WHERE (r.duration, r.event) IS DISTINCT FROM (w.duration, w.event)$$, n, as_of, day, zone), format('%s orders by %s, in %s', n, as_of, coalesce(zone, 'the session''s zone')))
FROM unnest(ARRAY[2, 3, 7]) n, unnest(ARRAY['2023-05-31', '2024-12-31']) as_of, (VALUES ('tokyo', 'Asia/Tokyo'), ('day', NULL)) z(day, zone) WHERE n < 7 OR zone IS NULL;
SELECT cmp_ok((SELECT count(*)::int FROM summary, repeat_duration(t, 3, '2024-12-31') r WHERE r.event), '>', 10, '... some have');
SELECT is_empty($$SELECT t.n, t.km_median_days, m.median FROM purchase_intervals_table((SELECT purchase_intervals(a, '2023-09-30', 8) FROM summary)) t, LATERAL (SELECT (survival_median(survival(r.duration, r.event))).median FROM summary, repeat_duration(a, t.n, '2023-09-30') r) m
	WHERE t.km_median_days IS DISTINCT FROM m.median::float8$$, 'the median of survival() is that of purchase_intervals()');
SELECT results_eq($$SELECT r.* FROM (VALUES ('{}'::activity_set), ('{2024-02-01}')) v(a), repeat_duration(a, 2, '2024-01-31') r$$, 'VALUES (NULL::int, NULL::boolean), (NULL, NULL)', 'nothing bought by then');
SELECT is(r, ROW(0, true)::record, 'two orders on one day') FROM (SELECT repeat_duration(timeline_agg(at, 5), as_of => '2024-01-31') AS r FROM unnest(ARRAY[timestamptz '2024-01-05 10:00', '2024-01-05 11:00']) at) q;
SELECT is(r, ROW(26, false)::record, '... two lines of one are one') FROM (SELECT repeat_duration(timeline_agg(make_event(at => at, ref => 7)), as_of => '2024-01-31') AS r FROM unnest(ARRAY[timestamptz '2024-01-05 10:00', '2024-01-07 11:00']) at) q;
-- 00:30, and an hour later 23:45 of the day before
SELECT is(r, ROW(0, true)::record, 'an order on an earlier local day than the one before it') FROM (SELECT repeat_duration(timeline_agg(at, 5), 2, '2023-12-31', 'America/Havana') AS r FROM unnest(ARRAY[timestamptz '2023-11-05 04:30+00', '2023-11-05 05:30+00']) at) q;
SELECT is(r, ROW(NULL, NULL)::record, 'NULL') FROM (SELECT repeat_duration(NULL::event_timeline, 2, '2024-01-31') AS r) q;
SELECT throws_ok(format('SELECT repeat_duration(%s)', arguments), code, NULL, arguments) FROM (VALUES ('''{2024-01-05}''::activity_set, 1', '22023'), ('''{2024-01-05}''::activity_set, 36526', '22023'), ('''{2024-01-05}''::activity_set, 2, ''infinity''', '22008'),
	('timeline_agg(now(), 5), 0', '22023'), ('timeline_agg(now(), 5), 2, ''-infinity''', '22008'), ('timeline_agg(now(), 5), 2, ''2024-01-01'', ''Nowhere''', '22023')) v(arguments, code);
SELECT * FROM finish();
ROLLBACK;
