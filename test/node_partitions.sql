--
-- The plan nodes over partitions, children of a table and UNION ALL: what is computed of a row is
-- computed where it is read, in each partition, with workers and without; the answers are those
-- that one table gives.
--
\ir reference/setup.sql
BEGIN;
SET LOCAL timezone = 'UTC';
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;

CREATE TABLE ledger AS
SELECT n * 7919 % 401 AS customer, 'Customer ' || n * 7919 % 401 AS name, timestamptz '2024-01-01' + n % 700 * interval '7 hours' AS at, n % 100 AS points, repeat('x', 20) AS note
FROM generate_series(1, 4000) n;
CREATE TABLE spring (note text, gone int, points int, at timestamptz, name text, customer int);
ALTER TABLE spring DROP gone;
CREATE TABLE parted (LIKE ledger) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-03-01');
ALTER TABLE parted ATTACH PARTITION spring FOR VALUES FROM ('2024-03-01') TO ('2024-04-01');
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM ('2024-04-01') TO ('2024-06-01') PARTITION BY HASH (customer);
CREATE TABLE parted_2_1 PARTITION OF parted_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_2_2 PARTITION OF parted_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parted_3 PARTITION OF parted DEFAULT;
CREATE TABLE alike (LIKE ledger) PARTITION BY HASH (customer);
CREATE TABLE alike_1 PARTITION OF alike FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE alike_2 PARTITION OF alike FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parent (LIKE ledger);
CREATE TABLE child (more text) INHERITS (parent);
CREATE VIEW united AS SELECT customer, name, at, points FROM ledger WHERE points < 50 UNION ALL SELECT customer, name, at, points FROM parted WHERE points >= 50;
CREATE VIEW united_whole AS SELECT * FROM parent UNION ALL SELECT 7, 'Customer 7', at, 5, NULL FROM alike_1 WHERE false;
-- Partitions of two tables are joined one by one.
CREATE TABLE member (customer int, shop text) PARTITION BY HASH (customer);
CREATE TABLE member_1 PARTITION OF member FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE member_2 PARTITION OF member FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted TABLE ledger;
INSERT INTO alike TABLE ledger;
INSERT INTO parent SELECT * FROM ledger WHERE points < 30;
INSERT INTO child SELECT *, 'more' FROM ledger WHERE points >= 30;
INSERT INTO member SELECT n, 'shop ' || n % 3 FROM generate_series(0, 400) n;
ANALYZE ledger, parted, alike, parent, child, member;

CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END $$;
CREATE FUNCTION answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT count(*) || '' '' || sum(hashtextextended(r::text || record_send(r)::text, 0)) FROM (%s) r', query) INTO result;
	RETURN result;
END $$;
-- Wherever it can be.
CREATE FUNCTION by_node(node text, workers text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('loyalty.enable_group_node', node, true), set_config('max_parallel_workers_per_gather', workers, true),
		set_config('enable_hashagg', CASE node WHEN 'on' THEN 'off' ELSE 'on' END, true), set_config('enable_sort', CASE node WHEN 'on' THEN 'off' ELSE 'on' END, true)
$$;

CREATE TABLE question (name text, statement text);
INSERT INTO question VALUES
	('a metric', 'SELECT retention(activities(customer, at), ''month'') FROM %s l'),
	('a metric of expressions', 'SELECT retention(activities(lower(name), at + interval ''1 hour''), ''month'') FROM %s l'),
	('a metric of days', 'SELECT growth(activities(customer, at::date)), points_totals(timelines(customer, at, points * 2), ''{}'') FROM %s l'),
	('a FILTER', 'SELECT growth(activities(customer, at) FILTER (WHERE 100 / (points + 1) > 2)) FROM %s l'),
	('timelines', 'SELECT customer, timeline_agg(at, points) FROM %s l GROUP BY customer'),
	('timelines of expressions', 'SELECT customer, timeline_agg(at, points * 2), count(*), max(points + 1) FROM %s l GROUP BY customer'),
	('an expression as key', 'SELECT lower(name), activity_agg(at + interval ''1 hour'') FROM %s l GROUP BY lower(name)'),
	('an expression as key, and of it', 'SELECT mod(customer, 100), timeline_agg(at, mod(customer, 100)) FROM %s l GROUP BY 1'),
	('an argument with a FILTER', 'SELECT customer, timeline_agg(at, 100 / points) FILTER (WHERE points > 0) FROM %s l GROUP BY customer'),
	('constants', 'SELECT customer, activity_agg(date ''2024-01-01'') FROM %s l GROUP BY customer'),
	('a subquery as argument', 'SELECT customer, timeline_agg(at, (SELECT max(n) FROM generate_series(1, l.points) n)) FROM %s l GROUP BY customer'),
	('one partition', 'SELECT customer, timeline_agg(at, points * 2) FROM %s l WHERE at < ''2024-02-01'' GROUP BY customer'),
	('no partition', 'SELECT customer, timeline_agg(at, points * 2) FROM %s l WHERE at < ''2024-02-01'' AND false GROUP BY customer'),
	('no partition, of a metric', 'SELECT growth(activities(lower(name), at)) FROM %s l WHERE false'),
	('a join', 'SELECT lower(shop), activity_agg(at + interval ''1 hour'') FROM %s l JOIN member USING (customer) GROUP BY 1');
CREATE TABLE source AS SELECT unnest(ARRAY['parted', 'alike', 'parent', 'united', 'united_whole']) AS source;

SELECT * FROM no_plan();
SELECT set_config('enable_partitionwise_join', 'on', true) IS NULL AS void \gset
SELECT by_node('off', '0') IS NULL AS void \gset
CREATE TABLE expected AS SELECT name, statement, answer(format(statement, 'ledger')) AS answer FROM question;

CREATE FUNCTION differences(source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	node text;
	workers text;
	partitionwise text;
	parallel_append text;
	q record;
	found text;
BEGIN
	FOREACH node IN ARRAY ARRAY['on', 'off'] LOOP
		FOREACH workers IN ARRAY ARRAY['0', '2'] LOOP
			FOREACH partitionwise IN ARRAY ARRAY['on', 'off'] LOOP
				FOREACH parallel_append IN ARRAY CASE workers WHEN '0' THEN ARRAY['on'] ELSE ARRAY['on', 'off'] END LOOP
					PERFORM by_node(node, workers), set_config('enable_partitionwise_aggregate', partitionwise, true), set_config('enable_parallel_append', parallel_append, true);
					FOR q IN SELECT e.name, format(e.statement, source) AS statement, e.answer FROM expected e LOOP
						IF answer(q.statement) IS DISTINCT FROM q.answer THEN
							found := concat_ws('; ', found, format('%s: node %s, %s workers, partitionwise %s, parallel append %s', q.name, node, workers, partitionwise, parallel_append));
						END IF;
					END LOOP;
				END LOOP;
			END LOOP;
		END LOOP;
	END LOOP;
	RETURN found;
END $$;
SELECT is(differences(source), NULL, 'answers over ' || source) FROM source ORDER BY 1;
RESET enable_partitionwise_aggregate;
RESET enable_parallel_append;

-- ---- where it is computed ----

CREATE FUNCTION plan_by_node(workers text, query text) RETURNS text LANGUAGE sql AS $$
	SELECT by_node('on', workers)::text;
	SELECT plan_of(query)
$$;
SELECT is(string_agg(format('%s over %s, %s workers: %s', name, source, workers, plan), '; '), NULL, 'the node has all of these, and nothing between it and the partitions')
FROM unnest(ARRAY['0', '2']) workers, source, question, plan_by_node(workers, format(statement, source)) plan
WHERE name NOT LIKE 'no partition%' AND NOT (name = 'a subquery as argument' AND workers = '2')
	AND (plan !~ CASE workers WHEN '0' THEN '(^|\s)Custom Scan \(Loyalty' ELSE 'Parallel Custom Scan \(Loyalty' END OR plan ~ '\mResult\M');

CREATE FUNCTION scans(query text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT m[1] FROM regexp_matches(plan_of(query), 'Scan on (?:\w+\.)?\w+(?: \w+)?\n\s+Output: ([^\n]*)', 'g') m ORDER BY 1
$$;
SELECT by_node('on', '0') IS NULL AS void \gset
SELECT results_eq($$SELECT scans('SELECT retention(activities(lower(name), at + interval ''1 hour''), ''month'') FROM alike')$$,
	$$VALUES ('lower(alike_1.name), (alike_1.at + ''01:00:00''::interval)'), ('lower(alike_2.name), (alike_2.at + ''01:00:00''::interval)')$$, 'each partition computes the arguments, and gives nothing else');
SELECT results_eq($$SELECT scans('SELECT customer, timeline_agg(at, points * 2) FROM parent GROUP BY customer')$$,
	$$VALUES ('parent_1.customer, parent_1.at, (parent_1.points * 2)'), ('parent_2.customer, parent_2.at, (parent_2.points * 2)')$$, '... and so does each child');
SELECT results_eq($$SELECT scans('SELECT customer, timeline_agg(at, points) FROM alike GROUP BY customer')$$,
	$$VALUES ('alike_1.customer, alike_1.name, alike_1.at, alike_1.points, alike_1.note'), ('alike_2.customer, alike_2.name, alike_2.at, alike_2.points, alike_2.note')$$, 'columns of partitions that are alike are read where they are');
SELECT results_eq($$SELECT scans('SELECT customer, timeline_agg(at, points) FROM parted WHERE at < ''2024-04-01'' GROUP BY customer') ~ 'note'$$, $$SELECT false FROM generate_series(1, 3)$$, '... but not of those that differ');
SELECT by_node('on', '2') IS NULL AS void \gset
SELECT matches(plan_of('SELECT customer, timeline_agg(at, points * 2) FROM alike GROUP BY customer'), 'Parallel Custom Scan.*Parallel Append.*Parallel Seq Scan.*Output: alike_[12].customer, alike_[12].at, \(alike_[12].points \* 2\)\n', 'with workers, too');
SELECT matches(plan_of('SELECT lower(shop), activity_agg(at + interval ''1 hour'') FROM alike JOIN member USING (customer) GROUP BY 1'), 'LoyaltyGroup.*Append.*Output: lower\(member_[12].shop\), \(alike_[12].at \+ .*Join.*Output: lower\(member_[12].shop\), \(alike_[12].at', 'partitions that are joined with partitions compute it above their join');
SELECT * FROM finish();
ROLLBACK;
