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
\ir type_texts.sql
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
-- A column of each type that has a seed, and a seed of each in a row.
CREATE TABLE whole (name text);
DO $do$
DECLARE
	type text;
BEGIN
	INSERT INTO whole SELECT 'value ' || lpad(n::text, 2, '0') FROM generate_series(1, (SELECT max(count) FROM (SELECT count(*) FROM seed GROUP BY seed.type) q)) n;
	FOR type IN SELECT DISTINCT seed.type FROM seed ORDER BY 1 LOOP
		EXECUTE format('ALTER TABLE whole ADD %I %1$I', type);
		EXECUTE format('UPDATE whole SET %1$I = written::%1$I FROM (SELECT written, row_number() OVER (ORDER BY length(written) DESC, written) AS n FROM seed WHERE type = %1$L) s WHERE name = ''value '' || lpad(n::text, 2, ''0'')', type);
	END LOOP;
END
$do$;
INSERT INTO whole (name) VALUES ('nothing');
CREATE VIEW dashboard AS SELECT t.* FROM (SELECT retention(activity, 'month', '2024-01-01') AS r FROM per_customer) q CROSS JOIN LATERAL retention_table(q.r) t;
DROP VIEW typical_seed, own_argument;
DROP FUNCTION call(oid, boolean);
DROP TABLE seed, question, base, taken, visit, sample, customer;
