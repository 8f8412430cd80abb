--
-- tier_policy: forms, canonical text, every error, round trips, versions, casts,
-- make_tier_policy(), and tier_for(), the ladder alone.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(287);

-- ---- canonical text ----

CREATE TABLE form (written text, shown text);
INSERT INTO form VALUES
	-- the short form, in the order of thresholds
	('{"Silver": 500, "Gold": 2000}', '{"levels": {"Silver": 500, "Gold": 2000}}'),
	('{"Gold": 2000, "Silver": 500}', '{"levels": {"Silver": 500, "Gold": 2000}}'),
	('{"a": 9, "b": 10, "c": 8.5}', '{"levels": {"c": 8.5, "a": 9, "b": 10}}'),
	('{"Silver": 500.00, "Gold": 2e3}', '{"levels": {"Silver": 500, "Gold": 2000}}'),
	('{"x": 0.000000000000000001}', '{"levels": {"x": 0.000000000000000001}}'),
	('{"x": 9223372036854775807}', '{"levels": {"x": 9223372036854775807}}'),
	('{"Gold": null, "Silver": 500}', '{"levels": [{"tier": "Silver", "at": 500}, {"tier": "Gold", "at": null}]}'),
	('{"quote\"d": 1, "\u00e4\n": 2}', '{"levels": {"quote\"d": 1, "ä\n": 2}}'),
	-- the same with "levels"
	('{"levels": {"Gold": 2000, "Silver": 500}}', '{"levels": {"Silver": 500, "Gold": 2000}}'),
	('{"levels": [{"tier": "Silver", "at": 500}, {"tier": "Gold", "at": 2000}]}', '{"levels": {"Silver": 500, "Gold": 2000}}'),
	('{"levels": {"base": 5, "grace": 7}}', '{"levels": {"base": 5, "grace": 7}}'),
	-- keeping
	('{"levels": [{"tier": "Silver", "at": 500, "keep": 500.0}, {"tier": "Gold", "at": 2000, "keep": null}]}', '{"levels": {"Silver": 500, "Gold": 2000}}'),
	('{"levels": [{"tier": "Silver", "at": 500}, {"tier": "Gold", "at": 2000, "keep": 1500}]}', '{"levels": [{"tier": "Silver", "at": 500}, {"tier": "Gold", "at": 2000, "keep": 1500}]}'),
	('{"levels": [{"tier": "Silver", "at": 500, "keep": 900}, {"tier": "Gold", "at": 2000, "keep": 10}]}', '{"levels": [{"tier": "Silver", "at": 500, "keep": 900}, {"tier": "Gold", "at": 2000, "keep": 10}]}'),
	('{"levels": [{"tier": "Silver", "at": null, "keep": 100}, {"tier": "Gold", "any": null}]}', '{"levels": [{"tier": "Silver", "at": null, "keep": 100}, {"tier": "Gold", "at": null}]}'),
	('{"levels": [{"tier": "Silver", "any": {"value": 5}, "keep": {"all": {"value": 3}}}]}', '{"levels": [{"tier": "Silver", "at": 5, "keep": 3}]}'),
	-- several metrics
	('{"metrics": {"nights": {"of": "sum", "labels": ["night"]}, "points": {"kinds": ["earn"]}}, "levels": [{"tier": "Gold", "any": {"points": 15000, "nights": 25}}]}',
	 '{"levels": [{"tier": "Gold", "any": {"nights": 25, "points": 15000}}], "metrics": {"nights": {"of": "sum", "labels": ["night"]}, "points": {"of": "sum", "kinds": ["earn"]}}}'),
	('{"metrics": {"spend": {}, "days": {"of": "days"}}, "levels": [{"tier": "Gold", "all": {"days": 2}, "keep": {"all": {"days": 1, "spend": 0.50}}}, {"tier": "Top", "all": {"days": 2, "spend": 3}, "keep": {"any": {"days": 2, "spend": 3}}}]}',
	 '{"levels": [{"tier": "Gold", "any": {"days": 2}, "keep": {"all": {"days": 1, "spend": 0.5}}}, {"tier": "Top", "all": {"days": 2, "spend": 3}, "keep": {"any": {"days": 2, "spend": 3}}}], "metrics": {"days": {"of": "days"}, "spend": {"of": "sum"}}}'),
	('{"metrics": {"nights": {"of": "events", "kinds": ["stay", "b", "award"], "labels": ["z", "a"]}}, "levels": {"Gold": 25}}',
	 '{"levels": {"Gold": 25}, "metrics": {"nights": {"of": "events", "kinds": ["award", "b", "stay"], "labels": ["a", "z"]}}}'),
	('{"metrics": {"value": {"of": "sum", "values": "net"}}, "levels": {"Gold": 25}}', '{"levels": {"Gold": 25}}'),
	('{"metrics": {"value": {"values": "positive"}}, "levels": {"Gold": 25}}', '{"levels": {"Gold": 25}, "metrics": {"value": {"of": "sum", "values": "positive"}}}'),
	('{"metrics": {"spend": {}}, "levels": {"Gold": 25}}', '{"levels": {"Gold": 25}, "metrics": {"spend": {"of": "sum"}}}'),
	-- metrics stand in the order that jsonb gives their names
	('{"metrics": {"bb": {}, "c": {}, "aa": {}}, "levels": [{"tier": "Gold", "any": {"bb": 1, "aa": 2, "c": 3}}]}',
	 '{"levels": [{"tier": "Gold", "any": {"c": 3, "aa": 2, "bb": 1}}], "metrics": {"c": {"of": "sum"}, "aa": {"of": "sum"}, "bb": {"of": "sum"}}}'),
	-- defaults are left out
	('{"levels": {"G": 1}, "base": "Member", "qualifying_window": "1 year", "threshold": "reached", "upgrade": "at_once", "valid": "12 months", "downgrade": "to_metric", "grace": "none", "join_kind": "join", "grant_kind": "tier_grant", "versions": []}', '{"levels": {"G": 1}}'),
	('{"levels": {"G": 1}, "base": null, "qualifying_window": null, "threshold": null, "upgrade": null, "valid": null, "downgrade": null, "grace": null, "join_kind": null, "grant_kind": null, "versions": null, "metrics": null, "zone": null}', '{"levels": {"G": 1}}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar year", "valid": "1 year"}', '{"levels": {"G": 1}, "qualifying_window": "calendar year"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar half_year", "valid": "6 months"}', '{"levels": {"G": 1}, "qualifying_window": "calendar half_year"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar quarter", "valid": "3 months"}', '{"levels": {"G": 1}, "qualifying_window": "calendar quarter"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar month:15", "valid": "1 month"}', '{"levels": {"G": 1}, "qualifying_window": "calendar month:15"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar week:sunday", "valid": "1 week"}', '{"levels": {"G": 1}, "qualifying_window": "calendar week:sunday"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar day", "valid": "1 day"}', '{"levels": {"G": 1}, "qualifying_window": "calendar day"}'),
	('{"levels": {"G": 1}, "qualifying_window": "membership year", "valid": "12 months"}', '{"levels": {"G": 1}, "qualifying_window": "membership year"}'),
	('{"levels": {"G": 1}, "qualifying_window": "lifetime", "valid": "forever"}', '{"levels": {"G": 1}, "qualifying_window": "lifetime"}'),
	('{"levels": {"G": 1}, "qualifying_window": "90 days", "valid": "90 days"}', '{"levels": {"G": 1}, "qualifying_window": "90 days"}'),
	-- what isn't
	('{"levels": {"G": 1}, "base": "Basic", "qualifying_window": "3 months", "threshold": "exceeded", "valid": "1 year", "downgrade": "to_base", "grace": "2 weeks", "join_kind": "enrol", "grant_kind": "gift", "zone": "europe/HELSINKI"}',
	 '{"levels": {"G": 1}, "base": "Basic", "qualifying_window": "3 months", "threshold": "exceeded", "valid": "1 year", "downgrade": "to_base", "grace": "14 days", "join_kind": "enrol", "grant_kind": "gift", "zone": "Europe/Helsinki"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar year:04-01", "upgrade": "period_end", "valid": "next_period_end"}', '{"levels": {"G": 1}, "qualifying_window": "calendar year:04-01", "upgrade": "period_end", "valid": "next_period_end"}'),
	('{"levels": {"G": 1}, "qualifying_window": "membership year", "valid": "period_end"}', '{"levels": {"G": 1}, "qualifying_window": "membership year", "valid": "period_end"}'),
	('{"levels": {"G": 1}, "qualifying_window": "since tier", "valid": "6 months"}', '{"levels": {"G": 1}, "qualifying_window": "since tier", "valid": "6 months"}'),
	('{"levels": {"G": 1}, "qualifying_window": "lifetime", "valid": "while_qualified"}', '{"levels": {"G": 1}, "qualifying_window": "lifetime", "valid": "while_qualified"}'),
	('{"levels": {"G": 1}, "valid": "while_qualified", "downgrade": "one_level", "grace": "1 hour"}', '{"levels": {"G": 1}, "valid": "while_qualified", "downgrade": "one_level", "grace": "01:00:00"}'),
	('{"levels": {"G": 1}, "valid": "forever"}', '{"levels": {"G": 1}, "valid": "forever"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar year", "valid": "next_period_end+ 90 days 12 hours"}', '{"levels": {"G": 1}, "qualifying_window": "calendar year", "valid": "next_period_end + 90 days 12:00:00"}'),
	('{"levels": {"G": 1}, "qualifying_window": "membership year", "valid": "period_end   +3 mons"}', '{"levels": {"G": 1}, "qualifying_window": "membership year", "valid": "period_end + 3 months"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar year", "valid": "period_end", "versions": [{"from": "2024-01-01", "valid": "period_end + 1 month"}, {"from": "2025-01-01", "valid": "period_end + 1 month"}, {"from": "2026-01-01", "valid": "period_end"}]}',
	 '{"levels": {"G": 1}, "qualifying_window": "calendar year", "valid": "period_end", "versions": [{"from": "2024-01-01", "valid": "period_end + 1 month"}, {"from": "2026-01-01", "valid": "period_end"}]}'),
	('{"levels": {"G": 1}, "other_kinds": "error"}', '{"levels": {"G": 1}}'),
	('{"other_kinds": "ignore", "levels": {"G": 1}, "grant_kind": "gift", "zone": "UTC"}', '{"levels": {"G": 1}, "grant_kind": "gift", "other_kinds": "ignore", "zone": "UTC"}'),
	('{"levels": {"G": 1}, "qualifying_window": "calendar {2024-01-01,2024-01-29}", "valid": "period_end"}', '{"levels": {"G": 1}, "qualifying_window": "calendar {2024-01-01,2024-01-29}", "valid": "period_end"}'),
	-- the zone of a period is the policy's
	('{"levels": {"G": 1}, "qualifying_window": "calendar year@europe/helsinki", "zone": "Europe/Helsinki"}', '{"levels": {"G": 1}, "qualifying_window": "calendar year", "zone": "Europe/Helsinki"}'),
	-- versions
	('{"levels": {"G": 1}, "versions": [{"from": "2024-07-01", "levels": {"G": 2}}]}', '{"levels": {"G": 1}, "versions": [{"from": "2024-07-01", "levels": {"G": 2}}]}'),
	('{"levels": {"S": 1, "G": 2}, "versions": [{"from": "2024-07-01", "levels": {"G": null, "S": 3}, "threshold": "exceeded", "valid": "forever", "downgrade": "one_level", "grace": "1 month"}, {"from": "2025-07-01", "levels": {"G": 2.5, "S": 2}, "threshold": "reached", "valid": "2 years", "downgrade": "to_metric", "grace": "none"}]}',
	 '{"levels": {"S": 1, "G": 2}, "versions": [{"from": "2024-07-01", "levels": [{"tier": "S", "at": 3}, {"tier": "G", "at": null}], "threshold": "exceeded", "valid": "forever", "downgrade": "one_level", "grace": "1 month"}, {"from": "2025-07-01", "levels": {"S": 2, "G": 2.5}, "threshold": "reached", "valid": "2 years", "downgrade": "to_metric", "grace": "none"}]}'),
	-- ... one that names what holds already changes nothing
	('{"levels": {"S": 1, "G": 2}, "versions": [{"from": "2024-07-01", "levels": [{"tier": "S", "at": 1}, {"tier": "G", "at": 2, "keep": 2}], "threshold": "reached", "valid": "1 year", "downgrade": "to_metric", "grace": "none"}]}', '{"levels": {"S": 1, "G": 2}}'),
	('{"levels": {"S": 1}, "versions": [{"from": "2024-07-01", "grace": "1 day"}, {"from": "2024-08-01", "grace": "1 day"}, {"from": "2024-09-01", "grace": "2 days"}]}', '{"levels": {"S": 1}, "versions": [{"from": "2024-07-01", "grace": "1 day"}, {"from": "2024-09-01", "grace": "2 days"}]}'),
	-- ... what it leaves out stays; levels are replaced as a whole
	('{"levels": [{"tier": "S", "at": 5, "keep": 3}], "versions": [{"from": "2024-07-01", "threshold": "exceeded"}, {"from": "2025-07-01", "levels": {"S": 5}}]}', '{"levels": [{"tier": "S", "at": 5, "keep": 3}], "versions": [{"from": "2024-07-01", "threshold": "exceeded"}, {"from": "2025-07-01", "levels": {"S": 5}}]}'),
	-- ... a tier that comes later
	('{"levels": {"S": 1, "G": 2, "Top": null}, "versions": [{"from": "0044-03-15 BC", "levels": {"S": 1, "G": 2, "Top": 3}}]}', '{"levels": [{"tier": "S", "at": 1}, {"tier": "G", "at": 2}, {"tier": "Top", "at": null}], "versions": [{"from": "0044-03-15 BC", "levels": {"S": 1, "G": 2, "Top": 3}}]}');
SELECT is(written::tier_policy::text, shown, left(written, 120)) FROM form;
SELECT is_empty('SELECT shown FROM form WHERE shown::tier_policy::text <> shown', 'canonical text reads back as itself');
SELECT is_empty('SELECT written FROM form WHERE written::tier_policy <> shown::tier_policy', 'equal rules are equal');
SELECT isnt('{"levels": {"G": 1}, "qualifying_window": "1 month"}'::tier_policy, '{"levels": {"G": 1}, "qualifying_window": "30 days"}'::tier_policy, 'a month isn''t 30 days');

-- ---- errors ----

CREATE TABLE fault (written text, state text, message text);
INSERT INTO fault VALUES
	-- not JSON, or not such JSON
	('', '22P02', NULL), ('{', '22P02', NULL), ('[]', '22P02', 'a tier_policy is written as a JSON object'), ('5', '22P02', 'a tier_policy is written as a JSON object'), ('null', '22P02', 'a tier_policy is written as a JSON object'),
	('{"levels": {"G": 1}, "window": "1 year"}', '22P02', 'unknown key "window" in a tier_policy'),
	('{"levels": {"G": 1}, "Base": "x"}', '22P02', 'unknown key "Base" in a tier_policy'),
	('{"G": 1, "G": 2}', '22P02', 'key "G" stands twice in a tier_policy'),
	('{"levels": {"G": 1, "S": 2, "G": 3}}', '22P02', 'key "G" stands twice in a tier_policy'),
	-- the short form
	('{}', '22P02', '"levels" is missing in a tier_policy'),
	('{"Silver": "500"}', '22023', 'the threshold of tier "Silver" of a tier_policy is not a number'),
	('{"Silver": 500, "qualifying_windw": "12 months"}', '22023', 'the threshold of tier "qualifying_windw" of a tier_policy is not a number'),
	('{"Silver": 500, "Gold": {"at": 2000}}', '22023', 'the threshold of tier "Gold" of a tier_policy is not a number'),
	('{"Silver": 500, "valid": "1 year"}', '22023', 'a tier_policy with "valid" needs "levels"'),
	('{"Silver": 500, "grace": 30}', '22023', 'a tier_policy with "grace" needs "levels"'),
	('{"base": "Basic"}', '22023', 'a tier_policy with "base" needs "levels"'),
	-- levels
	('{"levels": null}', '22P02', '"levels" is missing in a tier_policy'),
	('{"levels": 5}', '22P02', '"levels" of a tier_policy is not an object such as {"Silver": 500, "Gold": 2000}, or an array'), ('{"levels": "Gold"}', '22P02', NULL),
	('{"levels": {}}', '22023', '"levels" of a tier_policy is empty'), ('{"levels": []}', '22023', '"levels" of a tier_policy is empty'),
	('{"levels": {"G": "5"}}', '22P02', '"levels.G" of a tier_policy is not a number'), ('{"levels": {"G": true}}', '22P02', '"levels.G" of a tier_policy is not a number'),
	('{"levels": {"G": 0}}', '22023', '"levels.G" of a tier_policy is 0, which isn''t more than 0'), ('{"G": -1.5}', '22023', '"levels.G" of a tier_policy is -1.5, which isn''t more than 0'),
	('{"G": 9223372036854775808}', '22003', NULL), ('{"G": 0.0000000000000000001}', '22003', NULL), ('{"G": 1e400}', '22003', NULL),
	('{"S": 5, "G": 5.0}', '22023', '"levels" of a tier_policy: tier "S" doesn''t need more than "G"'),
	('{"levels": {"": 5}}', '22023', '"levels" of a tier_policy has a tier without a name'), ('{"": 5}', '22023', '"levels" of a tier_policy has a tier without a name'),
	('{"levels": {"Member": 5}}', '22023', '"Member" of a tier_policy is a level and the base'), ('{"Member": 5}', '22023', '"Member" of a tier_policy is a level and the base'),
	('{"levels": ["Gold"]}', '22P02', '"levels[0]" of a tier_policy is not an object'), ('{"levels": [{"at": 5}]}', '22P02', '"levels[0].tier" is missing in a tier_policy'),
	('{"levels": [{"tier": 1, "at": 5}]}', '22P02', '"levels[0].tier" of a tier_policy is not a string'), ('{"levels": [{"tier": "", "at": 5}]}', '22023', '"levels" of a tier_policy has a tier without a name'),
	('{"levels": [{"tier": "G"}]}', '22023', '"levels[0]" of a tier_policy doesn''t say what reaching the tier needs'), ('{"levels": [{"tier": "G", "keep": 5}]}', '22023', '"levels[0]" of a tier_policy doesn''t say what reaching the tier needs'),
	('{"levels": [{"tier": "G", "at": 5, "any": {"value": 5}}]}', '22023', '"levels[0].at" and "levels[0].any" of a tier_policy contradict each other'), ('{"levels": [{"tier": "G", "all": {"value": 5}, "any": {"value": 5}}]}', '22023', NULL), ('{"levels": [{"tier": "G", "all": {"value": 5}, "at": 5}]}', '22023', NULL),
	('{"levels": [{"tier": "G", "at": "5"}]}', '22P02', '"levels[0].at" of a tier_policy is not a number'), ('{"levels": [{"tier": "G", "at": 0}]}', '22023', '"levels[0].at" of a tier_policy is 0, which isn''t more than 0'),
	('{"levels": [{"tier": "G", "at": 5, "from": 3}]}', '22P02', 'unknown key "from" in a tier_policy at "levels[0]"'),
	('{"levels": [{"tier": "S", "at": 5}, {"tier": "G", "at": 5}]}', '22023', '"levels" of a tier_policy: tier "G" doesn''t need more than "S"'), ('{"levels": [{"tier": "S", "at": 5}, {"tier": "X", "at": null}, {"tier": "G", "at": 4}]}', '22023', '"levels" of a tier_policy: tier "G" doesn''t need more than "S"'),
	('{"levels": [{"tier": "S", "at": 5}, {"tier": "S", "at": 6}]}', '22023', '"levels" of a tier_policy has the tier "S" twice'),
	('{"levels": [{"tier": "S", "any": {}}]}', '22023', '"levels[0].any" of a tier_policy is empty'), ('{"levels": [{"tier": "S", "all": 5}]}', '22P02', '"levels[0].all" of a tier_policy is not an object'),
	('{"levels": [{"tier": "S", "any": {"value": null}}]}', '22P02', '"levels[0].any.value" of a tier_policy is not a number'), ('{"levels": [{"tier": "S", "any": {"value": 0}}]}', '22023', '"levels[0].any.value" of a tier_policy is 0, which isn''t more than 0'),
	('{"levels": [{"tier": "S", "any": {"nights": 5}}]}', '22023', '"levels[0].any" of a tier_policy is on a metric that isn''t there: "nights"'),
	('{"levels": [{"tier": "S", "at": 5, "keep": "3"}]}', '22P02', '"levels[0].keep" of a tier_policy is not a number, or an object with any or all'), ('{"levels": [{"tier": "S", "at": 5, "keep": 0}]}', '22023', '"levels[0].keep" of a tier_policy is 0, which isn''t more than 0'),
	('{"levels": [{"tier": "S", "at": 5, "keep": {}}]}', '22023', '"levels[0].keep" of a tier_policy says nothing'), ('{"levels": [{"tier": "S", "at": 5, "keep": {"at": 3}}]}', '22P02', 'unknown key "at" in a tier_policy at "levels[0].keep"'), ('{"levels": [{"tier": "S", "at": 5, "keep": {"any": {"value": 3}, "all": {"value": 3}}}]}', '22023', '"levels[0].keep.any" and "levels[0].keep.all" of a tier_policy contradict each other'),
	('{"levels": [{"tier": "S", "at": 5, "keep": {"any": {"x": 3}}}]}', '22023', '"levels[0].keep.any" of a tier_policy is on a metric that isn''t there: "x"'),
	-- several metrics
	('{"metrics": {"a": {}, "b": {}}, "levels": {"G": 5}}', '22023', '"levels.G" of a tier_policy doesn''t say which metric it is of'), ('{"metrics": {"a": {}, "b": {}}, "levels": [{"tier": "G", "at": 5}]}', '22023', '"levels[0].at" of a tier_policy doesn''t say which metric it is of'),
	('{"metrics": {"a": {}, "b": {}}, "levels": [{"tier": "G", "any": {"a": 5}, "keep": 5}]}', '22023', '"levels[0].keep" of a tier_policy doesn''t say which metric it is of'),
	('{"metrics": {"a": {}, "b": {}}, "levels": [{"tier": "S", "any": {"a": 5}}, {"tier": "G", "all": {"a": 5}}]}', '22023', '"levels" of a tier_policy: tier "G" doesn''t need more than "S"'),
	('{"metrics": {}, "levels": {"G": 5}}', '22023', '"metrics" of a tier_policy is empty'), ('{"metrics": [], "levels": {"G": 5}}', '22P02', '"metrics" of a tier_policy is not an object'), ('{"metrics": {"a": "sum"}, "levels": {"G": 5}}', '22P02', '"metrics.a" of a tier_policy is not an object'),
	('{"metrics": {"": {}}, "levels": {"G": 5}}', '22023', '"metrics" of a tier_policy has one without a name'),
	('{"metrics": {"a": {"of": "max"}}, "levels": {"G": 5}}', '22023', '"metrics.a.of" of a tier_policy can''t be "max"'), ('{"metrics": {"a": {"values": "all"}}, "levels": {"G": 5}}', '22023', '"metrics.a.values" of a tier_policy can''t be "all"'),
	('{"metrics": {"a": {"of": "events", "values": "net"}}, "levels": {"G": 5}}', '22023', '"metrics.a.values" of a tier_policy is only for sums'), ('{"metrics": {"a": {"of": "days", "values": "positive"}}, "levels": {"G": 5}}', '22023', '"metrics.a.values" of a tier_policy is only for sums'),
	('{"metrics": {"a": {"kind": "x"}}, "levels": {"G": 5}}', '22P02', 'unknown key "kind" in a tier_policy at "metrics.a"'),
	('{"metrics": {"a": {"kinds": "x"}}, "levels": {"G": 5}}', '22P02', '"metrics.a.kinds" of a tier_policy is not an array'), ('{"metrics": {"a": {"kinds": []}}, "levels": {"G": 5}}', '22023', '"metrics.a.kinds" of a tier_policy is empty'), ('{"metrics": {"a": {"labels": []}}, "levels": {"G": 5}}', '22023', '"metrics.a.labels" of a tier_policy is empty'),
	('{"metrics": {"a": {"kinds": [1]}}, "levels": {"G": 5}}', '22P02', '"metrics.a.kinds" of a tier_policy is not a string'), ('{"metrics": {"a": {"kinds": ["x", null]}}, "levels": {"G": 5}}', '22P02', '"metrics.a.kinds" of a tier_policy is not a string'),
	('{"metrics": {"a": {"kinds": ["x", "y", "x"]}}, "levels": {"G": 5}}', '22023', '"metrics.a.kinds" of a tier_policy has "x" twice'), ('{"metrics": {"a": {"labels": ["x", "x"]}}, "levels": {"G": 5}}', '22023', '"metrics.a.labels" of a tier_policy has "x" twice'),
	('{"metrics": {"a": {"kinds": ["buy", "join"]}}, "levels": {"G": 5}}', '22023', '"metrics.a.kinds" of a tier_policy has "join", which is the join_kind'), ('{"metrics": {"a": {"kinds": ["tier_grant"]}}, "levels": {"G": 5}}', '22023', '"metrics.a.kinds" of a tier_policy has "tier_grant", which is the grant_kind'),
	('{"metrics": {"a": {"kinds": ["enrol"]}}, "levels": {"G": 5}, "join_kind": "enrol"}', '22023', '"metrics.a.kinds" of a tier_policy has "enrol", which is the join_kind'),
	('{"levels": {"G": 5}, "join_kind": "x", "grant_kind": "x"}', '22023', '"join_kind" and "grant_kind" of a tier_policy are the same'), ('{"levels": {"G": 5}, "grant_kind": "join"}', '22023', '"join_kind" and "grant_kind" of a tier_policy are the same'), ('{"levels": {"G": 5}, "join_kind": 5}', '22P02', '"join_kind" of a tier_policy is not a string'),
	-- base, zone, switches
	('{"levels": {"G": 5}, "base": 1}', '22P02', '"base" of a tier_policy is not a string'), ('{"levels": {"G": 5}, "base": ""}', '22023', '"base" of a tier_policy is empty'), ('{"levels": {"G": 5}, "base": "G"}', '22023', '"G" of a tier_policy is a level and the base'),
	('{"levels": {"G": 5}, "zone": "Mars/Base"}', '22023', 'unknown time zone "Mars/Base"'), ('{"levels": {"G": 5}, "zone": 1}', '22P02', '"zone" of a tier_policy is not a string'),
	('{"levels": {"G": 5}, "threshold": ">"}', '22023', '"threshold" of a tier_policy can''t be ">"'), ('{"levels": {"G": 5}, "upgrade": "later"}', '22023', '"upgrade" of a tier_policy can''t be "later"'), ('{"levels": {"G": 5}, "downgrade": true}', '22P02', '"downgrade" of a tier_policy is not a string'), ('{"levels": {"G": 5}, "downgrade": "soft"}', '22023', '"downgrade" of a tier_policy can''t be "soft"'),
	-- window
	('{"levels": {"G": 5}, "qualifying_window": 12}', '22P02', '"qualifying_window" of a tier_policy is not a string'), ('{"levels": {"G": 5}, "qualifying_window": "year"}', '22023', '"qualifying_window" of a tier_policy can''t be "year"'), ('{"levels": {"G": 5}, "qualifying_window": "calendar"}', '22023', '"qualifying_window" of a tier_policy can''t be "calendar"'),
	('{"levels": {"G": 5}, "qualifying_window": "calendar fortnight"}', '22023', NULL), ('{"levels": {"G": 5}, "qualifying_window": "0 days"}', '22023', '"qualifying_window" of a tier_policy is zero: "0 days"'), ('{"levels": {"G": 5}, "qualifying_window": "-1 day"}', '22023', '"qualifying_window" of a tier_policy is negative: "-1 day"'),
	('{"levels": {"G": 5}, "qualifying_window": "1 month -1 day"}', '22023', NULL), ('{"levels": {"G": 5}, "qualifying_window": "59 minutes"}', '22023', '"qualifying_window" of a tier_policy is less than an hour: "59 minutes"'),
	('{"levels": {"G": 5}, "qualifying_window": "calendar year@UTC"}', '22023', '"qualifying_window" of a tier_policy is in the zone UTC, the policy in the session''s'), ('{"levels": {"G": 5}, "qualifying_window": "calendar year@UTC", "zone": "Europe/Helsinki"}', '22023', '"qualifying_window" of a tier_policy is in the zone UTC, the policy in Europe/Helsinki'),
	('{"levels": {"G": 5}, "qualifying_window": "calendar {2024-01-01,2024-01-29}"}', '22023', 'a tier_policy with the qualifying_window "calendar {...}" needs "valid"'), ('{"levels": {"G": 5}, "qualifying_window": "since tier"}', '22023', 'a tier_policy with the qualifying_window "since tier" needs "valid"'),
	-- other kinds
	('{"levels": {"G": 5}, "other_kinds": "drop"}', '22023', '"other_kinds" of a tier_policy can''t be "drop"'), ('{"levels": {"G": 5}, "other_kinds": true}', '22P02', '"other_kinds" of a tier_policy is not a string'),
	('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "other_kinds": "ignore"}]}', '22023', NULL),
	-- what is added to the end of a period
	('{"levels": {"G": 5}, "qualifying_window": "calendar year", "valid": "period_end + "}', '22023', '"valid" of a tier_policy can''t be ""'), ('{"levels": {"G": 5}, "qualifying_window": "calendar year", "valid": "period_end + soon"}', '22023', '"valid" of a tier_policy can''t be "soon"'),
	('{"levels": {"G": 5}, "qualifying_window": "calendar year", "valid": "period_end + 30 minutes"}', '22023', '"valid" of a tier_policy is less than an hour: "30 minutes"'), ('{"levels": {"G": 5}, "qualifying_window": "calendar year", "valid": "period_end + -1 month"}', '22023', NULL),
	('{"levels": {"G": 5}, "qualifying_window": "calendar year", "valid": "forever + 1 month"}', '22023', '"valid" of a tier_policy can''t be "forever + 1 month"'), ('{"levels": {"G": 5}, "valid": "next_period_end + 3 months"}', '22023', '"valid" "next_period_end + 3 months" of a tier_policy can''t be with "qualifying_window" "1 year"'),
	-- validity and grace
	('{"levels": {"G": 5}, "valid": 12}', '22P02', '"valid" of a tier_policy is not a string'), ('{"levels": {"G": 5}, "valid": "always"}', '22023', '"valid" of a tier_policy can''t be "always"'), ('{"levels": {"G": 5}, "valid": "0"}', '22023', '"valid" of a tier_policy is zero: "0"'), ('{"levels": {"G": 5}, "valid": "1 second"}', '22023', '"valid" of a tier_policy is less than an hour: "1 second"'),
	('{"levels": {"G": 5}, "grace": 12}', '22P02', '"grace" of a tier_policy is not an interval such as "12 months"'), ('{"levels": {"G": 5}, "grace": "0 days"}', '22023', '"grace" of a tier_policy is zero: "0 days"'), ('{"levels": {"G": 5}, "grace": "-1 day"}', '22023', '"grace" of a tier_policy is negative: "-1 day"'), ('{"levels": {"G": 5}, "grace": "1 min"}', '22023', '"grace" of a tier_policy is less than an hour: "00:01:00"'),
	-- what contradicts itself
	('{"levels": {"G": 5}, "upgrade": "period_end"}', '22023', '"upgrade" "period_end" of a tier_policy can''t be with "qualifying_window" "1 year"'), ('{"levels": {"G": 5}, "upgrade": "period_end", "qualifying_window": "lifetime"}', '22023', '"upgrade" "period_end" of a tier_policy can''t be with "qualifying_window" "lifetime"'),
	('{"levels": {"G": 5}, "upgrade": "period_end", "qualifying_window": "since tier", "valid": "1 year"}', '22023', '"upgrade" "period_end" of a tier_policy can''t be with "qualifying_window" "since tier"'),
	('{"levels": {"G": 5}, "valid": "period_end"}', '22023', '"valid" "period_end" of a tier_policy can''t be with "qualifying_window" "1 year"'), ('{"levels": {"G": 5}, "valid": "next_period_end", "qualifying_window": "lifetime"}', '22023', '"valid" "next_period_end" of a tier_policy can''t be with "qualifying_window" "lifetime"'),
	('{"levels": {"G": 5}, "valid": "while_qualified", "qualifying_window": "since tier"}', '22023', '"valid" "while_qualified" of a tier_policy can''t be with "qualifying_window" "since tier"'),
	('{"levels": {"G": 5}, "valid": "while_qualified", "qualifying_window": "calendar year", "upgrade": "period_end"}', '22023', '"valid" "while_qualified" of a tier_policy can''t be with "upgrade" "period_end"'),
	('{"levels": {"G": 5}, "valid": "while_qualified", "downgrade": "one_level"}', '22023', '"valid" "while_qualified" of a tier_policy can''t be with "downgrade" "one_level"'),
	-- versions
	('{"levels": {"G": 5}, "versions": {}}', '22P02', '"versions" of a tier_policy is not an array'), ('{"levels": {"G": 5}, "versions": [1]}', '22P02', '"versions[0]" of a tier_policy is not an object'), ('{"levels": {"G": 5}, "versions": [{"grace": "1 day"}]}', '22P02', '"versions[0].from" is missing in a tier_policy'),
	('{"levels": {"G": 5}, "versions": [{"from": "1.1.2024", "grace": "1 day"}]}', '22P02', '"versions[0].from" of a tier_policy is not a date, YYYY-MM-DD'), ('{"levels": {"G": 5}, "versions": [{"from": "infinity", "grace": "1 day"}]}', '22008', NULL),
	('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01"}]}', '22023', '"versions[0]" of a tier_policy changes nothing'), ('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "grace": null}]}', '22023', '"versions[0].grace" of a tier_policy is null'), ('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "note": 1, "grace": "1 day"}]}', '22P02', 'unknown key "note" in a tier_policy at "versions[0]"'),
	('{"levels": {"G": 5}, "versions": [{"from": "2024-01-02", "grace": "1 day"}, {"from": "2024-01-02", "grace": "2 days"}]}', '22023', '"versions[1].from" of a tier_policy is 2024-01-02, which isn''t after 2024-01-02'),
	('{"levels": {"S": 1, "G": 5}, "versions": [{"from": "2024-01-01", "levels": {"G": 6}}]}', '22023', '"versions[0].levels" of a tier_policy doesn''t have the tiers of the policy'), ('{"levels": {"S": 1, "G": 5}, "versions": [{"from": "2024-01-01", "levels": {"G": 6, "X": 1}}]}', '22023', '"versions[0].levels" of a tier_policy doesn''t have the tiers of the policy'), ('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "levels": {"Member": 6}}]}', '22023', '"versions[0].levels" of a tier_policy doesn''t have the tiers of the policy'),
	('{"levels": {"S": 1, "G": 5}, "versions": [{"from": "2024-01-01", "levels": [{"tier": "G", "at": 1}, {"tier": "S", "at": 5}]}]}', '22023', '"versions[0].levels" of a tier_policy doesn''t have the tiers of the policy'),
	('{"levels": {"S": 1, "G": 5}, "versions": [{"from": "2024-01-01", "levels": {"G": 1, "S": 5}}]}', '22023', '"versions[0].levels" of a tier_policy: tier "G" doesn''t need more than "S"'),
	('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "levels": {"G": 0}}]}', '22023', '"versions[0].levels.G" of a tier_policy is 0, which isn''t more than 0'), ('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "levels": [{"tier": "G"}]}]}', '22023', '"versions[0].levels[0]" of a tier_policy doesn''t say what reaching the tier needs'),
	('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "valid": "period_end"}]}', '22023', '"versions[0].valid" "period_end" of a tier_policy can''t be with "qualifying_window" "1 year"'),
	('{"levels": {"G": 5}, "downgrade": "one_level", "versions": [{"from": "2024-01-01", "valid": "while_qualified"}]}', '22023', '"versions[0].valid" "while_qualified" of a tier_policy can''t be with "downgrade" "one_level"'),
	('{"levels": {"G": 5}, "valid": "while_qualified", "grace": "1 day", "downgrade": "one_level", "versions": [{"from": "2024-01-01", "grace": "none"}]}', '22023', '"versions[0].valid" "while_qualified" of a tier_policy can''t be with "downgrade" "one_level"');
INSERT INTO fault SELECT format('{"levels": {"G": 5}, "versions": [{"from": "2024-01-01", "grace": "1 day", %s: %s}]}', to_json(k), v), '22023', format('"versions[0].%s" of a tier_policy can''t change from a day on', k)
FROM (VALUES ('zone', '"UTC"'), ('base', '"B"'), ('metrics', '{"a": {}}'), ('qualifying_window', '"1 year"'), ('upgrade', '"at_once"'), ('join_kind', '"j"'), ('grant_kind', '"g"'), ('versions', '[]'), ('zone', 'null')) f (k, v);
SELECT throws_ok(format('SELECT %L::tier_policy', written), state::char(5), message, 'refused: ' || left(written, 110)) FROM fault;

-- jsonb says the same, where it can hold the fault at all
CREATE FUNCTION fault_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT is_empty($$SELECT written, fault_of(format('SELECT %L::jsonb::tier_policy', written)) FROM fault WHERE message NOT LIKE '%stands twice%'
	AND fault_of(format('SELECT %L::jsonb::tier_policy', written)) <> state || ' ' || message$$, 'the cast from jsonb refuses the same');

CREATE FUNCTION hint_of(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
	detail text;
BEGIN
	EXECUTE command;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws('; ', nullif(detail, ''), nullif(hint, ''));
END $$;
SELECT is(hint_of($$SELECT '{"levels": {"G": 1}, "x": 1}'::tier_policy$$), 'Allowed: levels, base, metrics, qualifying_window, threshold, upgrade, valid, downgrade, grace, join_kind, grant_kind, other_kinds, zone, versions.', 'keys are listed');
SELECT is(hint_of($$SELECT '{"metrics": {"a": {}, "b": {}}, "levels": [{"tier": "G", "any": {"c": 5}}]}'::tier_policy$$), 'Known metrics: "a", "b". "metrics" says what they are.', 'metrics are listed');
SELECT is(hint_of($$SELECT '{"metrics": {"a": {"qualifying_window": "often"}}, "levels": {"G": 1}}'::tier_policy$$), 'Write an interval such as "12 months", "calendar year" (or another calendar_period), "membership year" or "lifetime".', 'the windows that a metric can have');
SELECT is(hint_of($$SELECT '{"metrics": {"a": {"rollover": true}}, "levels": {"G": 1}}'::tier_policy$$), 'What rolls over goes from one calendar period into the next: give the policy or the metric a "qualifying_window" such as "calendar year".', '... and where something can roll over');
SELECT is(hint_of($$SELECT '{"levels": {"S": 1, "G": 5}, "versions": [{"from": "2024-01-01", "levels": {"G": 6}}]}'::tier_policy$$), 'Those are, in this order: "S", "G".; Tiers and their order are the same in all versions. A tier that nobody reaches then has null.', 'tiers are listed');

-- large and deep
SELECT throws_ok($$SELECT repeat('{"levels":[', 100000)::tier_policy$$, NULL, NULL, 'deep nesting is refused');
SELECT throws_ok(format('SELECT %L::tier_policy', '{' || string_agg(format('"t%s": %s', n, n), ', ') || '}'), '54000', 'a tier_policy can''t have more than 100 levels', '101 levels') FROM generate_series(1, 101) n;
SELECT is(md5(('{' || string_agg(format('"t%s": %s', n, n), ', ' ORDER BY md5(n::text)) || '}')::tier_policy::text), md5('{"levels": {' || string_agg(format('"t%s": %s', n, n), ', ' ORDER BY n) || '}}'), '100 levels') FROM generate_series(1, 100) n;
SELECT throws_ok(format('SELECT %L::tier_policy', '{"metrics": {' || string_agg(format('"m%s": {}', n), ', ') || '}, "levels": [{"tier": "G", "any": {"m1": 1}}]}'), '54000', 'a tier_policy can''t have more than 32 metrics', '33 metrics') FROM generate_series(1, 33) n;
SELECT lives_ok(format('SELECT %L::tier_policy', '{"metrics": {' || string_agg(format('"m%s": {}', n), ', ') || '}, "levels": [{"tier": "G", "any": {"m32": 1}}]}'), '32 metrics') FROM generate_series(1, 32) n;
SELECT cmp_ok(length(fault_of(format('SELECT %L::tier_policy', f))), '<', 400, 'a long text is shown in part')
FROM unnest(ARRAY['{"levels": {"G": 1}, "' || repeat('x', 100000) || '": 1}', '{"' || repeat('x', 100000) || '": "y"}', '{"' || repeat('x', 100000) || '": 0}', '{"levels": {"G": 1}, "valid": "' || repeat('x', 100000) || '"}', '{"levels": {"G": 1}, "qualifying_window": "' || repeat('x', 100000) || '"}', '{"levels": [{"tier": "G", "any": {"' || repeat('ä', 100000) || '": 1}}]}',
	'{"levels": {"G": 1}, "metrics": {"a": {"kinds": ["' || repeat('ä', 100000) || '", "' || repeat('ä', 100000) || '"]}}}', '{"levels": {"' || repeat('x', 100000) || '": 1, "b": 1}}', '{"levels": {"' || repeat('x', 100000) || '": 1}, "base": "' || repeat('x', 100000) || '"}']) f;
SELECT is(length(('{"levels": {"G": 1}, "versions": [' || string_agg(format('{"from": "%s", "grace": "%s days"}', date '1900-01-01' + n, n), ', ' ORDER BY n) || ']}')::tier_policy::text) > 500000, true, '20,000 versions') FROM generate_series(1, 20000) n;

-- ---- make_tier_policy() ----

SELECT is(make_tier_policy('{"Gold": 2000, "Silver": 500}')::text, '{"levels": {"Silver": 500, "Gold": 2000}}', 'just levels');
SELECT is(make_tier_policy('{"G": 1}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::text, '{"levels": {"G": 1}}', 'NULL is the default of each');
SELECT is(make_tier_policy(levels => '[{"tier": "G", "any": {"nights": 25, "points": 15000}}]', base => 'Basic', metrics => '{"nights": {"labels": ["night"]}, "points": {"kinds": ["earn"]}}', qualifying_window => 'calendar year:04-01', threshold => 'exceeded',
	upgrade => 'period_end', valid => 'next_period_end', downgrade => 'one_level', grace => '3 months', join_kind => 'enrol', grant_kind => 'gift', other_kinds => 'ignore', zone => 'europe/helsinki', versions => '[{"from": "2024-07-01", "valid": "18 months"}]')::text,
	'{"levels": [{"tier": "G", "any": {"nights": 25, "points": 15000}}], "base": "Basic", "metrics": {"nights": {"of": "sum", "labels": ["night"]}, "points": {"of": "sum", "kinds": ["earn"]}}, "qualifying_window": "calendar year:04-01", "threshold": "exceeded", "upgrade": "period_end", "valid": "next_period_end", "downgrade": "one_level", "grace": "3 months", "join_kind": "enrol", "grant_kind": "gift", "other_kinds": "ignore", "zone": "Europe/Helsinki", "versions": [{"from": "2024-07-01", "valid": "1 year 6 months"}]}', 'every argument');
SELECT throws_ok('SELECT make_tier_policy(' || call || ')', state::char(5), message, call) FROM (VALUES
	($$NULL$$, '22004', 'levels must not be null'), ($$'null'$$, '22P02', '"levels" is missing in a tier_policy'), ($$'5'$$, '22P02', NULL), ($$'"Gold"'$$, '22P02', NULL), ($$'{}'$$, '22023', '"levels" of a tier_policy is empty'), ($$'[]'$$, '22023', '"levels" of a tier_policy is empty'),
	($$'{"G": 1}', grace => '0'$$, '22023', '"grace" of a tier_policy is zero: "00:00:00"'), ($$'{"G": 1}', grace => '-1 day'$$, '22023', '"grace" of a tier_policy is negative: "-1 days"'), ($$'{"G": 1}', metrics => '1'$$, '22P02', '"metrics" of a tier_policy is not an object'), ($$'{"G": 1}', versions => '{}'$$, '22P02', '"versions" of a tier_policy is not an array'),
	($$'{"G": 1}', base => ''$$, '22023', '"base" of a tier_policy is empty'), ($$'{"G": 1}', valid => 'period_end'$$, '22023', '"valid" "period_end" of a tier_policy can''t be with "qualifying_window" "1 year"')) f (call, state, message);

-- ---- round trips ----

CREATE TABLE stored (id serial, policy tier_policy);
INSERT INTO stored (policy) SELECT written::tier_policy FROM form;
INSERT INTO stored (policy) VALUES (NULL);
SELECT is_empty('SELECT id FROM stored WHERE policy::text::tier_policy IS DISTINCT FROM policy OR policy::text::tier_policy::text IS DISTINCT FROM policy::text', 'text');
SELECT is_empty('SELECT id FROM stored WHERE policy::jsonb::tier_policy IS DISTINCT FROM policy', 'jsonb');
SELECT is_empty($$SELECT id FROM stored WHERE convert_from(tier_policy_send(policy), 'UTF8') <> policy::text$$, 'the binary form is the text');
COPY stored TO PROGRAM 'cat > tier_policy.bin' (FORMAT binary);
CREATE TABLE again (LIKE stored);
COPY again FROM PROGRAM 'cat tier_policy.bin && rm tier_policy.bin' (FORMAT binary);
SELECT results_eq('SELECT id, policy FROM again ORDER BY id', 'SELECT id, policy FROM stored ORDER BY id', 'binary');
SELECT is((SELECT count(DISTINCT policy) FROM stored), (SELECT count(DISTINCT policy::text) FROM stored), 'DISTINCT');
SELECT is((SELECT count(*) FROM (SELECT policy FROM stored UNION SELECT policy FROM again) u), (SELECT count(*) FROM (SELECT DISTINCT policy::text FROM stored) u), 'UNION');
SELECT is_empty('SELECT 1 FROM stored a, stored b WHERE (a.policy < b.policy)::int + (a.policy = b.policy)::int + (a.policy > b.policy)::int <> 1 OR (a.policy = b.policy AND tier_policy_hash(a.policy) <> tier_policy_hash(b.policy))', 'exactly one of <, =, >, and equal hashes where equal');

-- ---- casts ----

CREATE TABLE rule (name text, j jsonb, p tier_policy);
INSERT INTO rule VALUES ('a', '{"G": 5, "S": 1}', '{"levels": {"S": 1, "G": 5}}'), ('b', '{"levels": {"G": 5}, "grace": "2 weeks"}', '{"levels": {"G": 5}, "grace": "14 days"}'), ('c', NULL, NULL);
CREATE FUNCTION takes_policy(policy tier_policy, n int DEFAULT 0) RETURNS text LANGUAGE sql AS 'SELECT policy::text';
SELECT results_eq('SELECT takes_policy(j) FROM rule ORDER BY name', 'SELECT p::text FROM rule ORDER BY name', 'a jsonb column is taken as an argument');
SELECT is(takes_policy('{"G": 5}'), '{"levels": {"G": 5}}', 'so is a literal');
SELECT is(takes_policy(make_tier_policy('{"G": 5}')), '{"levels": {"G": 5}}', '... and what make_tier_policy() gives');
SELECT is(takes_policy(NULL), NULL, '... and a bare NULL');
SELECT results_eq('SELECT name FROM rule WHERE p = j ORDER BY name', $$VALUES ('a'), ('b')$$, 'rules compare with a jsonb as rules');
UPDATE rule SET j = p;
SELECT is((SELECT j FROM rule WHERE name = 'b'), '{"levels": {"G": 5}, "grace": "14 days"}'::jsonb, 'assignment to a jsonb column');
SELECT results_eq('SELECT takes_policy(x.j) FROM rule x, generate_series(1, 3) WHERE name < ''c'' ORDER BY name', 'SELECT x.p::text FROM rule x, generate_series(1, 3) WHERE name < ''c'' ORDER BY name', 'rules that change from row to row');

-- ---- tier_for() ----

SELECT is(tier_for(value, '{"Silver": 500, "Gold": 2000}'), tier, 'the tier of ' || value) FROM (VALUES (-5, 'Member'), (0, 'Member'), (499.99, 'Member'), (500, 'Silver'), (500.01, 'Silver'), (1999.999999999999999999, 'Silver'), (2000.0, 'Gold'), (1e30, 'Gold')) v (value, tier);
SELECT is(tier_for(value, '{"levels": {"Silver": 500, "Gold": 2000}, "threshold": "exceeded", "base": "Basic"}'), tier, 'the tier of more than ' || value) FROM (VALUES (500, 'Basic'), (500.000000000000000000001, 'Silver'), (2000, 'Silver'), (2000.01, 'Gold')) v (value, tier);
SELECT is(tier_for(numeric 'Infinity', '{"G": 1}'), 'G', 'infinity');
SELECT is(tier_for(NULL, '{"G": 1}'), NULL, 'NULL');
SELECT is(tier_for(5::smallint, '{"G": 1}'), 'G', 'any integer');
SELECT throws_ok($$SELECT tier_for('NaN', '{"G": 1}')$$, '22003', 'value must be a number, not NaN', 'NaN');
SELECT throws_ok($$SELECT tier_for(5, NULL)$$, '22004', 'policy must not be null', 'a NULL policy');
SELECT throws_ok($$SELECT tier_for(NULL, NULL)$$, '22004', 'policy must not be null', '... even of nothing');
SELECT throws_ok($$SELECT tier_for(5, '{"metrics": {"a": {}, "b": {}}, "levels": [{"tier": "G", "any": {"a": 5}}]}')$$, '22023', 'a number has no tier where the policy has 2 metrics', 'several metrics');
SELECT is(tier_for(5, '{"metrics": {"n": {"of": "events"}}, "levels": {"G": 5}}'), 'G', 'one metric of any sort');
SELECT is(tier_for(5, format('{"levels": {"S": 1, "G": 5, "X": null}, "versions": [{"from": "%s", "levels": {"S": 1, "G": 6, "X": null}}, {"from": "%s", "levels": {"S": 6, "G": 7, "X": 8}}]}', current_date - 1, current_date + 2)::jsonb), 'S', 'by the version of today');

SELECT * FROM finish();
ROLLBACK;
