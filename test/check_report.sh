#!/usr/bin/env bash
# The report that report/loyalty-report writes: its numbers beside psql's, its page in a browser, what it says of a wrong configuration.
#
# With --keep, what is kept is written anew: test/report/kept.json, what stands in the SVGs of the demo's report, and the README's pictures.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/tap.sh

command -v node >/dev/null || { echo '1..0 # SKIP no Node.js here (test/setup.sh report)'; exit; }
[ -e report/node_modules/.package-lock.json ] || (cd report && quietly npm ci --no-audit --no-fund --ignore-scripts) 2>/dev/null ||
	{ echo '1..0 # SKIP what the report draws with is not to be had from npm'; exit; }

out=$scratch/out
mkdir "$out"

# report ARGUMENTS...: its last line, or what it failed with
report()
{
	local status=0

	report/loyalty-report "$@" >"$scratch/said" 2>&1 || status=$?
	[ "$status" = 0 ] || echo "exit status $status"
	tail -n 1 "$scratch/said"
}

# findings PROGRAM ARGUMENTS...: what a program of test/report finds, as tests
findings()
{
	local name got wanted status=0

	node "$@" >"$scratch/found" 2>"$scratch/failed" || status=$?
	while IFS=$'\t' read -r name got wanted; do
		is "$got" "$wanted" "$name"
	done <"$scratch/found"
	is "$status$([ "$status" = 0 ] || { echo; head -n 20 "$scratch/failed"; })" 0 "... and $1 came through"
}

# demo_database NAME: the demo's shop.
demo_database()
{
	new_database "$1"
	psql -X -q -d "$1" -v ON_ERROR_STOP=1 >/dev/null <<-SQL
		CREATE SCHEMA loyalty;
		CREATE EXTENSION loyalty SCHEMA loyalty;
		ALTER DATABASE $1 SET search_path = public, loyalty;
		SET search_path = public, loyalty;
		\i test/demo/load/generate.sql
		\i report/demo.sql
	SQL
}

# ---- the demo's report, by a role that may only read ----

demo_database report_demo
new_role report_reader
psql -X -q -d report_demo -c 'GRANT USAGE ON SCHEMA loyalty TO report_reader; GRANT SELECT ON ALL TABLES IN SCHEMA public TO report_reader'
is "$(PGUSER=report_reader report --database report_demo --output "$out/report.html" | sed -E 's|; [0-9.]+ s$||')" "22 charts in $out/report.html" "the demo's report, for who may only read"
is "$(grep -cE '^\[[ 0-9]+/22\] [a-z_]+: [0-9.]+ s, [0-9,]+ rows a second; ' "$scratch/said")" 22 "progress: which chart, of how many, seconds, rows a second"
is "$(grep -c 'WARNING\|NOTICE' "$scratch/said")" 0 "nothing is warned of"
is "$([ "$(stat -c %s "$out/report.html")" -lt 3000000 ] && echo small)" small "less than 3 MB"
is "$(find "$out" -type f | sed 's|.*/||' | sort)" "$({ echo report.html; for file in report/charts/*.sql; do basename "$file" .sql | sed 's|.*|&.csv\n&.svg|'; done; } | sort)" "the page, and an SVG and a CSV for each chart"

# ---- a chart's SQL is any tool's ----

# Each chart has an entry in the tests; all of them are asked in one session, with what test/report/demo.psql sets.
node --input-type=module - >"$scratch/asks.psql" <<'JS'
import { readFileSync } from 'node:fs';
import { charts } from './test/report/charts.mjs';

for (const [name, { marks, tooltip }] of Object.entries(charts)) {
	const sql = readFileSync(`report/charts/${name}.sql`, 'utf8').trim().replace(/;$/, '');
	const counts = Object.entries(marks).map(([layer, count]) => `'${layer}', ${count}`).join(', ');

	process.stdout.write(`WITH t AS (${sql}\n) SELECT json_build_object('${name}', json_build_object('marks', (SELECT json_build_object(${counts}) FROM t), 'tooltip', (SELECT ${tooltip[2]} LIMIT 1)));\n`);
}
JS
run report_demo -f test/report/demo.psql -f "$scratch/asks.psql" >"$scratch/asked"
node -e 'const lines = require("fs").readFileSync(0, "utf8").trim().split("\n"); console.log(JSON.stringify(Object.assign({}, ...lines.map(line => JSON.parse(line)))))' <"$scratch/asked" >"$scratch/answers.json"
for file in report/charts/*.sql; do
	name=$(basename "$file" .sql)
	psql -X -q -d report_demo -v ON_ERROR_STOP=1 --csv -f test/report/demo.psql -f "$file" >"$scratch/$name.csv" 2>&1
	is "$(tr -d '\r' <"$out/report/$name.csv" | cmp - "$scratch/$name.csv" 2>&1)" "" "$name: psql has the same numbers"
done

# ---- names and labels that try to be more than text ----

new_database report_hostile
psql -X -q -d report_hostile -v ON_ERROR_STOP=1 >/dev/null <<-'SQL'
	CREATE SCHEMA "Loyalty's; --";
	CREATE EXTENSION loyalty SCHEMA "Loyalty's; --";
	CREATE SCHEMA "x"";y";
	CREATE TABLE "x"";y"."Order's :'as_of' table" AS
	SELECT n % 40 AS "cust""omer", timestamptz '2024-01-03 12:00+00' + n * interval '7 hours' AS ":at", (n % 90)::numeric AS "amount -- x",
		(ARRAY['</script><script>alert("segment")</script>', '${alert(1)}', 'datum.x; alert(2)'])[1 + n % 40 % 3] AS "seg'ment"
	FROM generate_series(1, 900) n;
SQL
cat >"$scratch/hostile.json" <<-'JSON'
	{
		"title": "</title><script>alert(\"title\")</script>",
		"as_of": "2024-09-30",
		"orders": { "table": "\"x\"\";y\".\"Order's :'as_of' table\"", "customer": "cust\"omer", "at": ":at", "amount": "amount -- x", "segment": "seg'ment" },
		"tier_policy": { "levels": { "<script>alert(\"tier\")</script>": 300, "\"><img src=x onerror=alert(1)>": 900 } }
	}
JSON
# The extension's schema is not on the search path there.
is "$(report --database report_hostile --config "$scratch/hostile.json" --output "$out/hostile.html" | sed -E 's|; [0-9.]+ s$||')" "11 charts in $out/hostile.html, 11 left out" "a report of hostile names"
is "$(grep -c 'class="left-out".*Left out: the configuration has no ledger\.' "$out/hostile.html")" 4 "what has no data is left out, with the reason"

# ---- what is wrong with a configuration is named ----

# wrong CHANGE: what is said where a change is made to the demo's configuration, a function of it
wrong()
{
	node -e "const c = JSON.parse(require('fs').readFileSync('report/report.json')); ($1)(c); console.log(JSON.stringify(c))" >"$scratch/wrong.json"
	report --database report_demo --config "$scratch/wrong.json" --output "$out/wrong.html" | sed "s|$scratch/||"
}
refused=$'exit status 2\nloyalty-report: wrong.json: '
is "$(wrong 'c => c.order = c.orders')" "${refused}order: there is no such key; there are title, zone, as_of, period, periods, silence_days, horizon, orders, ledger, points_policy, value_per_point, events, funnel, answers, tier_policy, program, proposal, acquisition_cost, margin" "an unknown key"
is "$(wrong 'c => delete c.orders')" "${refused}orders is missing" "a key that is missing"
is "$(wrong 'c => delete c.orders.at')" "${refused}orders.at is missing" "... deep down"
is "$(wrong 'c => c.orders.amounts = "amount"')" "${refused}orders.amounts: there is no such key; there are table, customer, at, amount, segment" "an unknown key there"
is "$(wrong 'c => c.periods = "12"')" "${refused}periods must be a whole number" "a type"
is "$(wrong 'c => c.periods = 1')" "${refused}periods must be >= 2" "a range"
is "$(wrong 'c => c.title = ""')" "${refused}title is empty" "an empty text"
is "$(wrong 'c => c.as_of = "31.12.2024"')" "${refused}as_of: \"31.12.2024\" is not of the form 2024-12-31" "a form"
is "$(wrong 'c => c.as_of = "2024-02-30"')" "${refused}as_of: date/time field value out of range: \"2024-02-30\"" "a day that there isn't"
is "$(wrong 'c => c.zone = "Atlantis"')" "${refused}zone: invalid value for parameter \"TimeZone\": \"Atlantis\"" "a zone"
is "$(wrong 'c => c.period = "fortnight"' | cut -d. -f1-2)" "${refused}period: unknown calendar period \"fortnight\"" "a period"
is "$(wrong 'c => c.horizon = "soon"')" "${refused}horizon: invalid input syntax for type interval: \"soon\"" "an interval"
is "$(wrong 'c => c.tier_policy = { levels: { Gold: "much" } }' | grep -c '^loyalty-report: wrong.json: tier_policy: ')" 1 "a policy"
is "$(wrong 'c => delete c.points_policy')" "${refused}points_policy is missing, which ledger needs" "a key that another needs"
is "$(wrong 'c => c.orders.table = "orders; DROP TABLE orders"')" "${refused}orders.table: \"orders; DROP TABLE orders\" is no name of a table" "a table's name"
is "$(wrong 'c => c.orders.table = "orderz"')" "${refused}orders.table: there is no table orderz in the database" "a table that there isn't"
is "$(wrong 'c => c.orders.amount = "price * 2"')" "${refused}orders.amount: orders has no column \"price * 2\"; it has order_id, customer_id, ordered_at, amount, channel" "a column that there isn't"
is "$(wrong 'c => c.orders.amount = "channel"')" "${refused}orders.amount: column \"channel\" of orders is of type text, and has to be one of smallint, integer, bigint, numeric, real, double precision; a view can convert it" "a column of the wrong type"
echo '{ "orders": ' >"$scratch/wrong.json"
is "$(report --database report_demo --config "$scratch/wrong.json" | grep -c '^loyalty-report: .*wrong.json is not JSON: ')" 1 "what is no JSON"
is "$(report --database report_demo --config "$scratch/nowhere.json")" $'exit status 2\n'"loyalty-report: $scratch/nowhere.json: there is no such file" "a file that there isn't"
is "$(report --database report_demo --only grwoth | cut -d';' -f1)" $'exit status 2\n'"loyalty-report: --only grwoth: there is no such chart" "a chart that there isn't"
is "$(report --database report_nowhere | head -n 2)" $'exit status 2\nloyalty-report: the database can'"'"'t be reached: database "report_nowhere" does not exist' "a database that there isn't"
is "$(report --database postgres | tail -n 1)" 'loyalty-report: the database has no extension loyalty: CREATE EXTENSION loyalty' "a database without the extension"
is "$([ ! -e "$out/wrong.html" ] && echo none)" none "... and no page is written then"

# ---- its colours, and its page in a browser ----

findings test/report/colours.mjs

if ! command -v "${CHROMIUM:-chromium}" >/dev/null; then
	echo "ok $((tests += 1)) - in a browser # SKIP there is no Chromium here (test/setup.sh browser)"
elif [ ! -e test/report/node_modules/.package-lock.json ] && ! (cd test/report && quietly npm ci --no-audit --no-fund --ignore-scripts) 2>/dev/null; then
	echo "ok $((tests += 1)) - in a browser # SKIP playwright-core is not to be had from npm"
else
	CHROMIUM=$(command -v "${CHROMIUM:-chromium}")
	export CHROMIUM
	findings test/report/browser.mjs "$out/report.html" "$out/report" "$scratch/answers.json" test/report/kept.json "$@"
	findings test/report/hostile.mjs "$out/hostile.html"
	if command -v pdftotext >/dev/null; then
		pdftotext -layout "$out/report/print.pdf" "$scratch/print.txt"
		is "$(tr -s ' \n' ' ' <"$scratch/print.txt" | grep -oF -e 'Do newer customers come back more often than older ones did?' -e 'Would customers recommend us, more than before?')" \
			$'Do newer customers come back more often than older ones did?\nWould customers recommend us, more than before?' "the printed page has the first chart and the last"
		is "$(pdfinfo "$out/report/print.pdf" | awk '$1 == "Pages:" { print ($2 >= 5 && $2 <= 25) }')" 1 "... on some pages"
	fi
fi

finish
