// Of each chart: how many marks its layers have, counted in its rows (t), and what a tooltip says: over the first mark of a layer, beside a title.

const all = 'count(*)';

export const charts = {
	retention_triangle: {
		marks: {
			sizes: 'count(*) FILTER (WHERE lag = 0)', cells: 'count(*) FILTER (WHERE lag > 0)', percents: 'count(*) FILTER (WHERE lag > 0)',
			hatch_above: 'count(*) FILTER (WHERE lag > 0 AND NOT complete)', hatch_across: 'count(*) FILTER (WHERE lag > 0 AND NOT complete)', hatch_below: 'count(*) FILTER (WHERE lag > 0 AND NOT complete)',
		},
		tooltip: ['cells', 'bought then', "to_char(retained, 'FM999,999,990') FROM t WHERE lag > 0 ORDER BY cohort, lag"],
	},
	retention_curve: {
		marks: { band: '1', curve: '1', points: 'count(*) FILTER (WHERE lag > 0)' },
		tooltip: ['points', 'of them', "to_char(100 * rate, 'FM990.0%') FROM t WHERE lag > 0 ORDER BY lag"],
	},
	second_purchase: {
		marks: { band: '1', curve: '1', points: all, median_rule: '1', median_label: '1' },
		tooltip: ['points', 'observed so long', "to_char(at_risk, 'FM999,999,990') FROM t ORDER BY duration"],
	},
	survival: {
		marks: { bands: 'count(DISTINCT segment)', curves: 'count(DISTINCT segment)', points: all, p: '1' },
		tooltip: ['points', 'observed so long', "to_char(at_risk, 'FM999,999,990') FROM t WHERE survival < 0.3 ORDER BY segment, duration", 'datum.survival < 0.3'],
	},
	growth: {
		marks: { bars: all, net: 'count(DISTINCT period)', ratios: 'count(quick_ratio) FILTER (WHERE rank = 1)', zero: '1' },
		tooltip: ['bars', 'customers', "to_char(customers, 'FM999,999,990') FROM t ORDER BY period, rank"],
	},
	revenue_retention: {
		marks: { lines: 'count(DISTINCT measure)', points: all },
		tooltip: ['points', 'spent less', "to_char(contraction, 'FM999,999,990.00') FROM t ORDER BY period, measure"],
	},
	lifecycle: {
		marks: { bars: all, labels: all },
		tooltip: ['bars', 'customers', "to_char(members, 'FM999,999,990') FROM t ORDER BY rank"],
	},
	funnel: {
		marks: { bars: all, counts: all, rates: 'count(rate_from_previous)' },
		tooltip: ['bars', 'stopped here', "to_char(stopped, 'FM999,999,990') FROM t ORDER BY step"],
	},
	points_rollforward: {
		marks: { moves: all, closings: 'count(DISTINCT period)' },
		tooltip: ['moves', 'points', "to_char(points, 'FMSG999,999,990') FROM t ORDER BY period, rank"],
	},
	points_triangle: {
		marks: { cells: all, percents: all, hatch_above: 'count(*) FILTER (WHERE NOT complete)', hatch_across: 'count(*) FILTER (WHERE NOT complete)', hatch_below: 'count(*) FILTER (WHERE NOT complete)' },
		tooltip: ['cells', 'redeemed so far', "to_char(redeemed_so_far, 'FM999,999,990') FROM t ORDER BY issued_in, age"],
	},
	points_liability: {
		marks: { bars: all, intervals: 'count(DISTINCT issued_in)', total: '1' },
		tooltip: ['bars', 'points left', "to_char(outstanding, 'FM999,999,990') FROM t ORDER BY issued_in, rank"],
	},
	expiry_calendar: {
		marks: { weeks: all },
		tooltip: ['weeks', 'points', "to_char(points, 'FM999,999,990') FROM t WHERE points > 0 ORDER BY week", 'datum.points > 0'],
	},
	tiers: {
		marks: { bars: all },
		tooltip: ['bars', 'members', "to_char(members, 'FM999,999,990') FROM t ORDER BY period, rank"],
	},
	tier_migration: {
		marks: { cells: all, percents: all },
		tooltip: ['cells', 'members', "to_char(members, 'FM999,999,990') FROM t ORDER BY from_rank, to_rank"],
	},
	tier_links: {
		marks: { links: 'count(DISTINCT (source, target))', source_bars: 'count(DISTINCT source)', source_labels: 'count(DISTINCT source)', target_bars: 'count(DISTINCT target)', target_labels: 'count(DISTINCT target)' },
		tooltip: ['links', 'members', "to_char(members, 'FM999,999,990') FROM t ORDER BY from_rank, to_rank"],
	},
	what_if: {
		marks: { bars: "count(*) FILTER (WHERE outcome <> 'unchanged')", winner_labels: "count(*) FILTER (WHERE outcome = 'winners')", loser_labels: "count(*) FILTER (WHERE outcome = 'losers')" },
		tooltip: ['bars', 'points more or fewer', "to_char(points_difference, 'FMSG999,999,990') FROM t WHERE outcome <> 'unchanged' AND members > 0 ORDER BY rank, outcome DESC", 'datum.members > 0'],
	},
	cohort_value: {
		marks: { cohorts: "count(DISTINCT cohort) FILTER (WHERE cohort <> 'all')", band: '1', curve: '1', cost: '1', payback_point: 'count(DISTINCT payback_lag)', payback_label: 'count(DISTINCT payback_lag)', points: all },
		tooltip: ['points', 'customers', "to_char(customers, 'FM999,999,990') FROM t WHERE cohort = 'all' AND lag = 12", "datum.cohort == 'all' && datum.lag == 12"],
	},
	rfm_map: {
		marks: { cells: all, counts: all, segments: all },
		tooltip: ['cells', 'revenue', "to_char(revenue, 'FM999,999,990.00') FROM t ORDER BY r, f"],
	},
	concentration: {
		marks: { equal: '1', curve: '1', tenth_point: '1', tenth_label: '1', gini: '1', points: all },
		tooltip: ['points', 'bring of the revenue', "to_char(100 * revenue_share, 'FM990.0%') FROM t ORDER BY customer_share"],
	},
	value_deciles: {
		marks: { bars: all, labels: all },
		tooltip: ['bars', 'will spend', "to_char(value, 'FM999,999,990') FROM t ORDER BY decile"],
	},
	alive_map: {
		marks: { cells: all, percents: all },
		tooltip: ['cells', 'customers', "to_char(customers, 'FM999,999,990') FROM t ORDER BY purchases, silent"],
	},
	nps: {
		marks: { intervals: all, line: '1', points: all, labels: all },
		tooltip: ['points', 'asked', "to_char(asked, 'FM999,999,990') FROM t ORDER BY period"],
	},
};
