-- Flows: what customers do after an event, or did before it, event by event.

\expand metric/result_type.sql TYPE=event_flow_result SSPACE=16384 DIFFER="what was asked, zone or as_of"
COMMENT ON TYPE event_flow_result IS
	'from which event to which customers went, step by step, as event_flow() counts it: events by how long they took, and customers; of those who go several ways in one step, which ways. It grows with links and their times. event_flow_table() and event_flow_links() turn it into rows, rollup() adds those of disjoint customers';

-- STABLE, since as_of, and a window in days or months, are counted in the session's TimeZone.

\expand metric/metric.sql NAME=event_flow C=event_flow RESULT=event_flow_result \
	BASE=timeline_base SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="by text DEFAULT 'kind', from_step text DEFAULT NULL, until_step text DEFAULT NULL, steps int DEFAULT 3, within interval DEFAULT NULL, occurrence text DEFAULT 'first', collapse boolean DEFAULT false, as_of date DEFAULT NULL, zone text DEFAULT NULL" \
	COST=100000 COST_OF_A_ROW=20 SSPACE=20480 \
	COMMENT="What the customers of a base do after from_step, or did before until_step, event by event: so many steps from it. by: events are named by their ''kind'', or their ''label''; what has none is left out. Events are in the order of their instants, at one instant of kind, then label, by bytes. Without from_step and until_step, flows begin at any event. occurrence: each customer''s flow is that from the ''first'' such event, or the ''last''; ''each'' is one from each of them, which may overlap. within: events count that are no later than the instant of from_step plus that (backward: whose instant plus that is no earlier than until_step''s). collapse: events of one name that follow each other are one, at the first one''s instant. Where there is no further event within, a flow stops, or backward starts: what comes into a node of a step leaves it in the next. Times between events are kept in seconds below 10 minutes, in minutes below 10 hours, in hours below 25 days, then in days, rounded down. Events after the local day as_of don''t count; NULL: that of the last event. A NOTICE tells of a step that no event of the base is. NULL for a NULL base. NULL for by, steps, occurrence or collapse is error 22004; both from_step and until_step, an unknown choice, a window that isn''t above zero and steps below 1 are 22023, an infinite as_of 22008, more than 100 steps, names of more than 10,000 bytes and more than 1,000,000 links 54000." \
	AGGREGATE_COMMENT="event_flow() over timelines, one for each customer. NULL timelines are left out. Leave out rows without customer before grouping, or all guests count as one. NULL without rows. A NULL as_of is error 22004; all arguments must be the same for all rows (22023); others as in the function over a base."

\expand metric/aggregate.sql NAME=event_flow C=event_flow RESULT=event_flow_result \
	SUMMARY="timeline event_timeline" VOLATILITY=STABLE \
	ARGUMENTS="by text, from_step text, until_step text, steps int, within interval, occurrence text, collapse boolean, as_of date" \
	COST_OF_A_ROW=20 SSPACE=20480 \
	AGGREGATE_COMMENT="the same in the session''s TimeZone"

CREATE FUNCTION event_flow_table(result event_flow_result, top int DEFAULT NULL)
	RETURNS TABLE (step int, source text, target text, customers bigint, events bigint, share float8, median_time interval,
		source_name text, target_name text, is_end boolean, as_of date)
	AS 'MODULE_PATHNAME', 'loyalty_event_flow_table' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000 ROWS 50;
COMMENT ON FUNCTION event_flow_table(event_flow_result, int) IS
	'A row for each link of flows, step by step from from_step on, or from until_step back, in the order of events at its nodes. source and target are the earlier and the later event, by names that are unique in a chart: ''order (2)'' is an order at level 2, where level 1 is from_step or until_step; ''(stop 3)'': no further event, backward ''(start 3)'': none before; is_end tells. With top, the nodes with most events at each level are shown, of equal ones the first by bytes, and all others together as ''(other 2)''. source_name and target_name: the names alone; NULL of those in parentheses. events: how often customers went there; customers: how many, each once in a row, whatever it brings together; NULL where several links are together and who goes by which wasn''t kept, since customers go by more than 1000 links in a step, or all by more than can be kept (64 MB; only with occurrence => ''each''). share of all events that leave the node on the side of level 1, the source''s, backward the target''s. median_time: between the two events, as percentile_cont(0.5) of the times that are kept. A top that isn''t between 1 and 36525 is error 22023. No rows for NULL.';

CREATE FUNCTION event_flow_links(result event_flow_result, top int DEFAULT NULL)
	RETURNS TABLE (step int, source text, target text, value bigint, source_name text, target_name text)
	LANGUAGE SQL IMMUTABLE PARALLEL SAFE COST 1000 ROWS 50
BEGIN ATOMIC
	SELECT t.step, t.source, t.target, t.events, t.source_name, t.target_name FROM event_flow_table(event_flow_links.result, event_flow_links.top) t;
END;
COMMENT ON FUNCTION event_flow_links(event_flow_result, int) IS
	'The links of event_flow_table() as charts of flows take them: value is events.';
