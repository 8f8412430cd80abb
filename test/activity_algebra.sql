--
-- activity_set's operators against arrays in plain SQL, the laws of set
-- algebra, and order and hash, on random pairs.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(38);
\ir reference/periods.sql
CREATE TABLE calendar (period text, day date, n int);
\ir reference/activity.sql
SELECT setseed(0.11);
CREATE FUNCTION random_days(seed int) RETURNS date[]
LANGUAGE sql VOLATILE AS $$
	SELECT ref_set(array_agg(date '2024-02-20' + trunc(random() * (CASE WHEN seed % 3 = 0 THEN 6 ELSE 300 END))::int - seed % 40))
	FROM generate_series(1, trunc(random() * (ARRAY[0, 2, 4, 40])[1 + seed % 4])::int + CASE WHEN seed % 4 = 0 THEN 0 ELSE 1 END)
$$;
CREATE TABLE sample AS
SELECT id, x, y, z, activity_set(x) AS a, activity_set(y) AS b, activity_set(z) AS c
FROM (SELECT id, random_days(id) AS x, random_days(id / 2) AS y, random_days(id / 5) AS z FROM generate_series(1, 4000) id) r;
INSERT INTO sample SELECT -id, x, x, z, activity_set(x), activity_set(x), activity_set(z) FROM sample WHERE id % 10 = 0;

-- against arrays
SELECT is_empty('SELECT id FROM sample WHERE (a + b)::date[] IS DISTINCT FROM ref_set(x || y)', 'a + b');
SELECT is_empty('SELECT id FROM sample WHERE (a - b)::date[] IS DISTINCT FROM ARRAY(SELECT d FROM unnest(x) d WHERE d <> ALL (y) ORDER BY d)', 'a - b');
SELECT is_empty('SELECT id FROM sample WHERE (a * b)::date[] IS DISTINCT FROM ARRAY(SELECT d FROM unnest(x) d WHERE d = ANY (y) ORDER BY d)', 'a * b');
SELECT is_empty('SELECT id FROM sample WHERE (a = b) IS DISTINCT FROM (x = y) OR (a <> b) IS DISTINCT FROM (x <> y)', 'a = b, a <> b');
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE x = y), '>', 300, '... some are equal');
SELECT cmp_ok((SELECT count(*)::int FROM sample WHERE x <> y AND cardinality(x) = cardinality(y)), '>', 100, '... some differ at the same length');

-- activity_replace
CREATE TABLE span AS
SELECT id, x, y, a, b, since, until, ARRAY(SELECT d FROM unnest(y) d WHERE d >= coalesce(since, '-infinity') AND d < coalesce(until, 'infinity')) AS fresh
FROM (SELECT *, CASE WHEN id % 7 <> 0 THEN date '2024-02-01' + id % 90 END AS since, CASE WHEN id % 6 <> 0 THEN date '2024-03-01' + id % 200 END AS until FROM sample WHERE id % 4 = 0) s;
SELECT is_empty('SELECT id FROM span WHERE activity_replace(a, activity_set(fresh), since, until)::date[] IS DISTINCT FROM ref_set(ARRAY(SELECT d FROM unnest(x) d WHERE NOT (d >= coalesce(since, ''-infinity'') AND d < coalesce(until, ''infinity''))) || fresh)', 'activity_replace against arrays');
SELECT cmp_ok((SELECT count(*)::int FROM span WHERE activity_replace(a, activity_set(fresh), since, until) NOT IN (a, b) AND fresh <> '{}'), '>', 50, '... there is something to replace, and something to keep');
SELECT is(activity_replace(NULL, '{2024-01-05}', '2024-01-05', NULL), '{2024-01-05}'::activity_set, '... of nobody');
SELECT is(activity_replace('{2024-01-05,2024-01-06}', NULL, '2024-01-06', NULL), '{2024-01-05}'::activity_set, '... by nothing');
SELECT is(activity_replace(NULL, NULL, NULL, NULL), NULL, '... NULL only where both are');
SELECT is(activity_replace('{2024-01-05,2024-01-06}', '{2024-02-01}', NULL, NULL), '{2024-02-01}'::activity_set, '... all of it');
SELECT throws_ok(format('SELECT activity_replace(''{}'', ''{2024-01-05,%s}'', ''2024-01-04'', ''2024-01-06'')', day), '22023', format('the fresh day %s is outside of the time that is replaced', day), '... a day outside is named') FROM unnest(ARRAY['2024-01-03', '2024-01-06']) day;

-- laws
SELECT is_empty('SELECT id FROM sample WHERE NOT (' || law || ')', law) FROM unnest(ARRAY[
	'a + b = b + a', 'a * b = b * a', '(a + b) + c = a + (b + c)', '(a * b) * c = a * (b * c)',
	'a * (b + c) = a * b + a * c', 'a + b * c = (a + b) * (a + c)', 'a + a = a', 'a * a = a', 'a - a = ''{}''',
	'a + ''{}'' = a', 'a * ''{}'' = ''{}''', 'a - (b + c) = (a - b) * (a - c)', 'a - (b * c) = (a - b) + (a - c)', '(a - b) + (a * b) = a', '(a - b) * b = ''{}''']) law;

-- order: total, and the same for sort, index and operators
SELECT is_empty('SELECT id FROM sample WHERE (a < b)::int + (a = b)::int + (a > b)::int <> 1', 'exactly one of <, =, >');
SELECT is_empty('SELECT id FROM sample WHERE (a <= b) IS DISTINCT FROM (a < b OR a = b) OR (a >= b) IS DISTINCT FROM (b <= a)', '<= and >=');
SELECT is_empty('SELECT * FROM (SELECT a, lead(a) OVER (ORDER BY a) AS next FROM sample) s WHERE NOT a <= next', 'sorted by <');
SELECT is_empty('SELECT 1 FROM sample WHERE a < b AND b < c AND NOT a < c', 'transitive');
SELECT is((SELECT count(DISTINCT a) FROM sample), (SELECT count(DISTINCT x) FROM sample), 'DISTINCT by sort');
SET LOCAL enable_sort = off;
SELECT is((SELECT count(*) FROM (SELECT a FROM sample GROUP BY a) g), (SELECT count(DISTINCT x) FROM sample), 'GROUP BY by hash');
RESET enable_sort;
CREATE INDEX sample_a ON sample (a);
CREATE INDEX sample_h ON sample USING hash (a);
SET LOCAL enable_seqscan = off;
SET LOCAL enable_mergejoin = off;
SELECT is_empty('SELECT s.id FROM sample s WHERE (SELECT count(*) FROM sample t WHERE t.a = s.a) <> (SELECT count(*) FROM (SELECT x FROM sample OFFSET 0) t WHERE t.x = s.x) AND s.id BETWEEN 1 AND 300', 'found by index');
RESET enable_seqscan;

-- rollup is the sum
SELECT is_empty('SELECT g, u FROM (SELECT id % 97 AS g, rollup(a) AS u FROM sample WHERE id > 0 GROUP BY 1) q
	WHERE u::date[] IS DISTINCT FROM (SELECT ref_set(array_agg(d)) FROM sample s, unnest(s.x) d WHERE s.id > 0 AND s.id % 97 = g)', 'rollup is the union');
SELECT results_eq('SELECT rollup(a) FROM sample', 'SELECT activity_agg(d) FROM sample, unnest(x) d', 'rollup of all');
SELECT * FROM finish();
ROLLBACK;
