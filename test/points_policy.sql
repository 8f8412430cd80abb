--
-- points_policy: forms, canonical text, every error, round trips, versions,
-- casts, and that the cast from jsonb changes nothing for jsonb.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(249);

-- ---- canonical text ----

CREATE TABLE form (written text, shown text);
INSERT INTO form VALUES
	('{}', '{}'),
	(' { } ', '{}'),
	('{"zone": null, "kinds": null, "versions": null, "pending": null}', '{}'),
	-- defaults are left out
	('{"expires": "never"}', '{}'),
	('{"by_label": {}, "versions": []}', '{}'),
	('{"expiry_boundary": "gone", "pending": "0", "redeem_order": "soonest_expiry", "returns_below_zero": true, "overdraft": "allow"}', '{}'),
	('{"expires_after": "1 day", "expires_from": "earning", "expires_align": "day"}', '{"expires_after": "1 day"}'),
	('{"inactive_after": "365 days", "refreshed_by": ["redeem", "earn"]}', '{"inactive_after": "365 days"}'),
	-- what isn't
	('{"expiry_boundary": "valid"}', '{"expiry_boundary": "valid"}'),
	('{"redeem_order": "oldest"}', '{"redeem_order": "oldest"}'),
	('{"redeem_order": "newest"}', '{"redeem_order": "newest"}'),
	('{"returns_below_zero": false}', '{"returns_below_zero": false}'),
	('{"refunds_beyond": "new_lot", "returns_beyond": "take"}', '{"returns_beyond": "take", "refunds_beyond": "new_lot"}'), ('{"refunds_beyond": "drop", "returns_beyond": "drop"}', '{}'),
	('{"overdraft": "clip"}', '{"overdraft": "clip"}'),
	('{"overdraft": "refuse"}', '{"overdraft": "refuse"}'),
	('{"inactive_after": "6 months", "refreshed_by": ["earn"]}', '{"inactive_after": "6 months", "refreshed_by": ["earn"]}'),
	('{"inactive_after": "6 months", "refreshed_by": ["redeem"]}', '{"inactive_after": "6 months", "refreshed_by": ["redeem"]}'),
	('{"expires_after": "1 day", "expires_from": "activation"}', '{"expires_after": "1 day", "expires_from": "activation"}'),
	('{"expires_after": "1 day", "inactive_after": "2 days"}', '{"expires_after": "1 day", "inactive_after": "2 days"}'),
	('{"expires_on": "12-31"}', '{"expires_on": "12-31"}'),
	('{"expires_on": "02-29"}', '{"expires_on": "02-29"}'),
	('{"zone": "europe/HELSINKI"}', '{"zone": "Europe/Helsinki"}'),
	('{"zone": "utc"}', '{"zone": "UTC"}'),
	-- keys in one order
	('{"overdraft": "clip", "zone": "UTC", "pending": "1 day", "expires_on": "01-01", "kinds": {"b": "redeem", "a": "earn", "B": "ignore", "aa": "adjust"}}',
	 '{"zone": "UTC", "kinds": {"B": "ignore", "a": "earn", "aa": "adjust", "b": "redeem"}, "expires_on": "01-01", "pending": "1 day", "overdraft": "clip"}'),
	('{"kinds": {"a": "earn", "b": "redeem", "c": "return", "d": "redeem_refund", "e": "expire", "f": "adjust", "g": "transfer", "h": "forfeit", "i": "ignore", "j": "carry_over"}}',
	 '{"kinds": {"a": "earn", "b": "redeem", "c": "return", "d": "redeem_refund", "e": "expire", "f": "adjust", "g": "transfer", "h": "forfeit", "i": "ignore", "j": "carry_over"}}'),
	('{"kinds": {"": "earn", "quote\"d": "earn", "\u00e4\n": "redeem"}}', '{"kinds": {"": "earn", "quote\"d": "earn", "ä\n": "redeem"}}'),
	-- rules by label
	('{"by_label": {"z": {"expires": "never"}, "a": {"expires_align": "month", "expires_after": "3 months"}}}',
	 '{"by_label": {"a": {"expires_after": "3 months", "expires_align": "month"}, "z": {"expires": "never"}}}'),
	('{"expires_after": "1 year", "expires_align": "month", "by_label": {"x": {"expires_after": "1 year", "expires_align": "day"}, "y": {"expires_on": "06-30"}}}',
	 '{"expires_after": "1 year", "expires_align": "month", "by_label": {"x": {"expires_after": "1 year"}, "y": {"expires_on": "06-30"}}}'),
	-- versions
	('{"versions": [{"from": "2024-07-01", "expires_after": "1 year"}]}', '{"versions": [{"from": "2024-07-01", "expires_after": "1 year"}]}'),
	('{"versions": [{"from": "0044-03-15 BC", "pending": "1 day"}, {"from": "2024-07-01", "pending": "0"}]}', '{"versions": [{"from": "0044-03-15 BC", "pending": "1 day"}, {"from": "2024-07-01", "pending": "0 days"}]}'),
	-- ... one that names what holds already changes nothing
	('{"expires_after": "1 year", "versions": [{"from": "2024-07-01", "expires_after": "12 months", "pending": "0"}]}', '{"expires_after": "1 year"}'),
	('{"expires_after": "1 year", "pending": "1 day", "versions": [{"from": "2024-07-01", "expires_after": "12 months", "pending": "2 days"}, {"from": "2024-08-01", "pending": "2 days"}, {"from": "2024-09-01", "pending": "3 days"}]}',
	 '{"expires_after": "1 year", "pending": "1 day", "versions": [{"from": "2024-07-01", "pending": "2 days"}, {"from": "2024-09-01", "pending": "3 days"}]}'),
	-- ... what it leaves out stays
	('{"expires_after": "1 year", "expires_align": "month", "versions": [{"from": "2024-07-01", "expires_after": "2 years"}, {"from": "2025-07-01", "expires_align": "day"}, {"from": "2026-07-01", "expires_from": "activation"}]}',
	 '{"expires_after": "1 year", "expires_align": "month", "versions": [{"from": "2024-07-01", "expires_after": "2 years"}, {"from": "2025-07-01", "expires_align": "day"}, {"from": "2026-07-01", "expires_from": "activation"}]}'),
	-- ... a date replaces an interval with all that belongs to it, and the other way round
	('{"expires_after": "1 year", "expires_align": "month", "versions": [{"from": "2024-07-01", "expires_on": "12-31"}, {"from": "2025-07-01", "expires_after": "1 year"}, {"from": "2026-07-01", "expires": "never"}]}',
	 '{"expires_after": "1 year", "expires_align": "month", "versions": [{"from": "2024-07-01", "expires_on": "12-31"}, {"from": "2025-07-01", "expires_after": "1 year"}, {"from": "2026-07-01", "expires": "never"}]}'),
	-- ... rules by label are replaced as a whole
	('{"by_label": {"a": {"expires": "never"}}, "versions": [{"from": "2024-07-01", "by_label": {"a": {"expires": "never"}}}, {"from": "2024-08-01", "by_label": {"b": {"expires": "never"}}}, {"from": "2024-09-01", "by_label": {}}]}',
	 '{"by_label": {"a": {"expires": "never"}}, "versions": [{"from": "2024-08-01", "by_label": {"b": {"expires": "never"}}}, {"from": "2024-09-01", "by_label": {}}]}');
SELECT is(written::points_policy::text, shown, left(written, 120)) FROM form;
SELECT is_empty('SELECT shown FROM form WHERE shown::points_policy::text <> shown', 'canonical text reads back as itself');
SELECT is_empty('SELECT written FROM form WHERE written::points_policy <> shown::points_policy', 'equal rules are equal');

-- intervals
SELECT is(format('{"pending": %s}', to_json(i))::points_policy::text, format('{"pending": "%s"}', s), i)
FROM (VALUES ('12 months', '1 year'), ('1 year 2 mons', '1 year 2 months'), ('14 days', '14 days'), ('2 weeks', '14 days'), ('1 month', '1 month'), ('25 mons 1 day', '2 years 1 month 1 day'),
	('36 hours', '36:00:00'), ('1 day 00:00:01.5', '1 day 00:00:01.5'), ('0.000001 s', '00:00:00.000001'), ('P1Y2M3DT4H5M6S', '1 year 2 months 3 days 04:05:06'), ('1-2', '1 year 2 months'), ('@ 3 days', '3 days'),
	('-1 day ago', '1 day'), ('1000000000 hours', '1000000000:00:00'), ('178000000 years', '178000000 years')) v (i, s);
SELECT isnt('{"pending": "1 day"}'::points_policy, '{"pending": "24 hours"}'::points_policy, 'a day isn''t 24 hours');
SELECT isnt('{"pending": "1 month"}'::points_policy, '{"pending": "30 days"}'::points_policy, 'a month isn''t 30 days');
CREATE FUNCTION in_style(style text, written text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('intervalstyle', style, true);
	RETURN written::points_policy::text;
END $$;
SELECT is(in_style(style, '{"pending": "1 year 2 months 3 days 04:05:06"}'), '{"pending": "1 year 2 months 3 days 04:05:06"}', 'IntervalStyle ' || style) FROM unnest(ARRAY['sql_standard', 'iso_8601', 'postgres_verbose', 'postgres']) style;
SELECT throws_ok(format('SELECT in_style(%L, %L)', style, '{"pending": "-1 day 1 hour ago"}'), '22023', NULL, 'a sign means the same in IntervalStyle ' || style) FROM unnest(ARRAY['sql_standard', 'postgres']) style;
SET LOCAL intervalstyle = 'sql_standard';
SELECT throws_ok($$SELECT '{"pending": "1 fortnite"}'::points_policy$$, '22023', NULL, 'what is no interval');
SELECT is(current_setting('intervalstyle'), 'sql_standard', 'IntervalStyle stays what it was');
RESET intervalstyle;

-- ---- errors ----

CREATE TABLE fault (written text, state text, message text);
INSERT INTO fault VALUES
	-- not JSON, or not such JSON
	('', '22P02', NULL), ('{', '22P02', NULL), ('{"pending"}', '22P02', NULL),
	('[]', '22P02', 'a points_policy is written as a JSON object'), ('"x"', '22P02', 'a points_policy is written as a JSON object'), ('null', '22P02', 'a points_policy is written as a JSON object'), ('[{}]', '22P02', 'a points_policy is written as a JSON object'),
	('{"expire_after": "1 day"}', '22P02', 'unknown key "expire_after" in a points_policy'),
	('{"Pending": "1 day"}', '22P02', 'unknown key "Pending" in a points_policy'),
	('{"pending": "1 day", "pending": "2 days"}', '22P02', 'key "pending" stands twice in a points_policy'),
	('{"kinds": {"a": "earn", "\u0061": "redeem"}}', '22P02', 'key "a" stands twice in a points_policy'),
	('{"by_label": {"a": {"expires": "never"}, "b": {"expires": "never"}, "a": {"expires": "never"}}}', '22P02', 'key "a" stands twice in a points_policy'),
	('{"versions": [{"from": "2024-01-01", "pending": "1 day", "from": "2024-01-02"}]}', '22P02', 'key "from" stands twice in a points_policy'),
	-- zone
	('{"zone": 1}', '22P02', '"zone" of a points_policy is not a string'), ('{"zone": "Mars/Base"}', '22023', 'unknown time zone "Mars/Base"'), ('{"zone": ""}', '22023', 'unknown time zone ""'),
	-- kinds
	('{"kinds": []}', '22P02', '"kinds" of a points_policy is not an object'), ('{"kinds": "earn"}', '22P02', '"kinds" of a points_policy is not an object'), ('{"kinds": {}}', '22023', '"kinds" of a points_policy is empty'),
	('{"kinds": {"a": "earned"}}', '22023', '"kinds.a" of a points_policy can''t be "earned"'), ('{"kinds": {"a": "Earn"}}', '22023', '"kinds.a" of a points_policy can''t be "Earn"'),
	('{"kinds": {"a": null}}', '22P02', '"kinds.a" of a points_policy is not a string'), ('{"kinds": {"a": 1}}', '22P02', '"kinds.a" of a points_policy is not a string'), ('{"kinds": {"a": ["earn"]}}', '22P02', '"kinds.a" of a points_policy is not a string'),
	-- expiry
	('{"expires": "always"}', '22023', '"expires" of a points_policy can''t be "always"'), ('{"expires": false}', '22P02', '"expires" of a points_policy is not a string'),
	('{"expires_after": 12}', '22P02', '"expires_after" of a points_policy is not an interval such as "12 months"'), ('{"expires_after": {}}', '22P02', '"expires_after" of a points_policy is not an interval such as "12 months"'),
	('{"expires_after": ""}', '22023', '"expires_after" of a points_policy is not an interval: ""'), ('{"expires_after": "soon"}', '22023', '"expires_after" of a points_policy is not an interval: "soon"'),
	('{"expires_after": "infinity"}', '22023', '"expires_after" of a points_policy is not an interval: "infinity"'), ('{"expires_after": "999999999999 years"}', '22023', '"expires_after" of a points_policy is not an interval: "999999999999 years"'),
	('{"expires_after": "0"}', '22023', '"expires_after" of a points_policy is zero: "0"'), ('{"expires_after": "-1 day"}', '22023', '"expires_after" of a points_policy is negative: "-1 day"'), ('{"expires_after": "1 month -1 day"}', '22023', '"expires_after" of a points_policy is negative: "1 month -1 day"'),
	('{"expires_from": "earning"}', '22023', '"expires_from" of a points_policy needs "expires_after"'), ('{"expires_align": "day"}', '22023', '"expires_align" of a points_policy needs "expires_after"'),
	('{"expires_after": "1 day", "expires_from": "birth"}', '22023', '"expires_from" of a points_policy can''t be "birth"'), ('{"expires_after": "1 day", "expires_align": "week"}', '22023', '"expires_align" of a points_policy can''t be "week"'),
	('{"expires_on": "12-32"}', '22023', '"expires_on" of a points_policy is not a day of the year: "12-32"'), ('{"expires_on": "02-30"}', '22023', NULL), ('{"expires_on": "13-01"}', '22023', NULL), ('{"expires_on": "00-01"}', '22023', NULL), ('{"expires_on": "01-00"}', '22023', NULL),
	('{"expires_on": "1-1"}', '22023', NULL), ('{"expires_on": "2024-12-31"}', '22023', NULL), ('{"expires_on": ""}', '22023', NULL), ('{"expires_on": 1231}', '22P02', '"expires_on" of a points_policy is not a string'),
	('{"expires_after": "1 day", "expires_on": "12-31"}', '22023', '"expires_after" and "expires_on" of a points_policy contradict each other'),
	('{"expires": "never", "expires_after": "1 day"}', '22023', '"expires" and "expires_after" of a points_policy contradict each other'), ('{"expires": "never", "expires_on": "12-31"}', '22023', '"expires" and "expires_on" of a points_policy contradict each other'),
	('{"expires_on": "12-31", "expires_align": "month"}', '22023', '"expires_align" of a points_policy needs "expires_after"'), ('{"expires_on": "12-31", "expires_from": "activation"}', '22023', '"expires_from" of a points_policy needs "expires_after"'),
	('{"expiry_boundary": "open"}', '22023', '"expiry_boundary" of a points_policy can''t be "open"'),
	-- inactivity
	('{"inactive_after": "0 days"}', '22023', '"inactive_after" of a points_policy is zero: "0 days"'), ('{"inactive_after": "23:59:59"}', '22023', '"inactive_after" of a points_policy is less than a day: "23:59:59"'), ('{"refreshed_by": ["earn"]}', '22023', '"refreshed_by" of a points_policy needs "inactive_after"'),
	('{"inactive_after": "1 day", "refreshed_by": []}', '22023', '"refreshed_by" of a points_policy is empty'), ('{"inactive_after": "1 day", "refreshed_by": "earn"}', '22P02', '"refreshed_by" of a points_policy is not an array'),
	('{"inactive_after": "1 day", "refreshed_by": ["return"]}', '22023', '"refreshed_by" of a points_policy can''t be "return"'), ('{"inactive_after": "1 day", "refreshed_by": ["earn", "earn"]}', '22023', '"refreshed_by" of a points_policy has "earn" twice'), ('{"inactive_after": "1 day", "refreshed_by": [null]}', '22P02', '"refreshed_by" of a points_policy is not a string'),
	-- rules by label
	('{"by_label": []}', '22P02', '"by_label" of a points_policy is not an object'), ('{"by_label": {"p": "never"}}', '22P02', '"by_label.p" of a points_policy is not an object'), ('{"by_label": {"p": null}}', '22P02', '"by_label.p" of a points_policy is not an object'),
	('{"by_label": {"p": {}}}', '22023', '"by_label.p" of a points_policy doesn''t say when points expire'), ('{"by_label": {"p": {"expires_after": null}}}', '22023', '"by_label.p" of a points_policy doesn''t say when points expire'),
	('{"by_label": {"p": {"pending": "1 day"}}}', '22P02', 'unknown key "pending" in a points_policy at "by_label.p"'), ('{"by_label": {"p": {"expires_after": "x"}}}', '22023', '"by_label.p.expires_after" of a points_policy is not an interval: "x"'),
	('{"by_label": {"p": {"expires_after": "1 day", "expires_on": "12-31"}}}', '22023', '"by_label.p.expires_after" and "by_label.p.expires_on" of a points_policy contradict each other'),
	('{"expires_after": "1 day", "by_label": {"p": {"expires_align": "month"}}}', '22023', '"by_label.p.expires_align" of a points_policy needs "by_label.p.expires_after"'),
	-- pending and redemption
	('{"pending": 14}', '22P02', '"pending" of a points_policy is not an interval such as "12 months"'), ('{"pending": "-1 day"}', '22023', '"pending" of a points_policy is negative: "-1 day"'),
	('{"redeem_order": "fifo"}', '22023', '"redeem_order" of a points_policy can''t be "fifo"'), ('{"overdraft": true}', '22P02', '"overdraft" of a points_policy is not a string'), ('{"overdraft": "deny"}', '22023', '"overdraft" of a points_policy can''t be "deny"'),
	('{"returns_beyond": "new_lot"}', '22023', '"returns_beyond" of a points_policy can''t be "new_lot"'), ('{"refunds_beyond": "take"}', '22023', '"refunds_beyond" of a points_policy can''t be "take"'),
	('{"returns_below_zero": "true"}', '22P02', '"returns_below_zero" of a points_policy is not true or false'), ('{"returns_below_zero": 0}', '22P02', '"returns_below_zero" of a points_policy is not true or false'),
	-- versions
	('{"versions": {}}', '22P02', '"versions" of a points_policy is not an array'), ('{"versions": "2024-01-01"}', '22P02', '"versions" of a points_policy is not an array'), ('{"versions": [null]}', '22P02', '"versions[0]" of a points_policy is not an object'), ('{"versions": [[]]}', '22P02', '"versions[0]" of a points_policy is not an object'),
	('{"versions": [{"pending": "1 day"}]}', '22P02', '"versions[0].from" is missing in a points_policy'), ('{"versions": [{"from": 2024, "pending": "1 day"}]}', '22P02', '"versions[0].from" of a points_policy is not a date, YYYY-MM-DD'), ('{"versions": [{"from": "1.1.2024", "pending": "1 day"}]}', '22P02', '"versions[0].from" of a points_policy is not a date, YYYY-MM-DD'),
	('{"versions": [{"from": "2024-02-30", "pending": "1 day"}]}', '22008', NULL), ('{"versions": [{"from": "-infinity", "pending": "1 day"}]}', '22008', NULL),
	('{"versions": [{"from": "2024-01-01"}]}', '22023', '"versions[0]" of a points_policy changes nothing'), ('{"versions": [{}]}', '22023', '"versions[0]" of a points_policy changes nothing'),
	('{"versions": [{"from": "2024-01-01", "pending": "1 day", "note": "x"}]}', '22P02', 'unknown key "note" in a points_policy at "versions[0]"'),
	('{"versions": [{"from": "2024-01-02", "pending": "1 day"}, {"from": "2024-01-01", "pending": "2 days"}]}', '22023', '"versions[1].from" of a points_policy is 2024-01-01, which isn''t after 2024-01-02'),
	('{"versions": [{"from": "2024-01-01", "pending": "1 day"}, {"from": "2024-01-01", "pending": "2 days"}]}', '22023', '"versions[1].from" of a points_policy is 2024-01-01, which isn''t after 2024-01-01'),
	('{"pending": "1 day", "versions": [{"from": "2024-01-02", "pending": "1 day"}, {"from": "2024-01-01", "pending": "2 days"}]}', '22023', '"versions[1].from" of a points_policy is 2024-01-01, which isn''t after 2024-01-02'),
	('{"expires_after": "1 day", "versions": [{"from": "2024-01-01", "expires_after": null}]}', '22023', '"versions[0].expires_after" of a points_policy is null'),
	('{"versions": [{"from": "2024-01-01", "expires_align": "month"}]}', '22023', '"versions[0].expires_align" of a points_policy needs "versions[0].expires_after"'),
	('{"expires_after": "1 day", "versions": [{"from": "2024-01-01", "expires_on": "12-31", "expires_after": "1 day"}]}', '22023', '"versions[0].expires_after" and "versions[0].expires_on" of a points_policy contradict each other'),
	('{"versions": [{"from": "2024-01-01", "by_label": {"p": {"expires": "later"}}}]}', '22023', '"versions[0].by_label.p.expires" of a points_policy can''t be "later"');
INSERT INTO fault SELECT format('{"versions": [{"from": "2024-01-01", "pending": "1 day", %s: %s}]}', to_json(k), v), '22023', format('"versions[0].%s" of a points_policy can''t change from a day on', k)
FROM (VALUES ('zone', '"UTC"'), ('kinds', '{"a": "earn"}'), ('inactive_after', '"1 day"'), ('refreshed_by', '["earn"]'), ('expiry_boundary', '"gone"'), ('redeem_order', '"oldest"'), ('returns_below_zero', 'true'), ('overdraft', '"clip"'), ('refunds_beyond', '"drop"'), ('returns_beyond', '"take"'), ('versions', '[]'), ('zone', 'null')) f (k, v);
SELECT throws_ok(format('SELECT %L::points_policy', written), state::char(5), message, 'refused: ' || left(written, 110)) FROM fault;
-- jsonb says the same, where it can hold the fault at all
CREATE FUNCTION fault_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT is_empty($$SELECT written, fault_of(format('SELECT %L::jsonb::points_policy', written)) FROM fault WHERE message NOT LIKE '%stands twice%'
	AND fault_of(format('SELECT %L::jsonb::points_policy', written)) <> state || ' ' || message$$, 'the cast from jsonb refuses the same');

-- what is allowed is said, and what was found
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
SELECT is(hint_of($$SELECT '{"kinds": {"a": "x"}}'::points_policy$$), 'Allowed: earn, activate, redeem_refund, reinstate, adjust, transfer, return, block, unblock, redeem, forfeit, expire, carry_over, ignore.', 'roles are listed');
SELECT is(hint_of($$SELECT '{"expires_after": "1 day", "expires_align": "x"}'::points_policy$$), 'Allowed: none, day, month, quarter, half_year, year.', 'alignments are listed');
SELECT is(hint_of($$SELECT '{"x": 1}'::points_policy$$), 'Allowed: zone, kinds, expires, expires_after, expires_from, expires_align, expires_on, expires_shares, expires_every, inactive_after, refreshed_by, expiry_boundary, grace_after_expiry, by_label, pending, pending_until, redeem_order, returns_below_zero, returns_beyond, refunds_beyond, overdraft, versions.', 'keys are listed');
SELECT is(hint_of($$SELECT '{"expires_after": 12}'::points_policy$$), 'Found: number.', 'the type that was found is named');

-- large and deep
SELECT throws_ok($$SELECT repeat('{"versions":[', 100000)::points_policy$$, NULL, NULL, 'deep nesting is refused');
SELECT throws_ok(format('SELECT %L::points_policy', '{"kinds": ' || repeat('[', 3000) || repeat(']', 3000) || '}'), '22P02', '"kinds" of a points_policy is not an object', 'deep arrays are refused');
SELECT cmp_ok(length(fault_of(format('SELECT %L::points_policy', f))), '<', 400, 'a long text is shown in part')
FROM unnest(ARRAY['{"' || repeat('x', 100000) || '": 1}', '{"pending": "' || repeat('x', 100000) || '"}', '{"kinds": {"' || repeat('ä', 100000) || '": "x"}}', '{"overdraft": "' || repeat('ä', 100000) || '"}', '{"by_label": {"' || repeat('x', 100000) || '": {}}}', '{"zone": "' || repeat('x', 100000) || '"}', '{"a": {"' || repeat('x', 100000) || '": 1, "' || repeat('x', 100000) || '": 2}}']) f;
SELECT is(md5(('{"kinds": {' || (SELECT string_agg(format('"k%s": "earn"', lpad(n::text, 6, '0')), ', ' ORDER BY md5(n::text)) FROM generate_series(1, 50000) n) || '}}')::points_policy::text),
	md5('{"kinds": {' || (SELECT string_agg(format('"k%s": "earn"', lpad(n::text, 6, '0')), ', ' ORDER BY n) FROM generate_series(1, 50000) n) || '}}'), '50,000 kinds');
SELECT is(length(('{"by_label": {"p": {"expires": "never"}}, "versions": [' || (SELECT string_agg(format('{"from": "%s", "pending": "%s days"}', date '1900-01-01' + n, n), ', ' ORDER BY n) FROM generate_series(1, 20000) n) || ']}')::points_policy::text) > 500000, true, '20,000 versions');

-- ---- make_points_policy() ----

SELECT is(make_points_policy()::text, '{}', 'no rules');
SELECT is(make_points_policy(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::text, '{}', 'NULL is the default of each');
SELECT is(make_points_policy(kinds => '{"EARN": "earn"}', expires_after => '12 months', expires_from => 'activation', expires_align => 'month', inactive_after => '2 years', refreshed_by => '{earn}', expiry_boundary => 'valid',
	by_label => '{"p": {"expires_on": "06-30"}}', pending => '14 days', redeem_order => 'oldest', returns_below_zero => false, overdraft => 'clip', refunds_beyond => 'new_lot', returns_beyond => 'take', zone => 'europe/helsinki', versions => '[{"from": "2024-07-01", "expires_after": "24 months"}]')::text,
	'{"zone": "Europe/Helsinki", "kinds": {"EARN": "earn"}, "expires_after": "1 year", "expires_from": "activation", "expires_align": "month", "inactive_after": "2 years", "refreshed_by": ["earn"], "expiry_boundary": "valid", "by_label": {"p": {"expires_on": "06-30"}}, "pending": "14 days", "redeem_order": "oldest", "returns_below_zero": false, "returns_beyond": "take", "refunds_beyond": "new_lot", "overdraft": "clip", "versions": [{"from": "2024-07-01", "expires_after": "2 years"}]}', 'every argument');
SELECT is(make_points_policy(expires_on => '12-31')::text, '{"expires_on": "12-31"}', 'expires_on');
SELECT is(make_points_policy(pending => '0')::text, '{}', 'pending may be 0');
SELECT is(make_points_policy(kinds => 'null')::text, '{}', 'JSON null is the default too');
SELECT is(make_points_policy('{"a": "earn"}', '1 year 2 months')::text, '{"kinds": {"a": "earn"}, "expires_after": "1 year 2 months"}', 'by position');
SELECT throws_ok('SELECT make_points_policy(' || call || ')', state::char(5), message, call) FROM (VALUES
	($$expires_after => '-1 day'$$, '22023', '"expires_after" of a points_policy is negative: "-1 days"'), ($$expires_after => '0'$$, '22023', '"expires_after" of a points_policy is zero: "00:00:00"'), ($$pending => '1 mon -1 day'$$, '22023', NULL),
	($$expires_after => '1 year', expires_on => '12-31'$$, '22023', '"expires_after" and "expires_on" of a points_policy contradict each other'), ($$refreshed_by => '{earn}'$$, '22023', '"refreshed_by" of a points_policy needs "inactive_after"'),
	($$inactive_after => '1 day', refreshed_by => '{}'$$, '22023', '"refreshed_by" of a points_policy is empty'), ($$inactive_after => '1 day', refreshed_by => '{earn,NULL}'$$, '22004', '"refreshed_by" of a points_policy has a NULL element'), ($$inactive_after => '1 day', refreshed_by => '{expire}'$$, '22023', '"refreshed_by" of a points_policy can''t be "expire"'),
	($$kinds => '"earn"'$$, '22P02', '"kinds" of a points_policy is not an object'), ($$kinds => '[]'$$, '22P02', '"kinds" of a points_policy is not an object'), ($$versions => '1'$$, '22P02', '"versions" of a points_policy is not an array'), ($$redeem_order => ''$$, '22023', '"redeem_order" of a points_policy can''t be ""'), ($$zone => 'x'$$, '22023', 'unknown time zone "x"')) f (call, state, message);

-- ---- round trips ----

CREATE TABLE stored (id serial, policy points_policy);
INSERT INTO stored (policy) SELECT written::points_policy FROM form;
INSERT INTO stored (policy) SELECT ('{"kinds": {' || (SELECT string_agg(format('"k%s": "earn"', n), ', ') FROM generate_series(1, 5000) n) || '}}')::points_policy;
INSERT INTO stored (policy) VALUES (NULL);
SELECT is_empty('SELECT id FROM stored WHERE policy::text::points_policy IS DISTINCT FROM policy OR policy::text::points_policy::text IS DISTINCT FROM policy::text', 'text');
SELECT is_empty('SELECT id FROM stored WHERE policy::jsonb::points_policy IS DISTINCT FROM policy', 'jsonb');
SELECT is_empty($$SELECT id FROM stored WHERE convert_from(points_policy_send(policy), 'UTF8') <> policy::text$$, 'the binary form is the text');
COPY stored TO PROGRAM 'cat > points_policy.bin' (FORMAT binary);
CREATE TABLE again (LIKE stored);
COPY again FROM PROGRAM 'cat points_policy.bin && rm points_policy.bin' (FORMAT binary);
SELECT results_eq('SELECT id, policy FROM again ORDER BY id', 'SELECT id, policy FROM stored ORDER BY id', 'binary');
SELECT is(points_policy_send('{"pending": "1 day"}'), '{"pending": "1 day"}'::bytea, 'the binary form has no version byte before it');

-- order and hash
SELECT is((SELECT count(DISTINCT policy) FROM stored), (SELECT count(DISTINCT policy::text) FROM stored), 'DISTINCT');
SELECT is((SELECT count(*) FROM (SELECT policy FROM stored UNION SELECT policy FROM again) u), (SELECT count(*) FROM (SELECT DISTINCT policy::text FROM stored) u), 'UNION');
SELECT is_empty('SELECT 1 FROM stored a, stored b WHERE (a.policy < b.policy)::int + (a.policy = b.policy)::int + (a.policy > b.policy)::int <> 1 OR (a.policy = b.policy AND points_policy_hash(a.policy) <> points_policy_hash(b.policy))', 'exactly one of <, =, >, and equal hashes where equal');

-- ---- casts ----

CREATE TABLE rule (name text, j jsonb, p points_policy);
INSERT INTO rule VALUES ('a', '{"pending": "1 day"}', '{"pending": "1 day"}'), ('b', '{"pending": "24 hours", "zone": "utc"}', '{"pending": "24:00:00", "zone": "UTC"}'), ('c', NULL, NULL);
CREATE FUNCTION takes_policy(policy points_policy, n int DEFAULT 0) RETURNS text LANGUAGE sql AS 'SELECT policy::text';
SELECT results_eq('SELECT takes_policy(j) FROM rule ORDER BY name', 'SELECT p::text FROM rule ORDER BY name', 'a jsonb column is taken as an argument');
SELECT results_eq('SELECT takes_policy(policy => j) FROM rule ORDER BY name', 'SELECT p::text FROM rule ORDER BY name', '... by name');
SELECT is(takes_policy('{"pending": "1 day"}'), '{"pending": "1 day"}', 'so is a literal');
SELECT is(takes_policy(make_points_policy(pending => '1 day')), '{"pending": "1 day"}', '... and what make_points_policy() gives');
SELECT is(takes_policy(NULL), NULL, '... and a bare NULL');
SELECT is(points_policy('{"pending": "1 day"}')::text, '{"pending": "1 day"}', 'points_policy() of a literal');
SELECT is(points_policy(NULL::jsonb), NULL, 'points_policy() of NULL');
SELECT results_eq('SELECT name FROM rule WHERE p = j ORDER BY name', $$VALUES ('a'), ('b')$$, 'rules compare with a jsonb as rules');
UPDATE rule SET j = p, p = j;
SELECT is((SELECT j FROM rule WHERE name = 'b'), '{"zone": "UTC", "pending": "24:00:00"}'::jsonb, 'assignment to a jsonb column');
SELECT results_eq('SELECT takes_policy(x.j) FROM rule x, generate_series(1, 3) WHERE name < ''c'' ORDER BY name', 'SELECT x.p::text FROM rule x, generate_series(1, 3) WHERE name < ''c'' ORDER BY name', 'rules that change from row to row');
SELECT is(takes_policy('{"pending": "1 day"}'::json), '{"pending": "1 day"}', 'json is taken');
SELECT is(takes_policy('{"pending": "1 day"}'::text), '{"pending": "1 day"}', '... and text');

-- what the cast must not touch: expressions of jsonb, as without the extension
CREATE DOMAIN jsonb_object AS jsonb CHECK (jsonb_typeof(VALUE) = 'object');
CREATE TYPE jsonb_range AS RANGE (subtype = jsonb);
CREATE TYPE jsonb_pair AS (a jsonb, b jsonb);
CREATE TABLE plain (j jsonb, k jsonb, d jsonb_object, e jsonb_object, ja jsonb[], da jsonb_object[], r jsonb_range, c jsonb_pair);
INSERT INTO plain VALUES ('{"a": 1}', '{"a": 1.0}', '{"a": 1}', '{"b": 1}', '{"{}"}', '{"{}"}', '[1,5)', '(1,2)');
SELECT lives_ok(format('SELECT %s FROM plain', e), e) FROM unnest(ARRAY[
	'j = k, j <> k, j < k, j <= k, j > k, j >= k',
	$$j = '{}', '{}' = j, j <> '[1]', j < '5', j IN ('{}', '[]'), j = ANY ('{"{}"}'), j NOT IN ('1', '"x"')$$,
	$$j IS DISTINCT FROM k, j IS DISTINCT FROM '[]', j IS NOT DISTINCT FROM NULL, nullif(j, '1'), nullif(j, k)$$,
	$$j @> k, j @> '{"a": 1}', j <@ '{}', j ? 'a', j || k, j || '{"b": 2}', j - 'a', j #- '{a}', j -> 'a', j ->> 'a'$$,
	$$d = e, d = j, j = d, d = '{}', '{}' = d, d < e, d IS DISTINCT FROM e, d @> '{}', d IN ('{}')$$,
	$$ja = ja, ja = '{}', ja <> '{"1"}', ja < ja, ja = ARRAY[j], ja @> ARRAY[k], ja && ja, j = ANY (ja), ja || j, array_position(ja, j), array_remove(ja, '1'), ja IS DISTINCT FROM ja$$,
	$$da = da, da = ARRAY[d], d = ANY (da), j = ANY (da), da || d, da <> da, d = ANY (ja)$$,
	$$r = r, r @> j, r = '[1,2)', r && r, r < r, j <@ r, lower(r) = j$$,
	$$c = c, (c).a = (c).b, c < c, c = ROW(j, k)::jsonb_pair, ROW(j, k) = ROW(k, j), (j, 1) IN (SELECT k, 2 FROM plain)$$,
	$$coalesce(j, '1'), CASE WHEN true THEN j ELSE '{}' END, greatest(j, k), least(j, '1'), ARRAY[j, '{}'], CASE j WHEN '{}' THEN 1 END$$]) e;
SELECT lives_ok($$SELECT jsonb_typeof(j), jsonb_build_object('a', j), jsonb_agg(j), to_jsonb(j), jsonb_set(j, '{a}', '1'), count(DISTINCT j) FROM plain GROUP BY j ORDER BY j$$, 'functions, GROUP BY, ORDER BY');
SELECT lives_ok($$SELECT j FROM plain UNION SELECT d FROM plain UNION SELECT '{}' INTERSECT SELECT k FROM plain ORDER BY 1$$, 'UNION');
CREATE VIEW resolved AS SELECT pg_typeof(coalesce(j, '1')) a, pg_typeof(CASE WHEN true THEN j ELSE '1' END) b, pg_typeof(ARRAY[j, '1']) c, pg_typeof(j || '1') d, pg_typeof(ja || j) e, pg_typeof(coalesce(d, e)) f FROM plain;
SELECT results_eq('SELECT * FROM resolved', $$VALUES ('jsonb'::regtype, 'jsonb'::regtype, 'jsonb[]'::regtype, 'jsonb'::regtype, 'jsonb[]'::regtype, 'jsonb_object'::regtype)$$, 'types are what they were');
-- an operator of points_policy would compare rules, where 1 and 1.0 or an unknown key are errors
SELECT results_eq($$SELECT j = k, d = e, d = '{"a": 1}', j = ANY (ARRAY[k]), ja = '{"{}"}', j IS DISTINCT FROM k FROM plain$$, 'VALUES (true, false, true, true, true, false)', 'values compare as jsonb');
CREATE VIEW uses AS SELECT j = k AS a, j = '{}' AS b, d = e AS c, d = '{}' AS d, ja = ja AS e, j IS DISTINCT FROM k AS f, j = ANY (ja) AS g, da = da AS h, r @> j AS i, c = c AS l, j IN ('1', '2') AS m FROM plain;
SELECT is_empty($$SELECT * FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid AND d.classid = 'pg_rewrite'::regclass WHERE w.ev_class = 'uses'::regclass
	AND (d.refobjid IN (SELECT oid FROM pg_proc WHERE proname LIKE '%points_policy%') OR d.refobjid IN (SELECT oprcode FROM pg_operator WHERE 'points_policy'::regtype IN (oprleft, oprright)) OR d.refobjid IN (SELECT oid FROM pg_operator WHERE 'points_policy'::regtype IN (oprleft, oprright)))$$, 'a view of jsonb depends on nothing of ours');
SELECT lives_ok($$CREATE INDEX ON plain (j); CREATE INDEX ON plain USING hash (d); CREATE INDEX ON plain USING gin (j); CREATE INDEX ON plain (ja); CREATE UNIQUE INDEX ON plain (d)$$, 'indexes');
SELECT throws_ok($$SELECT '{}'::json = '{}'::json$$, '42725', NULL, 'json = json is still an error: no rules are meant');
SELECT throws_ok($$SELECT '{}'::jsonb = '{}'::text$$, '42725', NULL, '... nor jsonb = text');
SELECT throws_ok($$SELECT max(j) FROM plain$$, '42883', NULL, '... nor is there a max(jsonb)');

SELECT * FROM finish();
ROLLBACK;
