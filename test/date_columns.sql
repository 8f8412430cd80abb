--
-- A date means that local day: in whatever zone the session is, in whatever zone is asked.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
SELECT setseed(0.31);
CREATE TABLE zone AS SELECT unnest(ARRAY['UTC', 'America/New_York', 'Europe/Helsinki', 'Pacific/Kiritimati', 'Pacific/Pago_Pago', 'America/Havana', 'Atlantic/Azores', 'Asia/Kathmandu', '<+05:45>-05:45']) AS name;
CREATE TYPE kind AS ENUM ('purchase', 'earn');
CREATE TABLE sale AS
SELECT n % 40 AS customer, date '2023-12-20' + trunc(random() * 120)::int AS day, trunc(random() * 10000)::int / 100.0 AS amount, CASE n % 3 WHEN 0 THEN 'purchase' ELSE 'earn' END::kind AS kind FROM generate_series(1, 900) n;
-- ends and beginnings of months, and days whose midnight comes twice somewhere
INSERT INTO sale SELECT n % 7, d::date, 5, 'earn' FROM generate_series(date '2024-01-01', '2024-06-01', interval '1 month') m, unnest(ARRAY[m - interval '1 day', m]) d, generate_series(1, 3) n;
INSERT INTO sale VALUES (1, '2024-11-03', 7, 'earn'), (2, '2024-10-27', 7, 'earn'), (3, '2024-11-02', 7, 'earn'), (4, '2024-10-26', 7, 'earn');
CREATE FUNCTION in_zone(session_zone text, question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	PERFORM set_config('timezone', session_zone, true);
	EXECUTE question INTO answer;
	RETURN answer;
END $$;

-- ---- everyone's ----

CREATE VIEW growth_of AS SELECT z.name AS zone, p.period FROM zone z CROSS JOIN LATERAL (VALUES ('month'), ('week'), ('day'), ('month@UTC'), ('month@America/New_York'), ('week@Pacific/Kiritimati'), ('month@America/Havana'), ('day@America/Havana'), ('day@Atlantic/Azores')) p(period);
CREATE FUNCTION customers_of(collected text, period text) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT string_agg(concat_ws('' '', t.period_start, t.active, t.new, t.retained, t.resurrected, t.churned, t.as_of), E''\n'' ORDER BY t.period_start) FROM growth_table((SELECT growth(%s, %L) FROM sale)) t', collected, period) $$;
SELECT cmp_ok(length(in_zone('UTC', customers_of('activities(customer, day)', 'month'))), '>', 200, 'there are months');
SELECT is_empty(format('SELECT zone, period FROM growth_of WHERE in_zone(zone, customers_of(%L, period)) IS DISTINCT FROM in_zone(zone, customers_of(''activities(customer, day)'', period))', collected), 'growth(' || collected || ') has the customers of growth(activities(customer, day))')
FROM unnest(ARRAY['timelines(customer, day)', 'timelines(customer, day, amount)', 'timelines(customer, day, amount::float8)', 'timelines(customer::text, day, kind)', 'timelines(customer, day, kind::text, amount)', 'timelines(customer::bigint, day, kind, amount::int)']) collected;
-- a zone that is named: days of that zone
SELECT is_empty(format('SELECT zone, period FROM growth_of WHERE period !~ ''@'' AND in_zone(zone, customers_of(replace(%L, ''Z'', quote_literal(zone)), period)) IS DISTINCT FROM in_zone(''UTC'', customers_of(''activities(customer, day)'', period))', collected), 'growth(' || collected || ') is the same in every zone Z')
FROM unnest(ARRAY['timelines(customer, day, amount, Z)', 'timelines(customer, day, kind::text, Z)', 'timelines(customer, day, kind, amount, Z)', 'timelines(customer, day, NULL, Z)', 'activities(customer, day, Z)']) collected;
SELECT is(in_zone('UTC', format('SELECT zone FROM retention_totals((SELECT retention(activities(customer, day, %L)) FROM sale))', name)), CASE name WHEN 'UTC' THEN 'UTC' ELSE name END, 'the result says the zone that was named: ' || name) FROM zone;

-- whatever the session's zone is, a policy's zone decides
CREATE TABLE question (q text);
INSERT INTO question SELECT format(q, collected) FROM unnest(ARRAY['timelines(customer, day, amount)', 'timelines(customer, day, amount::float8)']) collected, unnest(ARRAY[
	$$SELECT jsonb_agg(t) FROM points_totals_table((SELECT points_totals(%s, '{"expires_after": "2 months", "zone": "America/Havana"}') FROM sale)) t$$,
	$$SELECT jsonb_agg(t ORDER BY t) FROM points_rollforward_table((SELECT points_rollforward(%s, '{"expires_after": "2 months", "zone": "America/New_York"}', 'month') FROM sale)) t$$,
	$$SELECT jsonb_agg(t ORDER BY t) FROM tier_census_table((SELECT tier_census(%s, '{"levels": {"Silver": 100, "Gold": 700}, "zone": "Pacific/Kiritimati", "qualifying_window": "60 days"}') FROM sale)) t$$,
	$$SELECT jsonb_agg(t) FROM repeat_rate_table((SELECT repeat_rate(%s, '2024-02-01', 10) FROM sale)) t$$]) q;
SELECT is_empty('SELECT q, name FROM question, zone WHERE in_zone(name, q) IS DISTINCT FROM in_zone(''UTC'', q)', 'the same in every session');
SELECT is(in_zone('UTC', q), in_zone('UTC', replace(q, 'timelines(customer, day, amount)', 'timelines(customer, day, amount, ' || quote_literal(substring(q FROM '"zone": "([^"]*)"')) || ')')), '... and what its zone, named, gives') FROM question WHERE q ~ '"zone"' AND q !~ 'float8';
-- the last day is as_of
SELECT is_empty('SELECT name, as_of FROM (SELECT name, in_zone(name, ''SELECT as_of FROM points_totals_table((SELECT points_totals(timelines(customer, day, amount), ''''{"zone": "Asia/Tokyo"}'''') FROM sale)) t'') AS as_of FROM zone) q WHERE as_of <> ''2024-11-03''', 'the default of as_of is the last day');
SELECT throws_ok($$SELECT growth(timelines(customer, day, amount, 'Asia/Tokyo'), 'month@UTC') FROM sale$$, '22023', 'the question is in zone "UTC", but dates were collected as days of zone "Asia/Tokyo"', 'days of a zone that is named are not those of another');
SELECT throws_ok($$SELECT growth(activities(customer, day, 'Asia/Tokyo'), 'month@UTC') FROM sale$$, '22023', 'the period is in zone "UTC", but days were collected in zone "Asia/Tokyo"', '... nor are active days');

-- bases of days: flat, compared, by workers
SET LOCAL timezone = 'Europe/Helsinki';
CREATE FUNCTION plan_of(question text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || question INTO plan;
	RETURN plan;
END $$;
SELECT is((SELECT growth(b::text::timeline_base, 'month@America/New_York')::text FROM (SELECT timelines(customer, day, amount) AS b FROM sale) q), (SELECT growth(timelines(customer, day, amount), 'month@America/New_York')::text FROM sale), 'a base that was written out and read');
SELECT is((SELECT b = c FROM (SELECT timelines(customer, day, amount)::timeline_base AS b, timelines(customer, day, amount, 'Europe/Helsinki')::timeline_base AS c FROM sale) q), false, 'days of no zone are not those of a zone');
SELECT is((SELECT b = c FROM (SELECT timelines(customer, day, amount)::timeline_base AS b, timelines(customer, day, amount::float8::numeric(12, 2))::timeline_base AS c FROM sale) q), true, '... and are themselves');
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
ALTER TABLE sale SET (parallel_workers = 2);
SELECT alike(plan_of('SELECT growth(timelines(customer, day, amount), ''month@America/New_York'') FROM sale'), '%Gather%', 'a plan with workers');
SELECT is((SELECT growth(timelines(customer, day, amount), 'month@America/New_York')::text FROM sale), (SELECT growth(timelines(customer, day, amount ORDER BY day), 'month@America/New_York')::text FROM sale), 'workers');

-- ---- one customer's ----

CREATE VIEW first_instant AS SELECT z.name, s.*, s.day::timestamp AT TIME ZONE z.name AS at FROM zone z, sale s WHERE s.day < '2024-10-01' AND z.name <> '<+05:45>-05:45';
SELECT is_empty(format('SELECT name FROM first_instant GROUP BY name HAVING timeline_agg(%s) <> timeline_agg(make_event(at => at%s))', collected, columns), 'timeline_agg(' || collected || ')')
FROM (VALUES ('day, amount, name', ', value => amount'), ('day, amount::float8, name', ', value => amount'), ('day, kind, name', ', kind => kind::text'), ('day, kind::text, name', ', kind => kind::text'), ('day, kind, amount, name', ', kind => kind::text, value => amount'), ('day, kind::text, amount::int, name', ', kind => kind::text, value => amount::int'),
	('make_event(at => day, value => amount, kind => kind, zone => name)', ', kind => kind::text, value => amount'), ('make_event(at => day, zone => name, ref => 5, label => kind)', ', ref => 5, label => kind::text')) v(collected, columns);
SELECT is_empty(format('SELECT name FROM zone WHERE name <> ''<+05:45>-05:45'' AND in_zone(name, %L) IS DISTINCT FROM in_zone(''UTC'', replace(%L, ''Z'', quote_literal(name)))', 'SELECT timeline_agg(' || collected || ') FROM sale', 'SELECT timeline_agg(make_event(at => day, zone => Z' || columns || ')) FROM sale'), 'timeline_agg(' || collected || ') in the session''s zone')
FROM (VALUES ('day', ''), ('day, amount', ', value => amount'), ('day, amount::int', ', value => amount::int'), ('day, amount::smallint', ', value => amount::int'), ('day, amount::bigint', ', value => amount::int'), ('day, amount::real', ', value => amount::real'), ('day, kind', ', kind => kind'), ('day, kind::text', ', kind => kind'), ('day, kind::text, amount', ', kind => kind, value => amount'),
	('day, kind, amount', ', kind => kind, value => amount'), ('make_event(at => day)', '')) v(collected, columns);
SELECT is(timeline_agg(date '2011-12-30', 5, 'Pacific/Apia'), timeline_agg(date '2011-12-31', 5, 'Pacific/Apia'), 'a day that the zone leaves out is the next one');
SELECT is_empty('SELECT name FROM zone, sale GROUP BY name HAVING activity_agg(day, name) <> activity_agg(day)', 'activity_agg(day, zone): the days themselves');
SELECT is_empty('SELECT name FROM (SELECT name, activity_set(timeline_agg(day, amount, name), name) AS got, activity_agg(day) AS days FROM zone, sale GROUP BY name) q WHERE got <> days', 'there and back');

-- ---- NULL, infinity, zones that there aren't ----

SELECT is((SELECT timeline FROM customer_timelines((SELECT timelines(1, NULL::date, 5)))), '[]'::event_timeline, 'no day, no event');
SELECT is(timeline_agg(d, 5, 'UTC'), '[]'::event_timeline, '... of one customer') FROM (VALUES (NULL::date)) v(d);
SELECT is(make_event(at => NULL::date), NULL, '... nor by make_event()');
SELECT throws_ok('SELECT ' || call, state, NULL, call) FROM (VALUES ('timelines(1, date ''infinity'')', '22008'), ('timeline_agg(date ''-infinity'', 5)', '22008'), ('make_event(at => date ''infinity'')', '22008'), ('activities(1, date ''infinity'', ''UTC'')', '22008'), ('timelines(1, date ''2024-01-01'', 5, ''Nowhere'')', '22023'), ('timeline_agg(date ''2024-01-01'', ''x'', ''Nowhere'')', '22023'),
	('make_event(at => date ''2024-01-01'', zone => ''Nowhere'')', '22023'), ('activity_agg(date ''2024-01-01'', ''Nowhere'')', '22023'), ('activities(1, date ''2024-01-01'', ''Nowhere'')', '22023'), ('timelines(1, date ''2024-01-01'', 5, NULL::text)', '22004'), ('timeline_agg(date ''2024-01-01'', 5, NULL::text)', '22004'), ('activity_agg(date ''2024-01-01'', NULL::text)', '22004'), ('activities(1, date ''2024-01-01'', NULL::text)', '22004')) v(call, state);
SELECT * FROM finish();
ROLLBACK;
