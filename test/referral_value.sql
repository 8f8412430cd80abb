--
-- What chains are worth: against plain SQL over random graphs and purchases, in several zones; a worked example; by
-- every type of customers and every way to a base; nothing is lost; errors.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/referrals.sql

-- ---- a worked example ----

-- 1 brought 2 and 3, 2 brought 4; 5 came by 99, who is no customer. 7 and 8 brought each other, 9 came by 7. 20 and 21 only bought.
CREATE TABLE told AS SELECT * FROM (VALUES (1, NULL), (2, 1), (3, 1), (4, 2), (5, 99), (6, NULL), (7, 8), (8, 7), (9, 7)) v(customer, referrer);
CREATE TABLE bought AS
SELECT customer, at::timestamptz, value FROM (VALUES (1, '2024-01-10', 10), (1, '2024-02-10', 2.5), (2, '2024-01-20', 20), (3, '2024-01-21', 30.25), (4, '2024-02-01', 40), (4, '2024-03-01 00:30', 7), (5, '2024-01-05', 50),
	(7, '2024-01-05', 70), (9, '2024-01-06', 90), (20, '2024-01-07', 200), (21, '2024-03-02', 1), (NULL, '2024-01-07', 1000)) v(customer, at, value);
INSERT INTO bought VALUES (3, '2024-01-22', -0.25), (4, '2024-01-22', NULL), (6, NULL, NULL);
CREATE FUNCTION worth(until date) RETURNS SETOF record LANGUAGE sql AS $$
	SELECT t.* FROM (SELECT referrals(customer, referrer) AS r FROM told) q CROSS JOIN (SELECT timelines(customer, at, value) AS b FROM bought) p CROSS JOIN LATERAL referral_value(q.r, p.b, until) t
$$;
SELECT results_eq('SELECT * FROM worth(''2024-02-29'') t(root bigint, chain text, rank int, members bigint, direct bigint, downstream bigint, own numeric, direct_spend numeric, downstream_spend numeric, absent bigint, last_day date)', $$VALUES
	(1::bigint, 'customer', 1, 4::bigint, 2::bigint, 3::bigint, 12.5, 50::numeric, 90::numeric, 0::bigint, date '2024-02-29'),
	(6, 'customer', 1, 1, 0, 0, 0, 0, 0, 0, '2024-02-29'), (99, 'unknown referrer', 2, 2, 1, 1, 0, 50, 50, 1, '2024-02-29'),
	(NULL, 'cycle', 3, 3, NULL, NULL, 160, NULL, NULL, 1, '2024-02-29'), (NULL, 'no referral', 4, 2, NULL, NULL, 200, NULL, NULL, 0, '2024-02-29')$$, 'as of a day, to its end');
SELECT results_eq('SELECT root, own, downstream_spend, last_day FROM worth(NULL) t(root bigint, chain text, rank int, members bigint, direct bigint, downstream bigint, own numeric, direct_spend numeric, downstream_spend numeric, absent bigint, last_day date) WHERE rank <> 2',
	$$VALUES (1::bigint, 12.5, 97::numeric, date '2024-03-02'), (6, 0, 0, '2024-03-02'), (NULL, 160, NULL, '2024-03-02'), (NULL, 201, NULL, '2024-03-02')$$, 'without as_of, all');
SET timezone = 'America/New_York';
SELECT results_eq('SELECT root, downstream_spend FROM worth(''2024-02-29'') t(root bigint, chain text, rank int, members bigint, direct bigint, downstream bigint, own numeric, direct_spend numeric, downstream_spend numeric, absent bigint, last_day date) WHERE root = 1',
	'VALUES (1::bigint, 97::numeric)', 'half past midnight of March 1 is in February still, in New York');
SET timezone = 'UTC';

-- ---- against plain SQL ----

CREATE TABLE sale AS
SELECT graph, CASE WHEN random() < 0.03 THEN NULL ELSE (random() * 190)::int - 30 END AS customer, CASE WHEN random() > 0.03 THEN timestamptz '2023-12-01' + random() * interval '200 days' END AS at,
	CASE WHEN random() > 0.1 THEN round((random() * 100 - 10)::numeric, (random() * 4)::int) END AS value
FROM generate_series(1, 8) graph, generate_series(1, 600);
ANALYZE sale;
CREATE TABLE chain_of AS SELECT graph, w.* FROM generate_series(1, 8) graph, ref_referrals(graph) w;
CREATE FUNCTION ref_value(wanted int, zone text, until date)
RETURNS TABLE (root bigint, chain text, members bigint, direct bigint, downstream bigint, own numeric, direct_spend numeric, downstream_spend numeric, absent bigint)
LANGUAGE sql AS $$
	WITH person AS (
		SELECT coalesce(c.customer, s.customer) AS customer, c.customer IS NOT NULL AS in_graph, s.customer IS NOT NULL AS in_base, c.is_customer, c.root, c.depth, coalesce(s.spent, 0) AS spent
		FROM (SELECT * FROM chain_of WHERE graph = wanted) c
		FULL JOIN (SELECT customer, sum(value) FILTER (WHERE (at AT TIME ZONE zone)::date <= until) AS spent FROM sale WHERE graph = wanted AND customer IS NOT NULL GROUP BY customer) s ON s.customer = c.customer)
	SELECT root, max(CASE WHEN depth = 0 THEN CASE WHEN is_customer THEN 'customer' ELSE 'unknown referrer' END END), count(*), count(*) FILTER (WHERE depth = 1), count(*) - 1,
		sum(spent) FILTER (WHERE depth = 0), coalesce(sum(spent) FILTER (WHERE depth = 1), 0), coalesce(sum(spent) FILTER (WHERE depth > 0), 0), count(*) FILTER (WHERE NOT in_base)
	FROM person WHERE root IS NOT NULL GROUP BY root
	UNION ALL SELECT NULL, CASE WHEN in_graph THEN 'cycle' ELSE 'no referral' END, count(*), NULL, NULL, sum(spent), NULL, NULL, count(*) FILTER (WHERE NOT in_base) FROM person WHERE root IS NULL GROUP BY in_graph
$$;
CREATE TABLE collected AS SELECT graph, referrals(customer, referrer) AS r FROM brought GROUP BY graph;
CREATE FUNCTION compare(zone text, until date) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, true);
	FOR g IN 1 .. 8 LOOP
		RETURN NEXT set_eq(format('SELECT root, chain, members, direct, downstream, own_spend, direct_spend, downstream_spend, not_in_base FROM collected CROSS JOIN (SELECT timelines(customer, at, value) AS b FROM sale WHERE graph = %s) p CROSS JOIN LATERAL referral_value(r, p.b, %L) WHERE graph = %1$s', g, until),
			format('SELECT * FROM ref_value(%s, %L, %L)', g, zone, until), format('graph %s in %s as of %s', g, zone, until));
	END LOOP;
END $$;
SELECT compare(zone, until::date) FROM (VALUES ('UTC', '2024-03-31'), ('Pacific/Apia', '2024-02-29'), ('America/New_York', '2024-03-10'), ('UTC', '2024-12-31'), ('UTC', '2020-01-01')) v(zone, until);
SET timezone = 'UTC';

-- ---- every way ----

CREATE TABLE kept AS SELECT customer, timeline_agg(at, value) AS timeline FROM sale WHERE graph = 1 AND customer IS NOT NULL GROUP BY customer;
CREATE TABLE usual AS SELECT t.* FROM collected CROSS JOIN (SELECT timelines(customer, at, value) AS b FROM sale WHERE graph = 1) p CROSS JOIN LATERAL referral_value(r, p.b, '2024-04-30') t WHERE graph = 1;
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN (SELECT timelines(customer, timeline) AS b FROM kept) p CROSS JOIN LATERAL referral_value(r, p.b, ''2024-04-30'') t WHERE graph = 1', 'TABLE usual', 'of stored timelines');
SELECT results_eq('SELECT t.* FROM referral_value((SELECT r FROM collected WHERE graph = 1), (SELECT timelines(customer, at, value) FROM sale WHERE graph = 1), ''2024-04-30'') t', 'TABLE usual', 'of a base in flat form');
SELECT results_eq($$SELECT t.* FROM collected CROSS JOIN (SELECT timelines(customer, CASE WHEN at IS NOT NULL THEN make_event(at => at, value => value, kind => 'k' || graph, label => 'x') END) AS b FROM sale WHERE graph = 1) p CROSS JOIN LATERAL referral_value(r, p.b, '2024-04-30') t WHERE graph = 1$$, 'TABLE usual', 'of events');
SELECT results_eq($$SELECT right(root, 5)::bigint - 100 AS root, chain, rank, members, direct, downstream, own_spend, direct_spend, downstream_spend, not_in_base, last_day
	FROM (SELECT referrals('k' || lpad((customer + 100)::text, 5, '0'), 'k' || lpad((referrer + 100)::text, 5, '0')) AS r FROM brought WHERE graph = 1) q
	CROSS JOIN (SELECT timelines('k' || lpad((customer + 100)::text, 5, '0'), at, value) AS b FROM sale WHERE graph = 1) p CROSS JOIN LATERAL referral_value(q.r, p.b, '2024-04-30') t$$, 'TABLE usual', 'texts');
SELECT results_eq($$SELECT pg_typeof(root)::text, rank, members, direct, downstream, own_spend, direct_spend, downstream_spend, not_in_base, last_day
	FROM (SELECT referrals(('00000000-0000-0000-0000-' || lpad(to_hex(customer + 100), 12, '0'))::uuid, ('00000000-0000-0000-0000-' || lpad(to_hex(referrer + 100), 12, '0'))::uuid) AS r FROM brought WHERE graph = 1) q
	CROSS JOIN (SELECT timelines(('00000000-0000-0000-0000-' || lpad(to_hex(customer + 100), 12, '0'))::uuid, at, value) AS b FROM sale WHERE graph = 1) p CROSS JOIN LATERAL referral_value(q.r, p.b, '2024-04-30') t$$,
	'SELECT ''uuid'', rank, members, direct, downstream, own_spend, direct_spend, downstream_spend, not_in_base, last_day FROM usual', 'uuids');
SELECT is((SELECT sum(own_spend) + sum(downstream_spend) FROM usual), (SELECT sum(value) FROM sale WHERE graph = 1 AND customer IS NOT NULL AND at < '2024-05-01'), 'no spending is lost');
SELECT is((SELECT sum(members - not_in_base) FROM usual), (SELECT count(DISTINCT customer)::numeric FROM sale WHERE graph = 1), '... and no customer');
SELECT is((SELECT max(last_day) FROM collected CROSS JOIN (SELECT timelines(customer, at, value) AS b FROM sale WHERE graph = 1) p CROSS JOIN LATERAL referral_value(r, p.b) t WHERE graph = 1), (SELECT max(at)::date FROM sale WHERE graph = 1 AND customer IS NOT NULL), 'up to the last event');

-- days are days wherever it is asked: collected in one zone, asked in another
CREATE TABLE by_days AS SELECT timelines(customer, day, value) AS b FROM (VALUES (1, date '2024-01-31', 5), (2, '2024-02-01', 7)) v(customer, day, value);
SET timezone = 'Pacific/Auckland';
SELECT results_eq('SELECT own_spend, downstream_spend, last_day FROM by_days CROSS JOIN LATERAL referral_value(''{"referrals": [[2, 1]]}''::referrals_result_bigint, b, ''2024-01-31'')', $$VALUES (5::numeric, 0::numeric, date '2024-01-31')$$, 'days east of where they were collected');
SET timezone = 'Pacific/Pago_Pago';
SELECT results_eq('SELECT own_spend, downstream_spend, last_day FROM by_days CROSS JOIN LATERAL referral_value(''{"referrals": [[2, 1]]}''::referrals_result_bigint, b, ''2024-01-31'')', $$VALUES (5::numeric, 0::numeric, date '2024-01-31')$$, '... west of there');
SELECT results_eq('SELECT own_spend, downstream_spend, last_day FROM by_days CROSS JOIN LATERAL referral_value(''{"referrals": [[2, 1]]}''::referrals_result_bigint, b)', $$VALUES (5::numeric, 7::numeric, date '2024-02-01')$$, '... up to the last one');
SET timezone = 'UTC';

-- ---- edges and errors ----

SELECT is_empty('SELECT * FROM by_days CROSS JOIN LATERAL referral_value(NULL::referrals_result_bigint, b)', 'no referrals');
SELECT is_empty('SELECT * FROM referral_value(''{"referrals": [[2, 1]]}''::referrals_result_bigint, NULL)', 'no base');
SELECT results_eq('SELECT chain, members, own_spend FROM by_days CROSS JOIN LATERAL referral_value(''{"referrals": []}''::referrals_result_bigint, b)', $$VALUES ('no referral', 2::bigint, 12::numeric)$$, 'referrals of nobody');
SELECT results_eq($$SELECT root, members, own_spend, downstream_spend, not_in_base, last_day FROM (SELECT timelines(v.c, v.at) AS b FROM (VALUES (1, NULL::timestamptz)) v(c, at)) q CROSS JOIN LATERAL referral_value('{"referrals": [[2, 1]]}'::referrals_result_bigint, q.b)$$,
	'VALUES (1::bigint, 2::bigint, 0::numeric, 0::numeric, 1::bigint, NULL::date)', 'nobody has an event');
SELECT throws_ok('SELECT * FROM by_days CROSS JOIN LATERAL referral_value(''{"referrals": [["2", "1"]]}''::referrals_result_text, b)', '42804', 'customers of the referrals are of type text, those of the base of bigint', 'customers of another type');
SELECT throws_ok('SELECT * FROM by_days CROSS JOIN LATERAL referral_value(''{"referrals": []}''::referrals_result_uuid, b)', '42804', 'customers of the referrals are of type uuid, those of the base of bigint', '... be there none');
SELECT throws_ok('SELECT * FROM by_days CROSS JOIN LATERAL referral_value(''{"referrals": [[2, 1]]}''::referrals_result_bigint, b, ''infinity'')', '22008', NULL, 'an infinite day');
SELECT results_eq($$SELECT own_spend, downstream_spend FROM (SELECT timelines(c, timestamptz '2024-01-01', v) AS b FROM (VALUES (1, 9000000000000000000::numeric), (2, 0.000000000000000001), (3, 9000000000000000000)) v(c, v)) q CROSS JOIN LATERAL referral_value('{"referrals": [[2, 1], [3, 1]]}'::referrals_result_bigint, q.b)$$,
	'VALUES (9000000000000000000::numeric, 9000000000000000000.000000000000000001)', 'large and small, exactly');
SELECT throws_ok($$SELECT t.* FROM (SELECT timelines(c, timeline) AS b FROM (SELECT 1 AS c, timeline_agg(timestamptz '2024-01-01' + n * interval '1 minute', 9000000000000000000) AS timeline FROM generate_series(1, 30) n UNION ALL SELECT 2, timeline_agg(timestamptz '2024-01-01', 0.000000000000000001)) s) q CROSS JOIN LATERAL referral_value('{"referrals": [[2, 1]]}'::referrals_result_bigint, q.b) t$$,
	'22003', 'spending is out of range', '... more than 128 bits hold');
SELECT * FROM finish();
ROLLBACK;
