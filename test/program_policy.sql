--
-- program_policy: canonical text, versions hoisted and merged, every error, round trips, casts,
-- make_program_policy().
--
\ir reference/setup.sql
BEGIN;
SELECT plan(122);

-- ---- canonical text ----

CREATE TABLE form (written text, shown text);
INSERT INTO form VALUES
	('{}', '{}'),
	-- defaults are left out
	('{"earn": {}, "points": {}, "versions": []}', '{}'), ('{"earn": null, "points": null, "tiers": null, "tier_metric": null, "pending_counts": null, "no_expiry_tiers": null, "zone": null, "versions": null}', '{}'),
	('{"earn": {"rate": 1, "versions": []}, "points": {"expires": "never"}, "pending_counts": true}', '{}'),
	('{"tiers": {"Silver": 5}, "tier_metric": "spend", "pending_counts": true, "no_expiry_tiers": []}', '{"tiers": {"levels": {"Silver": 5}}}'),
	-- what isn't; the parts as they write themselves
	('{"zone": "europe/HELSINKI", "no_expiry_tiers": ["Gold", "Member"], "pending_counts": false, "tier_metric": "points", "tiers": {"Gold": 500.0, "Silver": 100}, "points": {"expires_after": "12 months"}, "earn": {"per": 2.0}}',
	 '{"earn": {"per": 2}, "points": {"expires_after": "1 year"}, "tiers": {"levels": {"Silver": 100, "Gold": 500}}, "tier_metric": "points", "pending_counts": false, "no_expiry_tiers": ["Member", "Gold"], "zone": "Europe/Helsinki"}'),
	('{"tiers": {"levels": {"Silver": 5}, "grant_kind": "match", "join_kind": "enrol"}, "tier_metric": "orders"}', '{"tiers": {"levels": {"Silver": 5}, "join_kind": "enrol", "grant_kind": "match"}, "tier_metric": "orders"}'),
	-- one zone for all
	('{"earn": {"zone": "UTC"}}', '{"zone": "UTC"}'), ('{"points": {"zone": "utc"}, "earn": {"zone": "UTC"}, "zone": "Utc"}', '{"zone": "UTC"}'), ('{"tiers": {"levels": {"A": 5}, "zone": "Asia/Tokyo"}}', '{"tiers": {"levels": {"A": 5}}, "zone": "Asia/Tokyo"}'),
	-- versions of parts are those of the programme
	('{"earn": {"versions": [{"from": "2024-07-01", "rate": 2}]}}', '{"versions": [{"from": "2024-07-01", "earn": {"rate": 2}}]}'),
	('{"versions": [{"from": "2024-07-01", "earn": {"rate": 2}}]}', '{"versions": [{"from": "2024-07-01", "earn": {"rate": 2}}]}'),
	('{"earn": {"rate": 3, "versions": [{"from": "2024-07-01", "rate": 2}, {"from": "2025-01-01", "per": 2}]}, "points": {"versions": [{"from": "2024-07-01", "pending": "14 days"}, {"from": "2024-10-01", "expires_after": "6 months"}]}, "tiers": {"levels": {"A": 5}, "versions": [{"from": "2023-01-01", "levels": {"A": 6}}]}}',
	 '{"earn": {"rate": 3}, "tiers": {"levels": {"A": 5}}, "versions": [{"from": "2023-01-01", "tiers": {"levels": {"A": 6}}}, {"from": "2024-07-01", "earn": {"rate": 2}, "points": {"pending": "14 days"}}, {"from": "2024-10-01", "points": {"expires_after": "6 months"}}, {"from": "2025-01-01", "earn": {"per": 2}}]}'),
	-- of the programme for one part, of another part in it
	('{"points": {"versions": [{"from": "2024-06-01", "pending": "1 day"}]}, "tiers": {"A": 5}, "versions": [{"from": "2024-07-01", "earn": {"rate": 2}, "no_expiry_tiers": ["A"]}]}',
	 '{"tiers": {"levels": {"A": 5}}, "versions": [{"from": "2024-06-01", "points": {"pending": "1 day"}}, {"from": "2024-07-01", "earn": {"rate": 2}, "no_expiry_tiers": ["A"]}]}'),
	-- what they leave out stays as it was; those that change nothing go
	('{"earn": {"rate": 2}, "versions": [{"from": "2024-07-01", "earn": {"per": 5}}, {"from": "2024-08-01", "earn": {"rate": 2.0, "per": 5}}, {"from": "2024-09-01", "earn": {"rate": 1, "per": 1}}]}',
	 '{"earn": {"rate": 2}, "versions": [{"from": "2024-07-01", "earn": {"per": 5}}, {"from": "2024-09-01", "earn": {"rate": 1, "per": 1}}]}'),
	('{"tiers": {"A": 5, "B": 6}, "no_expiry_tiers": ["A"], "versions": [{"from": "2024-07-01", "no_expiry_tiers": ["A"]}, {"from": "2024-08-01", "no_expiry_tiers": ["B", "A"]}, {"from": "2024-09-01", "no_expiry_tiers": []}]}',
	 '{"tiers": {"levels": {"A": 5, "B": 6}}, "no_expiry_tiers": ["A"], "versions": [{"from": "2024-08-01", "no_expiry_tiers": ["A", "B"]}, {"from": "2024-09-01", "no_expiry_tiers": []}]}'),
	('{"earn": {"full_steps": true}, "points": {"pending": "1 day"}, "tiers": {"A": 5}, "versions": [{"from": "2024-07-01", "earn": {"full_steps": false}, "points": {"pending": "0 days"}, "tiers": {"grace": "3 days"}}]}',
	 '{"earn": {"full_steps": true}, "points": {"pending": "1 day"}, "tiers": {"levels": {"A": 5}}, "versions": [{"from": "2024-07-01", "earn": {"full_steps": false}, "points": {"pending": "0 days"}, "tiers": {"grace": "3 days"}}]}'),
	('{"versions": [{"from": "0044-03-15 BC", "earn": {"rate": 5}}]}', '{"versions": [{"from": "0044-03-15 BC", "earn": {"rate": 5}}]}'),
	-- texts of all sorts go through the parts unharmed
	('{"earn": {"excluded_labels": ["a\"b", "ä\\\n"]}, "tiers": {"G\"old ü": 5}, "no_expiry_tiers": ["G\"old ü"], "versions": [{"from": "2024-07-01", "earn": {"excluded_labels": ["}]", "\u00e4"]}, "points": {"by_label": {"x\"": {"expires": "never"}}}}]}',
	 '{"earn": {"excluded_labels": ["a\"b", "ä\\\n"]}, "tiers": {"levels": {"G\"old ü": 5}}, "no_expiry_tiers": ["G\"old ü"], "versions": [{"from": "2024-07-01", "earn": {"excluded_labels": ["}]", "ä"]}, "points": {"by_label": {"x\"": {"expires": "never"}}}}]}'),
	('{"earn": {"multipliers": [{"times": 2, "tiers": ["A", "Member"]}], "kinds": {"stay": "purchase", "partner": "earn"}, "excluded_kinds": ["fee"]}, "tiers": {"levels": {"A": 5}, "metrics": {"n": {"kinds": ["stay", "return", "purchase", "partner", "fee"]}}}}',
	 '{"earn": {"multipliers": [{"times": 2, "tiers": ["A", "Member"]}], "excluded_kinds": ["fee"], "kinds": {"partner": "earn", "stay": "purchase"}}, "tiers": {"levels": {"A": 5}, "metrics": {"n": {"of": "sum", "kinds": ["fee", "partner", "purchase", "return", "stay"]}}}}'),
	('{"earn": {"crossing_order": "after"}, "tiers": {"A": 5}, "tier_metric": "orders"}', '{"earn": {"crossing_order": "after"}, "tiers": {"levels": {"A": 5}}, "tier_metric": "orders"}'),
	('{"earn": {"minimum": 0.000000000000000001, "decimals": 6}}', '{"earn": {"minimum": 0.000000000000000001, "decimals": 6}}');
SELECT is(written::program_policy::text, shown, left(written, 120)) FROM form;
SELECT is_empty('SELECT shown FROM form WHERE shown::program_policy::text <> shown', 'canonical text reads back as itself');
SELECT is_empty('SELECT written FROM form WHERE written::program_policy <> shown::program_policy', 'equal rules are equal');

-- ---- errors ----

CREATE TABLE fault (written text, state text, message text);
INSERT INTO fault VALUES
	('', '22P02', NULL), ('{', '22P02', NULL), ('[]', '22P02', 'a program_policy is written as a JSON object'), ('5', '22P02', NULL),
	('{"Earn": {}}', '22P02', 'unknown key "Earn" in a program_policy'), ('{"earn": {}, "earn": {}}', '22P02', 'key "earn" stands twice in a program_policy'), ('{"earn": {"rate": 1, "rate": 2}}', '22P02', 'key "rate" stands twice in a program_policy'),
	-- parts; their errors are their own
	('{"earn": []}', '22P02', '"earn" of a program_policy is not an object'), ('{"points": "x"}', '22P02', '"points" of a program_policy is not an object'), ('{"tiers": 5}', '22P02', '"tiers" of a program_policy is not an object'),
	('{"earn": {"rat": 1}}', '22P02', NULL), ('{"earn": {"rate": -1}}', '22023', NULL), ('{"points": {"expires_after": "x"}}', '22023', NULL), ('{"tiers": {}}', '22P02', NULL), ('{"tiers": {"A": "5"}}', '22023', NULL),
	('{"points": {"kinds": {"earn": "earn"}}}', '22023', '"points.kinds" can''t be in a program_policy'),
	('{"earn": {"zone": "Nowhere"}}', '22023', 'unknown time zone "Nowhere"'),
	-- what goes together
	('{"tier_metric": "spend"}', '22023', '"tier_metric" of a program_policy needs "tiers"'), ('{"tiers": {"A": 5}, "tier_metric": "visits"}', '22023', '"tier_metric" of a program_policy can''t be "visits"'), ('{"tiers": {"A": 5}, "tier_metric": 5}', '22P02', '"tier_metric" of a program_policy is not a string'),
	('{"pending_counts": false}', '22023', '"pending_counts" false of a program_policy needs "tier_metric" "points"'), ('{"tiers": {"A": 5}, "tier_metric": "orders", "pending_counts": false}', '22023', '"pending_counts" false of a program_policy needs "tier_metric" "points"'), ('{"pending_counts": 1}', '22P02', '"pending_counts" of a program_policy is not true or false'),
	('{"no_expiry_tiers": ["A"]}', '22023', '"no_expiry_tiers" of a program_policy needs "tiers"'), ('{"tiers": {"A": 5}, "no_expiry_tiers": ["a"]}', '22023', '"no_expiry_tiers" of a program_policy has "a", which is not a tier'), ('{"tiers": {"A": 5}, "no_expiry_tiers": ["A", "A"]}', '22023', '"no_expiry_tiers" of a program_policy has "A" twice'),
	('{"tiers": {"A": 5}, "no_expiry_tiers": "A"}', '22P02', '"no_expiry_tiers" of a program_policy is not an array'), ('{"tiers": {"A": 5}, "no_expiry_tiers": [5]}', '22P02', '"no_expiry_tiers" of a program_policy is not a string'),
	-- a multiplier that never holds, a metric that counts nothing, a grant that is something else
	('{"earn": {"kinds": {"gift": "purchase"}}, "tiers": {"levels": {"A": 5}, "grant_kind": "gift"}}', '22023', '"tiers.grant_kind" of a program_policy, "gift", has another role in "earn"'),
	('{"earn": {"multipliers": [{"times": 2}, {"times": 3, "tiers": ["A", "a"]}]}, "tiers": {"A": 5}}', '22023', '"earn.multipliers[1].tiers" of a program_policy has "a", which is not a tier'), ('{"earn": {"multipliers": [{"times": 3, "tiers": ["A"]}]}}', '22023', '"earn.multipliers[0].tiers" of a program_policy has "A", which is not a tier'),
	('{"tiers": {"A": 5}, "versions": [{"from": "2024-07-01", "earn": {"multipliers": [{"times": 3, "tiers": ["B"]}]}}]}', '22023', '"earn.multipliers[0].tiers" of a program_policy has "B", which is not a tier'),
	('{"tiers": {"levels": {"A": 5}, "metrics": {"n": {"kinds": ["stay"]}}}}', '22023', '"tiers.metrics.n.kinds" of a program_policy has "stay", which is neither bought nor returned nor earned'), ('{"tiers": {"levels": {"A": 5}, "metrics": {"n": {"kinds": ["redeem"]}}}}', '22023', '"tiers.metrics.n.kinds" of a program_policy has "redeem", which is neither bought nor returned nor earned'),
	('{"earn": {"crossing_order": "after"}, "tiers": {"A": 5}, "tier_metric": "points"}', '22023', '"earn.crossing_order" "after" of a program_policy can''t be with "tier_metric" "points"'),
	('{"earn": {"versions": [{"from": "2024-07-01", "crossing_order": "after"}]}, "tiers": {"A": 5}, "tier_metric": "points"}', '22023', '"earn.crossing_order" "after" of a program_policy can''t be with "tier_metric" "points"'),
	('{"tiers": {"A": 5}, "tier_metric": "points", "versions": [{"from": "2024-07-01", "earn": {"crossing_order": "after"}}, {"from": "2024-08-01", "earn": {"crossing_order": "before"}}]}', '22023', NULL),
	('{"zone": "UTC", "points": {"zone": "Asia/Tokyo"}}', '22023', '"points.zone" of a program_policy is "Asia/Tokyo", where another zone is "UTC"'), ('{"earn": {"zone": "UTC"}, "tiers": {"levels": {"A": 5}, "zone": "Asia/Tokyo"}}', '22023', '"tiers.zone" of a program_policy is "Asia/Tokyo", where another zone is "UTC"'), ('{"zone": 5}', '22P02', '"zone" of a program_policy is not a string'),
	-- versions
	('{"versions": {}}', '22P02', '"versions" of a program_policy is not an array'), ('{"versions": [5]}', '22P02', '"versions[0]" of a program_policy is not an object'), ('{"versions": [{"earn": {"rate": 2}}]}', '22P02', '"versions[0].from" is missing in a program_policy'), ('{"versions": [{"from": "2024-07-01"}]}', '22023', '"versions[0]" of a program_policy changes nothing'),
	('{"versions": [{"from": "2024-07-01", "rate": 2}]}', '22P02', 'unknown key "rate" in a program_policy at "versions[0]"'), ('{"versions": [{"from": "2024-07-01", "zone": "UTC"}]}', '22023', '"versions[0].zone" of a program_policy can''t change from a day on'), ('{"tiers": {"A": 5}, "versions": [{"from": "2024-07-01", "tier_metric": "orders"}]}', '22023', '"versions[0].tier_metric" of a program_policy can''t change from a day on'), ('{"versions": [{"from": "2024-07-01", "versions": []}]}', '22023', NULL), ('{"versions": [{"from": "2024-07-01", "pending_counts": true}]}', '22023', NULL),
	('{"versions": [{"from": "2024-07-01", "earn": null}]}', '22023', '"versions[0].earn" of a program_policy is null'), ('{"versions": [{"from": "2024-07-01", "no_expiry_tiers": null}]}', '22023', '"versions[0].no_expiry_tiers" of a program_policy is null'), ('{"versions": [{"from": "2024-07-01", "earn": 5}]}', '22P02', '"versions[0].earn" of a program_policy is not an object'),
	('{"versions": [{"from": "2024-07-01", "earn": {}}]}', '22023', NULL), ('{"versions": [{"from": "2024-07-01", "earn": {"zone": "UTC"}}]}', '22023', NULL), ('{"versions": [{"from": "2024-07-01", "earn": {"kinds": {}}}]}', '22023', NULL), ('{"versions": [{"from": "2024-07-01", "points": {"redeem_order": "oldest"}}]}', '22023', NULL), ('{"versions": [{"from": "2024-07-01", "points": {"kinds": {"a": "earn"}}}]}', '22023', NULL),
	('{"versions": [{"from": "2024-07-01", "earn": {"from": "2024-08-01", "rate": 2}}]}', '22P02', 'unknown key "versions[0].earn.from" in a program_policy'),
	('{"versions": [{"from": "2024-07-01", "tiers": {"grace": "1 day"}}]}', '22023', '"versions[0].tiers" of a program_policy needs "tiers"'), ('{"tiers": {"A": 5}, "versions": [{"from": "2024-07-01", "tiers": {"A": 6}}]}', '22P02', NULL), ('{"tiers": {"A": 5}, "versions": [{"from": "2024-07-01", "no_expiry_tiers": ["B"]}]}', '22023', '"versions[0].no_expiry_tiers" of a program_policy has "B", which is not a tier'), ('{"versions": [{"from": "2024-07-01", "no_expiry_tiers": []}]}', '22023', '"versions[0].no_expiry_tiers" of a program_policy needs "tiers"'),
	('{"versions": [{"from": "2024-07-01", "earn": {"rate": 2}}, {"from": "2024-07-01", "points": {"pending": "1 day"}}]}', '22023', '"versions[1].from" of a program_policy is 2024-07-01, which isn''t after 2024-07-01'), ('{"versions": [{"from": "infinity", "earn": {"rate": 2}}]}', '22008', NULL), ('{"versions": [{"from": "1.7.2024", "earn": {"rate": 2}}]}', '22P02', NULL),
	('{"earn": {"versions": [{"from": "2024-01-01", "rate": 2}]}, "versions": [{"from": "2024-07-01", "earn": {"rate": 3}}]}', '22023', '"versions[0].earn" and "earn.versions" of a program_policy contradict each other'), ('{"points": {"versions": []}, "versions": [{"from": "2024-07-01", "points": {"pending": "1 day"}}]}', '22023', '"versions[0].points" and "points.versions" of a program_policy contradict each other');
SELECT throws_ok(format('SELECT %L::program_policy', written), state::char(5), message, left(written, 120)) FROM fault;
SELECT is(length(('{"versions": [' || string_agg(format('{"from": "%s", "earn": {"rate": %s}, "points": {"pending": "%s days"}}', date '1900-01-01' + n, n, n % 2), ', ' ORDER BY n) || ']}')::program_policy::text) > 300000, true, '5,000 versions') FROM generate_series(1, 5000) n;
-- where a part is at fault, the context says which
CREATE FUNCTION context_of(written text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	PERFORM written::program_policy;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN split_part(context, E'\n', 1);
END $$;
SELECT is(context_of('{"points": {"pending": "x"}}'), '"points" of a program_policy', 'the part at fault');
SELECT is(context_of('{"versions": [{"from": "2024-07-01", "points": {"pending": "x"}}]}'), '"versions.points" of a program_policy', '... in versions');

-- ---- make_program_policy() ----

SELECT is(make_program_policy()::text, '{}', 'nothing given');
SELECT is(make_program_policy(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::text, '{}', 'NULL is the default of each');
SELECT is(make_program_policy(earn => make_earn_policy(rate => 2, versions => '[{"from": "2024-07-01", "rate": 3}]'), points => '{"expires_after": "1 year"}', tiers => '{"Silver": 100, "Gold": 500}', tier_metric => 'points', pending_counts => false, no_expiry_tiers => '{Gold}', zone => 'utc',
	versions => '[{"from": "2024-07-01", "no_expiry_tiers": []}]')::text,
	'{"earn": {"rate": 2}, "points": {"expires_after": "1 year"}, "tiers": {"levels": {"Silver": 100, "Gold": 500}}, "tier_metric": "points", "pending_counts": false, "no_expiry_tiers": ["Gold"], "zone": "UTC", "versions": [{"from": "2024-07-01", "earn": {"rate": 3}, "no_expiry_tiers": []}]}', 'every argument');
SELECT throws_ok('SELECT make_program_policy(' || call || ')', state::char(5), message, call) FROM (VALUES
	($$earn => '{"rate": -1}'$$, '22023', NULL), ($$tier_metric => 'points'$$, '22023', '"tier_metric" of a program_policy needs "tiers"'), ($$no_expiry_tiers => ARRAY[NULL]$$, '22004', '"no_expiry_tiers" of a program_policy has a NULL element'),
	($$points => '{"kinds": {"a": "earn"}}'$$, '22023', '"points.kinds" can''t be in a program_policy'), ($$versions => '{}'$$, '22P02', '"versions" of a program_policy is not an array')) f (call, state, message);

-- ---- round trips ----

CREATE TABLE stored (id serial, policy program_policy);
INSERT INTO stored (policy) SELECT written::program_policy FROM form;
INSERT INTO stored (policy) VALUES (NULL);
SELECT is_empty('SELECT id FROM stored WHERE policy::text::program_policy IS DISTINCT FROM policy OR policy::text::program_policy::text IS DISTINCT FROM policy::text', 'text');
SELECT is_empty('SELECT id FROM stored WHERE policy::jsonb::program_policy IS DISTINCT FROM policy', 'jsonb');
SELECT is_empty($$SELECT id FROM stored WHERE convert_from(program_policy_send(policy), 'UTF8') <> policy::text$$, 'the binary form is the text');
COPY stored TO PROGRAM 'cat > program_policy.bin' (FORMAT binary);
CREATE TABLE again (LIKE stored);
COPY again FROM PROGRAM 'cat program_policy.bin && rm program_policy.bin' (FORMAT binary);
SELECT results_eq('SELECT id, policy FROM again ORDER BY id', 'SELECT id, policy FROM stored ORDER BY id', 'binary');
SELECT is((SELECT count(DISTINCT policy) FROM stored), (SELECT count(DISTINCT policy::text) FROM stored), 'DISTINCT');
SELECT is_empty('SELECT 1 FROM stored a, stored b WHERE (a.policy < b.policy)::int + (a.policy = b.policy)::int + (a.policy > b.policy)::int <> 1 OR (a.policy = b.policy AND program_policy_hash(a.policy) <> program_policy_hash(b.policy))', 'exactly one of <, =, >, and equal hashes where equal');

-- ---- casts, NULLs ----

CREATE TABLE rule (name text, j jsonb, p program_policy);
INSERT INTO rule VALUES ('a', '{"earn": {"rate": 2}}', '{"earn": {"rate": 2.0}}'), ('b', '{"earn": {"rate": 3}}', '{"earn": {"rate": 3}}'), ('c', NULL, NULL);
SELECT results_eq('SELECT (program_summary(t, j, ''2024-12-31'')).balance FROM rule, (VALUES (''[{"at": "2024-01-01T00:00Z", "value": 10}]''::event_timeline)) v (t) WHERE j IS NOT NULL ORDER BY name', 'VALUES (20.0), (30)', 'a jsonb column is taken as an argument, and may change from row to row');
SELECT is((program_summary('[{"at": "2024-01-01T00:00Z", "value": 10}]', '{"earn": {"rate": 2}}', '2024-12-31')).balance, 20::numeric, 'so is a literal');
SELECT results_eq('SELECT name FROM rule WHERE p = j ORDER BY name', $$VALUES ('a'), ('b')$$, 'rules compare with a jsonb as rules');
UPDATE rule SET j = p;
SELECT is((SELECT j FROM rule WHERE name = 'b'), '{"earn": {"rate": 3}}'::jsonb, 'assignment to a jsonb column');
SELECT throws_ok('SELECT ' || call, state::char(5), message, call) FROM (VALUES
	('program_summary(''[]'', NULL)', '22004', 'policy must not be null'), ('program_summary(NULL, NULL)', '22004', NULL), ('program_statement(NULL, NULL)', '22004', NULL), ('program_summary(''[]'', ''{}'', NULL)', '22004', NULL), ('program_statement(''[]'', ''{}'', NULL)', '22004', NULL),
	('program_summary(''[]'', ''{}'', ''infinity'')', '22008', NULL), ('program_statement(''[]'', ''{}'', ''-infinity'')', '22008', NULL), ('program_summary(''[]'', ''{}'', ''5874897-12-31'')', '22008', NULL)) f (call, state, message);
SELECT is(program_summary(NULL, '{}'), NULL, 'NULL for a NULL timeline');
SELECT is_empty('SELECT * FROM program_statement(NULL, ''{}'')', 'no rows for a NULL timeline');

SELECT * FROM finish();
ROLLBACK;
