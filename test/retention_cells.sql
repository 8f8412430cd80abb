--
-- retention, cell by cell, against plain SQL: every form of period, zones with
-- changes of offset, as_of before, inside and after the data, over a leap day.
--
\ir reference/setup.sql
BEGIN;
\ir reference/periods.sql
\ir reference/orders.sql
CREATE TABLE active_day (customer int, day date);
\ir reference/retention.sql

CREATE FUNCTION wrong_cells(p text, until date) RETURNS TABLE(side text, cell text)
LANGUAGE sql VOLATILE AS $$
	WITH got AS MATERIALIZED (
		SELECT t.cohort, t.cohort_size, t.lag, t.period_start, t.period_end, t.retained, t.rate, t.retained_after, t.rate_after, t.complete
		FROM (SELECT retention(activities(customer, at), p::calendar_period, until) AS r FROM orders) q CROSS JOIN LATERAL retention_table(q.r) t),
	wanted AS MATERIALIZED (
		SELECT * FROM ref_retention(p, until))
	(SELECT 'wrong', (g.*)::text FROM (TABLE got EXCEPT ALL TABLE wanted) g LIMIT 5)
	UNION ALL
	(SELECT 'missing', (w.*)::text FROM (TABLE wanted EXCEPT ALL TABLE got) w LIMIT 5)
$$;

-- Changes to a zone, and fills active_day with that zone's days.
CREATE FUNCTION enter_zone(zone text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('timezone', zone, false);
	DELETE FROM active_day;
	INSERT INTO active_day SELECT DISTINCT customer, at::date FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL;
	ANALYZE active_day;
END $$;

CREATE TABLE question (id int GENERATED ALWAYS AS IDENTITY, zone text, period text, until date);
INSERT INTO question (zone, period, until)
SELECT zone, period, until
FROM unnest(ARRAY['UTC', 'Europe/Helsinki', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia']) zone,
	 unnest(ARRAY['week', 'week:sunday', 'month', 'month:15', 'month:31', 'quarter:02-01', 'half_year', 'year:04-01', 'year:02-29',
				  '{2010-12-27,2011-03-01,2011-03-29,2011-12-30,2012-02-29,2012-02-29,2012-03-01,2012-09-30,2013-02-01}']) period,
	 unnest(ARRAY[date '2012-02-29', '2012-10-27', '2013-12-31']) until;
UPDATE question SET period = replace(period, '2012-02-29,2012-02-29', '2012-02-29');
INSERT INTO question (zone, period, until)
SELECT zone, 'day', until
FROM unnest(ARRAY['UTC', 'Europe/Helsinki', 'America/New_York', 'Australia/Lord_Howe', 'Pacific/Apia']) zone,
	 unnest(ARRAY[date '2011-12-31', '2013-03-31']) until;
INSERT INTO question (zone, period, until)
SELECT 'Europe/Helsinki', 'week:' || d, '2012-06-06'
FROM unnest(ARRAY['tuesday', 'wednesday', 'thursday', 'friday', 'saturday']) d;
INSERT INTO question (zone, period, until)
SELECT 'Europe/Helsinki', p, '2013-03-03'
FROM unnest(ARRAY['quarter', 'half_year:02-01', 'half_year:08-31', 'quarter:12-31', 'year', 'month:29', 'month:30', 'month:2']) p;

SELECT plan(count(*)::int + 6) FROM question;

SELECT is_empty(format('SELECT * FROM (SELECT enter_zone(%L)) z, LATERAL wrong_cells(%L, %L)', zone, period, until),
				format('%s in %s as of %s', period, zone, until))
FROM question ORDER BY id;

-- the references see what they should: there is something in each
SELECT enter_zone('Pacific/Apia') IS NOT NULL AS entered \gset
SELECT is_empty($$SELECT 1 FROM active_day WHERE day = '2011-12-30'$$, 'Samoa had no 30 December 2011');
SELECT cmp_ok((SELECT count(*)::int FROM ref_retention('week', '2012-10-27')), '>', 1000, 'the references have many cells');
SELECT cmp_ok((SELECT count(*)::int FROM ref_retention('week', '2012-10-27') WHERE retained = 0), '>', 100, '... zero cells among them');

-- before the data
SELECT is((SELECT count(*) FROM (SELECT retention(activities(customer, at), 'week', '2011-02-01') AS r FROM orders) q CROSS JOIN LATERAL retention_table(q.r) t), 0::bigint,
		  'before the data there are no cells');

-- as_of is the last event's day by default
SELECT set_config('timezone', 'America/New_York', false) AS zone \gset
SELECT is((SELECT t.as_of FROM (SELECT retention(activities(customer, at), 'week') AS r FROM orders) q CROSS JOIN LATERAL retention_totals(q.r) t),
		  (SELECT max(at)::date FROM orders WHERE customer IS NOT NULL), 'as_of is the local day of the last event by default');
SELECT is((SELECT t.as_of FROM (SELECT retention(activities(customer, at, 'Pacific/Apia'), 'week') AS r FROM orders) q CROSS JOIN LATERAL retention_totals(q.r) t),
		  (SELECT (max(at) AT TIME ZONE 'Pacific/Apia')::date FROM orders WHERE customer IS NOT NULL), '... in the zone that was asked for');
SELECT * FROM finish();
ROLLBACK;
