--
-- calendar_period: every form, how it is printed, every error.
--
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned

-- all forms, canonical on output
SELECT written, written::calendar_period AS canonical
  FROM unnest(ARRAY[
	'day', 'week', 'month', 'quarter', 'half_year', 'year',
	'DAY', 'Week', 'MONTH', 'Half_Year',
	'week:monday', 'week:tuesday', 'week:wednesday', 'week:thursday', 'week:friday', 'week:saturday',
	'week:sunday', 'Week:SUNDAY',
	'month:1', 'month:15', 'month:31',
	'quarter:01-01', 'quarter:02-01', 'quarter:03-01', 'quarter:04-01', 'quarter:08-01', 'quarter:11-01',
	'quarter:12-15', 'quarter:08-31',
	'half_year:01-01', 'half_year:02-01', 'half_year:07-01', 'half_year:08-01', 'half_year:12-31',
	'year:01-01', 'year:04-01', 'year:02-29', 'year:12-31',
	'day@UTC', 'month@Europe/Helsinki', 'week:sunday@america/new_york', 'year:04-01@Asia/Tokyo',
	'{2024-01-01}', '{2024-01-01,2024-01-29,2024-02-26}', '{2024-01-01, 2024-01-29}',
	'{2024-01-01,2024-01-29}@Europe/Helsinki'
  ]) AS written;

-- what is printed reads back as the same value, and prints the same
SELECT count(*) AS periods,
	   count(*) FILTER (WHERE p::text::calendar_period = p AND p::text::calendar_period::text = p::text) AS same
  FROM (SELECT ('quarter:' || to_char(date '2024-01-01' + d, 'MM-DD'))::calendar_period AS p FROM generate_series(0, 365) d
		UNION ALL
		SELECT ('half_year:' || to_char(date '2024-01-01' + d, 'MM-DD'))::calendar_period FROM generate_series(0, 365) d
		UNION ALL
		SELECT ('year:' || to_char(date '2024-01-01' + d, 'MM-DD'))::calendar_period FROM generate_series(0, 365) d
		UNION ALL
		SELECT ('month:' || d)::calendar_period FROM generate_series(1, 31) d) v;

-- a list of starts, from an array: by function, by cast
SELECT calendar_period(ARRAY[date '2024-01-01', '2024-01-29']);
SELECT ARRAY[date '2024-01-01', '2024-01-29']::calendar_period;
SELECT activity_count(activity_set(ARRAY[date '2024-01-28', '2024-01-29']), calendar_period(ARRAY[date '2024-01-01', '2024-01-29']));
SELECT ARRAY[date '2024-01-01', '2024-01-29'] = ARRAY[date '2024-01-01'] AS arrays_compare_as_before;
SELECT '{0044-03-15 BC,2024-01-29}'::calendar_period AS before_christ;
SET datestyle = 'German';
SELECT '{2024-01-01,2024-01-29}'::calendar_period AS iso_whatever_datestyle;
SET datestyle = 'ISO, YMD';

-- equality, order, hash
SELECT 'week:monday'::calendar_period = 'week' AS same, 'quarter:08-01'::calendar_period = 'quarter:02-01' AS same_quarter,
	   'week'::calendar_period = 'week@UTC' AS zone_counts, 'week'::calendar_period <> 'week:sunday' AS differs;
SELECT count(DISTINCT p) AS sorted FROM unnest(ARRAY['week', 'week:monday', 'month', 'Month:1']::calendar_period[]) p;
SET enable_sort = off;
SELECT count(*) AS hashed FROM (SELECT p FROM unnest(ARRAY['week', 'week:monday', 'month', 'Month:1']::calendar_period[]) p GROUP BY p) g;
RESET enable_sort;
SELECT NULL::calendar_period IS NULL AS null_is_null;

-- errors
SELECT written, attempt(format('SELECT %L::calendar_period', written)) AS answer
  FROM unnest(ARRAY[
	'', ' ', 'fortnight', 'days', 'month ', 'week:', 'week:someday', 'week:1', 'day:1', 'month:0', 'month:32', 'month:-1', 'month:x', 'month:02-01',
	'month:99999999999999999999', 'quarter:13-01', 'quarter:00-10', 'quarter:01-00', 'quarter:01-32', 'quarter:2-1', 'quarter:5', 'year:', 'year:0401', 'year:02-30',
	'year:04-31', 'month@', 'month@Mars/Olympus', '@UTC', 'month@@UTC',
	'{}', '{2024-01-29,2024-01-01}', '{2024-01-01,2024-01-01}', '{2024-01-01,NULL}', '{2024-01-01', '2024-01-01}',
	'{2024-01-01,infinity}', '{-infinity,2024-01-01}', '{2024-02-30}', '{yesterdayish}', '{{2024-01-01},{2024-02-01}}'
  ]) AS written;
SELECT attempt($$SELECT calendar_period(ARRAY[]::date[])$$);
SELECT attempt($$SELECT calendar_period(ARRAY[date '2024-01-29', '2024-01-01'])$$);
SELECT attempt($$SELECT calendar_period(ARRAY[date '2024-01-01', NULL])$$);
SELECT attempt($$SELECT calendar_period(ARRAY[date '2024-01-01', 'infinity'])$$);
SELECT attempt($$SELECT calendar_period(ARRAY[[date '2024-01-01'], [date '2024-02-01']])$$);
SELECT calendar_period(NULL::date[]) IS NULL AS null_in_null_out;
