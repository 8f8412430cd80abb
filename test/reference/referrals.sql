--
-- Who brought whom, by plain SQL over the table brought (graph, customer, referrer); \ir. Everybody walks up by
-- himself, in a recursive query that a CYCLE clause ends: nothing of it is in common with what it is compared to.
--
CREATE TABLE brought (graph int, customer bigint, referrer bigint);

CREATE FUNCTION ref_referrals(wanted int)
RETURNS TABLE (customer bigint, referrer bigint, root bigint, depth int, direct bigint, downstream bigint, is_customer boolean, referrers int, unknown_referrer boolean, self_referral boolean, in_cycle boolean)
LANGUAGE sql AS $$
	WITH RECURSIVE pair AS MATERIALIZED (
		SELECT DISTINCT b.customer, b.referrer FROM brought b WHERE b.graph = wanted AND b.customer IS NOT NULL
	), node AS MATERIALIZED (
		SELECT id, bool_or(known) AS known FROM (SELECT p.customer AS id, true AS known FROM pair p UNION ALL SELECT p.referrer, false FROM pair p WHERE p.referrer IS NOT NULL) n GROUP BY id
	), link AS MATERIALIZED (
		SELECT DISTINCT ON (p.customer) p.customer, p.referrer, NOT n.known AS unknown
		FROM pair p JOIN node n ON n.id = p.referrer WHERE p.referrer <> p.customer ORDER BY p.customer, n.known DESC, p.referrer
	), up (start, at, steps) AS (
		SELECT id, id, 0 FROM node UNION ALL SELECT u.start, l.referrer, u.steps + 1 FROM up u JOIN link l ON l.customer = u.at
	) CYCLE at SET is_cycle USING path,
	top AS (SELECT u.start, u.at, u.steps FROM up u WHERE NOT is_cycle AND NOT EXISTS (SELECT FROM link l WHERE l.customer = u.at)),
	circle AS (SELECT u.start FROM up u WHERE is_cycle AND u.at = u.start)
	SELECT n.id, l.referrer, t.at, t.steps, (SELECT count(*) FROM link c WHERE c.referrer = n.id),
		CASE WHEN EXISTS (SELECT FROM circle c WHERE c.start = n.id) THEN NULL ELSE (SELECT count(DISTINCT u.start) FROM up u WHERE u.at = n.id AND u.start <> n.id) END,
		n.known, (SELECT count(*) FROM pair p WHERE p.customer = n.id AND p.referrer <> n.id)::int, coalesce(l.unknown, false),
		EXISTS (SELECT FROM pair p WHERE p.customer = n.id AND p.referrer = n.id), EXISTS (SELECT FROM circle c WHERE c.start = n.id)
	FROM node n LEFT JOIN link l ON l.customer = n.id LEFT JOIN top t ON t.start = n.id
$$;

-- Random graphs. 1, 2: who brought somebody came before him; 3, 4: anybody may have, which makes circles; 5, 6: several
-- rows a customer; 7, 8: few customers, many rows, anybody named. All with guests, rows that come again, customers who
-- came by themselves, unknown and own referrers, keys below zero.
SELECT setseed(0.42) IS NULL AS void \gset
INSERT INTO brought
SELECT graph, CASE WHEN random() < 0.03 THEN NULL ELSE n - 20 END,
	CASE WHEN random() < 0.1 THEN NULL WHEN random() < 0.05 THEN n - 20 WHEN random() < 0.08 THEN 1000 + (random() * 9)::int
		WHEN graph <= 2 THEN floor(random() * n)::int - 20 ELSE floor(random() * 160)::int - 20 END
FROM generate_series(1, 6) graph, generate_series(0, 159) n, generate_series(1, CASE WHEN graph < 5 THEN 1 ELSE 3 END) again WHERE again = 1 OR random() < 0.3;
INSERT INTO brought SELECT graph, floor(random() * 25)::int, nullif(floor(random() * 40)::int, 39) FROM generate_series(7, 8) graph, generate_series(1, 60);
INSERT INTO brought SELECT * FROM brought WHERE random() < 0.2;
ANALYZE brought;
