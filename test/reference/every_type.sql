--
-- Tables that hold values of every type of the extension, NULLs and empty
-- ones too, indexed where there are classes, with a view over them. The variable rows
-- says from how many rows.
--
\if :{?rows}
\else
\set rows 2500
\endif
SET timezone = 'UTC';
CREATE TABLE orders AS
SELECT n % least(97, :rows / 4) AS customer, timestamptz '2022-02-28 00:00+00' + n * (2500 / :rows) * interval '7 hours 13 minutes 11.000001 seconds' AS at, round((n % 71) * 1.37, n % 3) AS amount
FROM generate_series(1, :rows) n;
CREATE TABLE per_customer (
	customer int PRIMARY KEY, activity activity_set, timeline event_timeline, event timeline_event, period calendar_period DEFAULT 'week:sunday',
	activities activity_set[], timelines event_timeline[], rules points_policy DEFAULT '{"expires_after": "1 year"}',
	ladder tier_policy DEFAULT '{"Silver": 500, "Gold": 2000.5}', program program_policy DEFAULT '{"tiers": {"Gold": 2000.5}}', earning earn_policy DEFAULT '{"rate": 1.5}');
INSERT INTO per_customer
SELECT customer, activity_agg(at), timeline_agg(make_event(at => at, value => amount, kind => CASE WHEN amount > 40 THEN 'earn' END, label => 'Käse "' || customer || '"', ref => 'r' || extract(epoch FROM at), expires_at => at + interval '1 year')),
	make_event(at => max(at), value => sum(amount), ref => customer), (ARRAY['day', 'quarter:02-01', 'month:31@Europe/Helsinki', '{2022-01-01,2023-01-01}@UTC'])[1 + customer % 4]::calendar_period,
	ARRAY[activity_agg(at), NULL, '{}'], ARRAY[timeline_agg(at, amount), timeline_agg(at), '[]']
FROM orders GROUP BY customer;
INSERT INTO per_customer (customer) VALUES (1000);
INSERT INTO per_customer VALUES (1001, '{}', '[]', NULL, NULL), (1002, '{"0044-03-15 BC",5874897-12-31}', '[{"at": "4713-01-01T00:00:00Z"}]', '{"at": "2024-01-01T00:00:00Z", "expires_at": "infinity"}', '{2024-01-01}');
UPDATE per_customer SET rules = make_points_policy(expires_after => make_interval(months => 1 + customer), kinds => '{"earn": "earn", "Käse": "return"}', zone => 'Europe/Helsinki') WHERE customer % 3 = 0;
UPDATE per_customer SET ladder = make_tier_policy(jsonb_build_object('Käse', 10 + customer), qualifying_window => 'calendar year', zone => 'Europe/Helsinki') WHERE customer % 3 = 0;
UPDATE per_customer SET program = make_program_policy(points => (rules::jsonb - 'kinds'), tiers => ladder, no_expiry_tiers => ARRAY['Käse'], zone => 'Europe/Helsinki') WHERE customer % 3 = 0;
UPDATE per_customer SET earning = make_earn_policy(rate => 1 + customer % 5) WHERE customer % 4 = 1;
CREATE INDEX per_customer_program ON per_customer (program);
CREATE INDEX per_customer_ladder ON per_customer (ladder);
CREATE INDEX per_customer_rules ON per_customer (rules);
CREATE INDEX per_customer_activity ON per_customer (activity);
CREATE INDEX per_customer_timeline ON per_customer USING hash (timeline);
CREATE TABLE whole (name text, activities_bigint activity_base_bigint, activities_uuid activity_base_uuid, activities_text activity_base_text,
	timelines_bigint timeline_base_bigint, timelines_uuid timeline_base_uuid, timelines_text timeline_base_text, result retention_result,
	totals points_totals_result, rollforward points_rollforward_result, triangle points_triangle_result, funnel funnel_totals_result,
	census tier_census_result, migration tier_migration_result, flow tier_flow_result, tenure tier_tenure_result, near tier_near_result,
	program_totals program_totals_result, program_compare program_compare_result, program_rollforward program_rollforward_result,
	activities activity_base, timelines timeline_base, growth growth_result, growth_money growth_money_result, lifecycle lifecycle_census_result, stickiness stickiness_result,
	active_days active_days_histogram_result, survival survival_result, logrank logrank_result, repeat_rate repeat_rate_result, intervals purchase_intervals_result);
INSERT INTO whole
SELECT 'all', activities(customer, at), activities(md5(customer::text)::uuid, at), activities('c' || customer, at), timelines(customer, at, amount), timelines(md5(customer::text)::uuid, at, amount), timelines('c' || customer, at, amount),
	retention(activities(customer, at), 'week@UTC'), points_totals(timelines(customer, at, amount - 30)),
	points_rollforward(timelines(customer, make_event(at => at, value => amount - 30, label => 'Käse "' || customer % 3 || '"')), '{"expires_after": "1 year"}', 'month@UTC', by_label => true),
	points_triangle(timelines(customer, at, amount - 30), '{"expires_after": "1 year"}', 'quarter'),
	funnel_totals(timelines(customer, make_event(at => at, kind => 'Käse "' || amount::int % 3 || '"')), '{"Käse \"0\"","Käse \"1\""}', '1 month', step_within => '{20 days}'),
	tier_census(timelines(customer, at, amount), '{"Käse": 500, "Gold": 2000.5}'), tier_migration(timelines(customer, at, amount), '{"Käse": 500}', '2023-01-31'), tier_flow(timelines(customer, at, amount), '{"levels": {"Käse": 500}, "valid": "3 months"}', 'month@UTC'),
	tier_tenure(timelines(customer, at, amount), '{"levels": {"Käse": 500}, "valid": "3 months"}'), tier_near(timelines(customer, at, amount), '{"Käse": 500}', within => 50.5),
	program_totals(timelines(customer, at, amount), '{"tiers": {"Käse": 500, "Gold": 2000.5}}'), program_compare(timelines(customer, at, amount), '{"tiers": {"Käse": 500}}', '{"earn": {"rate": 1.5, "decimals": 1}}'),
	program_rollforward(timelines(customer, at, amount - 30), '{"points": {"expires_after": "3 months"}}', 'month@UTC'),
	activities(customer, at)::activity_base, timelines(customer, at, amount)::timeline_base, growth(activities(customer, at)), growth(timelines(customer, at, amount), 'quarter@UTC'), lifecycle_census(activities(customer, at)), stickiness(activities(customer, at)),
	active_days_histogram(activities(customer, at)), survival(amount, customer % 2 = 0), logrank(amount, customer % 2 = 0, 'c' || customer % 3), repeat_rate(activities(customer, at), within => 90), purchase_intervals(activities(customer, at))
FROM orders;
INSERT INTO whole
SELECT 'guests', activities(NULL::int, at), activities(NULL::uuid, at), activities(NULL::text, at), timelines(NULL::int, at, amount), timelines(NULL::uuid, at, amount), timelines(NULL::text, at, amount), retention(activities(NULL::int, at)),
	points_totals(timelines(NULL::int, at, amount)), points_rollforward(timelines(NULL::int, at, amount)), points_triangle(timelines(NULL::int, at, amount)),
	funnel_totals(timelines(NULL::int, at, amount), '{a}'),
	tier_census(timelines(NULL::int, at, amount), '{"Gold": 5}'), tier_migration(timelines(NULL::int, at, amount), '{"Gold": 5}', '2022-03-01'), tier_flow(timelines(NULL::int, at, amount), '{"Gold": 5}'), tier_tenure(timelines(NULL::int, at, amount), '{"Gold": 5}'), tier_near(timelines(NULL::int, at, amount), '{"Gold": 5}', within => 1),
	program_totals(timelines(NULL::int, at, amount), '{}'), program_compare(timelines(NULL::int, at, amount), '{}', '{}'), program_rollforward(timelines(NULL::int, at, amount), '{}'),
	activities(NULL::int, at)::activity_base, timelines(NULL::int, at, amount)::timeline_base, growth(activities(NULL::int, at)), growth(timelines(NULL::int, at, amount), 'quarter@UTC'), lifecycle_census(activities(NULL::int, at)), stickiness(activities(NULL::int, at)),
	active_days_histogram(activities(NULL::int, at)), survival(amount, customer % 2 = 0), logrank(amount, customer % 2 = 0, 'c' || customer % 3), repeat_rate(activities(NULL::int, at), within => 90), purchase_intervals(activities(NULL::int, at))
FROM orders;
INSERT INTO whole (name) VALUES ('nothing');
CREATE VIEW dashboard AS SELECT t.* FROM (SELECT retention(activity, 'month', '2024-01-01') AS r FROM per_customer) q CROSS JOIN LATERAL retention_table(q.r) t;
