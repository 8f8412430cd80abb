--
-- Any of several sets of thresholds that must all hold: by hand, from the rules of the reference
-- page; the text of such a policy, and what it refuses.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(86);

CREATE FUNCTION events(VARIADIC list text[]) RETURNS event_timeline
LANGUAGE sql STABLE AS $$
	SELECT coalesce(timeline_agg(make_event(at => substring(e FROM ' (.*)=')::timestamptz, kind => split_part(e, ' ', 1), value => split_part(e, '=', 2)::numeric, ref => e)), '[]') FROM unnest(list) e
$$;

-- ---- text ----

-- A policy over nights, spend and miles, with a level that asks this.
CREATE FUNCTION asks(level text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
	SELECT format('{"levels": [{"tier": "Gold", %s}], "metrics": {"miles": {"of": "sum", "kinds": ["flight"]}, "spend": {"of": "sum", "kinds": ["pay"]}, "nights": {"of": "sum", "kinds": ["night"]}}}', level)
$$;
SELECT is(asks(written)::tier_policy::text, asks(shown), written) FROM (VALUES
	('"any": [{"all": {"nights": 30, "spend": 3000.0}}, {"all": {"nights": 50}}]', '"any": [{"all": {"spend": 3000, "nights": 30}}, {"all": {"nights": 50}}]'),
	-- in the order of metrics, then of thresholds; what another one begins with first
	('"any": [{"all": {"nights": 50}}, {"all": {"spend": 3000, "nights": 30}}]', '"any": [{"all": {"spend": 3000, "nights": 30}}, {"all": {"nights": 50}}]'),
	('"any": [{"all": {"spend": 20, "nights": 3}}, {"all": {"spend": 10, "nights": 4}}]', '"any": [{"all": {"spend": 10, "nights": 4}}, {"all": {"spend": 20, "nights": 3}}]'),
	('"any": [{"all": {"miles": 7, "spend": 2}}, {"all": {"miles": 7, "nights": 2}}, {"all": {"miles": 9}}]', '"any": [{"all": {"miles": 7, "spend": 2}}, {"all": {"miles": 7, "nights": 2}}, {"all": {"miles": 9}}]'),
	('"any": [{"all": {"miles": 8, "spend": 2}}, {"all": {"miles": 7, "nights": 2}}]', '"any": [{"all": {"miles": 7, "nights": 2}}, {"all": {"miles": 8, "spend": 2}}]'),
	-- fewer words
	('"any": [{"all": {"nights": 30, "spend": 3000}}]', '"all": {"spend": 3000, "nights": 30}'),
	('"any": [{"all": {"nights": 30}}]', '"any": {"nights": 30}'),
	('"any": [{"all": {"nights": 30}}, {"all": {"miles": 9}}, {"all": {"spend": 5}}]', '"any": {"miles": 9, "spend": 5, "nights": 30}'),
	('"any": {"nights": 30, "miles": 9}, "keep": {"any": [{"all": {"nights": 30}}, {"all": {"miles": 9}}]}', '"any": {"miles": 9, "nights": 30}'),
	-- keeping
	('"any": {"nights": 30}, "keep": {"any": [{"all": {"nights": 20, "miles": 5}}, {"all": {"spend": 5}}]}', '"any": {"nights": 30}, "keep": {"any": [{"all": {"miles": 5, "nights": 20}}, {"all": {"spend": 5}}]}'),
	('"any": [{"all": {"nights": 2, "miles": 5}}, {"all": {"spend": 5}}], "keep": {"any": [{"all": {"spend": 5}}, {"all": {"nights": 2, "miles": 5}}]}', '"any": [{"all": {"miles": 5, "nights": 2}}, {"all": {"spend": 5}}]'),
	('"any": [{"all": {"nights": 2, "miles": 5}}, {"all": {"spend": 5}}], "keep": null', '"any": [{"all": {"miles": 5, "nights": 2}}, {"all": {"spend": 5}}]')) v(written, shown);
SELECT is(asks('"any": [{"all": {"nights": 2, "miles": 5}}, {"all": {"spend": 5}}]')::tier_policy, asks('"any": [{"all": {"spend": 5}}, {"all": {"miles": 5.0, "nights": 2}}]')::tier_policy, 'equal rules are equal');
SELECT is('{"levels": [{"tier": "G", "any": [{"all": {"value": 5}}], "keep": {"any": [{"all": {"value": 3}}]}}]}'::tier_policy::text, '{"levels": [{"tier": "G", "at": 5, "keep": 3}]}', 'of a single metric it is a number');
SELECT is(p::tier_policy::text, p, 'windows and rollover: ' || p) FROM (SELECT format('{"levels": {"G": 5}, "metrics": {"n": {"of": "sum"%s}}%s}', m, r) FROM (VALUES (', "qualifying_window": "lifetime"', ''), (', "qualifying_window": "6 months"', ', "qualifying_window": "calendar year"'),
	(', "qualifying_window": "calendar month:15"', ''), (', "qualifying_window": "membership year"', ''), (', "rollover": true', ', "qualifying_window": "calendar year"'), (', "rollover": 20.5', ', "qualifying_window": "calendar year"'), (', "qualifying_window": "calendar quarter", "rollover": 7', '')) v(m, r)) f(p);
-- what is the policy's, or none
SELECT is(format('{"levels": {"G": 5}, "metrics": {"n": {%s}}%s}', m, r)::tier_policy::text, format('{"levels": {"G": 5}, "metrics": {"n": {"of": "sum"}}%s}', r), m) FROM (VALUES ('"qualifying_window": "12 months"', ''), ('"qualifying_window": "since tier"', ', "qualifying_window": "since tier", "valid": "1 year"'),
	('"qualifying_window": "calendar year"', ', "qualifying_window": "calendar year"'), ('"qualifying_window": null, "rollover": null', ''), ('"rollover": false', ''), ('"rollover": false', ', "qualifying_window": "lifetime"')) v(m, r);
SELECT is('{"levels": {"G": 5}, "metrics": {"value": {"rollover": true}}, "qualifying_window": "calendar year"}'::tier_policy::text, '{"levels": {"G": 5}, "metrics": {"value": {"of": "sum", "rollover": true}}, "qualifying_window": "calendar year"}', 'the default metric, with a rollover');

-- ---- errors ----

SELECT throws_ok(format('SELECT %L::tier_policy', asks(level)), state::char(5), message, level) FROM (VALUES
	('"any": []', '22023', '"levels[0].any" of a tier_policy is empty'), ('"all": []', '22P02', '"levels[0].all" of a tier_policy is not an object'), ('"any": [[]]', '22P02', '"levels[0].any[0]" of a tier_policy is not an object'), ('"any": ["nights"]', '22P02', '"levels[0].any[0]" of a tier_policy is not an object'),
	('"any": [{}]', '22P02', '"levels[0].any[0].all" is missing in a tier_policy'), ('"any": [{"all": {}}]', '22023', '"levels[0].any[0].all" of a tier_policy is empty'), ('"any": [{"all": null}]', '22P02', '"levels[0].any[0].all" is missing in a tier_policy'),
	('"any": [{"nights": 5}]', '22P02', 'unknown key "nights" in a tier_policy at "levels[0].any[0]"'), ('"any": [{"any": [{"all": {"nights": 5}}]}]', '22P02', 'unknown key "any" in a tier_policy at "levels[0].any[0]"'), ('"any": [{"all": [{"nights": 5}]}]', '22P02', '"levels[0].any[0].all" of a tier_policy is not an object'),
	('"any": [{"all": {"stays": 5}}]', '22023', '"levels[0].any[0].all" of a tier_policy is on a metric that isn''t there: "stays"'), ('"any": [{"all": {"nights": 0}}]', '22023', '"levels[0].any[0].all.nights" of a tier_policy is 0, which isn''t more than 0'), ('"any": [{"all": {"nights": {"all": 5}}}]', '22P02', '"levels[0].any[0].all.nights" of a tier_policy is not a number'),
	('"any": [{"all": {"nights": 5}}, {"all": {"nights": 5}}]', '22023', '"levels[0].any[1]" of a tier_policy adds nothing to "levels[0].any[0]"'), ('"any": [{"all": {"nights": 5, "spend": 1}}, {"all": {"miles": 5}}, {"all": {"nights": 4}}]', '22023', '"levels[0].any[0]" of a tier_policy adds nothing to "levels[0].any[2]"'),
	('"any": {"nights": 5}, "keep": {"any": []}', '22023', '"levels[0].keep.any" of a tier_policy is empty'), ('"any": {"nights": 5}, "keep": {"any": [{"all": {"nights": 5}}, {"all": {"nights": 6, "miles": 1}}]}', '22023', '"levels[0].keep.any[1]" of a tier_policy adds nothing to "levels[0].keep.any[0]"'),
	('"any": {"nights": 5}, "keep": [{"all": {"nights": 5}}]', '22P02', '"levels[0].keep" of a tier_policy is not a number, or an object with any or all')) v(level, state, message);
SELECT throws_ok(format('SELECT %L::tier_policy', asks('"any": [' || string_agg(format('{"all": {"nights": %s, "miles": %s}}', n, 50 - n), ', ') || ']')), '54000', '"levels[0].any" of a tier_policy can''t have more than 32 sets', '33 sets') FROM generate_series(1, 33) n;
SELECT lives_ok(format('SELECT %L::tier_policy', asks('"any": [' || string_agg(format('{"all": {"nights": %s, "miles": %s}}', n, 50 - n), ', ') || ']')), '32 sets') FROM generate_series(1, 32) n;
SELECT throws_ok(format('SELECT %L::tier_policy', format('{"levels": {"G": 5}, "metrics": {"n": {%s}}%s}', m, r)), state::char(5), message, m || r) FROM (VALUES
	('"qualifying_window": "since tier"', '', '22023', '"metrics.n.qualifying_window" of a tier_policy can''t be "since tier"'), ('"qualifying_window": "lifetime"', ', "qualifying_window": "since tier", "valid": "1 year"', '22023', '"metrics.n.qualifying_window" of a tier_policy can''t be with "qualifying_window" "since tier"'),
	('"qualifying_window": "6 months"', '', '22023', '"metrics.n.qualifying_window" "6 months" of a tier_policy can''t be with "qualifying_window" "1 year"'), ('"qualifying_window": "calendar month"', ', "qualifying_window": "calendar year"', '22023', '"metrics.n.qualifying_window" "calendar month" of a tier_policy can''t be with "qualifying_window" "calendar year"'),
	('"qualifying_window": "membership year"', ', "qualifying_window": "calendar year"', '22023', '"metrics.n.qualifying_window" "membership year" of a tier_policy can''t be with "qualifying_window" "calendar year"'),
	('"qualifying_window": 12', '', '22P02', '"metrics.n.qualifying_window" of a tier_policy is not a string'), ('"qualifying_window": "often"', '', '22023', '"metrics.n.qualifying_window" of a tier_policy can''t be "often"'), ('"qualifying_window": "1 minute"', '', '22023', '"metrics.n.qualifying_window" of a tier_policy is less than an hour: "1 minute"'),
	('"qualifying_window": "calendar year@Europe/Helsinki"', '', '22023', '"metrics.n.qualifying_window" of a tier_policy is in the zone Europe/Helsinki, the policy in the session''s'),
	('"rollover": true', '', '22023', '"metrics.n.rollover" of a tier_policy can''t be with the qualifying_window "1 year"'), ('"rollover": 5', ', "qualifying_window": "membership year"', '22023', '"metrics.n.rollover" of a tier_policy can''t be with the qualifying_window "membership year"'), ('"rollover": 5, "qualifying_window": "lifetime"', ', "qualifying_window": "calendar year"', '22023', '"metrics.n.rollover" of a tier_policy can''t be with the qualifying_window "lifetime"'),
	('"rollover": 0', ', "qualifying_window": "calendar year"', '22023', '"metrics.n.rollover" of a tier_policy is 0'), ('"rollover": -1', ', "qualifying_window": "calendar year"', '22023', '"metrics.n.rollover" of a tier_policy is -1'), ('"rollover": "20"', ', "qualifying_window": "calendar year"', '22P02', '"metrics.n.rollover" of a tier_policy is not a number, the most that rolls over, or true or false')) v(m, r, state, message);
SELECT throws_ok($$SELECT '{"metrics": {"a": {"qualifying_window": "6 months"}, "b": {"qualifying_window": "3 months"}}, "levels": [{"tier": "G", "any": {"a": 5}}], "qualifying_window": "lifetime"}'::tier_policy$$, '22023', '"metrics.b.qualifying_window" "3 months" of a tier_policy can''t be with "metrics.a.qualifying_window" "6 months"', 'two intervals');

-- ---- tiers ----

CREATE TABLE hotel AS
SELECT '{"levels": [{"tier": "Silver", "any": {"nights": 10}}, {"tier": "Gold", "any": [{"all": {"nights": 30, "spend": 3000}}, {"all": {"nights": 50}}], "keep": {"any": [{"all": {"nights": 20, "spend": 2000}}, {"all": {"nights": 40}}]}}],
	"metrics": {"nights": {"kinds": ["night"]}, "spend": {"kinds": ["pay"]}}, "qualifying_window": "calendar year", "valid": "next_period_end"}'::tier_policy AS rules;
SELECT is(tier(events('night 2023-05-01=' || n, 'pay 2023-05-01=' || p), rules, '2023-12-31'), t, format('%s nights, %s spent', n, p)) FROM hotel, (VALUES (30, 3000, 'Gold'), (30, 2999, 'Silver'), (29, 3000, 'Silver'), (49, 2999, 'Silver'), (50, 0, 'Gold'), (9, 9999, 'Member')) v(n, p, t);
-- what decided: the first metric of the first set that holds
SELECT results_eq($$SELECT tier, reason, metric, value, ref FROM hotel, tier_history(events('night 2023-05-01=30', 'pay 2023-06-01=3000', 'night 2024-06-01=20', 'pay 2024-07-01=2000', 'night 2025-02-01=39', 'pay 2025-03-01=1999'), rules, '2027-12-31', true)$$,
	$$VALUES ('Member', 'joined', 'spend', 0::numeric, 'night 2023-05-01=30'), ('Silver', 'qualified', 'nights', 30, 'night 2023-05-01=30'), ('Gold', 'qualified', 'spend', 3000, 'pay 2023-06-01=3000'), ('Gold', 'requalified', 'spend', 2000, 'pay 2024-07-01=2000'),
		('Silver', 'lapsed', 'spend', 1999, NULL), ('Member', 'lapsed', 'nights', 0, NULL)$$, 'the history');

-- ---- what is missing ----

-- 28 nights and 1,000: in the one set 2 nights and 2,000 are missing, in the other 22 nights, which is less
SELECT results_eq(format('SELECT metric, missing_to_next FROM hotel, tier_progress(events(%L, %L), rules, ''2023-06-30'')', 'night 2023-05-01=28', 'pay 2023-05-01=' || p), format('VALUES (''spend'', %s::numeric), (''nights'', %s)', s, n), p || ' spent') FROM (VALUES (1000, 2000, 22), (2990, 10, 2), (2977, 23, 22), (2978, 22, 2), (3500, 0, 2)) v(p, s, n);
SELECT results_eq($$SELECT tier, way, metric, value, threshold, missing FROM hotel, tier_ways(events('night 2023-05-01=8', 'pay 2023-05-01=1000.50'), rules, '2023-06-30')$$,
	$$VALUES ('Silver', 1, 'nights', 8.00, 10::numeric, 2.00), ('Gold', 1, 'spend', 1000.50, 3000, 1999.50), ('Gold', 1, 'nights', 8, 30, 22), ('Gold', 2, 'nights', 8, 50, 42)$$, 'every way to every tier above');
SELECT results_eq($$SELECT tier, way, metric, missing FROM tier_ways(events('night 2023-05-01=2'), '{"levels": [{"tier": "S", "any": {"nights": 5, "spend": 10}}, {"tier": "G", "all": {"nights": 7, "spend": 20}}, {"tier": "P", "at": null}], "metrics": {"nights": {"kinds": ["night"]}, "spend": {"kinds": ["pay"]}}}', '2023-06-30')$$,
	$$VALUES ('S', 1, 'spend', 10::numeric), ('S', 2, 'nights', 3), ('G', 1, 'spend', 20), ('G', 1, 'nights', 5)$$, 'any: ways of their own; all: one');
SELECT is_empty($$SELECT * FROM hotel, tier_ways(events('night 2023-05-01=60'), rules, '2023-06-30')$$, 'no way leads above the top');
SELECT is_empty($$SELECT * FROM hotel, tier_ways(events('night 2023-05-01=60'), rules, '2023-04-30')$$, 'nor before membership');
-- to keep Gold to the end of 2024: 20 nights and 2,000, or 40 nights
SELECT results_eq(format('SELECT metric, missing_to_keep FROM hotel, tier_progress(events(''night 2023-05-01=50'', %L, %L), rules, ''2024-06-30'')', 'night 2024-05-01=' || n, 'pay 2024-05-01=' || p), format('VALUES (''spend'', %s::numeric), (''nights'', %s)', ks, kn), format('%s nights, %s spent', n, p))
FROM (VALUES (15, 1000, 1000, 25), (15, 1990, 10, 5), (25, 100, 1900, 15), (25, 1990, 10, 0), (20, 2000, 2000, 40)) v(n, p, ks, kn);
SELECT results_eq($$SELECT tier, near_next, near_keep FROM hotel, tier_near_table((SELECT tier_near(t, rules, '2024-06-30', 15) FROM (VALUES (events('night 2024-05-01=28', 'pay 2024-05-01=2990')), (events('night 2024-05-01=28', 'pay 2024-05-01=2980')), (events('night 2023-05-01=50', 'night 2024-05-01=25')), (events('night 2023-05-01=50', 'night 2024-05-01=26'))) v(t), hotel GROUP BY rules))$$,
	$$VALUES ('Member', 0::bigint, 0::bigint), ('Silver', 1, 2), ('Gold', 0, 1)$$, 'near by the set that lacks least');

SELECT * FROM finish();
ROLLBACK;
