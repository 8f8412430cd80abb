-- Growth accounting and churn: who is new, comes again, comes back, and leaves.

\expand metric/result_type.sql TYPE=growth_result SSPACE=8192 DIFFER="period, zone or as_of"
\expand metric/result_type.sql TYPE=growth_money_result SSPACE=16384 DIFFER="period, zone or as_of"
COMMENT ON TYPE growth_result IS
	'counts of growth accounting by period, as growth() and churn() make them; growth_table() and churn_table() turn them into rows, rollup() adds those of disjoint customers';
COMMENT ON TYPE growth_money_result IS
	'counts and revenue of growth accounting by period, as growth() over timelines makes them; growth_table() turns them into rows, rollup() adds those of disjoint customers';

-- ---- counting ----

-- STABLE, since as_of goes by the clock by default, and over timelines a period without a zone takes
-- its days from the session's TimeZone.
-- COST of the functions over a base: that of a query, so that collecting in parallel wins.

\expand metric/metric.sql NAME=growth C=growth RESULT=growth_result \
	BASE=activity_base SUMMARY="activity activity_set" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period DEFAULT 'month', as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=1 SSPACE=32768 \
	COMMENT="Growth accounting of a base: by period, the customers who are new (it is their first active period), retained (active in the period before, too) and resurrected (active before, but not in the period before). Days after as_of don''t count; NULL: the last active day. NULL for a NULL base; a NULL period is error 22004, a period in another zone than the days were collected in 22023, an infinite as_of and a day before the first of a list of periods 22008." \
	AGGREGATE_COMMENT="growth() over activity sets, one for each customer. NULL sets are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is the day of the last event of the rows of its group, no later than today; period and as_of must be the same for all rows (22023)."
COMMENT ON FUNCTION growth_accum(growth_result, activity_set, calendar_period, date) IS 'part of the aggregates growth() and churn()';

\expand metric/metric.sql NAME=growth C=growth_money RESULT=growth_money_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period DEFAULT 'month', as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=5 SSPACE=32768 \
	COMMENT="Growth accounting of a base with its money: customers as growth() counts them by the local days of events whose value isn''t negative, and revenue, which is the sum of their values, negative ones too. An event with a span is one of each period that it touches: its value is spread over its days, and the periods'' shares add up to it exactly, by largest remainder; of a period that as_of cuts, the days up to it have their part, rounded down. Events after the local day as_of don''t count; NULL: that of the last event. NULL for a NULL base; errors as in growth() over active days. Sums beyond 128 bits are error 22003." \
	AGGREGATE_COMMENT="growth() with its money over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is the day of the last event of the rows of its group, no later than today; period and as_of must be the same for all rows (22023)."

CREATE FUNCTION churn(base activity_base, period calendar_period DEFAULT 'month', as_of date DEFAULT NULL)
	RETURNS growth_result
	AS 'MODULE_PATHNAME', 'loyalty_growth' LANGUAGE C STABLE PARALLEL SAFE COST 100000
	SUPPORT metric_support;
COMMENT ON FUNCTION churn(activity_base, calendar_period, date) IS
	'The same counts as growth(), under the name of what churn_table() makes of them.';
CREATE AGGREGATE churn(activity activity_set, period calendar_period, as_of date) (
	SFUNC = growth_accum, STYPE = growth_result, SSPACE = 32768,
	COMBINEFUNC = growth_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE churn(activity_set, calendar_period, date) IS
	'The same counts as growth(), under the name of what churn_table() makes of them.';
CREATE AGGREGATE churn(activity activity_set, period calendar_period) (
	SFUNC = growth_accum, STYPE = growth_result, SSPACE = 32768,
	COMBINEFUNC = growth_result_merge, PARALLEL = SAFE);
COMMENT ON AGGREGATE churn(activity_set, calendar_period) IS
	'churn() without as_of: as growth() without as_of';

-- ---- rows ----

CREATE FUNCTION growth_table(result growth_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean,
		active bigint, new bigint, retained bigint, resurrected bigint, churned bigint, quick_ratio float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_growth_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION growth_table(growth_result) IS
	'A row for each period from the first active one to that of as_of, without gaps: active = new + retained + resurrected customers, and churned, those active in the period before and not in this one. active = active of the period before + new + resurrected - churned. quick_ratio: (new + resurrected) / churned; NULL where nobody churned. period_end is exclusive; complete is false while the period still runs: who has churned by then only hasn''t come yet. No rows for NULL.';

CREATE FUNCTION growth_table(result growth_money_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean,
		active bigint, new bigint, retained bigint, resurrected bigint, churned bigint, quick_ratio float8,
		opening_revenue numeric, new_revenue numeric, expansion numeric, resurrected_revenue numeric,
		contraction numeric, churned_revenue numeric, revenue numeric, returned numeric,
		gross_retention float8, net_retention float8, revenue_quick_ratio float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_growth_money_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION growth_table(growth_money_result) IS
	'The rows of growth_table() with money: opening_revenue (that of the period before) + new_revenue + expansion + resurrected_revenue - contraction - churned_revenue = revenue, exactly. Expansion and contraction are how much more and how much less retained customers brought than in the period before, customer by customer; churned_revenue is what those who churned brought then.
revenue is that of the customers active in the period, whose own may be below zero by returns; then new, resurrected and churned revenue can be, too. returned: what customers gave back who did nothing else in the period, which no other column has; revenue - returned is the sum of all values.
gross_retention: (opening - contraction - churned) / opening, net_retention: (opening + expansion - contraction - churned) / opening, revenue_quick_ratio: (new + expansion + resurrected) / (contraction + churned), all of revenue; NULL where the divisor isn''t above zero. complete is false while the period still runs. No rows for NULL.';

CREATE FUNCTION growth_links(result growth_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean, step int, source text, target text, value bigint, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 100 ROWS 100
BEGIN ATOMIC
	SELECT t.period_start, t.period_end, t.complete, 1, link_name(l.source, 1), link_name(l.target, 2), l.value, l.source, l.target
	FROM growth_table(growth_links.result) t
	CROSS JOIN LATERAL (VALUES (1, 'active', 'active', t.retained), (2, 'active', 'churned', t.churned), (3, 'new', 'active', t.new), (4, 'resurrected', 'active', t.resurrected)) l(n, source, target, value)
	WHERE l.value > 0 ORDER BY t.period_start, l.n;
END;
COMMENT ON FUNCTION growth_links(growth_result) IS
	'The rows of growth_table() as charts of flows take them: from one period to the next, active customers stay active or have churned, and new and resurrected ones become active; value: customers. What leaves ''active (1)'' are those active in the period before, what comes to ''active (2)'' those of this one. Links of several periods add up by source and target. No rows for NULL.';

CREATE FUNCTION growth_links(result growth_money_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean, step int, source text, target text, value numeric, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 100 ROWS 150
BEGIN ATOMIC
	SELECT t.period_start, t.period_end, t.complete, 1, link_name(l.source, 1), link_name(l.target, 2), l.value, l.source, l.target
	FROM growth_table(growth_links.result) t
	CROSS JOIN LATERAL (VALUES (1, 'active', 'active', t.opening_revenue - t.contraction - t.churned_revenue), (2, 'active', 'contraction', t.contraction), (3, 'active', 'churned', t.churned_revenue),
		(4, 'new', 'active', t.new_revenue), (5, 'expansion', 'active', t.expansion), (6, 'resurrected', 'active', t.resurrected_revenue)) l(n, source, target, value)
	WHERE l.value <> 0 ORDER BY t.period_start, l.n;
END;
COMMENT ON FUNCTION growth_links(growth_money_result) IS
	'The same of money: what leaves ''active (1)'' is the revenue of the period before, what comes to ''active (2)'' that of this one. By returns, a value may be below zero, which no chart can draw.';

CREATE FUNCTION churn_table(result growth_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (period_start date, period_end date, complete boolean,
		active bigint, churned bigint, rate float8, lower float8, upper float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_churn_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION churn_table(growth_result, float8) IS
	'A row for each period from the second active one to that of as_of: the customers active in the period before, those of them who churned since they aren''t active in this one, and their share with its Wilson score interval; NULL where nobody was active before. period_end is exclusive; complete is false while the period still runs: the rate can only fall until it is over. No rows for NULL; a confidence outside of 0 to 1 is error 22023.';

CREATE FUNCTION churn_table(result growth_money_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (period_start date, period_end date, complete boolean,
		active bigint, churned bigint, rate float8, lower float8, upper float8, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_churn_money_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 30;
COMMENT ON FUNCTION churn_table(growth_money_result, float8) IS
	'The same rows of growth() over timelines, where a subscription may be an event with a span.';

-- ---- who is in a period ----

\expand metric/members.sql NAME=growth C=growth BASE=activity_base \
	ARGUMENTS="period calendar_period, period_start date, who text, as_of date DEFAULT NULL" \
	COMMENT="The customers whom a number of growth_table() counts, a row for each, in no order: period_start is a day of the period, who the column: active, new, retained, resurrected or churned. period and as_of are those of growth(), and have to be the same. Nobody where the table has no such row, or for a NULL base. A NULL period_start or who is error 22004, another number than these 22023; others as in growth()."
\expand metric/members.sql NAME=growth C=growth_money BASE=timeline_base \
	ARGUMENTS="period calendar_period, period_start date, who text, as_of date DEFAULT NULL" \
	COMMENT="the same over timelines"
