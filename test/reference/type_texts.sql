--
-- The table seed of texts of values of every type, as their output writes them; \ir. What goes over every type starts
-- from here: text and binary fuzzing, hostile arguments, dumps and stored values. The variable rows says from
-- how many rows values are made.
--
-- Results are made from the catalog, by each metric over bases and over customers, with the arguments of
-- arguments.sql: a metric has its seeds by itself.
--
\if :{?rows}
\else
\set rows 60
\endif
\ir arguments.sql
CREATE TABLE seed (type text, written text);
CREATE UNIQUE INDEX ON seed (type, md5(written));
INSERT INTO seed
SELECT type, unnest(texts) FROM (VALUES
	('activity_set', ARRAY['{}', '{2024-01-05}', '{2024-01-05,2024-01-09,2024-02-29}', '{"0044-03-15 BC",2024-01-09}']),
	('calendar_period', ARRAY['month', 'week:sunday@Europe/Helsinki', 'quarter:02-01', '{2024-01-01,2024-01-29}@UTC', 'month:15']),
	('timeline_event', ARRAY['{"at": "2024-01-05T10:00:00+00:00"}', '{"at": "2024-01-05T10:00:00+00:00", "value": 12.50, "kind": "earn", "label": "x", "ref": 42, "expires_at": "2025-01-05T10:00:00+00:00"}',
		'{"at": "2024-01-05T10:00:00.5Z", "ref": "A\u00e4"}', '{"at": "2024-01-05T10:00:00.5Z", "value": 1.50, "kind": "earn", "label": "Käse", "ref": "A", "expires_at": "2025-01-01T00:00:00Z"}',
		'{"at": "2024-01-05T10:00:00+00:00", "value": 12.50, "until": "2025-01-05T10:00:00+00:00"}', '{"at": "2024-01-05T00:00:00Z", "kind": "join", "expires_at": "infinity", "until": "infinity"}']),
	('event_timeline', ARRAY['[]', '[{"at": "2024-01-05T10:00:00+00:00", "value": 12.50}, {"at": "2024-01-06T10:00:00+00:00", "kind": "earn", "ref": "A"}]',
		'[{"at": "2024-01-05T10:00:00+00:00", "value": 12.50, "until": "2024-02-05T10:00:00.5+00:00"}, {"at": "2024-01-06T10:00:00+00:00", "until": "infinity"}, {"at": "2024-01-06T10:00:00+00:00", "label": "x", "ref": 5}]']),
	('points_policy', ARRAY['{}', '{"zone": "Europe/Helsinki", "kinds": {"EARN": "earn", "SPEND": "redeem"}, "expires_after": "1 year", "expires_align": "month", "pending": "14 days"}',
		'{"expires_on": "12-31", "by_label": {"promo": {"expires": "never"}}, "overdraft": "clip", "versions": [{"from": "2024-07-01", "pending": "1 day"}]}',
		'{"inactive_after": "90 days", "refreshed_by": ["earn"], "expiry_boundary": "valid", "redeem_order": "newest", "returns_below_zero": false}']),
	('earn_policy', ARRAY['{}', '{"rate": 2, "multipliers": [{"times": 2, "weekdays": ["saturday"]}], "caps": {"day": 100}, "bonuses": {"birthday": 50}}', '{"full_steps": true, "per": 200, "versions": [{"from": "2024-07-01", "rate": 3}]}']),
	('tier_policy', ARRAY['{"Silver": 500, "Gold": 2000.5}', '{"levels": {"Silver": 5}, "grace": "1 month", "downgrade": "one_level", "versions": [{"from": "2024-07-01", "levels": {"Silver": 6}}]}',
		'{"levels": [{"tier": "Gold", "any": {"nights": 25, "points": 15000}, "keep": {"all": {"nights": 20}}}], "metrics": {"nights": {"of": "days", "labels": ["night"]}, "points": {"of": "sum", "kinds": ["earn"]}}, "qualifying_window": "calendar year", "valid": "next_period_end", "zone": "Europe/Helsinki"}',
		'{"levels": [{"tier": "Gold", "any": [{"all": {"miles": 9.5, "nights": 25}}, {"all": {"nights": 50}}], "keep": {"any": {"nights": 40}}}], "metrics": {"miles": {"of": "sum", "kinds": ["flight"], "qualifying_window": "lifetime"}, "nights": {"of": "events", "rollover": 20}}, "qualifying_window": "calendar year"}']),
	('program_policy', ARRAY['{}', '{"earn": {"rate": 2}, "points": {"expires_after": "1 year"}, "tiers": {"Silver": 5, "Gold": 20}, "tier_metric": "points", "pending_counts": false, "no_expiry_tiers": ["Gold"], "zone": "UTC"}',
		'{"earn": {"multipliers": [{"times": 2, "tiers": ["Gold"]}]}, "points": {"expires_after": "1 year"}, "tiers": {"Gold": 500}, "tier_metric": "points"}',
		'{"tiers": {"Gold": 500}, "versions": [{"from": "2024-07-01", "earn": {"rate": 3}, "points": {"pending": "1 day"}, "tiers": {"grace": "1 day"}, "no_expiry_tiers": ["Gold"]}]}']),
	('rfm_scale', ARRAY['{"recency": [365, 180, 90, 30], "frequency": [2, 4, 8, 16], "monetary": [50, 100, 250.5, 1000]}', '{"recency": [], "frequency": [], "monetary": []}', '{"recency": [7, 7], "frequency": [1, 1], "monetary": [-5.25, 0]}']),
	('rfm_rules', ARRAY['{}', '{"segments": [{"segment": "Käse", "r": [4, 5], "f": 5, "m": [1, 3]}, {"segment": "B", "m": 5}], "others": "C"}', '{"others": "X"}']),
	('redemption_method', ARRAY['{}', '{"by": "bornhuetter_ferguson", "prior_rate": 0.7, "prior_error": 0.05, "tail": "inverse_power", "last_age": 24}', '{"by": "cape_cod", "tail_factor": 1.05, "tail_error": 0.02, "errors": "bootstrap", "replicates": 5000, "seed": 7}']),
	('purchase_model', ARRAY['{"kind": "paretonbd", "period": "week", "zone": "UTC", "parameters": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}}', '{"kind": "bgnbd", "parameters": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}', '{"kind": "mbgnbd", "period": "month", "parameters": {"r": 0.5, "alpha": 6, "a": 0.0001, "b": 10000}, "customers": 5, "log_likelihood": -12.5, "iterations": 9, "on_edge": ["a", "b"]}']),
	('spend_model', ARRAY['{"kind": "gammagamma", "parameters": {"p": 6.25, "q": 3.74, "g": 15.44}}']),
	('renewal_model', ARRAY['{"kind": "sbg", "parameters": {"a": 0.668, "b": 3.806}, "customers": 1000, "log_likelihood": -1611.25, "iterations": 8, "converged": true, "covariance": [[0.01, 0.05], [0.05, 0.5]]}'])) literal (type, texts);

-- Rows, and those of them that a base is made of: all, two customers', nobody's, and of customers without events.
CREATE TABLE visit AS
SELECT n % least(97, 7 + :rows / 50) AS c, timestamptz '2023-11-01 00:00+00' + n * interval '31 hours 1 second' * 60 / :rows AS at, round(n % 71 * 0.25, n % 3) AS v, 'k' || n % 3 AS kind, nullif('Käse "' || n % 3 || '"', 'Käse "0"') AS label
FROM generate_series(1, :rows) n;
CREATE TABLE taken AS
SELECT 'all' AS rows, * FROM visit UNION ALL SELECT 'few', * FROM visit WHERE c < 2 UNION ALL SELECT 'guests', NULL, at, v, kind, label FROM visit UNION ALL SELECT 'eventless', c, NULL, v, kind, label FROM visit;
CREATE TABLE base AS
SELECT rows, activities(c, at)::activity_base AS activities, timelines(c, at, v - 3)::timeline_base AS timelines, timelines(c, make_event(at => at, value => v - 3, kind => kind, label => label))::timeline_base AS events
FROM taken GROUP BY rows;
INSERT INTO seed
SELECT type, text FROM base CROSS JOIN LATERAL (VALUES ('activity_base', activities::text), ('activity_base_bigint', activities::text), ('timeline_base', timelines::text), ('timeline_base_bigint', timelines::text), ('timeline_base_bigint', events::text)) made (type, text)
UNION SELECT type, text FROM (SELECT rows, activities(md5(c::text)::uuid, at) AS au, activities('c' || c, at) AS at, timelines(md5(c::text)::uuid, at, v) AS tu, timelines('c' || c, at, v) AS tt FROM taken GROUP BY rows) q,
	LATERAL (VALUES ('activity_base_uuid', au::text), ('activity_base_text', at::text), ('timeline_base_uuid', tu::text), ('timeline_base_text', tt::text)) made (type, text)
UNION SELECT type, text FROM (SELECT rows, referrals(c, nullif(c / 3, 0)) AS rb, referrals(md5(c::text)::uuid, md5((c / 3)::text)::uuid) AS ru, referrals('Käse "' || c || '"', nullif('Käse "' || c * 5 % 11 || '"', 'Käse "7"')) AS rt FROM taken GROUP BY rows) q,
	LATERAL (VALUES ('referrals_result_bigint', rb::text), ('referrals_result_uuid', ru::text), ('referrals_result_text', rt::text)) made (type, text)
UNION SELECT 'referrals_result_bigint', unnest(ARRAY['{"rows_without_customer": 3, "referrals": []}', '{"referrals": [[2, 1], [1, 2, -9223372036854775808], [9223372036854775807, 9223372036854775807], [3, 4, 5, 2]]}'])
UNION SELECT 'activity_set', activity_agg(at)::text FROM visit
UNION SELECT 'event_timeline', unnest(ARRAY[timeline_agg(at, v)::text, timeline_agg(make_event(at => at, ref => 'r' || c))::text,
	timeline_agg(make_event(at => at, value => nullif(v, 1), kind => kind, label => label, ref => c * 1000, expires_at => at + interval '1 year'))::text]) FROM visit WHERE c < 2
ON CONFLICT DO NOTHING;

-- What else a metric can be asked; club and scheme stand for policies.
CREATE TABLE question (call text);
INSERT INTO question VALUES
	('retention((SELECT activities(c, at, ''Asia/Tokyo'') FROM visit WHERE c < 3), ''week'')'), ('retention(b.activities, ''week'', mode => ''recurring'', rolling => 3)'), ('retention(b.activities, ''month'', brackets => ''{{1,2},{1,4},{3,3}}'')'),
	('retention(b.activities, ''month'', mode => ''recurring'', brackets => ''{{1,2},{1,4},{3,3}}'')'), ('retention(b.activities, b.activities, ''week'', ''2024-02-20'', ''recurring'', rolling => 2)'), ('retention(b.activities, b.activities, ''month'', ''2024-01-05'', ''first'')'),
	('retention(b.timelines, ''month'', elapsed => ''10 days'')'), ('retention(b.timelines, ''month'', elapsed => NULL, at_least => 2)'), ('retention(b.activities, ''week'', at_least => 2)'), ('retention(b.timelines, ''quarter@Asia/Tokyo'', elapsed => ''36 hours'', brackets => ''{{1,7},{2,3}}'')'),
	('cohort_value(b.events, ''week'', ''2024-02-20'', NULL, ''{1,4}'', ''k0'')'), ('cohort_value(b.timelines, ''month@Asia/Tokyo'', ''2024-01-20'', ''36 hours'')'), ('cohort_value(b.events, elapsed => ''1 day'', horizons => ''{7,30}'', cost_kind => ''k1'')'),
	('growth(b.activities, ''week:sunday'')'), ('lifecycle_migration(b.activities, ''week'', ''2023-11-20'', ''2023-12-20'')'), ('growth(b.timelines, ''month@UTC'')'), ('lifecycle_census(b.activities, ''week:sunday'', ''2024-01-10'', 2)'), ('stickiness(b.activities, ''month'', within => ''week'')'), ('active_days_histogram(b.activities, days => 60)'),
	('repeat_rate(b.activities, NULL, 30)'), ('repeat_rate(b.timelines, ''2023-12-31'', 7)'), ('purchase_intervals(b.activities, up_to => 1)'), ('purchase_intervals(b.activities, up_to => 20)'),
	('concentration(b.timelines, ''2023-12-05'', ''Asia/Tokyo'')'), ('existing_vs_new(b.events, ''20 days'', ''2023-12-31'', ''Käse "1"'')'), ('existing_vs_new(b.timelines, ''1 month'', zone => ''Asia/Tokyo'')'),
	('basket_switching(b.events, ''week:sunday@UTC'')'), ('basket_switching(b.events, ''{2023-10-01,2023-12-01}'', ''2024-01-05'')'),
	('points_totals(b.timelines, ''{"pending": "1 day"}'')'), ('points_rollforward(b.events, ''{"kinds": {"k0": "earn", "k1": "earn", "k2": "redeem"}, "expires_after": "1 year"}'', ''month@UTC'', by_label => true)'),
	('points_triangle(b.timelines, ''{"expires_after": "7 days"}'', ''week'')'), ('points_triangle(b.events, ''{"kinds": {"k0": "earn", "k1": "earn", "k2": "redeem"}, "expires_after": "7 days"}'', by_label => true)'),
	('tier_census(b.timelines, club)'), ('tier_migration(b.timelines, club, ''2023-11-10'')'), ('tier_flow(b.timelines, club, ''week'')'), ('tier_tenure(b.timelines, club)'), ('tier_near(b.timelines, club, within => 2.5)'),
	('rfm_census(b.timelines, as_of => ''2024-01-10'')'), ('rfm_census(b.timelines, make_rfm_scale(''{30,7}'', ''{2,4}'', ''{5,9.5}''), ''{"segments": [{"segment": "Best", "r": 3}, {"segment": "Good", "r": 2}]}'')'), ('rfm_distribution(b.timelines, ''2023-11-20'')'),
	('rfm_migration(b.timelines, from_day => ''2023-11-01'')'), ('rfm_migration(b.timelines, make_rfm_scale(''{30,7}'', ''{2,4}'', ''{5,9.5}''), from_day => ''2023-11-03'')'),
	('model_backtest(b.timelines, ''2023-11-20'', model => ''{"kind": "paretonbd", "period": "day", "parameters": {"r": 0.5, "alpha": 10, "s": 0.6, "beta": 11}}'', until => ''2023-12-25'')'), ('program_totals(b.timelines, scheme)'), ('program_compare(b.timelines, scheme, ''{"earn": {"rate": 0.5, "decimals": 2}}'')'), ('program_rollforward(b.timelines, scheme, ''week'')'), ('program_rollforward(b.events, ''{"earn": {"kinds": {"k0": "purchase", "k1": "purchase", "k2": "redemption"}, "multipliers": [{"name": "double", "times": 2}]}}'', ''month@UTC'', by_label => true)'),
	('program_triangle(b.timelines, scheme, ''week'')'), ('program_triangle(b.events, ''{"earn": {"kinds": {"k0": "purchase", "k1": "purchase", "k2": "redemption"}, "multipliers": [{"name": "double", "times": 2}]}}'', by_label => true)'),
	('funnel_totals(b.events, ''{k0,k1,k2}'')'), ('funnel_totals(b.events, ''{"Käse \"1\"","Käse \"2\""}'', ''1 day'', ''strict_order'', ''label'', ''{02:30}'', ''2024-02-01'')'),
	('funnel_totals(b.events, ''{k0|k1,!other,k1?,k2}'', hold => ''label'')'), ('funnel_totals(b.events, ''{k0,k1}'', 10, count => ''conversions'')'),
	('funnel_by_period(b.events, ''{k0,k1?,k2}'', ''10 days'')'), ('funnel_by_period(b.events, ''{k0,k1|k2}'', 20, ''month@Asia/Tokyo'', ''strictly_increasing'', step_within => ''{10 days}'', as_of => ''2023-12-31'', hold => ''label'', count => ''conversions'')'),
	('event_flow(b.events, from_step => ''k0'')'), ('event_flow(b.events, ''label'', until_step => ''Käse "1"'', steps => 2, within => ''3 days'', occurrence => ''last'', zone => ''Asia/Tokyo'')'), ('event_flow(b.events, steps => 2, occurrence => ''each'', collapse => true, as_of => ''2024-01-05'')');

-- Each metric's answer about each base, and what the aggregates make of some customers. What models of nearly nothing warn of is no matter here.
DO $do$
DECLARE
	asked text;
	result record;
	messages text := current_setting('client_min_messages');
BEGIN
	PERFORM set_config('client_min_messages', 'error', false);
	FOR asked IN
		SELECT replace(replace(call, 'club', $$'{"levels": {"Silver": 4, "Gold": 20.5}, "valid": "20 days", "downgrade": "one_level"}'$$),
			'scheme', $$'{"earn": {"multipliers": [{"times": 2, "tiers": ["Silver"]}]}, "points": {"expires_after": "20 days", "pending": "3 days"}, "tiers": {"Silver": 4, "Gold": 20.5}}'$$) || ' AS x FROM base b' FROM question
		UNION ALL SELECT call(oid, false) || ' AS x FROM base b' FROM own_argument WHERE kind = 'f' AND n = 1 AND type::text ~ '_base$' AND returns::text ~ '_result$'
		UNION ALL SELECT call(oid, false) || ' AS x FROM generate_series(0, 6) r(k) JOIN customer c USING (k)' FROM own_argument WHERE kind = 'a' AND n = 1 AND name <> 'rollup' AND returns::text ~ '_result$'
	LOOP
		BEGIN
			EXECUTE 'INSERT INTO seed SELECT typname, x::text FROM (SELECT ' || asked || ') q JOIN pg_type ON pg_type.oid = pg_typeof(x) WHERE x IS NOT NULL ON CONFLICT DO NOTHING';
		EXCEPTION WHEN null_value_not_allowed THEN
			NULL; -- an argument that has a default, and must be given nevertheless: aggregates give all
		END;
	END LOOP;
	PERFORM set_config('client_min_messages', messages, false);
END
$do$;

-- One of each form: results have the form of what they say about themselves; one that counts something, if there is, and whose length is most fit to be altered.
CREATE VIEW typical_seed AS
SELECT DISTINCT ON (type, form) type, written
FROM (SELECT type, written, CASE WHEN type ~ '_result$' THEN (SELECT string_agg(k, ',' ORDER BY k) FROM jsonb_object_keys(written::jsonb) k) ELSE written END AS form FROM seed) s
ORDER BY type, form, written ~ '"(rows|cohorts)": \[\]', abs(length(written) - 400), written;
