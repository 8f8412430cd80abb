#!/usr/bin/env bash
# postgres_fdw with the extension listed in the server's option `extensions`, and a remote
# role of another TimeZone: what is computed over there is what would be computed here. Then
# two servers with a share of the customers each, as foreign partitions, and as views that
# make results.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
source "$(dirname "${BASH_SOURCE[0]}")/questions.sh"

new_role loyalty_remote SUPERUSER
new_database loyalty_fdw_remote
new_database loyalty_fdw
find_metrics
run loyalty_fdw_remote <<-SQL
	ALTER ROLE loyalty_remote SET timezone = 'Pacific/Kiritimati';
	ALTER ROLE loyalty_remote SET datestyle = 'German';
	CREATE EXTENSION loyalty;
	CREATE TABLE orders AS
	SELECT n % 40 AS customer, timestamptz '2024-01-01 00:00+00' + n * interval '5 hours 17 minutes' AS at, round((n % 90) * 0.75, 2) AS amount, date '2024-01-01' + n / 9 AS day FROM generate_series(1, 3000) n;
	CREATE TABLE stored AS SELECT customer, activity_agg(at, 'America/New_York') AS activity, timeline_agg(at, amount) AS timeline FROM orders GROUP BY customer;
SQL
run loyalty_fdw <<-SQL
	CREATE EXTENSION loyalty;
	CREATE EXTENSION postgres_fdw;
	CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$PGHOST', port '${PGPORT:-5432}', dbname 'loyalty_fdw_remote', extensions 'loyalty', use_remote_estimate 'false');
	CREATE USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (user 'loyalty_remote');
	CREATE FOREIGN TABLE orders (customer int, at timestamptz, amount numeric, day date) SERVER remote;
	CREATE FOREIGN TABLE stored (customer int, activity activity_set, timeline event_timeline) SERVER remote;
	CREATE TABLE local_orders AS TABLE orders;
	CREATE TABLE local_stored AS TABLE stored;
SQL

# same NAME QUERY: with %o and %s for the two tables, the answers from there and from here.
same()
{
	local there here query=$2

	there=$(run loyalty_fdw -c "SET timezone = 'America/New_York'" -c "SET parallel_tuple_cost = 100" -c "${query//%/}" 2>&1) || true
	query=${query//%orders/local_orders}
	here=$(run loyalty_fdw -c "SET timezone = 'America/New_York'" -c "${query//%stored/local_stored}" 2>&1)
	[ -n "$here" ] || here="(nothing)"
	is "$there" "$here" "$1"
}

# pushed QUERY: is its aggregate computed over there?
pushed()
{
	run loyalty_fdw -c "SET timezone = 'America/New_York'" -c "EXPLAIN (VERBOSE, COSTS OFF) $1" | grep -c 'Relations: Aggregate' || true
}

same "activity_agg in the session's zone" 'SELECT customer, activity_agg(at) FROM %orders GROUP BY customer ORDER BY customer'
same "activity_agg in a zone of its own" "SELECT customer, activity_agg(at, 'Europe/Helsinki') FROM %orders GROUP BY customer ORDER BY customer"
same "activity_agg of days" 'SELECT customer, activity_agg(at::date) FROM %orders GROUP BY customer ORDER BY customer'
same "activity_agg of a column of days" 'SELECT customer, activity_agg(day) FROM %orders GROUP BY customer ORDER BY customer'
same "timeline_agg" 'SELECT customer, timeline_agg(at, amount), timeline_agg(at) FROM %orders GROUP BY customer ORDER BY customer'
same "timeline_agg of events" "SELECT customer, timeline_agg(make_event(at => at, value => amount, kind => 'earn', ref => customer)) FROM %orders GROUP BY customer ORDER BY customer"
same "retention in the session's zone" "SELECT t.* FROM (SELECT retention(activities(customer, at), 'day') AS r FROM %orders) q CROSS JOIN LATERAL retention_table(q.r) t ORDER BY cohort, lag"
same "retention in a zone of its own" "SELECT t.* FROM (SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'day') AS r FROM %orders) q CROSS JOIN LATERAL retention_table(q.r) t ORDER BY cohort, lag"
same "two-level retention" "SELECT t.* FROM (SELECT retention(activity, 'week', '2025-06-30') AS r FROM %stored) q CROSS JOIN LATERAL retention_table(q.r) t ORDER BY cohort, lag"
same "timelines" 'SELECT c.* FROM (SELECT timelines(customer, at, amount) AS b FROM %orders) q CROSS JOIN LATERAL customer_timelines(q.b) c ORDER BY customer'
same "rollup" 'SELECT rollup(activity), rollup(timeline) FROM %stored'
same "accessors" "SELECT customer, activity_first(activity), activity_count(activity, 'week'), activity_gaps(activity), timeline_sum(timeline), activity_set(timeline) FROM %stored ORDER BY customer"
same "accessors in a condition" "SELECT customer FROM %stored WHERE activity @> date '2024-03-01' OR timeline_sum(timeline) > 2100 ORDER BY customer"
same "the session's zone in a condition" "SELECT customer FROM %stored WHERE activity_set(timeline) @> date '2024-03-01' ORDER BY customer"
same "streaks as of a day" "SELECT customer, activity_streak(activity, 'week', '2024-05-01') FROM %stored WHERE activity_streak(activity, 'week', '2024-05-01') > 1 ORDER BY customer"
same "equality" "SELECT customer FROM %stored WHERE timeline = (SELECT timeline FROM local_stored WHERE customer = 7)"

is "$(pushed 'SELECT customer, activity_agg(at) FROM orders GROUP BY customer')" 0 "what depends on the session's zone stays here"
is "$(pushed 'SELECT activities(customer, at) FROM orders')" 0 "... collectors too"
is "$(pushed 'SELECT customer, activity_agg(day) FROM orders GROUP BY customer')" 1 "what doesn't goes over there"
is "$(pushed 'SELECT customer, timeline_agg(at, amount) FROM orders GROUP BY customer')" 1 "... timelines too"
is "$(pushed "SELECT retention(activity, 'week', '2025-06-30') FROM stored")" 1 "... and two-level retention"
is "$(pushed "SELECT retention(activities(customer, day), 'week') FROM orders")" 1 "... and a metric over a column of days"
is "$(pushed "SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'week') FROM orders")" 0 "a zone that is named isn't sent: a constant text argument has no collation of the other side's"
is "$(pushed "SELECT customer, activity_agg(at, 'Europe/Helsinki') FROM orders GROUP BY customer")" 0 "... in two levels neither"
is "$(pushed "SELECT points_totals(timeline, '{\"zone\": \"UTC\"}', '2025-06-30') FROM stored")" 0 "a policy stays here, too"

# ---- a table of several servers ----

new_database loyalty_fdw_1
new_database loyalty_fdw_2
run loyalty_fdw -c "$(orders_table plain_orders)"
for n in 1 2; do
	run loyalty_fdw_$n <<-SQL
		CREATE EXTENSION loyalty;
		$(orders_table orders)
		TRUNCATE orders;
	SQL
	run loyalty_fdw <<-SQL
		CREATE SERVER share_$n FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$PGHOST', port '${PGPORT:-5432}', dbname 'loyalty_fdw_$n', extensions 'loyalty', async_capable 'true');
		CREATE USER MAPPING FOR CURRENT_USER SERVER share_$n OPTIONS (user 'loyalty_remote');
	SQL
done
run loyalty_fdw <<-SQL
	CREATE TABLE spread_orders (LIKE plain_orders) PARTITION BY HASH (customer);
	CREATE FOREIGN TABLE spread_orders_1 PARTITION OF spread_orders FOR VALUES WITH (MODULUS 2, REMAINDER 0) SERVER share_1 OPTIONS (table_name 'orders');
	CREATE FOREIGN TABLE spread_orders_2 PARTITION OF spread_orders FOR VALUES WITH (MODULUS 2, REMAINDER 1) SERVER share_2 OPTIONS (table_name 'orders');
	INSERT INTO spread_orders TABLE plain_orders;
SQL
is "$(for n in 1 2; do run loyalty_fdw_$n -c 'SELECT count(*) > 100 FROM orders'; done)" $'t\nt' "each server has a share of the rows"

is "$(unasked loyalty_fdw)" "" "every metric of the catalog is asked"
# In a zone that is neither a question's nor the one of postgres_fdw's sessions.
for table in spread_orders plain_orders; do
	ask loyalty_fdw $table -c "SET timezone = 'America/New_York'" -c 'SET enable_partitionwise_aggregate = on' >"$scratch/$table"
done
same_answers "$scratch/spread_orders" "$scratch/plain_orders" 'foreign partitions: '
is "$(run loyalty_fdw -c 'SET enable_partitionwise_aggregate = on' -c "EXPLAIN (VERBOSE, COSTS OFF)
	SELECT growth(t, 'month@UTC', '2024-12-15') FROM (SELECT timeline_agg(at, amount) AS t FROM spread_orders GROUP BY customer) s" |
	sed -nE 's/^ *Remote SQL: //p')" 'SELECT public.timeline_agg(at, amount), customer FROM public.orders GROUP BY 2
SELECT public.timeline_agg(at, amount), customer FROM public.orders GROUP BY 2' "timelines are made over there, where customers are whole in a partition"

# A view on each server makes a result of its share; here results are added up. GMT is the
# zone of postgres_fdw's sessions, for the one metric whose end of day is the session's.
foreign_results()
{
	local view=$1 columns=$2 n

	echo "CREATE TABLE $view ($columns);"
	for n in 1 2; do
		echo "CREATE FOREIGN TABLE ${view}_$n () INHERITS ($view) SERVER share_$n OPTIONS (table_name '$view');"
	done
}

views=0
one_pass()
{
	[[ $1 == *', one pass' && $1 != *' and '* ]] || return 0
	views=$((views + 1))
	echo "CREATE VIEW answer_$views (result) AS ${2//%/};" >>"$scratch/views"
	printf '\\echo @@%s\nSELECT rollup(result) FROM answer_%s;\n' "$1" "$views" >>"$scratch/rollups"
	printf '\\echo @@%s\n%s;\n' "$1" "${2//%orders/plain_orders}" >>"$scratch/plain"
	names+=("$1")
}
names=()
each_question one_pass
run loyalty_fdw_1 -f "$scratch/views"
run loyalty_fdw_2 -f "$scratch/views"
while IFS='|' read -r view type; do
	foreign_results "$view" "result $type"
done < <(run loyalty_fdw_1 -c "SELECT attrelid::regclass, atttypid::regtype FROM pg_attribute WHERE attrelid::regclass::text ~ '^answer_' AND attnum > 0") |
	run loyalty_fdw
run loyalty_fdw -v ON_ERROR_STOP=0 -f "$scratch/rollups" >"$scratch/answers" 2>&1
run loyalty_fdw -c "SET timezone = 'GMT'" -f "$scratch/plain" >"$scratch/wanted"
for name in "${names[@]}"; do
	is "$(answer_to "$name" <"$scratch/answers")" "$(answer_to "$name" <"$scratch/wanted")" "views of results: ${name%, one pass}"
done

# A question's own argument is a column of the view.
for n in 1 2; do
	run loyalty_fdw_$n <<-SQL
		CREATE VIEW retention_by_month AS
		SELECT d.as_of, q.result
		FROM (SELECT generate_series(date '2024-02-01', '2025-01-01', '1 month')::date - 1) d(as_of)
		CROSS JOIN LATERAL (SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'month@Europe/Helsinki', d.as_of) AS result FROM orders) q;
	SQL
done
foreign_results retention_by_month 'as_of date, result retention_result' | run loyalty_fdw
is "$(run loyalty_fdw -c "SELECT rollup(result) FROM retention_by_month WHERE as_of = '2024-07-31'")" \
	"$(run loyalty_fdw -c "SELECT retention(activities(customer, at, 'Europe/Helsinki'), 'month@Europe/Helsinki', '2024-07-31') FROM plain_orders")" "as of a day that the query names"
is "$(run loyalty_fdw -c "EXPLAIN (VERBOSE, COSTS OFF) SELECT rollup(result) FROM retention_by_month WHERE as_of = '2024-07-31'" |
	sed -nE 's/^ *(-> *)?(Async Foreign Scan on [a-z_0-9.]+).*/\2/p; s/::date//; s/^ *(Remote SQL.*)/\1/p')" \
	"Async Foreign Scan on public.retention_by_month_1
Remote SQL: SELECT result FROM public.retention_by_month WHERE ((as_of = '2024-07-31'))
Async Foreign Scan on public.retention_by_month_2
Remote SQL: SELECT result FROM public.retention_by_month WHERE ((as_of = '2024-07-31'))" "... which is sent, to all at once, and a result comes back from each"
finish
