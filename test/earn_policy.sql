--
-- earn_policy: canonical text, every error, round trips, versions, casts, make_earn_policy().
--
\ir reference/setup.sql
BEGIN;
SELECT plan(175);

-- ---- canonical text ----

CREATE TABLE form (written text, shown text);
INSERT INTO form VALUES
	('{}', '{}'),
	-- defaults are left out
	('{"rate": 1, "per": 1.00, "full_steps": false, "minimum": 0, "rounding": "truncate", "decimals": 0, "multipliers": [], "combine": "highest", "bonuses": {}, "caps": {}, "kinds": {}, "excluded_kinds": [], "excluded_labels": [], "bonuses_qualify": false, "crossing_order": "before", "versions": []}', '{}'),
	('{"rate": null, "per": null, "full_steps": null, "minimum": null, "rounding": null, "decimals": null, "multipliers": null, "combine": null, "bonuses": null, "caps": null, "kinds": null, "excluded_kinds": null, "excluded_labels": null, "bonuses_qualify": null, "crossing_order": null, "zone": null, "versions": null}', '{}'),
	-- what isn't
	('{"per": 200.00, "rate": 10.0, "full_steps": true}', '{"rate": 10, "per": 200, "full_steps": true}'),
	('{"rate": 0}', '{"rate": 0}'), ('{"rate": 0.030}', '{"rate": 0.03}'), ('{"rate": 1e3}', '{"rate": 1000}'), ('{"rate": 2, "per": 2}', '{"rate": 2, "per": 2}'),
	('{"minimum": 19.990}', '{"minimum": 19.99}'), ('{"minimum": 0.000000000000000001}', '{"minimum": 0.000000000000000001}'),
	('{"rounding": "floor"}', '{"rounding": "floor"}'), ('{"rounding": "ceiling"}', '{"rounding": "ceiling"}'), ('{"rounding": "half_up"}', '{"rounding": "half_up"}'), ('{"rounding": "half_down"}', '{"rounding": "half_down"}'), ('{"rounding": "half_even"}', '{"rounding": "half_even"}'),
	('{"decimals": 6.0}', '{"decimals": 6}'),
	('{"combine": "multiply"}', '{"combine": "multiply"}'), ('{"combine": "add"}', '{"combine": "add"}'),
	('{"bonuses_qualify": true, "crossing_order": "after"}', '{"bonuses_qualify": true, "crossing_order": "after"}'),
	('{"zone": "europe/HELSINKI"}', '{"zone": "Europe/Helsinki"}'),
	-- multipliers keep their order
	('{"multipliers": [{"times": 3}, {"times": 2.50, "name": "saturday", "weekdays": ["sunday", "saturday"]}]}', '{"multipliers": [{"times": 3}, {"times": 2.5, "name": "saturday", "weekdays": ["saturday", "sunday"]}]}'),
	('{"multipliers": [{"labels": ["b", "a"], "tiers": ["Gold", "Bronze"], "until": "2024-07-01", "from": "2024-06-01", "hours": ["17:00:00", "19:00:30"], "cap": {"lifetime": 5, "order": 1, "year": 4, "day": 2, "month": 3}, "times": 0}]}',
	 '{"multipliers": [{"times": 0, "labels": ["a", "b"], "tiers": ["Bronze", "Gold"], "from": "2024-06-01", "until": "2024-07-01", "hours": ["17:00", "19:00:30"], "cap": {"order": 1, "day": 2, "month": 3, "year": 4, "lifetime": 5}}]}'),
	('{"multipliers": [{"times": 2, "hours": ["22:00", "02:00"]}, {"times": 2, "hours": ["22:00", "00:00"]}, {"times": 2, "hours": ["24:00", "06:00"]}]}', '{"multipliers": [{"times": 2, "hours": ["22:00", "02:00"]}, {"times": 2, "hours": ["22:00", "24:00"]}, {"times": 2, "hours": ["00:00", "06:00"]}]}'),
	-- ... conditions that always hold are none
	('{"multipliers": [{"times": 2, "hours": ["00:00", "24:00"], "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], "cap": {}, "name": null, "labels": null}]}', '{"multipliers": [{"times": 2}]}'),
	('{"multipliers": [{"times": 2, "name": "quote\"d \u00e4\n", "labels": ["x\ty"]}]}', '{"multipliers": [{"times": 2, "name": "quote\"d ä\n", "labels": ["x\ty"]}]}'),
	-- bonuses
	('{"bonuses": {"referral": 50, "anniversary": 100, "birthday": 200.0, "first_purchase": 50, "joining": 100, "nth_purchase": []}}', '{"bonuses": {"joining": 100, "first_purchase": 50, "birthday": 200, "anniversary": 100, "referral": 50}}'),
	('{"bonuses": {"referral": {"cap": {"year": 100}, "points": 50}, "joining": {"points": 7}, "birthday": {"points": 8, "cap": {}}}}', '{"bonuses": {"joining": 7, "birthday": 8, "referral": {"points": 50, "cap": {"year": 100}}}}'),
	('{"bonuses": {"nth_purchase": [{"points": 500, "n": 10, "every": true}, {"n": 3, "points": 30, "every": false, "cap": {"lifetime": 30}}]}}', '{"bonuses": {"nth_purchase": [{"n": 3, "points": 30, "cap": {"lifetime": 30}}, {"n": 10, "points": 500, "every": true}]}}'),
	('{"caps": {"lifetime": 20000, "order": 0, "year": null}}', '{"caps": {"order": 0, "lifetime": 20000}}'),
	('{"decimals": 2, "bonuses": {"joining": 0.25}, "caps": {"day": 12.50}}', '{"decimals": 2, "bonuses": {"joining": 0.25}, "caps": {"day": 12.5}}'),
	-- kinds: those that are as they are anyway are left out
	('{"kinds": {"SALE": "purchase", "join": "join", "redeem": "redemption", "a": "ignore"}}', '{"kinds": {"SALE": "purchase", "a": "ignore"}}'),
	('{"kinds": {"redeem": "ignore", "join": "birth"}}', '{"kinds": {"join": "birth", "redeem": "ignore"}}'),
	('{"kinds": {"a": "purchase", "b": "return", "c": "redemption", "d": "paid_with_points", "e": "join", "f": "birth", "g": "referral", "h": "ignore"}}', '{"kinds": {"a": "purchase", "b": "return", "c": "redemption", "d": "paid_with_points", "e": "join", "f": "birth", "g": "referral", "h": "ignore"}}'),
	('{"kinds": {"i": "earn", "j": "redeem", "k": "redeem_refund", "l": "adjust", "m": "transfer", "n": "forfeit", "o": "expire", "return": "return", "purchase": "purchase", "tier_grant": "ignore"}, "other_kinds": "error"}', '{"kinds": {"i": "earn", "j": "redemption", "k": "redeem_refund", "l": "adjust", "m": "transfer", "n": "forfeit", "o": "expire"}}'),
	('{"returns_beyond": "drop"}', '{}'), ('{"zone": "UTC", "returns_beyond": "take", "other_kinds": "ignore"}', '{"other_kinds": "ignore", "returns_beyond": "take", "zone": "UTC"}'),
	('{"other_kinds": "ignore", "zone": "UTC", "kinds": {"purchase": "ignore"}}', '{"kinds": {"purchase": "ignore"}, "other_kinds": "ignore", "zone": "UTC"}'),
	('{"excluded_kinds": ["gift", "delivery"], "excluded_labels": ["b", "a"]}', '{"excluded_kinds": ["delivery", "gift"], "excluded_labels": ["a", "b"]}'),
	-- versions
	('{"versions": [{"from": "2024-07-01", "rate": 2}]}', '{"versions": [{"from": "2024-07-01", "rate": 2}]}'),
	('{"rate": 2, "versions": [{"from": "2024-07-01", "rate": 2.0}, {"from": "2024-08-01", "rate": 3, "per": 1}]}', '{"rate": 2, "versions": [{"from": "2024-08-01", "rate": 3}]}'),
	('{"minimum": 5, "multipliers": [{"times": 2}], "bonuses": {"joining": 5}, "caps": {"day": 5}, "excluded_kinds": ["a"], "excluded_labels": ["b"], "full_steps": true, "versions": [{"from": "2024-07-01", "minimum": 0, "multipliers": [], "bonuses": {}, "caps": {}, "excluded_kinds": [], "excluded_labels": [], "full_steps": false, "rounding": "floor", "decimals": 1, "combine": "add", "bonuses_qualify": true, "crossing_order": "after"}]}',
	 '{"full_steps": true, "minimum": 5, "multipliers": [{"times": 2}], "bonuses": {"joining": 5}, "caps": {"day": 5}, "excluded_kinds": ["a"], "excluded_labels": ["b"], "versions": [{"from": "2024-07-01", "full_steps": false, "minimum": 0, "rounding": "floor", "decimals": 1, "multipliers": [], "combine": "add", "bonuses": {}, "caps": {}, "excluded_kinds": [], "excluded_labels": [], "bonuses_qualify": true, "crossing_order": "after"}]}'),
	('{"versions": [{"from": "0044-03-15 BC", "rate": 5}, {"from": "2024-07-01", "rate": 1}]}', '{"versions": [{"from": "0044-03-15 BC", "rate": 5}, {"from": "2024-07-01", "rate": 1}]}');
SELECT is(written::earn_policy::text, shown, left(written, 120)) FROM form;
SELECT is_empty('SELECT shown FROM form WHERE shown::earn_policy::text <> shown', 'canonical text reads back as itself');
SELECT is_empty('SELECT written FROM form WHERE written::earn_policy <> shown::earn_policy', 'equal rules are equal');

-- ---- errors ----

CREATE TABLE fault (written text, state text, message text);
INSERT INTO fault VALUES
	('', '22P02', NULL), ('{', '22P02', NULL), ('[]', '22P02', 'an earn_policy is written as a JSON object'), ('5', '22P02', NULL), ('null', '22P02', NULL),
	('{"Rate": 1}', '22P02', 'unknown key "Rate" in an earn_policy'),
	('{"rate": 1, "rate": 2}', '22P02', 'key "rate" stands twice in an earn_policy'),
	-- numbers
	('{"rate": "1"}', '22P02', '"rate" of an earn_policy is not a number'), ('{"rate": -1}', '22023', '"rate" of an earn_policy is -1'), ('{"rate": 0.0000001}', '22023', '"rate" of an earn_policy has more than 6 decimals: 0.0000001'), ('{"rate": 1e20}', '22003', NULL),
	('{"per": 0}', '22023', '"per" of an earn_policy is 0'), ('{"per": -5}', '22023', '"per" of an earn_policy is -5'), ('{"per": true}', '22P02', '"per" of an earn_policy is not a number'),
	('{"minimum": -0.01}', '22023', '"minimum" of an earn_policy is -0.01'), ('{"minimum": "20"}', '22P02', '"minimum" of an earn_policy is not a number'),
	('{"full_steps": 1}', '22P02', '"full_steps" of an earn_policy is not true or false'),
	('{"decimals": 7}', '22023', '"decimals" of an earn_policy is 7'), ('{"decimals": 1.5}', '22P02', NULL), ('{"decimals": -1}', '22P02', NULL), ('{"decimals": "2"}', '22P02', NULL),
	('{"rounding": "up"}', '22023', '"rounding" of an earn_policy can''t be "up"'), ('{"rounding": 5}', '22P02', '"rounding" of an earn_policy is not a string'),
	('{"combine": "max"}', '22023', '"combine" of an earn_policy can''t be "max"'), ('{"crossing_order": "never"}', '22023', '"crossing_order" of an earn_policy can''t be "never"'), ('{"bonuses_qualify": "yes"}', '22P02', '"bonuses_qualify" of an earn_policy is not true or false'),
	('{"zone": "Nowhere"}', '22023', 'unknown time zone "Nowhere"'), ('{"zone": 5}', '22P02', '"zone" of an earn_policy is not a string'),
	-- multipliers
	('{"multipliers": {}}', '22P02', '"multipliers" of an earn_policy is not an array'), ('{"multipliers": [2]}', '22P02', '"multipliers[0]" of an earn_policy is not an object'),
	('{"multipliers": [{}]}', '22P02', '"multipliers[0].times" is missing in an earn_policy'), ('{"multipliers": [{"times": "2"}]}', '22P02', '"multipliers[0].times" of an earn_policy is not a number'), ('{"multipliers": [{"times": -2}]}', '22023', '"multipliers[0].times" of an earn_policy is -2'), ('{"multipliers": [{"times": 1.0000001}]}', '22023', NULL),
	('{"multipliers": [{"times": 2}, {"times": 2, "label": "x"}]}', '22P02', 'unknown key "label" in an earn_policy at "multipliers[1]"'),
	('{"multipliers": [{"times": 2, "labels": []}]}', '22023', '"multipliers[0].labels" of an earn_policy is empty'), ('{"multipliers": [{"times": 2, "labels": "x"}]}', '22P02', '"multipliers[0].labels" of an earn_policy is not an array'), ('{"multipliers": [{"times": 2, "labels": [1]}]}', '22P02', '"multipliers[0].labels" of an earn_policy is not a string'),
	('{"multipliers": [{"times": 2, "tiers": ["G", "G"]}]}', '22023', '"multipliers[0].tiers" of an earn_policy has "G" twice'),
	('{"multipliers": [{"times": 2, "from": "2024-07-01", "until": "2024-07-01"}]}', '22023', '"multipliers[0].until" of an earn_policy is 2024-07-01, which isn''t after "from", 2024-07-01'), ('{"multipliers": [{"times": 2, "from": "1.7.2024"}]}', '22P02', '"multipliers[0].from" of an earn_policy is not a date, YYYY-MM-DD'), ('{"multipliers": [{"times": 2, "until": "infinity"}]}', '22008', NULL), ('{"multipliers": [{"times": 2, "from": "2023-02-29"}]}', '22008', 'day out of range: "2023-02-29"'),
	('{"multipliers": [{"times": 2, "weekdays": []}]}', '22023', '"multipliers[0].weekdays" of an earn_policy is empty'), ('{"multipliers": [{"times": 2, "weekdays": ["Sunday"]}]}', '22023', '"multipliers[0].weekdays" of an earn_policy can''t be "Sunday"'), ('{"multipliers": [{"times": 2, "weekdays": ["sunday", "sunday"]}]}', '22023', '"multipliers[0].weekdays" of an earn_policy has "sunday" twice'),
	('{"multipliers": [{"times": 2, "hours": "17:00"}]}', '22P02', '"multipliers[0].hours" of an earn_policy is not an array'), ('{"multipliers": [{"times": 2, "hours": ["17:00"]}]}', '22023', '"multipliers[0].hours" of an earn_policy is not two times of day'), ('{"multipliers": [{"times": 2, "hours": ["17:00", 19]}]}', '22P02', '"multipliers[0].hours" of an earn_policy is not a string'),
	('{"multipliers": [{"times": 2, "hours": ["17:00", "17:00"]}]}', '22023', '"multipliers[0].hours" of an earn_policy begin when they end'),
	('{"multipliers": [{"times": 2, "name": ""}]}', '22023', '"multipliers[0].name" of an earn_policy is empty'), ('{"multipliers": [{"times": 2, "name": "a"}, {"times": 2}, {"times": 3, "name": "a"}]}', '22023', '"multipliers" of an earn_policy has two of the name "a"'),
	('{"multipliers": [{"times": 2, "cap": 5}]}', '22P02', '"multipliers[0].cap" of an earn_policy is not an object'), ('{"multipliers": [{"times": 2, "cap": {"week": 5}}]}', '22P02', 'unknown key "week" in an earn_policy at "multipliers[0].cap"'), ('{"multipliers": [{"times": 2, "cap": {"day": 0.5}}]}', '22023', '"multipliers[0].cap.day" of an earn_policy is 0.5, where points have 0 decimals'),
	('{"combine": "multiply", "multipliers": [{"times": 1.000001}, {"times": 1.000001}, {"times": 1.000001}, {"times": 1.1}]}', '22023', '"multipliers" of an earn_policy have 19 decimals together'),
	-- bonuses
	('{"bonuses": 5}', '22P02', '"bonuses" of an earn_policy is not an object'), ('{"bonuses": {"christmas": 5}}', '22P02', 'unknown key "christmas" in an earn_policy at "bonuses"'), ('{"bonuses": {"joining": "5"}}', '22P02', '"bonuses.joining" of an earn_policy is not a number or an object'), ('{"bonuses": {"joining": [5]}}', '22P02', NULL),
	('{"bonuses": {"joining": 0}}', '22023', '"bonuses.joining" of an earn_policy is 0'), ('{"bonuses": {"joining": {}}}', '22P02', '"bonuses.joining.points" is missing in an earn_policy'), ('{"bonuses": {"joining": {"points": 5, "n": 1}}}', '22P02', NULL), ('{"bonuses": {"joining": 0.5}}', '22023', '"bonuses.joining" of an earn_policy is 0.5, where points have 0 decimals'),
	('{"bonuses": {"joining": {"points": 5, "cap": {"order": 5}}}}', '22023', '"bonuses.joining.cap.order" of an earn_policy makes no sense'), ('{"bonuses": {"joining": {"points": 5, "cap": {"year": 2.5}}}}', '22023', NULL),
	('{"bonuses": {"nth_purchase": 5}}', '22P02', '"bonuses.nth_purchase" of an earn_policy is not an array'), ('{"bonuses": {"nth_purchase": [{"points": 5}]}}', '22P02', '"bonuses.nth_purchase[0].n" is missing in an earn_policy'), ('{"bonuses": {"nth_purchase": [{"n": 0, "points": 5}]}}', '22023', '"bonuses.nth_purchase[0].n" of an earn_policy is 0'), ('{"bonuses": {"nth_purchase": [{"n": 1.5, "points": 5}]}}', '22P02', NULL),
	('{"bonuses": {"nth_purchase": [{"n": 2}]}}', '22P02', '"bonuses.nth_purchase[0].points" is missing in an earn_policy'), ('{"bonuses": {"nth_purchase": [{"n": 2, "points": 5}, {"n": 2, "points": 6}]}}', '22023', '"bonuses.nth_purchase" of an earn_policy has the purchase 2 twice'), ('{"bonuses": {"nth_purchase": [{"n": 2, "points": 5, "every": 1}]}}', '22P02', NULL),
	-- caps
	('{"caps": []}', '22P02', '"caps" of an earn_policy is not an object'), ('{"caps": {"week": 5}}', '22P02', 'unknown key "week" in an earn_policy at "caps"'), ('{"caps": {"day": -1}}', '22023', '"caps.day" of an earn_policy is -1'), ('{"caps": {"day": 1.5}}', '22023', '"caps.day" of an earn_policy is 1.5, where points have 0 decimals'),
	-- kinds, exclusions
	('{"kinds": []}', '22P02', '"kinds" of an earn_policy is not an object'), ('{"kinds": {"a": "buy"}}', '22023', '"kinds.a" of an earn_policy can''t be "buy"'), ('{"kinds": {"a": null}}', '22P02', NULL),
	('{"returns_beyond": true}', '22P02', '"returns_beyond" of an earn_policy is not a string'), ('{"versions": [{"from": "2024-07-01", "returns_beyond": "take"}]}', '22023', '"versions[0].returns_beyond" of an earn_policy can''t change from a day on'),
	('{"other_kinds": "purchase"}', '22023', '"other_kinds" of an earn_policy can''t be "purchase"'), ('{"versions": [{"from": "2024-07-01", "other_kinds": "ignore"}]}', '22023', '"versions[0].other_kinds" of an earn_policy can''t change from a day on'), ('{"excluded_kinds": ["tier_grant"]}', '22023', '"excluded_kinds" of an earn_policy has "tier_grant", whose role is ignore'),
	('{"excluded_kinds": "a"}', '22P02', '"excluded_kinds" of an earn_policy is not an array'), ('{"excluded_kinds": ["a", "a"]}', '22023', '"excluded_kinds" of an earn_policy has "a" twice'), ('{"excluded_kinds": ["redeem"]}', '22023', '"excluded_kinds" of an earn_policy has "redeem", whose role is redemption'), ('{"excluded_labels": [5]}', '22P02', '"excluded_labels" of an earn_policy is not a string'),
	-- versions
	('{"versions": {}}', '22P02', '"versions" of an earn_policy is not an array'), ('{"versions": [5]}', '22P02', '"versions[0]" of an earn_policy is not an object'), ('{"versions": [{"rate": 2}]}', '22P02', '"versions[0].from" is missing in an earn_policy'), ('{"versions": [{"from": "2024-07-01"}]}', '22023', '"versions[0]" of an earn_policy changes nothing'),
	('{"versions": [{"from": "2024-07-01", "zone": "UTC"}]}', '22023', '"versions[0].zone" of an earn_policy can''t change from a day on'), ('{"versions": [{"from": "2024-07-01", "kinds": {}}]}', '22023', '"versions[0].kinds" of an earn_policy can''t change from a day on'), ('{"versions": [{"from": "2024-07-01", "versions": []}]}', '22023', NULL),
	('{"versions": [{"from": "2024-07-01", "rates": 2}]}', '22P02', 'unknown key "rates" in an earn_policy at "versions[0]"'), ('{"versions": [{"from": "2024-07-01", "minimum": null}]}', '22023', '"versions[0].minimum" of an earn_policy is null'),
	('{"versions": [{"from": "2024-07-01", "rate": 2}, {"from": "2024-07-01", "rate": 3}]}', '22023', '"versions[1].from" of an earn_policy is 2024-07-01, which isn''t after 2024-07-01'),
	('{"decimals": 1, "caps": {"day": 1.5}, "versions": [{"from": "2024-07-01", "decimals": 0}]}', '22023', '"versions[0].caps.day" of an earn_policy is 1.5, where points have 0 decimals'),
	('{"kinds": {"g": "ignore"}, "versions": [{"from": "2024-07-01", "excluded_kinds": ["g"]}]}', '22023', '"versions[0].excluded_kinds" of an earn_policy has "g", whose role is ignore');
SELECT throws_ok(format('SELECT %L::earn_policy', written), state::char(5), message, left(written, 120)) FROM fault;
SELECT throws_ok($$SELECT ('{"multipliers": [' || string_agg('{"times": 2}', ',') || ']}')::earn_policy FROM generate_series(1, 101)$$, '54000', '"multipliers" of an earn_policy has 101 multipliers', 'too many multipliers');
SELECT throws_ok($$SELECT ('{"bonuses": {"nth_purchase": [' || string_agg(format('{"n": %s, "points": 2}', n), ',') || ']}}')::earn_policy FROM generate_series(1, 101) n$$, '54000', NULL, 'too many bonuses');
SELECT is(length(('{"versions": [' || string_agg(format('{"from": "%s", "rate": %s}', date '1900-01-01' + n, n), ', ' ORDER BY n) || ']}')::earn_policy::text) > 150000, true, '5,000 versions') FROM generate_series(1, 5000) n;

-- ---- make_earn_policy() ----

SELECT is(make_earn_policy()::text, '{}', 'nothing given');
SELECT is(make_earn_policy(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::text, '{}', 'NULL is the default of each');
SELECT is(make_earn_policy(rate => 10, per => 200, full_steps => true, minimum => 19.99, rounding => 'half_even', decimals => 2, multipliers => '[{"times": 2, "weekdays": ["saturday"]}]', combine => 'add', bonuses => '{"joining": 100}', caps => '{"day": 30.5}',
	kinds => '{"SALE": "purchase"}', excluded_kinds => '{gift}', excluded_labels => '{b,a}', bonuses_qualify => true, crossing_order => 'after', zone => 'europe/helsinki', versions => '[{"from": "2024-07-01", "rate": 12}]', other_kinds => 'ignore', returns_beyond => 'take')::text,
	'{"rate": 10, "per": 200, "full_steps": true, "minimum": 19.99, "rounding": "half_even", "decimals": 2, "multipliers": [{"times": 2, "weekdays": ["saturday"]}], "combine": "add", "bonuses": {"joining": 100}, "caps": {"day": 30.5}, "excluded_kinds": ["gift"], "excluded_labels": ["a", "b"], "bonuses_qualify": true, "crossing_order": "after", "kinds": {"SALE": "purchase"}, "other_kinds": "ignore", "returns_beyond": "take", "zone": "Europe/Helsinki", "versions": [{"from": "2024-07-01", "rate": 12}]}', 'every argument');
SELECT throws_ok('SELECT make_earn_policy(' || call || ')', state::char(5), message, call) FROM (VALUES
	('rate => -1', '22023', '"rate" of an earn_policy is -1'), ($$rate => 'NaN'$$, '22003', '"rate" of an earn_policy must be a finite number'), ($$per => 'Infinity'$$, '22003', NULL), ('decimals => 7', '22023', '"decimals" of an earn_policy is 7'), ('decimals => -1', '22P02', NULL),
	($$multipliers => '{}'$$, '22P02', '"multipliers" of an earn_policy is not an array'), ($$excluded_labels => ARRAY['a', NULL]$$, '22004', '"excluded_labels" of an earn_policy has a NULL element'), ($$caps => '5'$$, '22P02', '"caps" of an earn_policy is not an object')) f (call, state, message);

-- ---- round trips ----

CREATE TABLE stored (id serial, policy earn_policy);
INSERT INTO stored (policy) SELECT written::earn_policy FROM form;
INSERT INTO stored (policy) VALUES (NULL);
SELECT is_empty('SELECT id FROM stored WHERE policy::text::earn_policy IS DISTINCT FROM policy OR policy::text::earn_policy::text IS DISTINCT FROM policy::text', 'text');
SELECT is_empty('SELECT id FROM stored WHERE policy::jsonb::earn_policy IS DISTINCT FROM policy', 'jsonb');
SELECT is_empty($$SELECT id FROM stored WHERE convert_from(earn_policy_send(policy), 'UTF8') <> policy::text$$, 'the binary form is the text');
COPY stored TO PROGRAM 'cat > earn_policy.bin' (FORMAT binary);
CREATE TABLE again (LIKE stored);
COPY again FROM PROGRAM 'cat earn_policy.bin && rm earn_policy.bin' (FORMAT binary);
SELECT results_eq('SELECT id, policy FROM again ORDER BY id', 'SELECT id, policy FROM stored ORDER BY id', 'binary');
SELECT is((SELECT count(DISTINCT policy) FROM stored), (SELECT count(DISTINCT policy::text) FROM stored), 'DISTINCT');
SELECT is_empty('SELECT 1 FROM stored a, stored b WHERE (a.policy < b.policy)::int + (a.policy = b.policy)::int + (a.policy > b.policy)::int <> 1 OR (a.policy = b.policy AND earn_policy_hash(a.policy) <> earn_policy_hash(b.policy))', 'exactly one of <, =, >, and equal hashes where equal');

-- ---- casts ----

CREATE TABLE rule (name text, j jsonb, p earn_policy);
INSERT INTO rule VALUES ('a', '{"per": 200, "rate": 10}', '{"rate": 10, "per": 200}'), ('b', '{"rate": 2.0}', '{"rate": 2}'), ('c', NULL, NULL);
SELECT results_eq('SELECT points_earned(450, j) FROM rule WHERE j IS NOT NULL ORDER BY name', 'SELECT points_earned(450, p) FROM rule WHERE p IS NOT NULL ORDER BY name', 'a jsonb column is taken as an argument');
SELECT is(points_earned(450, '{"rate": 2}'), 900::numeric, 'so is a literal');
SELECT is(points_earned(450, make_earn_policy(rate => 2)), 900::numeric, '... and what make_earn_policy() gives');
SELECT results_eq('SELECT name FROM rule WHERE p = j ORDER BY name', $$VALUES ('a'), ('b')$$, 'rules compare with a jsonb as rules');
UPDATE rule SET j = p;
SELECT is((SELECT j FROM rule WHERE name = 'b'), '{"rate": 2}'::jsonb, 'assignment to a jsonb column');
SELECT results_eq('SELECT points_earned(100, x.p) FROM rule x, generate_series(1, 3) n WHERE name < ''c'' ORDER BY n, name', $$VALUES (5.0), (200), (5), (200), (5), (200)$$, 'rules that change from row to row');
SELECT throws_ok($$SELECT points_earned(5, NULL)$$, '22004', 'policy must not be null', 'a NULL policy');
SELECT throws_ok($$SELECT points_earned(NULL, NULL)$$, '22004', NULL, '... even of nothing');
SELECT throws_ok($$SELECT points_accrual('[]', NULL)$$, '22004', NULL, '... of a timeline');
SELECT throws_ok($$SELECT * FROM points_accrual_events(NULL, NULL)$$, '22004', NULL, '... explained');

SELECT * FROM finish();
ROLLBACK;
