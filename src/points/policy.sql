-- The rules of points: type, constructor, casts.

\expand policy/policy_type.sql TYPE=points_policy
COMMENT ON TYPE points_policy IS
	'rules of a points programme: which kinds earn and redeem, when points expire, wait and are spent, from which day on. Written as a JSON object, all of whose keys may be left out: zone, kinds, expires_after, expires_from, expires_align, expires_on, expires_shares, expires_every, inactive_after, refreshed_by, expiry_boundary, grace_after_expiry, by_label, pending, pending_until, redeem_order, returns_below_zero, returns_beyond, refunds_beyond, overdraft, versions. ''{}'' is the default: points never expire. make_points_policy() builds one; a jsonb coerces by itself';

CREATE FUNCTION make_points_policy(kinds jsonb DEFAULT NULL, expires_after interval DEFAULT NULL,
		expires_from text DEFAULT NULL, expires_align text DEFAULT NULL, expires_on text DEFAULT NULL,
		inactive_after interval DEFAULT NULL, refreshed_by text[] DEFAULT NULL,
		expiry_boundary text DEFAULT NULL, by_label jsonb DEFAULT NULL, pending interval DEFAULT NULL,
		redeem_order text DEFAULT NULL, returns_below_zero boolean DEFAULT NULL,
		overdraft text DEFAULT NULL, refunds_beyond text DEFAULT NULL, returns_beyond text DEFAULT NULL, zone text DEFAULT NULL, versions jsonb DEFAULT NULL,
		expires_shares int DEFAULT NULL, expires_every interval DEFAULT NULL, grace_after_expiry interval DEFAULT NULL,
		pending_until text DEFAULT NULL)
	RETURNS points_policy
	AS 'MODULE_PATHNAME', 'loyalty_make_points_policy' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_points_policy(jsonb, interval, text, text, text, interval, text[], text, jsonb, interval, text, boolean, text, text, text, text, jsonb, int, interval, interval, text) IS
	'rules of a points programme; NULL is the default of each.
kinds: role of each kind of the ledger, as {"EARN": "earn"}: earn, activate, redeem, return, redeem_refund, reinstate, expire, adjust, transfer, forfeit, block, unblock, carry_over (what points_carry_over() gives), ignore; default: positive values earn, negative ones redeem.
expires_after: interval after which points expire; default: never. expires_from: counted from earning (default) or activation. expires_align: to the end of the local day (default), month, quarter, half_year, year, or none.
expires_on: MM-DD, the day of each year at whose start points expire; instead of expires_after.
expires_shares: so many shares of the points, up to 120, expire one after another, the first after expires_after, each of the others expires_every later, which is to be given with it; default 1: all at once.
inactive_after: interval, a day or more, without activity after which all points expire; refreshed_by: earn, redeem, default both.
expiry_boundary: whether points are gone (default) or still valid at the instant of their expiry.
grace_after_expiry: interval after their expiry within which a kind of the role reinstate brings points back; needed by such a kind.
by_label: expiry of points with a label, as {"promo": {"expires_after": "90 days"}}, {"gift": {"expires": "never"}}.
pending: interval until points can be spent, which an event of a kind that activates cuts short; default 0. pending_until: activated, where only such an event does it, instead of pending.
redeem_order: soonest_expiry (default), oldest, newest. overdraft: whether redeeming, adjusting out or transferring out more than there is makes a debt (allow, default), is cut (clip), or is an error (refuse). returns_below_zero: whether a return of points that are gone makes a debt; default true.
refunds_beyond: what a refund of more than was redeemed does: drop (default: nothing), new_lot (as if earned then). returns_beyond: what a return of more than was earned does: drop (default: nothing), take (other points, as far as there are any).
zone: of local days; default the session''s.
versions: changes from a day on, as [{"from": "2024-07-01", "expires_after": "24 months"}]: of expires, expires_after, expires_from, expires_align, expires_on, expires_shares, expires_every, by_label, pending, pending_until; points follow the version of the day on which they were earned.
Never NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';

-- ---- how redemptions to come are estimated ----

\expand policy/policy_type.sql TYPE=redemption_method
COMMENT ON TYPE redemption_method IS
	'how points_redemption_rate(), points_liability() and points_liability_by_period() estimate what will be redeemed. Written as a JSON object, all of whose keys may be left out: by, prior_rate, prior_error, tail, tail_factor, tail_error, last_age, errors, replicates, seed. ''{}'' is the default: the chain ladder up to the oldest age, with Mack''s errors. make_redemption_method() builds one; a jsonb coerces by itself';

CREATE FUNCTION make_redemption_method("by" text DEFAULT NULL, prior_rate numeric DEFAULT NULL, prior_error numeric DEFAULT NULL,
		tail text DEFAULT NULL, tail_factor numeric DEFAULT NULL, tail_error numeric DEFAULT NULL, last_age int DEFAULT NULL,
		errors text DEFAULT NULL, replicates int DEFAULT NULL, seed int DEFAULT NULL)
	RETURNS redemption_method
	AS 'MODULE_PATHNAME', 'loyalty_make_redemption_method' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_redemption_method(text, numeric, numeric, text, numeric, numeric, int, text, int, int) IS
	'how redemptions to come are estimated; NULL is the default of each.
by: chain_ladder (default): what was redeemed grows as it did with older points; bornhuetter_ferguson: of points issued a prior_rate is redeemed in the end, spread over ages as with older points; cape_cod: the same with the rate that all periods together show.
prior_rate: 0 to 1; by cape_cod it holds as long as nothing was redeemed. prior_error: its standard error; default 0.
tail: what comes behind the oldest age: none (default), or a curve fitted to the factors before, exponential or inverse_power; or tail_factor, 1 to 100, with its standard error tail_error (default 0). last_age: the age, in periods of the triangle, by which points are gone, where the tail ends: 24 for months and points that live 24 months; default: 100 ages behind the oldest.
errors: analytic (default): Mack''s, with those of the prior rate; bootstrap: of the overdispersed Poisson model by England and Verrall, by so many replicates (100 to 100000, default 1000) from a seed (default 1): the same seed gives the same answer.
Never NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';
