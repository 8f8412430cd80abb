--
-- Results as links for charts of flows: names that are unique, what comes to a node and leaves it, and
-- the numbers that plain SQL, or the tables of the same results, have.
--
\ir reference/setup.sql
BEGIN;
\ir reference/differences.sql
SELECT no_plan();
SET LOCAL timezone = 'UTC';

SELECT setseed(0.3);
CREATE TABLE orders AS
SELECT (power(random(), 2) * 150)::int AS customer, timestamptz '2023-01-05' + power(random(), 1.2) * interval '500 days' AS at,
	CASE WHEN random() < 0.1 THEN -round((random() * 40)::numeric, 2) ELSE round((random() * 100)::numeric, 2) END AS amount,
	(ARRAY['tea', 'coffee', 'new', 'lost (2)', NULL, '(new 1)', ''])[1 + floor(random() * 7)::int] AS label
FROM generate_series(1, 4000);
ANALYZE orders;
CREATE TABLE answer AS SELECT
	growth(activities(customer, at), 'month') AS active, growth(timelines(customer, at, amount), 'month') AS revenue,
	basket_switching(timelines(customer, make_event(at => at, value => amount, label => label)), 'quarter') AS baskets,
	tier_flow(timelines(customer, at, amount), '{"levels": {"Silver": 100, "Gold (2)": 400, "Platinum": 900}, "valid": "3 months", "downgrade": "one_level"}', 'month') AS tiers,
	tier_migration(timelines(customer, at, amount), '{"levels": {"Silver": 100, "Gold (2)": 400, "Platinum": 900}, "valid": "3 months", "downgrade": "one_level"}', '2023-01-20') AS migration,
	rfm_migration(timelines(customer, at, amount), from_day => '2023-07-31') AS segments
FROM orders;
CREATE VIEW link AS
	SELECT 'growth' AS of, period_start, step, source, target, value::numeric, source_name, target_name FROM answer, growth_links(active)
	UNION ALL SELECT 'revenue', period_start, step, source, target, value, source_name, target_name FROM answer, growth_links(revenue)
	UNION ALL SELECT 'baskets', period_start, step, source, target, value, source_name, target_name FROM answer, basket_switching_links(baskets)
	UNION ALL SELECT 'tiers', period_start, step, source, target, value, source_name, target_name FROM answer, tier_flow_links(tiers)
	UNION ALL SELECT 'migration', NULL, step, source, target, value, source_name, target_name FROM answer, tier_migration_links(migration)
	UNION ALL SELECT 'segments', NULL, step, source, target, value, source_name, target_name FROM answer, rfm_migration_links(segments);

-- ---- whatever they are about ----

SELECT cmp_ok((SELECT min(n)::int FROM (SELECT count(*) AS n FROM link GROUP BY of) q), '>', 5, 'all of them have links');
SELECT is_empty('SELECT of, period_start, source, target FROM link GROUP BY 1, 2, 3, 4 HAVING count(*) > 1', 'a link is one row');
SELECT is_empty('SELECT * FROM link WHERE value = 0 OR source IS NULL OR target IS NULL OR source = target OR value IS NULL', '... of two nodes, and something');
SELECT is_empty('SELECT of, node FROM (SELECT of, source AS node, source_name AS name, step AS level FROM link UNION ALL SELECT of, target, target_name, step + 1 FROM link) n GROUP BY of, node HAVING count(DISTINCT (level, name)) > 1', 'a name stands for one node at one level');
SELECT is_empty($$SELECT of, node FROM (SELECT of, source AS node, source_name AS name, step AS level FROM link UNION ALL SELECT of, target, target_name, step + 1 FROM link) n WHERE name IS NOT NULL AND node <> name || ' (' || level || ')' OR name IS NULL AND node !~ ('^\(.* ' || level || '\)$')$$, '... and says both');

-- ---- their numbers ----

SELECT results_eq($$SELECT t.period_start, source_name, target_name, value FROM answer, growth_links(active) t ORDER BY 1, 2, 3$$,
	$$WITH month AS (SELECT DISTINCT customer, date_trunc('month', at)::date AS m FROM orders),
		every AS (SELECT m, row_number() OVER (ORDER BY m) AS n FROM (SELECT DISTINCT m FROM month) q),
		lived AS (SELECT customer, m, n, lag(n) OVER (PARTITION BY customer ORDER BY n) AS before, lead(n) OVER (PARTITION BY customer ORDER BY n) AS next FROM month JOIN every USING (m)),
		moved AS (SELECT m, CASE WHEN before IS NULL THEN 'new' WHEN before = n - 1 THEN 'active' ELSE 'resurrected' END AS a, 'active' AS b FROM lived
			UNION ALL SELECT e.m, 'active', 'churned' FROM lived l JOIN every e ON e.n = l.n + 1 WHERE next IS DISTINCT FROM l.n + 1)
	SELECT m, a, b, count(*) FROM moved GROUP BY 1, 2, 3 ORDER BY 1, 2, 3$$, 'growth, by plain SQL');
SELECT results_eq($$SELECT period_start, sum(value) FILTER (WHERE source = 'active (1)'), sum(value) FILTER (WHERE target = 'active (2)') FROM link WHERE of = 'revenue' GROUP BY 1 ORDER BY 1$$,
	$$SELECT t.period_start, nullif(opening_revenue, 0), t.revenue FROM answer, growth_table(answer.revenue) t ORDER BY 1$$, 'revenue: what there was leaves it, and what there is comes to it');
SELECT is_empty($$SELECT * FROM differences($got$SELECT period_start, target_name, sum(value) FROM link WHERE of = 'baskets' AND target !~ '^\((lost|decreased) 2\)$' GROUP BY 1, 2 HAVING sum(value) <> 0$got$, $wanted$SELECT t.period_start, label, spend FROM answer, basket_switching_table(baskets) t WHERE spend <> 0$wanted$)$$, 'baskets: what comes to a label is its spend');
SELECT is_empty($$SELECT * FROM differences($got$SELECT period_start, source_name, sum(value) FROM link WHERE of = 'baskets' AND source !~ '^\((new|increased) 1\)$' GROUP BY 1, 2 HAVING sum(value) <> 0$got$, $wanted$SELECT t.period_start, label, spend_before FROM answer, basket_switching_table(baskets) t WHERE spend_before <> 0$wanted$)$$, '... and what leaves it, that of before');
SELECT is_empty($$SELECT period_start, node FROM (SELECT period_start, target AS node, value FROM link WHERE of = 'tiers' AND step = 1 UNION ALL SELECT period_start, source, -value FROM link WHERE of = 'tiers' AND step = 2 AND source <> '(joined 2)') n GROUP BY 1, 2 HAVING sum(value) <> 0$$, 'tiers: who leaves one comes into another');
SELECT is_empty($$SELECT t.period_start, tier FROM answer, tier_flow_table(tiers) t LEFT JOIN LATERAL (SELECT sum(CASE WHEN target_name = tier THEN value ELSE -value END) AS change FROM link l WHERE of = 'tiers' AND l.period_start = t.period_start AND tier IN (source_name, target_name)) c ON true WHERE members_at_start + coalesce(change, 0) <> members_at_end$$, '... and that is how members change');
SELECT results_eq($$SELECT source_name, target_name, value FROM answer, tier_migration_links(migration)$$, $$SELECT nullif(from_tier, 'not yet a member'), to_tier, members FROM answer, tier_migration_table(migration) WHERE members > 0$$, 'migration');
SELECT ok((SELECT bool_or(source = '(not yet a member 1)') FROM link), '... also of who was none yet');
SELECT results_eq($$SELECT source_name, target_name, value FROM answer, rfm_migration_links(segments)$$, $$SELECT from_segment, to_segment, members FROM answer, rfm_migration_table(segments)$$, 'segments');

-- ---- nothing ----

SELECT is_empty('SELECT step FROM growth_links(NULL::growth_result) UNION ALL SELECT step FROM growth_links(NULL::growth_money_result) UNION ALL SELECT step FROM basket_switching_links(NULL) UNION ALL SELECT step FROM tier_flow_links(NULL) UNION ALL SELECT step FROM tier_migration_links(NULL) UNION ALL SELECT step FROM rfm_migration_links(NULL) UNION ALL SELECT step FROM event_flow_links(NULL)', 'no result, no rows');

SELECT * FROM finish();
ROLLBACK;
