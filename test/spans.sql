--
-- Events with a length: what is made, stored and refused; worked examples; and against plain SQL, day by day, on
-- random events of some thousand customers, in zones whose clocks change: who is active, churned and retained,
-- and shares of values that add up to them exactly.
--
-- More: psql -v customers=20000
--
\ir reference/setup.sql
\if :{?customers}
\else
	\set customers 2000
\endif
BEGIN;
SELECT plan(122);
\ir reference/periods.sql
\ir reference/spans.sql
\ir reference/differences.sql

-- ---- what is made ----

SELECT is(make_event(at => timestamptz '2024-01-15 10:00Z', until => '2025-01-15 10:00Z', value => 120)::text,
	'{"at": "2024-01-15T10:00:00+00:00", "value": 120, "until": "2025-01-15T10:00:00+00:00"}', 'an event with a length');
SELECT is(make_event(at => date '2024-01-15', until => '2025-01-15', zone => 'Europe/Helsinki')::text,
	'{"at": "2024-01-14T22:00:00+00:00", "until": "2025-01-14T22:00:00+00:00"}', '... of days: until is the first instant of its day in the same zone');
SELECT is(make_event(at => date '2024-03-30', until => '2024-04-01', zone => 'Europe/Helsinki')::text,
	'{"at": "2024-03-29T22:00:00+00:00", "until": "2024-03-31T21:00:00+00:00"}', '... also where clocks change between: 47 hours');
SELECT is(make_event(at => timestamptz '2024-01-15Z', until => 'infinity')::text, '{"at": "2024-01-15T00:00:00+00:00", "until": "infinity"}', '... without end');
SELECT is(make_event(at => date '2024-01-15', until => 'infinity')::text, '{"at": "2024-01-15T00:00:00+00:00", "until": "infinity"}', '... of days');
SELECT is(make_event(at => timestamptz '2024-01-15Z', until => NULL)::text, '{"at": "2024-01-15T00:00:00+00:00"}', 'NULL: no length');
SELECT is(make_event(ref => 'A', at => timestamptz '2024-01-15Z', until => '2024-01-16Z', expires_at => '2024-01-17Z')::text, '{"at": "2024-01-15T00:00:00+00:00", "ref": "A", "expires_at": "2024-01-17T00:00:00+00:00", "until": "2024-01-16T00:00:00+00:00"}', 'every form has it: a text ref');
SELECT is(make_event(ref => '6f1e0d1c-0000-4000-8000-000000000001'::uuid, at => date '2024-01-15', until => '2024-01-16')::event_timeline::text, '[{"at": "2024-01-15T00:00:00+00:00", "ref": "6f1e0d1c-0000-4000-8000-000000000001", "until": "2024-01-16T00:00:00+00:00"}]', '... a uuid');
CREATE TYPE plan_kind AS ENUM ('yearly', 'monthly');
SELECT is(make_event(kind => 'yearly'::plan_kind, at => date '2024-01-15', until => '2025-01-15')::text, '{"at": "2024-01-15T00:00:00+00:00", "kind": "yearly", "until": "2025-01-15T00:00:00+00:00"}', '... an enum as kind');
SELECT is(make_event(label => 'monthly'::plan_kind, at => timestamptz '2024-01-15Z', until => '2024-02-15Z')::text, '{"at": "2024-01-15T00:00:00+00:00", "label": "monthly", "until": "2024-02-15T00:00:00+00:00"}', '... as label');
SELECT is('{"until": "2024-02-15T02:00+02", "at": "2024-01-15T00:00Z"}'::timeline_event, make_event(at => timestamptz '2024-01-15Z', until => '2024-02-15Z'), 'text is read');
SELECT is('{"until": null, "at": "2024-01-15T00:00Z"}'::timeline_event, make_event(at => timestamptz '2024-01-15Z'), '... a null is none');
SELECT is(array_agg(e.* ORDER BY e.at)::text, '{"(\"2024-01-15 00:00:00+00\",5,,,,,\"2024-01-16 00:00:00+00\")","(\"2024-01-16 00:00:00+00\",,,,,,infinity)","(\"2024-01-17 00:00:00+00\",,,,,,)"}', 'as rows')
FROM timeline_events('[{"at": "2024-01-15T00:00Z", "value": 5, "until": "2024-01-16T00:00Z"}, {"at": "2024-01-16T00:00Z", "until": "infinity"}, {"at": "2024-01-17T00:00Z"}]') e;
SELECT is(timeline_last('[{"at": "2024-01-15T00:00Z", "until": "2024-03-16T00:00Z"}]'), '2024-01-15Z', 'when a timeline''s last event is, is where it begins');
SELECT ok(make_event(at => timestamptz '2024-01-15Z') < make_event(at => timestamptz '2024-01-15Z', until => '2024-01-15Z')
	AND make_event(at => timestamptz '2024-01-15Z', until => '2024-01-15Z') < make_event(at => timestamptz '2024-01-15Z', until => '2024-01-16Z')
	AND make_event(at => timestamptz '2024-01-15Z', until => '2024-01-16Z') < make_event(at => timestamptz '2024-01-15Z', until => 'infinity'), 'order: none, by the end, without end');
SELECT is(pg_column_size(timeline_agg(at, 5)), pg_column_size(timeline_agg(make_event(at => at, value => 5))), 'what has no length takes no more than before')
FROM generate_series(timestamptz '2024-01-01Z', '2024-01-05Z', '1 day') at;
SELECT cmp_ok(pg_column_size(timeline_agg(make_event(at => at, value => 5, until => at + interval '1 year'))) - pg_column_size(timeline_agg(at, 5)), '<=', 2 + 5 * 3, '... a length takes three bytes')
FROM generate_series(timestamptz '2024-01-01Z', '2024-01-05Z', '1 day') at;

CREATE FUNCTION says(query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	EXECUTE query;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || hint;
END $$;
SELECT is(says($$SELECT make_event(at => date '2024-01-15', until => '2024-01-14')$$), '22023 an event can''t be from 2024-01-15T00:00:00+00:00 until 2024-01-14T00:00:00+00:00: it ends before it begins | until is exclusive, as the upper bound of a range: of a span whose last day is known it is the day after.', 'an end before the beginning');
SELECT alike(says($$SELECT make_event(at => date '2024-01-15', until => '-infinity')$$), '22023 %until -infinity: it ends before it begins%', '... -infinity');
SELECT alike(says($$SELECT make_event(at => timestamptz '2024-01-15Z', until => '2024-01-14 23:59:59.999999Z')$$), '22023 %it ends before it begins%', '... by a microsecond');
SELECT is(says($$SELECT make_event(at => date '2024-01-15', until => 'infinity', value => 1)$$), '22023 an event can''t be from 2024-01-15T00:00:00+00:00 until infinity: it has a value but no end | A value is spread over the days of its span: make an event of each time that is paid for, or leave the value out.', 'a value without end');
SELECT is(says($$SELECT make_event(at => date '2024-01-15', until => 'infinity', value => 0)$$), 'no error', '... but 0');
SELECT alike(says($$SELECT '{"at": "2024-01-15T00:00Z", "until": "2024-01-14T00:00Z"}'::timeline_event$$), '22023 %', 'in text, too');
SELECT alike(says($$SELECT '[{"at": "2024-01-15T00:00Z", "value": 2, "until": "infinity"}]'::event_timeline$$), '22023 %', '... a value without end');
SELECT alike(says($$SELECT '{"at": "2024-01-15T00:00Z", "until": 5}'::timeline_event$$), '22P02 %key "until" is a number%', '... a number');
SELECT alike(says($$SELECT '{"at": "2024-01-15T00:00Z", "untill": "2024-01-16T00:00Z"}'::timeline_event$$), '22P02 %"until"%', '... a wrong key''s hint names it');

-- ---- worked examples ----

CREATE TABLE subscription (customer_id int, starts date, ends date, price numeric);
INSERT INTO subscription VALUES (1, '2024-01-15', '2024-04-15', 100.00);
CREATE FUNCTION revenue(period text, as_of date) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT string_agg(revenue::text, ' ' ORDER BY period_start) FROM growth_table((SELECT growth(timelines(customer_id, make_event(at => starts, until => ends, value => price)), period::calendar_period, as_of) FROM subscription)) $$;
-- 91 days: 17, 29, 31, 14. 10000 cents: 1868.13, 3186.81, 3406.59, 1538.46: two are left, to .81 and .59
SELECT is(revenue('month', '2024-12-31'), '18.68 31.87 34.07 15.38 0.00 0.00 0.00 0.00 0.00 0.00 0.00 0.00', 'shares by days, by largest remainder');
-- 1868 * 6 / 17 = 659.29
SELECT is(revenue('month', '2024-01-20'), '6.59', '... up to as_of, rounded down');
SELECT is(revenue('month', '2024-02-29'), '18.68 31.87', '... whole where the period is over');
SELECT is(revenue('month', '2024-04-14'), '18.68 31.87 34.07 15.38', '... and where the span is');
SELECT is(revenue('year', '2024-04-14'), '100.00', '... in one period');
UPDATE subscription SET price = -100.00;
SELECT is(returned, '18.68 31.87 34.07 15.38', 'a negative one is spread as a positive one is, and is nobody''s activity')
FROM (SELECT string_agg(returned::text, ' ' ORDER BY period_start) AS returned FROM growth_table((SELECT growth(timelines(customer_id, make_event(at => starts, until => ends, value => price)), 'month', '2024-04-30') FROM subscription)) WHERE active = 0) r;
UPDATE subscription SET price = 1, ends = '2024-01-18';
-- 3 days: 33.33 each: the cent that is left is the first one's
SELECT is(revenue('day', '2024-01-18'), '0.34 0.33 0.33 0.00', 'a whole amount is spread in cents; of equal remainders to the first');
UPDATE subscription SET price = 0.001, ends = '2024-01-18';
SELECT is(revenue('day', '2024-01-18'), '0.001 0.000 0.000 0.000', '... one of more decimals in its own');
TRUNCATE subscription;
-- three of a subscription box: by the year; by the month, ending; again after a month off
INSERT INTO subscription VALUES (1, '2024-01-15', '2025-01-15', 120), (2, '2024-02-01', '2024-03-01', 10), (2, '2024-03-01', '2024-04-01', 10), (3, '2024-01-10', '2024-02-10', 10), (3, '2024-04-10', '2024-05-10', 10);
SELECT is(lines($$SELECT to_char(period_start, 'MM'), active, new, retained, resurrected, churned FROM growth_table((SELECT growth(timelines(customer_id, make_event(at => starts, until => ends, value => price)), 'month', '2024-06-30') FROM subscription))$$),
	'01,2,2,0,0,0 02,3,1,2,0,0 03,2,0,2,0,1 04,2,0,1,1,1 05,2,0,2,0,0 06,1,0,1,0,1', 'yearly ones don''t churn after a month, and a month ends before the day after it');
SELECT is(lines($$SELECT to_char(period_start, 'MM'), active, new, retained, resurrected, churned FROM growth_table((SELECT growth(activities(customer_id, activity_set(daterange(starts, ends))), 'month', '2024-06-30') FROM subscription))$$),
	'01,2,2,0,0,0 02,3,1,2,0,0 03,2,0,2,0,1 04,2,0,1,1,1 05,2,0,2,0,0 06,1,0,1,0,1', '... over days the same');
SELECT is(lines($$SELECT to_char(period_start, 'MM'), active, churned FROM churn_table((SELECT growth(timelines(customer_id, make_event(at => starts, until => ends, value => price)), 'month', '2024-06-30') FROM subscription))$$),
	'02,2,0 03,3,1 04,2,1 05,2,0 06,2,1', 'churn_table() of it');
SELECT is(lines($$SELECT to_char(cohort, 'MM'), lag, retained FROM retention_table((SELECT retention(timelines(customer_id, make_event(at => starts, until => ends)), 'month', '2024-06-30', elapsed => NULL) FROM subscription)) ORDER BY 1, 2$$),
	'01,0,2 01,1,2 01,2,1 01,3,2 01,4,2 01,5,1 02,0,1 02,1,1 02,2,0 02,3,0 02,4,0', 'retention by the calendar');
SELECT is(lines($$SELECT to_char(cohort, 'MM'), lag, retained FROM retention_table((SELECT retention(timelines(customer_id, make_event(at => starts, until => ends)), 'month', '2024-06-30', elapsed => '30 days') FROM subscription)) WHERE cohort = '2024-01-01' ORDER BY 1, 2$$),
	'01,0,2 01,1,2 01,2,1 01,3,2 01,4,2', '... by elapsed time: 31 days touch the second 30, 91 days later begins the fourth');
SELECT is(lines($$SELECT to_char(cohort, 'MM'), lag, retained FROM retention_table((SELECT retention(timelines(customer_id, make_event(at => starts, until => ends)), 'month', '2024-06-30', elapsed => NULL, at_least => 2) FROM subscription)) WHERE retained > 0 ORDER BY 1, 2$$),
	'', 'at_least counts an event once in each period that it touches: nobody has two in a month');
SELECT is(lines($$SELECT lag, active, orders, revenue FROM cohort_value_table((SELECT cohort_value(timelines(customer_id, make_event(at => starts, until => ends, value => price)), 'month', '2024-06-30') FROM subscription WHERE customer_id = 2))$$),
	'0,1,1,10.00 1,1,1,10.00 2,0,0,0.00 3,0,0,0.00 4,0,0,0.00', 'money per cohort: an order where it begins, revenue by days');
-- 366 days: 17, 29, 31, 30, 31, 30 by the end of June: 557.38, 950.82, 1016.39, 983.61, 1016.39, 983.61 cents; of all 13
-- months floors leave 5 or so to the largest remainders: checked against plain SQL below
SELECT is(lines($$SELECT sum(revenue), sum(orders) FROM cohort_value_table((SELECT cohort_value(timelines(customer_id, make_event(at => starts, until => ends, value => price)), 'month', '2025-06-30') FROM subscription WHERE customer_id = 1))$$), '120.00,1', '... all of it in the end');
-- lags of 100 days: 366 = 100 + 100 + 100 + 66; 12000 cents: 3278.69, 3278.69, 3278.69, 2163.93: the last one, then the first two
SELECT is(lines($$SELECT lag, revenue FROM cohort_value_table((SELECT cohort_value(timelines(customer_id, make_event(at => starts, until => ends, value => price)), 'year', '2025-06-30', elapsed => '100 days') FROM subscription WHERE customer_id = 1)) WHERE lag < 4$$),
	'0,32.79 1,32.79 2,32.78 3,21.64', '... by elapsed time');
SELECT is(customer_id || ' ' || string_agg(r.recency || ',' || r.frequency || ',' || r.monetary, ''), expected, 'recency is from the end of what was bought, 0 while it runs')
FROM (SELECT customer_id, rfm(timeline_agg(make_event(at => starts, until => ends, value => price)), '2024-04-30') AS r FROM subscription GROUP BY customer_id) q,
	LATERAL (SELECT (r).*) r, unnest(ARRAY['1 0,1,120', '2 30,2,20', '3 0,2,20']) expected WHERE left(expected, 1) = customer_id::text GROUP BY customer_id, expected ORDER BY 1;
SELECT is((rfm(t, '2024-03-10')).recency, 30, '... counted from its last day') FROM (SELECT timeline_agg(make_event(at => starts, until => ends)) AS t FROM subscription WHERE customer_id = 3) q; -- 9 February; to 9 March it is 29 days
SELECT is(array_agg(d ORDER BY customer_id)::text, '{"(351,f)","(90,t)","(61,t)"}', 'who leaves does so from the end on: 2 with 60 days and a gap of 30, 3 with 31 and 30')
FROM (SELECT customer_id, churn_duration(activity_set(timeline_agg(make_event(at => starts, until => ends))), 30, '2024-12-31') AS d FROM subscription GROUP BY customer_id) q;
-- 2 is through on 31 March and has missed April, May and June; 3 has missed June
SELECT is(string_agg(stage, ', ' ORDER BY customer_id), 'current, dormant, at risk', 'lifecycle by the days of spans')
FROM (SELECT customer_id, lifecycle(activity_set(timeline_agg(make_event(at => starts, until => ends))), 'month', '2024-06-30') AS stage FROM subscription GROUP BY customer_id) q;

-- without end: up to as_of
SELECT is(lines(format($$SELECT period_start, active, churned FROM growth_table((SELECT growth(timelines(1, make_event(at => timestamptz '2024-01-15Z', until => %L)), 'month', '2024-03-10')))$$, u)), '2024-01-01,1,0 2024-02-01,1,0 2024-03-01,1,0', 'until ' || u)
FROM (VALUES ('infinity'), ('9999-12-31Z')) v(u);
SELECT is(activity_set(make_event(at => timestamptz '2024-01-30Z', until => 'infinity'), as_of => '2024-02-01')::text, '{2024-01-30,2024-01-31,2024-02-01}', 'days without end, up to as_of');
SELECT is(says($$SELECT activity_set(make_event(at => timestamptz '2024-01-30Z', until => 'infinity'))$$), '22023 an event without end has days without end | Give as_of, the last day that counts.', '... which they need');
SELECT is((SELECT as_of FROM growth_table((SELECT growth(timelines(1, make_event(at => timestamptz '2024-01-15Z', until => '2024-02-10Z')), 'month'))) LIMIT 1), '2024-02-09', 'as_of by default: the last day that a span touches');
SELECT is((SELECT as_of FROM growth_table((SELECT growth(timelines(1, make_event(at => timestamptz '2024-01-15Z', until => 'infinity')), 'month'))) LIMIT 1), current_date, '... no later than today');
SELECT is((SELECT max(as_of) FROM growth_table((SELECT growth(t, 'month') FROM (SELECT timeline_agg(make_event(at => timestamptz '2024-01-15Z', until => '2024-02-10Z')) AS t) q))), '2024-02-09', '... of the aggregate, too');

-- days of a range
SELECT is(activity_set(daterange('2024-01-30', '2024-02-02'))::text, '{2024-01-30,2024-01-31,2024-02-01}', 'activity_set() of a range');
SELECT is(activity_set(daterange('2024-01-30', '2024-02-02', '[]'), '2024-01-31')::text, '{2024-01-30,2024-01-31}', '... up to a day');
SELECT is(activity_set(daterange('2024-01-30', NULL), '2024-01-31')::text, '{2024-01-30,2024-01-31}', '... without end');
SELECT is(activity_set(daterange('2024-01-30', 'infinity'), '2024-01-31')::text, '{2024-01-30,2024-01-31}', '... with an infinite one');
SELECT is(activity_set(daterange('2024-01-30', '2024-02-02'), '2024-01-29')::text, '{}', '... before it began');
SELECT is(activity_set('empty'::daterange)::text, '{}', '... that is empty');
SELECT is(activity_set(NULL::daterange), NULL, '... NULL');
SELECT is(says($$SELECT activity_set(daterange('2024-01-30', NULL))$$), '22023 a range without upper bound has days without end | Give as_of, the last day that counts.', '... without end and as_of');
SELECT is(says($$SELECT activity_set(daterange('2024-01-30', 'infinity'))$$), '22023 a range without upper bound has days without end | Give as_of, the last day that counts.', '... with an infinite one');
SELECT is(says(format('SELECT activity_set(daterange(%L, ''2024-01-30''), ''2024-01-01'')', since)), '22023 a range without lower bound has days without end | Give the day on which it begins.', 'a range from ' || coalesce(since, 'NULL')) FROM (VALUES (NULL), ('-infinity')) v(since);
SELECT alike(says($$SELECT activity_set(daterange('2024-01-30', '2024-02-01'), 'infinity')$$), '22008 as_of%', 'an infinite as_of');

-- ---- spans that are too long ----

SELECT alike(says(query), '54000 a span touches more than 100000 ' || what || ' | Give an as_of before that, ask by a longer period, or end the span earlier.', query) FROM (VALUES
	($$SELECT growth(timelines(1, make_event(at => timestamptz '4000-01-01Z BC', until => '294000-01-01Z')), 'day', '294000-01-01')$$, 'periods'),
	($$SELECT growth(timelines(1, make_event(at => timestamptz '4000-01-01Z BC', until => 'infinity')), 'day', '294000-01-01')$$, 'periods'),
	($$SELECT growth(timelines(1, make_event(at => timestamptz '4000-01-01Z BC', until => '294000-01-01Z', value => 1)), 'month', '2024-01-01')$$, 'periods'),
	($$SELECT retention(timelines(1, make_event(at => timestamptz '4000-01-01Z BC', until => '294000-01-01Z')), 'month', '294000-01-01', elapsed => '1 minute')$$, 'lags'),
	($$SELECT retention(timelines(1, make_event(at => timestamptz '2000-01-01Z', until => 'infinity')), 'week', '200000-01-01', elapsed => NULL)$$, 'periods'),
	($$SELECT cohort_value(timelines(1, make_event(at => timestamptz '4000-01-01Z BC', until => '294000-01-01Z', value => 1)), 'day', '2024-01-01')$$, 'periods'),
	($$SELECT activity_set(make_event(at => timestamptz '4000-01-01Z BC', until => '294000-01-01Z'))$$, 'days'),
	($$SELECT activity_set(daterange('2024-01-01', '9999-12-31'))$$, 'days')) v(query, what);
SELECT is(says($$SELECT growth(t, 'month', NULL) FROM (SELECT timeline_agg(make_event(at => timestamptz '2024-01-01Z', until => 'infinity')) AS t) q$$), 'no error', 'a NULL as_of is a day');
SELECT is((SELECT count(*) FROM activity_days(activity_set(daterange('2024-01-01', date '2024-01-01' + 100000)))), 100000::bigint, 'as many as that are days');
SELECT is((SELECT active FROM growth_table((SELECT growth(timelines(1, make_event(at => timestamptz '1900-01-01Z', until => '294000-01-01Z')), 'year', '2024-12-31'))) ORDER BY period_start DESC LIMIT 1), 1::bigint, 'what ends in 292,000 years counts up to as_of');
SELECT is((SELECT sum(revenue) FROM growth_table((SELECT growth(timelines(1, make_event(at => timestamptz '2000-01-01Z', until => '2024-01-01Z', value => 92233720368547758.07)), 'day', '2024-01-01')))), 92233720368547758.07, 'the largest value adds up');
SELECT alike(says($$SELECT growth(timelines(1, make_event(at => timestamptz '2000-01-01Z', until => '2024-01-01Z', value => 9223372036854775807)), 'day', '2024-01-01')$$), '22003 %', 'one that has no room for cents');

-- ---- against plain SQL ----

SELECT setseed(0.37);
-- 1 to 4 events of a customer, of some hours to two years, a few without length, of no length, without end; renewals on
-- the day; some begin and end around the changes of clocks; some decimals, whole amounts, negative and absent values
INSERT INTO spell
SELECT row_number() OVER (), customer, at,
	CASE kind WHEN 0 THEN NULL WHEN 1 THEN at WHEN 2 THEN CASE WHEN v IS NULL OR v = 0 THEN 'infinity'::timestamptz ELSE at + interval '1 year' END WHEN 3 THEN at + random() * interval '60 hours' WHEN 4 THEN at + interval '1 year' ELSE at + trunc(random() * 90) * interval '1 day' + random() * interval '1 day' END,
	v
FROM (SELECT customer, CASE WHEN customer % 5 = 0 THEN date_trunc('day', at) WHEN customer % 5 = 1 THEN timestamptz '2017-10-14 20:00Z' + random() * interval '30 hours' + trunc(random() * 3) * interval '14 days' ELSE at END AS at, trunc(random() * 9)::int AS kind,
		CASE WHEN random() < 0.15 THEN NULL WHEN random() < 0.1 THEN -round((random() * 50)::numeric, customer % 4) WHEN random() < 0.05 THEN 0 ELSE round((random() * 200)::numeric, customer % 4) END AS v
	  FROM (SELECT customer, timestamptz '2017-06-01Z' + random() * interval '500 days' AS at FROM generate_series(1, :customers) customer, generate_series(1, 1 + customer % 4)) r) s;
-- the month after
INSERT INTO spell SELECT :customers * 10 + id, customer, until, until + interval '31 days', value FROM spell WHERE until < 'infinity' AND until > at AND id % 6 = 0;
ANALYZE spell;
SELECT cmp_ok((SELECT count(*)::int FROM spell WHERE until > at), '>', 2 * :customers / 2, 'there are spans');
CREATE VIEW collected AS SELECT timelines(customer, make_event(at => at, until => until, value => value)) AS base FROM spell;

CREATE TABLE question (id int GENERATED ALWAYS AS IDENTITY, zone text, period text, as_of date);
INSERT INTO question (zone, period, as_of) VALUES
	('UTC', 'month', '2018-06-17'), ('UTC', 'quarter:02-01', '2019-09-30'), ('UTC', 'week:sunday', '2018-03-03'), ('Europe/Helsinki', 'month', '2017-10-29'), ('Europe/Helsinki', 'week', '2018-01-10'), ('Europe/Helsinki', 'month:15', '2019-09-30'),
	('America/Sao_Paulo', 'day', '2017-11-05'), ('America/Sao_Paulo', 'month', '2018-02-17'), ('America/Sao_Paulo', '{2017-01-01,2017-10-15,2018-02-17,2018-02-18,2018-11-04}', '2019-06-30');
CREATE TABLE asked (zone text, name text, got text, wanted text);
INSERT INTO asked
SELECT zone, format('%s by %s in %s as of %s', what, period, zone, as_of), format(got, period, as_of, zone), format(wanted, period, as_of, zone)
FROM question, (VALUES
	('growth', 'SELECT t.period_start, active, new, retained, resurrected, churned, opening_revenue + 0.000, new_revenue + 0.000, expansion + 0.000, resurrected_revenue + 0.000, contraction + 0.000, churned_revenue + 0.000, revenue + 0.000, returned + 0.000 FROM collected CROSS JOIN LATERAL growth_table(growth(base, %L, %L)) t',
		'SELECT period_start, active, new, retained, resurrected, churned, (opening_revenue + 0.000)::numeric(30,3), (new_revenue + 0.000)::numeric(30,3), (expansion + 0.000)::numeric(30,3), (resurrected_revenue + 0.000)::numeric(30,3), (contraction + 0.000)::numeric(30,3), (churned_revenue + 0.000)::numeric(30,3), (revenue + 0.000)::numeric(30,3), (returned + 0.000)::numeric(30,3) FROM ref_spell_growth(%L, %L)'),
	('retention', 'SELECT t.cohort, t.lag, t.retained FROM collected CROSS JOIN LATERAL retention_table(retention(base, %L, %L, elapsed => NULL)) t WHERE retained > 0', 'SELECT * FROM ref_spell_retention(%L, %L)'),
	('elapsed retention', 'SELECT t.cohort, t.lag, t.retained FROM collected CROSS JOIN LATERAL retention_table(retention(base, %L, %L, elapsed => ''36 hours'')) t WHERE retained > 0', 'SELECT * FROM ref_spell_lags(%1$L, %3$L, %2$L, ''36 hours'')'),
	('days', 'SELECT c.customer, activity_set(c.timeline, as_of => %2$L)::date[] FROM collected CROSS JOIN LATERAL customer_timelines(base) c', 'SELECT customer, coalesce(array_agg(DISTINCT day ORDER BY day) FILTER (WHERE day <= %2$L AND coalesce(value, 0) >= 0), ''{}'') FROM spell_day JOIN spell USING (id, customer) GROUP BY customer'),
	('money per cohort', 'SELECT t.lag, sum(revenue)::numeric(30,3), sum(active) FROM collected CROSS JOIN LATERAL cohort_value_table(cohort_value(base, %L, %L)) t GROUP BY t.lag HAVING sum(active) > 0 OR sum(revenue) <> 0',
		'SELECT n - first, sum(revenue)::numeric(30,3), sum(active) FROM (SELECT customer, n, min(n) OVER (PARTITION BY customer) AS first, sum(amount) AS revenue, bool_or(active)::int::bigint AS active FROM ref_spell_periods(%L, %L) GROUP BY customer, n) p GROUP BY n - first HAVING sum(active) > 0 OR sum(revenue) <> 0')
) v(what, got, wanted)
WHERE what IN ('growth', 'retention') OR question.id % 3 = 1
ORDER BY zone, question.id;

CREATE FUNCTION answers() RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	a record;
	now_in text := '';
BEGIN
	FOR a IN SELECT * FROM asked ORDER BY zone, name LOOP
		IF a.zone <> now_in THEN
			PERFORM ref_enter_zone(a.zone, '2019-10-31');
			now_in := a.zone;
		END IF;
		RETURN NEXT is_empty(format('SELECT * FROM differences(%L, %L)', a.got, a.wanted), a.name);
	END LOOP;
	PERFORM set_config('timezone', 'UTC', false);
END $$;
SELECT * FROM answers();

-- each event's revenue adds up to its value, by any period, also where as_of comes before the end of the period
SELECT is_empty(format($$SELECT id, value FROM (SELECT id, value, growth(timelines(1, make_event(at => at, until => until, value => value)), %L, '2021-01-01') AS r FROM spell WHERE id %% 4 = 0 GROUP BY id) q
	WHERE (SELECT sum(revenue - returned) FROM growth_table(r)) <> coalesce(value, 0)$$, period), 'revenue by ' || period || ' adds up to the value, event by event') FROM unnest(ARRAY['day', 'week', 'month', 'quarter:02-01', 'year@America/Sao_Paulo']) period;
SELECT is((SELECT sum(revenue - returned) FROM collected, growth_table(growth(base, 'month', '2021-01-01'))), (SELECT sum(value) FROM spell), '... of all');
-- ---- the same by every way ----

CREATE TABLE stored AS SELECT customer, timeline_agg(make_event(at => at, until => until, value => value)) AS t FROM spell GROUP BY customer;
SELECT is_empty($$SELECT customer FROM stored WHERE t::text::event_timeline::text <> t::text OR t::text::event_timeline <> t$$, 'text reads back');
SELECT is_empty($$SELECT customer FROM stored JOIN (SELECT c.* FROM collected CROSS JOIN LATERAL customer_timelines(base) c) c USING (customer) WHERE c.timeline::text <> t::text$$, 'collected as summed up');
SELECT is((SELECT growth(t, 'month', '2018-06-17') FROM stored)::text, (SELECT growth(base, 'month', '2018-06-17') FROM collected)::text, 'growth() over summaries');
SELECT is((SELECT rollup(r)::text FROM (SELECT growth(t, 'month', '2018-06-17') AS r FROM stored GROUP BY customer % 7) q), (SELECT growth(base, 'month', '2018-06-17') FROM collected)::text, '... and rolled up');
SELECT is((SELECT retention(t, 'month', '2018-06-17', retention_options(calendar => true)) FROM stored)::text, (SELECT retention(base, 'month', '2018-06-17', elapsed => NULL) FROM collected)::text, 'retention() over summaries');
SELECT is_empty($$SELECT customer FROM stored WHERE timeline_slice(t, NULL, '2018-01-01Z') + timeline_slice(t, '2018-01-01Z', NULL) IS DISTINCT FROM t$$, 'slices by where events begin add up');
SELECT is((SELECT growth(timelines(customer, day, 1.00), 'month@Asia/Tokyo', '2024-03-31') FROM (VALUES (1, date '2024-01-31')) v(customer, day))::text, (SELECT growth(timelines(customer, t), 'month@Asia/Tokyo', '2024-03-31') FROM (SELECT 1 AS customer, timeline_agg(make_event(at => date '2024-01-31', until => '2024-02-01', value => 1, zone => 'Asia/Tokyo')) AS t) q)::text, 'a day is what a span of a day is');
SELECT * FROM finish();
ROLLBACK;
