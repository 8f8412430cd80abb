-- The rules of a whole programme: type, constructor, casts.

\expand policy/policy_type.sql TYPE=program_policy
COMMENT ON TYPE program_policy IS
	'rules of a whole programme: what earns, how points live, which tiers there are, and what they have to do with each other, from which day on. Written as a JSON object, all of whose keys may be left out: earn (an earn_policy), points (a points_policy without kinds), tiers (a tier_policy), tier_metric, pending_counts, no_expiry_tiers, zone, versions. ''{}'' is the default: 1 point per 1.00, which never expires, without tiers. make_program_policy() builds one; a jsonb coerces by itself';

CREATE FUNCTION make_program_policy(earn earn_policy DEFAULT NULL, points points_policy DEFAULT NULL,
		tiers tier_policy DEFAULT NULL, tier_metric text DEFAULT NULL,
		pending_counts boolean DEFAULT NULL, no_expiry_tiers text[] DEFAULT NULL,
		zone text DEFAULT NULL, versions jsonb DEFAULT NULL)
	RETURNS program_policy
	AS 'MODULE_PATHNAME', 'loyalty_make_program_policy' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION make_program_policy(earn_policy, points_policy, tier_policy, text, boolean, text[], text, jsonb) IS
	'rules of a programme; NULL is the default of each.
earn: what purchases earn; default {}. points: how points expire, wait and are spent, without kinds; default {}. tiers: default none.
tier_metric: what the values are that the tiers'' metrics count: spend (default), points, orders. pending_counts: with points, whether they count when earned (default) or, false, when they become available.
no_expiry_tiers: tiers in which no points expire; default none.
zone: of all days; default that of a part, else the session''s.
versions: changes from a day on, as [{"from": "2024-07-01", "earn": {"rate": 2}, "no_expiry_tiers": ["Gold"]}]: for each of earn, points, tiers what a version of that part may change.
Never NULL. Error 22023 for a rule that makes no sense or contradicts another, 22P02 for JSON of the wrong form';
