#!/usr/bin/env bash
# Binary input of every type with truncated, bit-flipped and random bytes, through COPY: it is
# one of the errors that say what is wrong, or a value that can be read, shown and sent; and
# the backend lives.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
here=$(dirname "$0")
new_database loyalty_fuzz
run loyalty_fuzz -c 'CREATE EXTENSION loyalty' -f "$here/reference/own_types.sql"
declare -A send
while IFS='|' read -r type function; do
	send[$type]=$function
done < <(run loyalty_fuzz -c 'SELECT typname, typsend FROM own_type')
mapfile -t types < <(printf '%s\n' "${!send[@]}" | sort)
{
	for type in "${types[@]}"; do
		echo "CREATE TABLE fuzz_$type (hex text, x $type);"
	done
	cat <<-SQL
		CREATE TABLE seed (type text, hex text);
		CREATE TABLE visit AS SELECT n % 7 AS c, timestamptz '2023-11-01 00:00+00' + n * interval '31 hours 1 second' AS at, n * 0.25 AS v FROM generate_series(1, 60) n;
		CREATE FUNCTION hex(bytes bytea) RETURNS text LANGUAGE sql AS \$\$ SELECT encode(bytes, 'hex') \$\$;
	SQL
} | run loyalty_fuzz

# seed TYPE EXPRESSION: a value to start from.
seed()
{
	echo "INSERT INTO seed SELECT '$1', hex(${send[$1]}(x)) FROM (SELECT $2) q(x) WHERE x IS NOT NULL;"
}
{
	seed activity_set "'{}'::activity_set"
	seed activity_set "'{2024-01-05}'::activity_set"
	seed activity_set "activity_agg(at) FROM visit"
	seed calendar_period "p::calendar_period FROM unnest(ARRAY['month', 'week:sunday@Europe/Helsinki', '{2024-01-01,2024-01-29}@UTC', 'quarter:02-01']) p"
	seed timeline_event "make_event(at => '2024-01-05 10:00')"
	seed timeline_event "make_event(at => '2024-01-05 10:00:00.5', value => 1.50, kind => 'earn', label => 'Käse', ref => 'A', expires_at => '2025-01-01')"
	seed event_timeline "'[]'::event_timeline"
	seed event_timeline "timeline_agg(at, v) FROM visit WHERE c = 1"
	seed event_timeline "timeline_agg(make_event(at => at, value => nullif(v, 1), kind => 'k' || c, label => 'l' || c % 3, ref => c * 1000, expires_at => at + interval '1 year')) FROM visit WHERE c < 2"
	seed event_timeline "timeline_agg(make_event(at => at, ref => 'r' || c)) FROM visit WHERE c < 2"
	seed activity_base "activities(c, at)::activity_base FROM visit"
	seed timeline_base "timelines(c, at, v)::timeline_base FROM visit"
	for customer in bigint:c uuid:md5\(c::text\)::uuid text:c::text; do
		seed "activity_base_${customer%%:*}" "activities(${customer#*:}, at) FROM visit"
		seed "activity_base_${customer%%:*}" "activities(nullif(${customer#*:}, ${customer#*:}), at) FROM visit"
		seed "timeline_base_${customer%%:*}" "timelines(${customer#*:}, at, v) FROM visit"
		seed "timeline_base_${customer%%:*}" "timelines(${customer#*:}, make_event(at => at, value => v, kind => 'k')) FROM visit WHERE c < 3"
	done
	seed retention_result "retention(activities(c, at), 'month') FROM visit"
	seed retention_result "retention(activities(c, at, 'Asia/Tokyo'), 'week') FROM visit WHERE c < 3"
	seed retention_result "retention(activities(NULL::int, at)) FROM visit"
	for mode in first recurring; do
		seed retention_result "retention(activities(c, at), 'week', mode => '$mode', rolling => 3) FROM visit WHERE c < 4"
		seed retention_result "retention(activities(c, at), 'month', mode => '$mode', brackets => '{{1,2},{1,4},{3,3}}') FROM visit"
		seed retention_result "retention(activities(c, at), activities(c, at - interval '3 days'), 'month', '2024-01-05', '$mode') FROM visit WHERE c < 4"
	done
	seed retention_result "retention(timelines(c, at, v), 'month', elapsed => '10 days') FROM visit"
	seed retention_result "retention(timelines(c, at, v), 'quarter@Asia/Tokyo', elapsed => '24 hours', brackets => '{{1,7},{8,30}}') FROM visit"
	for period in month week:sunday@UTC; do
		seed growth_result "growth(activities(c, at), '$period') FROM visit"
		seed growth_money_result "growth(timelines(c, at, v - 3), '$period') FROM visit WHERE c < 3"
		seed lifecycle_census_result "lifecycle_census(activities(nullif(c, 5), at), '$period', dormant_after => 2) FROM visit"
		seed stickiness_result "stickiness(activities(c, at), '$period', within => 'week@UTC') FROM visit"
	done
	for within in NULL 30; do
		seed repeat_rate_result "repeat_rate(activities(c, at), NULL, $within) FROM visit"
		seed repeat_rate_result "repeat_rate(timelines(c, at, v - 3), '2023-12-31', $within) FROM visit"
	done
	seed survival_result "survival(v, c % 2 = 0) FROM visit"
	seed logrank_result "logrank(v, c % 2 = 0, 'x' || c) FROM visit"
	seed purchase_intervals_result "purchase_intervals(activities(c, at), up_to => n) FROM visit, unnest(ARRAY[1, 3, 20]) n GROUP BY n"
	seed active_days_histogram_result "active_days_histogram(activities(nullif(c, 5), at), days => 60) FROM visit"
	seed points_policy "p::points_policy FROM unnest(ARRAY['{}', '{\"zone\": \"Europe/Helsinki\", \"kinds\": {\"EARN\": \"earn\", \"SPEND\": \"redeem\"}, \"expires_after\": \"1 year\", \"expires_align\": \"month\", \"pending\": \"14 days\"}', '{\"expires_on\": \"12-31\", \"by_label\": {\"promo\": {\"expires\": \"never\"}}, \"overdraft\": \"clip\", \"versions\": [{\"from\": \"2024-07-01\", \"pending\": \"1 day\"}]}', '{\"inactive_after\": \"90 days\", \"refreshed_by\": [\"earn\"], \"expiry_boundary\": \"valid\", \"redeem_order\": \"newest\", \"returns_below_zero\": false}']) p"
	for by_label in true false; do
		seed points_totals_result "points_totals(timelines(c, at, v - 3), '{\"pending\": \"1 day\"}') FROM visit WHERE $by_label OR c < 2"
		seed points_rollforward_result "points_rollforward(timelines(c, make_event(at => at, value => v - 3, label => 'l' || c % 3)), by_label => $by_label) FROM visit"
		seed points_triangle_result "points_triangle(timelines(c, make_event(at => at, value => v - 3, label => 'l' || c % 3)), '{\"expires_after\": \"7 days\"}', by_label => $by_label) FROM visit"
	done
	seed earn_policy "p::earn_policy FROM unnest(ARRAY['{}', '{\"full_steps\": true, \"per\": 200, \"versions\": [{\"from\": \"2024-07-01\", \"rate\": 3}]}', '{\"multipliers\": [{\"times\": 2, \"weekdays\": [\"saturday\"]}], \"caps\": {\"day\": 100}, \"bonuses\": {\"birthday\": 50}}']) p"
	seed program_policy "p::program_policy FROM unnest(ARRAY['{}', '{\"earn\": {\"multipliers\": [{\"times\": 2, \"tiers\": [\"Gold\"]}]}, \"points\": {\"expires_after\": \"1 year\"}, \"tiers\": {\"Gold\": 500}, \"tier_metric\": \"points\", \"pending_counts\": false, \"no_expiry_tiers\": [\"Gold\"], \"zone\": \"UTC\"}', '{\"tiers\": {\"Gold\": 500}, \"versions\": [{\"from\": \"2024-07-01\", \"earn\": {\"rate\": 3}, \"points\": {\"pending\": \"1 day\"}, \"tiers\": {\"grace\": \"1 day\"}, \"no_expiry_tiers\": [\"Gold\"]}]}']) p"
	seed tier_policy "p::tier_policy FROM unnest(ARRAY['{\"Silver\": 500, \"Gold\": 2000.5}', '{\"levels\": [{\"tier\": \"Gold\", \"any\": {\"nights\": 25, \"points\": 15000}, \"keep\": {\"all\": {\"nights\": 20}}}], \"metrics\": {\"nights\": {\"of\": \"days\", \"labels\": [\"night\"]}, \"points\": {\"of\": \"sum\", \"kinds\": [\"earn\"]}}, \"qualifying_window\": \"calendar year\", \"valid\": \"next_period_end\", \"zone\": \"Europe/Helsinki\"}', '{\"levels\": {\"Silver\": 5}, \"grace\": \"1 month\", \"downgrade\": \"one_level\", \"versions\": [{\"from\": \"2024-07-01\", \"levels\": {\"Silver\": 6}}]}']) p"
	club="'{\"levels\": {\"Silver\": 4, \"Gold\": 20.5}, \"valid\": \"20 days\", \"downgrade\": \"one_level\"}'"
	for all in true false; do
		seed tier_census_result "tier_census(timelines(c, at, v), $club) FROM visit WHERE $all OR c < 2"
		seed tier_migration_result "tier_migration(timelines(c, at, v), $club, '2023-11-10') FROM visit WHERE $all OR c < 2"
		seed tier_flow_result "tier_flow(timelines(c, nullif(at, CASE WHEN c < 2 THEN at END), v), $club, 'week') FROM visit WHERE $all OR c < 3"
		seed tier_tenure_result "tier_tenure(timelines(c, at, v), $club) FROM visit WHERE $all OR c < 2"
		seed tier_near_result "tier_near(timelines(c, at, v), $club, within => 2.5) FROM visit WHERE $all OR c < 2"
	done
	programme="'{\"earn\": {\"multipliers\": [{\"times\": 2, \"tiers\": [\"Silver\"]}]}, \"points\": {\"expires_after\": \"20 days\", \"pending\": \"3 days\"}, \"tiers\": {\"Silver\": 4, \"Gold\": 20.5}}'"
	for all in true false; do
		seed program_totals_result "program_totals(timelines(c, at, v), $programme) FROM visit WHERE $all OR c < 2"
		seed program_compare_result "program_compare(timelines(c, at, v), $programme, '{\"earn\": {\"rate\": 0.5, \"decimals\": 2}}') FROM visit WHERE $all OR c < 2"
		seed program_rollforward_result "program_rollforward(timelines(c, at, v - 3), $programme, 'week') FROM visit WHERE $all OR c < 3"
	done
	seed funnel_totals_result "funnel_totals(timelines(c, make_event(at => at, kind => 'k' || v::int % 3)), '{k0,k1,k2}') FROM visit"
	seed funnel_totals_result "funnel_totals(timelines(c, make_event(at => at, label => 'k' || v::int % 3)), '{k0,k1}', '1 day', 'strict_order', 'label', '{02:30}', '2024-02-01') FROM visit"
} >"$scratch/seeds.sql"
run loyalty_fuzz -c "SET timezone = 'UTC'" -f "$scratch/seeds.sql"
is "$(run loyalty_fuzz -c 'SELECT typname FROM own_type WHERE typname NOT IN (SELECT type FROM seed)')" "" "a seed of every type"

mkdir "$scratch/files"
run loyalty_fuzz -F ' ' -c 'SELECT * FROM seed' | perl "$here/reference/mutants.pl" "$scratch/files" >"$scratch/load.sql"
is "$(grep -c copy "$scratch/load.sql" | awk '{ print ($1 > 4000) }')" 1 "thousands of mutants ($(grep -c copy "$scratch/load.sql"))"

{
	echo "SELECT 'pid ' || pg_backend_pid();"
	cat "$scratch/load.sql"
	echo "SELECT 'pid ' || pg_backend_pid();"
} >"$scratch/all.sql"
PGOPTIONS="-c statement_timeout=10min -c client_min_messages=warning" psql -X -q -A -t -d loyalty_fuzz -v VERBOSITY=default -v SHOW_CONTEXT=never -f "$scratch/all.sql" >"$scratch/verbose.out" 2>&1 || true
PGOPTIONS="-c statement_timeout=10min -c client_min_messages=warning" psql -X -q -A -t -d loyalty_fuzz -v VERBOSITY=sqlstate -f "$scratch/all.sql" >"$scratch/out" 2>&1 || true
is "$(grep -c '^pid' "$scratch/out")" 2 "the session came to its end"
is "$(grep '^pid' "$scratch/out" | sort -u | wc -l)" 1 "... in the backend that began"
# 22P02 and 22P03: malformed; 22003, 22008: out of range; 22021: not UTF-8; 22023: a bad value in a field; 08P01: bytes short or left over
is "$(grep -B1 'ERROR\|FATAL\|PANIC' "$scratch/out" | awk '/^#/ { what = $0 } /ERROR|FATAL|PANIC/ && !/ERROR:  (22P02|22P03|22003|22008|22021|22023|08P01)$/ { print $0, what }' | head -n 10)" "" "every error says what is wrong"
is "$(grep -c 'ERROR' "$scratch/out" | awk '{ print ($1 > 3000) }')" 1 "most are refused ($(grep -c 'ERROR' "$scratch/out"))"

for type in "${types[@]}"; do
	is "$(run loyalty_fuzz -c "SELECT left(hex, 200), left(x::text, 200) FROM fuzz_$type WHERE ${send[$type]}(x::text::$type) <> ${send[$type]}(x) LIMIT 5" 2>&1)" "" "$type: what was taken is shown and reads back ($(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_$type") taken)"
done

# values that were taken can be worked with
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_activity_set WHERE activity_count(x) <> (SELECT count(*) FROM activity_days(x)) OR x + x <> x OR activity_first(x) > activity_last(x)" 2>&1)" 0 "sets of days"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_event_timeline WHERE timeline_count(x) <> (SELECT count(*) FROM timeline_events(x)) OR x + x - x <> x OR timeline_sum(x) IS DISTINCT FROM (SELECT sum(value) FROM timeline_events(x))" 2>&1)" 0 "timelines"
for kind in bigint uuid text; do
	is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_activity_base_$kind b WHERE (SELECT count(*) <> count(DISTINCT c.customer) FROM customer_activities(b.x) c)" 2>&1)" 0 "bases of activities by $kind"
	is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_timeline_base_$kind b WHERE (SELECT count(*) <> count(DISTINCT c.customer) OR bool_or(timeline_count(c.timeline) < 0) FROM customer_timelines(b.x) c)" 2>&1)" 0 "bases of timelines by $kind"
done
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_points_policy WHERE points_balance('[]', x, '2024-01-01') <> 0" 2>&1)" 0 "rules"
# without the NOTICE on tables of very many periods, which mutants make
export PGOPTIONS="-c client_min_messages=warning"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_retention_result r, LATERAL (SELECT count(*), bool_or(t.retained > t.retained_after OR t.retained_after > t.cohort_size OR t.retained < 0 OR t.rate NOT BETWEEN 0 AND 1) AS wrong FROM retention_table(r.x) t) c WHERE c.wrong" 2>&1)" 0 "results: what stays is part of the cohort"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_points_totals_result r, LATERAL points_totals_table(r.x) t WHERE t.earned + t.reinstated + t.adjusted + t.transferred <> t.redeemed + t.returned + t.expired + t.forfeited + t.pending + t.active - t.overdrawn" 2>&1)" 0 "results: totals hold together"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_points_triangle_result r, LATERAL points_redemption_rate(r.x) t WHERE t.rate NOT BETWEEN 0 AND 1.0000001 OR t.breakage_points < 0" 2>&1)" 0 "results: rates are shares"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_growth_result r, LATERAL growth_table(r.x) t WHERE t.active <> t.new + t.retained + t.resurrected OR t.churned < 0" 2>&1)" 0 "growth"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_stickiness_result r, LATERAL stickiness_table(r.x) t WHERE t.ratio NOT BETWEEN 0 AND 1" 2>&1)" 0 "stickiness"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_tier_census_result r, LATERAL tier_census_table(r.x) t WHERE t.members < 0 OR t.share NOT BETWEEN 0 AND 1" 2>&1)" 0 "results: members are part of all"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_tier_migration_result r, LATERAL tier_migration_table(r.x) t WHERE t.share NOT BETWEEN 0 AND 1" 2>&1)" 0 "results: ... of those in their tier"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_tier_flow_result r, LATERAL (SELECT * FROM tier_flow_table(r.x) LIMIT 2000) t WHERE t.members_at_end <> t.members_at_start + t.joined + t.upgraded_in - t.upgraded_out + t.downgraded_in - t.downgraded_out OR t.members_at_end < 0" 2>&1)" 0 "results: from start to end"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_tier_tenure_result r, LATERAL tier_tenure_table(r.x) t WHERE t.ended > t.spells OR t.median_days < 0 OR t.mean_days < 0" 2>&1)" 0 "results: spells end once"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_tier_near_result r, LATERAL tier_near_table(r.x) t WHERE t.near_next > t.members OR t.near_keep > t.members" 2>&1)" 0 "results: who is near is a member"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_program_totals_result r, LATERAL program_totals_table(r.x) t WHERE t.points_issued <> t.points_redeemed + t.points_expired + t.points_pending + t.balance OR t.members < 0" 2>&1)" 0 "results: a programme's points add up"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_program_compare_result r, LATERAL (SELECT sum(members) AS m FROM program_compare_members(r.x)) t, LATERAL (SELECT coalesce(sum(members), 0) AS m FROM program_compare_table(r.x)) p WHERE t.m <> p.m" 2>&1)" 0 "results: who wins, loses or stays is somewhere"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_program_rollforward_result r, LATERAL (SELECT * FROM program_rollforward_table(r.x) LIMIT 2000) t WHERE t.closing <> t.opening + t.issued - t.redeemed - t.returned - t.expired OR t.pending < 0" 2>&1)" 0 "results: from opening to closing"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_repeat_rate_result r, LATERAL repeat_rate_table(r.x) t WHERE t.rate NOT BETWEEN 0 AND 1 OR t.eligible > t.buyers" 2>&1)" 0 "repeat rates"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_purchase_intervals_result r, LATERAL purchase_intervals_table(r.x) t WHERE t.not_reached < 0 OR t.median_days < t.n - 1 OR t.km_median_days < t.n - 1" 2>&1)" 0 "purchase intervals"
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_funnel_totals_result r, LATERAL funnel_totals_table(r.x) t WHERE t.stopped NOT BETWEEN 0 AND t.reached OR t.rate_from_previous NOT BETWEEN 0 AND 1 OR t.median_from_previous < '0'" 2>&1)" 0 "results: a funnel only gets narrower"
finish
