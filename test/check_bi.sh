#!/usr/bin/env bash
# report/views.sql and report/grafana.json: the views as a role reads them that may read nothing else, the queries of the dashboard, refreshing.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/tap.sh

new_database bi_demo
new_role bi_reader
psql -X -q -d bi_demo -v ON_ERROR_STOP=1 >/dev/null <<-'SQL'
	CREATE SCHEMA loyalty;
	CREATE EXTENSION loyalty SCHEMA loyalty;
	SET search_path = public, loyalty;
	\i test/demo/load/generate.sql
	\i report/demo.sql
SQL

# views FILE: makes the views in bi_demo, from settings on standard input.
views()
{
	{ echo 'SET search_path = public, loyalty;'; cat; echo '\i report/views.sql'; } >"$scratch/views.psql"
	psql -X -q -d bi_demo -v ON_ERROR_STOP=1 -f "$scratch/views.psql" 2>&1
}

# what the report's tests set, less its day: the last order's counts
demo_settings()
{
	grep -v '^\\set as_of' test/report/demo.psql
	echo '\set reader bi_reader'
}

# reads SQL: what the role is answered that has no more than the views
reads()
{
	PGUSER=bi_reader psql -X -q -A -t -d bi_demo -v ON_ERROR_STOP=1 2>&1
}

# ---- the views ----

is "$(demo_settings | views)" "" "the views are made"
is "$(demo_settings | views)" "" "... and anew"

names=$(run bi_demo <<<"SELECT relname FROM pg_class WHERE relnamespace = 'loyalty_bi'::regnamespace AND relkind = 'v' ORDER BY 1")
for view in $names; do
	[ "$view" = rules ] || is "$(reads <<<"SELECT count(*) > 0 FROM loyalty_bi.$view")" t "$view has rows for who may read the views alone"
done
is "$(run bi_demo <<-'SQL'
	SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 JOIN pg_type t ON t.oid = a.atttypid
	WHERE c.relnamespace = 'loyalty_bi'::regnamespace AND c.relkind = 'v' AND c.relname <> 'rules' AND t.typnamespace <> 'pg_catalog'::regnamespace
SQL
)" "" "no column of a view is of a type of the extension"
is "$(run bi_demo <<<"SELECT relname FROM pg_class c WHERE relnamespace = 'loyalty_bi'::regnamespace AND relkind IN ('v', 'm') AND obj_description(oid) IS NULL")" "" "each has a comment"

# The numbers beside those of raw rows.
is "$(run bi_demo <<-'SQL'
	SET search_path = public, loyalty;
	WITH customer AS (SELECT customer_id, date_trunc('month', min(ordered_at)) AS cohort FROM orders GROUP BY 1),
	cell AS (
		SELECT c.cohort, l.lag, count(DISTINCT o.customer_id) AS retained
		FROM customer c CROSS JOIN generate_series(0, 23) l(lag)
		LEFT JOIN orders o ON o.customer_id = c.customer_id AND date_trunc('month', o.ordered_at) = c.cohort + l.lag * interval '1 month'
		WHERE c.cohort + l.lag * interval '1 month' < '2025-01-01'
		GROUP BY 1, 2
	)
	SELECT count(*) > 100, count(*) FILTER (WHERE v.retained IS DISTINCT FROM c.retained)
	FROM cell c FULL JOIN loyalty_bi.retention_cells v ON v.cohort = c.cohort::date AND v.lag = c.lag
SQL
)" "t|0" "retention is that of plain SQL"
is "$(run bi_demo <<<"SELECT sum(revenue) = (SELECT sum(amount) FROM orders) FROM loyalty_bi.growth")" t "revenue is that of the orders"
is "$(run bi_demo <<-'SQL'
	SELECT bool_and(opening + issued + reinstated + adjusted + transferred - redeemed - returned - expired - forfeited = closing) FROM loyalty_bi.points_rollforward
SQL
)" t "the roll-forward adds up"
is "$(run bi_demo <<<"SELECT count(*) FROM (SELECT source FROM loyalty_bi.tier_links INTERSECT SELECT target FROM loyalty_bi.tier_links) shared")" 0 "no name of a flow is on both sides"

# ---- the dashboard ----

# A panel's query, and the columns that the panel names.
{
	# shellcheck disable=SC2016
	echo '\set dashboard `cat report/grafana.json`'
	cat <<-'SQL'
		CREATE TEMP TABLE panel AS
		SELECT p->>'title' AS title, p#>>'{targets,0,rawSql}' AS query, p#>>'{targets,0,format}' AS format, jsonb_array_length(p->'targets') AS targets, p#>>'{targets,0,datasource,uid}' AS datasource,
			ARRAY(SELECT jsonb_path_query(p, '$.options.xField') #>> '{}'
				UNION SELECT jsonb_path_query(p, '$.fieldConfig.overrides[*].matcher ? (@.id == "byName").options') #>> '{}'
				UNION SELECT jsonb_path_query(p, '$.transformations[*].options.*') #>> '{}' EXCEPT SELECT 'null') AS columns
		FROM jsonb_array_elements(:'dashboard'::jsonb->'panels') p;
		CREATE TEMP TABLE found (title text, problem text);
		DO $$
		DECLARE
			p record;
			names text[];
			filled boolean;
		BEGIN
			FOR p IN SELECT * FROM panel LOOP
				EXECUTE 'CREATE TEMP VIEW asked AS ' || p.query;
				EXECUTE 'SELECT EXISTS (SELECT FROM asked)' INTO filled;
				SELECT array_agg(attname) INTO names FROM pg_attribute WHERE attrelid = 'asked'::regclass AND attnum > 0;
				INSERT INTO found SELECT p.title, 'has no rows' WHERE NOT filled;
				INSERT INTO found SELECT p.title, 'names ' || c FROM unnest(p.columns) c WHERE c <> ALL (names);
				INSERT INTO found SELECT p.title, 'has no time' WHERE p.format = 'time_series' AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'asked'::regclass AND attname = 'time' AND atttypid = 'timestamptz'::regtype);
				INSERT INTO found SELECT p.title, 'asks another database' WHERE p.datasource <> '${datasource}';
				INSERT INTO found SELECT p.title, 'has several queries' WHERE p.targets <> 1;
				DROP VIEW asked;
			END LOOP;
		END $$;
		SELECT * FROM found;
		SELECT count(*) > 10 FROM panel;
		SELECT DISTINCT m[1] FROM panel, regexp_matches(query, 'loyalty_bi\.(\w+)', 'g') m ORDER BY 1;
	SQL
} >"$scratch/dashboard.psql"
reads <"$scratch/dashboard.psql" >"$scratch/dashboard"
is "$(head -n 1 "$scratch/dashboard")" t "every query of the dashboard runs, has rows, and the columns that its panel names"
is "$(tail -n +2 "$scratch/dashboard" | grep -vxF "$names")" "" "... and asks views alone"

# ---- the page ----

is "$(for view in $names; do grep -qF "\`$view\`" doc/guide-bi.md || echo "$view"; done)" "" "the page has every view"
is "$(run bi_demo <<<"SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 WHERE relnamespace = 'loyalty_bi'::regnamespace AND relkind = 'v' AND relname <> 'rules' ORDER BY 1" |
	while IFS=. read -r view column; do grep -F "| \`$view\` |" doc/guide-bi.md | grep -qF "\`$column\`" || echo "$view.$column"; done)" "" "... and every column of it"

# ---- refreshing ----

before=$(run bi_demo <<<'SELECT as_of, revenue FROM loyalty_bi.growth ORDER BY period_start DESC LIMIT 1')
run bi_demo <<<"INSERT INTO orders (order_id, customer_id, ordered_at, amount, channel) SELECT max(order_id) + 1, 1, '2024-12-31 23:30+00', 1000, 'web' FROM orders"
is "$(run bi_demo <<<'SELECT as_of, revenue FROM loyalty_bi.growth ORDER BY period_start DESC LIMIT 1')" "$before" "a new order isn't there before a refresh"
is "$(run bi_demo <<<'CALL loyalty_bi.refresh()' 2>&1)" "" "refreshing, by a session that hasn't the extension on its search path"
is "$(run bi_demo <<<'SELECT as_of, revenue - 1000 FROM loyalty_bi.growth ORDER BY period_start DESC LIMIT 1')" "$before" "... and then it is"

# ---- other tables, another zone, no points ----

is "$(views <<-'SQL'
	CREATE TABLE "Sales; --" AS SELECT customer_id::text AS "cust""omer", ordered_at AS "a t", amount::float8 AS paid FROM orders;
	\set orders '"Sales; --"'
	\set orders_customer 'cust"omer'
	\set orders_at 'a t'
	\set orders_amount paid
	\set zone America/New_York
	\set period week
SQL
)" "" "of a table with names of any kind, whose customers are texts"
is "$(run bi_demo <<<"SELECT count(*) FROM pg_class WHERE relnamespace = 'loyalty_bi'::regnamespace AND relname LIKE 'points%'")" 0 "without a ledger there are no views of points"
is "$(run bi_demo <<<"SELECT bool_and(extract(isodow FROM period_start) = 1), count(*) > 100 FROM loyalty_bi.growth")" "t|t" "weeks"
is "$(views <<<'\set orders_amount price' | grep -c 'column "price" does not exist')" 1 "a column that there isn't is an error"
is "$(run bi_demo <<<"SELECT count(*) > 100 FROM loyalty_bi.growth")" t "... after which the views are those of before"

finish
