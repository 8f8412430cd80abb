--
-- GROUP BY customer by chance: queries put together from what the node can meet, with the node and
-- without it. The answers must be the same. A query that isn't answered alike is made smaller, as
-- long as it stays so, and what is left is shown.
--
-- The seed is fixed; others, and more queries, by hand:
--	psql -v seed=0.7 -v queries=20000 -f test/group_node_random.sql
--
\ir reference/setup.sql
\if :{?seed} \else \set seed 0.14 \endif
\if :{?queries} \else \set queries 300 \endif
BEGIN;
SELECT plan(3);
SELECT set_config('random.queries', :'queries', true) IS NULL AS void \gset

-- ---- data ----

SELECT setseed(:seed) IS NULL AS void \gset
CREATE DOMAIN member AS int CHECK (VALUE > 0);
-- Prices are quarters, so that sums of them don't depend on the order.
CREATE TABLE ledger AS
	SELECT n, customer, customer * 10000000000 AS big, (customer - 300)::smallint AS small, customer::member AS member,
		md5(customer::text)::uuid AS id, 'Kunde ' || repeat('ß', customer % 40) || customer AS name, ('v' || customer)::varchar(20) AS code,
		at, (at AT TIME ZONE 'UTC')::date AS day, points, points::smallint AS points_small, amount, price, kind, 'UTC' AS zone
	FROM (
		SELECT n, CASE WHEN random() < 0.03 THEN NULL WHEN random() < 0.3 THEN 7 ELSE 1 + floor(300 * random() ^ 2)::int END AS customer,
			CASE WHEN random() < 0.04 THEN NULL ELSE timestamptz '2022-01-01' + make_interval(secs => floor(random() * 86400 * 900)) END AS at,
			CASE WHEN random() < 0.05 THEN NULL ELSE floor(random() * 200)::int END AS points,
			CASE WHEN random() < 0.05 THEN NULL ELSE round((random() * 100)::numeric, 2) END AS amount,
			CASE WHEN random() < 0.05 THEN NULL ELSE floor(random() * 400) / 4 END AS price,
			(ARRAY['earn', 'redeem', NULL])[1 + floor(random() * 3)] AS kind
		FROM generate_series(1, 2500) n) r;
CREATE TABLE customer AS SELECT k AS customer_id, 'c' || k AS called, (ARRAY['gold', 'silver'])[1 + k % 2] AS class FROM generate_series(1, 310) k;
CREATE TABLE parted (LIKE ledger) PARTITION BY RANGE (n);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (600);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (600) TO (2000);
CREATE TABLE parted_3 PARTITION OF parted DEFAULT;
INSERT INTO parted TABLE ledger;
CREATE VIEW hidden WITH (security_barrier) AS SELECT * FROM ledger WHERE n % 5 > 0;
CREATE INDEX ON ledger (n);
CREATE FUNCTION all_rows() RETURNS SETOF ledger LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN RETURN QUERY TABLE ledger; END $$;
ANALYZE ledger, customer, parted;

-- ---- chance ----

CREATE FUNCTION chance(share float8) RETURNS boolean LANGUAGE sql VOLATILE RETURN random() < share;
CREATE FUNCTION one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE RETURN choices[1 + floor(random() * cardinality(choices))];

CREATE FUNCTION some_condition() RETURNS text LANGUAGE sql VOLATILE RETURN one_of('points > 100', 'kind = ''earn''', 'kind IS NULL', 'at IS NOT NULL', 'at < ''2023-03-01''', 'amount * 2 > points',
	'100 / nullif(points, 0) > 2', 'price < 20', 'customer % 2 = 0', 'customer = 7', 'n % 7 < 3', 'false', 'NULL::boolean', 'n < 40', 'n % 100 = 1');

CREATE FUNCTION some_key() RETURNS text LANGUAGE sql VOLATILE RETURN one_of('customer', 'customer', 'big', 'small', 'member', 'id', 'name', 'code', 'name COLLATE "C"', 'customer % 10', 'n', 'n / 2',
	'coalesce(customer, 0)', '(customer / 3)::smallint', 'upper(name)', 'nullif(kind, ''redeem'')', '(customer * 1000003)::bigint', 'CASE WHEN points > 100 THEN customer END', 'kind || customer', 'left(name, 8)', 'points', '0 * n', 'amount');

CREATE FUNCTION some_summary() RETURNS text LANGUAGE sql VOLATILE RETURN one_of('activity_agg(at)', 'activity_agg(day)', 'activity_agg(at, zone)', 'activity_agg(at, ''Pacific/Apia'')', 'activity_agg(day + points % 3)',
	'timeline_agg(at)', 'timeline_agg(at, points)', 'timeline_agg(at, points_small)', 'timeline_agg(at, amount)', 'timeline_agg(day, points)', 'timeline_agg(at, kind)',
	'timeline_agg(make_event(at => at, value => amount, kind => kind))', 'timeline_agg(at, amount * 2)', 'rollup(activity_set(array_remove(ARRAY[day, day + 1], NULL)))');

CREATE FUNCTION some_aggregate() RETURNS text LANGUAGE sql VOLATILE RETURN one_of('count(*)', 'count(at)', 'count(amount)', 'min(points)', 'max(at)', 'max(points_small)', 'sum(points)', 'sum(points_small)', 'min(price)', 'sum(price)',
	'bool_and(points > 3)', 'bit_or(points)', 'max(day)', 'min(big)', 'sum(points + 1)', 'count(name)', 'min(length(name))', 'max(abs(points - 50))');

-- An aggregate may be filtered.
CREATE FUNCTION with_filter(call text) RETURNS text LANGUAGE sql VOLATILE RETURN CASE WHEN chance(0.25) THEN call || ' FILTER (WHERE ' || some_condition() || ')' ELSE call END;
CREATE FUNCTION some_column() RETURNS text LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT CASE floor(random() * 12)
		WHEN 0 THEN 'points_balance(' || with_filter('timeline_agg(at, points)') || ', ''{"expires_after": "6 months"}'', ''2024-05-05'')'
		WHEN 1 THEN 'activity_count(' || with_filter('activity_agg(at)') || ') * 10 + ' || with_filter('count(*)')
		WHEN 2 THEN 'tier(' || with_filter('timeline_agg(at, amount)') || ', ''{"Silver": 100, "Gold": 500}'', ''2024-05-05'')'
		WHEN 3 THEN 'coalesce(timeline_sum(' || with_filter('timeline_agg(at, amount)') || '), -1)'
		WHEN 4 THEN 'sum(100 / points) FILTER (WHERE points <> 0)'
		WHEN 5 THEN 'CASE WHEN count(*) > 5 THEN ' || some_summary() || '::text ELSE ''few'' END'
		WHEN 6 THEN '(SELECT count(*) FROM customer c2 WHERE c2.customer_id < count(at))'
		WHEN 7 THEN with_filter(some_aggregate())
		WHEN 8 THEN with_filter(some_aggregate())
		ELSE with_filter(some_summary()) END;
END;

-- A query in its parts. The first column is a summary, so that there is something of ours; lists may lose any part.
CREATE FUNCTION some_query() RETURNS jsonb LANGUAGE sql VOLATILE
BEGIN ATOMIC
	SELECT jsonb_build_object(
		'from', one_of('ledger', 'ledger', 'ledger', 'ledger LEFT JOIN customer c ON c.customer_id = ledger.customer', 'ledger JOIN customer c ON c.customer_id = ledger.customer AND c.class = ''gold''',
			'parted', 'hidden', 'all_rows()', '(SELECT * FROM ledger ORDER BY n LIMIT 500)', '(TABLE ledger UNION ALL TABLE parted)', '(SELECT * FROM ledger WHERE n < 1)', '(SELECT * FROM ledger WHERE n = 100)'),
		'key', some_key(),
		'show', chance(0.9),
		'columns', jsonb_build_array(with_filter(some_summary())) || coalesce((SELECT jsonb_agg(some_column()) FROM generate_series(1, floor(random() * 4)::int)), '[]'),
		'where', coalesce((SELECT jsonb_agg(CASE WHEN chance(0.1) THEN 'customer IN (SELECT customer_id FROM customer WHERE class = ''silver'')' ELSE some_condition() || ' IS NOT TRUE' END) FROM generate_series(1, floor(random() * 2.5)::int)), '[]'),
		'having', coalesce((SELECT jsonb_agg(one_of('count(*) > 3', 'activity_count(activity_agg(at)) > 2', 'sum(points) > (SELECT avg(points) FROM ledger)', 'max(at) > ''2023-01-01''',
			'timeline_sum(timeline_agg(at, amount)) < 500', 'false', '1 = 1', 'count(*) FILTER (WHERE kind = ''earn'') BETWEEN 1 AND 9')) FROM generate_series(1, floor(random() * 2)::int)), '[]'),
		'around', CASE WHEN chance(0.6) THEN NULL ELSE one_of('SELECT * FROM (%s) q ORDER BY q::text LIMIT 5', 'SELECT o.k, q.* FROM (VALUES (1), (2), (3)) o(k) CROSS JOIN LATERAL (%s) q',
			'SELECT o.k, q.* FROM generate_series(1, 3) o(k) CROSS JOIN (%s) q', 'WITH q AS MATERIALIZED (%s) SELECT a.* FROM q a UNION ALL SELECT b.* FROM q b', '%s UNION ALL %1$s',
			'SELECT k, EXISTS (SELECT FROM (%s) q) FROM generate_series(1, 2) k', 'SELECT count(*) FROM (%s) q', 'SELECT q.*, count(*) OVER () FROM (%s) q',
			'SELECT * FROM (SELECT * FROM (%s) q OFFSET 0) r WHERE r::text > ''(2''', 'SELECT (SELECT q::text FROM (%s) q ORDER BY 1 LIMIT 1)', 'SELECT DISTINCT q.c1::text FROM (%s) q',
			'SELECT c.called, q.* FROM customer c JOIN (%s) q ON q.c1::text LIKE ''%%'' || c.customer_id %% 5 || ''%%'' WHERE c.customer_id < 20') END,
		'settings', CASE WHEN chance(0.4) THEN '["work_mem=64kB", "hash_mem_multiplier=1"]'::jsonb ELSE '[]' END
			|| CASE WHEN chance(0.4) THEN '["max_parallel_workers_per_gather=2", "parallel_setup_cost=0", "parallel_tuple_cost=0", "min_parallel_table_scan_size=0"]'::jsonb ELSE '[]' END
			|| CASE WHEN chance(0.2) THEN '["enable_material=off"]'::jsonb ELSE '[]' END
			|| CASE WHEN chance(0.2) THEN '["enable_memoize=off"]'::jsonb ELSE '[]' END
			|| CASE WHEN chance(0.1) THEN '["parallel_leader_participation=off"]'::jsonb ELSE '[]' END);
END;

CREATE FUNCTION joined(parts jsonb, separator text, before text) RETURNS text LANGUAGE sql IMMUTABLE
	RETURN coalesce(before || (SELECT string_agg(part, separator ORDER BY place) FROM jsonb_array_elements_text(parts) WITH ORDINALITY p(part, place)), '');

-- By LATERAL, the rows depend on what is outside.
CREATE FUNCTION statement_of(q jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	conditions jsonb := q->'where' || CASE WHEN q->>'around' LIKE '%LATERAL%' THEN '["(ledger.n + o.k) % 3 <> 0"]'::jsonb ELSE '[]' END;
	columns jsonb := CASE WHEN (q->>'show')::boolean THEN jsonb_build_array(q->>'key') ELSE '[]' END || (q->'columns');
	names text := (SELECT string_agg(format('%s AS c%s', part, place), ', ' ORDER BY place) FROM jsonb_array_elements_text(columns) WITH ORDINALITY p(part, place));
	inner_query text;
BEGIN
	inner_query := 'SELECT ' || names || ' FROM ' || (q->>'from') || CASE WHEN q->>'from' LIKE 'ledger%' THEN '' ELSE ' AS ledger' END
		|| joined(conditions, ') AND (', ' WHERE (') || CASE WHEN conditions = '[]' THEN '' ELSE ')' END
		|| ' GROUP BY ' || CASE WHEN (q->>'show')::boolean THEN '1' ELSE q->>'key' END || joined(q->'having', ' AND ', ' HAVING ');
	RETURN CASE WHEN q->>'around' IS NULL THEN inner_query ELSE format(q->>'around', inner_query) END;
END $$;

-- ---- both ways ----

CREATE FUNCTION node_is(switched text) RETURNS void LANGUAGE sql AS $$
	SELECT set_config('loyalty.enable_group_node', switched, true),
		set_config('enable_hashagg', CASE switched WHEN 'on' THEN 'off' ELSE 'on' END, true),
		set_config('enable_sort', CASE switched WHEN 'on' THEN 'off' ELSE 'on' END, true)
$$;

-- Its rows, in no order; of an error, its SQLSTATE.
CREATE FUNCTION answer_to(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE format('SELECT count(*) || '' rows, '' || md5(coalesce(string_agg(r, ''|'' ORDER BY r COLLATE "C"), '''')) FROM (SELECT a::text AS r FROM (%s) a) t', statement) INTO answer;
	RETURN answer;
EXCEPTION
	WHEN OTHERS THEN
		IF SQLSTATE LIKE 'XX%' OR SQLSTATE LIKE '42%' THEN
			RETURN format('%s %s', SQLSTATE, SQLERRM);
		END IF;
		RETURN SQLSTATE;
END $$;

CREATE FUNCTION both_ways(q jsonb, OUT without text, OUT with_node text, OUT taken boolean) LANGUAGE plpgsql AS $$
DECLARE
	statement text := statement_of(q);
	setting text;
	line text;
BEGIN
	PERFORM node_is('off');
	without := answer_to(statement);
	PERFORM node_is('on');
	FOR setting IN SELECT jsonb_array_elements_text(q->'settings') LOOP
		PERFORM set_config(split_part(setting, '=', 1), split_part(setting, '=', 2), true);
	END LOOP;
	with_node := answer_to(statement);
	taken := false;
	IF with_node ~ '^\d+ rows' THEN
		FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
			taken := taken OR line ~ 'LoyaltyGroup';
		END LOOP;
	END IF;
	FOR setting IN SELECT jsonb_array_elements_text(q->'settings') LOOP
		EXECUTE format('RESET %I', split_part(setting, '=', 1));
	END LOOP;
	PERFORM node_is('off');
	-- what the statement itself has wrong is wrong in both
	IF without ~ '^42[0-9A-Z]{3} ' THEN
		RAISE 'a query that is none: % %', without, statement;
	END IF;
END $$;

-- ---- smaller ----

-- Every query with one part less.
CREATE FUNCTION with_less(q jsonb) RETURNS SETOF jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_set(q, '{around}', 'null') WHERE q->>'around' IS NOT NULL
	UNION ALL SELECT jsonb_set(q, '{from}', '"ledger"') WHERE q->>'from' <> 'ledger'
	UNION ALL SELECT jsonb_set(q, ARRAY[list], (q->list) - place)
		FROM unnest(ARRAY['having', 'where', 'settings', 'columns']) list, generate_series(0, jsonb_array_length(q->list) - 1) place
		WHERE list <> 'columns' OR jsonb_array_length(q->list) > 1
	UNION ALL SELECT jsonb_set(q, ARRAY['columns', place::text], to_jsonb(regexp_replace(q->'columns'->>place, ' FILTER \(WHERE [^()]*\)', '')))
		FROM generate_series(0, jsonb_array_length(q->'columns') - 1) place WHERE q->'columns'->>place ~ ' FILTER \(WHERE [^()]*\)'
	UNION ALL SELECT jsonb_set(q, '{key}', '"customer"') WHERE q->>'key' <> 'customer'
$$;

CREATE FUNCTION smallest(q jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	less jsonb;
	ways record;
BEGIN
	LOOP
		FOR less IN SELECT with_less(q) LOOP
			SELECT * INTO ways FROM both_ways(less);
			EXIT WHEN ways.without IS DISTINCT FROM ways.with_node;
			less := NULL;
		END LOOP;
		IF less IS NULL THEN
			RETURN q;
		END IF;
		q := less;
	END LOOP;
END $$;

-- ---- all ----

CREATE TABLE asked (number int, query jsonb, without text, with_node text, taken boolean);
DO $$
DECLARE
	query jsonb;
	ways record;
BEGIN
	FOR number IN 1 .. current_setting('random.queries')::int LOOP
		query := some_query();
		SELECT * INTO ways FROM both_ways(query);
		INSERT INTO asked VALUES (number, query, ways.without, ways.with_node, ways.taken);
	END LOOP;
END $$;

SELECT is_empty($$ SELECT a.number, b.without, b.with_node, s.query->'settings' AS settings, statement_of(s.query) AS statement
	FROM (SELECT * FROM asked WHERE without IS DISTINCT FROM with_node ORDER BY number LIMIT 3) a CROSS JOIN LATERAL (SELECT smallest(a.query) AS query) s CROSS JOIN LATERAL both_ways(s.query) b $$,
	'the node answers every query as the server does');
SELECT cmp_ok(count(*) FILTER (WHERE taken), '>', count(*) * 6 / 10, 'most of them are done by the node') FROM asked;
SELECT cmp_ok(count(*) FILTER (WHERE without ~ '^\d+ rows'), '>', count(*) * 8 / 10, 'most of them have an answer') FROM asked;
SELECT * FROM finish();
ROLLBACK;
