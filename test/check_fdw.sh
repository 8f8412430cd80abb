#!/usr/bin/env bash
# postgres_fdw with the extension listed in the server's option `extensions`, and a remote
# role of another TimeZone: what is computed over there is what would be computed here.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

new_role loyalty_remote SUPERUSER
new_database loyalty_fdw_remote
new_database loyalty_fdw
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
finish
