--
-- Points of everyone: totals, roll-forward and triangle against the reference's walks, one
-- customer at a time, and against each other; every way to collect and to add up gives the
-- same; rates and liability against known answers; text, binary, errors.
--
\ir reference/setup.sql
\if :{?groups}
\else
	\set groups 60
\endif
BEGIN;
SELECT plan(98);
\ir reference/points_reference.sql
\ir reference/points_random.sql

-- ---- random groups of customers, each group under a policy of its own ----

-- Customers are numbered through; one of a group has no events.
CREATE TABLE ledger (grp int, customer bigint, events jsonb, timeline event_timeline);
CREATE TABLE asked (grp int, policy jsonb, points_policy points_policy, session text, unit text, zone text, period calendar_period, as_of date);

-- What the whole answer of a group is, for each question.
CREATE TABLE answer (grp int, as_of date, totals points_totals_result, rollforward points_rollforward_result, by_label points_rollforward_result,
	triangle points_triangle_result, triangle_by_label points_triangle_result);
CREATE TABLE reference_summary AS SELECT 0 AS grp, NULL::date AS as_of, 0::bigint AS customer, s.* FROM ref_points_summary('[]', '{}', '2024-01-01') s LIMIT 0;
CREATE TABLE reference_booking AS SELECT 0 AS grp, NULL::date AS as_of, b.* FROM ref_points_bookings('[]', '{}', 'month', '2024-01-01') b LIMIT 0;

CREATE FUNCTION fill(groups int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	g int;
	p jsonb;
	period_zone text;
	session_zone text;
	e jsonb;
	first_day date;
	last_day date;
	day date;
	u text;
BEGIN
	FOR g IN 1 .. groups LOOP
		p := ref_random_policy(40000 + g);
		-- these stop a walk; errors have tests of their own
		IF p->>'overdraft' = 'refuse' THEN
			p := jsonb_set(p, '{overdraft}', '"clip"');
		END IF;
		session_zone := ref_pick(g, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}');
		PERFORM set_config('timezone', session_zone, true);
		period_zone := CASE WHEN ref_random(g, 'period zone') < 0.3 THEN coalesce(p->>'zone', ref_pick(g, 'period zone', '{UTC,Europe/Helsinki,America/New_York}')) END;
		FOR i IN 1 .. 5 LOOP
			e := CASE WHEN i = 5 THEN '[]' ELSE ref_random_ledger(100 * g + i, p) END;
			e := (SELECT coalesce(jsonb_agg(x), '[]') FROM jsonb_array_elements(e) x WHERE NOT p ? 'kinds' OR p->'kinds' ? (x->>'kind'));
			INSERT INTO ledger VALUES (g, 10 * g + i, e, e::text::event_timeline);
		END LOOP;
		SELECT min(x)::date, max(x)::date INTO first_day, last_day
		FROM (SELECT (x->>'at')::timestamptz AS x FROM ledger, jsonb_array_elements(events) x WHERE grp = g) x;
		-- within the ledger, at its last day, and far after it
		FOREACH day IN ARRAY ARRAY[first_day + (0.6 * (last_day - first_day))::int, last_day, last_day + 800] LOOP
			u := CASE WHEN last_day - first_day > 200 THEN ref_pick(g, 'unit', '{week,month,quarter,year}') ELSE ref_pick(g, 'unit', '{day,day,week,month}') END;
			INSERT INTO asked
			SELECT g, p || CASE WHEN period_zone IS NULL THEN '{}' ELSE jsonb_build_object('zone', period_zone) END, p::text::points_policy, session_zone,
				u, coalesce(p->>'zone', period_zone, session_zone), (u || coalesce('@' || period_zone, ''))::calendar_period, day
			WHERE NOT EXISTS (SELECT FROM asked WHERE grp = g AND as_of = day);
		END LOOP;
		INSERT INTO answer
		SELECT g, a.as_of, points_totals(b, a.points_policy, a.as_of),
			points_rollforward(b, a.points_policy, a.period, a.as_of), points_rollforward(b, a.points_policy, a.period, a.as_of, true),
			points_triangle(b, a.points_policy, a.period, a.as_of), points_triangle(b, a.points_policy, a.period, a.as_of, true)
		FROM (SELECT timelines(customer, timeline) AS b FROM ledger WHERE grp = g) l CROSS JOIN asked a WHERE a.grp = g;
		INSERT INTO reference_summary
		SELECT g, a.as_of, l.customer, s.* FROM asked a JOIN ledger l USING (grp) CROSS JOIN LATERAL ref_points_summary(l.events, a.policy, a.as_of) s WHERE grp = g;
		INSERT INTO reference_booking
		SELECT g, a.as_of, b.* FROM asked a JOIN ledger l USING (grp) CROSS JOIN LATERAL ref_points_bookings(l.events, a.policy, a.unit, a.as_of) b WHERE grp = g;
	END LOOP;
END $$;
SELECT fill(:groups) IS NULL AS void \gset
SET LOCAL timezone = 'UTC';

CREATE TABLE shown_totals AS SELECT a.grp, t.* FROM answer a CROSS JOIN LATERAL points_totals_table(a.totals) t;
CREATE TABLE shown_rollforward AS SELECT a.grp, false AS by_label, t.* FROM answer a CROSS JOIN LATERAL points_rollforward_table(a.rollforward) t
	UNION ALL SELECT a.grp, true, t.* FROM answer a CROSS JOIN LATERAL points_rollforward_table(a.by_label) t;
CREATE TABLE shown_triangle AS SELECT a.grp, false AS by_label, t.* FROM answer a CROSS JOIN LATERAL points_triangle_table(a.triangle) t
	UNION ALL SELECT a.grp, true, t.* FROM answer a CROSS JOIN LATERAL points_triangle_table(a.triangle_by_label) t;

-- ---- the same as the reference ----

SELECT cmp_ok((SELECT count(*)::int FROM answer), '>', 2 * :groups, 'there are answers');
SELECT results_eq(
	'SELECT grp, as_of, members, members_with_balance, members_overdrawn, earned, reinstated, adjusted, transferred, redeemed, returned, expired, forfeited, pending, active, overdrawn, unmet FROM shown_totals ORDER BY 1, 2',
	$$SELECT grp, as_of, count(*), count(*) FILTER (WHERE balance > 0), count(*) FILTER (WHERE balance < 0), sum(earned), sum(reinstated), sum(adjusted), sum(transferred), sum(redeemed),
		sum(returned), sum(expired), sum(forfeited), sum(pending), sum(active), sum(overdrawn), sum(unmet) FROM reference_summary GROUP BY 1, 2 ORDER BY 1, 2$$,
	'totals are the summaries of the reference, added up');
SELECT results_eq(
	'SELECT grp, as_of, members, earned, redeemed, expired, pending, active, overdrawn, unmet FROM shown_totals ORDER BY 1, 2',
	$$SELECT a.grp, a.as_of, count(*), sum(s.earned), sum(s.redeemed), sum(s.expired), sum(s.pending), sum(s.active), sum(s.overdrawn), sum(s.unmet)
	  FROM asked a JOIN ledger l USING (grp) CROSS JOIN LATERAL points_summary(l.timeline, (a.policy || jsonb_build_object('zone', a.zone))::points_policy, a.as_of) s GROUP BY 1, 2 ORDER BY 1, 2$$,
	'... and those of points_summary()');

-- A row for each amount that isn't zero, of either side.
CREATE TABLE rollforward_amount AS
SELECT s.grp, s.as_of, by_label, s.label, s.period_start AS period, col, trim_scale(points) AS points
FROM shown_rollforward s CROSS JOIN LATERAL (VALUES ('issued', issued), ('reinstated', reinstated), ('adjusted', adjusted), ('transferred', transferred),
	('redeemed', redeemed), ('returned', returned), ('expired', expired), ('forfeited', forfeited)) v(col, points) WHERE points <> 0;
CREATE TABLE reference_rollforward AS
SELECT b.grp, b.as_of, by_label, CASE WHEN by_label THEN label END AS label, b.period, b.col, trim_scale(sum(points)) AS points
FROM reference_booking b CROSS JOIN (VALUES (false), (true)) v(by_label) WHERE b.of = 'rollforward'
GROUP BY b.grp, b.as_of, by_label, CASE WHEN by_label THEN label END, b.period, b.col HAVING sum(points) <> 0;
CREATE TABLE triangle_amount AS
SELECT s.grp, s.as_of, by_label, s.label, s.issue_period, s.age, col, trim_scale(points) AS points
FROM shown_triangle s CROSS JOIN LATERAL (VALUES ('issued', issued), ('redeemed', redeemed), ('expired', expired), ('taken_back', taken_back)) v(col, points) WHERE points <> 0;
CREATE TABLE reference_triangle AS
SELECT b.grp, b.as_of, by_label, CASE WHEN by_label THEN label END AS label, b.issued_in AS issue_period,
	CASE a.unit WHEN 'day' THEN b.period - b.issued_in WHEN 'week' THEN (b.period - b.issued_in) / 7
		ELSE (extract(year FROM age(b.period, b.issued_in)) * 12 + extract(month FROM age(b.period, b.issued_in)))::int / CASE a.unit WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END END AS age,
	b.col, trim_scale(sum(points)) AS points
FROM reference_booking b JOIN asked a USING (grp, as_of) CROSS JOIN (VALUES (false), (true)) v(by_label) WHERE b.of = 'triangle'
GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(points) <> 0;

SELECT is_empty('SELECT * FROM rollforward_amount WHERE col NOT IN ($$pending$$, $$blocked$$) EXCEPT SELECT * FROM reference_rollforward', 'roll-forward: nothing that the reference doesn''t have');
SELECT is_empty('SELECT * FROM reference_rollforward WHERE col NOT IN ($$pending$$, $$blocked$$) EXCEPT SELECT * FROM rollforward_amount', '... and everything that it has');
SELECT is_empty('SELECT * FROM triangle_amount EXCEPT SELECT * FROM reference_triangle', 'triangle: nothing that the reference doesn''t have');
SELECT is_empty('SELECT * FROM reference_triangle EXCEPT SELECT * FROM triangle_amount', '... and everything that it has');
SELECT is_empty($$
	SELECT * FROM (SELECT s.*, sum(coalesce(r.points, 0)) OVER (PARTITION BY s.grp, s.as_of, s.by_label, s.label ORDER BY s.period_start) AS expected
		FROM shown_rollforward s LEFT JOIN (SELECT *, coalesce(label, '-') AS l FROM reference_rollforward WHERE col = 'pending') r
			ON r.grp = s.grp AND r.as_of = s.as_of AND r.by_label = s.by_label AND r.l = coalesce(s.label, '-') AND r.period = s.period_start) q
	WHERE pending <> expected$$, 'pending at each period''s end');
SELECT is_empty($$
	SELECT * FROM (SELECT s.*, sum(coalesce(r.points, 0)) OVER (PARTITION BY s.grp, s.as_of, s.by_label, s.label ORDER BY s.period_start) AS expected
		FROM shown_rollforward s LEFT JOIN (SELECT *, coalesce(label, '-') AS l FROM reference_rollforward WHERE col = 'blocked') r
			ON r.grp = s.grp AND r.as_of = s.as_of AND r.by_label = s.by_label AND r.l = coalesce(s.label, '-') AND r.period = s.period_start) q
	WHERE blocked <> expected$$, 'blocked at each period''s end');
SELECT cmp_ok((SELECT count(*)::int FROM reference_rollforward WHERE by_label), '>', 30 * :groups, 'there are labels');
SELECT cmp_ok((SELECT count(*)::int FROM reference_triangle WHERE age > 0), '>', 5 * :groups, 'there are ages');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM reference_rollforward WHERE by_label AND label IS NULL AND points < 0 AND col = 'redeemed'), '>', 0, 'debts move to labels');

-- ---- laws ----

SELECT is_empty($$SELECT * FROM shown_rollforward WHERE closing <> opening + issued + reinstated + adjusted + transferred - redeemed - returned - expired - forfeited$$, 'opening to closing: the identity');
SELECT is_empty($$SELECT * FROM (SELECT opening, lag(closing, 1, 0::numeric) OVER w AS before, period_start, lag(period_end, 1, period_start) OVER w AS start FROM shown_rollforward
	WINDOW w AS (PARTITION BY grp, as_of, by_label, label ORDER BY period_start)) q WHERE opening <> before OR period_start <> start$$, 'each closing is the next opening, without gaps');
SELECT is_empty($$SELECT grp, as_of, sum(closing), sum(s.pending), sum(s.blocked) FROM (SELECT DISTINCT ON (grp, as_of, label) * FROM shown_rollforward WHERE NOT by_label ORDER BY grp, as_of, label, period_start DESC) s GROUP BY 1, 2
	EXCEPT SELECT grp, as_of, pending + active + blocked - overdrawn, pending, blocked FROM shown_totals$$, 'the last closing is that of the totals');
SELECT is_empty($$SELECT grp, as_of, period_start, sum(opening), sum(issued), sum(reinstated), sum(adjusted), sum(transferred), sum(redeemed), sum(returned), sum(expired), sum(forfeited), sum(closing), sum(pending), sum(blocked)
		FROM shown_rollforward WHERE by_label GROUP BY 1, 2, 3
	EXCEPT SELECT grp, as_of, period_start, opening, issued, reinstated, adjusted, transferred, redeemed, returned, expired, forfeited, closing, pending, blocked FROM shown_rollforward WHERE NOT by_label$$,
	'labels add up to the whole');
SELECT is_empty($$SELECT * FROM shown_rollforward WHERE pending < 0 OR blocked < 0 OR by_label AND label IS NOT NULL AND closing < 0$$, 'nothing is owed under a label');
SELECT is_empty($$SELECT grp, as_of, by_label, sum(issued - redeemed - expired - taken_back) FROM shown_triangle GROUP BY 1, 2, 3 EXCEPT SELECT grp, as_of, b, pending + active + blocked FROM shown_totals, unnest('{t,f}'::boolean[]) b$$,
	'what is left of the triangle''s points is pending, active or blocked');
SELECT is_empty($$SELECT grp, as_of, issue_period, age, complete, sum(issued), sum(redeemed), sum(expired), sum(taken_back) FROM shown_triangle WHERE by_label GROUP BY 1, 2, 3, 4, 5
	EXCEPT SELECT grp, as_of, issue_period, age, complete, issued, redeemed, expired, taken_back FROM shown_triangle WHERE NOT by_label$$, 'labels of the triangle add up to the whole');
-- each closing is what the totals are at the end of that day
SELECT is_empty($$
	WITH e AS (SELECT s.grp, s.period_end - 1 AS day, s.closing, s.pending, s.blocked, a.points_policy, a.zone FROM shown_rollforward s JOIN asked a USING (grp, as_of)
			   WHERE NOT s.by_label AND s.complete AND s.grp % 3 = 0)
	SELECT e.grp, e.day, e.closing, e.pending, e.blocked FROM e
	EXCEPT
	SELECT e.grp, e.day, sum(s.pending + s.active + s.blocked - s.overdrawn), sum(s.pending), sum(s.blocked)
	FROM (SELECT DISTINCT grp, day, points_policy, zone FROM e) e JOIN ledger l USING (grp)
		CROSS JOIN LATERAL points_summary(l.timeline, (e.points_policy::jsonb || jsonb_build_object('zone', e.zone))::points_policy, e.day) s GROUP BY 1, 2$$,
	'a closing is what the day''s end gives');
SELECT is_empty($$SELECT grp, as_of, period_end FROM shown_rollforward WHERE complete <> (period_end <= as_of + 1)$$, 'complete is what is over');

-- ---- every way to collect and add up ----

CREATE TEMP VIEW one AS SELECT a.*, l.customer, l.timeline FROM asked a JOIN ledger l USING (grp) WHERE a.session = 'UTC' OR a.zone <> a.session;
CREATE FUNCTION in_zone(zone text) RETURNS boolean LANGUAGE sql AS $$ SELECT set_config('timezone', zone, true) IS NOT NULL $$;
SELECT is_empty($$SELECT grp, as_of, points_totals(timeline, points_policy, as_of), points_rollforward(timeline, points_policy, period, as_of), points_rollforward(timeline, points_policy, period, as_of, true),
		points_triangle(timeline, points_policy, period, as_of), points_triangle(timeline, points_policy, period, as_of, true) FROM one WHERE session = 'UTC' GROUP BY grp, as_of
	EXCEPT SELECT * FROM answer$$, 'the aggregates over timelines give the same bytes');
SELECT is_empty($$SELECT grp, as_of, rollup(r ORDER BY half), rollup(f ORDER BY half DESC), rollup(t) FROM (
		SELECT grp, as_of, customer % 2 AS half, points_totals(timeline, points_policy, as_of) AS r, points_rollforward(timeline, points_policy, period, as_of, true) AS f, points_triangle(timeline, points_policy, period, as_of) AS t
		FROM one WHERE session = 'UTC' GROUP BY grp, as_of, customer % 2) q GROUP BY grp, as_of
	EXCEPT SELECT grp, as_of, totals, by_label, triangle FROM answer$$, 'rollup() of parts is the whole');
SELECT results_eq($$SELECT rollup(totals), rollup(rollforward), rollup(triangle) FROM answer WHERE grp = 1 AND as_of = (SELECT max(as_of) FROM answer WHERE grp = 1)$$,
	$$SELECT totals, rollforward, triangle FROM answer WHERE grp = 1 AND as_of = (SELECT max(as_of) FROM answer WHERE grp = 1)$$, 'rollup() of one is itself');
SELECT is((SELECT rollup(r) FROM (VALUES (NULL::points_totals_result)) v(r)), NULL, 'rollup() of NULLs');
SELECT results_eq($$SELECT rollup(r) FROM (SELECT totals FROM answer WHERE grp = 2 AND as_of = (SELECT min(as_of) FROM answer WHERE grp = 2) UNION ALL SELECT NULL) q(r)$$,
	$$SELECT totals FROM answer WHERE grp = 2 ORDER BY as_of LIMIT 1$$, '... leaves NULLs out');

-- the state goes on after a result was taken
SELECT results_eq($$SELECT points_totals(timeline, '{}', '2030-01-01') OVER (ORDER BY customer) FROM ledger WHERE timeline = '[]' OR timeline_sum(timeline) > 0 ORDER BY customer LIMIT 20$$,
	$$SELECT (SELECT points_totals(m.timeline, '{}', '2030-01-01') FROM ledger m WHERE m.customer <= l.customer AND (m.timeline = '[]' OR timeline_sum(m.timeline) > 0))
	  FROM ledger l WHERE timeline = '[]' OR timeline_sum(timeline) > 0 ORDER BY customer LIMIT 20$$, 'in a window');

-- a parallel plan
CREATE TABLE entry AS
SELECT n % 997 AS customer, timestamptz '2023-01-01' + n * interval '20 minutes' AS at, (CASE WHEN n % 7 < 5 THEN n % 50 + 1 ELSE -(n % 90) END)::numeric AS points, 'p' || n % 3 AS label FROM generate_series(1, 40000) n;
INSERT INTO entry SELECT NULL, timestamptz '2023-01-01', 1, NULL FROM generate_series(1, 7);
INSERT INTO entry SELECT 5000, NULL, NULL, NULL;
ANALYZE entry;
CREATE TABLE serially AS
SELECT points_totals(b, '{"expires_after": "6 months"}') AS totals, points_rollforward(b, '{"expires_after": "6 months"}', by_label => true) AS rollforward, points_triangle(b, '{"expires_after": "6 months"}') AS triangle
FROM (SELECT timelines(customer, make_event(at => at, value => points, label => label)) AS b FROM entry) q;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
CREATE FUNCTION has_workers(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Parallel Seq Scan%' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT ok(has_workers($$SELECT points_totals(b, '{"expires_after": "6 months"}') FROM (SELECT timelines(customer, make_event(at => at, value => points, label => label)) AS b FROM entry OFFSET 0) q$$), 'a parallel plan');
SELECT results_eq($$SELECT points_totals(b, '{"expires_after": "6 months"}'), points_rollforward(b, '{"expires_after": "6 months"}', by_label => true), points_triangle(b, '{"expires_after": "6 months"}')
	FROM (SELECT timelines(customer, make_event(at => at, value => points, label => label)) AS b FROM entry OFFSET 0) q$$, 'SELECT * FROM serially', '... gives the same');
CREATE TABLE stored AS SELECT customer, timeline_agg(make_event(at => at, value => points, label => label)) AS timeline FROM entry WHERE customer IS NOT NULL GROUP BY customer;
ANALYZE stored;
SELECT ok(has_workers($$SELECT points_totals(timeline, '{"expires_after": "6 months"}', '2024-07-09') FROM stored$$), 'a parallel plan over timelines');
SELECT results_eq($$SELECT (t).members, (t).earned, (t).active FROM (SELECT points_totals_table(points_totals(timeline, '{"expires_after": "6 months"}', (SELECT t.as_of FROM serially CROSS JOIN LATERAL points_totals_table(totals) t))) t FROM stored) q$$,
	'SELECT t.members, t.earned, t.active FROM serially CROSS JOIN LATERAL points_totals_table(totals) t', '... gives the same');
SELECT results_eq($$SELECT points_rollforward(timeline, '{"expires_after": "6 months"}', 'month', (SELECT t.as_of FROM serially CROSS JOIN LATERAL points_totals_table(totals) t), true)::text FROM stored$$,
	$$SELECT (jsonb_set(rollforward::text::jsonb, '{rows_without_customer}', '0'))::text::points_rollforward_result::text FROM serially$$, '... and so does a roll-forward');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- ---- who counts, and the day ----

CREATE TEMP VIEW base AS SELECT timelines(customer, at, points) AS b FROM entry;
SELECT results_eq('SELECT members, rows_without_customer, as_of FROM base CROSS JOIN LATERAL points_totals_table(points_totals(b)) t', $$VALUES (998::bigint, 7::bigint, date '2024-07-09')$$, 'members, guests, and the last day');
SELECT results_eq($$SELECT members, rows_without_customer, as_of FROM base CROSS JOIN LATERAL points_totals_table(points_totals(b, '{"zone": "Asia/Tokyo"}')) t$$,
	$$VALUES (998::bigint, 7::bigint, (SELECT (max(at) AT TIME ZONE 'Asia/Tokyo')::date FROM entry WHERE customer IS NOT NULL))$$, '... in the policy''s zone');
SELECT results_eq($$SELECT DISTINCT as_of FROM base CROSS JOIN LATERAL points_rollforward_table(points_rollforward(b, period => 'quarter@America/New_York')) t$$,
	$$VALUES ((SELECT (max(at) AT TIME ZONE 'America/New_York')::date FROM entry WHERE customer IS NOT NULL))$$, '... in the period''s');
CREATE TEMP VIEW idle AS SELECT timelines(c, NULL::timestamptz, 1) AS b FROM generate_series(1, 3) c;
SELECT results_eq('SELECT members, members_with_balance, earned, as_of FROM idle CROSS JOIN LATERAL points_totals_table(points_totals(b)) t', $$VALUES (3::bigint, 0::bigint, 0::numeric, NULL::date)$$, 'members without events');
SELECT results_eq($$SELECT members, as_of FROM idle CROSS JOIN LATERAL points_totals_table(points_totals(b, as_of => '2024-01-31')) t$$, $$VALUES (3::bigint, date '2024-01-31')$$, '... as of a day');
SELECT is_empty('SELECT t.* FROM idle CROSS JOIN LATERAL points_rollforward_table(points_rollforward(b)) t', '... roll nothing forward');
SELECT is_empty('SELECT t.* FROM idle CROSS JOIN LATERAL points_triangle_table(points_triangle(b)) t', '... and have no triangle');
SELECT results_eq('SELECT t.* FROM idle CROSS JOIN LATERAL points_liability(points_triangle(b), 0.01) t', 'VALUES (NULL::text, NULL::date, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric, 0::numeric)', '... and no liability');
SELECT is((SELECT rollup(r)::text FROM (SELECT points_totals(b) FROM idle UNION ALL SELECT points_totals(b, as_of => '2024-01-31') FROM idle) q(r)),
	'{"policy": {}, "zone": "UTC", "as_of": "2024-01-31", "scale": 0, "rows_without_customer": 0, "members_without_events": 6, "rows": [{"members": 6}]}', 'a result as of no day goes with any');
SELECT is((SELECT points_totals(NULL::timeline_base)), NULL, 'a NULL base');
SELECT is((SELECT points_totals(timeline, '{}', '2024-01-31') FROM stored WHERE false), NULL, 'no rows');
SELECT results_eq($$SELECT t.members FROM (SELECT points_totals(t, '{}', '2024-01-31') FROM (VALUES (NULL::event_timeline), (NULL)) v(t)) q(r) CROSS JOIN LATERAL points_totals_table(r) t$$, 'VALUES (0::bigint)', 'NULL timelines only');
SELECT results_eq($$SELECT t.members FROM (SELECT points_totals(t, '{}', '2024-01-31') FROM (VALUES (NULL::event_timeline), ('[]')) v(t)) q(r) CROSS JOIN LATERAL points_totals_table(r) t$$, 'VALUES (1::bigint)', 'an empty timeline is a member');
SELECT is_empty('SELECT * FROM points_totals_table(NULL)', 'no rows of NULL');

-- values of different scale
SELECT results_eq($$SELECT t.earned::text, t.active::text FROM (SELECT points_totals(t, '{}', '2024-01-31') FROM (VALUES ('[{"at": "2024-01-01T00:00Z", "value": 1.5}]'::event_timeline), ('[{"at": "2024-01-01T00:00Z", "value": 2}]'), ('[{"at": "2024-01-01T00:00Z", "value": -0.125}]')) v(t)) q(r)
	CROSS JOIN LATERAL points_totals_table(r) t$$, $$VALUES ('3.500', '3.500')$$, 'the largest scale');
SELECT results_eq($$SELECT t.period_start, t.issued::text, t.redeemed::text, t.closing::text FROM (SELECT points_rollforward(t, '{}', 'month', '2024-01-31') FROM (VALUES ('[{"at": "2024-01-01T00:00Z", "value": 1.5}]'::event_timeline), ('[{"at": "2024-01-01T00:00Z", "value": -0.125}]')) v(t)) q(r)
	CROSS JOIN LATERAL points_rollforward_table(r) t$$, $$VALUES (date '2024-01-01', '1.500', '0.125', '1.375')$$, '... in a roll-forward');
SELECT throws_ok($$SELECT points_totals(t, '{}', '2024-01-31') FROM (SELECT timeline_agg(at, 9223372036854775807) AS t FROM generate_series(timestamptz '2023-01-01', '2023-02-01', interval '1 day') at UNION ALL SELECT timeline_agg(timestamptz '2023-01-01', 0.000000000000000001)) q$$,
	'22003', NULL, 'sums past 128 bits');
SELECT results_eq($$SELECT t.earned FROM (SELECT points_totals(t, '{}', '2024-01-31') FROM (SELECT timeline_agg(at, 9223372036854775807) AS t FROM generate_series(timestamptz '2023-01-01', '2023-02-01', interval '1 day') at) q) q(r) CROSS JOIN LATERAL points_totals_table(r) t$$,
	'VALUES (32 * 9223372036854775807::numeric)', '... up to them they are exact');

-- ---- edges ----

-- points of 1 January are good through 31 January: gone in January, where the boundary is gone, in February where it is valid
CREATE TEMP VIEW edge AS SELECT '[{"at": "2024-01-01T00:00Z", "value": 100, "label": "a"}, {"at": "2024-02-01T00:00Z", "value": 30, "label": "b"}]'::event_timeline AS t;
SELECT results_eq($$SELECT period_start, opening, issued, expired, closing FROM (SELECT points_rollforward(t, '{"expires_after": "30 days"}', 'month', '2024-02-15') FROM edge) q(r) CROSS JOIN LATERAL points_rollforward_table(r) t$$,
	$$VALUES (date '2024-01-01', 0::numeric, 100::numeric, 100::numeric, 0::numeric), ('2024-02-01', 0, 30, 0, 30)$$, 'what expires on the edge belongs to the period that ends there');
SELECT results_eq($$SELECT period_start, opening, issued, expired, closing FROM (SELECT points_rollforward(t, '{"expires_after": "30 days", "expiry_boundary": "valid"}', 'month', '2024-02-15') FROM edge) q(r) CROSS JOIN LATERAL points_rollforward_table(r) t$$,
	$$VALUES (date '2024-01-01', 0::numeric, 100::numeric, 0::numeric, 100::numeric), ('2024-02-01', 100, 30, 100, 30)$$, '... or to the one that starts');
SELECT results_eq($$SELECT label, issue_period, age, issued, expired FROM (SELECT points_triangle(t, '{"expires_after": "30 days"}', 'month', '2024-02-15', true) FROM edge) q(r) CROSS JOIN LATERAL points_triangle_table(r) t$$,
	$$VALUES ('a', date '2024-01-01', 0, 100::numeric, 100::numeric), ('a', '2024-01-01', 1, 0, 0), ('b', '2024-02-01', 0, 30, 0)$$, 'in the triangle, too');
-- clocks that go back over midnight: 3 November 2001 comes twice in St. John's, for a minute
SELECT results_eq($$SELECT period_start, issued, closing FROM (SELECT points_rollforward(t, '{"zone": "America/St_Johns"}', 'day', '2001-10-29') FROM (VALUES
		('[{"at": "2001-10-28T02:30:30Z", "value": 1}, {"at": "2001-10-28T03:00:00Z", "value": 10}, {"at": "2001-10-28T03:30:00Z", "value": 100}, {"at": "2001-10-28T03:29:59Z", "value": 1000}]'::event_timeline)) v(t)) q(r) CROSS JOIN LATERAL points_rollforward_table(r) t$$,
	$$SELECT d::date, points_balance(t, '{"zone": "America/St_Johns"}', d::date) - points_balance(t, '{"zone": "America/St_Johns"}', d::date - 1), points_balance(t, '{"zone": "America/St_Johns"}', d::date)
	  FROM generate_series(timestamp '2001-10-27', '2001-10-29', '1 day') d, (VALUES ('[{"at": "2001-10-28T02:30:30Z", "value": 1}, {"at": "2001-10-28T03:00:00Z", "value": 10}, {"at": "2001-10-28T03:30:00Z", "value": 100}, {"at": "2001-10-28T03:29:59Z", "value": 1000}]'::event_timeline)) v(t)
	  WHERE points_balance(t, '{"zone": "America/St_Johns"}', d::date) > 0$$, 'days that come twice end where the balance has them end');
-- a debt: under no label, until a lot pays it back
SELECT results_eq($$SELECT label, period_start, issued, redeemed, returned, closing FROM (SELECT points_rollforward('[{"at": "2024-01-10T00:00Z", "value": -50, "kind": "s", "label": "x"}, {"at": "2024-01-11T00:00Z", "value": -10, "kind": "e"}, {"at": "2024-02-10T00:00Z", "value": 55, "kind": "e", "label": "x"}, {"at": "2024-03-10T00:00Z", "value": 20, "kind": "e", "label": "y"}]'::event_timeline,
		'{"kinds": {"e": "earn", "s": "redeem"}, "returns_beyond": "take"}', 'month', '2024-03-31', true)) q(r) CROSS JOIN LATERAL points_rollforward_table(r) t$$,
	$$VALUES ('x', date '2024-02-01', 55::numeric, 50::numeric, 5::numeric, 0::numeric), ('x', '2024-03-01', 0, 0, 0, 0), ('y', '2024-03-01', 20, 0, 5, 15),
		(NULL, '2024-01-01', 0, 50, 10, -60), (NULL, '2024-02-01', 0, -50, -5, -5), (NULL, '2024-03-01', 0, 0, -5, 0)$$, 'a debt moves to the labels that pay it back');
SELECT results_eq($$SELECT t.label, t.issue_period, t.age, t.issued, t.redeemed, t.taken_back FROM (SELECT points_triangle('[{"at": "2024-01-10T00:00Z", "value": -50, "kind": "s", "label": "x"}, {"at": "2024-01-11T00:00Z", "value": -10, "kind": "e"}, {"at": "2024-02-10T00:00Z", "value": 55, "kind": "e", "label": "x"}, {"at": "2024-03-10T00:00Z", "value": 20, "kind": "e", "label": "y"}]'::event_timeline,
		'{"kinds": {"e": "earn", "s": "redeem"}, "returns_beyond": "take"}', 'month', '2024-03-31', true)) q(r) CROSS JOIN LATERAL points_triangle_table(r) t$$,
	$$VALUES ('x', date '2024-02-01', 0, 55::numeric, 50::numeric, 5::numeric), ('x', '2024-02-01', 1, 0, 0, 0), ('y', '2024-03-01', 0, 20, 0, 5)$$, '... and is in the triangle when it is paid');
-- customers don't owe each other anything: the first has two cancelled redemptions, the second owes a return before the redemption that is cancelled
SELECT results_eq($$SELECT label, redeemed, returned, closing FROM (SELECT points_rollforward(t, '{"kinds": {"e": "earn", "s": "redeem", "b": "redeem_refund"}, "returns_beyond": "take"}', 'year', '2024-12-31', true ORDER BY n) FROM (VALUES
		(1, '[{"at": "2024-01-01T00:00Z", "value": -1, "kind": "s", "ref": 1}, {"at": "2024-01-02T00:00Z", "value": -1, "kind": "s", "ref": 2}, {"at": "2024-01-03T00:00Z", "value": 1, "kind": "b", "ref": 1}, {"at": "2024-01-03T00:00Z", "value": 1, "kind": "b", "ref": 2}]'::event_timeline),
		(2, '[{"at": "2024-01-01T00:00Z", "value": -5, "kind": "e"}, {"at": "2024-01-02T00:00Z", "value": -10, "kind": "s", "ref": 9}, {"at": "2024-01-03T00:00Z", "value": 10, "kind": "b", "ref": 9}, {"at": "2024-01-04T00:00Z", "value": 7, "kind": "e", "label": "x"}]')) v(n, t)) q(r)
	CROSS JOIN LATERAL points_rollforward_table(r) t$$, $$VALUES ('x', 0::numeric, 5::numeric, 2::numeric), (NULL, 12, 0, 0)$$, 'a cancelled debt is a redemption''s, of the same customer');
-- given back on an edge, when it is too late
SELECT results_eq($$SELECT period_start, redeemed, reinstated, expired, closing FROM (SELECT points_rollforward('[{"at": "2024-01-01T00:00Z", "value": 10, "kind": "e", "expires_at": "2024-01-10T00:00Z"}, {"at": "2024-01-05T00:00Z", "value": 10, "kind": "s", "ref": 1},
		{"at": "2024-02-01T00:00Z", "value": 10, "kind": "b", "ref": 1}, {"at": "2024-02-01T00:00Z", "value": 3, "kind": "e", "expires_at": "2024-01-10T00:00Z"}]'::event_timeline, '{"kinds": {"e": "earn", "s": "redeem", "b": "redeem_refund"}}', 'month', '2024-02-29')) q(r)
	CROSS JOIN LATERAL points_rollforward_table(r) t$$, $$VALUES (date '2024-01-01', 10::numeric, 0::numeric, 0::numeric, 0::numeric), ('2024-02-01', 0, 10, 13, 0)$$, 'what comes in too late on an edge expires in the period that starts');
-- periods given as a list
SELECT results_eq($$SELECT period_start, period_end, complete, closing FROM (SELECT points_rollforward(t, '{}', '{2024-01-01,2024-01-29}', '2024-02-15') FROM edge) q(r) CROSS JOIN LATERAL points_rollforward_table(r) t$$,
	$$VALUES (date '2024-01-01', date '2024-01-29', true, 100::numeric), ('2024-01-29', 'infinity', false, 130)$$, 'a list of periods; the last one is open');
SELECT throws_ok($$SELECT points_rollforward(t, '{}', '{2024-01-05}', '2024-02-15') FROM edge$$, '22008', NULL, 'an event before the first');

-- ---- rates and liability ----

-- The triangle of Taylor and Ashe (1983), as in Mack (1993), in thousands: cumulative payments by year; what is outstanding leaves room for all that the chain ladder expects.
CREATE TABLE taylor_ashe (origin int, cumulative int[]);
INSERT INTO taylor_ashe VALUES
	(0, '{357848,1124788,1735330,2218270,2745596,3319994,3466336,3606286,3833515,3901463}'),
	(1, '{352118,1236139,2170033,3353322,3799067,4120063,4647867,4914039,5339085}'),
	(2, '{290507,1292306,2218525,3235179,3985995,4132918,4628910,4909315}'),
	(3, '{310608,1418858,2195047,3757447,4029929,4381982,4588268}'),
	(4, '{443160,1136350,2128333,2897821,3402672,3873311}'),
	(5, '{396132,1333217,2180715,2985752,3691712}'),
	(6, '{440832,1288463,2419861,3483130}'),
	(7, '{359480,1421128,2864498}'),
	(8, '{376686,1363294}'),
	(9, '{344014}');
CREATE FUNCTION triangle_text(by_label text) RETURNS text LANGUAGE sql AS $$
	SELECT jsonb_build_object('policy', '{}'::jsonb, 'zone', 'UTC', 'as_of', '1990-12-31', 'period', 'year', 'by_label', by_label IS NOT NULL, 'scale', 0, 'rows',
		jsonb_agg(jsonb_strip_nulls(jsonb_build_object('label', by_label, 'issue_period', make_date(1981 + origin, 1, 1), 'age', n - 1, 'issued', CASE WHEN n = 1 THEN 10000000 END,
			'redeemed', cumulative[n] - coalesce(cumulative[n - 1], 0))) ORDER BY origin, n))::text
	FROM taylor_ashe, generate_subscripts(cumulative, 1) n
$$;
CREATE TABLE mack AS SELECT triangle_text(NULL)::points_triangle_result AS t;
SELECT results_eq($$SELECT extract(year FROM issue_period)::int, round(rate * issued - redeemed), round((upper - rate) * issued / 1.959963984540054) FROM mack CROSS JOIN LATERAL points_redemption_rate(t) r WHERE issue_period IS NOT NULL$$,
	$$VALUES (1981, 0::float8, 0::float8), (1982, 94634, 75535), (1983, 469511, 121699), (1984, 709638, 133549), (1985, 984889, 261406), (1986, 1419459, 411010),
		(1987, 2177641, 558317), (1988, 3920301, 875328), (1989, 4278972, 971258), (1990, 4625811, 1363155)$$, 'reserves and errors as Mack has them');
SELECT results_eq($$SELECT round(rate * issued - redeemed), round((upper - rate) * issued / 1.959963984540054), issued, outstanding FROM mack CROSS JOIN LATERAL points_redemption_rate(t) r WHERE issue_period IS NULL$$,
	$$VALUES (18680856::float8, 2447095::float8, 100000000::numeric, 65641910::numeric)$$, '... and in all');
SELECT results_eq($$SELECT round(expected), outstanding, liability = round(expected * 0.005, 5) FROM mack CROSS JOIN LATERAL points_liability(t, 0.005) r WHERE extract(year FROM issue_period) = 1990$$, 'VALUES (4625811::numeric, 9655986::numeric, true)', 'liability');
SELECT results_eq($$SELECT sum(outstanding), sum(expected), sum(liability) FROM mack CROSS JOIN LATERAL points_liability(t, 0.005) r WHERE issue_period IS NOT NULL$$,
	$$SELECT outstanding, expected, liability FROM mack CROSS JOIN LATERAL points_liability(t, 0.005) r WHERE issue_period IS NULL$$, '... adds up');
SELECT is_empty($$SELECT r.* FROM mack CROSS JOIN LATERAL points_redemption_rate(t) r JOIN LATERAL points_liability(t, 1) l ON r.issue_period IS NOT DISTINCT FROM l.issue_period
	WHERE r.issued <> r.redeemed + l.expected + r.breakage_points OR abs(r.breakage * r.issued::float8 - r.breakage_points::float8) > 0.011 * CASE WHEN r.issue_period IS NULL THEN 10 ELSE 1 END$$, 'redeemed, expected and breakage are what was issued');
SELECT results_eq($$SELECT breakage_points_if_lower - breakage_points, breakage_points_if_higher - breakage_points FROM mack CROSS JOIN LATERAL points_redemption_rate(t) r WHERE extract(year FROM issue_period) = 1990$$,
	'VALUES (100000.00, -100000.00)', 'a rate a point lower, and higher');
SELECT is((SELECT round(breakage_points_if_lower - breakage_points) FROM mack CROSS JOIN LATERAL points_redemption_rate(t) r WHERE extract(year FROM issue_period) = 1982), 94634::numeric, '... but never below what was redeemed');
-- by label: each is developed apart
CREATE TABLE mack_labels AS SELECT jsonb_set(a, '{rows}', (a->'rows') || (b->'rows'))::text::points_triangle_result AS t FROM (SELECT triangle_text('a')::jsonb AS a, triangle_text('b')::jsonb AS b) q;
SELECT results_eq($$SELECT issue_period, rate, lower, upper, breakage_points FROM mack_labels CROSS JOIN LATERAL points_redemption_rate(t) r WHERE label = 'b'$$,
	$$SELECT issue_period, rate, lower, upper, breakage_points FROM mack CROSS JOIN LATERAL points_redemption_rate(t) r WHERE issue_period IS NOT NULL$$, 'labels apart are as if alone');
SELECT results_eq($$SELECT count(*), count(label), max(round((upper - rate) * issued / 1.959963984540054 / sqrt(2))) FILTER (WHERE label IS NULL) FROM mack_labels CROSS JOIN LATERAL points_redemption_rate(t) r$$,
	'VALUES (21::bigint, 20::bigint, 2447095::float8)', '... their errors are independent');
-- closed cohorts are what they are
CREATE TABLE closed AS SELECT '{"policy": {}, "zone": "UTC", "as_of": "2024-02-29", "period": "month", "by_label": false, "scale": 0, "rows": [{"issue_period": "2024-01-01", "age": 0, "issued": 1000, "redeemed": 200},
	{"issue_period": "2024-01-01", "age": 1, "redeemed": 100, "expired": 500, "taken_back": 200}, {"issue_period": "2024-02-01", "age": 0, "issued": 500, "redeemed": 100}]}'::points_triangle_result AS t;
SELECT results_eq($$SELECT issue_period, issued, redeemed, outstanding, rate, lower, upper, breakage_points, breakage_points_if_lower, breakage_points_if_higher FROM closed CROSS JOIN LATERAL points_redemption_rate(t) r LIMIT 1$$,
	$$VALUES (date '2024-01-01', 800::numeric, 300::numeric, 0::numeric, 0.375::float8, 0.375::float8, 0.375::float8, 500.00, 500.00, 500.00)$$, 'what has expired wholly doesn''t move');
SELECT results_eq($$SELECT issue_period, issued, outstanding, rate, breakage_points FROM closed CROSS JOIN LATERAL points_redemption_rate(t) r OFFSET 1 LIMIT 1$$,
	$$VALUES (date '2024-02-01', 500::numeric, 400::numeric, 0.3::float8, 350.00)$$, 'and what is open goes on as it did: 100 x 300 / 200');

-- ---- text and binary ----

SELECT is_empty('SELECT * FROM answer WHERE totals::text::points_totals_result <> totals OR by_label::text::points_rollforward_result <> by_label OR triangle_by_label::text::points_triangle_result <> triangle_by_label', 'text reads back');
CREATE TABLE answer_copy (LIKE answer);
\set file `mktemp -u /tmp/loyalty_points_XXXXXX`
COPY answer TO :'file' (FORMAT binary);
COPY answer_copy FROM :'file' (FORMAT binary);
SELECT is_empty('SELECT * FROM answer EXCEPT SELECT * FROM answer_copy', 'binary reads back');
\! rm -f /tmp/loyalty_points_*
SELECT throws_ok($$SELECT '{"as_of": "2024-01-31", "rows": [{"members": 1, "earned": 5, "active": 4}]}'::points_totals_result$$, '22P02', NULL, 'totals that don''t hold together');
SELECT throws_ok($$SELECT '{"rows": [{"members": 1, "earned": 5, "active": 5}]}'::points_totals_result$$, '22P02', NULL, '... of no day');
SELECT throws_ok($$SELECT '{"as_of": "2024-01-31", "rows": [{"members": 1, "members_with_balance": 2}]}'::points_totals_result$$, '22P02', NULL, '... of more than all');
SELECT throws_ok($$SELECT '{"as_of": "2024-01-31", "period": "month", "by_label": false, "rows": [{"period": "2024-02-01", "issued": 5}]}'::points_rollforward_result$$, '22P02', NULL, 'a period after as_of');
SELECT throws_ok($$SELECT '{"as_of": "2024-01-31", "period": "month", "by_label": false, "rows": [{"label": "x", "period": "2024-01-01", "issued": 5}]}'::points_rollforward_result$$, '22P02', NULL, 'labels where there are none');
SELECT throws_ok($$SELECT '{"as_of": "2024-01-31", "period": "month", "by_label": false, "rows": [{"issue_period": "2024-01-01", "age": 0, "issued": 5, "redeemed": 6}]}'::points_triangle_result$$, '22P02', NULL, 'more redeemed than issued');
SELECT throws_ok($$SELECT '{"as_of": "2024-02-29", "period": "month", "by_label": false, "rows": [{"issue_period": "2024-01-01", "age": 1, "issued": 5}]}'::points_triangle_result$$, '22P02', NULL, 'issued at a later age');
SELECT throws_ok($$SELECT '{"as_of": "2024-01-31", "period": "month", "by_label": false, "rows": [{"issue_period": "2024-01-01", "age": 1, "redeemed": 0}, {"issue_period": "2024-01-01", "age": -1, "issued": 5}]}'::points_triangle_result$$, '22P02', NULL, 'an age below zero');
SELECT throws_ok($$SELECT '{"policy": {"no": 1}}'::points_totals_result$$, '22P02', NULL, 'a policy that is none');

-- ---- the catalog ----

SELECT is((SELECT string_agg(DISTINCT provolatile::text, '') FROM pg_proc WHERE proname IN ('points_totals', 'points_rollforward', 'points_triangle')), 's', 'what takes days from the session''s zone is stable');

-- ---- errors ----

SELECT throws_ok($$SELECT points_totals(b, NULL) FROM base$$, '22004', NULL, 'a NULL policy');
SELECT throws_ok($$SELECT points_rollforward(b, '{}', NULL) FROM base$$, '22004', NULL, 'a NULL period');
SELECT throws_ok($$SELECT points_triangle(b, by_label => NULL) FROM base$$, '22004', NULL, 'a NULL by_label');
SELECT throws_ok($$SELECT points_totals(b, as_of => 'infinity') FROM base$$, '22008', NULL, 'an infinite as_of');
SELECT throws_ok($$SELECT points_totals(timeline, '{}', NULL) FROM stored$$, '22004', NULL, 'a NULL as_of of an aggregate');
SELECT throws_ok($$SELECT points_totals(timeline, '{}', date '2024-01-01' + (customer % 2)::int) FROM stored$$, '22023', NULL, 'as_of that changes');
SELECT throws_ok($$SELECT points_rollforward(timeline, '{}', CASE WHEN customer = 1 THEN 'day' ELSE 'month' END::calendar_period, '2024-01-01') FROM stored$$, '22023', NULL, 'a period that changes');
SELECT throws_ok($$SELECT points_triangle(b, '{"zone": "UTC"}', 'month@Europe/Helsinki') FROM base$$, '22023', 'the policy is in zone "UTC", but the period in "Europe/Helsinki"', 'two zones');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT points_totals(b) FROM base UNION ALL SELECT points_totals(b, '{"pending": "1 day"}') FROM base) q(r)$$, '22023', NULL, 'rollup() of different policies');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT points_rollforward(b) FROM base UNION ALL SELECT points_rollforward(b, by_label => true) FROM base) q(r)$$, '22023', NULL, '... by label and not');
SELECT throws_ok($$SELECT r.* FROM mack CROSS JOIN LATERAL points_redemption_rate(t, 1) r$$, '22023', NULL, 'a confidence of 1');
SELECT throws_ok($$SELECT r.* FROM mack CROSS JOIN LATERAL points_liability(t, -1) r$$, '22023', NULL, 'a value below zero');
-- the customer is named
CREATE FUNCTION context_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE query;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN split_part(context, E'\n', 1);
END $$;
SELECT is(context_of($$SELECT points_totals(timelines(c, make_event(at => '2024-01-01', value => 1, kind => k)), '{"kinds": {"a": "earn"}}') FROM (VALUES (1, 'a'), (77, 'b'), (3, 'a')) v(c, k)$$), 'customer 77', 'an unknown kind');
SELECT is(context_of($$SELECT points_triangle(timelines(c, timestamptz '2024-01-01', v), '{"overdraft": "refuse"}') FROM (VALUES ('ann', 1), ('bob', -1)) v(c, v)$$), 'customer bob', 'a refused redemption');
SELECT is(context_of($$SELECT points_rollforward(timelines(c, timestamptz '2024-01-01', v), '{"overdraft": "refuse"}') FROM (VALUES (uuid '00000000-0000-0000-0000-00000000000a', -1)) v(c, v)$$), 'customer 00000000-0000-0000-0000-00000000000a', '... of a uuid');
SELECT * FROM finish();
ROLLBACK;
