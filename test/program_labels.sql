--
-- Points by label: program_rollforward() and program_triangle() by label, lots, movements, schedules and days of one customer under a
-- programme, against the slow and obvious walk of reference/program_reference.sql, on random timelines under random programmes; laws; worked
-- examples; what hostile arguments come to.
--
-- Longer: psql -v timelines=4000 -v first=1001
--
\ir reference/setup.sql
\if :{?timelines}
\else
	\set timelines 80
\endif
\if :{?first}
\else
	\set first 1
\endif
BEGIN;
SELECT plan(115);
\ir reference/periods.sql
\ir reference/earn_reference.sql
\ir reference/earn_random.sql
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/tiers_reference.sql
\ir reference/tiers_random.sql
\ir reference/program_reference.sql
\ir reference/program_random.sql

-- ---- random customers, each with a programme of his own ----

CREATE TABLE sample (seed bigint, program program_policy, timeline event_timeline, as_of date, unit text, zone text, walk jsonb);

-- Most multipliers have a name, and one may have that of a label.
CREATE FUNCTION with_names(program jsonb, seed bigint) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	path text[];
BEGIN
	FOR path IN SELECT '{earn,multipliers}'::text[]
		UNION ALL SELECT ARRAY['earn', 'versions', (n - 1)::text, 'multipliers'] FROM jsonb_array_elements(program->'earn'->'versions') WITH ORDINALITY v(v, n)
		UNION ALL SELECT ARRAY['versions', (n - 1)::text, 'earn', 'multipliers'] FROM jsonb_array_elements(program->'versions') WITH ORDINALITY v(v, n)
	LOOP
		CONTINUE WHEN coalesce(program#>path, '[]') = '[]';
		program := jsonb_set(program, path, (SELECT jsonb_agg(CASE WHEN NOT r ? 'name' AND ref_random(seed, n || path::text) < 0.6 THEN r || jsonb_build_object('name', CASE WHEN n = seed % 4 THEN 'food' ELSE 'rule x' || n END) ELSE r END ORDER BY n)
			FROM jsonb_array_elements(program#>path) WITH ORDINALITY x(r, n)));
	END LOOP;
	RETURN program;
END $$;

-- Many orders have further lines of other labels at their instant.
CREATE FUNCTION with_lines(events jsonb, seed bigint) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT events || coalesce(jsonb_agg(e || jsonb_build_object('value', round((e->>'value')::numeric * ref_pick(seed, n || 'share' || k, '{0.5,1,1,1.7,0.01}')::numeric, 2), 'label', ref_pick(seed, n || 'other' || k, '{food,toys,gift,fuel}')) ORDER BY n, k), '[]')
	FROM jsonb_array_elements(events) WITH ORDINALITY x(e, n), generate_series(1, 2) k
	WHERE coalesce(e->>'kind', 'stay') IN ('stay', 'buy') AND e ? 'ref' AND (e->>'value')::numeric > 0 AND ref_random(seed, n || 'line' || k) < 0.4
$$;

CREATE FUNCTION fill(first bigint, timelines bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	seed bigint;
	program jsonb;
	events jsonb;
	day date;
	unit text;
BEGIN
	FOR seed IN first .. first + timelines - 1 LOOP
		program := ref_random_program(70000 + seed);
		events := ref_random_program_timeline(70000 + seed, program);
		events := with_lines(events, seed);
		program := with_names(program, seed) || jsonb_build_object('zone', ref_program_zone(program));
		day := ((coalesce((SELECT max((e->>'at')::timestamptz) FROM jsonb_array_elements(events) e), '2024-06-01Z') + CASE WHEN seed % 2 = 0 THEN interval '0' ELSE interval '7 months' END) AT TIME ZONE (program->>'zone'))::date;
		unit := ref_pick(seed, 'unit', '{month,month,year}');
		BEGIN
			INSERT INTO sample VALUES (seed, program, events::text::event_timeline, day, unit, program->>'zone', ref_program(events, program, day));
		EXCEPTION WHEN invalid_parameter_value THEN
			-- what it refuses, tests of errors ask
		END;
	END LOOP;
END $$;
SELECT fill(:first, :timelines) IS NULL AS void \gset
SET LOCAL timezone = 'UTC';
SELECT cmp_ok((SELECT count(*)::int FROM sample), '>=', :timelines * 8 / 10, 'there are customers');

CREATE TABLE booked AS SELECT s.seed, b.* FROM sample s, ref_program_bookings(s.walk, s.unit) b WHERE (s.walk->>'is_member')::boolean;
CREATE TABLE answer AS
SELECT s.seed, program_rollforward(q.b, s.program, (s.unit || '@' || s.zone)::calendar_period, s.as_of, by_label => true) AS forward,
	program_rollforward(q.b, s.program, (s.unit || '@' || s.zone)::calendar_period, s.as_of) AS forward_in_all,
	program_triangle(q.b, s.program, (s.unit || '@' || s.zone)::calendar_period, s.as_of, by_label => true) AS triangle,
	program_triangle(q.b, s.program, (s.unit || '@' || s.zone)::calendar_period, s.as_of) AS triangle_in_all
FROM sample s JOIN (SELECT seed, timelines(seed, timeline) AS b FROM sample GROUP BY seed) q USING (seed);
CREATE TABLE forward AS SELECT a.seed, t.* FROM answer a CROSS JOIN LATERAL program_rollforward_table(a.forward) t;
CREATE TABLE triangle AS SELECT a.seed, t.* FROM answer a CROSS JOIN LATERAL program_triangle_table(a.triangle) t;

-- ---- as the reference has it ----

SELECT results_eq($$SELECT seed, label, period_start, issued, redeemed, returned, expired, closing - opening, pending - lag(pending, 1, 0::numeric) OVER (PARTITION BY seed, label ORDER BY period_start),
		blocked - lag(blocked, 1, 0::numeric) OVER (PARTITION BY seed, label ORDER BY period_start)
	FROM forward ORDER BY 1, 2, 3$$,
	$$WITH sums AS (
		SELECT seed, label, period, coalesce(sum(points) FILTER (WHERE col IN ('issued', 'adjusted', 'transferred')), 0) AS issued,
			coalesce(sum(CASE col WHEN 'redeemed' THEN points WHEN 'reinstated' THEN -points END), 0) AS redeemed, coalesce(sum(points) FILTER (WHERE col = 'returned'), 0) AS returned,
			coalesce(sum(points) FILTER (WHERE col IN ('expired', 'forfeited')), 0) AS expired, coalesce(sum(points) FILTER (WHERE col = 'pending'), 0) AS pending,
			coalesce(sum(points) FILTER (WHERE col = 'blocked'), 0) AS blocked
		FROM booked WHERE of = 'rollforward' GROUP BY 1, 2, 3),
	span AS (SELECT seed, label, min(period) AS first FROM sums WHERE (issued, redeemed, returned, expired, pending, blocked) <> (0, 0, 0, 0, 0, 0) GROUP BY 1, 2)
	SELECT p.seed, p.label, d::date, coalesce(issued, 0), coalesce(redeemed, 0), coalesce(returned, 0), coalesce(expired, 0),
		coalesce(issued - redeemed - returned - expired, 0), coalesce(pending, 0), coalesce(blocked, 0)
	FROM span p JOIN sample USING (seed) CROSS JOIN LATERAL generate_series(p.first::timestamp, date_trunc(unit, as_of::timestamp), ('1 ' || unit)::interval) d
		LEFT JOIN sums s ON s.seed = p.seed AND s.label IS NOT DISTINCT FROM p.label AND s.period = d::date ORDER BY 1, 2, 3$$,
	'a roll-forward by label');
SELECT results_eq($$SELECT seed, label, issue_period, sum(issued), sum(redeemed), sum(expired), sum(taken_back) FROM triangle GROUP BY 1, 2, 3 ORDER BY 1, 2, 3$$,
	$$SELECT seed, label, issued_in, sum(CASE col WHEN 'issued' THEN points ELSE 0 END), sum(CASE col WHEN 'redeemed' THEN points ELSE 0 END), sum(CASE col WHEN 'expired' THEN points ELSE 0 END),
		sum(CASE col WHEN 'taken_back' THEN points ELSE 0 END) FROM booked WHERE of = 'triangle' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3$$, 'a triangle by label');
SELECT is_empty($$SELECT seed, label, issue_period, age, redeemed, expired, taken_back FROM triangle WHERE (redeemed, expired, taken_back) <> (0, 0, 0)
	EXCEPT
	SELECT b.seed, label, issued_in, (SELECT count(*)::int - 1 FROM generate_series(issued_in::timestamp, period::timestamp, ('1 ' || unit)::interval)),
		sum(CASE col WHEN 'redeemed' THEN points ELSE 0 END), sum(CASE col WHEN 'expired' THEN points ELSE 0 END), sum(CASE col WHEN 'taken_back' THEN points ELSE 0 END)
	FROM booked b JOIN sample USING (seed) WHERE of = 'triangle' GROUP BY 1, 2, 3, 4$$, '... age by age');

CREATE TABLE lot AS SELECT s.seed, l.* FROM sample s CROSS JOIN LATERAL program_lots(s.timeline, s.program, s.as_of) WITH ORDINALITY l;
CREATE TABLE lot_label AS SELECT s.seed, l.* FROM sample s CROSS JOIN LATERAL program_lots(s.timeline, s.program, s.as_of, by_label => true) l;
SELECT results_eq($$SELECT seed, ordinality, earned_at, label, ref, points, remaining, blocked, available_at, nullif(expires_at, 'infinity'), state FROM lot ORDER BY 1, 2$$,
	$$SELECT seed, l.no::bigint, l.earned_at, l.label, l.ref, l.points, l.remaining + l.blocked, l.blocked, l.available_at, l.expires_at,
		CASE WHEN l.remaining + l.blocked = 0 THEN l.emptied WHEN l.remaining = 0 THEN 'blocked' WHEN l.pending THEN 'pending' ELSE 'active' END FROM sample, jsonb_populate_recordset(NULL::ref_lot, walk->'lots') l ORDER BY 1, 2$$, 'lots');
SELECT results_eq($$SELECT seed, earned_at, ref, kind, label, sum(remaining), sum(blocked) FROM lot_label GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5$$,
	$$SELECT b.seed, l.earned_at, l.ref, l.kind, b.label, sum(b.points) FILTER (WHERE b.of = 'lot'), sum(b.points) FILTER (WHERE b.of = 'lot blocked') FROM (SELECT s.seed, b.* FROM sample s, ref_program_bookings(s.walk, s.unit) b WHERE b.of IN ('lot', 'lot blocked')) b JOIN lot l ON l.seed = b.seed AND l.ordinality = b.col::int GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5$$, '... by label');

-- ---- laws ----

SELECT is_empty('SELECT * FROM forward WHERE closing <> opening + issued - redeemed - returned - expired', 'opening + in - out = closing, under each label');
SELECT is_empty($$SELECT * FROM (SELECT opening, lag(closing, 1, 0::numeric) OVER (PARTITION BY seed, label ORDER BY period_start) AS before FROM forward) q WHERE opening <> before$$, 'each closing is the next opening');
SELECT is_empty('SELECT * FROM forward WHERE label IS NOT NULL AND (closing < 0 OR pending < 0 OR blocked < 0 OR pending + blocked > closing)', 'under a label there is never less than nothing');
SELECT is_empty($$SELECT seed, period_start, sum(opening), sum(issued), sum(redeemed), sum(returned), sum(expired), sum(closing), sum(pending), sum(blocked) FROM forward GROUP BY 1, 2
	EXCEPT SELECT a.seed, t.period_start, t.opening, t.issued, t.redeemed, t.returned, t.expired, t.closing, t.pending, t.blocked FROM answer a CROSS JOIN LATERAL program_rollforward_table(a.forward_in_all) t$$,
	'labels add up to all, period by period');
SELECT is_empty($$SELECT seed, issue_period, age, sum(issued), sum(redeemed), sum(expired), sum(taken_back) FROM triangle GROUP BY 1, 2, 3
	EXCEPT SELECT a.seed, t.issue_period, t.age, t.issued, t.redeemed, t.expired, t.taken_back FROM answer a CROSS JOIN LATERAL program_triangle_table(a.triangle_in_all) t$$, '... and in the triangle');
SELECT is_empty($$SELECT seed, label, sum(issued - redeemed - expired - taken_back) FROM triangle GROUP BY 1, 2 HAVING sum(issued - redeemed - expired - taken_back) <> 0
	EXCEPT SELECT seed, label, sum(remaining) FROM lot_label GROUP BY 1, 2$$, 'what a triangle leaves is in the lots');
SELECT results_eq('SELECT seed, earned_at, kind, ref, sum(points), sum(remaining) FROM lot_label GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4', 'SELECT seed, earned_at, kind, ref, sum(points), sum(remaining) FROM lot GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4', 'labels of lots add up to them');
SELECT is_empty($$SELECT l.seed, l.earned_at, l.ref, l.label, sum(l.points - l.remaining) FROM lot_label l GROUP BY 1, 2, 3, 4
	EXCEPT ALL
	SELECT l.seed, l.earned_at, l.ref, l.label, coalesce(m.points, 0) FROM (SELECT DISTINCT seed, earned_at, ref, label FROM lot_label) l
		LEFT JOIN (SELECT s.seed, m.earned_at, m.earn_ref, m.label, sum(m.points) AS points FROM sample s, program_movements(s.timeline, s.program, s.as_of, by_label => true) m GROUP BY 1, 2, 3, 4) m
			ON (m.seed, m.earned_at) = (l.seed, l.earned_at) AND m.earn_ref IS NOT DISTINCT FROM l.ref AND m.label IS NOT DISTINCT FROM l.label$$, 'movements by label add up to what lots have lost');
SELECT is_empty($$SELECT s.seed, m.at, m.role, m.ref, m.earned_at, m.earn_ref, sum(m.points) FROM sample s, program_movements(s.timeline, s.program, s.as_of, by_label => true) m GROUP BY 1, 2, 3, 4, 5, 6
	EXCEPT SELECT s.seed, m.at, m.role, m.ref, m.earned_at, m.earn_ref, sum(m.points) FROM sample s, program_movements(s.timeline, s.program, s.as_of) m GROUP BY 1, 2, 3, 4, 5, 6$$, '... and to those without');
-- a day's row is what a summary of that day says
SELECT is_empty($$SELECT s.seed, d.day, d.balance, d.pending, d.blocked FROM sample s, program_daily(s.timeline, s.program, NULL, s.as_of + 1) d WHERE s.seed % 3 = 0
	EXCEPT SELECT s.seed, d.day, p.balance, p.points_pending, p.points_blocked FROM sample s, program_daily(s.timeline, s.program, NULL, s.as_of + 1) d, program_summary(s.timeline, s.program, d.day) p$$, 'days are what summaries say');
SELECT is_empty($$SELECT s.seed, sum(d.earned + d.adjusted + d.transferred - d.returned), sum(d.redeemed - d.reinstated), sum(d.expired + d.forfeited) FROM sample s, program_daily(s.timeline, s.program, NULL, s.as_of + 1) d GROUP BY 1
	EXCEPT SELECT s.seed, p.points_earned, p.points_redeemed, p.points_expired FROM sample s, program_summary(s.timeline, s.program, s.as_of) p$$, '... and add up to them');
-- what is to expire does, if nothing else happens: no birthdays, and no event after as_of
CREATE TABLE quiet AS
SELECT seed, as_of, (program::jsonb #- '{earn,bonuses,birthday}' #- '{earn,bonuses,anniversary}')::program_policy AS program, timeline_slice(timeline, NULL, (as_of + 1)::timestamp AT TIME ZONE zone) AS timeline, as_of + 100 * g AS day
FROM sample, generate_series(1, 12, 5) g
WHERE timeline_count(timeline) > 0 AND (program::jsonb #- '{earn,bonuses,birthday}' #- '{earn,bonuses,anniversary}')::text !~ '"(birthday|anniversary)"';
SELECT is_empty($$SELECT q.seed, q.day, program_expiring(q.timeline, q.program, q.as_of, q.day) FROM quiet q
	EXCEPT SELECT q.seed, q.day, b.points_expired - a.points_expired FROM quiet q, program_summary(q.timeline, q.program, q.as_of) a, program_summary(q.timeline, q.program, q.day) b$$, 'what is to expire does');
SELECT is_empty($$SELECT s.seed, program_expiring(s.timeline, s.program, s.as_of) FROM sample s EXCEPT SELECT s.seed, coalesce(sum(e.points), 0) FROM sample s LEFT JOIN LATERAL program_expiry_schedule(s.timeline, s.program, s.as_of) e ON true GROUP BY 1$$, 'a schedule adds up to what expires');
SELECT is_empty($$SELECT s.seed, e.expires_at, sum(e.points) FROM sample s, program_expiry_schedule(s.timeline, s.program, s.as_of, by_label => true) e GROUP BY 1, 2
	EXCEPT SELECT s.seed, e.expires_at, e.points FROM sample s, program_expiry_schedule(s.timeline, s.program, s.as_of) e$$, '... by label, too');
SELECT is_empty($$SELECT s.seed, e.label, sum(e.points) AS p FROM sample s, program_expiry_schedule(s.timeline, s.program, s.as_of, by_label => true) e GROUP BY 1, 2
	EXCEPT SELECT l.seed, l.label, p.p FROM (SELECT seed, label, sum(remaining) AS r FROM lot_label GROUP BY 1, 2) l, LATERAL (SELECT sum(e.points) AS p FROM sample s, program_expiry_schedule(s.timeline, s.program, s.as_of, by_label => true) e WHERE s.seed = l.seed AND e.label IS NOT DISTINCT FROM l.label HAVING sum(e.points) <= l.r) p$$,
	'no label loses more than it has');

-- Points of an order by label, as events: the same points, and the labels of its lot.
SELECT is_empty($$SELECT s.seed, e.at, e.kind, e.ref, sum(e.value) FROM sample s, timeline_events(points_accrual(s.timeline, (s.program::jsonb->'earn' || jsonb_build_object('other_kinds', 'ignore', 'zone', s.zone))::earn_policy, by_label => true)) e WHERE NOT s.program::jsonb->'earn' ? 'versions' GROUP BY 1, 2, 3, 4
	EXCEPT SELECT s.seed, e.at, e.kind, e.ref, sum(e.value) FROM sample s, timeline_events(points_accrual(s.timeline, (s.program::jsonb->'earn' || jsonb_build_object('other_kinds', 'ignore', 'zone', s.zone))::earn_policy)) e GROUP BY 1, 2, 3, 4$$, 'an accrual by label has the same points');
SELECT is_empty($$SELECT s.seed, e.at, e.ref, e.label, sum(e.value) FROM sample s, timeline_events(points_accrual(s.timeline, (s.program::jsonb->'earn' || jsonb_build_object('zone', s.zone))::earn_policy, by_label => true)) e
		WHERE NOT s.program::jsonb ? 'tiers' AND NOT s.program::jsonb ? 'versions' AND e.kind = 'earn' AND e.value > 0 AND (e.at AT TIME ZONE s.zone)::date <= s.as_of GROUP BY 1, 2, 3, 4
	EXCEPT SELECT seed, earned_at, ref, label, sum(points) FROM lot_label WHERE kind = 'earn' GROUP BY 1, 2, 3, 4$$, '... and the labels of the lots');

-- What these cases try.
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM lot_label WHERE label LIKE 'rule %'), '>', :timelines / 8, 'multipliers with a name');
SELECT cmp_ok((SELECT count(*)::int FROM (SELECT l.seed, l.ordinality FROM lot l JOIN sample s USING (seed) WHERE jsonb_array_length(s.walk->'parts'->(l.ordinality::text)->'parts') > 2) q), '>', :timelines / 20, '... with three and more');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM booked b WHERE of = 'rollforward' AND label LIKE 'rule %' AND col = c), '>', :timelines / 40, 'of multipliers, ' || c)
FROM unnest('{redeemed,returned,expired}'::text[]) c;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM booked b WHERE of = 'rollforward' AND col = c), '>', 0, c || ' occurs')
FROM unnest('{issued,reinstated,adjusted,transferred,forfeited,pending,blocked}'::text[]) c;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM sample WHERE jsonb_array_length(walk->'resumed') > 0), '>', 0, 'a tier that had kept points is left');
SELECT cmp_ok((SELECT count(*)::int FROM quiet q WHERE program_expiring(q.timeline, q.program, q.as_of, q.day) > 0), '>', :timelines / 10, 'points are to expire');

-- ---- however it is asked ----

CREATE FUNCTION weekend() RETURNS program_policy LANGUAGE sql AS $$ SELECT '{"earn": {"multipliers": [{"name": "double weekend", "times": 2, "weekdays": ["saturday", "sunday"]}], "bonuses": {"first_purchase": {"points": 25, "name": "welcome"}}},
	"points": {"expires_after": "2 months"}, "zone": "UTC"}'::program_policy $$;
CREATE TABLE lines AS SELECT c, timestamptz '2024-01-01Z' + c % 7 * interval '1 day' + n * interval '17 days' AS at, (c * 7 + n * 13) % 50 + 0.5 AS amount, (ARRAY['food', 'toys', NULL, 'fuel'])[1 + (c + n) % 4] AS label, c * 100 + n / 2 AS ref
FROM generate_series(1, 200) c, generate_series(0, 9) n;
CREATE TABLE stored AS SELECT c, timeline_agg(make_event(at => at, value => amount, label => label, ref => ref)) AS t FROM lines GROUP BY 1;
CREATE TABLE ways AS
SELECT 'base' AS way, program_rollforward(timelines(c, make_event(at => at, value => amount, label => label, ref => ref)), weekend(), 'month', '2024-07-31', true) AS f,
	program_triangle(timelines(c, make_event(at => at, value => amount, label => label, ref => ref)), weekend(), 'month', '2024-07-31', true) AS t FROM lines
UNION ALL SELECT 'timelines', program_rollforward(timelines(c, t), weekend(), 'month', '2024-07-31', true), program_triangle(timelines(c, t), weekend(), 'month', '2024-07-31', true) FROM stored
UNION ALL SELECT 'aggregate', program_rollforward(t, weekend(), 'month', '2024-07-31', true), program_triangle(t, weekend(), 'month', '2024-07-31', true) FROM stored
UNION ALL SELECT 'rollup', rollup(f), rollup(g) FROM (SELECT program_rollforward(t, weekend(), 'month', '2024-07-31', true) AS f, program_triangle(t, weekend(), 'month', '2024-07-31', true) AS g FROM stored GROUP BY c % 7) q;
SELECT is((SELECT count(DISTINCT f::text)::int FROM ways), 1, 'a roll-forward in four ways');
SELECT is((SELECT count(DISTINCT t::text)::int FROM ways), 1, '... and a triangle');
SELECT is((SELECT f::text::program_rollforward_result FROM ways WHERE way = 'base'), (SELECT f FROM ways WHERE way = 'base'), 'text out and in');
SELECT is((SELECT t::text::program_triangle_result FROM ways WHERE way = 'base'), (SELECT t FROM ways WHERE way = 'base'), '... of a triangle');
SELECT is((SELECT program_rollforward(t, weekend(), 'month', '2024-07-31') FROM stored), (SELECT program_rollforward(t, weekend(), 'month', '2024-07-31', false) FROM stored), 'an aggregate may leave by_label out');
SELECT is((SELECT program_triangle(t, weekend(), 'month', '2024-07-31') FROM stored), (SELECT program_triangle(t, weekend(), 'month', '2024-07-31', false) FROM stored), '... of a triangle');
SELECT throws_ok('SELECT rollup(f) FROM (SELECT f FROM ways UNION ALL SELECT program_rollforward(t, weekend(), ''month'', ''2024-07-31'') FROM stored) q', '22023', NULL, 'by label or not');
SELECT throws_ok('SELECT rollup(t) FROM (SELECT t FROM ways UNION ALL SELECT program_triangle(t, ''{}''::program_policy, ''month'', ''2024-07-31'', true) FROM stored) q', '22023', NULL, 'triangles of different programmes');
-- the triangle of a programme is one of points
SELECT results_eq('SELECT t.* FROM ways w, points_triangle_table(w.t) t WHERE way = ''base''', 'SELECT t.* FROM ways w, program_triangle_table(w.t) t WHERE way = ''base''', 'as a triangle of points');
SELECT results_eq($$SELECT label, sum(outstanding) FROM ways w, points_redemption_rate(w.t) WHERE way = 'base' AND issue_period IS NOT NULL GROUP BY 1 ORDER BY 1$$,
	$$SELECT label, sum(issued - redeemed - expired - taken_back) FROM ways w, program_triangle_table(w.t) WHERE way = 'base' GROUP BY 1 ORDER BY 1$$, 'redemption rates of it');
SELECT is((SELECT w.t::points_triangle_result::text::points_triangle_result FROM ways w WHERE way = 'base'), (SELECT w.t::points_triangle_result FROM ways w WHERE way = 'base'), '... can be written and read');
SELECT is(program_triangle(timelines(1, '[]'::event_timeline), '{}')::points_triangle_result IS NULL, false, 'a triangle of nobody''s points');
-- what was stored before there were labels
SELECT is('{"program": {}, "zone": "UTC", "as_of": "2024-03-31", "period": "month", "scale": 0, "rows_without_customer": 0, "rows": [{"period": "2024-02-01", "issued": 5}]}'::program_rollforward_result::text,
	'{"program": {}, "zone": "UTC", "as_of": "2024-03-31", "period": "month", "scale": 0, "rows_without_customer": 0, "rows": [{"period": "2024-02-01", "issued": 5}]}', 'a result without by_label');
SELECT throws_ok($$SELECT '{"program": {}, "zone": "UTC", "as_of": "2024-03-31", "period": "month", "scale": 0, "rows_without_customer": 0, "rows": [{"label": "a", "period": "2024-02-01", "issued": 5}]}'::program_rollforward_result$$, NULL, NULL, 'labels need by_label');
SELECT throws_ok($$SELECT '{"program": {}, "zone": "UTC", "as_of": "2024-03-31", "period": "month", "by_label": true, "scale": 0, "rows_without_customer": 0, "rows": [{"label": "a", "period": "2024-02-01", "redeemed": -5}]}'::program_rollforward_result$$, NULL, NULL, 'nothing is below zero under a label');
SELECT lives_ok($$SELECT '{"program": {}, "zone": "UTC", "as_of": "2024-03-31", "period": "month", "by_label": true, "scale": 0, "rows_without_customer": 0, "rows": [{"period": "2024-02-01", "redeemed": -5}]}'::program_rollforward_result$$, '... but under none, where debts are');
SELECT throws_ok($$SELECT '{"zone": "UTC", "as_of": "2024-03-31", "period": "month", "scale": 0, "rows_without_customer": 0, "rows": [{"issue_period": "2024-02-01", "age": 0, "issued": 5}]}'::program_triangle_result$$, NULL, NULL, 'a triangle without a programme');

-- ---- worked examples ----

-- 40 of food and 21 of toys on a Saturday: 61, and 61 by the weekend. 50 of these 122 are redeemed: 25, 16.39.., 8.60..
CREATE TABLE example AS SELECT '[{"at": "2024-06-01T10:00Z", "value": 40, "label": "food", "ref": 1}, {"at": "2024-06-01T10:00Z", "value": 21, "label": "toys", "ref": 1},
	{"at": "2024-06-20T10:00Z", "value": 50, "kind": "redeem"}]'::event_timeline AS t;
SELECT results_eq($$SELECT label, points, remaining FROM example, program_lots(t, weekend(), '2024-06-30', by_label => true)$$,
	$$VALUES ('double weekend', 61::numeric, 36::numeric), ('food', 40, 24), ('toys', 21, 12), ('welcome', 25, 25)$$, 'a double weekend, and what a redemption takes of it');
SELECT results_eq($$SELECT label, points FROM example, program_expiry_schedule(t, weekend(), '2024-06-30', by_label => true)$$, $$VALUES ('double weekend', 36::numeric), ('food', 24), ('toys', 12), ('welcome', 25)$$, '... what of it is to expire');
SELECT results_eq($$SELECT label, points FROM example, program_expiry_schedule(t, weekend(), '2024-06-30')$$, 'VALUES (NULL::text, 97::numeric)', '... in all');
SELECT results_eq($$SELECT program_expiring(t, weekend(), '2024-06-30', '2024-08-01'), program_expiring(t, weekend(), '2024-06-30', '2024-07-31') FROM example$$, 'VALUES (97::numeric, 0::numeric)', 'what expires by a day');
CREATE FUNCTION labels_of(events text, program text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(concat(coalesce(label, '-'), ' ', points), ', ') FROM program_lots(events::event_timeline, program::program_policy, '2024-12-31', by_label => true)
$$;
-- three equal lines of 15.50: 46 points, 15 each and one more for the first, which is none
SELECT is(labels_of('[{"at": "2024-06-03T10:00Z", "value": 15.5, "label": "food", "ref": 1}, {"at": "2024-06-03T10:00Z", "value": 15.5, "label": "toys", "ref": 1}, {"at": "2024-06-03T10:00Z", "value": 15.5, "ref": 1}]', '{}'), '- 16, food 15, toys 15', 'a unit that is left');
-- a cap of an order: without the weekend 61, with it 100
SELECT is(labels_of(t::text, '{"earn": {"caps": {"order": 100}, "multipliers": [{"name": "x", "times": 2}]}, "zone": "UTC"}'), 'food 40, toys 21, x 39', 'caps cut what was added last') FROM example;
SELECT is(labels_of(t::text, '{"earn": {"caps": {"day": 70}, "multipliers": [{"name": "x", "times": 2}]}, "zone": "UTC"}'), 'food 40, toys 21, x 9', '... so does a cap of a day') FROM example;
SELECT is(labels_of(t::text, '{"earn": {"caps": {"day": 50}, "multipliers": [{"name": "x", "times": 2}]}, "zone": "UTC"}'), 'food 33, toys 17', '... down to the order''s own, which is 32.78.. and 17.21..') FROM example;
SELECT is(labels_of(t::text, '{"earn": {"multipliers": [{"name": "x", "times": 2, "cap": {"order": 10}}]}, "zone": "UTC"}'), 'food 40, toys 21, x 10', 'a multiplier''s own cap') FROM example;
-- 61 x 3 = 183; halved, 91: what is taken away, 92, is the second one's 122 to the last 30
SELECT is(labels_of(t::text, '{"earn": {"combine": "multiply", "multipliers": [{"name": "x", "times": 3}, {"name": "half", "times": 0.5}]}, "zone": "UTC"}'), 'food 40, toys 21, x 30', 'a multiplier below 1 takes of what was added before') FROM example;
SELECT is(labels_of(t::text, '{"earn": {"combine": "multiply", "multipliers": [{"name": "half", "times": 0.5}, {"name": "x", "times": 3}]}, "zone": "UTC"}'), 'food 20, toys 10, x 61', '... of the order''s own, where nothing else was') FROM example;
-- without a name, toys weigh 42 beside 40 of food: 82 points
SELECT is(labels_of(t::text, '{"earn": {"multipliers": [{"times": 2, "labels": ["toys"]}]}, "zone": "UTC"}'), 'food 40, toys 42', 'a multiplier without a name is the order''s own') FROM example;
SELECT is(labels_of(t::text, '{"earn": {"combine": "add", "multipliers": [{"times": 2, "labels": ["toys"]}, {"name": "toys", "times": 2}]}, "zone": "UTC"}'), 'food 40, toys 103', 'a name that a label has, too') FROM example;
SELECT is(labels_of(t::text, '{"earn": {"rate": 0, "bonuses": {"first_purchase": 5, "nth_purchase": [{"n": 1, "points": 7, "name": "milestone"}]}}, "zone": "UTC"}'), 'first_purchase 5, milestone 7', 'names of bonuses, and what they are') FROM example;
SELECT is(labels_of(t::text, '{"earn": {"decimals": 2, "rate": 0.333, "multipliers": [{"name": "x", "times": 1.5}]}, "zone": "UTC"}'), 'food 13.32, toys 6.99, x 10.15', 'points with decimals') FROM example;
-- a debt stands under none, until points pay it
SELECT results_eq($$SELECT label, period_start, issued, redeemed, closing FROM program_rollforward_table((SELECT program_rollforward(timelines(1, '[{"at": "2024-05-01T10:00Z", "value": 30, "kind": "redeem"}, {"at": "2024-06-01T10:00Z", "value": 40, "label": "food", "ref": 1}]'::event_timeline),
	'{"earn": {"multipliers": [{"name": "x", "times": 2}]}, "zone": "UTC"}', 'month', '2024-06-30', true)))$$,
	$$VALUES ('food', '2024-06-01'::date, 40::numeric, 15::numeric, 25::numeric), ('x', '2024-06-01', 40, 15, 25), (NULL, '2024-05-01', 0, 30, -30), (NULL, '2024-06-01', 0, -30, 0)$$, 'a debt that points pay back');
-- a refund gives back what the redemption took of each
SELECT results_eq($$SELECT label, remaining FROM program_lots('[{"at": "2024-06-01T10:00Z", "value": 40, "label": "food", "ref": 1}, {"at": "2024-06-01T10:00Z", "value": 21, "label": "toys", "ref": 1}, {"at": "2024-06-20T10:00Z", "value": 50, "kind": "redeem", "ref": 7},
	{"at": "2024-06-21T10:00Z", "value": 50, "kind": "undo", "ref": 7}]', '{"earn": {"kinds": {"undo": "redeem_refund"}, "multipliers": [{"name": "double weekend", "times": 2}]}, "zone": "UTC"}', '2024-06-30', by_label => true)$$,
	$$VALUES ('double weekend', 61::numeric), ('food', 40), ('toys', 21)$$, 'a refund');

-- Points that expire share by share: two lots of 61, of which the first has 30.5, 20 and 10.5 under its labels
SELECT results_eq($$SELECT label, points, expires_at::date FROM example, program_lots(t, '{"earn": {"multipliers": [{"name": "double weekend", "times": 2}]}, "points": {"expires_after": "1 month", "expires_shares": 2, "expires_every": "1 month"}, "zone": "UTC"}', '2024-06-02', by_label => true)$$,
	$$VALUES ('double weekend', 31::numeric, '2024-07-02'::date), ('food', 20, '2024-07-02'), ('toys', 10, '2024-07-02'), ('double weekend', 30, '2024-08-02'), ('food', 20, '2024-08-02'), ('toys', 11, '2024-08-02')$$, 'shares of an order''s points');
-- Points that are brought back have the labels that they had: of 61, 40 and 21, 50 are 25, 16.39.. and 8.60..
CREATE TABLE brought_back AS SELECT '[{"at": "2024-06-01T10:00Z", "value": 40, "label": "food", "ref": 1}, {"at": "2024-06-01T10:00Z", "value": 21, "label": "toys", "ref": 1}, {"at": "2024-07-10T10:00Z", "value": 50, "kind": "back"}]'::event_timeline AS t,
	'{"earn": {"kinds": {"back": "reinstate"}, "multipliers": [{"name": "double weekend", "times": 2}]}, "points": {"expires_after": "1 month", "grace_after_expiry": "1 month"}, "zone": "UTC"}'::program_policy AS p;
SELECT results_eq($$SELECT label, points, remaining, state FROM brought_back, program_lots(t, p, '2024-07-11', by_label => true)$$,
	$$VALUES ('double weekend', 36::numeric, 0::numeric, 'expired'), ('food', 24, 0, 'expired'), ('toys', 12, 0, 'expired'), ('double weekend', 25, 25, 'active'), ('food', 16, 16, 'active'), ('toys', 9, 9, 'active')$$, 'what is brought back has its labels');
SELECT results_eq($$SELECT label, period_start, issued, expired, closing FROM program_rollforward_table((SELECT program_rollforward(timelines(1, t), p, 'month', '2024-07-31', true) FROM brought_back GROUP BY p))$$,
	$$VALUES ('double weekend', '2024-06-01'::date, 61::numeric, 0::numeric, 61::numeric), ('double weekend', '2024-07-01', 0, 36, 25), ('food', '2024-06-01', 40, 0, 40), ('food', '2024-07-01', 0, 24, 16), ('toys', '2024-06-01', 21, 0, 21), ('toys', '2024-07-01', 0, 12, 9)$$, '... in a roll-forward');
SELECT results_eq($$SELECT label, age, issued, expired FROM program_triangle_table((SELECT program_triangle(timelines(1, t), p, 'month', '2024-07-31', true) FROM brought_back GROUP BY p)) WHERE label = 'double weekend'$$,
	$$VALUES ('double weekend', 0, 61::numeric, 0::numeric), ('double weekend', 1, 0, 36)$$, '... and in a triangle');
SELECT results_eq($$SELECT role, label, points FROM brought_back, program_movements(t, p, '2024-07-31', by_label => true)$$,
	$$VALUES ('expire', 'double weekend', 61::numeric), ('expire', 'food', 40), ('expire', 'toys', 21), ('reinstate', 'double weekend', -25), ('reinstate', 'food', -16), ('reinstate', 'toys', -9)$$, '... and in movements');
-- what is brought back expires again, and comes back again
SELECT results_eq($$SELECT label, sum(points), sum(remaining) FROM brought_back, program_lots(timeline_merge(t, '[{"at": "2024-08-15T10:00Z", "kind": "back"}]'), p, '2024-08-16', by_label => true) GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('double weekend', 61::numeric, 25::numeric), ('food', 40, 16), ('toys', 21, 9)$$, '... again and again');

-- ---- hostile arguments ----

SELECT is_empty('SELECT program_lots(NULL, weekend())', 'no timeline: no lots');
SELECT is_empty('SELECT program_movements(NULL, weekend())', '... no movements');
SELECT is_empty('SELECT program_expiry_schedule(NULL, weekend())', '... nothing to expire');
SELECT is_empty('SELECT program_daily(NULL, weekend())', '... no days');
SELECT is(program_expiring(NULL, weekend()), NULL, '... NULL points');
SELECT is_empty('SELECT program_lots(''[]'', weekend())', 'no events: no lots');
SELECT is(program_expiring('[]', weekend()), 0::numeric, '... and nothing expires');
SELECT throws_ok(format('SELECT %s(%s)', f, replace(a, 'T', $$'[]'::event_timeline$$)), '22004', NULL, format('NULL of %s: %s', f, a))
FROM (VALUES ('program_lots', 'T, NULL'), ('program_lots', 'T, weekend(), NULL'), ('program_lots', 'T, weekend(), by_label => NULL'), ('program_movements', 'T, weekend(), by_label => NULL'), ('program_expiry_schedule', 'T, weekend(), by_label => NULL'),
	('program_expiring', 'T, NULL'), ('program_daily', 'T, weekend(), NULL, NULL'), ('points_accrual', $$T, '{}', NULL$$)) v(f, a);
SELECT throws_ok($$SELECT program_rollforward(timelines(1, now()), weekend(), by_label => NULL)$$, '22004', NULL, 'a NULL by_label of a roll-forward');
SELECT throws_ok($$SELECT program_triangle(timelines(1, now()), NULL)$$, '22004', NULL, 'a NULL programme of a triangle');
SELECT throws_ok($$SELECT program_expiring('[]', weekend(), '2024-01-02', '2024-01-01')$$, '22023', NULL, 'until before as_of');
SELECT throws_ok($$SELECT program_daily('[]', weekend(), '2024-01-02', '2024-01-01')$$, '22023', NULL, 'since after until');
SELECT throws_ok($$SELECT program_lots('[]', weekend(), 'infinity')$$, '22008', NULL, 'an infinite day');
SELECT throws_ok($$SELECT program_lots('[{"at": "2024-01-01T00:00Z", "kind": "what"}]', weekend(), '2024-01-01')$$, '22023', NULL, 'an unknown kind');
SELECT throws_ok(format('SELECT %L::earn_policy', p), '22023', NULL, 'an empty name: ' || p)
FROM unnest(ARRAY['{"multipliers": [{"times": 2, "name": ""}]}', '{"bonuses": {"joining": {"points": 5, "name": ""}}}', '{"bonuses": {"nth_purchase": [{"n": 2, "points": 5, "name": ""}]}}']) p;
SELECT throws_ok($$SELECT '{"multipliers": [{"times": 2, "name": "a"}, {"times": 3, "name": "a"}]}'::earn_policy$$, '22023', NULL, 'two multipliers of a name');
SELECT is('{"bonuses": {"joining": {"points": 5, "name": "a"}, "referral": {"name": "a", "points": 6.0}, "birthday": {"points": 7}}}'::earn_policy::text,
	'{"bonuses": {"joining": {"points": 5, "name": "a"}, "birthday": 7, "referral": {"points": 6, "name": "a"}}}', 'two bonuses may have one, as they are written');
-- two rules of a name, in versions; names with odd characters
SELECT is(labels_of(t::text, '{"earn": {"multipliers": [{"name": "a", "times": 2}], "bonuses": {"first_purchase": {"points": 5, "name": "a"}}, "versions": [{"from": "2024-06-01", "multipliers": [{"name": "a", "times": 3}]}]}, "zone": "UTC"}'),
	'a 122, food 40, toys 21, a 5', 'a name of two rules') FROM example;
SELECT results_eq($$SELECT label, issued FROM program_rollforward_table((SELECT program_rollforward(timelines(1, t), '{"earn": {"multipliers": [{"name": "a", "times": 2}], "bonuses": {"first_purchase": {"points": 5, "name": "a"}}}, "zone": "UTC"}', 'year', '2024-12-31', true) FROM example))$$,
	$$VALUES ('a', 66::numeric), ('food', 40), ('toys', 21)$$, '... adds up under it');
SELECT is((SELECT label FROM program_lots('[{"at": "2024-06-01T10:00Z", "value": 10}]', jsonb_build_object('earn', jsonb_build_object('multipliers', jsonb_build_array(jsonb_build_object('times', 2, 'name', n)))), '2024-06-02', by_label => true) WHERE label IS NOT NULL), n, 'odd name: ' || left(n, 20))
FROM unnest(ARRAY[E'\n', '"', ' ', '\', 'ÄÖ%s %n', repeat('x', 10000), 'null']) n;
-- ten thousand versions with a hundred multipliers and bonuses in all of them, and ten thousand labels
CREATE TABLE many AS SELECT jsonb_build_object('zone', 'UTC', 'earn', jsonb_build_object('versions', jsonb_agg(jsonb_build_object('from', date '1990-01-01' + n, 'bonuses', jsonb_build_object('first_purchase', jsonb_build_object('points', 1 + n, 'name', 'b' || n)),
	'multipliers', jsonb_build_array(jsonb_build_object('times', 2, 'name', 'm' || n)))))) AS p FROM generate_series(1, 10000) n;
SELECT results_eq($$SELECT label, points FROM many, program_lots('[{"at": "2010-01-01T10:00Z", "value": 10}]', p::program_policy, '2010-01-02', by_label => true)$$, $$VALUES (NULL, 10::numeric), ('m7305', 10), ('b7305', 7306)$$, '10000 rules with names');
SELECT is((SELECT count(*) || ' ' || sum(points) FROM program_lots((SELECT jsonb_agg(jsonb_build_object('at', '2024-06-01T10:00Z', 'value', 1.25, 'label', 'l' || n, 'ref', 1)) FROM generate_series(1, 10000) n)::text::event_timeline,
	'{"earn": {"multipliers": [{"name": "x", "times": 2}]}, "zone": "UTC"}', '2024-06-02', by_label => true)), '10001 25000', 'an order of 10000 labels');
SELECT is((SELECT count(*) || ' ' || sum(points) FROM program_lots((SELECT jsonb_agg(jsonb_build_object('at', '2024-06-01T10:00Z', 'value', v, 'label', 'l' || v, 'ref', 1)) FROM unnest('{123456789012.345678,999999999999.999999}'::numeric[]) v)::text::event_timeline,
	'{"earn": {"multipliers": [{"times": 1.234567, "labels": ["l123456789012.345678"]}]}, "zone": "UTC"}', '2024-06-02', by_label => true)), '2 1152415677640', 'large amounts with many decimals');
SELECT * FROM finish();
ROLLBACK;
