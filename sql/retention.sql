--
-- retention: an example that can be checked by hand, with all columns.
--
-- customer  Jan        Feb        Mar        Apr        May
-- 1         5          5          .          2
-- 2         31         .          1
-- 3                    29         .          30
-- 4                                                     1 (as_of 10 May)
-- 5         a member without events; two guests
--
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset null '(null)'

CREATE TABLE visit (customer int, day date);
INSERT INTO visit VALUES (1, '2024-01-05'), (1, '2024-02-05'), (1, '2024-04-02'), (2, '2024-01-31'), (2, '2024-03-01'), (3, '2024-02-29'), (3, '2024-04-30'),
	(4, '2024-05-01'), (4, '2024-06-01'), (5, NULL), (NULL, '2024-01-01'), (NULL, NULL);

-- a cell that nobody filled is 0, one that can't be observed is absent, the running one is not complete
SELECT t.cohort, t.cohort_size AS size, t.lag, t.period_start, t.period_end, t.retained, t.rate, round(t.lower::numeric, 6) AS lower, round(t.upper::numeric, 6) AS upper,
	   t.retained_after, t.rate_after, t.complete, t.as_of
  FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10') AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;
SELECT c.lag, c.eligible, c.retained, c.rate, round(c.lower::numeric, 6) AS lower, round(c.upper::numeric, 6) AS upper, c.retained_after, c.rate_after
  FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10') AS r FROM visit) q CROSS JOIN LATERAL retention_curve(q.r) c;
SELECT c.* FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10') AS r FROM visit) q CROSS JOIN LATERAL retention_totals(q.r) c;

-- the last day of a period completes it
SELECT d.last_day, t.cohort, t.lag, t.retained, t.retained_after, t.complete
  FROM unnest(ARRAY[date '2024-02-28', '2024-02-29', '2024-03-01']) AS d(last_day)
 CROSS JOIN LATERAL (SELECT retention(activities(customer, day), 'month', d.last_day) AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;

-- as_of is the day of the last event by default; period is the month
SELECT t.as_of, t.period, t.cohorts, t.customers, t.members_without_events, t.rows_without_customer
  FROM (SELECT retention(activities(customer, day)) AS r FROM visit) q CROSS JOIN LATERAL retention_totals(q.r) t;
SELECT count(*) AS cells, min(t.period_start), max(t.period_end), bool_or(t.complete) AS any_complete
  FROM (SELECT retention(activities(customer, day), 'year') AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;

-- before all events, long after them
SELECT t.* FROM (SELECT retention(activities(customer, day), 'month', '2023-12-31') AS r FROM visit) q CROSS JOIN LATERAL retention_totals(q.r) t;
SELECT count(*) AS cells FROM (SELECT retention(activities(customer, day), 'month', '2023-12-31') AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;
SELECT t.cohort, t.lag, t.retained, t.retained_after, t.complete
  FROM (SELECT retention(activities(customer, day), 'year', '2026-12-31') AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;

-- nobody, and members only
SELECT retention(activities(customer, day)) IS NULL AS of_nothing FROM visit WHERE false;
SELECT t.* FROM (SELECT retention(activities(customer, day)) AS r FROM visit WHERE day IS NULL) q CROSS JOIN LATERAL retention_totals(q.r) t;
SELECT count(*) AS cells FROM (SELECT retention(activities(customer, day)) AS r FROM visit WHERE day IS NULL) q CROSS JOIN LATERAL retention_table(q.r) t;

-- the two-level aggregate, with and without as_of
CREATE TABLE stored_visit AS SELECT customer, activity_agg(day) AS activity FROM visit WHERE customer IS NOT NULL GROUP BY customer;
SELECT t.cohort, t.cohort_size, t.lag, t.retained, t.retained_after, t.complete
  FROM (SELECT retention(activity, 'quarter:02-01', '2024-05-10') AS r FROM stored_visit) q CROSS JOIN LATERAL retention_table(q.r) t;
SELECT t.as_of, t.cohorts, t.customers, t.members_without_events
  FROM (SELECT retention(activity, 'month') AS r FROM stored_visit) q CROSS JOIN LATERAL retention_totals(q.r) t;

-- results of disjoint customers add up
SELECT t.cohort, t.cohort_size, t.lag, t.retained, t.retained_after, t.complete
  FROM (SELECT rollup(r) AS r FROM (SELECT retention(activity, 'quarter:02-01', '2024-05-10') AS r FROM stored_visit GROUP BY customer % 2) g) q
 CROSS JOIN LATERAL retention_table(q.r) t;
SELECT rollup(r) IS NULL AS rollup_of_nulls FROM (VALUES (NULL::retention_result)) v(r);
SELECT attempt($$SELECT rollup(r) FROM (SELECT retention(activity, p, '2024-05-10') AS r FROM stored_visit, (VALUES ('month'::calendar_period), ('week')) v(p) GROUP BY p) g$$) AS other_period;
SELECT attempt($$SELECT rollup(r ORDER BY d DESC) FROM (SELECT d, retention(activity, 'month', d) AS r FROM stored_visit, (VALUES (date '2024-05-10'), ('2024-05-11')) v(d) GROUP BY d) g$$) AS other_as_of;
SELECT attempt($$SELECT rollup(r) FROM (SELECT retention(activities(1, timestamptz '2024-01-01 02:00+00', 'UTC'), 'month', '2024-02-01') AS r
 UNION ALL SELECT retention(activities(2, timestamptz '2024-01-01 02:00+00', 'Asia/Tokyo'), 'month', '2024-02-01')) g$$) AS other_zone;

-- text form reads back
SELECT r::text AS result, r::text::retention_result = r AS reads_back FROM (SELECT retention(activity, 'quarter', '2024-05-10') AS r FROM stored_visit) q;

-- errors
SELECT attempt($$SELECT retention(activities(customer, day), 'fortnight') FROM visit$$) AS unknown_period;
SELECT attempt($$SELECT retention(activities(customer, day), 'month', 'infinity') FROM visit$$) AS infinite_as_of;
SELECT attempt($$SELECT retention(activities(customer, day), '{2024-02-01,2024-03-01}') FROM visit WHERE customer = 2$$) AS before_the_list;
SELECT attempt($$SELECT count(*) FROM (SELECT retention(activities(customer, day)) AS r FROM visit) q, LATERAL retention_table(q.r, 1.0) t$$) AS confidence_1;
SELECT attempt($$SELECT count(*) FROM (SELECT retention(activities(customer, day)) AS r FROM visit) q, LATERAL retention_table(q.r, 0) t$$) AS confidence_0;
SELECT attempt($$SELECT count(*) FROM (SELECT retention(activities(customer, day)) AS r FROM visit) q, LATERAL retention_curve(q.r, 'NaN') t$$) AS confidence_nan;
SELECT attempt($$SELECT retention(activity, p, '2024-05-10') FROM stored_visit, (VALUES ('month'::calendar_period), ('week')) v(p)$$) AS period_changes_midway;
SELECT attempt($$SELECT retention(activity, 'month', d) FROM stored_visit, (VALUES (date '2024-05-10'), ('2024-05-11')) v(d)$$) AS as_of_changes_midway;
SELECT attempt($$SELECT retention(activity, NULL::calendar_period, '2024-05-10') FROM stored_visit$$) AS null_period;
SELECT attempt($$SELECT retention(activities(customer, day), NULL) FROM visit$$) AS null_period_over_a_base;
SELECT attempt($$SELECT retention(activities(1, timestamptz '2024-01-01', 'Asia/Tokyo'), 'month@Europe/Helsinki')$$) AS days_of_another_zone;
SELECT attempt($$SELECT retention(activities(1, timestamptz '2024-01-01'), 'month@Europe/Helsinki')$$) AS days_of_the_session;
SELECT attempt($$SELECT count(*) FROM retention_table(retention_result 'null')$$) AS no_result;

-- the other kinds. Recurring: customer 1 is in the cohorts of January, February and April
SELECT t.cohort, t.cohort_size AS size, t.lag, t.retained, t.retained_after AS after, t.complete
  FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10', mode => 'recurring') AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;
SELECT c.customers, c.memberships, c.options FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10', mode => 'recurring') AS r FROM visit) q CROSS JOIN LATERAL retention_totals(q.r) c;

-- brackets: the running period makes (2,4) of January incomplete; (3,5) of March hasn't begun
SELECT t.cohort, t.cohort_size AS size, t.lag, t.until_lag, t.period_start, t.period_end, t.retained, t.rate, t.retained_after AS after, t.complete
  FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10', brackets => '{{3,5},{1,1},{2,4}}') AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;
SELECT c.lag, c.until_lag, c.eligible, c.retained, c.rate, c.retained_after
  FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10', brackets => '{{3,5},{1,1},{2,4}}') AS r FROM visit) q CROSS JOIN LATERAL retention_curve(q.r) c;

-- windows of two months
SELECT t.cohort, t.cohort_size AS size, t.lag, t.period_start, t.period_end, t.retained, t.retained_after AS after, t.complete
  FROM (SELECT retention(activities(customer, day), 'month', '2024-05-10', rolling => 2) AS r FROM visit) q CROSS JOIN LATERAL retention_table(q.r) t;

-- signed up, and visited: 1 signed up in February after the first visit, 3 after the last one; 6 never visited, 2 never signed up
CREATE TABLE signup (customer int, day date);
INSERT INTO signup VALUES (1, '2024-02-05'), (1, '2024-04-20'), (3, '2024-05-01'), (4, '2024-05-01'), (6, '2024-02-11'), (NULL, '2024-01-01');
SELECT t.cohort, t.cohort_size AS size, t.lag, t.retained, t.retained_after AS after, t.complete
  FROM (SELECT activities(customer, day) AS b FROM signup) s CROSS JOIN (SELECT activities(customer, day) AS b FROM visit) v
 CROSS JOIN LATERAL retention_table(retention(s.b, v.b, 'month', '2024-05-10')) t;
SELECT n.as_of, n.customers, n.members_without_events, n.rows_without_customer, n.options
  FROM (SELECT activities(customer, day) AS b FROM signup) s CROSS JOIN (SELECT activities(customer, day) AS b FROM visit) v
 CROSS JOIN LATERAL retention_totals(retention(s.b, v.b, 'month', NULL)) n;

-- lags of 48 hours: at the end of 10 January four of them are over for 1, three for 2, none for 3
CREATE TABLE happened (customer int, at timestamptz, value numeric);
INSERT INTO happened VALUES (1, '2024-01-02 23:45', 5), (1, '2024-01-03 00:01', 5), (1, '2024-01-06 23:45', -5), (1, '2024-01-08 23:44', 5), (1, '2024-01-10 23:50', 5),
	(2, '2024-01-04 12:00', 0), (2, '2024-01-10 13:00', NULL), (3, '2024-01-10 09:00', 1), (4, '2024-01-05', -1);
SELECT t.cohort, t.cohort_size AS size, t.lag, t.period_start, t.eligible, t.retained, t.rate, t.retained_after AS after, t.complete
  FROM (SELECT retention(timelines(customer, at, value), 'week', elapsed => '48 hours') AS r FROM happened) q CROSS JOIN LATERAL retention_table(q.r) t;
SELECT n.* FROM (SELECT retention(timelines(customer, at, value), 'week', elapsed => '48 hours') AS r FROM happened) q CROSS JOIN LATERAL retention_totals(q.r) n;

-- the two-level forms
SELECT retention(activity, 'month', '2024-05-10', retention_options('recurring', rolling => 2)) AS result FROM stored_visit;
SELECT retention(s.activity, v.activity, 'month', '2024-05-10', NULL) AS result
  FROM (SELECT customer, activity_agg(day) AS activity FROM signup WHERE customer IS NOT NULL GROUP BY customer) s LEFT JOIN stored_visit v USING (customer);
SELECT retention(timeline, 'week', '2024-01-10', '{"elapsed": "48 hours"}') AS result FROM (SELECT timeline_agg(at, value) AS timeline FROM happened GROUP BY customer) s;

-- contradictions
SELECT attempt($$SELECT retention(activities(customer, day), mode => 'last') FROM visit$$) AS unknown_mode;
SELECT attempt($$SELECT retention(activities(customer, day), rolling => 0) FROM visit$$) AS no_window;
SELECT attempt($$SELECT retention(activities(customer, day), rolling => 2, brackets => '{{1,3}}') FROM visit$$) AS rolling_brackets;
SELECT attempt($$SELECT retention(activities(customer, day), brackets => '{1,3}') FROM visit$$) AS no_pairs;
SELECT attempt($$SELECT retention(activities(customer, day), brackets => '{{3,1}}') FROM visit$$) AS backwards;
SELECT attempt($$SELECT retention(timelines(customer, at), elapsed => '1 month') FROM happened$$) AS months_differ;
SELECT attempt($$SELECT retention(timelines(customer, at), at_least => NULL) FROM happened$$) AS at_least_null;
SELECT attempt($$SELECT retention_options('recurring', elapsed => '1 day')$$) AS recurring_elapsed;
SELECT attempt($$SELECT retention(activity, 'month', NULL, '{"elapsed": "1 day"}'::jsonb) FROM stored_visit$$) AS elapsed_without_instants;
SELECT attempt($$SELECT retention(timeline, 'month', NULL) FROM (SELECT timeline_agg(at, value) AS timeline FROM happened GROUP BY customer) s$$) AS elapsed_without_as_of;
SELECT attempt($$SELECT retention(s, v, 'month', NULL) FROM (SELECT activities(customer, day) AS s FROM signup) s, (SELECT activities(customer::text, day) AS v FROM visit) v$$) AS other_customers;
SELECT attempt($$SELECT retention(activity, 'month', NULL, options) FROM stored_visit, (VALUES (jsonb '{"rolling": 2}'), ('{"rolling": 3}')) v(options)$$) AS options_change_midway;
SELECT attempt($$SELECT rollup(r) FROM (SELECT retention(activities(1, date '2024-01-01'), rolling => 2) AS r UNION ALL SELECT retention(activities(2, date '2024-01-01'))) g$$) AS other_kind;
DROP TABLE visit, stored_visit, signup, happened;
