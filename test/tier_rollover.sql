--
-- Rollover of what is above a threshold into the next calendar period, and windows of single
-- metrics: worked by hand, from the rules of the reference page.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(60);

-- Events as 'kind day=value', in the session's zone.
CREATE FUNCTION events(VARIADIC list text[]) RETURNS event_timeline
LANGUAGE sql STABLE AS $$
	SELECT coalesce(timeline_agg(make_event(at => substring(e FROM ' (.*)=')::timestamptz, kind => split_part(e, ' ', 1), value => split_part(e, '=', 2)::numeric)), '[]') FROM unnest(list) e
$$;

-- A history in one line a change: when, which tier, why, until when it is promised.
CREATE FUNCTION told(timeline event_timeline, policy tier_policy, as_of date) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT string_agg(to_char(valid_from, 'YYYY-MM-DD ') || tier || ' ' || reason || coalesce(to_char(promised_until, ' "until" YYYY-MM-DD'), ''), E'\n' ORDER BY n)
	FROM tier_history(timeline, policy, as_of, true) WITH ORDINALITY h(tier, rank, from_tier, valid_from, valid_to, promised_until, reason, metric, value, ref, n)
$$;

-- What rolled over, in one line a period and metric.
CREATE FUNCTION rolled(timeline event_timeline, policy tier_policy, as_of date) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT string_agg(concat_ws(' ', period_start, metric, rolled_in || '+' || earned || '=' || value, tier, coalesce(threshold::text, 'none'), rolls_over, CASE WHEN NOT complete THEN 'runs' END), E'\n' ORDER BY n)
	FROM tier_rollover(timeline, policy, as_of) WITH ORDINALITY r(period_start, period_end, complete, metric, rolled_in, earned, value, tier, threshold, rolls_over, n)
$$;

-- A hotel: nights of a year, to the end of the next.
CREATE TABLE hotel AS
SELECT cap, format('{"metrics": {"nights": {"kinds": ["night"]%s}}, "levels": {"Silver": 10, "Gold": 40, "Diamond": 60}, "qualifying_window": "calendar year", "valid": "next_period_end"}', ', "rollover": ' || cap)::tier_policy AS rules
FROM (VALUES ('none'), ('true'), ('10')) v(c), LATERAL (SELECT nullif(c, 'none')) n(cap);
CREATE FUNCTION hotel(rollover text) RETURNS tier_policy LANGUAGE sql STABLE AS 'SELECT rules FROM hotel WHERE cap IS NOT DISTINCT FROM rollover';

-- ---- what rolls over ----

-- 55 nights are Gold at 40: 15 of them count in the next year, in which 25 more are enough to keep it
SELECT is(rolled(events('night 2023-05-01=55', 'night 2024-06-01=25'), hotel('true'), '2025-06-30'),
	E'2023-01-01 nights 0+55=55 Gold 40 15\n2024-01-01 nights 15+25=40 Gold 40 0\n2025-01-01 nights 0+0=0 Member none 0 runs', 'what is above the threshold');
SELECT is(told(events('night 2023-05-01=55', 'night 2024-06-01=25'), hotel('true'), '2026-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 Gold qualified until 2025-01-01\n2024-06-01 Gold requalified until 2026-01-01\n2026-01-01 Member lapsed', '... is there in the next year');
SELECT is(told(events('night 2023-05-01=55', 'night 2024-06-01=25'), hotel(NULL), '2026-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 Gold qualified until 2025-01-01\n2025-01-01 Silver lapsed until 2026-01-01\n2026-01-01 Member lapsed', 'without rollover 25 nights are Silver');
-- at most 10: the second year has 35, which is Silver, whose 25 above are 10 again
SELECT is(rolled(events('night 2023-05-01=55', 'night 2024-06-01=25'), hotel('10'), '2025-06-30'),
	E'2023-01-01 nights 0+55=55 Gold 40 10\n2024-01-01 nights 10+25=35 Silver 10 10\n2025-01-01 nights 10+0=10 Silver 10 0 runs', 'at most the cap');
SELECT is(told(events('night 2023-05-01=55', 'night 2024-06-01=25'), hotel('10'), '2027-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 Gold qualified until 2025-01-01\n2025-01-01 Silver lapsed until 2026-01-01\n2025-01-01 Silver requalified until 2027-01-01\n2027-01-01 Member lapsed', '... which renews Silver the day the year begins');
-- what rolled over is used up first, and doesn't roll again
SELECT is(rolled(events('night 2023-05-01=115', 'night 2024-06-01=2'), hotel('true'), '2025-06-30'),
	E'2023-01-01 nights 0+115=115 Diamond 60 55\n2024-01-01 nights 55+2=57 Gold 40 2\n2025-01-01 nights 2+0=2 Member none 0 runs', 'no more than was earned in the period');
SELECT is(rolled(events('night 2023-05-01=115'), hotel('true'), '2024-12-31'), E'2023-01-01 nights 0+115=115 Diamond 60 55\n2024-01-01 nights 55+0=55 Gold 40 0', 'nothing rolls twice');
SELECT is(rolled(events('night 2023-05-01=115', 'night 2024-06-01=2', 'night 2024-07-01=-3'), hotel('true'), '2024-12-31'),
	E'2023-01-01 nights 0+115=115 Diamond 60 55\n2024-01-01 nights 55+-1=54 Gold 40 0', '... nor what was taken back');
SELECT is(rolled(events('night 2023-05-01=9'), hotel('true'), '2023-12-31'), '2023-01-01 nights 0+9=9 Member none 0', 'without a tier there is nothing above one');
SELECT is(rolled(events('night 2023-05-01=10'), hotel('true'), '2023-12-31'), '2023-01-01 nights 0+10=10 Silver 10 0', 'nor just at a threshold');
SELECT is(rolled('[{"at": "2023-05-01T00:00Z", "kind": "night", "value": 39}, {"at": "2023-06-01T00:00Z", "kind": "tier_grant", "label": "Diamond"}]', hotel('true'), '2023-12-31'),
	'2023-01-01 nights 0+39=39 Silver 10 29', 'a grant is no tier attained');
-- held is Gold, attained this year Silver
SELECT is(rolled(events('night 2023-05-01=40', 'night 2024-06-01=25'), hotel('true'), '2024-12-31'),
	E'2023-01-01 nights 0+40=40 Gold 40 0\n2024-01-01 nights 0+25=25 Silver 10 15', 'nor is a tier that is held from before');
-- a year without anything between
SELECT is(rolled(events('night 2021-05-01=55', 'night 2023-06-01=12'), hotel('true'), '2024-01-01'),
	E'2021-01-01 nights 0+55=55 Gold 40 15\n2022-01-01 nights 15+0=15 Silver 10 0\n2023-01-01 nights 0+12=12 Silver 10 2\n2024-01-01 nights 2+0=2 Member none 0 runs', 'it counts in the next period, and only in it');
SELECT is(rolled(events('night 2023-05-01=55'), hotel('true'), '2023-06-30'), '2023-01-01 nights 0+55=55 Gold 40 15 runs', 'of a year that runs it is what would roll over now');
SELECT is(rolled(events('night 2023-05-01=55'), hotel('true'), '2023-04-30'), NULL, 'not before membership');
SELECT is(rolled('[]', hotel('true'), '2023-04-30'), NULL, 'nor without events');
SELECT is(rolled(NULL, hotel('true'), '2023-04-30'), NULL, 'nor of no timeline');
SELECT is(rolled(events('night 2023-05-01=55'), hotel(NULL), '2023-06-30'), NULL, 'nor where nothing rolls over');

-- by the thresholds of the year that ended
SELECT is(rolled(events('night 2023-05-01=55'), hotel('true')::jsonb || '{"versions": [{"from": "2024-01-01", "levels": {"Silver": 10, "Gold": 50, "Diamond": 70}}]}', '2024-12-31'),
	E'2023-01-01 nights 0+55=55 Gold 40 15\n2024-01-01 nights 15+0=15 Silver 10 0', 'by the version of the period''s last day');
SELECT is(rolled(events('night 2023-05-01=55'), hotel('true')::jsonb || '{"versions": [{"from": "2023-12-31", "levels": {"Silver": 10, "Gold": 50, "Diamond": 70}}]}', '2024-12-31'),
	E'2023-01-01 nights 0+55=55 Gold 50 5\n2024-01-01 nights 5+0=5 Member none 0', '... whichever that is');
SELECT is(rolled(events('night 2023-05-01=55'), hotel('true')::jsonb || '{"threshold": "exceeded"}', '2023-12-31'), '2023-01-01 nights 0+55=55 Gold 40 15', 'above a threshold that must be exceeded it is the same');
SELECT is(rolled(events('night 2023-05-01=40'), hotel('true')::jsonb || '{"threshold": "exceeded"}', '2023-12-31'), '2023-01-01 nights 0+40=40 Silver 10 30', '... by the tier that is attained then');

-- decimals: down to those of the values
SELECT is(rolled(events('night 2023-05-01=' || v), '{"metrics": {"nights": {"kinds": ["night"], "rollover": 2.5}}, "levels": {"S": 10.5}, "qualifying_window": "calendar year"}', '2023-12-31'), '2023-01-01 nights ' || shown, v || ' nights')
FROM (VALUES ('12', '0+12=12 S 10.5 1'), ('15', '0+15=15 S 10.5 2'), ('12.0', '0.0+12.0=12.0 S 10.5 1.5'), ('12.25', '0.00+12.25=12.25 S 10.5 1.75'), ('15.5', '0.0+15.5=15.5 S 10.5 2.5')) e(v, shown);
-- events, days
SELECT is(rolled(events('night 2023-05-01=1', 'night 2023-05-01 12:00=1', 'night 2023-05-02=1', 'night 2023-05-03=1'), format('{"metrics": {"stays": {"of": "%s", "kinds": ["night"], "rollover": true}}, "levels": {"S": 2}, "qualifying_window": "calendar year"}', o)::tier_policy, '2024-12-31'),
	format(E'2023-01-01 stays 0+%s=%s S 2 %s\n2024-01-01 stays %s+0=%s %s', n, n, n - 2, n - 2, n - 2, CASE WHEN n = 4 THEN 'S 2 0' ELSE 'Member none 0' END), o) FROM (VALUES ('events', 4), ('days', 3)) v(o, n);

-- several metrics: the largest that the tier asks of this one, met or not
CREATE FUNCTION two(gold text) RETURNS tier_policy LANGUAGE sql IMMUTABLE AS $$
	SELECT format('{"metrics": {"nights": {"kinds": ["night"], "rollover": true}, "spend": {"kinds": ["pay"]}}, "levels": [{"tier": "Silver", "any": {"nights": 10}}, {"tier": "Gold", %s}], "qualifying_window": "calendar year", "valid": "period_end"}', gold)::tier_policy
$$;
SELECT is(rolled(events('night 2023-05-01=' || n, 'pay 2023-05-01=' || p), two(g), '2023-12-31'), '2023-01-01 nights ' || shown, format('%s nights, %s spent: %s', n, p, g)) FROM (VALUES
	(45, 0, '"any": {"nights": 40, "spend": 900}', '0+45=45 Gold 40 5'), (30, 900, '"any": {"nights": 40, "spend": 900}', '0+30=30 Gold 40 0'),
	(30, 900, '"any": {"spend": 900}', '0+30=30 Gold none 0'), (30, 899, '"any": {"spend": 900}', '0+30=30 Silver 10 20'),
	(60, 900, '"any": [{"all": {"nights": 25, "spend": 500}}, {"all": {"nights": 50}}]', '0+60=60 Gold 50 10'), (30, 500, '"any": [{"all": {"nights": 25, "spend": 500}}, {"all": {"nights": 50}}]', '0+30=30 Gold 50 0')) v(n, p, g, shown);

-- ---- when it counts ----

-- Silver is there on the first day of the year, to the end of the next, as by an event
SELECT is(told(events('night 2023-05-01=20'), hotel('true'), '2027-12-31'), E'2023-05-01 Member joined\n2023-05-01 Silver qualified until 2025-01-01\n2024-01-01 Silver requalified until 2026-01-01\n2026-01-01 Member lapsed', 'it renews as the year begins');
SELECT is(tier_at(events('night 2023-05-01=55', 'night 2024-03-01=45'), hotel('true'), i), t, 'at ' || i) FROM (VALUES (timestamptz '2024-02-29 23:59:59', 'Gold'), ('2024-03-01 00:00', 'Diamond')) v(i, t);
-- lost and reached at one instant
SELECT is(told(events('night 2023-05-01=40', 'night 2024-06-01=24'), hotel('true')::jsonb || '{"valid": "period_end", "downgrade": "to_base"}', '2026-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 Gold qualified until 2024-01-01\n2024-01-01 Gold requalified until 2025-01-01\n2025-01-01 Member lapsed\n2025-01-01 Silver qualified until 2026-01-01\n2026-01-01 Silver requalified until 2027-01-01', 'validity ends by the year that ended, then the rollover counts');
SELECT results_eq($$SELECT tier, metric, value, ref FROM tier_history(events('night 2023-05-01=40', 'night 2024-06-01=24'), hotel('true')::jsonb || '{"valid": "period_end", "downgrade": "to_base"}', '2025-12-31') WHERE valid_from >= '2025-01-01'$$,
	$$VALUES ('Member', 'nights', 24::numeric, NULL), ('Silver', 'nights', 14, NULL)$$, '... by time, and with the value that decided');
-- judged at the end of the period
SELECT is(told(events('night 2023-05-01=20'), hotel('true')::jsonb || '{"upgrade": "period_end"}', '2027-12-31'),
	E'2023-05-01 Member joined\n2024-01-01 Silver qualified until 2025-01-01\n2025-01-01 Silver requalified until 2026-01-01\n2026-01-01 Member lapsed', 'or it counts when the year ends');
SELECT is(told(events('night 2023-05-01=55'), hotel('true')::jsonb || '{"valid": "while_qualified"}', '2025-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 Gold qualified\n2024-01-01 Silver lapsed\n2025-01-01 Member lapsed', 'while it qualifies');
-- a period of the zone's local days; a list
SELECT is(rolled('[{"at": "2023-12-31T22:30Z", "kind": "night", "value": 15}]', hotel('true')::jsonb || '{"zone": "Europe/Helsinki"}', '2024-12-31'), '2024-01-01 nights 0+15=15 Silver 10 5', 'local days');
SELECT is(rolled(events('night 2023-05-01=15'), hotel('true')::jsonb || '{"qualifying_window": "calendar {2023-01-01,2023-07-01,2024-02-29}", "valid": "period_end"}', '2024-12-31'),
	E'2023-01-01 nights 0+15=15 Silver 10 5\n2023-07-01 nights 5+0=5 Member none 0\n2024-02-29 nights 0+0=0 Member none 0 runs', 'a list of periods');

-- ---- what is still missing ----

SELECT is((SELECT (value, missing_to_next, missing_to_keep, projected_tier)::text FROM tier_progress(events('night 2023-05-01=55'), hotel('true'), '2024-06-30')), '(15,45,25,Silver)', 'what rolled in is there');
SELECT is((SELECT (value, missing_to_next, missing_to_keep, projected_tier)::text FROM tier_progress(events('night 2023-05-01=55'), hotel('true'), '2023-06-30')), '(55,5,25,Silver)', '... and will be');
-- the year of as_of ends as the tier does: what rolls over then gives Silver again, but doesn't count for keeping Gold
SELECT is((SELECT (value, missing_to_keep, projected_tier)::text FROM tier_progress(events('night 2023-05-01=40', 'night 2024-06-01=24'), hotel('true')::jsonb || '{"valid": "period_end", "downgrade": "to_base"}', '2024-06-30')), '(24,16,Silver)', 'what is projected has it');
SELECT results_eq($$SELECT tier, members, value FROM tier_census_table((SELECT tier_census(t, hotel('true'), '2024-02-01') FROM (VALUES (events('night 2023-05-01=55')), (events('night 2023-05-01=20')), (events('night 2023-05-01=5'))) v(t)))$$,
	$$VALUES ('Member', 1::bigint, 0::numeric), ('Silver', 1, 10), ('Gold', 1, 15), ('Diamond', 0, 0)$$, 'the census counts it');

-- ---- a window of a metric's own ----

CREATE FUNCTION windows(miles text, nights text, rest text) RETURNS tier_policy LANGUAGE sql IMMUTABLE AS $$
	SELECT (format('{"metrics": {"nights": {"kinds": ["night"]%s}, "miles": {"kinds": ["flight"]%s}}}', nights, miles)::jsonb || rest::jsonb)::text::tier_policy
$$;
-- lifetime miles beside this year's nights
SELECT is(told(events('flight 2022-03-01=600', 'flight 2023-03-01=500'), windows(', "qualifying_window": "lifetime"', '', '{"levels": [{"tier": "Silver", "any": {"nights": 10, "miles": 1000}}], "qualifying_window": "calendar year", "valid": "period_end"}'), '2025-06-30'),
	E'2022-03-01 Member joined\n2023-03-01 Silver qualified until 2024-01-01\n2024-01-01 Silver requalified until 2025-01-01\n2025-01-01 Silver requalified until 2026-01-01', 'a lifetime''s miles keep it year after year');
SELECT is(told(events('flight 2022-03-01=600', 'flight 2023-03-01=500'), windows('', '', '{"levels": [{"tier": "Silver", "any": {"nights": 10, "miles": 1000}}], "qualifying_window": "calendar year", "valid": "period_end"}'), '2025-06-30'), '2022-03-01 Member joined', '... as a year''s don''t');
SELECT results_eq($$SELECT metric, value, missing_to_next FROM tier_progress(events('flight 2022-03-01=600', 'night 2022-03-01=3', 'night 2023-03-01=4'), windows(', "qualifying_window": "lifetime"', '', '{"levels": [{"tier": "Silver", "any": {"nights": 10, "miles": 1000}}], "qualifying_window": "calendar year", "valid": "period_end"}'), '2023-06-30')$$,
	$$VALUES ('miles', 600::numeric, 400::numeric), ('nights', 4, 6)$$, 'each in its own window');
-- a rolling month beside the year, both needed
CREATE TABLE both_needed AS SELECT windows(', "qualifying_window": "1 month"', '', '{"levels": [{"tier": "Silver", "all": {"nights": 5, "miles": 2}}], "qualifying_window": "calendar year", "valid": "while_qualified"}') AS rules;
SELECT is(told(events('night 2023-11-10=5', 'flight 2023-11-10=2'), rules, '2024-06-30'), E'2023-11-10 Member joined\n2023-11-10 Silver qualified\n2023-12-10 Member lapsed', 'the month has ended') FROM both_needed;
SELECT is(told(events('night 2023-12-20=5', 'flight 2023-12-20=2'), rules, '2024-06-30'), E'2023-12-20 Member joined\n2023-12-20 Silver qualified\n2024-01-01 Member lapsed', '... or the year') FROM both_needed;
SELECT is(told(events('night 2023-01-10=5', 'flight 2023-01-20=2', 'flight 2023-01-21=-1', 'flight 2023-02-10=1'), rules, '2024-06-30'), E'2023-01-10 Member joined\n2023-01-20 Silver qualified\n2023-01-21 Member lapsed\n2023-02-10 Silver qualified\n2023-02-20 Member lapsed', '... and back') FROM both_needed;
-- years of a metric where the policy has none, with what rolls over
SELECT is(told(events('night 2023-11-10=15'), windows('', ', "qualifying_window": "calendar year", "rollover": true', '{"levels": [{"tier": "Silver", "any": {"nights": 5, "miles": 99}}], "qualifying_window": "6 months"}'), '2025-06-30'),
	E'2023-11-10 Member joined\n2023-11-10 Silver qualified until 2024-05-10\n2024-01-01 Silver requalified until 2024-07-01\n2024-07-01 Silver requalified until 2025-01-01\n2025-01-01 Silver requalified until 2025-07-01', 'a metric''s own years');
-- a year in which nothing happens is judged, too, where a lifetime counts
SELECT is(told(events('flight 2022-03-01=100'), windows(', "qualifying_window": "lifetime"', '', '{"levels": [{"tier": "Silver", "any": {"miles": 100}, "keep": {"any": {"nights": 5}}}], "qualifying_window": "calendar year", "upgrade": "period_end", "valid": "3 months"}'), '2024-06-30'),
	E'2022-03-01 Member joined\n2023-01-01 Silver qualified until 2023-04-01\n2023-04-01 Member lapsed\n2024-01-01 Silver qualified until 2024-04-01\n2024-04-01 Member lapsed', 'every period''s end is judged');

-- ---- in a programme, whose tiers see what orders spend ----

CREATE TABLE spent AS
SELECT timeline_agg(make_event(at => at, value => value, ref => ref)) AS timeline
FROM (VALUES (timestamptz '2022-05-01 10:00', 300, 'a'), ('2022-06-01 10:00', 250, 'b'), ('2023-06-01 10:00', 60, 'c'), ('2024-03-01 10:00', 400, 'd')) v(at, value, ref);
CREATE TABLE tiers_of AS
SELECT * FROM (VALUES ('rollover', '{"levels": {"Silver": 100, "Gold": 400}, "metrics": {"spend": {"rollover": 150}}, "qualifying_window": "calendar year", "valid": "period_end"}'::jsonb),
	('sets and a lifetime', '{"levels": [{"tier": "Silver", "any": {"spend": 100}}, {"tier": "Gold", "any": [{"all": {"spend": 400, "n": 2}}, {"all": {"life": 1000}}]}], "metrics": {"spend": {"rollover": 50}, "n": {"of": "events"}, "life": {"qualifying_window": "lifetime"}}, "qualifying_window": "calendar year", "valid": "period_end"}')) v(name, rules);
SELECT is((SELECT string_agg(to_char(at, 'YYYY-MM-DD ') || explanation, E'\n' ORDER BY n) FROM program_statement(timeline, jsonb_build_object('earn', '{}'::jsonb, 'points', '{}'::jsonb, 'tiers', rules)::text::program_policy, '2026-06-30')
		WITH ORDINALITY s(at, role, label, ref, amount, points, balance, tier, explanation, n) WHERE role = 'tier' AND explanation <> 'joined'), told, name || ' in a programme')
FROM spent, tiers_of JOIN (VALUES
	-- 550 in 2022: 150 of the 150 above Gold roll; 210 in 2023 are Silver: 110 above, 60 earned; 460 in 2024 are Gold, 60 above
	('rollover', E'2022-05-01 Member to Silver, qualified\n2022-06-01 Silver to Gold, qualified\n2024-01-01 Gold to Silver, lapsed\n2024-03-01 Silver to Gold, qualified\n2026-01-01 Gold to Member, lapsed'),
	-- a thousand in a lifetime on 2024-03-01
	('sets and a lifetime', E'2022-05-01 Member to Silver, qualified\n2022-06-01 Silver to Gold, qualified\n2024-01-01 Gold to Silver, lapsed\n2024-03-01 Silver to Gold, qualified')) w(name, told) USING (name);
SELECT is((SELECT string_agg(to_char(at, 'YYYY-MM-DD ') || explanation, E'\n' ORDER BY n) FROM program_statement(timeline, jsonb_build_object('earn', '{}'::jsonb, 'points', '{}'::jsonb, 'tiers', rules)::text::program_policy, '2026-06-30')
		WITH ORDINALITY s(at, role, label, ref, amount, points, balance, tier, explanation, n) WHERE role = 'tier' AND explanation <> 'joined'),
	(SELECT string_agg(to_char(valid_from, 'YYYY-MM-DD ') || from_tier || ' to ' || tier || ', ' || reason, E'\n' ORDER BY n) FROM tier_history(timeline, rules, '2026-06-30')
		WITH ORDINALITY h(tier, rank, from_tier, valid_from, valid_to, promised_until, reason, metric, value, ref, n) WHERE reason <> 'joined'), name || ': as the tiers alone') FROM spent, tiers_of;

SELECT * FROM finish();
ROLLBACK;
