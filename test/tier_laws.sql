--
-- What holds for every timeline and every policy: the tier on a day is the last row of the
-- history (which walks event by event, where tier() takes short cuts), refs and
-- scales don't matter, and progress says what the history will say.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(9);
SET LOCAL timezone = 'Europe/Helsinki';

CREATE FUNCTION chance(seed bigint, n bigint) RETURNS int
LANGUAGE sql IMMUTABLE AS $$ SELECT ((hashint8extended(seed, n) >> 20) & 1048575)::int $$;
-- 1 to 60 events with nothing but instants and values; few values, so that thresholds are met exactly; many at midnight, some together, returns in every third
CREATE TABLE event AS
SELECT c, timestamptz '2020-01-01' + chance(c, n) % (CASE c % 4 WHEN 0 THEN 40 WHEN 1 THEN 400 ELSE 1200 END) * interval '1 day' + (CASE chance(c, -n) % 4 WHEN 0 THEN chance(c, n * 7) % 86400 ELSE chance(c, n * 7) % 3 * 43200 END) * interval '1 second' AS at,
	((chance(c, n * 3) % 9 - CASE WHEN c % 3 = 0 AND n % 5 = 0 THEN 8 ELSE 0 END) / CASE c % 2 WHEN 0 THEN 1.0 ELSE 2.0 END)::numeric(10,1) AS value
FROM generate_series(1, 600) c, generate_series(1, 1 + chance(c, 0) % 60) n;
-- plain; with refs, which take the long way; with more decimals
CREATE TABLE customer AS SELECT c, timeline_agg(at, value) AS t, timeline_agg(make_event(at => at, value => value, ref => 'x')) AS refs, timeline_agg(at, value::numeric(10,4)) AS decimals, max(at) AS last FROM event GROUP BY c;
CREATE TABLE rules AS
SELECT p, row_number() OVER () AS r FROM unnest('{
	"{\"S\": 20, \"G\": 40, \"P\": 41.5}",
	"{\"levels\": {\"S\": 20, \"G\": 40, \"P\": 41.5}, \"threshold\": \"exceeded\", \"downgrade\": \"one_level\"}",
	"{\"levels\": [{\"tier\": \"S\", \"at\": 10, \"keep\": 12}, {\"tier\": \"X\", \"at\": null, \"keep\": 1}, {\"tier\": \"G\", \"at\": 20, \"keep\": 15}], \"qualifying_window\": \"1 month\", \"grace\": \"10 days\"}",
	"{\"levels\": {\"S\": 6, \"G\": 12}, \"qualifying_window\": \"1 day\", \"valid\": \"1 month\", \"downgrade\": \"to_base\"}",
	"{\"levels\": {\"S\": 10, \"G\": 25}, \"qualifying_window\": \"3 months\", \"valid\": \"2 months\", \"versions\": [{\"from\": \"2020-02-01\", \"levels\": {\"S\": 12, \"G\": 20.5}, \"valid\": \"1 month\"}, {\"from\": \"2021-03-01\", \"valid\": \"forever\"}]}",
	"{\"levels\": {\"S\": 10, \"G\": 25}, \"qualifying_window\": \"3 months\", \"valid\": \"while_qualified\"}",
	"{\"levels\": {\"S\": 8, \"G\": 16}, \"qualifying_window\": \"calendar month\", \"valid\": \"next_period_end\"}",
	"{\"levels\": {\"S\": 8, \"G\": 16}, \"qualifying_window\": \"calendar quarter\", \"upgrade\": \"period_end\", \"valid\": \"period_end\"}",
	"{\"levels\": {\"S\": 8, \"G\": 16}, \"qualifying_window\": \"membership year\"}",
	"{\"levels\": {\"S\": 8, \"G\": 16}, \"qualifying_window\": \"since tier\", \"valid\": \"2 months\"}",
	"{\"levels\": {\"S\": 8, \"G\": 16}, \"qualifying_window\": \"lifetime\"}",
	"{\"levels\": {\"S\": 5, \"G\": 8}, \"metrics\": {\"d\": {\"of\": \"days\"}}, \"qualifying_window\": \"2 days\"}",
	"{\"levels\": [{\"tier\": \"S\", \"any\": {\"o\": 5, \"v\": 20}}, {\"tier\": \"G\", \"all\": {\"o\": 6, \"v\": 30}}], \"metrics\": {\"o\": {\"of\": \"events\"}, \"v\": {\"values\": \"positive\"}}, \"qualifying_window\": \"2 months\"}"}'::tier_policy[]) p;
-- days and instants around which things happen
CREATE TABLE moment AS
SELECT c, r, m.at
FROM customer, rules, LATERAL (
	SELECT DISTINCT at FROM (
		SELECT valid_from + nudge FROM tier_history(t, p, '2026-01-01', true) h, unnest('{-1 microsecond,0,1 microsecond}'::interval[]) nudge
		UNION ALL SELECT timestamptz '2020-01-01' + chance(c, r * n) % 2000 * interval '1 day' - chance(n, c) % 2 * interval '1 microsecond' FROM generate_series(1, 3) n) x(at)
	ORDER BY at) m
WHERE (c + r) % 3 = 0;
SELECT cmp_ok((SELECT count(*)::int FROM moment), '>', 20000, 'there are moments');

CREATE FUNCTION last_minute(day date, value numeric) RETURNS event_timeline
LANGUAGE sql STABLE AS $$ SELECT timeline_agg((day + 1)::timestamptz - interval '1 microsecond', value) $$;
CREATE FUNCTION held(t event_timeline, p tier_policy, at timestamptz) RETURNS text
LANGUAGE sql AS $$ SELECT (array_agg(tier ORDER BY n DESC))[1] FROM tier_history(t, p, '2026-01-01', true) WITH ORDINALITY h(tier, rank, from_tier, valid_from, valid_to, promised_until, reason, metric, value, ref, n) WHERE valid_from <= held.at $$;
SELECT is_empty($$SELECT c, r, at, tier_at(t, p, at), held(t, p, at) FROM moment JOIN customer USING (c) JOIN rules USING (r) WHERE tier_at(t, p, at) IS DISTINCT FROM held(t, p, at)$$, 'the tier at an instant is what the history says');
SELECT is_empty($$SELECT c, r, at FROM moment JOIN customer USING (c) JOIN rules USING (r) WHERE at = date_trunc('day', at) AND tier(t, p, at::date - 1) IS DISTINCT FROM tier_at(t, p, at - interval '1 microsecond')$$, 'a day ends before the next begins');
SELECT is_empty($$SELECT c, r, at FROM moment JOIN customer USING (c) JOIN rules USING (r) WHERE (c + r) % 2 = 0 AND tier_at(t, p, at) IS DISTINCT FROM tier_at(refs, p, at)$$, 'refs change nothing');
SELECT is_empty($$SELECT c, r FROM customer, rules WHERE (c + r) % 4 = 0 AND (SELECT array_agg((tier, valid_from, valid_to, promised_until, reason, trim_scale(value))::text) FROM tier_history(t, p, '2026-01-01', true)) IS DISTINCT FROM (SELECT array_agg((tier, valid_from, valid_to, promised_until, reason, trim_scale(value))::text) FROM tier_history(decimals, p, '2026-01-01', true))$$, 'more decimals change nothing');

-- progress says what will be
CREATE TABLE progress AS SELECT c, r, t, p, last, day, g.* FROM customer, rules, LATERAL (SELECT (timestamptz '2020-01-01' + chance(c, r) % 1500 * interval '1 day')::date) d(day), tier_progress(t, p, day) g WHERE (c + r) % 2 = 1;
SELECT is_empty($$SELECT c, r, day FROM progress WHERE tier IS DISTINCT FROM tier(t, p, day) OR rank IS DISTINCT FROM tier_rank(t, p, day)$$, 'the tier of progress is tier()');
SELECT is_empty($$SELECT c, r, day FROM progress WHERE last < day AND valid_until IS NOT NULL AND NOT p::jsonb ? 'grace' AND projected_tier <> tier_at(t, p, valid_until)$$, 'projected: the tier at the end of validity');
SELECT is_empty($$SELECT c, r, day FROM progress WHERE metric = 'value' AND NOT p::jsonb ?| '{threshold,upgrade}' AND next_tier IS NOT NULL AND missing_to_next > 0
	AND tier_at(t + last_minute(day, missing_to_next), p, (day + 1)::timestamptz - interval '1 microsecond') <> next_tier$$, 'who spends what is missing is in the next tier');
SELECT is_empty($$SELECT c, r, day FROM progress WHERE metric = 'value' AND NOT p::jsonb ?| '{threshold,upgrade}' AND next_tier IS NOT NULL AND missing_to_next > 0.1
	AND tier_at(t + last_minute(day, missing_to_next - 0.1), p, (day + 1)::timestamptz - interval '1 microsecond') <> tier$$, '... and who spends less isn''t');

SELECT * FROM finish();
ROLLBACK;
