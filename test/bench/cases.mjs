// What is measured, against what, and the bar of each.

// ---- what the peers are asked ----

// Cohort retention as DuckDB is asked for it; the fastest of these forms counts.
export const duckForms = {
	'distinct, then first': (unit, table) => `
		WITH active AS MATERIALIZED (SELECT DISTINCT customer_id, date_trunc('${unit}', ordered_at) AS period FROM ${table}),
			cohorts AS (SELECT customer_id, min(period) AS cohort FROM active GROUP BY customer_id)
		SELECT cohort, date_diff('${unit}', cohort, period) AS lag, count(*) AS retained
		FROM active JOIN cohorts USING (customer_id) GROUP BY ALL`,
	'first, then distinct': (unit, table) => `
		WITH cohorts AS (SELECT customer_id, date_trunc('${unit}', min(ordered_at)) AS cohort FROM ${table} GROUP BY customer_id)
		SELECT cohort, lag, count(*) AS retained
		FROM (SELECT DISTINCT customer_id, cohort, date_diff('${unit}', cohort, ordered_at) AS lag
			FROM ${table} JOIN cohorts USING (customer_id))
		GROUP BY ALL`,
	'lists': (unit, table) => `
		SELECT cohort, date_diff('${unit}', cohort, period) AS lag, count(*) AS retained
		FROM (SELECT date_trunc('${unit}', min(ordered_at)) AS cohort,
				unnest(list_distinct(list(date_trunc('${unit}', ordered_at)))) AS period
			FROM ${table} GROUP BY customer_id)
		GROUP BY ALL`,
};

const plainCohorts = unit => `
	WITH active AS (SELECT DISTINCT customer_id, date_trunc('${unit}', ordered_at) AS period FROM orders),
		cohorts AS (SELECT customer_id, min(period) AS cohort FROM active GROUP BY customer_id)
	SELECT count(*), sum(retained) FROM (
		SELECT cohort, period, count(*) AS retained FROM active JOIN cohorts USING (customer_id) GROUP BY 1, 2) q`;

// The columns of a table read, and nothing done with them.
const scan = (columns, table = 'orders') => {
	const [first, second, ...others] = columns.split(', ');

	return `SELECT count(*), max(${first}), max(${second})${others.map(column => `, count(${column})`).join('')} FROM ${table}`;
};
const minMaxCount = (table, at = 'ordered_at') => `SELECT count(first), count(last), sum(n) FROM
	(SELECT customer_id, min(${at}) AS first, max(${at}) AS last, count(*) AS n FROM ${table} GROUP BY customer_id) q`;

// ---- what loyalty is asked ----

// A value as a number, so that answers can be compared: equal values have equal bytes.
const hash = value => `hash_record_extended(ROW(${value}), 0)`;

const activities = 'activities(customer_id, ordered_at)';
const timelines = 'timelines(customer_id, ordered_at, amount)';
const ledgers = 'timelines(customer_id, at, points)';

// One answer over everyone.
const metric = (call, table = 'orders') => ({ sql: `SELECT ${hash(call)} FROM ${table}` });
const retention = (unit, table) => metric(`retention(${activities}, '${unit}')`, table);
const cells = unit => ({
	sql: `SELECT count(*) FILTER (WHERE t.retained > 0), sum(t.retained) FROM (SELECT retention(${activities}, '${unit}') AS r FROM orders) q CROSS JOIN LATERAL retention_table(q.r) t`,
	check: retention(unit).sql,
});

// A value for each customer: `counted` is timed, the check hashes every value.
const eachCustomer = (value, from, counted = 'count(value)') => ({
	sql: `SELECT ${counted} FROM (SELECT customer_id, ${value} AS value FROM ${from}) q`,
	check: `SELECT count(*), sum(${hash('customer_id, value')}) FROM (SELECT customer_id, ${value} AS value FROM ${from}) q`,
});
const groups = (value, table, counted) => eachCustomer(value, `${table} GROUP BY customer_id`, counted);
const opened = (base, table) => `(SELECT ${base} AS base FROM ${table}) b
	CROSS JOIN LATERAL customer_timelines(b.base) AS t(customer_id, timeline)`;

const lastDay = "date '2024-12-31'";
const yearly = `'{"expires_after": "12 months"}'`;
const counted = 'count(value), sum(value)';
const balance = timeline => `points_balance(${timeline}, ${yearly}, ${lastDay})`;
const balanceGroups = table => groups(balance('timeline_agg(at, points)'), table, counted);
const plpgsqlBalances = `SELECT ${counted} FROM
	(SELECT plpgsql_balance(array_agg(at ORDER BY at), array_agg(points::bigint ORDER BY at), '2025-01-01') AS value
		FROM ledger_indexed GROUP BY customer_id) q`;
// With the kind as which points are carried over.
const carrying = `'{"expires_after": "12 months", "kinds": {"CARRY": "carry_over"}}'`;
const triangle = `points_triangle(${ledgers}, ${yearly}, 'month', ${lastDay})`;
const liability = (method, counted) => `SELECT ${counted} FROM (SELECT ${triangle} AS t FROM ledger) q CROSS JOIN LATERAL points_liability_by_period(q.t, 0.01, ${method}) l`;
const totals = metric(`points_totals(${ledgers}, ${yearly}, ${lastDay})`, 'ledger');
const duckSums = 'SELECT count(*)::DOUBLE, sum(points)::DOUBLE FROM (SELECT customer_id, sum(points) AS points FROM ledger GROUP BY customer_id)';

// Three levels over a rolling year; and what DuckDB is asked: the rolling sum at every event, counted.
const club = `'{"Silver": 100, "Gold": 300, "Platinum": 1000}'`;
const softClub = `'{"levels": {"Silver": 100, "Gold": 300, "Platinum": 1000}, "valid": "12 months", "downgrade": "one_level"}'`;
const duckRolling = `SELECT count(*)::DOUBLE, count(*) FILTER (spend >= 100)::DOUBLE, count(*) FILTER (spend >= 300)::DOUBLE, count(*) FILTER (spend >= 1000)::DOUBLE
	FROM (SELECT sum(amount) OVER (PARTITION BY customer_id ORDER BY ordered_at RANGE BETWEEN INTERVAL 12 MONTHS PRECEDING AND CURRENT ROW) AS spend FROM orders)`;
const tier = timeline => `tier(${timeline}, ${club}, ${lastDay})`;
const highest = 'count(value), max(value)';

// A programme, and one that is asked about: more for Gold, which asks for more.
const programme = `'{"earn": {"multipliers": [{"times": 2, "tiers": ["Gold", "Platinum"]}]}, "points": {"expires_after": "12 months"}, "tiers": {"Silver": 100, "Gold": 300, "Platinum": 1000}, "zone": "UTC"}'`;
const proposal = `'{"earn": {"multipliers": [{"times": 3, "tiers": ["Gold", "Platinum"]}]}, "points": {"expires_after": "18 months"}, "tiers": {"Silver": 100, "Gold": 400, "Platinum": 1000}, "zone": "UTC"}'`;
const programTotals = metric(`program_totals(${timelines}, ${programme}, ${lastDay})`);
const referenceProgram = `SELECT count(ref_program(events, ${programme}, ${lastDay})) FROM
	(SELECT jsonb_agg(jsonb_build_object('at', ordered_at, 'value', amount)) AS events FROM orders_indexed WHERE customer_id % 1000 = 0 GROUP BY customer_id) q`;

const duckGrowth = `WITH active AS (SELECT DISTINCT customer_id, date_trunc('month', ordered_at) AS month FROM orders),
		beside AS (SELECT month, lag(month) OVER own AS before, lead(month) OVER own AS after FROM active WINDOW own AS (PARTITION BY customer_id ORDER BY month))
	SELECT month, count(*) FILTER (before IS NULL)::DOUBLE AS new, count(*) FILTER (before = month - INTERVAL 1 MONTH)::DOUBLE AS retained,
		count(*) FILTER (after IS NULL OR after > month + INTERVAL 1 MONTH)::DOUBLE AS leaving, count(*)::DOUBLE AS active
	FROM beside GROUP BY month ORDER BY month`;

// The second day of a customer within 90 days of the first, of those whose first is that long ago.
const duckRepeat = `SELECT count(*) FILTER (days[2] <= days[1] + 90)::DOUBLE, count(*)::DOUBLE
	FROM (SELECT min(day, 2) AS days FROM (SELECT DISTINCT customer_id, ordered_at::DATE AS day FROM orders) GROUP BY customer_id)
	WHERE days[1] <= DATE '2024-12-31' - 90`;
const duckIntervals = `SELECT quantile_cont(gap, 0.5)::DOUBLE
	FROM (SELECT day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
		FROM (SELECT DISTINCT customer_id, ordered_at::DATE AS day FROM orders))`;

// Four steps within a week.
const steps = ['view', 'cart', 'checkout', 'payment'];
const funnel = (of, table) => ({
	sql: `SELECT max(t.reached) FILTER (WHERE t.step = ${steps.length}), max(t.reached) FILTER (WHERE t.step = 1) FROM
		(SELECT funnel_totals(${of}, ARRAY[${steps.map(step => `'${step}'`).join(', ')}], '7 days') AS f FROM ${table}) q
		CROSS JOIN LATERAL funnel_totals_table(q.f) t`,
	check: `SELECT ${hash(`funnel_totals(${of}, ARRAY[${steps.map(step => `'${step}'`).join(', ')}], '7 days')`)} FROM ${table}`,
});
const windowFunnel = `SELECT level, count() FROM
	(SELECT customer_id, windowFunnel(604800)(at, ${steps.map(step => `step = '${step}'`).join(', ')}) AS level FROM visits GROUP BY customer_id)
	GROUP BY level ORDER BY level`;

// From every first step the next second one, and so on: what is reached within the week.
const duckFunnel = `WITH ${steps.map((step, n) => `s${n} AS (SELECT customer_id, seen_at FROM visits WHERE step = '${step}')`).join(', ')},
		chains AS (SELECT s0.customer_id, 1 + ${steps.slice(1).map((_, n) => `(s${n + 1}.seen_at <= s0.seen_at + INTERVAL 7 DAYS)::INT`).map(reached => `coalesce(${reached}, 0)`).join(' + ')} AS level
			FROM s0 ${steps.slice(1).map((_, n) => `ASOF LEFT JOIN s${n + 1} ON s${n + 1}.customer_id = s0.customer_id AND s${n + 1}.seen_at >= s${n}.seen_at`).join(' ')})
	SELECT count(*) FILTER (level >= 4)::DOUBLE, count(*)::DOUBLE FROM (SELECT max(level) AS level FROM chains GROUP BY customer_id)`;

// The same for each week in which they start: a customer counts in each one.
const funnelByWeek = (of, table) => ({
	sql: `SELECT sum(t.reached) FILTER (WHERE t.step = ${steps.length}), sum(t.reached) FILTER (WHERE t.step = 1) FROM
		(SELECT funnel_by_period(${of}, ARRAY[${steps.map(step => `'${step}'`).join(', ')}], '7 days', 'week', 'in_order', 'kind', NULL, ${lastDay}) AS f FROM ${table}) q
		CROSS JOIN LATERAL funnel_by_period_table(q.f) t`,
	check: `SELECT ${hash(`funnel_by_period(${of}, ARRAY[${steps.map(step => `'${step}'`).join(', ')}], '7 days', 'week', 'in_order', 'kind', NULL, ${lastDay})`)} FROM ${table}`,
});
const duckFunnelByWeek = duckFunnel.replace('SELECT s0.customer_id, 1 +', "SELECT s0.customer_id, date_trunc('week', s0.seen_at) AS week, 1 +").replace('GROUP BY customer_id)', 'GROUP BY customer_id, week)');

// What they do after the first view, and after each, in three steps: events, customers and median times of each link.
const flow = (of, occurrence, table) => ({
	sql: `SELECT ${['view>cart', 'cart>checkout', 'checkout>payment'].map((link, n) => `sum(t.events) FILTER (WHERE step = ${n + 1} AND source_name || '>' || target_name = '${link}')`).join(', ')} FROM
		(SELECT event_flow(${of}, 'kind', 'view', NULL, 3, NULL, '${occurrence}', false, ${lastDay}) AS f FROM ${table}) q
		CROSS JOIN LATERAL event_flow_table(q.f) t`,
	check: `SELECT ${hash(`event_flow(${of}, 'kind', 'view', NULL, 3, NULL, '${occurrence}', false, ${lastDay})`)} FROM ${table}`,
});
const duckFlow = occurrence => `WITH ways AS (SELECT customer_id, seen_at, step AS a, ${[1, 2, 3].map(n => `lead(step, ${n}) OVER own AS ${'abcd'[n]}, lead(seen_at, ${n}) OVER own AS at_${'abcd'[n]}`).join(', ')},
			row_number() OVER (PARTITION BY customer_id, step ORDER BY seen_at) AS n FROM visits WINDOW own AS (PARTITION BY customer_id ORDER BY seen_at, step)),
		flows AS (SELECT * FROM ways WHERE a = 'view'${occurrence === 'first' ? ' AND n = 1' : ''}),
		links AS (SELECT 1 AS step, a AS source, b AS target, count(*) AS events, count(DISTINCT customer_id) AS customers, median(at_b - seen_at) AS time FROM flows GROUP BY ALL
			UNION ALL SELECT 2, b, c, count(*), count(DISTINCT customer_id), median(at_c - at_b) FROM flows WHERE b IS NOT NULL GROUP BY ALL
			UNION ALL SELECT 3, c, d, count(*), count(DISTINCT customer_id), median(at_d - at_c) FROM flows WHERE c IS NOT NULL GROUP BY ALL)
	SELECT ${['view>cart', 'cart>checkout', 'checkout>payment'].map((link, n) => `sum(events) FILTER (step = ${n + 1} AND source || '>' || target = '${link}')::DOUBLE`).join(', ')} FROM links`;

// Who they are: scores by fifths, and the published map of segments. DuckDB's count orders, since days would cost a distinct.
const census = metric(`rfm_census(${timelines}, as_of => ${lastDay})`);
const storedCensus = metric(`rfm_census(timelines(customer_id, timeline), as_of => ${lastDay})`, 'stored_timelines');
const twoCensuses = metric(`rfm_census(timeline, (SELECT rfm_scale(timeline, 5, ${lastDay}) FROM stored_timelines), '{}', ${lastDay})`, 'stored_timelines');
const duckRfm = `SELECT count(*)::DOUBLE, sum(members)::DOUBLE, sum(revenue)::DOUBLE FROM (
	SELECT CASE WHEN r = 5 AND f = 5 AND m = 5 THEN 'Champions' WHEN r >= 3 AND f >= 3 AND m >= 2 THEN 'Potential Loyalist'
			WHEN r BETWEEN 2 AND 4 AND f BETWEEN 2 AND 4 AND m BETWEEN 2 AND 4 THEN 'Loyal Customers' WHEN r BETWEEN 3 AND 4 AND f <= 3 AND m >= 3 THEN 'Promising'
			WHEN r >= 4 AND f <= 3 THEN 'New Customers' WHEN r <= 2 AND f BETWEEN 3 AND 4 AND m >= 4 THEN 'Can''t Lose Them'
			WHEN r <= 2 AND f >= 2 AND m >= 4 THEN 'At Risk' WHEN r <= 3 AND f >= 3 AND m >= 3 THEN 'Need Attention'
			WHEN r BETWEEN 2 AND 3 AND f <= 3 AND m <= 4 THEN 'About To Sleep' WHEN r = 1 THEN 'Lost' ELSE 'Others' END AS segment,
		count(*) AS members, sum(monetary) AS revenue
	FROM (SELECT monetary, ntile(5) OVER (ORDER BY last_day) AS r, ntile(5) OVER (ORDER BY orders) AS f, ntile(5) OVER (ORDER BY monetary) AS m
		FROM (SELECT max(ordered_at::DATE) AS last_day, count(*) AS orders, sum(amount) AS monetary FROM orders GROUP BY customer_id))
	GROUP BY segment)`;

// What the best customers bring.
const tops = [0.01, 0.05, 0.1, 0.2, 0.5, 1];
const concentration = `concentration(${timelines}, as_of => ${lastDay})`;
const topRevenues = `SELECT ${tops.map(top => `max(round(t.revenue)) FILTER (WHERE t.top_share = ${top})`).join(', ')}
	FROM (SELECT ${concentration} AS c FROM orders) q CROSS JOIN LATERAL concentration_table(q.c, ARRAY[${tops.join(', ')}]) t`;
const duckTops = `WITH customers AS (SELECT sum(amount) AS revenue FROM orders GROUP BY customer_id),
		ranked AS (SELECT revenue, row_number() OVER (ORDER BY revenue DESC) AS rank, count(*) OVER () AS customers FROM customers)
	SELECT ${tops.map(top => `round(sum(revenue) FILTER (rank <= ceil(customers * ${top})))::DOUBLE`).join(', ')} FROM ranked`;

// What customers are worth, by a million of them, on one core. R is asked for the same likelihood, as it was published and vectorised,
// of a tenth of them.
const oneCore = { max_parallel_workers_per_gather: 0 };
const fit = (what, call) => ({ what: `${what}, a million customers`, sql: `SELECT (model_summary(${call})).converged FROM customer_numbers`, check: metric(`(${call})::text`, 'customer_numbers').sql, settings: oneCore });
const published = `'{"kind": "bgnbd", "period": "week", "parameters": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}}'`;
const inR = {
	query: 'SELECT x, t_x, age FROM customer_numbers LIMIT 100000',
	script: `likelihood <- function(at) {
	p <- exp(at); r <- p[1]; alpha <- p[2]; a <- p[3]; b <- p[4]; x <- rows$x
	here <- (r + x) * log((alpha + rows$t_x) / (alpha + rows$age))
	gone <- ifelse(x > 0, log(a) - log(b + pmax(x, 1) - 1), -Inf)
	top <- pmax(here, gone)
	-sum(lgamma(r + x) - lgamma(r) + r * log(alpha) - (r + x) * log(alpha + rows$t_x) + lbeta(a, b + x) - lbeta(a, b) + top + log(exp(here - top) + exp(gone - top)))
}
took <- system.time(found <- optim(log(c(0.5, 5, 1, 2)), likelihood, method = 'BFGS'))
answer <- found$convergence`,
};
// What the customers of each month bring, lag by lag: of a customer's months, since those are fewer than his orders.
const cohortValue = `cohort_value(${timelines}, 'month', ${lastDay})`;
const duckCohortValue = `WITH months AS MATERIALIZED (SELECT customer_id, date_trunc('month', ordered_at) AS month, count(*) AS orders, sum(amount) AS revenue FROM orders GROUP BY ALL),
		cohorts AS (SELECT customer_id, min(month) AS cohort FROM months GROUP BY customer_id)
	SELECT cohort, date_diff('month', cohort, month) AS lag, count(*)::DOUBLE AS active, sum(orders)::DOUBLE AS orders, sum(revenue) AS revenue
	FROM months JOIN cohorts USING (customer_id) GROUP BY ALL ORDER BY cohort, lag`;

// ---- the cases ----

const duck = (unit, bar) => ({ peer: 'DuckDB, the same from raw rows', duck: unit, bar });
const bare = (columns, bar, table) => ({ peer: `scan of ${columns}`, sql: scan(columns, table), bar, modes: true });
const executor = (table, bar, at) => ({ peer: 'min, max, count by customer', sql: minMaxCount(table, at), bar, plan: true });
const hugePages = Boolean(process.env.HUGE_PAGES);
const retentionBar = hugePages ? 0.7 : 0.9;

// With much work_mem the planner takes a hash over the whole table, index or not. With its
// default it goes along the index, where that is what the rows below are about.
const overIndex = { work_mem: '4MB' };

// A case: what it is, its query (`sql`) and what is compared between modes (`check`, else the answer itself); its peers and
// how many times their time it may take. One with `modes` is run with 0, 1 and 2 workers and as planned, and so is a peer that
// has it; `plan` asks for the plan to be shown; one that is `long` is run only where ONLY= names it; `settings` hold for it and its peers.
// A peer with `once` is run once; its time counts `scale` times, where it is asked about a part. One with `seconds` isn't run: that
// is what it takes. `same`: its answer is ours, or that of the two queries that are named, ours and the peer's.
const fromRows = [
	{
		what: "retention by 'month'", large: true, ...cells('month'), plan: true,
		peers: [duck('month', retentionBar), bare('customer_id, ordered_at', 2), { peer: 'plain SQL, once', sql: plainCohorts('month'), once: true, same: true }],
	},
	{ what: "retention by 'week'", ...cells('week'), peers: [duck('week', retentionBar), bare('customer_id, ordered_at', 2)] },
	{ what: "retention by 'day'", large: true, ...cells('day'), peers: [duck('day', retentionBar), bare('customer_id, ordered_at', 2)] },
	{
		what: "retention by 'month', text customers", ...retention('month', 'orders_text'),
		peers: [{ peer: 'the same, bigint customers', sql: retention('month').sql, bar: 2, modes: true }],
	},
	{
		what: "retention by 'month' in Europe/Helsinki", ...retention('month'), settings: { timezone: 'Europe/Helsinki' },
		peers: [{ peer: 'the same in UTC', sql: retention('month').sql, settings: { timezone: 'UTC' }, bar: 1.2, modes: true }],
	},
	{
		what: 'three metrics of one base (month, week, quarter)', ...metric(['month', 'week', 'quarter'].map(unit => `retention(${activities}, '${unit}')`).join(', ')),
		peers: [{ peer: 'one metric (month)', sql: retention('month').sql, bar: 1.4, modes: true }],
	},
	{
		what: "growth by 'month'", large: true, ...metric(`growth(${activities}, 'month')`), plan: true,
		peers: [{
			peer: 'DuckDB, distinct, lag and lead', duckSql: duckGrowth, bar: 0.75,
			same: [`SELECT sum(t.new), sum(t.retained), sum(t.active) FROM (SELECT growth(${activities}, 'month') AS g FROM orders) q CROSS JOIN LATERAL growth_table(q.g) t`,
				`SELECT sum(new), sum(retained), sum(active) FROM (${duckGrowth})`],
		}, bare('customer_id, ordered_at', 2.2)],
	},
	{
		what: 'repeat_rate within 90 days', ...metric(`repeat_rate(${activities}, ${lastDay}, 90)`), plan: true,
		peers: [{
			peer: 'DuckDB, distinct, two smallest days', duckSql: duckRepeat, bar: 0.75,
			same: [`SELECT t.repeat_buyers, t.eligible FROM (SELECT repeat_rate(${activities}, ${lastDay}, 90) AS r FROM orders) q CROSS JOIN LATERAL repeat_rate_table(q.r) t`, duckRepeat],
		}],
	},
	{
		what: 'purchase_intervals, median',
		sql: `SELECT (purchase_intervals_summary(purchase_intervals(${activities}, ${lastDay}))).median_days FROM orders`,
		check: `SELECT ${hash(`purchase_intervals(${activities}, ${lastDay})`)} FROM orders`,
		peers: [{ peer: 'DuckDB, distinct, lag, quantile', duckSql: duckIntervals, bar: 1, same: true }],
	},
	{
		what: 'points_totals', large: true, ...totals, plan: true,
		peers: [bare('customer_id, at, points', 3, 'ledger'), { peer: 'DuckDB, sum(points) by customer', duckSql: duckSums, bar: 5.6 }],
	},
	{
		what: 'points_rollforward by month', ...metric(`points_rollforward(${ledgers}, ${yearly}, 'month', ${lastDay})`, 'ledger'),
		peers: [{ peer: 'points_totals', sql: totals.sql, bar: 1.5, modes: true }],
	},
	{
		what: 'points_triangle by month', ...metric(triangle, 'ledger'),
		peers: [{ peer: 'points_totals', sql: totals.sql, bar: 1.5, modes: true }],
	},
	{
		what: 'points_liability_by_period, bootstrap', long: true, sql: liability(`'{"errors": "bootstrap"}'`, 'count(*), round(sum(liability_upper))'),
		peers: [{ peer: 'the same by formula', sql: liability(`'{}'`, 'count(*), round(sum(liability_upper))') }],
	},
	{
		what: 'points_totals for 24 month ends, one scan',
		sql: `SELECT sum(${hash(`points_totals(q.base, ${yearly}, m.month_end)`)}) FROM (SELECT ${ledgers} AS base FROM ledger) q
			CROSS JOIN LATERAL (SELECT (date '2023-02-01' + n * interval '1 month')::date - 1 AS month_end FROM generate_series(0, 23) n) m`,
		peers: [{ peer: 'points_totals, once', sql: totals.sql, bar: 3.5, modes: true }],
	},
	{
		what: 'tier_census', large: true, ...metric(`tier_census(${timelines}, ${club}, ${lastDay})`), plan: true,
		peers: [bare('customer_id, ordered_at, amount', 3), { peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 0.8 }],
	},
	{
		what: 'bgnbd_fit from raw orders', sql: `SELECT (model_summary(m)).customers FROM (SELECT bgnbd_fit(${timelines}, ${lastDay}, 'week') AS m FROM orders) q`,
		check: metric(`bgnbd_fit(${timelines}, ${lastDay}, 'week')::text`).sql, plan: true,
		peers: [{ peer: 'tier_census', sql: metric(`tier_census(${timelines}, ${club}, ${lastDay})`).sql, bar: 1.5, modes: true }],
	},
	{
		what: 'tier_flow by month, 12 months valid, soft landing', ...metric(`tier_flow(${timelines}, ${softClub}, 'month', ${lastDay})`),
		peers: [{ peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 1.5 }],
	},
	{
		what: 'program_totals', large: true, ...programTotals, plan: true,
		peers: [bare('customer_id, ordered_at, amount', 5), { peer: 'PL/pgSQL reference, 0.1% x 1000, once', sql: referenceProgram, once: true, scale: 1000 }],
	},
	{
		what: 'program_compare, two programmes', ...metric(`program_compare(${timelines}, ${programme}, ${proposal}, ${lastDay})`),
		peers: [{ peer: 'program_totals', sql: programTotals.sql, bar: 1.8, modes: true }],
	},
	...['rollforward', 'triangle'].map(name => ({
		what: `program_${name} by month, by label`, long: true, ...metric(`program_${name}(${timelines}, ${programme}, 'month', ${lastDay}, true)`),
		peers: [{ peer: 'program_totals', sql: programTotals.sql, modes: true }],
	})),
	{
		what: 'funnel_totals, 4 steps', ...funnel('timelines(customer_id, at, step)', 'visits'), plan: true,
		peers: [{ peer: 'ClickHouse, windowFunnel', houseSql: windowFunnel, bar: 1 }, { peer: 'DuckDB, ASOF joins', duckSql: duckFunnel, bar: 0.6, same: true }],
	},
	{
		what: 'funnel_by_period, 4 steps by week', ...funnelByWeek('timelines(customer_id, at, step)', 'visits'), plan: true,
		peers: [{ peer: 'DuckDB, ASOF joins', duckSql: duckFunnelByWeek, bar: 0.6, same: true }],
	},
	{
		what: 'event_flow, 3 steps from the first view', ...flow('timelines(customer_id, at, step)', 'first', 'visits'), plan: true,
		peers: [{ peer: 'DuckDB, lead() three times', duckSql: duckFlow('first'), bar: 1, same: true }],
	},
	{
		what: 'event_flow, 3 steps from each view', ...flow('timelines(customer_id, at, step)', 'each', 'visits'),
		peers: [{ peer: 'DuckDB, lead() three times', duckSql: duckFlow('each'), bar: 1, same: true }],
	},
	{
		what: 'rfm_census', ...census, plan: true,
		peers: [{ peer: 'DuckDB, ntile(5) three times', duckSql: duckRfm, bar: 2 }],
	},
	{
		what: 'concentration', ...metric(concentration), plan: true,
		peers: [{ peer: 'DuckDB, rank by revenue', duckSql: duckTops, bar: 1, same: [topRevenues, duckTops] }],
	},
	{
		what: 'customer_timelines by LATERAL, counted and summed', large: true, plan: true,
		...eachCustomer('timeline_sum(timeline)', opened(timelines, 'orders'), counted),
		peers: [bare('customer_id, ordered_at, amount', 3.5)],
	},
	{
		what: 'points_balance by customer_timelines', plan: true,
		...eachCustomer(balance('timeline'), opened(ledgers, 'ledger'), counted),
		peers: [bare('customer_id, at, points', 0, 'ledger')],
	},
	{
		what: 'tier by customer_timelines',
		...eachCustomer(tier('timeline'), opened(timelines, 'orders'), highest),
		peers: [{ peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 1.2 }],
	},
	{
		what: 'activity_agg, GROUP BY, no index', large: true, ...groups('activity_agg(ordered_at)', 'orders'), plan: true,
		peers: [executor('orders', 0.2)],
	},
	{
		what: 'timeline_agg, GROUP BY, no index', large: true, ...groups('timeline_agg(ordered_at, amount)', 'orders'), plan: true,
		peers: [executor('orders', 0.3)],
	},
	{
		what: 'points_balance(timeline_agg), GROUP BY, no index', large: true, ...balanceGroups('ledger'), plan: true,
		peers: [executor('ledger', 0.3, 'at'), { peer: 'PL/pgSQL, over the index, once', sql: plpgsqlBalances, once: true, bar: 0.15, same: true }],
	},
	{
		what: 'tier(timeline_agg), GROUP BY, no index', ...groups(tier('timeline_agg(ordered_at, amount)'), 'orders', highest), plan: true,
		peers: [executor('orders', 0.3)],
	},
	{
		what: 'activity_agg, GROUP BY, index', settings: overIndex, ...groups('activity_agg(ordered_at)', 'orders_indexed'), plan: true,
		peers: [executor('orders_indexed', 1.5)],
	},
	{
		what: 'timeline_agg, GROUP BY, index', settings: overIndex, ...groups('timeline_agg(ordered_at, amount)', 'orders_indexed'), plan: true,
		peers: [executor('orders_indexed', 1.8)],
	},
	{
		what: 'points_balance(timeline_agg), GROUP BY, index', settings: overIndex, ...balanceGroups('ledger_indexed'), plan: true,
		peers: [executor('ledger_indexed', 1.8, 'at')],
	},
	{
		what: 'tier(timeline_agg), GROUP BY, index', settings: overIndex, ...groups(tier('timeline_agg(ordered_at, amount)'), 'orders_indexed', highest), plan: true,
		peers: [executor('orders_indexed', 1.8)],
	},
	{
		what: "cohort_value by 'month'", ...metric(cohortValue), plan: true,
		peers: [{
			peer: 'DuckDB, sums by month, then by cohort', duckSql: duckCohortValue, bar: 0.9,
			same: [`SELECT sum(t.active), sum(t.orders), round(sum(t.revenue * (1 + t.lag))) FROM (SELECT ${cohortValue} AS r FROM orders) q CROSS JOIN LATERAL cohort_value_table(q.r) t`,
				`SELECT sum(active), sum(orders), round(sum(revenue * (1 + lag)))::DOUBLE FROM (${duckCohortValue})`],
		}, bare('customer_id, ordered_at, amount', 3)],
	},
	{
		what: "retention by 'month', at least 2 days", ...metric(`retention(${activities}, 'month', at_least => 2)`),
		peers: [{ peer: 'the same, with any day', sql: retention('month').sql, bar: 1.3, modes: true }],
	},
	{
		what: 'retention_members, of one cell', sql: `SELECT count(*), sum(m.customer) FROM (SELECT ${activities} AS b FROM orders) q CROSS JOIN LATERAL retention_members(q.b, 'month', '2023-01-01', 3) m`,
		peers: [{ peer: 'retention, of all cells', sql: retention('month').sql, bar: 1.5, modes: true }],
	},
];

const fromStored = [
	{
		what: "retention by 'month', stored activities",
		sql: `SELECT count(*) FILTER (WHERE t.retained > 0), sum(t.retained) FROM (SELECT retention(activity, 'month') AS r FROM stored_activities) q CROSS JOIN LATERAL retention_table(q.r) t`,
		peers: [duck('month', 0.25)],
	},
	{
		what: "growth by 'month', stored activities", ...metric(`growth(activity, 'month', ${lastDay})`, 'stored_activities'),
		peers: [{ peer: 'DuckDB, the same from raw rows', duckSql: duckGrowth, bar: 0.3 }],
	},
	{
		what: 'repeat_rate within 90 days, stored activities', ...metric(`repeat_rate(activity, ${lastDay}, 90)`, 'stored_activities'),
		peers: [{ peer: 'DuckDB, the same from raw rows', duckSql: duckRepeat, bar: 0.3 }],
	},
	{
		what: 'purchase_intervals, stored activities',
		sql: `SELECT (purchase_intervals_summary(purchase_intervals(activity, ${lastDay}, 10))).median_days FROM stored_activities`,
		peers: [{ peer: 'DuckDB, the same from raw rows', duckSql: duckIntervals, bar: 0.3, same: true }],
	},
	{
		what: 'points_balance, stored timelines', plan: true, ...eachCustomer(balance('timeline'), 'stored_ledgers', counted),
		peers: [{ peer: 'DuckDB, sum(points) by customer', duckSql: duckSums, bar: 1 }],
	},
	{
		what: 'points_carry_over, stored timelines', long: true, ...eachCustomer(`points_carry_over(timeline, ${carrying}, timestamptz '2024-07-01')`, 'stored_ledgers'),
		peers: [{ peer: 'points_balance', sql: eachCustomer(balance('timeline'), 'stored_ledgers', counted).sql }],
	},
	{
		what: 'tier, stored timelines', ...eachCustomer(tier('timeline'), 'stored_timelines', highest),
		peers: [{ peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 0.3 }],
	},
	{
		what: 'program_totals, stored timelines', ...metric(`program_totals(timeline, ${programme}, ${lastDay})`, 'stored_timelines'),
		peers: [{ peer: 'program_totals from raw rows', sql: programTotals.sql, bar: 0.5 }],
	},
	{
		what: 'funnel_totals, stored timelines', ...funnel('timeline', 'stored_visits'),
		peers: [{ peer: 'DuckDB, ASOF joins of raw rows', duckSql: duckFunnel, bar: 0.3, same: true },
			{ peer: 'ClickHouse, windowFunnel of raw rows', houseSql: windowFunnel }],
	},
	{
		what: 'rfm_census, stored timelines', ...storedCensus,
		peers: [{ peer: 'DuckDB, ntile(5) of raw rows', duckSql: duckRfm, bar: 1 }],
	},
	{
		what: 'rfm_scale and rfm_census, two-level', ...twoCensuses,
		peers: [{ peer: 'DuckDB, ntile(5) of raw rows', duckSql: duckRfm, bar: 1 }],
	},
	{
		what: 'referrals, a million', ...metric('referrals(customer_id, referrer_id)', 'brought'), plan: true,
		peers: [{ peer: 'one second', seconds: 1, bar: 1 }],
	},
	{
		...fit('bgnbd_fit', "bgnbd_fit(x, t_x, age, 'week')"),
		peers: [{ peer: 'two seconds', seconds: 2, bar: 1 }, { peer: 'R, optim(), of 100,000 x 10, once', r: inR, once: true, scale: 10, bar: 0.05 }],
	},
	{ ...fit('paretonbd_fit', "paretonbd_fit(x, t_x, age, 'week')"), peers: [{ peer: 'ten seconds', seconds: 10, bar: 1 }] },
	{ ...fit('gammagamma_fit', 'gammagamma_fit(x, m)'), peers: [{ peer: 'four seconds', seconds: 4, bar: 1 }] },
	{
		what: 'expected_purchases, BG/NBD, a million customers', settings: oneCore,
		sql: `SELECT round(sum(expected_purchases(${published}, x, t_x, age, 52))::numeric) FROM customer_numbers`,
		peers: [{ peer: 'half a second', seconds: 0.5, bar: 1 }],
	},
];

export const timed = [...fromRows.map(test => ({ ...test, modes: true })), ...fromStored];
export const parallelBar = hugePages ? 0.75 : 1;
export const barsNow = `bars ${hugePages ? 'with' : 'without'} huge pages: retention ${retentionBar} x DuckDB, workers ${parallelBar} x serial`;

// What is run at several numbers of rows, and how many times its time may grow beside them.
export const growing = [{ what: 'scan of customer_id, ordered_at', sql: scan('customer_id, ordered_at') }, ...fromRows.filter(test => test.large)];
export const growthBar = 1.15;

// Whose memory is watched, with little work_mem and with some: a process may have that x hash_mem_multiplier, and 64 MB.
export const memory = fromRows.filter(test => test.large).flatMap(test => ['4MB', '64MB'].map(work_mem => ({ ...test, settings: { work_mem } })));
export const memoryBeside = 64;

// Sizes: a query that gives one number, and what it may be.
export const sizes = [
	{
		what: 'activity_set, stored', unit: 'bytes a day, after 16', bar: 2,
		sql: 'SELECT (sum(pg_column_size(activity)) - 16 * count(*))::float8 / sum(activity_count(activity)) FROM stored_activities',
	},
	{
		what: 'event_timeline, stored', unit: 'bytes an event', bar: 10,
		sql: 'SELECT sum(pg_column_size(timeline))::float8 / sum(timeline_count(timeline)) FROM stored_timelines',
	},
];
