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
run loyalty_fuzz -c "SET timezone = 'UTC'" -f "$here/reference/type_texts.sql" -c 'CREATE TABLE sent (type text, hex text)'
for type in "${types[@]}"; do
	echo "CREATE TABLE fuzz_$type (hex text, x $type);"
	echo "INSERT INTO sent SELECT type, encode(${send[$type]}(written::$type), 'hex') FROM typical_seed WHERE type = '$type';"
done | run loyalty_fuzz
is "$(run loyalty_fuzz -c 'SELECT typname FROM own_type WHERE typname NOT IN (SELECT type FROM sent)')" "" "a seed of every type"

mkdir "$scratch/files"
run loyalty_fuzz -F ' ' -c 'SELECT * FROM sent' | perl "$here/reference/mutants.pl" "$scratch/files" >"$scratch/load.sql"
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
is "$(run loyalty_fuzz -c "SELECT count(*) FROM fuzz_points_totals_result r, LATERAL points_totals_table(r.x) t WHERE t.earned + t.reinstated + t.adjusted + t.transferred <> t.redeemed + t.returned + t.expired + t.forfeited + t.pending + t.active + t.blocked - t.overdrawn" 2>&1)" 0 "results: totals hold together"
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
