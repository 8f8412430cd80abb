-- ---- points of one customer ----

-- STABLE, since a policy without a zone takes its days from the session's TimeZone, and as_of is current_date by default.
-- COST: a walk over some 20 events.

CREATE FUNCTION points_balance(timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_points_balance' LANGUAGE C STABLE PARALLEL SAFE COST 20;
CREATE FUNCTION points_balance_at(timeline event_timeline, policy points_policy DEFAULT '{}', at timestamptz DEFAULT now()) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_points_balance_at' LANGUAGE C STABLE PARALLEL SAFE COST 20;
CREATE FUNCTION points_summary(
	timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date,
	OUT balance numeric, OUT earned numeric, OUT reinstated numeric, OUT adjusted numeric, OUT transferred numeric,
	OUT redeemed numeric, OUT returned numeric, OUT expired numeric, OUT forfeited numeric,
	OUT pending numeric, OUT active numeric, OUT blocked numeric, OUT overdrawn numeric, OUT overdrawn_since timestamptz, OUT unmet numeric,
	OUT next_expiry_at timestamptz, OUT next_expiry_points numeric, OUT last_activity_at timestamptz)
	AS 'MODULE_PATHNAME', 'loyalty_points_summary' LANGUAGE C STABLE PARALLEL SAFE COST 50;
CREATE FUNCTION points_expiring(timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date, until date DEFAULT NULL) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_points_expiring' LANGUAGE C STABLE PARALLEL SAFE COST 50;
CREATE FUNCTION points_expiry_schedule(timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date)
	RETURNS TABLE (expires_at timestamptz, points numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_expiry_schedule' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 10;
CREATE FUNCTION points_lots(timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date)
	RETURNS TABLE (earned_at timestamptz, kind text, label text, ref text, points numeric, remaining numeric, blocked numeric, available_at timestamptz, expires_at timestamptz, state text)
	AS 'MODULE_PATHNAME', 'loyalty_points_lots' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 20;
CREATE FUNCTION points_redemptions(timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date)
	RETURNS TABLE (redeemed_at timestamptz, redeem_ref text, earned_at timestamptz, earn_ref text, label text, points numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_redemptions' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 20;
CREATE FUNCTION points_movements(timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date)
	RETURNS TABLE (at timestamptz, role text, ref text, earned_at timestamptz, earn_ref text, label text, expires_at timestamptz, points numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_movements' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 20;
CREATE FUNCTION points_daily(timeline event_timeline, policy points_policy DEFAULT '{}', since date DEFAULT NULL, until date DEFAULT current_date + 1)
	RETURNS TABLE (day date, earned numeric, reinstated numeric, adjusted numeric, transferred numeric, redeemed numeric,
		returned numeric, expired numeric, forfeited numeric, pending numeric, blocked numeric, balance numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_daily' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 20;
CREATE FUNCTION points_statement(timeline event_timeline, policy points_policy DEFAULT '{}', since date DEFAULT NULL, until date DEFAULT current_date + 1)
	RETURNS TABLE (at timestamptz, role text, label text, ref text, points numeric, balance numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_statement' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 20;
CREATE FUNCTION points_carry_over(timeline event_timeline, policy points_policy, at timestamptz DEFAULT now()) RETURNS event_timeline
	AS 'MODULE_PATHNAME', 'loyalty_points_carry_over' LANGUAGE C STABLE PARALLEL SAFE COST 100;
CREATE FUNCTION points_violations(timeline event_timeline, policy points_policy DEFAULT '{}', as_of date DEFAULT current_date)
	RETURNS TABLE (at timestamptz, ref text, problem text, points numeric)
	AS 'MODULE_PATHNAME', 'loyalty_points_violations' LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 5;

COMMENT ON FUNCTION points_balance(event_timeline, points_policy, date) IS
	'The points that can be spent at the end of the local day as_of: earned, not pending, not expired, less what was taken; negative where more was redeemed than there was. NULL only for a NULL timeline, 0 for an empty one. A NULL policy or as_of is error 22004; a kind that the policy does not know, and what its overdraft refuses, 22023.';
COMMENT ON FUNCTION points_balance_at(event_timeline, points_policy, timestamptz) IS
	'The points that can be spent at an instant, with everything that happens at it. Otherwise as points_balance().';
COMMENT ON FUNCTION points_summary(event_timeline, points_policy, date) IS
	'The points at the end of the local day as_of, and what became of all of them up to then: earned + reinstated + adjusted + transferred = redeemed + returned + expired + forfeited + pending + active + blocked - overdrawn. balance = active - overdrawn, what can be spent; pending points wait, blocked ones are blocked, waiting or not. redeemed: what was honoured, of which overdrawn is still owed; overdrawn_since: since when something has been owed without a break (NULL: nothing is); unmet: what clipping refused; reinstated: what refunds gave back, and what had expired and was brought back; returned: what was effectively taken back; next_expiry_at, next_expiry_points: what expires first if nothing else happens, inactivity included (NULL: nothing will); last_activity_at: the last earning or redemption. A row of NULLs for a NULL timeline; errors as in points_balance().';
COMMENT ON FUNCTION points_expiring(event_timeline, points_policy, date, date) IS
	'The points that expire after the end of the day as_of, up to the end of the day until, if nothing else happens: pending ones and inactivity included, what pays back a debt when it activates left out. A NULL until: all that ever will. 0 where nothing does; NULL only for a NULL timeline. until before as_of is error 22023; others as in points_balance().';
COMMENT ON FUNCTION points_expiry_schedule(event_timeline, points_policy, date) IS
	'What expires when, after the end of the day as_of, if nothing else happens: a row per instant, in order. The rows up to a day add up to points_expiring(). No rows for a NULL timeline; errors as in points_balance().';
COMMENT ON FUNCTION points_lots(event_timeline, points_policy, date) IS
	'What was earned, or came in otherwise, and what is left of it at the end of the day as_of: a row per lot, in the order of earning: for each share, where points expire share by share, and for what was reinstated of a lot that had expired. kind, label and ref are those of its event. remaining: of them, blocked ones among it, of which blocked says how many. available_at is NULL while the lot waits for an event that activates it. expires_at is the lot''s own expiry (NULL: never, or counted from an activation that hasn''t come), which inactivity may forestall. state: pending or active while something is left that isn''t blocked, blocked where all is; else what took the last of it: spent (by a redemption or for a debt), expired, returned, forfeited, adjusted, transferred. No rows for a NULL timeline; errors as in points_balance().';
COMMENT ON FUNCTION points_redemptions(event_timeline, points_policy, date) IS
	'Which earnings each redemption up to the end of the day as_of used, or its debt was paid with: a row per redemption and lot, in order; label is the earning''s. What a redemption took that was not there, and that later points paid, is a row with these; NULLs for the earning are what is still owed. What a refund gave back stands as negative points at the refund''s instant, so that sums are net. What clipping refused is not there. No rows for a NULL timeline; errors as in points_balance().';
COMMENT ON FUNCTION points_movements(event_timeline, points_policy, date) IS
	'Where each point went, up to the end of the day as_of: a row for each lot that something took from, by event, in order. at, role and ref are those of the event (role redeem, return, forfeit, adjust, transfer, expire; an expiry by the rules has no ref); earned_at, earn_ref, label and expires_at (its own expiry, NULL: never) those of the lot, NULLs for what is still owed. What later points paid of a debt stands with the event that made it. What a refund gave back to a lot, and what of it was reinstated, is negative, at the instant of that event. So the rows of a lot add up to its points less what remains. No rows for a NULL timeline; errors as in points_balance().';
COMMENT ON FUNCTION points_daily(event_timeline, points_policy, date, date) IS
	'A row for each of the local days [since, until) on which points moved: what came in (earned, reinstated, adjusted, transferred) and went (redeemed, returned, expired, forfeited) on it, and at its end pending, blocked, and balance, what can be spent. What expires at the start of a day belongs to the day before, as in points_balance(). A NULL since is the beginning. No rows for a NULL timeline; a NULL until is error 22004, since after until 22023; others as in points_balance().';
COMMENT ON FUNCTION points_statement(event_timeline, points_policy, date, date) IS
	'The entries of the local days [since, until), in order, and balance, what can be spent after each. First a row with role opening: the balance at the start of since; a NULL since is the beginning. Then the events with their role and points (negative where they take), and what fell due at its instant: a row per lot with its label and ref, role activate or expire (the ledger''s own expiries too). Points earned pending change the balance when they activate, by their time or by an event, which has no other row. Events that block and unblock have a row, with what they did where they have no value. No rows for a NULL timeline; a NULL until is error 22004, since after until 22023; others as in points_balance().';
COMMENT ON FUNCTION points_carry_over(event_timeline, points_policy, timestamptz) IS
	'What lives of the points at an instant, before the events of that instant, as a timeline: lots with what is left of them and their own expiry, debts, expiries that are not booked yet, the last activity. All of it comes in at that instant: add what happens from then on, timeline_slice(…, since => at), and other accounts carried over at the same instant, which are one account from then on. The policy needs a kind of role carry_over. NULL only for a NULL timeline; a NULL policy or at is error 22004, an infinite at 22008, a policy without such a kind 22023; others as in points_balance().';
COMMENT ON FUNCTION points_violations(event_timeline, points_policy, date) IS
	'Where the ledger breaks the rules, up to the end of the day as_of, in order; points is by how much. problem is one of: redemption beyond the balance; redemption of points still pending (the part of what was missing that pending points, not owed already, would have covered); redemption of blocked points (the same of blocked ones, behind those); refund of more than was redeemed (under its ref); reinstatement of more than can be brought back (0 points where an event without a value finds nothing); return of more than was earned (under its ref, or in all where nothing was earned under it); adjustment of more than there is; transfer of more than there is; activation without an earning (under its ref, or none, since the last one); block of more than there is; unblock of more than is blocked; document earned more than once (the same ref and kind); booked expiry that the rules don''t give (by the end of its local day); computed expiry that was never booked (where the policy has a kind for expiries; the oldest are taken as booked first). A policy that refuses overdrafts clips them here. No rows for a NULL timeline; errors as in points_balance().';
