#!/usr/bin/env bash
# statement_timeout and cancel end long calls at once: one whose time-out is a tenth of what it
# takes is over when half of that has gone by. Both are measured here, so that it holds on slow
# and busy machines, too.
#
# alone: it measures time

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

new_database loyalty_cancel
run loyalty_cancel <<-SQL
	CREATE EXTENSION loyalty;
	CREATE UNLOGGED TABLE visit AS SELECT (n * 7919) % 200000 AS customer, timestamptz '1970-01-01 00:00+00' + (n * 104729 % 20000) * interval '1 day' + n * interval '1 microsecond' AS at FROM generate_series(1::bigint, 1000000) n;
	ANALYZE visit;
	CREATE UNLOGGED TABLE huge (name text, written text);
	ALTER TABLE huge ALTER written SET STORAGE EXTERNAL;
	INSERT INTO huge SELECT 'days', '{' || string_agg((date '0001-01-01' + (n * 7919 % 3000017)::int)::text, ',') || '}' FROM generate_series(1::bigint, 3000000) n;
	INSERT INTO huge SELECT 'events', '[' || string_agg('{"at": "' || to_char(timestamp '1970-01-01' + n * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"}', ',') || ']' FROM generate_series(1, 300000) n;
	INSERT INTO huge SELECT 'base', activities(customer, at)::text FROM visit;
	CREATE UNLOGGED TABLE stored (a activity_set, t event_timeline);
	INSERT INTO stored SELECT activity_agg(date '0001-01-01' + n), NULL FROM generate_series(1, 3000000) n;
	INSERT INTO stored SELECT NULL, timeline_agg(timestamptz '1970-01-01 00:00+00' + n * interval '61.000001 seconds', n) FROM generate_series(1, 3000000) n;
	CREATE UNLOGGED TABLE merged AS SELECT timeline_agg(make_event(at => timestamptz '2000-01-01 00:00+00' + n * 104729 % 1000003 * interval '1 second', kind => 'kind ' || n % 7, ref => 'ref ' || n)) AS rich FROM generate_series(1::bigint, 1000000) n;
	CREATE UNLOGGED TABLE base AS SELECT activities(customer, at) AS b FROM visit;
SQL

# timed TIMEOUT_MS QUERY: the state it ends in, 00000 if all is well, and its milliseconds.
timed()
{
	psql -X -q -A -t -d loyalty_cancel -v VERBOSITY=sqlstate >"$scratch/timed" 2>&1 <<-SQL || true
		SET timezone = 'Europe/Helsinki';
		SET max_parallel_workers_per_gather = ${workers:-0};
		${settings-}
		SET statement_timeout = $1;
		\\timing on
		\\o /dev/null
		$2;
		\\o
		\\timing off
		\\echo state :SQLSTATE
	SQL
	awk '/^Time:/ { ms = $2 } /^state/ { state = $2 } END { print state, int(ms) }' "$scratch/timed"
}

# cancelled NAME QUERY: what it takes is measured up to $most milliseconds. The least of three
# tries counts, as other programs may hold one up. Where $deaf is PostgreSQL's own part, it needn't
# be over soon.
cancelled()
{
	local state whole ms least='' timeout

	read -r state whole < <(timed "${most:-3000}" "$2")
	is "$([ "$state" = 00000 ] || [ "$state" = 57014 ] || echo "$state")" "" "$1: $whole ms$([ "$state" = 00000 ] || echo ' and more')"
	timeout=$((whole / 10 + 1))
	for _ in 1 2 3; do
		read -r state ms < <(timed "$timeout" "$2")
		if [ -z "$least" ] || [ "$ms" -lt "$least" ]; then
			least=$ms
		fi
		if [ "$state" != 57014 ] || [ "$least" -lt $((whole / 2)) ]; then
			break
		fi
	done
	is "$state" 57014 "... cancelled after $timeout ms"
	[ -n "${deaf-}" ] || is "$((least < whole / 2))" 1 "... soon ($least ms)"
}

cancelled "collecting activities" "SELECT count(*) FROM (SELECT activities(customer, at) AS b FROM visit) q CROSS JOIN LATERAL customer_activities(q.b)"
cancelled "collecting timelines" "SELECT count(*) FROM (SELECT timelines(customer, at, 1.5) AS b FROM visit) q CROSS JOIN LATERAL customer_timelines(q.b)"
workers=2 cancelled "collecting in workers" "SELECT count(*) FROM (SELECT timelines(customer::text, at, 1.5) AS b FROM visit) q CROSS JOIN LATERAL customer_timelines(q.b)"
# The same where there is one base of everyone, which workers hand over.
settings="SET loyalty.enable_group_node = off;" cancelled "collecting a base" "SELECT count(*) FROM (SELECT timelines(customer, at, 1.5) AS b FROM visit) q CROSS JOIN LATERAL customer_timelines(q.b)"
workers=2 settings="SET loyalty.enable_group_node = off;" cancelled "collecting a base in workers" "SELECT count(*) FROM (SELECT timelines(customer::text, at, 1.5) AS b FROM visit) q CROSS JOIN LATERAL customer_timelines(q.b)"
# GROUP BY in the node, wherever it is: in memory, through files, one customer alone, in workers.
node="SET enable_hashagg = off; SET enable_sort = off;"
settings=$node cancelled "grouping in the node" "SELECT count(a) FROM (SELECT customer, activity_agg(at) AS a, max(at) FROM visit GROUP BY customer) q"
settings="$node SET work_mem = '64kB';" cancelled "grouping in the node, through files" "SELECT count(t) FROM (SELECT customer, timeline_agg(at, 1.5) AS t FROM visit GROUP BY customer) q"
settings="$node SET work_mem = '64kB';" cancelled "one customer in the node" "SELECT count(t) FROM (SELECT customer % 1 AS one, timeline_agg(at, 1.5) AS t FROM visit GROUP BY 1) q"
workers=2 settings="$node SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;" cancelled "grouping in the node, in workers" "SELECT count(a) FROM (SELECT customer, activity_agg(at) AS a FROM visit GROUP BY customer) q"
cancelled "retention by day over 55 years" "SELECT count(*) FROM (SELECT retention(b, 'day') AS r FROM base) q CROSS JOIN LATERAL retention_table(q.r)"
cancelled "retention_table of many cells" "SELECT sum(t.lag) FROM (SELECT retention(activities(n, date '1900-01-01' + n % 9000), 'day', '2020-01-01') AS r FROM generate_series(1, 9000) n) q CROSS JOIN LATERAL retention_table(q.r) t"
cancelled "referrals and their rows" "SELECT count(root) FROM (SELECT referrals(customer * 7 + extract(epoch FROM at)::bigint % 7, customer) AS r FROM visit) q CROSS JOIN LATERAL referral_table(q.r)"
cancelled "text output of referrals, and input" "SELECT length((referrals(customer::text || at, customer::text)::text::referrals_result_text)::text) FROM visit"
cancelled "text input of days" "SELECT activity_count(written::activity_set) FROM huge WHERE name = 'days'"
# PostgreSQL parses JSON itself, and doesn't look for a cancel while it does: that is most of it.
deaf=json cancelled "text input of events" "SELECT timeline_count(written::event_timeline) FROM huge WHERE name = 'events'"
deaf=json cancelled "text input of a base" "SELECT retention(written::activity_base_bigint, 'day') FROM huge WHERE name = 'base'"
cancelled "text output of events" "SELECT length(t::text) FROM stored WHERE t IS NOT NULL"
cancelled "events to rows" "SELECT count(e.value) FROM stored CROSS JOIN LATERAL timeline_events(t) e"
most=10000 cancelled "merging" "SELECT timeline_count(t + t + t + t) FROM stored WHERE t IS NOT NULL"
cancelled "gaps" "SELECT sum(activity_count(a, since => NULL, until => NULL) + cardinality(activity_gaps(a))) FROM stored, generate_series(1, 20) WHERE a IS NOT NULL"
cancelled "streaks" "SELECT sum(activity_longest_streak(a, 'week') + activity_streak(a, 'month', '2000-01-01')) FROM stored, generate_series(1, 20) WHERE a IS NOT NULL"
cancelled "union" "SELECT sum(activity_count(a + a - a)) FROM stored, generate_series(1, 20) WHERE a IS NOT NULL"
cancelled "merging refs" "SELECT timeline_count(rich + rich) FROM merged"

# Customers' ids that would share a place in a table of hashes whose key is known, MurmurHash3's
# finalizer: their hashes agree in the top 20 bits. They take about as long as any others, where
# they took a hundred times as long.
ids=60000
inverse()
{
	local h
	h=$1
	h=$((h ^ (h >> 33 & 0x7fffffff)))
	h=$((h * 0x9cb4b2f8129337db))
	h=$((h ^ (h >> 33 & 0x7fffffff)))
	h=$((h * 0x4f74430c22a54005))
	echo $((h ^ (h >> 33 & 0x7fffffff)))
}
for ((n = 0; n < ids; n++)); do inverse $((0xABCDE << 44 | n * 7919)); done >"$scratch/ids"
run loyalty_cancel -c "CREATE UNLOGGED TABLE chosen (id bigint, n serial)" -c "\\copy chosen (id) FROM '$scratch/ids'" \
	-c "CREATE UNLOGGED TABLE random AS SELECT hashint8extended(n, 1) AS id, n FROM chosen" -c "ANALYZE chosen, random"

# best_of QUERY: the shortest of five times, in microseconds.
best_of()
{
	for _ in 1 2 3 4 5; do
		run loyalty_cancel -c "$node" -c '\timing on' -c "$1"
	done | sed -nE 's/^Time: ([0-9]+)\.([0-9]{3}) ms.*/\1\2/p' | sort -n | head -n 1
}
# no_slower NAME QUERY: about as long of the chosen ones as of others; FROM ids stands for each.
no_slower()
{
	local usual chosen

	usual=$(best_of "${2//FROM ids/FROM random}")
	chosen=$(best_of "${2//FROM ids/FROM chosen}")
	is "$((chosen < 10 * usual))" 1 "chosen ids don't make $1 slow ($chosen us for $usual us)"
}
no_slower collecting "SELECT count(*) FROM (SELECT activities(id, date '2024-01-01' + n % 100) AS b FROM ids) q CROSS JOIN LATERAL customer_activities(q.b)"
no_slower "the node" "SELECT count(*) FROM (SELECT id, activity_agg(date '2024-01-01' + n % 100) FROM ids GROUP BY id) q"
is "$(run loyalty_cancel -c "SELECT activity_count(activity_agg(date '2024-01-01'))")" 1 "the server answers"
finish
