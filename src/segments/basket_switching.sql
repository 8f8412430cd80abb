-- The spend that moved between labels from one period to the next.

\expand metric/result_type.sql TYPE=basket_switching_result SSPACE=32768 DIFFER="period, zone or as_of"
COMMENT ON TYPE basket_switching_result IS
	'what was spent by period and label, and what of it moved from one period to the next, as basket_switching() counts it; basket_switching_table() and basket_switching_flows() turn it into rows, rollup() adds those of disjoint customers. Grows with periods, labels, and pairs of labels between which somebody switched';

-- STABLE, since periods and the last day may be those of the session's TimeZone.

\expand metric/metric.sql NAME=basket_switching C=basket_switching RESULT=basket_switching_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="period calendar_period DEFAULT 'month', as_of date DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=10 SSPACE=131072 \
	COMMENT="What the customers of a base spent by label in each period up to the end of the local day as_of (NULL: that of the last event collected), and what of it moved from one period to the next. Spend of a customer in a period is the sum of his values there, if he bought something there (an event that isn''t negative); what he gives back in a period without a purchase stands apart, as returned. Who bought nothing in the period before is new with all that he spends, and who buys nothing in this one is lost with all that he spent. For all others, the smaller of what their labels gained and what they lost was switched: the loss of each label in proportion to the gains, in whole units of the values'' decimals (two at least), by largest remainder, of equal ones to the first label by bytes; losses are taken in that order, each by what the gains have left. Gains beyond are increased, losses beyond decreased. Events without label are a label of their own. NULL for a NULL base. A NULL period is error 22004, an infinite as_of 22008, and so is an event before the first of a list of periods; what a customer spends in a period that 18 digits can''t hold is 22003, more than 1000 labels 54000." \
	AGGREGATE_COMMENT="basket_switching() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; period and as_of must be the same for all rows (22023); others as in the function over a base."

CREATE FUNCTION basket_switching_table(result basket_switching_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean, label text, customers bigint, spend_before numeric, kept numeric,
		new numeric, increased numeric, switched_in numeric, lost numeric, decreased numeric, switched_out numeric,
		spend numeric, change numeric, returned numeric, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_basket_switching_table' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 100;
COMMENT ON FUNCTION basket_switching_table(basket_switching_result) IS
	'A row for each period and label that had anything then or the period before, in order; a NULL label is what had none. customers: who bought it. spend = spend_before + change, and change = new + increased + switched_in - lost - decreased - switched_out, exactly; kept = spend_before - lost - decreased - switched_out. Over all labels of a period, switched_in is switched_out. A period that isn''t complete still runs: who hasn''t bought in it so far counts as lost. returned: what was given back by those who bought nothing in that period, in no other column. No rows for NULL.';

CREATE FUNCTION basket_switching_flows(result basket_switching_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean, flow text, from_label text, to_label text, amount numeric, customers bigint, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_basket_switching_flows' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 200;
COMMENT ON FUNCTION basket_switching_flows(basket_switching_result) IS
	'A row for each amount that moved from the period before to this one: flow is switched (from a label to another), new or increased (to a label), lost or decreased (from a label). A label is NULL where there is none on that side, and where events have none. customers: who switched; NULL of other flows. In order of periods. No rows for NULL.';

CREATE FUNCTION basket_switching_links(result basket_switching_result)
	RETURNS TABLE (period_start date, period_end date, complete boolean, step int, source text, target text, value numeric, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 1000 ROWS 200
BEGIN ATOMIC
	SELECT l.period_start, l.period_end, l.complete, 1,
		CASE WHEN l.flow IN ('new', 'increased') THEN link_name(l.flow, 1, false) ELSE link_name(coalesce(l.from_label, 'no label'), 1, l.from_label IS NOT NULL) END,
		CASE WHEN l.flow IN ('lost', 'decreased') THEN link_name(l.flow, 2, false) ELSE link_name(coalesce(l.to_label, 'no label'), 2, l.to_label IS NOT NULL) END,
		l.amount, l.from_label, l.to_label
	FROM (SELECT f.period_start, f.period_end, f.complete, f.flow, f.from_label, f.to_label, f.amount FROM basket_switching_flows(basket_switching_links.result) f
		UNION ALL SELECT t.period_start, t.period_end, t.complete, 'kept' AS flow, t.label AS from_label, t.label AS to_label, t.kept AS amount FROM basket_switching_table(basket_switching_links.result) t WHERE t.kept <> 0) l
	ORDER BY l.period_start, l.from_label NULLS FIRST, l.to_label NULLS FIRST, l.flow;
END;
COMMENT ON FUNCTION basket_switching_links(basket_switching_result) IS
	'What moved between labels from the period before to this one, and what stayed, as charts of flows take it: a link from a label of the period before, ''Tea (1)'', to one of this period, ''Coffee (2)''; from ''(new 1)'' and ''(increased 1)'', to ''(lost 2)'' and ''(decreased 2)''. Events without label are ''(no label 1)''; source_name and target_name are NULL for all that is in parentheses. value: the amount. What leaves a label is all that was spent there in the period before, what comes to it all that is spent now. By returns, an amount may be below zero, which no chart can draw. No rows for NULL.';
