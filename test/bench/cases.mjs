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

const bareScan = 'SELECT count(*), max(customer_id), max(ordered_at) FROM orders';
const minMaxCount = table => `SELECT count(first), count(last), sum(n) FROM
	(SELECT customer_id, min(ordered_at) AS first, max(ordered_at) AS last, count(*) AS n FROM ${table} GROUP BY customer_id) q`;

// ---- what loyalty is asked ----

const cells = unit => `SELECT count(*), sum(t.retained) FROM
	(SELECT retention(activities(customer_id, ordered_at), '${unit}') AS r FROM orders) q CROSS JOIN LATERAL retention_table(q.r) t`;
const result = (unit, table = 'orders') => `SELECT pg_column_size(retention(activities(customer_id, ordered_at), '${unit}')) FROM ${table}`;
const activityGroups = table => `SELECT count(activity) FROM
	(SELECT customer_id, activity_agg(ordered_at) AS activity FROM ${table} GROUP BY customer_id) q`;
const timelineGroups = table => `SELECT count(timeline) FROM
	(SELECT customer_id, timeline_agg(ordered_at, amount) AS timeline FROM ${table} GROUP BY customer_id) q`;

const lastDay = "date '2024-12-31'";
const yearly = `'{"expires_after": "12 months"}'`;
const ledgerMinMaxCount = table => `SELECT count(first), count(last), sum(n) FROM
	(SELECT customer_id, min(at) AS first, max(at) AS last, count(*) AS n FROM ${table} GROUP BY customer_id) q`;
const balanceGroups = table => `SELECT count(balance), sum(balance) FROM
	(SELECT customer_id, points_balance(timeline_agg(at, points), ${yearly}, ${lastDay}) AS balance FROM ${table} GROUP BY customer_id) q`;
const plpgsqlBalances = `SELECT count(balance), sum(balance) FROM
	(SELECT customer_id, plpgsql_balance(array_agg(at ORDER BY at), array_agg(points::bigint ORDER BY at), '2025-01-01') AS balance
		FROM ledger_indexed GROUP BY customer_id) q`;
const overLedger = metric => `SELECT pg_column_size(${metric}) FROM (SELECT timelines(customer_id, at, points) AS base FROM ledger) q`;
const totals = overLedger(`points_totals(base, ${yearly}, ${lastDay})`);
const duckSums = 'SELECT count(*)::DOUBLE, sum(points)::DOUBLE FROM (SELECT customer_id, sum(points) AS points FROM ledger GROUP BY customer_id)';

const overOrders = metric => `SELECT pg_column_size(${metric}) FROM (SELECT timelines(customer_id, ordered_at, amount) AS base FROM orders) q`;
const overActivities = metric => `SELECT pg_column_size(${metric}) FROM (SELECT activities(customer_id, ordered_at) AS base FROM orders) q`;

// Three levels over a rolling year; and what DuckDB is asked: the rolling sum at every event, counted.
const club = `'{"Silver": 100, "Gold": 300, "Platinum": 1000}'`;
const softClub = `'{"levels": {"Silver": 100, "Gold": 300, "Platinum": 1000}, "valid": "12 months", "downgrade": "one_level"}'`;
const duckRolling = `SELECT count(*)::DOUBLE, count(*) FILTER (spend >= 100)::DOUBLE, count(*) FILTER (spend >= 300)::DOUBLE, count(*) FILTER (spend >= 1000)::DOUBLE
	FROM (SELECT sum(amount) OVER (PARTITION BY customer_id ORDER BY ordered_at RANGE BETWEEN INTERVAL 12 MONTHS PRECEDING AND CURRENT ROW) AS spend FROM orders)`;
const tierGroups = table => `SELECT count(tier), max(tier) FROM
	(SELECT customer_id, tier(timeline_agg(ordered_at, amount), ${club}, ${lastDay}) AS tier FROM ${table} GROUP BY customer_id) q`;

// A programme, and one that is asked about: more for Gold, which asks for more.
const programme = `'{"earn": {"multipliers": [{"times": 2, "tiers": ["Gold", "Platinum"]}]}, "points": {"expires_after": "12 months"}, "tiers": {"Silver": 100, "Gold": 300, "Platinum": 1000}, "zone": "UTC"}'`;
const proposal = `'{"earn": {"multipliers": [{"times": 3, "tiers": ["Gold", "Platinum"]}]}, "points": {"expires_after": "18 months"}, "tiers": {"Silver": 100, "Gold": 400, "Platinum": 1000}, "zone": "UTC"}'`;
const programTotals = overOrders(`program_totals(base, ${programme}, ${lastDay})`);
const referenceProgram = `SELECT count(ref_program(events, ${programme}, ${lastDay})) FROM
	(SELECT jsonb_agg(jsonb_build_object('at', ordered_at, 'value', amount)) AS events FROM orders_indexed WHERE customer_id % 1000 = 0 GROUP BY customer_id) q`;

const duckGrowth = `WITH active AS (SELECT DISTINCT customer_id, date_trunc('month', ordered_at) AS month FROM orders),
		beside AS (SELECT month, lag(month) OVER own AS before, lead(month) OVER own AS after FROM active WINDOW own AS (PARTITION BY customer_id ORDER BY month))
	SELECT month, count(*) FILTER (before IS NULL), count(*) FILTER (before = month - INTERVAL 1 MONTH),
		count(*) FILTER (after IS NULL OR after > month + INTERVAL 1 MONTH), count(*)::DOUBLE
	FROM beside GROUP BY month ORDER BY month`;

// The second day of a customer within 90 days of the first, of those whose first is that long ago.
const duckRepeat = `SELECT count(*) FILTER (days[2] <= days[1] + 90)::DOUBLE, count(*)::DOUBLE
	FROM (SELECT min(day, 2) AS days FROM (SELECT DISTINCT customer_id, ordered_at::DATE AS day FROM orders) GROUP BY customer_id)
	WHERE days[1] <= DATE '2024-12-31' - 90`;
const duckIntervals = `SELECT quantile_cont(gap, 0.5)::DOUBLE
	FROM (SELECT day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
		FROM (SELECT DISTINCT customer_id, ordered_at::DATE AS day FROM orders))`;

// Scores by ntile(), and the published map of segments. Of frequency purchase days; or purchases, which is less work.
const duckRfm = frequency => `SELECT count(*)::DOUBLE, sum(members)::DOUBLE, sum(revenue)::DOUBLE FROM (
	SELECT CASE WHEN r = 5 AND f = 5 AND m = 5 THEN 'Champions' WHEN r >= 3 AND f >= 3 AND m >= 2 THEN 'Potential Loyalist'
			WHEN r BETWEEN 2 AND 4 AND f BETWEEN 2 AND 4 AND m BETWEEN 2 AND 4 THEN 'Loyal Customers' WHEN r BETWEEN 3 AND 4 AND f <= 3 AND m >= 3 THEN 'Promising'
			WHEN r >= 4 AND f <= 3 THEN 'New Customers' WHEN r <= 2 AND f BETWEEN 3 AND 4 AND m >= 4 THEN 'Can''t Lose Them'
			WHEN r <= 2 AND f >= 2 AND m >= 4 THEN 'At Risk' WHEN r <= 3 AND f >= 3 AND m >= 3 THEN 'Need Attention'
			WHEN r BETWEEN 2 AND 3 AND f <= 3 AND m <= 4 THEN 'About To Sleep' WHEN r = 1 THEN 'Lost' ELSE 'Others' END AS segment,
		count(*) AS members, sum(monetary) AS revenue
	FROM (SELECT monetary, ntile(5) OVER (ORDER BY last_day) AS r, ntile(5) OVER (ORDER BY frequency) AS f, ntile(5) OVER (ORDER BY monetary) AS m
		FROM (SELECT max(ordered_at::DATE) AS last_day, ${frequency} AS frequency, sum(amount) AS monetary FROM orders GROUP BY customer_id))
	GROUP BY segment)`;
const duckRfmDays = duckRfm('count(DISTINCT ordered_at::DATE)');
const duckRfmPurchases = duckRfm('count(*)');

// Four steps within a week.
const steps = ['view', 'cart', 'checkout', 'payment'];
const funnel = (of, table) => `SELECT string_agg(t.reached::text, ' ') FROM
	(SELECT funnel_totals(${of}, ARRAY[${steps.map(step => `'${step}'`).join(', ')}], '7 days') AS f FROM ${table}) q
	CROSS JOIN LATERAL funnel_totals_table(q.f) t`;
const windowFunnel = `SELECT level, count() FROM
	(SELECT customer_id, windowFunnel(604800)(at, ${steps.map(step => `step = '${step}'`).join(', ')}) AS level FROM visits GROUP BY customer_id)
	GROUP BY level ORDER BY level`;

// From every first step the next second one, and so on: what is reached within the week.
const duckFunnel = `WITH ${steps.map((step, n) => `s${n} AS (SELECT customer_id, seen_at FROM visits WHERE step = '${step}')`).join(', ')},
		chains AS (SELECT s0.customer_id, 1 + ${steps.slice(1).map((_, n) => `(s${n + 1}.seen_at <= s0.seen_at + INTERVAL 7 DAYS)::INT`).map(reached => `coalesce(${reached}, 0)`).join(' + ')} AS level
			FROM s0 ${steps.slice(1).map((_, n) => `ASOF LEFT JOIN s${n + 1} ON s${n + 1}.customer_id = s0.customer_id AND s${n + 1}.seen_at >= s${n}.seen_at`).join(' ')})
	SELECT count(*) FILTER (level >= 4)::DOUBLE, count(*)::DOUBLE FROM (SELECT max(level) AS level FROM chains GROUP BY customer_id)`;

// Who brought whom: depths, roots and circles of all; and whom each brought.
const referralSummary = `SELECT s.customers, s.max_depth, s.roots FROM
	(SELECT referrals(customer_id, referrer_id) AS r FROM sign_ups) q CROSS JOIN LATERAL referral_summary(q.r) s`;
const referralRows = `SELECT count(t.root), max(t.depth), sum(t.downstream) FROM
	(SELECT referrals(customer_id, referrer_id) AS r FROM sign_ups) q CROSS JOIN LATERAL referral_table(q.r) t`;

const duck = (unit, bar) => ({ peer: 'DuckDB, the same from raw rows', duck: unit, bar });

// With much work_mem the planner takes a hash over the whole table, index or not. With its
// default it goes along the index, where that is what the rows below are about.
const overIndex = { work_mem: '4MB' };

// A case: what it is, its query, its peers and how many times their time it may take. `plan`
// asks for the plan to be shown; `settings` hold for it and its peers. A peer with `once` is run once; its time counts
// `scale` times, where it is asked about a part; one with `ms` isn't run: that is what it takes.
export const timed = [
	{
		what: "retention by 'month' from raw rows", sql: cells('month'), plan: true,
		peers: [duck('month', 0.75), { peer: 'scan: count, max, max', sql: bareScan, bar: 2 },
			{ peer: 'plain SQL, once', sql: plainCohorts('month'), once: true }],
	},
	{ what: "retention by 'week' from raw rows", sql: cells('week'), peers: [duck('week', 1)] },
	{ what: "retention by 'day' from raw rows", sql: cells('day'), peers: [duck('day', 1)] },
	{
		what: "retention by 'month', two-level over stored activities",
		sql: `SELECT count(*), sum(t.retained) FROM
			(SELECT retention(activity, 'month') AS r FROM stored_activities) q CROSS JOIN LATERAL retention_table(q.r) t`,
		peers: [duck('month', 0.25)],
	},
	{
		what: 'activity_agg, GROUP BY customer, no index', sql: activityGroups('orders'), plan: true,
		peers: [{ peer: 'min, max, count, same GROUP BY', sql: minMaxCount('orders'), bar: 1.5, plan: true }],
	},
	{
		what: 'activity_agg, GROUP BY customer, index', settings: overIndex, sql: activityGroups('orders_indexed'), plan: true,
		peers: [{ peer: 'min, max, count over the index', sql: minMaxCount('orders_indexed'), bar: 1.5, plan: true }],
	},
	{
		what: 'timeline_agg, GROUP BY customer, no index', sql: timelineGroups('orders'), plan: true,
		peers: [{ peer: 'min, max, count, same GROUP BY', sql: minMaxCount('orders'), bar: 1.8 }],
	},
	{
		what: 'timeline_agg, GROUP BY customer, index', settings: overIndex, sql: timelineGroups('orders_indexed'), plan: true,
		peers: [{ peer: 'min, max, count over the index', sql: minMaxCount('orders_indexed'), bar: 1.8 }],
	},
	{
		what: 'customer_timelines by LATERAL, counted and summed', plan: true,
		sql: `SELECT count(*), sum(timeline_sum(c.timeline)) FROM
			(SELECT timelines(customer_id, ordered_at, amount) AS base FROM orders) q CROSS JOIN LATERAL customer_timelines(q.base) c`,
		peers: [{ ...duck('month', 1.3), peer: "DuckDB's cohort query" },
			{ peer: 'timeline_agg, GROUP BY, no index', sql: timelineGroups('orders'), bar: 0.4 }],
	},
	{
		what: "retention by 'month', text customers", sql: result('month', 'orders_text'),
		peers: [{ peer: 'the same, bigint customers', sql: result('month'), bar: 2 }],
	},
	{
		what: 'three metrics over one base (month, week, quarter)',
		sql: `SELECT ${['month', 'week', 'quarter'].map(unit => `pg_column_size(retention(activities(customer_id, ordered_at), '${unit}'))`).join(', ')} FROM orders`,
		peers: [{ peer: 'one metric (month)', sql: result('month'), bar: 1.4 }],
	},
	{
		what: "retention by 'month' in Europe/Helsinki", sql: result('month'), zone: 'Europe/Helsinki',
		peers: [{ peer: 'the same in UTC', sql: result('month'), bar: 1.2 }],
	},
	{
		what: 'points_balance(timeline_agg), GROUP BY customer, no index', sql: balanceGroups('ledger'), plan: true,
		peers: [{ peer: 'min, max, count, same GROUP BY', sql: ledgerMinMaxCount('ledger'), bar: 1.8 },
			{ peer: 'PL/pgSQL, over the index, once', sql: plpgsqlBalances, once: true, bar: 0.1 }],
	},
	{
		what: 'points_balance(timeline_agg), GROUP BY customer, index', settings: overIndex, sql: balanceGroups('ledger_indexed'), plan: true,
		peers: [{ peer: 'min, max, count over the index', sql: ledgerMinMaxCount('ledger_indexed'), bar: 1.8, plan: true }],
	},
	{
		what: 'points_balance by customer_timelines', plan: true,
		sql: `SELECT count(balance), sum(balance) FROM (SELECT points_balance(c.timeline, ${yearly}, ${lastDay}) AS balance
			FROM (SELECT timelines(customer_id, at, points) AS base FROM ledger) q CROSS JOIN LATERAL customer_timelines(q.base) c) b`,
		peers: [{ peer: 'points_balance, GROUP BY, no index', sql: balanceGroups('ledger'), bar: 0.2 }],
	},
	{
		what: 'points_balance over stored timelines', plan: true,
		sql: `SELECT count(balance), sum(balance) FROM (SELECT points_balance(timeline, ${yearly}, ${lastDay}) AS balance FROM stored_ledgers) b`,
		peers: [{ peer: 'DuckDB, sum(points) by customer', duckSql: duckSums, bar: 1 }],
	},
	{
		what: 'points_totals', sql: totals, plan: true,
		peers: [{ peer: 'DuckDB, sum(points) by customer', duckSql: duckSums, bar: 5.6 }],
	},
	{
		what: 'points_rollforward by month', sql: overLedger(`points_rollforward(base, ${yearly}, 'month', ${lastDay})`),
		peers: [{ peer: 'points_totals', sql: totals, bar: 1.5 }],
	},
	{
		what: 'points_triangle by month', sql: overLedger(`points_triangle(base, ${yearly}, 'month', ${lastDay})`),
		peers: [{ peer: 'points_totals', sql: totals, bar: 1.5 }],
	},
	{
		what: 'points_totals for 24 month ends, one scan',
		sql: `SELECT sum(pg_column_size(points_totals(base, ${yearly}, month_end)))
			FROM (SELECT timelines(customer_id, at, points) AS base FROM ledger) q
			CROSS JOIN LATERAL (SELECT (date '2023-02-01' + n * interval '1 month')::date - 1 AS month_end FROM generate_series(0, 23) n) m`,
		peers: [{ peer: 'points_totals, once', sql: totals, bar: 3.5 }],
	},
	{
		what: 'tier_census', sql: overOrders(`tier_census(base, ${club}, ${lastDay})`), plan: true,
		peers: [{ peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 0.8 }],
	},
	{
		what: 'tier_flow by month, 12 months valid, soft landing', sql: overOrders(`tier_flow(base, ${softClub}, 'month', ${lastDay})`),
		peers: [{ peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 1.5 }],
	},
	{
		what: 'tier(timeline_agg), GROUP BY customer, no index', sql: tierGroups('orders'), plan: true,
		peers: [{ peer: 'min, max, count, same GROUP BY', sql: minMaxCount('orders'), bar: 1.8 }],
	},
	{
		what: 'tier(timeline_agg), GROUP BY customer, index', settings: overIndex, sql: tierGroups('orders_indexed'), plan: true,
		peers: [{ peer: 'min, max, count over the index', sql: minMaxCount('orders_indexed'), bar: 1.8 }],
	},
	{
		what: 'tier by customer_timelines',
		sql: `SELECT count(tier), max(tier) FROM (SELECT tier(c.timeline, ${club}, ${lastDay}) AS tier
			FROM (SELECT timelines(customer_id, ordered_at, amount) AS base FROM orders) q CROSS JOIN LATERAL customer_timelines(q.base) c) t`,
		peers: [{ peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 1.2 }],
	},
	{
		what: 'tier over stored timelines',
		sql: `SELECT count(tier), max(tier) FROM (SELECT tier(timeline, ${club}, ${lastDay}) AS tier FROM stored_timelines) t`,
		peers: [{ peer: 'DuckDB, rolling sum at every event', duckSql: duckRolling, bar: 0.3 }],
	},
	{
		what: 'program_totals', sql: programTotals, plan: true,
		peers: [{ peer: 'three seconds', ms: 3000, bar: 1 },
			{ peer: 'PL/pgSQL reference, 0.1% x 1000, once', sql: referenceProgram, once: true, scale: 1000 }],
	},
	{
		what: 'program_compare, two programmes', sql: overOrders(`program_compare(base, ${programme}, ${proposal}, ${lastDay})`),
		peers: [{ peer: 'program_totals', sql: programTotals, bar: 1.8 }],
	},
	{
		what: 'program_totals, two-level over stored timelines',
		sql: `SELECT pg_column_size(program_totals(timeline, ${programme}, ${lastDay})) FROM stored_timelines`,
		peers: [{ peer: 'program_totals', sql: programTotals, bar: 0.5 }],
	},
	{
		what: "growth by 'month' from raw rows", sql: overActivities("growth(base, 'month')"), plan: true,
		peers: [{ peer: 'DuckDB, distinct, lag and lead', duckSql: duckGrowth, bar: 0.75 }, { peer: 'scan: count, max, max', sql: bareScan, bar: 2.2 }],
	},
	{
		what: "growth by 'month', two-level over stored activities",
		sql: `SELECT pg_column_size(growth(activity, 'month', ${lastDay})) FROM stored_activities`,
		peers: [{ peer: 'DuckDB, the same from raw rows', duckSql: duckGrowth, bar: 0.3 }],
	},
	{
		what: 'repeat_rate within 90 days, from raw rows', sql: overActivities(`repeat_rate(base, ${lastDay}, 90)`), plan: true,
		peers: [{ peer: 'DuckDB, distinct, two smallest days', duckSql: duckRepeat, bar: 0.75 }],
	},
	{
		what: 'repeat_rate within 90 days, two-level over stored activities',
		sql: `SELECT pg_column_size(repeat_rate(activity, ${lastDay}, 90)) FROM stored_activities`,
		peers: [{ peer: 'DuckDB, the same from raw rows', duckSql: duckRepeat, bar: 0.3 }],
	},
	{
		what: 'purchase_intervals, median, from raw rows',
		sql: `SELECT (purchase_intervals_summary(purchase_intervals(activities(customer_id, ordered_at), ${lastDay}))).median_days FROM orders`,
		peers: [{ peer: 'DuckDB, distinct, lag, quantile', duckSql: duckIntervals, bar: 1 }],
	},
	{
		what: 'purchase_intervals, two-level over stored activities',
		sql: `SELECT (purchase_intervals_summary(purchase_intervals(activity, ${lastDay}, 10))).median_days FROM stored_activities`,
		peers: [{ peer: 'DuckDB, the same from raw rows', duckSql: duckIntervals, bar: 0.3 }],
	},
	{
		what: 'rfm_census by its own scale, from raw rows', sql: overOrders(`rfm_census(base, as_of => ${lastDay})`), plan: true,
		peers: [{ peer: 'DuckDB, ntile, purchase days', duckSql: duckRfmDays, bar: 2 }, { peer: 'DuckDB, ntile, purchases', duckSql: duckRfmPurchases }],
	},
	{
		what: 'rfm_census by its own scale, over stored timelines',
		sql: `SELECT pg_column_size(rfm_census(base, as_of => ${lastDay})) FROM (SELECT timelines(customer_id, timeline) AS base FROM stored_timelines) q`,
		peers: [{ peer: 'DuckDB, ntile, purchase days, raw rows', duckSql: duckRfmDays, bar: 1 }, { peer: 'DuckDB, ntile, purchases, raw rows', duckSql: duckRfmPurchases }],
	},
	{
		what: 'rfm_scale, then rfm_census, two-level over stored timelines',
		sql: `SELECT pg_column_size(rfm_census(timeline, (SELECT rfm_scale(timeline, 5, ${lastDay}) FROM stored_timelines), '{}', ${lastDay})) FROM stored_timelines`,
		peers: [{ peer: 'DuckDB, ntile, purchase days, raw rows', duckSql: duckRfmDays, bar: 1 }, { peer: 'DuckDB, ntile, purchases, raw rows', duckSql: duckRfmPurchases }],
	},
	{
		what: 'funnel_totals, 4 steps, from raw rows', plan: true,
		sql: funnel('timelines(customer_id, at, step)', 'visits'),
		peers: [{ peer: 'ClickHouse, windowFunnel', houseSql: windowFunnel, bar: 1 },
			{ peer: 'DuckDB, ASOF joins', duckSql: duckFunnel, once: true }],
	},
	{
		what: 'funnel_totals, two-level over stored timelines',
		sql: funnel('timeline', 'stored_visits'),
		peers: [{ peer: 'DuckDB, ASOF joins of raw rows', duckSql: duckFunnel, bar: 0.3 },
			{ peer: 'ClickHouse, windowFunnel of raw rows', houseSql: windowFunnel }],
	},
	{
		what: 'referrals of a million customers, and their summary', sql: referralSummary, plan: true,
		peers: [{ peer: 'a second', ms: 1000, bar: 1 }],
	},
	{
		what: 'referrals of a million customers, a row for each', sql: referralRows,
		peers: [{ peer: 'their summary', sql: referralSummary }],
	},
];

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

// Memory of a serial one-pass query, in bytes a customer; without a bar it is only told.
export const memory = [
	{ what: "retention(activities(…), 'month'), serial", bar: 200, sql: result('month') },
	{
		what: 'timelines(…) by LATERAL, serial',
		sql: `SELECT count(*), sum(timeline_sum(c.timeline)) FROM
			(SELECT timelines(customer_id, ordered_at, amount) AS base FROM orders) q CROSS JOIN LATERAL customer_timelines(q.base) c`,
	},
];
