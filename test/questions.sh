# shellcheck shell=bash
# Functions are called by name, and names shared with who sources this:
# shellcheck disable=SC2034,SC2154,SC2317
#
# Every metric, asked of one table in each of its forms; to be sourced by the checks that ask
# the same of a table that is spread over several machines.

# SQL that makes the table `orders`: 60 customers, a year, kinds and labels. $1: its name.
orders_table()
{
	cat <<-SQL
		CREATE TABLE $1 AS
		SELECT n AS order_id, 1 + (n * n % 97 + n % 13) % 60 AS customer, timestamptz '2024-01-01 00:00+00' + n * interval '4 hours 41 minutes' AS at,
			(ARRAY['visit', 'purchase', 'purchase', 'redeem', 'purchase'])[1 + n % 5] AS kind,
			CASE n % 5 WHEN 0 THEN NULL WHEN 3 THEN -round((n % 17) * 0.5, 2) ELSE round((n % 90) * 0.75, 2) END AS amount,
			(ARRAY['web', 'app', 'store'])[1 + n / 7 % 3] AS channel, date '2024-01-01' + n / 5 AS day
		FROM generate_series(1, 1800) n;
	SQL
}

# What a metric takes, collected from all rows, and from the rows of each customer. A zone is
# named wherever days are made: the machines need not agree on theirs.
events="make_event(at => at, value => amount, kind => kind, label => channel, ref => order_id)"
declare -A base=(
	[activity]="activities(customer, at, 'Europe/Helsinki')"
	[timeline]="timelines(customer, at, amount)"
	[events]="timelines(customer, $events)"
) summary=(
	[activity]="activity_agg(at, 'Europe/Helsinki')"
	[timeline]="timeline_agg(at, amount)"
	[events]="timeline_agg($events)"
)

points_rules=\''{"kinds": {"purchase": "earn", "redeem": "redeem", "visit": "ignore"}, "expires_after": "3 months", "zone": "Europe/Helsinki"}'\'
tier_rules=\''{"levels": {"Silver": 200, "Gold": 400}, "zone": "Europe/Helsinki"}'\'
program_labels=\''{"earn": {"kinds": {"visit": "ignore", "redeem": "redemption"}, "other_kinds": "ignore", "multipliers": [{"name": "double", "times": 2}]}, "points": {"expires_after": "3 months"}, "zone": "Europe/Helsinki"}'\'
program_rules=\''{"earn": {}, "points": {"expires_after": "3 months"}, "tiers": {"levels": {"Silver": 200, "Gold": 400}}, "zone": "Europe/Helsinki"}'\'
program_changed=\''{"earn": {}, "points": {"expires_after": "6 months"}, "tiers": {"levels": {"Silver": 150, "Gold": 500}}, "zone": "Europe/Helsinki"}'\'
scale=\''{"recency": [180, 60, 20], "frequency": [2, 4, 6], "monetary": [50, 150, 250.5]}'\'
period="'month@Europe/Helsinki'"
as_of="'2024-12-15'"

# Finds the metrics that the list below doesn't have: those of the catalog, with the arguments of
# reference/arguments.sql, where there are some for all of theirs. To be called first.
find_metrics()
{
	new_database loyalty_metrics
	run loyalty_metrics -c 'CREATE EXTENSION loyalty' -f "$(dirname "${BASH_SOURCE[0]}")/reference/arguments.sql"
	run loyalty_metrics >"$scratch/metrics" <<-SQL
		UPDATE sample SET usual = quote_literal($period) WHERE type = 'calendar_period'::regtype;
		UPDATE sample SET usual = quote_literal(trim('''' FROM usual)::jsonb || '{"zone": "Europe/Helsinki"}') WHERE type::text ~ '_policy$';
		SELECT a.name || '|' || CASE min(a.type::text) FILTER (WHERE n = 1) WHEN 'activity_set' THEN 'activity' ELSE 'timeline' END || '|' || string_agg(usual, ', ' ORDER BY n) FILTER (WHERE n > 1)
		FROM own_argument a LEFT JOIN sample s ON s.type = a.type AND s.name = a.argument WHERE a.kind = 'a' AND returns::text ~ '_result$'
		GROUP BY oid, a.name HAVING bool_and(usual IS NOT NULL) AND min(a.type::text) FILTER (WHERE n = 1) IN ('activity_set', 'event_timeline');
	SQL
}

# The metrics: name, what it takes, and the arguments behind that, which have the same order
# in both forms.
metrics()
{
	listed_metrics
	awk -F '|' 'NR == FNR { listed[$1] = 1; next } !($1 in listed)' <(listed_metrics) "$scratch/metrics"
}

listed_metrics()
{
	cat <<-LIST
		retention|activity|$period, $as_of
		retention|timeline|$period, $as_of
		churn|activity|$period, $as_of
		growth|activity|$period, $as_of
		growth|timeline|$period, $as_of
		lifecycle_census|activity|$period, $as_of, 3
		stickiness|activity|$period, $as_of, 'day@Europe/Helsinki'
		active_days_histogram|activity|$as_of, 28
		repeat_rate|activity|$as_of, 60
		repeat_rate|timeline|$as_of, 60
		purchase_intervals|activity|$as_of, 5
		funnel_totals|events|'{visit,purchase,redeem}', '14 days', 'in_order', 'kind', NULL, $as_of
		points_totals|events|$points_rules, $as_of
		points_rollforward|events|$points_rules, $period, $as_of, true
		points_triangle|events|$points_rules, $period, $as_of, true
		tier_census|timeline|$tier_rules, $as_of
		tier_flow|timeline|$tier_rules, $period, $as_of
		tier_migration|timeline|$tier_rules, '2024-06-30', $as_of
		tier_tenure|timeline|$tier_rules, $as_of
		tier_near|timeline|$tier_rules, $as_of, 50
		rfm_distribution|timeline|$as_of, 'Europe/Helsinki'
		rfm_census|timeline|$scale, '{}', $as_of, 'Europe/Helsinki'
		rfm_migration|timeline|$scale, '{}', '2024-06-30', $as_of, 'Europe/Helsinki'
		model_backtest|timeline|'2024-06-30', $as_of, '{"kind": "paretonbd", "period": "week", "zone": "Europe/Helsinki", "parameters": {"r": 0.55, "alpha": 10.6, "s": 0.6, "beta": 11.7}}'::purchase_model
		program_totals|timeline|$program_rules, $as_of
		program_compare|timeline|$program_rules, $program_changed, $as_of
		program_rollforward|timeline|$program_rules, $period, $as_of
		program_rollforward|events|$program_labels, $period, $as_of, true
		program_triangle|events|$program_labels, $period, $as_of, true
	LIST
}

# Those that no base or summary of a customer's own is the input of: name and query.
other_questions()
{
	cat <<-LIST
		retention of starts and returns, one pass|SELECT retention(a.b, b.b, $period, $as_of) FROM (SELECT ${base[activity]} AS b FROM %orders WHERE channel = 'web') a, (SELECT ${base[activity]} AS b FROM %orders) b
		retention of starts and returns, two levels|SELECT retention(a, b, $period, $as_of, NULL) FROM (SELECT ${summary[activity]} FILTER (WHERE channel = 'web') AS a, ${summary[activity]} AS b FROM %orders GROUP BY customer) s
		survival|SELECT survival(duration, event) FROM (SELECT ${summary[activity]} AS a FROM %orders GROUP BY customer) s CROSS JOIN LATERAL churn_duration(a, 10, $as_of)
		logrank|SELECT logrank(duration, event, segment) FROM (SELECT mod(customer, 2)::text AS segment, ${summary[activity]} AS a FROM %orders GROUP BY customer) s CROSS JOIN LATERAL churn_duration(a, 10, $as_of)
		cumulative_incidence|SELECT cumulative_incidence(duration, CASE WHEN event THEN 'left' WHEN mod(customer, 5) = 0 THEN 'barred' END) FROM (SELECT customer, ${summary[activity]} AS a FROM %orders GROUP BY customer) s CROSS JOIN LATERAL churn_duration(a, 10, $as_of)
		nps|SELECT nps(n, false) FROM (SELECT mod(order_id, 12) AS n FROM %orders) s
		csat|SELECT csat(n, 2, 5, false) FROM (SELECT mod(order_id, 6) AS n FROM %orders) s
		ces|SELECT ces(n, 7, false) FROM (SELECT mod(order_id, 9) AS n FROM %orders) s
		uplift of conversions|SELECT uplift(mod(customer, 2) = 0, amount > 20) FROM %orders
		uplift of values by stratum|SELECT uplift(mod(customer, 2) = 0, amount, channel) FROM %orders
		uplift_adjusted|SELECT uplift_adjusted(mod(customer, 2) = 0, amount, mod(order_id, 7)) FROM %orders
		purchase_sample|SELECT purchase_sample(mod(order_id, 5), sign(mod(order_id, 5)) * mod(customer, 9), 9, 'week') FROM %orders
		spend_sample|SELECT spend_sample(mod(order_id, 5), abs(amount)::float8) FROM %orders
		renewal_sample|SELECT renewal_sample(mod(order_id, 5), mod(customer, 2) = 0) FROM %orders
		rfm_scale, two levels|SELECT rfm_scale(t, 4, $as_of, 'Europe/Helsinki') FROM (SELECT ${summary[timeline]} AS t FROM %orders GROUP BY customer) s
		referrals|SELECT referrals(customer, nullif(customer * 7 % 61, customer)) FROM %orders
		rollup of activity_set|SELECT rollup(a) FROM (SELECT ${summary[activity]} AS a FROM %orders GROUP BY customer) s
		rollup of event_timeline|SELECT rollup(t) FROM (SELECT ${summary[events]} AS t FROM %orders GROUP BY customer) s
		customers by LATERAL|SELECT c.customer, points_balance(c.timeline, $points_rules, $as_of) FROM (SELECT ${base[events]} AS b FROM %orders) q CROSS JOIN LATERAL customer_timelines(q.b) c ORDER BY 1
		customers by GROUP BY|SELECT customer, points_balance(${summary[events]}, $points_rules, $as_of), tier(${summary[timeline]}, $tier_rules, $as_of), activity_gaps(${summary[activity]}) FROM %orders GROUP BY customer ORDER BY 1
	LIST
}

# Where the end of `as_of` is the session's, since there is no zone to name: two-level forms
# in sessions that disagree are refused.
zone_of_session='^(repeat_rate of timeline|funnel_totals of events), two levels$'

all_questions()
{
	local metric input arguments

	while IFS='|' read -r metric input arguments; do
		echo "$metric of $input, one pass|SELECT $metric(${base[$input]}, $arguments) FROM %orders"
		echo "$metric of $input, two levels|SELECT $metric(s, $arguments) FROM (SELECT ${summary[$input]} AS s FROM %orders GROUP BY customer) q"
	done < <(metrics)
	other_questions
}

# each_question COMMAND [REGEX]: calls it with a name and a query for each (whose name is such),
# `%orders` being the table.
each_question()
{
	local name query

	while IFS='|' read -r name query; do
		! [[ $name =~ ${2-} ]] || "$1" "$name" "$query"
	done < <(all_questions)
}

# ask DATABASE TABLE [psql options]: asks those that $only matches, or all, in one session.
# Each answer stands below a line with the question's name. $before is put before each query.
ask()
{
	local database=$1 table=$2

	shift 2
	one_of_all()
	{
		printf '\\echo @@%s\n%s %s;\n' "$1" "${before-}" "${2//%orders/$table}"
	}
	{
		echo '\set ON_ERROR_STOP off'
		each_question one_of_all "${only-}"
	} >"$scratch/questions"
	run "$database" "$@" -f "$scratch/questions" 2>&1
}

# answer_to NAME <ANSWERS
answer_to()
{
	awk -v name="@@$1" '/^@@/ { inside = ($0 == name); next } inside'
}

# same_answers ANSWERS WANTED PREFIX: compares two files of answers to what was asked, a test for each.
# An error or nothing is no answer to go by, even where both have it.
same_answers()
{
	local answers=$1 wanted=$2 prefix=$3

	compare_one()
	{
		local should

		should=$(answer_to "$1" <"$wanted")
		[[ -n $should && $should != *ERROR:* ]] || should="an answer, which the plain table doesn't give: $should"
		is "$(answer_to "$1" <"$answers")" "$should" "$prefix$1"
	}
	each_question compare_one "${only-}"
}

# unasked DATABASE: the metrics that the catalog has and no question above; none, it is hoped.
unasked()
{
	run "$1" <<-SQL
		SELECT string_agg(DISTINCT proname, ' ') FROM pg_proc
		WHERE proname <> 'rollup' AND proname NOT LIKE '%\_in' AND proname NOT LIKE '%\_recv'
			AND prorettype IN (SELECT prorettype FROM pg_proc JOIN pg_depend ON objid = pg_proc.oid AND classid = 'pg_proc'::regclass AND deptype = 'e'
				WHERE proname = 'rollup' AND prorettype::regtype::text LIKE '%\_result')
			AND prokind = 'a' AND proname <> ALL ('{$({ metrics; printf '%s|\n' survival logrank cumulative_incidence nps csat ces uplift uplift_adjusted purchase_sample spend_sample renewal_sample; } | cut -d '|' -f 1 | sort -u | paste -s -d ,)}');
	SQL
}
