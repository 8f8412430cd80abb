-- ---- tiers of one customer ----

-- STABLE, since a policy without a zone takes its days from the session's TimeZone, and as_of is current_date by default.
-- COST: a walk over some 20 events.

CREATE FUNCTION tier_for(value numeric, policy tier_policy) RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_tier_for' LANGUAGE C STABLE PARALLEL SAFE COST 5;
CREATE FUNCTION tier(timeline event_timeline, policy tier_policy, as_of date DEFAULT current_date) RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_tier' LANGUAGE C STABLE PARALLEL SAFE COST 20;
CREATE FUNCTION tier_rank(timeline event_timeline, policy tier_policy, as_of date DEFAULT current_date) RETURNS int
	AS 'MODULE_PATHNAME', 'loyalty_tier_rank' LANGUAGE C STABLE PARALLEL SAFE COST 20;
CREATE FUNCTION tier_at(timeline event_timeline, policy tier_policy, at timestamptz DEFAULT now()) RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_tier_at' LANGUAGE C STABLE PARALLEL SAFE COST 20;
CREATE FUNCTION tier_history(timeline event_timeline, policy tier_policy, as_of date DEFAULT current_date, requalifications boolean DEFAULT false)
	RETURNS TABLE (tier text, rank int, from_tier text, valid_from timestamptz, valid_to timestamptz, promised_until timestamptz, reason text, metric text, value numeric, ref text)
	AS 'MODULE_PATHNAME', 'loyalty_tier_history' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 10;
CREATE FUNCTION tier_progress(timeline event_timeline, policy tier_policy, as_of date DEFAULT current_date)
	RETURNS TABLE (tier text, rank int, next_tier text, metric text, value numeric, missing_to_next numeric, valid_until timestamptz, missing_to_keep numeric, missing_as_of numeric, projected_tier text)
	AS 'MODULE_PATHNAME', 'loyalty_tier_progress' LANGUAGE C STABLE PARALLEL SAFE COST 50 ROWS 1;
CREATE FUNCTION tier_ways(timeline event_timeline, policy tier_policy, as_of date DEFAULT current_date)
	RETURNS TABLE (tier text, rank int, way int, metric text, value numeric, threshold numeric, missing numeric)
	AS 'MODULE_PATHNAME', 'loyalty_tier_ways' LANGUAGE C STABLE PARALLEL SAFE COST 50 ROWS 5;
CREATE FUNCTION tier_rollover(timeline event_timeline, policy tier_policy, as_of date DEFAULT current_date)
	RETURNS TABLE (period_start date, period_end date, complete boolean, metric text, rolled_in numeric, earned numeric, value numeric, tier text, threshold numeric, rolls_over numeric)
	AS 'MODULE_PATHNAME', 'loyalty_tier_rollover' LANGUAGE C STABLE PARALLEL SAFE COST 50 ROWS 5;

COMMENT ON FUNCTION tier_for(numeric, tier_policy) IS
	'The tier that a number reaches by today''s thresholds of the policy, whatever its window and validity: the ladder alone. NULL for a NULL value. A NULL policy is error 22004; a policy with several metrics 22023; NaN 22003.';
COMMENT ON FUNCTION tier(event_timeline, tier_policy, date) IS
	'The tier at the end of the local day as_of. NULL for a NULL timeline, and before membership began; the base tier for an empty timeline. A NULL policy or as_of is error 22004; a grant of a tier that the policy does not have 22023, and so is an event of a kind that it does not know, where a metric counts any.';
COMMENT ON FUNCTION tier_rank(event_timeline, tier_policy, date) IS
	'The rank of the tier at the end of the local day as_of: 0 is the base tier, 1 the first level. Otherwise as tier().';
COMMENT ON FUNCTION tier_at(event_timeline, tier_policy, timestamptz) IS
	'The tier at an instant, with everything that happens at it. Otherwise as tier().';
COMMENT ON FUNCTION tier_history(event_timeline, tier_policy, date, boolean) IS
	'The tiers up to the end of the day as_of, in order: a row for each time that one was held, from valid_from up to, but not including, valid_to (NULL: it still is), so that an instant is in just one. A tier that was held for no time (with others at the same instant) has valid_to = valid_from. promised_until: until when it was promised at its end (NULL: open). With requalifications there is a row, too, where a tier stays and is promised for longer; promised_until is then what was promised at the row. reason: joined, qualified, requalified, lapsed, soft landing, grace ended, granted, grant ended. metric, value: what decided, as judged (of the period that has ended, where that was judged); for joined and grants the first metric. ref: of the event that made the change; NULL where time did. No rows for a NULL or empty timeline; a NULL requalifications is error 22004, others as in tier().';
COMMENT ON FUNCTION tier_progress(event_timeline, tier_policy, date) IS
	'How far a member is at the end of the day as_of: a row per metric of the policy. value: the metric in its window. missing_to_next: to what reaching next_tier asks. valid_until: of the tier (NULL: open). missing_to_keep: what must still be earned by the end of valid_until, in one event in the last moment before, to keep the tier; in grace, by its end. It counts what will have left the window by then; 0 where nothing must be; NULL in the base tier, where the end is open, or no amount would do. missing_as_of: what keeping asks beyond the value of the day (or reaching it, where it was granted). A threshold that must be exceeded is missed by 0.01 more, or the last decimal that values and threshold have, where they have more than two. NULL where the metric is not asked for. Of several metrics any or all may be needed, as the policy says; of all, each beside the others. Of several sets a metric has the number of the set that lacks least: tier_ways() has all of them. projected_tier: the tier once its validity, and grace after it, has ended, if nothing more happens. No rows for a NULL timeline, and before membership; errors as in tier().';
COMMENT ON FUNCTION tier_ways(event_timeline, tier_policy, date) IS
	'The ways to each tier above the one that is held at the end of the day as_of, in the order of ranks: a way is a set of thresholds that must all hold, and any way does. Where any of several metrics reaches a tier each is a way of its own, where all must they are one. A row per way (numbered from 1) and metric: its value in its window, the threshold, and what is missing to it, 0 where it is there; a threshold that must be exceeded is missed by a unit more, as in tier_progress(). Tiers that nobody reaches have no rows. No rows for a NULL timeline, before membership, and at the top; errors as in tier().';
COMMENT ON FUNCTION tier_rollover(event_timeline, tier_policy, date) IS
	'What rolls over from one calendar period into the next, up to the end of the day as_of: a row for each period and metric with a rollover in the policy, where something rolled in or the metric is not 0, and for the period of as_of. period_end is the day after its last; complete: it has ended by the end of as_of. value is rolled_in + earned. tier: the highest whose condition for reaching holds by what the metrics are at the end of the period, whatever tier is held; threshold: the largest that it asks of the metric (NULL: none). rolls_over: the least of value - threshold, earned and the cap, rounded down to the decimals of the values, or 0. Of a period that runs it is what would roll over if it ended now. No rows for a NULL timeline, before membership, and for a customer without events; errors as in tier().';
