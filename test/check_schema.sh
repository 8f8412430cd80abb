#!/usr/bin/env bash
# ALTER EXTENSION ... SET SCHEMA under tables, views, indexes and functions that use the
# types: all still works, also where neither schema is on the search path.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
here=$(dirname "$0")

new_database loyalty_schema
run loyalty_schema -c 'CREATE EXTENSION loyalty'
run loyalty_schema -f "$here/reference/every_type.sql"

answers()
{
	run loyalty_schema <<-SQL
		SET timezone = 'UTC';
		SET search_path = $1;
		SELECT * FROM public.per_customer ORDER BY customer;
		SELECT * FROM public.whole ORDER BY name;
		SELECT * FROM public.dashboard ORDER BY cohort, lag;
	SQL
}
answers public >"$scratch/before"
is "$(wc -l <"$scratch/before" | awk '{ print ($1 > 200) }')" 1 "there is something to look at"
run loyalty_schema <<-SQL
	CREATE SCHEMA loyalty;
	ALTER EXTENSION loyalty SET SCHEMA loyalty;
SQL
answers pg_catalog >"$scratch/after"
is "$(diff "$scratch/before" "$scratch/after" | head -n 5)" "" "tables and views answer as before"

is "$(run loyalty_schema <<-SQL
	SET search_path = pg_catalog;
	SELECT count(*) FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
	WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'loyalty') AND p.pronamespace <> 'loyalty'::regnamespace;
SQL
)" 0 "every function moved"
is "$(run loyalty_schema <<-SQL
	SET search_path = pg_catalog;
	SELECT loyalty.activity_streak(loyalty.activity_agg(d), as_of => '2024-01-03'), loyalty.activity_longest_streak(loyalty.activity_agg(d)), loyalty.timeline_sum(loyalty.timeline_agg(d, 2)),
		loyalty.timeline_count(loyalty.timeline_agg(loyalty.make_event(at => d, ref => 'x')))
	FROM (VALUES (date '2024-01-01'), ('2024-01-02'), ('2024-01-05')) v(d);
SQL
)" "2|2|6|3" "accessors and their defaults need no search path"
is "$(run loyalty_schema <<-SQL
	SET search_path = pg_catalog;
	SELECT t.lag, t.retained FROM (SELECT loyalty.retention(loyalty.activities(c, d)) AS r FROM (VALUES (1, date '2024-01-01'), (2, '2024-01-02'), (1, '2024-02-05')) v(c, d)) q CROSS JOIN LATERAL loyalty.retention_table(q.r) t;
SQL
)" "0|2
1|1" "nor do collectors, casts to the common base, and defaults of retention()"
is "$(run loyalty_schema <<-SQL
	SET search_path = pg_catalog;
	SET enable_seqscan = off;
	SELECT count(*) FROM public.per_customer a JOIN public.per_customer b ON a.activity OPERATOR(loyalty.=) b.activity WHERE a.activity OPERATOR(loyalty.<>) '{}';
	SELECT count(DISTINCT timeline) FROM public.per_customer;
SQL
)" "98
99" "operators and classes moved along"
finish
