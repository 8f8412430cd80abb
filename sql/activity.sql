--
-- activity_set: text form, aggregates, operators, accessors, errors.
--
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset null '(null)'

-- text form
SELECT written, attempt(format('SELECT %L::activity_set', written)) AS answer
  FROM unnest(ARRAY[
	'{}', '{ }', '{2024-01-05}', '{2024-01-09,2024-01-05,2024-01-05}', '{ 2024-01-05 , 2024-01-09 }', '{"2024-01-05"}',
	'{2000-02-29}', '{0001-01-01}', '{"0044-03-15 BC",2024-01-01}', '{4713-01-01 BC}', '{5874897-12-31}',
	'', '{', '}', '2024-01-05', '{2024-01-05', '{2024-01-05,}', '{,2024-01-05}', '{2024-01-05}x', '{2023-02-29}', '{2024-13-01}',
	'{NULL}', '{2024-01-05,NULL}', '{infinity}', '{-infinity,2024-01-05}', '{{2024-01-05}}', '{5874898-01-01}'
  ]) AS written;
SET datestyle = 'SQL, DMY';
SELECT '{2024-01-05,2024-01-09}'::activity_set AS iso_whatever_datestyle;
SELECT '{2024-01-05,2024-01-09,"0044-03-15 BC"}'::activity_set::text::activity_set = '{2024-01-05,2024-01-09,"0044-03-15 BC"}' AS reads_back;
SET datestyle = 'ISO, YMD';

-- from and to arrays
SELECT activity_set(ARRAY[date '2024-01-09', '2024-01-05', '2024-01-09']) AS from_array,
	   activity_set(ARRAY[]::date[]) AS empty, activity_set(NULL::date[]) AS of_null;
SELECT '{2024-01-05,2024-01-09}'::activity_set::date[] AS to_array, '{}'::activity_set::date[] AS to_empty_array;
SELECT attempt($$SELECT activity_set(ARRAY[date '2024-01-09', NULL])$$) AS null_element;
SELECT attempt($$SELECT activity_set(ARRAY[date 'infinity'])$$) AS infinite;
SELECT attempt($$SELECT activity_set(ARRAY[date '2024-01-09', '-infinity'])$$) AS minus_infinite;
CREATE TEMP TABLE assigned (a activity_set, d date[]);
INSERT INTO assigned (a) VALUES (ARRAY[date '2024-01-09', '2024-01-05']);
UPDATE assigned SET d = a;
SELECT * FROM assigned;

-- aggregates
SELECT activity_agg(at) AS utc, activity_agg(at, 'Europe/Helsinki') AS helsinki, activity_agg(at::date) AS days
  FROM (VALUES (timestamptz '2024-01-05 22:30+00'), ('2024-01-05 12:00+00'), (NULL), ('2024-02-29 00:00+00')) v(at);
SET timezone = 'Pacific/Apia';
SELECT activity_agg(at) AS apia FROM (VALUES (timestamptz '2011-12-30 09:59+00'), ('2011-12-30 10:00+00')) v(at);
SET timezone = 'UTC';
SELECT activity_agg(at) AS of_nothing FROM (VALUES (timestamptz '2024-01-05')) v(at) WHERE false;
SELECT activity_agg(at) AS of_nulls FROM (VALUES (NULL::timestamptz), (NULL)) v(at);
SELECT activity_agg(at, NULL) AS null_zone FROM (VALUES (timestamptz '2024-01-05')) v(at) WHERE false;
SELECT attempt($$SELECT activity_agg(timestamptz '2024-01-05', 'Mars/Olympus')$$) AS unknown_zone;
SELECT attempt($$SELECT activity_agg(timestamptz 'infinity')$$) AS infinite;
SELECT attempt($$SELECT activity_agg(timestamptz '-infinity')$$) AS minus_infinite;
SELECT attempt($$SELECT activity_agg(date 'infinity')$$) AS infinite_day;
SELECT activity_agg(at) AS before_christ FROM (VALUES (timestamptz '0044-03-15 12:00+00 BC')) v(at);
SELECT rollup(a) AS union FROM (VALUES ('{2024-01-05}'::activity_set), (NULL), ('{2024-01-04,2024-01-05}'), ('{}')) v(a);
SELECT rollup(a) AS of_nulls FROM (VALUES (NULL::activity_set)) v(a);
SELECT rollup(a) AS of_nothing FROM (VALUES ('{}'::activity_set)) v(a) WHERE false;
SELECT rollup(a) AS of_empty FROM (VALUES ('{}'::activity_set)) v(a);

-- operators
SELECT a, b, a + b AS "a + b", a - b AS "a - b", a * b AS "a * b", a = b AS "=", a <> b AS "<>"
  FROM (VALUES ('{2024-01-05,2024-01-09}'::activity_set, '{2024-01-09,2024-02-01}'::activity_set),
			   ('{2024-01-05}', '{2024-01-05}'), ('{}', '{2024-01-05}'), ('{2024-01-05}', '{}'), ('{}', '{}'), (NULL, '{}')) v(a, b);
SELECT '{2024-01-05,2024-01-09}'::activity_set @> date '2024-01-09' AS holds, '{2024-01-05,2024-01-09}'::activity_set @> date '2024-01-08' AS holds_not,
	   date '2024-01-05' <@ '{2024-01-05,2024-01-09}'::activity_set AS held, '{}'::activity_set @> date '2024-01-08' AS empty_holds_not,
	   '{2024-01-05}'::activity_set @> date 'infinity' AS infinity_isnt_held;
SELECT a, b, a < b AS lt, a <= b AS le, a > b AS gt, a >= b AS ge
  FROM (VALUES ('{2024-01-05}'::activity_set, '{2024-01-06}'::activity_set), ('{2024-01-05}', '{2024-01-05}'), ('{}', '{2024-01-05}')) v(a, b);

-- accessors
SELECT a, activity_first(a), activity_last(a), activity_count(a), activity_gaps(a)
  FROM (VALUES ('{2024-01-05,2024-01-06,2024-01-09,2024-03-09}'::activity_set), ('{2024-01-05}'), ('{}'), (NULL)) v(a);
SELECT activity_days('{2024-01-09,2024-01-05}');
SELECT count(*) AS no_days FROM activity_days('{}');
SELECT since, until, activity_count('{2024-01-05,2024-01-06,2024-01-09,2024-03-09}', since, until)
  FROM (VALUES (date '2024-01-05', date '2024-01-09'), ('2024-01-06', '2024-01-10'), (NULL, '2024-01-06'), ('2024-01-09', NULL), (NULL, NULL),
			   ('2024-02-01', '2024-01-01'), ('-infinity', 'infinity'), ('2024-01-05', '2024-01-05')) v(since, until);
SELECT activity_count(NULL::activity_set, date '2024-01-05', date '2024-01-09') AS of_null;
SELECT p, activity_count('{2023-12-31,2024-01-01,2024-01-06,2024-01-07,2024-03-09}', p)
  FROM unnest(ARRAY['day', 'week', 'week:sunday', 'month', 'month:15', 'quarter', 'half_year', 'year', 'year:04-01']::calendar_period[]) p;

-- streaks: the run that ends in as_of's period or the one before
SELECT as_of, activity_streak('{2024-01-01,2024-01-03,2024-01-04,2024-01-05,2024-01-10}', 'day', as_of) AS days,
	   activity_streak('{2024-01-01,2024-01-03,2024-01-04,2024-01-05,2024-01-10}', 'week', as_of) AS weeks
  FROM unnest(ARRAY[date '2023-12-31', '2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04', '2024-01-05', '2024-01-06', '2024-01-07',
					'2024-01-10', '2024-01-11', '2024-01-12', '2024-01-22', '2024-02-01']) as_of;
SELECT activity_streak(activity_set(ARRAY[current_date - 1, current_date]), as_of => current_date) AS by_day,
	   activity_streak(activity_set(ARRAY[current_date - 1, current_date - 2])) AS until_today,
	   activity_longest_streak('{2024-01-01,2024-01-03,2024-01-04,2024-01-05,2024-01-10}') AS longest,
	   activity_longest_streak('{2024-01-01,2024-02-10,2024-03-31,2024-05-01}', 'month') AS longest_months,
	   activity_longest_streak('{}') AS of_empty, activity_streak('{}', 'week', '2024-01-01') AS current_of_empty;
SELECT attempt($$SELECT activity_streak('{2024-01-01}', 'day', 'infinity')$$) AS infinite_as_of;
SELECT attempt($$SELECT activity_count('{2024-01-01,2024-02-01}'::activity_set, '{2024-01-15}'::calendar_period)$$) AS before_the_list;
SELECT attempt($$SELECT activity_count('{2024-01-01}'::activity_set, 'fortnight')$$) AS unknown_period;

-- names
SELECT activity_count(activity => '{2024-01-01}'::activity_set, since => '2024-01-01', until => '2024-02-01');
SELECT activity_streak(activity => '{2024-01-01}', period => 'month', as_of => '2024-02-10');
