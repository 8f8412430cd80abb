--
-- What tiers promise, on random histories under every window and validity:
--
--	a tier with grace is never below the one without it;
--	who earns missing_to_keep in the last moment keeps the tier, who earns less doesn't;
--	the rows of a history follow each other without holes, and a day is in one.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(24);
SET LOCAL timezone = 'Europe/Helsinki';

CREATE FUNCTION chance(seed bigint, n bigint) RETURNS int
LANGUAGE sql IMMUTABLE AS $$ SELECT ((hashint8extended(seed, n) >> 20) & 1048575)::int $$;

-- ---- policies ----

CREATE TABLE ladder AS SELECT *, row_number() OVER () AS l FROM (VALUES
	('{"levels": {"S": 8, "G": 16}}'::jsonb),
	('{"levels": {"S": 8, "G": 16.5}, "threshold": "exceeded"}'),
	('{"levels": [{"tier": "S", "at": 8, "keep": 5}, {"tier": "G", "at": 16, "keep": 12}, {"tier": "P", "at": 20.25}]}'),
	('{"levels": [{"tier": "S", "at": 6, "keep": 9}, {"tier": "G", "at": 14, "keep": 15}]}'),
	('{"levels": {"S": 2, "G": 4}, "metrics": {"o": {"of": "events"}}}'),
	('{"levels": [{"tier": "S", "any": {"o": 3, "v": 8}}, {"tier": "G", "any": {"o": 5, "v": 16}, "keep": {"any": {"o": 4, "v": 13}}}], "metrics": {"o": {"of": "events", "kinds": ["order"]}, "v": {"kinds": ["points"]}}}'),
	('{"levels": [{"tier": "S", "all": {"o": 1, "v": 5}}, {"tier": "G", "all": {"o": 3, "v": 10}}], "metrics": {"o": {"of": "events", "kinds": ["order"]}, "v": {"kinds": ["points"]}}}'),
	-- sets; a lifetime, and a quarter, beside another window; what rolls over into the next period
	('{"levels": [{"tier": "S", "any": [{"all": {"o": 1, "v": 5}}, {"all": {"o": 3}}]}, {"tier": "G", "any": [{"all": {"o": 3, "v": 10}}, {"all": {"o": 6}}], "keep": {"any": [{"all": {"o": 2, "v": 9}}, {"all": {"o": 5}}]}}], "metrics": {"o": {"of": "events", "kinds": ["order"]}, "v": {"kinds": ["points"]}}}'),
	('{"levels": [{"tier": "S", "any": {"o": 8, "v": 8}}, {"tier": "G", "any": {"o": 12, "v": 16}, "keep": {"any": {"o": 15, "v": 13}}}], "metrics": {"o": {"of": "events", "kinds": ["order"], "qualifying_window": "lifetime"}, "v": {"kinds": ["points"]}}}'),
	('{"levels": [{"tier": "S", "any": {"o": 3, "v": 8}}, {"tier": "G", "any": {"o": 5, "v": 16}, "keep": {"any": {"o": 4, "v": 13}}}], "metrics": {"o": {"of": "events", "kinds": ["order"], "qualifying_window": "calendar quarter"}, "v": {"kinds": ["points"]}}}'),
	('{"levels": [{"tier": "S", "any": {"o": 3, "v": 8}}, {"tier": "G", "any": {"o": 5, "v": 16}, "keep": {"any": {"o": 4, "v": 13}}}], "metrics": {"o": {"of": "events", "kinds": ["order"], "rollover": 2}, "v": {"kinds": ["points"], "rollover": true}}}')) v(rules);
CREATE FUNCTION is_policy(policy jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM policy::text::tier_policy;
	RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN false;
END $$;
CREATE TABLE rules AS
SELECT row_number() OVER () AS r, l, w, v, d, u, p || '{"grace": "25 days"}' AS graced, p AS plain
FROM ladder, unnest('{1 month,45 days,3 months,12 months,calendar month,calendar quarter,calendar year:04-01,membership year,since tier,lifetime}'::text[]) WITH ORDINALITY w(w, wn),
	unnest('{20 days,2 months,3 months,12 months,period_end,next_period_end,period_end + 10 days,next_period_end + 2 months,while_qualified,forever}'::text[]) WITH ORDINALITY v(v, vn),
	unnest('{to_metric,one_level,to_base}'::text[]) WITH ORDINALITY d(d, dn), unnest('{at_once,period_end}'::text[]) WITH ORDINALITY u(u, un),
	LATERAL (SELECT rules || jsonb_build_object('qualifying_window', w, 'valid', v, 'downgrade', d, 'upgrade', u, 'zone', 'Europe/Helsinki')) p(p)
WHERE (l + wn + vn + dn + un) % 3 = 0 AND is_policy(p || '{"grace": "25 days"}');
-- what changes, where there is a grace and where there is none
CREATE TABLE versions AS SELECT * FROM (VALUES (0, '{}'::jsonb, '{}'::jsonb), (1, '{"versions": [{"from": "2020-07-01", "grace": "3 months"}, {"from": "2021-03-15", "grace": "none"}]}', '{}'),
	(2, '{"versions": [{"from": "2020-10-01", "valid": "1 month"}, {"from": "2021-01-01", "valid": "3 months", "downgrade": "to_base"}]}', '{"versions": [{"from": "2020-10-01", "valid": "1 month"}, {"from": "2021-01-01", "valid": "3 months", "downgrade": "to_base"}]}')) v(n, part, plain_part);

-- ---- histories ----

-- 1 to 40 events with few values, so that thresholds are met exactly; many at midnight; returns in every third
CREATE TABLE event AS
SELECT c, timestamptz '2020-01-01' + chance(c, n) % (CASE c % 4 WHEN 0 THEN 40 WHEN 1 THEN 300 ELSE 700 END) * interval '1 day' + (CASE chance(c, -n) % 4 WHEN 0 THEN chance(c, n * 7) % 86400 ELSE chance(c, n * 7) % 3 * 43200 END) * interval '1 second' AS at,
	((chance(c, n * 3) % 9 - CASE WHEN c % 3 = 0 AND n % 5 = 0 THEN 8 ELSE 0 END) / CASE c % 2 WHEN 0 THEN 1.0 ELSE 2.0 END)::numeric(10,1) AS value, CASE chance(c, n * 11) % 3 WHEN 0 THEN 'order' ELSE 'points' END AS kind
FROM generate_series(1, 120) c, generate_series(1, 1 + chance(c, 0) % 40) n;
-- measures of kinds need them; without kinds a timeline takes another way
CREATE TABLE customer AS SELECT c, timeline_agg(at, value) AS plain, timeline_agg(make_event(at => at, value => value, kind => kind)) AS kinds FROM event GROUP BY c;
CREATE TABLE asked AS
SELECT c, r, l, CASE WHEN l >= 6 THEN kinds ELSE customer.plain END AS t, rules.plain || plain_part AS without, graced || part AS with_grace, (timestamptz '2020-01-10' + chance(c, r) % 900 * interval '1 day')::date AS day
FROM customer, rules, versions WHERE chance(r, c) % 40 = 0 AND n = chance(r, c * 3) % 5 % 3 AND is_policy(rules.plain || plain_part) AND is_policy(graced || part);
SELECT cmp_ok((SELECT count(*)::int FROM asked), '>', 1500, 'there are questions');
SELECT is((SELECT count(DISTINCT w)::int FROM rules JOIN asked USING (r)), 10, 'of every window');
SELECT is((SELECT count(DISTINCT v)::int FROM rules JOIN asked USING (r)), 10, '... and validity');

-- ---- grace ----

CREATE TABLE spell AS
SELECT c, r, has_grace, h.* FROM asked, LATERAL (VALUES (true, with_grace), (false, without)) v(has_grace, p), tier_history(t, p::text::tier_policy, '2025-01-01') h WHERE with_grace IS DISTINCT FROM without;
CREATE INDEX ON spell (c, r);
SELECT cmp_ok((SELECT count(DISTINCT (c, r))::int FROM spell WHERE reason = 'grace ended'), '>', 500, 'graces end');
SELECT cmp_ok((SELECT count(DISTINCT (c, r))::int FROM spell WHERE reason = 'grace ended' AND rank > 0), '>', 100, '... with a tier');
SELECT is_empty($$
	SELECT a.c, a.r, a.valid_from, a.valid_to, a.tier, b.tier AS without FROM spell a JOIN spell b USING (c, r)
	WHERE a.has_grace AND NOT b.has_grace AND a.rank < b.rank AND a.valid_from < coalesce(b.valid_to, 'infinity') AND b.valid_from < coalesce(a.valid_to, 'infinity') AND a.valid_to IS DISTINCT FROM a.valid_from AND b.valid_to IS DISTINCT FROM b.valid_from$$,
	'a tier with grace is never below the one without it');
SELECT cmp_ok((SELECT count(DISTINCT (c, r))::int FROM spell a JOIN spell b USING (c, r)
	WHERE a.has_grace AND NOT b.has_grace AND a.rank > b.rank AND a.valid_from < coalesce(b.valid_to, 'infinity') AND b.valid_from < coalesce(a.valid_to, 'infinity')), '>', 500, '... and often above it');

-- ---- a history's rows ----

SELECT is_empty($$SELECT c, r FROM (SELECT c, r, has_grace, valid_to, lead(valid_from) OVER w AS next, lead(rank) OVER w AS next_rank, rank FROM (SELECT *, row_number() OVER () AS n FROM spell) s WINDOW w AS (PARTITION BY c, r, has_grace ORDER BY n)) s
	WHERE valid_to IS DISTINCT FROM next OR rank = next_rank$$, 'a row holds until the next one begins, with another tier');
SELECT is_empty($$SELECT c, r FROM spell WHERE promised_until < valid_to AND reason NOT IN ('granted') AND NOT has_grace$$, 'without grace nothing is held for longer than promised');
SELECT is_empty($$
	SELECT c, r, at FROM asked JOIN (SELECT c, at FROM event UNION SELECT c, at - interval '1 microsecond' FROM event) e USING (c)
	WHERE (c + r) % 5 = 0 AND at >= (SELECT min(at) FROM event f WHERE f.c = asked.c)
	AND (SELECT array_agg(h.tier) FROM tier_history(t, with_grace::text::tier_policy, '2025-01-01') h WHERE at >= valid_from AND (valid_to IS NULL OR at < valid_to)) IS DISTINCT FROM ARRAY[tier_at(t, with_grace::text::tier_policy, at)]$$,
	'an order is in one row: the tier at its instant');
CREATE TABLE step AS SELECT c, r, row_number() OVER (ORDER BY c, r, h.ordinality) AS n, h.* FROM asked, tier_history(t, with_grace::text::tier_policy, day, true) WITH ORDINALITY h WHERE (c + r) % 3 = 0;
CREATE TABLE spell_of AS SELECT c, r, row_number() OVER (ORDER BY c, r, h.ordinality) AS n, h.* FROM asked, tier_history(t, with_grace::text::tier_policy, day) WITH ORDINALITY h WHERE (c + r) % 3 = 0;
SELECT results_eq($$SELECT c, r, tier, from_tier, valid_from, reason, metric, value FROM step WHERE tier IS DISTINCT FROM from_tier ORDER BY n$$, $$SELECT c, r, tier, from_tier, valid_from, reason, metric, value FROM spell_of ORDER BY n$$, 'with requalifications there are just more rows');
SELECT is_empty($$SELECT c, r FROM (SELECT c, r, valid_to, lead(valid_from) OVER w AS next FROM step WINDOW w AS (PARTITION BY c, r ORDER BY n)) s WHERE valid_to IS DISTINCT FROM next$$, '... which follow each other');
SELECT is_empty($$SELECT s.c, s.r, s.valid_from FROM spell_of s WHERE s.valid_to IS DISTINCT FROM s.valid_from AND promised_until IS DISTINCT FROM (SELECT t.promised_until FROM step t WHERE t.c = s.c AND t.r = s.r AND t.tier = s.tier AND t.valid_from >= s.valid_from AND (s.valid_to IS NULL OR t.valid_from < s.valid_to) ORDER BY n DESC LIMIT 1)$$,
	'what is promised at a spell''s end is what its last row promised');

-- ---- what must still be earned ----

CREATE TABLE progress AS
SELECT row_number() OVER () AS n, a.c, a.r, l, p, day, timeline_slice(t, NULL, (day + 1)::timestamptz) AS known, g.*,
	CASE WHEN g.valid_until >= (day + 1)::timestamptz THEN g.valid_until ELSE g.valid_until + (p->>'grace')::interval END AS ends
FROM asked a CROSS JOIN LATERAL (VALUES (without), (with_grace)) v(p) CROSS JOIN LATERAL tier_progress(t, p::text::tier_policy, day) g
-- a grace that runs ends so long after validity, where it is the same at all times
WHERE g.rank > 0 AND NOT (p ? 'versions' AND p->'versions' @? '$[*].grace' AND g.valid_until < (day + 1)::timestamptz) AND NOT (p ? 'grace' AND p->>'valid' = 'while_qualified' AND g.missing_to_keep IS NOT NULL);
SELECT is_empty($$SELECT n FROM progress WHERE valid_until IS NULL AND missing_to_keep IS NOT NULL AND NOT p ? 'grace'$$, 'what has no end needs nothing');
SELECT cmp_ok((SELECT count(*)::int FROM progress WHERE missing_to_keep > 0), '>', 400, 'something is missing');
SELECT cmp_ok((SELECT min(n)::int FROM (SELECT count(*) FILTER (WHERE missing_to_keep > 0) FROM progress GROUP BY l) g(n)), '>', 30, '... by each of the rules');
SELECT cmp_ok((SELECT count(*)::int FROM progress WHERE missing_to_keep = 0), '>', 50, '... or nothing');
SELECT cmp_ok((SELECT count(*)::int FROM progress WHERE missing_to_keep <> missing_as_of), '>', 200, '... other than on the day itself');
SELECT cmp_ok((SELECT count(*)::int FROM progress WHERE valid_until < (day + 1)::timestamptz AND missing_to_keep > 0), '>', 30, '... also in grace');

-- what adds so much to a measure
CREATE FUNCTION earned(l bigint, metric text, amount numeric, at timestamptz) RETURNS SETOF timeline_event
LANGUAGE sql AS $$
	SELECT make_event(at => earned.at, kind => CASE WHEN l >= 6 THEN 'order' END) FROM generate_series(1, amount::int) WHERE metric = 'o'
	UNION ALL SELECT make_event(at => earned.at, value => amount, kind => CASE WHEN l >= 6 THEN 'points' END) WHERE metric <> 'o' AND amount > 0
$$;
-- is the tier of so high a rank promised beyond its end?
CREATE FUNCTION keeps(known event_timeline, earned timeline_event[], p jsonb, rank int, ends timestamptz) RETURNS boolean
LANGUAGE sql AS $$
	SELECT (array_agg(h.rank >= keeps.rank AND coalesce(h.promised_until, 'infinity') > ends ORDER BY h.n DESC))[1]
	FROM tier_history(CASE WHEN cardinality(earned) = 0 THEN known ELSE known + (SELECT timeline_agg(e) FROM unnest(earned) e) END, p::text::tier_policy, ends::date, true)
		WITH ORDINALITY h(tier, rank, from_tier, valid_from, valid_to, promised_until, reason, metric, value, ref, n)
	WHERE h.valid_from <= ends
$$;
CREATE FUNCTION unit(metric text, amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT CASE metric WHEN 'o' THEN 1 ELSE 10::numeric ^ -greatest(scale(amount), 2) END $$;

-- of a single measure, or of any
SELECT is_empty($$SELECT n, c, r, p, day, metric, missing_to_keep, ends FROM progress WHERE l NOT IN (7, 8) AND missing_to_keep >= 0
	AND keeps(known, ARRAY(SELECT earned(l, metric, missing_to_keep, ends - interval '1 microsecond')), p, rank, ends) IS NOT TRUE$$, 'who earns what is missing keeps the tier');
SELECT is_empty($$SELECT n, c, r, p, day, metric, missing_to_keep, ends FROM progress WHERE l NOT IN (7, 8) AND missing_to_keep > 0
	AND keeps(known, ARRAY(SELECT earned(l, metric, missing_to_keep - unit(metric, missing_to_keep), ends - interval '1 microsecond')), p, rank, ends) IS NOT FALSE$$, '... and by a unit less nobody does');
-- earlier on the last day there is more in the window, not less, unless a return is to leave it; 36 hours before a window's end it may be out of a short one
SELECT is_empty($$SELECT n, c, r, p, day, metric, missing_to_keep, ends FROM progress WHERE l NOT IN (7, 8) AND missing_to_keep > 0 AND ends - interval '1 day' > (day + 1)::timestamptz
	AND keeps(known, ARRAY(SELECT earned(l, metric, missing_to_keep, date_trunc('day', ends - interval '1 microsecond'))), p, rank, ends) IS NOT TRUE$$, 'any time on the last day will do');
-- of all, or of the set that lacks least
SELECT is_empty($$SELECT min(n), c, r, p, day FROM progress WHERE l IN (7, 8) GROUP BY c, r, p, day, known, rank, ends HAVING bool_and(missing_to_keep >= 0)
	AND keeps(known, (SELECT array_agg(e) FROM progress b, earned(b.l, b.metric, b.missing_to_keep, b.ends - interval '1 microsecond') e WHERE (b.c, b.r, b.p, b.day) = (progress.c, progress.r, progress.p, progress.day)), p, rank, ends) IS NOT TRUE$$,
	'of all measures: who earns what is missing of each keeps the tier');
SELECT is_empty($$SELECT a.n, c, r, p, day, less.metric FROM progress a JOIN progress less USING (c, r, p, day) WHERE a.l = 7 AND a.metric = 'o' AND less.missing_to_keep > unit(less.metric, less.missing_to_keep)
	AND keeps(a.known, (SELECT array_agg(e) FROM progress b, earned(b.l, b.metric, CASE WHEN b.metric = less.metric THEN b.missing_to_keep - unit(b.metric, b.missing_to_keep) ELSE b.missing_to_keep END, b.ends - interval '1 microsecond') e
		WHERE (b.c, b.r, b.p, b.day) = (a.c, a.r, a.p, a.day)), p, a.rank, a.ends) IS NOT FALSE$$, '... and by a unit less of one nobody does');

SELECT * FROM finish();
ROLLBACK;
