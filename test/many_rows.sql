--
-- Many rows, so that collectors grow, group their rows and split several times
-- over: rows by time, by customer and at random, one customer with a large
-- part of all rows, many customers with one; against GROUP BY and plain SQL.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(26);
SELECT setseed(0.61);
CREATE TABLE sale AS
SELECT CASE WHEN random() < 0.1 THEN 1 WHEN random() < 0.3 THEN 1000000 + n ELSE (power(random(), 3) * 40000)::int END AS customer,
	timestamptz '2023-01-01 00:00+00' + n * interval '173.5 seconds' AS at, round((random() * 90 - 5)::numeric, 2) AS amount, (random() * 6)::int AS channel
FROM generate_series(1, 300000) n;
CREATE TABLE by_customer AS SELECT * FROM sale ORDER BY customer, at DESC;
CREATE TABLE shuffled AS SELECT * FROM sale ORDER BY random();
ANALYZE sale;
ANALYZE by_customer;
ANALYZE shuffled;

-- plain SQL
CREATE TABLE wanted AS
SELECT customer, array_agg(DISTINCT at::date ORDER BY at::date) AS days, count(*) AS events, sum(amount) AS sum, min(at) AS first, max(at) AS last FROM sale GROUP BY customer;
CREATE TABLE month AS
SELECT cohort, extract(year FROM m)::int * 12 + extract(month FROM m)::int - extract(year FROM cohort)::int * 12 - extract(month FROM cohort)::int AS lag, count(*) AS retained
FROM (SELECT customer, m, min(m) OVER (PARTITION BY customer) AS cohort FROM (SELECT DISTINCT customer, date_trunc('month', at)::date AS m FROM sale) d) c GROUP BY 1, 2;
ANALYZE wanted;
SELECT cmp_ok((SELECT count(*)::int FROM wanted), '>', 90000, 'there are many customers');
SELECT cmp_ok((SELECT max(events)::int FROM wanted), '>', 25000, '... and one with many events');

CREATE FUNCTION settings(way text) RETURNS void
LANGUAGE sql AS $$
	SELECT set_config('max_parallel_workers_per_gather', CASE WHEN way LIKE 'parallel%' THEN '2' ELSE '0' END, true), set_config('parallel_setup_cost', '0', true), set_config('parallel_tuple_cost', '0', true)
$$;
CREATE FUNCTION wrong_months(source text, way text) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM settings(way);
	RETURN QUERY EXECUTE format('SELECT t.cohort, t.lag, t.retained, month.retained FROM (SELECT retention(activities(customer, at)) AS r FROM %I) q CROSS JOIN LATERAL retention_table(q.r) t
		FULL JOIN month ON month.cohort = t.cohort AND month.lag = t.lag WHERE coalesce(t.retained, -1) <> coalesce(month.retained, 0)', source);
END $$;
CREATE FUNCTION wrong_activities(source text, way text) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM settings(way);
	RETURN QUERY EXECUTE format('SELECT w.customer, c.customer, c.activity FROM (SELECT activities(customer, at) AS b FROM %I) q CROSS JOIN LATERAL customer_activities(q.b) c
		FULL JOIN wanted w ON w.customer = c.customer WHERE c.activity::date[] IS DISTINCT FROM w.days', source);
END $$;
CREATE FUNCTION wrong_timelines(source text, way text) RETURNS SETOF record
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM settings(way);
	RETURN QUERY EXECUTE format('SELECT w.customer, c.customer, timeline_count(c.timeline) FROM (SELECT timelines(customer, at, amount) AS b FROM %I) q CROSS JOIN LATERAL customer_timelines(q.b) c
		FULL JOIN wanted w ON w.customer = c.customer
		WHERE (timeline_count(c.timeline), timeline_sum(c.timeline), timeline_first(c.timeline), timeline_last(c.timeline)) IS DISTINCT FROM (w.events, w.sum, w.first, w.last)', source);
END $$;
SELECT is_empty(format('SELECT * FROM wrong_%s(%L, %L) AS x(a %s) LIMIT 5', what, source, way, CASE what WHEN 'months' THEN 'date, b int, c bigint, d bigint' WHEN 'activities' THEN 'int, b bigint, c activity_set' ELSE 'int, b bigint, c bigint' END),
				format('%s, %s, %s', what, source, way))
FROM unnest(ARRAY['months', 'activities', 'timelines']) what, unnest(ARRAY['sale', 'by_customer', 'shuffled']) source, unnest(ARRAY['serial', 'parallel']) way;

-- aggregates by customer, by hash and by sort
SELECT settings('serial') IS NULL AS void \gset
SELECT set_config('enable_sort', 'off', true) AS off \gset
SELECT is_empty('SELECT s.customer FROM (SELECT customer, activity_agg(at) AS a, timeline_agg(at, amount) AS t FROM shuffled GROUP BY customer) s JOIN wanted w USING (customer) WHERE a::date[] <> days OR timeline_count(t) <> events OR timeline_sum(t) <> sum LIMIT 5', 'by hash');
SELECT set_config('enable_sort', 'on', true), set_config('enable_hashagg', 'off', true) \g /dev/null
SELECT is_empty('SELECT s.customer FROM (SELECT customer, activity_agg(at) AS a, timeline_agg(at, amount) AS t FROM shuffled GROUP BY customer) s JOIN wanted w USING (customer) WHERE a::date[] <> days OR timeline_count(t) <> events OR timeline_sum(t) <> sum LIMIT 5', 'by sort');
SELECT set_config('enable_hashagg', 'on', true) AS on \gset
SELECT set_config('work_mem', '1MB', true) AS small \gset
SELECT is_empty('SELECT s.customer FROM (SELECT customer, activity_agg(at) AS a, timeline_agg(at, amount) AS t FROM shuffled GROUP BY customer) s JOIN wanted w USING (customer) WHERE a::date[] <> days OR timeline_count(t) <> events OR timeline_sum(t) <> sum LIMIT 5', 'with little memory');
SELECT set_config('work_mem', '64MB', true) AS large \gset

-- groups, and customers as text
SELECT results_eq('SELECT channel, t.customers FROM (SELECT channel, retention(activities(customer, at)) AS r FROM shuffled GROUP BY channel) q CROSS JOIN LATERAL retention_totals(q.r) t ORDER BY 1',
	'SELECT channel, count(DISTINCT customer) FROM sale GROUP BY channel ORDER BY 1', 'in groups');
SELECT results_eq('SELECT t.cohort, t.lag, t.retained FROM (SELECT retention(activities(md5(customer::text), at)) AS r FROM shuffled) q CROSS JOIN LATERAL retention_table(q.r) t WHERE t.retained > 0 ORDER BY 1, 2',
	'SELECT cohort, lag, retained FROM month ORDER BY 1, 2', 'customers as text');
SELECT results_eq('SELECT t.cohort, t.lag, t.retained FROM (SELECT retention(activities(md5(customer::text)::uuid, at)) AS r FROM shuffled) q CROSS JOIN LATERAL retention_table(q.r) t WHERE t.retained > 0 ORDER BY 1, 2',
	'SELECT cohort, lag, retained FROM month ORDER BY 1, 2', 'customers as uuid');
SELECT * FROM finish();
ROLLBACK;
