--
-- Values are exact: sums equal sum(numeric), also as they are shown, whatever
-- the scale and however the timeline came about; what doesn't fit is error 22003.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(51);
SELECT setseed(0.19);
CREATE TABLE entry AS
SELECT g, timestamptz '2024-01-01 00:00+00' + random() * interval '1 year' AS at,
	round(((random() - 0.3) * power(10, g % 13))::numeric, CASE WHEN g % 3 = 0 THEN 2 ELSE trunc(random() * 5)::int END) AS value
FROM generate_series(1, 400) g, generate_series(1, 1 + g % 40) n ORDER BY random();
ANALYZE entry;

SELECT is_empty('SELECT g, timeline_sum(timeline_agg(at, value))::text, sum(value)::text FROM entry GROUP BY g HAVING timeline_sum(timeline_agg(at, value))::text IS DISTINCT FROM sum(value)::text', 'timeline_sum = sum, as shown');
SELECT is_empty('SELECT g FROM entry GROUP BY g HAVING timeline_sum(timeline_agg(make_event(at => at, value => value)))::text IS DISTINCT FROM sum(value)::text', '... of events');
SELECT is_empty('SELECT g FROM (SELECT g, rollup(t) AS t FROM (SELECT g, timeline_agg(at, value) AS t FROM entry GROUP BY g, ctid) one GROUP BY g) r JOIN (SELECT g, sum(value) AS s FROM entry GROUP BY g) s USING (g) WHERE timeline_sum(t)::text IS DISTINCT FROM s::text', '... merged one by one');
SELECT is_empty('SELECT g FROM (SELECT c.customer AS g, c.timeline AS t FROM (SELECT timelines(g, at, value) AS b FROM entry) q CROSS JOIN LATERAL customer_timelines(q.b) c) r JOIN (SELECT g, sum(value) AS s FROM entry GROUP BY g) s USING (g) WHERE timeline_sum(t)::text IS DISTINCT FROM s::text', '... collected');
SELECT is_empty('SELECT g FROM entry WHERE g % 3 = 0 GROUP BY g HAVING (SELECT array_agg(e.value::text ORDER BY e.value::text COLLATE "C") FROM timeline_events(timeline_agg(at, value)) e) IS DISTINCT FROM array_agg(value::text ORDER BY value::text COLLATE "C")', 'cents come out as cents');
SELECT is_empty('SELECT g FROM entry GROUP BY g HAVING (SELECT array_agg(e.value ORDER BY e.value) FROM timeline_events(timeline_agg(at, value)) e) IS DISTINCT FROM array_agg(value ORDER BY value)', 'values come out as numbers');
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is((SELECT timeline_sum(timeline_agg(at, value))::text FROM entry WHERE g % 13 < 8), (SELECT sum(value)::text FROM entry WHERE g % 13 < 8), 'the sum of all, in parallel');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;

-- types of values
SELECT is((SELECT timeline_sum(timeline_agg(now(), v))::text FROM (VALUES (3::smallint), (4)) x(v)), '7', 'smallint');
SELECT is((SELECT timeline_sum(timeline_agg(now(), v))::text FROM (VALUES (3), (4)) x(v)), '7', 'integer');
SELECT is((SELECT timeline_sum(timeline_agg(now(), v))::text FROM (VALUES (3000000000), (4)) x(v)), '3000000004', 'bigint');
SELECT is_empty(format('SELECT x, want, got FROM (SELECT x, x::text::numeric AS want, timeline_sum(timeline_agg(timestamptz ''2024-01-01'', x)) AS got FROM (SELECT DISTINCT x FROM (%s) v(x)) d GROUP BY x) g WHERE got IS DISTINCT FROM want AND want = round(want, 18)', floats), 'floats are what their shortest text says')
FROM unnest(ARRAY['SELECT (random() * 10 ^ (n % 12) - 500)::float8 FROM generate_series(1, 4000) n', 'SELECT (n - 2000) / 100::float8 FROM generate_series(1, 4000) n', 'SELECT (random() * 10 ^ (n % 6) - 500)::real FROM generate_series(1, 4000) n',
	'SELECT x::float8 FROM unnest(ARRAY[0, -0.0, 1e15, 1e16, 123456789012345680, 1e17, -9e17, 0.1, 1e-7, -1.5e-17, 1e-18, 5e-18, 0.30000000000000004]) x', 'SELECT x::real FROM unnest(ARRAY[0, 0.1, 16777216, 1e9, 3.4e10, -1e-7, 1e17]) x']) floats;
SELECT throws_ok(format('SELECT timeline_agg(now(), %s)', x), '22003', format('value %s is out of range', shown), 'a float that 18 digits can''t hold: ' || x) FROM (VALUES ('1e19::float8', '1e+19'), ('-1e300::float8', '-1e+300'), ('1e-19::float8', '1e-19'), ('1.5e-18::float8', '1.5e-18'), ('1e20::real', '1e+20')) v(x, shown);
SELECT throws_ok(format('SELECT timeline_agg(now(), %L::%s)', x, type), '22003', format('value must be finite, not %s', x), 'no float: ' || x) FROM unnest(ARRAY['NaN', 'Infinity', '-Infinity']) x, unnest(ARRAY['float8', 'real']) type;

-- the edges of int64 at every scale
SELECT lives_ok(format('SELECT timeline_agg(now(), %s)', v), 'fits: ' || v)
FROM unnest(ARRAY['9223372036854775807', '-9223372036854775807', '92233720368547758.07', '9.223372036854775807', '0.000000000000000001', '-0.999999999999999999']) v;
SELECT is((SELECT timeline_sum(timeline_agg(now(), v))::text FROM (VALUES (v)) x(v)), v::text, 'exact: ' || v)
FROM unnest(ARRAY[9223372036854775807, -9223372036854775807, 92233720368547758.07, 9.223372036854775807, 0.000000000000000001]) v;
SELECT throws_ok(format('SELECT timeline_agg(now(), %s)', v), '22003', NULL, 'does not fit: ' || v)
FROM unnest(ARRAY['9223372036854775808', '-9223372036854775808', '-9223372036854775809', '92233720368547758.08', '9.223372036854775808', '0.0000000000000000001', '1e30', '''NaN''::numeric', '''Infinity''::numeric', '''-Infinity''::numeric']) v;
SELECT throws_ok('SELECT timeline_agg(now(), v) FROM (VALUES (9223372036854775807), (0.5)) x(v)', '22003', NULL, 'one scale does not hold both');
SELECT throws_like('SELECT timeline_agg(now(), 9223372036854775808)', '%9223372036854775808%', 'the error names the value');

-- sums beyond int64
SELECT is(timeline_sum(timeline_agg(now() + n * interval '1 second', 9223372036854775807))::text, (1000 * 9223372036854775807::numeric)::text, 'a sum may pass int64') FROM generate_series(1, 1000) n;
SELECT is(timeline_sum(timeline_agg(now(), v))::text, '0.00', 'a sum of nothing left keeps its scale') FROM (VALUES (1.25), (-1.25)) x(v);
SELECT * FROM finish();
ROLLBACK;
