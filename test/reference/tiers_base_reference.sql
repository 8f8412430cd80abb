--
-- Tiers of a whole base, slow and obvious: SQL over every customer's walk; \ir
-- tiers_reference.sql before it.
--
-- customers: a jsonb array with an array of events for each
-- policy: as for ref_tier_walk
--

-- The local day of the last event.
CREATE FUNCTION ref_tier_last_day(customers jsonb, policy jsonb) RETURNS date
LANGUAGE sql STABLE AS $$
	SELECT (max((e->>'at')::timestamptz) AT TIME ZONE ref_zone(policy))::date FROM jsonb_array_elements(customers) c, jsonb_array_elements(c) e
$$;

-- Each customer at the end of a day; walk is NULL where not yet a member.
CREATE FUNCTION ref_tier_customers(customers jsonb, policy jsonb, as_of date) RETURNS TABLE(customer int, walk jsonb)
LANGUAGE sql AS $$
	SELECT n::int, ref_tier_walk(c, policy, ref_tier_day_end(policy, as_of), ref_tier_day_end(policy, as_of))
	FROM jsonb_array_elements(customers) WITH ORDINALITY u(c, n)
$$;

-- Base and levels.
CREATE FUNCTION ref_tiers(policy jsonb) RETURNS TABLE(rank int, tier text)
LANGUAGE sql STABLE AS $$
	SELECT n, ref_tier_name(policy, n) FROM generate_series(0, jsonb_array_length(ref_tier_rules(ref_tier_policy(policy), '-infinity')->'levels')) n
$$;

-- ---- census ----

CREATE FUNCTION ref_tier_census(customers jsonb, policy jsonb, as_of date)
RETURNS TABLE(tier text, rank int, members bigint, share float8, value numeric, as_of_day date)
LANGUAGE sql AS $$
	WITH member AS MATERIALIZED (
		SELECT (walk->'rank')::int AS rank, (walk->'values'->0)::numeric AS value FROM ref_tier_customers(customers, policy, as_of) WHERE walk IS NOT NULL)
	SELECT t.tier, t.rank, count(m.rank), count(m.rank)::float8 / nullif((SELECT count(*) FROM member), 0), coalesce(sum(m.value), 0), as_of
	FROM ref_tiers(policy) t LEFT JOIN member m USING (rank)
	GROUP BY t.tier, t.rank ORDER BY t.rank
$$;

-- ---- migration ----

-- From the end of a day to the end of a later one. Who is not yet a member on either is nowhere.
CREATE FUNCTION ref_tier_migration(customers jsonb, policy jsonb, from_day date, to_day date)
RETURNS TABLE(from_tier text, from_rank int, to_tier text, to_rank int, members bigint, share float8)
LANGUAGE sql AS $$
	WITH cell AS (
		SELECT coalesce((a.walk->'rank')::int, -1) AS from_rank, coalesce((b.walk->'rank')::int, -1) AS to_rank, count(*) AS members
		FROM ref_tier_customers(customers, policy, from_day) a JOIN ref_tier_customers(customers, policy, to_day) b USING (customer)
		WHERE b.walk IS NOT NULL
		GROUP BY 1, 2)
	SELECT CASE WHEN c.from_rank < 0 THEN 'not yet a member' ELSE ref_tier_name(policy, c.from_rank) END, c.from_rank, ref_tier_name(policy, c.to_rank), c.to_rank,
		c.members, c.members::float8 / (sum(c.members) OVER (PARTITION BY c.from_rank))::float8
	FROM cell c ORDER BY 2, 4
$$;

-- ---- changes of rank ----

-- Every change of a customer's effective rank up to the end of a day; from_rank is NULL where membership begins.
CREATE FUNCTION ref_tier_changes(customers jsonb, policy jsonb, as_of date) RETURNS TABLE(customer int, n int, at timestamptz, from_rank int, to_rank int)
LANGUAGE sql AS $$
	SELECT customer, row_number() OVER (PARTITION BY customer ORDER BY n)::int, at, from_rank, to_rank
	FROM (
		SELECT customer, n, (h->>'valid_from')::timestamptz AS at, lag((h->'rank')::int) OVER (PARTITION BY customer ORDER BY n) AS from_rank, (h->'rank')::int AS to_rank
		FROM ref_tier_customers(customers, policy, as_of), jsonb_array_elements(walk->'history') WITH ORDINALITY h(h, n)) r
	WHERE from_rank IS DISTINCT FROM to_rank
$$;

-- ---- flow ----

-- A change counts in the period of its instant. No rows where nobody's membership begins.
CREATE FUNCTION ref_tier_flow(customers jsonb, policy jsonb, period text, as_of date)
RETURNS TABLE(period_start date, period_end date, complete boolean, tier text, rank int, members_at_start bigint, joined bigint,
			  upgraded_in bigint, upgraded_out bigint, downgraded_in bigint, downgraded_out bigint, members_at_end bigint, as_of_day date)
LANGUAGE sql AS $$
	WITH change AS MATERIALIZED (
		SELECT customer, n, (at AT TIME ZONE ref_zone(policy))::date AS day, from_rank, to_rank FROM ref_tier_changes(customers, policy, as_of)),
	part AS (
		SELECT DISTINCT c.period_start, c.period_end FROM ref_calendar(period, (SELECT min(day) FROM change), as_of) c)
	SELECT p.period_start, p.period_end, p.period_end <= as_of + 1, t.tier, t.rank,
		CASE t.rank WHEN 0 THEN idle ELSE 0 END + count(*) FILTER (WHERE c.day < p.period_start AND c.to_rank = t.rank) - count(*) FILTER (WHERE c.day < p.period_start AND c.from_rank = t.rank),
		count(*) FILTER (WHERE c.day >= p.period_start AND c.from_rank IS NULL AND c.to_rank = t.rank),
		count(*) FILTER (WHERE c.day >= p.period_start AND c.to_rank > c.from_rank AND c.to_rank = t.rank),
		count(*) FILTER (WHERE c.day >= p.period_start AND c.to_rank > c.from_rank AND c.from_rank = t.rank),
		count(*) FILTER (WHERE c.day >= p.period_start AND c.to_rank < c.from_rank AND c.to_rank = t.rank),
		count(*) FILTER (WHERE c.day >= p.period_start AND c.to_rank < c.from_rank AND c.from_rank = t.rank),
		CASE t.rank WHEN 0 THEN idle ELSE 0 END + count(*) FILTER (WHERE c.to_rank = t.rank) - count(*) FILTER (WHERE c.from_rank = t.rank),
		as_of
	-- members without events are in the base always
	FROM (SELECT count(*) AS idle FROM jsonb_array_elements(customers) e WHERE e = '[]') i, part p CROSS JOIN ref_tiers(policy) t
		LEFT JOIN change c ON c.day < p.period_end
	GROUP BY p.period_start, p.period_end, t.tier, t.rank, idle
	ORDER BY p.period_start, t.rank
$$;

-- ---- tenure ----

-- Kaplan-Meier: the first day on which S is at most a half, and the area under S up to the longest duration.
CREATE FUNCTION ref_kaplan_meier(days int[], ended boolean[], OUT median int, OUT mean float8)
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	r record;
	surviving numeric := 1; -- of this many
	of numeric := 1;
	before int := 0;
BEGIN
	FOR r IN SELECT d, count(*) FILTER (WHERE e) AS events, (SELECT count(*) FROM unnest(days) o WHERE o >= d) AS at_risk FROM unnest(days, ended) u(d, e) GROUP BY d ORDER BY d LOOP
		mean := coalesce(mean, 0) + (surviving / of)::float8 * (r.d - before);
		before := r.d;
		surviving := surviving * (r.at_risk - r.events);
		of := of * r.at_risk;
		IF median IS NULL AND surviving * 2 <= of THEN
			median := r.d;
		END IF;
	END LOOP;
END $$;

-- A spell lasts from entering a rank to leaving it, or to the day after as_of, where it is censored.
CREATE FUNCTION ref_tier_spells(customers jsonb, policy jsonb, as_of date) RETURNS TABLE(rank int, days int, ended boolean)
LANGUAGE sql AS $$
	SELECT to_rank, coalesce(lead(day) OVER one, as_of + 1) - day, lead(day) OVER one IS NOT NULL
	FROM (SELECT c.*, (at AT TIME ZONE ref_zone(policy))::date AS day FROM ref_tier_changes(customers, policy, as_of) c) c
	WINDOW one AS (PARTITION BY customer ORDER BY n)
$$;

CREATE FUNCTION ref_tier_tenure(customers jsonb, policy jsonb, as_of date)
RETURNS TABLE(tier text, rank int, spells bigint, ended bigint, median_days int, mean_days float8, as_of_day date)
LANGUAGE sql AS $$
	SELECT t.tier, t.rank, count(s.rank), count(*) FILTER (WHERE s.ended), (k).median, (k).mean, as_of
	FROM ref_tiers(policy) t LEFT JOIN ref_tier_spells(customers, policy, as_of) s USING (rank),
		LATERAL (SELECT ref_kaplan_meier(array_agg(o.days), array_agg(o.ended)) FROM ref_tier_spells(customers, policy, as_of) o WHERE o.rank = t.rank) l(k)
	GROUP BY t.tier, t.rank, k ORDER BY t.rank
$$;

-- ---- near ----

-- What is missing of a condition: each set lacks the most of its numbers, the condition what the set does that lacks least.
CREATE FUNCTION ref_tier_all_missing(lacks ref_tier_lack[]) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT min(most) FROM (SELECT max(missing) FROM unnest(lacks) GROUP BY way) w(most) $$;

CREATE FUNCTION ref_tier_near(customers jsonb, policy jsonb, as_of date, within numeric)
RETURNS TABLE(tier text, rank int, members bigint, near_next bigint, near_keep bigint, as_of_day date)
LANGUAGE sql AS $$
	WITH member AS MATERIALIZED (
		SELECT (walk->'rank')::int AS rank,
			ref_tier_all_missing(ref_tier_lacks(next, metrics, (SELECT array_agg(coalesce(ref_tier_policy(policy)->'metrics'->m->>'of', 'sum') ORDER BY n) FROM unnest(metrics) WITH ORDINALITY u(m, n)),
				(SELECT array_agg(v::numeric ORDER BY n) FROM jsonb_array_elements_text(walk->'values') WITH ORDINALITY u(v, n)), customers->(customer - 1), rules->>'threshold')) AS next,
			ref_tier_all_missing(ref_tier_missing_to_keep(customers->(customer - 1), policy, ref_tier_day_end(policy, as_of), walk)) AS keep
		FROM ref_tier_customers(customers, policy, as_of), (SELECT ref_tier_rules(ref_tier_policy(policy), as_of), ref_tier_metrics(ref_tier_policy(policy))) r(rules, metrics),
			LATERAL (SELECT rules->'levels'->(ref_tier_next_rank(rules, (walk->'rank')::int) - 1)->'reach') x(next)
		WHERE walk IS NOT NULL)
	SELECT t.tier, t.rank, count(m.rank), count(*) FILTER (WHERE m.next > 0 AND m.next < within), count(*) FILTER (WHERE m.keep > 0 AND m.keep < within), as_of
	FROM ref_tiers(policy) t LEFT JOIN member m USING (rank)
	GROUP BY t.tier, t.rank ORDER BY t.rank
$$;
