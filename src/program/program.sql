-- ---- one customer's whole programme ----

-- STABLE, since a programme without a zone takes its days from the session's TimeZone.
-- COST: a walk over some 20 events.

CREATE FUNCTION program_summary(timeline event_timeline, program program_policy, as_of date DEFAULT current_date,
		OUT spend numeric, OUT orders bigint, OUT points_earned numeric, OUT points_redeemed numeric,
		OUT points_expired numeric, OUT points_pending numeric, OUT balance numeric, OUT tier text,
		OUT rank int, OUT tier_until timestamptz, OUT missing_to_next numeric)
	AS 'MODULE_PATHNAME', 'loyalty_program_summary' LANGUAGE C STABLE PARALLEL SAFE COST 60;
CREATE FUNCTION program_statement(timeline event_timeline, program program_policy, as_of date DEFAULT current_date)
	RETURNS TABLE (at timestamptz, role text, label text, ref text, amount numeric, points numeric, balance numeric, tier text, explanation text)
	AS 'MODULE_PATHNAME', 'loyalty_program_statement' LANGUAGE C STABLE PARALLEL SAFE COST 200 ROWS 20;

COMMENT ON FUNCTION program_summary(event_timeline, program_policy, date) IS
	'Where a customer stands at the end of the local day as_of, from his timeline of amounts: spend (what counts: net of returns and of what was paid with points), orders begun, points_earned (bonuses too, less what returns took back), which is points_redeemed + points_expired + points_pending + balance, the tier, its rank, until when it is promised (NULL: open), and how much is missing to the next one (NULL: none). Without tiers the rank is 0; who isn''t a member yet has neither tier nor rank. NULL for a NULL timeline. A NULL program or as_of is error 22004, an infinite as_of 22008, a grant of a tier that the programme doesn''t have 22023.';
COMMENT ON FUNCTION program_statement(event_timeline, program_policy, date) IS
	'What happened to a customer up to the end of the local day as_of, a row for each entry in its order: role is earn, return, bonus, redeem (those without points too), activate (points become available), expire (by instant and label), tier (a change of it). amount: of earn and return; points: negative where they are taken or expire; balance: what can be spent after it, negative where overdrawn; tier: held after it, NULL before membership. explanation: as in points_accrual_events(); of a tier, from which to which and why. No rows for a NULL timeline; errors as in program_summary().';
