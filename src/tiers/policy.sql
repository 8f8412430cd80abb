-- The rules of tiers: type, constructor, casts.

\expand policy/policy_type.sql TYPE=tier_policy
COMMENT ON TYPE tier_policy IS
	'rules of a programme''s tiers: what reaches and keeps each, over which window, how long a tier is valid, and what comes after. Written as a JSON object: levels, base, metrics, qualifying_window, threshold, upgrade, valid, downgrade, grace, join_kind, grant_kind, other_kinds, zone, versions; all but levels may be left out. Short form: {"Silver": 500, "Gold": 2000}, tiers and their thresholds. make_tier_policy() builds one; a jsonb coerces by itself';

CREATE FUNCTION make_tier_policy(levels jsonb, base text DEFAULT NULL, metrics jsonb DEFAULT NULL,
		qualifying_window text DEFAULT NULL, threshold text DEFAULT NULL, upgrade text DEFAULT NULL,
		valid text DEFAULT NULL, downgrade text DEFAULT NULL, grace interval DEFAULT NULL,
		join_kind text DEFAULT NULL, grant_kind text DEFAULT NULL, other_kinds text DEFAULT NULL, zone text DEFAULT NULL,
		versions jsonb DEFAULT NULL)
	RETURNS tier_policy
	AS 'MODULE_PATHNAME', 'loyalty_make_tier_policy' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_tier_policy(jsonb, text, jsonb, text, text, text, text, text, interval, text, text, text, text, jsonb) IS
	'rules of a programme''s tiers; NULL is the default of each, but levels must be given.
levels: tiers and their thresholds, as {"Silver": 500, "Gold": 2000}, ordered by threshold; or an array in the order of the ladder, as [{"tier": "Gold", "at": 2000, "keep": 1500}] or, with several metrics, [{"tier": "Gold", "any": {"nights": 25, "points": 15000}, "keep": {"all": {"nights": 20, "points": 9000}}}]; any of several sets is "any": [{"all": {"nights": 30, "spend": 3000}}, {"all": {"nights": 50}}]. keep is by default what reaching needs; null: nobody reaches the tier.
base: name of the tier that everyone has; default Member.
metrics: by name, as {"nights": {"of": "sum", "kinds": ["stay"]}}: of is sum (default; of values, net of negative ones, or "values": "positive"), events or days; over events of the given kinds and labels. Without kinds: events without a kind, purchases and returns. "qualifying_window": its own, as lifetime miles beside the nights of this year. "rollover": true, or at most so much: what is above the threshold of the tier that a calendar period attains counts in the next one, too. Default: the sum of values.
qualifying_window: an interval (default 12 months), calendar and a calendar_period ("calendar year:04-01"), membership year, since tier, lifetime.
threshold: reached (default) or exceeded. upgrade: at_once (default) or period_end.
valid: an interval, period_end, next_period_end (also more, as next_period_end + 3 months), while_qualified or forever; default: the window''s length.
downgrade: to_metric (default), one_level, to_base; grace: interval before it takes effect, default none; what would be there without it is there after it.
join_kind, grant_kind: kinds of the events that tell when somebody joined, and which tier he was given; default join, tier_grant.
other_kinds: what an event of a kind that nothing names is where a metric has no kinds: error (default) or ignore.
zone: of local days; default the session''s.
versions: changes from a day on, as [{"from": "2024-07-01", "levels": {"Silver": 600, "Gold": 2000}}]: of levels, threshold, valid, downgrade, grace; a decision follows the version of its own day.
Error 22004 for NULL levels, 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';
