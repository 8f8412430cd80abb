--
-- The rules of tiers, slow and obvious: every instant at which anything can happen,
-- one after the other, and every metric from scratch at each, in PL/pgSQL. Nothing of
-- the extension is needed. \ir periods.sql and points_reference.sql before it (it needs
-- their calendars and the order of refs).
--
-- events: a jsonb array of {"at", "value", "kind", "label", "ref", "expires_at"}
-- policy: jsonb, as it is written or as tier_policy writes it; taken to be valid
--

-- An event from the start of membership on that is no joining and no grant. period is the first
-- day of its period, leaves when a rolling window loses it, counts what it adds to each metric
-- (NULL: it doesn't count there).
CREATE TYPE ref_tier_event AS (at timestamptz, ref text, day date, period date, leaves timestamptz, counts numeric[]);

-- ends NULL: never
CREATE TYPE ref_tier_grant AS (begins timestamptz, ends timestamptz, rank int, ref text);

-- What the rules have given at a moment; since: what counts in the window "since tier" is later.
CREATE TYPE ref_tier_state AS (rank int, valid_until timestamptz, since timestamptz);

-- Something that changed the tier, or promised it for longer; valid_until is what was promised.
CREATE TYPE ref_tier_change AS (tier text, rank int, from_tier text, valid_from timestamptz, valid_until timestamptz, reason text, metric text, value numeric, ref text);

CREATE TYPE ref_tier_row AS (tier text, rank int, from_tier text, valid_from timestamptz, valid_to timestamptz, promised_until timestamptz, reason text, metric text, value numeric, ref text);

-- The events in the timeline's order.
CREATE FUNCTION ref_tier_timeline(events jsonb) RETURNS TABLE(n bigint, at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz)
LANGUAGE sql STABLE AS $$
	SELECT row_number() OVER (ORDER BY at, kind COLLATE "C" NULLS FIRST, label COLLATE "C" NULLS FIRST,
		ref IS NOT NULL, ref_number(ref) NULLS LAST, ref COLLATE "C", value NULLS FIRST, expires_at NULLS FIRST), e.*
	FROM jsonb_to_recordset(events) AS e(at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz)
$$;

-- ---- the policy ----

-- With "levels", be it in the short form.
CREATE FUNCTION ref_tier_policy(policy jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN policy ? 'levels' THEN policy ELSE jsonb_build_object('levels', policy) END $$;

CREATE FUNCTION ref_tier_metrics(policy jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce((SELECT array_agg(m ORDER BY n) FROM jsonb_object_keys(policy->'metrics') WITH ORDINALITY k(m, n)), '{value}')
$$;

-- "at", "any", "all", a keeping number or object: as {"any": {metric: threshold}} or {"all": ...}; NULL: nobody.
CREATE FUNCTION ref_tier_condition(written jsonb, metric text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN jsonb_typeof(written) = 'number' THEN jsonb_build_object('all', jsonb_build_object(metric, written))
		WHEN jsonb_typeof(written->'any') = 'object' THEN jsonb_build_object('any', written->'any')
		WHEN jsonb_typeof(written->'all') = 'object' THEN jsonb_build_object('all', written->'all')
	END
$$;

-- Levels as an array in the order of ranks of {"tier", "reach", "keep"}. names: the order, where it is known.
CREATE FUNCTION ref_tier_levels(levels jsonb, metric text, names text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	answer jsonb := '[]';
	level jsonb;
	reach jsonb;
BEGIN
	IF jsonb_typeof(levels) = 'object' THEN
		levels := (SELECT jsonb_agg(jsonb_build_object('tier', tier, 'at', at) ORDER BY array_position(names, tier), nullif(at, 'null')::numeric NULLS LAST, n)
				   FROM jsonb_each(levels) WITH ORDINALITY l(tier, at, n));
	END IF;
	FOR level IN SELECT l FROM jsonb_array_elements(levels) WITH ORDINALITY l(l, n) ORDER BY n LOOP
		reach := coalesce(ref_tier_condition(level->'at', metric), ref_tier_condition(level, metric));
		answer := answer || jsonb_build_object('tier', level->'tier', 'reach', reach, 'keep', coalesce(ref_tier_condition(level->'keep', metric), reach));
	END LOOP;
	RETURN answer;
END $$;

-- How long a tier is valid where the policy doesn't say: the length of the window.
CREATE FUNCTION ref_tier_validity_default(qualifying_window text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN qualifying_window = 'lifetime' THEN 'forever'
		WHEN qualifying_window = 'membership year' THEN '12 months'
		WHEN qualifying_window LIKE 'calendar %' THEN
			('{"day": "1 day", "week": "7 days", "month": "1 month", "quarter": "3 months", "half_year": "6 months", "year": "12 months"}'::jsonb)
			->> substring(qualifying_window FROM '^calendar ([a-z_]+)')
		ELSE qualifying_window END
$$;

-- The rules in force on a day: levels, threshold, valid, downgrade, grace.
CREATE FUNCTION ref_tier_rules(policy jsonb, day date) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	metric text := (ref_tier_metrics(policy))[1];
	levels jsonb := ref_tier_levels(policy->'levels', metric, NULL);
	names text[] := (SELECT array_agg(l->>'tier' ORDER BY n) FROM jsonb_array_elements(levels) WITH ORDINALITY l(l, n));
	rules jsonb;
	version jsonb;
BEGIN
	rules := jsonb_strip_nulls(jsonb_build_object('threshold', coalesce(policy->>'threshold', 'reached'),
		'valid', coalesce(policy->>'valid', ref_tier_validity_default(coalesce(policy->>'qualifying_window', '12 months'))),
		'downgrade', coalesce(policy->>'downgrade', 'to_metric'), 'grace', policy->>'grace')) || jsonb_build_object('levels', levels);
	FOR version IN SELECT v FROM jsonb_array_elements(policy->'versions') v ORDER BY (v->>'from')::date LOOP
		IF (version->>'from')::date <= day THEN
			rules := rules || (version - 'from');
			IF version ? 'levels' THEN
				rules := jsonb_set(rules, '{levels}', ref_tier_levels(version->'levels', metric, names));
			END IF;
		END IF;
	END LOOP;
	RETURN CASE WHEN rules->>'grace' = 'none' THEN rules - 'grace' ELSE rules END;
END $$;

-- ---- conditions ----

-- By metric: does it hold its threshold of the condition? NULL where the condition doesn't ask for it.
CREATE FUNCTION ref_tier_met(condition jsonb, metrics text[], metric_values numeric[], threshold text) RETURNS boolean[]
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	needs jsonb := coalesce(condition->'any', condition->'all');
	need numeric;
	met boolean[] := '{}';
BEGIN
	FOR i IN 1 .. cardinality(metrics) LOOP
		need := needs->>metrics[i];
		met := met || CASE WHEN threshold = 'exceeded' THEN metric_values[i] > need ELSE metric_values[i] >= need END;
	END LOOP;
	RETURN met;
END $$;

CREATE FUNCTION ref_tier_holds(condition jsonb, metrics text[], metric_values numeric[], threshold text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	met boolean[] := ref_tier_met(condition, metrics, metric_values, threshold);
BEGIN
	RETURN CASE WHEN condition ? 'any' THEN coalesce(true = ANY (met), false)
				WHEN condition ? 'all' THEN NOT coalesce(false = ANY (met), false)
				ELSE false END;
END $$;

-- The highest rank of at most top whose reaching condition holds.
CREATE FUNCTION ref_tier_reached(rules jsonb, metrics text[], metric_values numeric[], top int) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(max(n), 0)::int
	FROM jsonb_array_elements(rules->'levels') WITH ORDINALITY l(l, n)
	WHERE n <= top AND ref_tier_holds(l->'reach', metrics, metric_values, rules->>'threshold')
$$;

CREATE FUNCTION ref_tier_kept(rules jsonb, metrics text[], metric_values numeric[], rank int) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT rank = 0 OR ref_tier_holds(rules->'levels'->(rank - 1)->'keep', metrics, metric_values, rules->>'threshold') $$;

-- ---- windows ----

-- The first days of the periods that hold a range of days, and of three more; none where the window has no periods.
CREATE FUNCTION ref_tier_starts(qualifying_window text, joined date, since date, until date) RETURNS date[]
LANGUAGE sql STABLE AS $$
	WITH start AS (
		SELECT s FROM ref_starts(substr(qualifying_window, 10), since - 800, until + 1600) s WHERE qualifying_window LIKE 'calendar %'
		UNION ALL
		SELECT (joined + n * interval '1 year')::date FROM generate_series(0, extract(year FROM until)::int - extract(year FROM joined)::int + 4) n WHERE qualifying_window = 'membership year')
	SELECT array_agg(s ORDER BY s)
	FROM (SELECT s, lead(s) OVER (ORDER BY s) AS next, lag(s, 3) OVER (ORDER BY s) AS third_last FROM start) t
	WHERE (next > since) IS NOT FALSE AND (third_last <= until) IS NOT FALSE
$$;

-- The first day of the period that holds a day.
CREATE FUNCTION ref_tier_period(starts date[], day date) RETURNS date
LANGUAGE sql IMMUTABLE AS $$ SELECT max(s) FROM unnest(starts) s WHERE s <= day $$;

-- The first day of the period after the one that holds a day; NULL where there is none.
CREATE FUNCTION ref_tier_next_period(starts date[], day date) RETURNS date
LANGUAGE sql IMMUTABLE AS $$ SELECT min(s) FROM unnest(starts) s WHERE s > day $$;

-- Is an event in the window at t, where those up to an instant have happened, this_period is the
-- period's first day, and the present tier counts what is later than since?
CREATE FUNCTION ref_tier_inside(e ref_tier_event, qualifying_window text, happened timestamptz, t timestamptz, this_period date, since timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT e.at <= happened AND CASE
		WHEN qualifying_window = 'lifetime' THEN true
		WHEN qualifying_window = 'since tier' THEN e.at > since
		WHEN qualifying_window = 'membership year' OR qualifying_window LIKE 'calendar %' THEN e.period = this_period
		ELSE e.leaves > t END
$$;

-- By metric: its value over the events in the window.
CREATE FUNCTION ref_tier_values(events ref_tier_event[], metrics text[], of text[], qualifying_window text, happened timestamptz, t timestamptz, this_period date, since timestamptz) RETURNS numeric[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(CASE of[n] WHEN 'days' THEN v.days ELSE v.total END ORDER BY n)
	FROM generate_subscripts(metrics, 1) n, LATERAL (
		SELECT coalesce(sum(e.counts[n]), 0) AS total, count(DISTINCT e.day) FILTER (WHERE e.counts[n] > 0)::numeric AS days
		FROM unnest(events) e
		WHERE ref_tier_inside(e, qualifying_window, happened, t, this_period, since)) v
$$;

-- ---- what counts ----

-- Is there a measure that names no kinds? It counts what has no kind, purchases and returns; what else there is must be
-- named by another, or be left out on purpose.
CREATE FUNCTION ref_tier_known_kind(policy jsonb, kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT kind IS NULL OR kind IN ('purchase', 'return', coalesce(policy->>'join_kind', 'join'), coalesce(policy->>'grant_kind', 'tier_grant'))
		OR coalesce(policy->>'other_kinds', 'error') = 'ignore'
		OR EXISTS (SELECT FROM jsonb_each(policy->'metrics') m(name, metric) WHERE coalesce(metric->'kinds' ? kind, false))
		OR policy ? 'metrics' AND NOT EXISTS (SELECT FROM jsonb_each(policy->'metrics') m(name, metric) WHERE NOT metric ? 'kinds')
$$;

-- What an event adds to a measure; NULL: it doesn't count there.
CREATE FUNCTION ref_tier_counts(metric jsonb, kind text, label text, value numeric) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF metric ? 'labels' AND NOT coalesce(metric->'labels' ? label, false) THEN
		RETURN NULL;
	ELSIF metric ? 'kinds' THEN
		IF NOT coalesce(metric->'kinds' ? kind, false) THEN
			RETURN NULL;
		END IF;
	ELSIF kind NOT IN ('purchase', 'return') THEN
		RETURN NULL;
	ELSIF kind = 'return' THEN
		value := -abs(coalesce(value, 0));
		IF coalesce(metric->>'of', 'sum') <> 'sum' THEN
			RETURN 0;
		END IF;
	END IF;
	RETURN CASE
		WHEN coalesce(metric->>'of', 'sum') <> 'sum' THEN CASE WHEN value < 0 THEN 0 ELSE 1 END
		WHEN metric->>'values' = 'positive' THEN greatest(value, 0)
		ELSE coalesce(value, 0) END;
END $$;

-- ---- the walk ----

--
-- One customer's tiers through the instant until, where events after the instant known don't
-- exist. NULL: not yet a member. An object with
--   history           ref_tier_change, in order
--   rank, valid_until the effective ones
--   rule_rank         that of the rules alone
--   grace_until       where grace runs
--   ends              when the effective tier ends, grace that runs included, if nothing more happens; NULL: it doesn't
--   values            of the metrics
--   values_at_end     of the metrics just before ends, as validity's end would find them; where the period that ended before
--                     keeps the tier after an addition ("period_end + 3 months"), of that one
--   moments           the instants at which something could happen
--
CREATE FUNCTION ref_tier_walk(events jsonb, written jsonb, known timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	policy jsonb := ref_tier_policy(written);
	zone text := ref_zone(policy);
	qualifying_window text := coalesce(policy->>'qualifying_window', '12 months');
	rolling boolean := qualifying_window NOT IN ('lifetime', 'since tier', 'membership year') AND qualifying_window NOT LIKE 'calendar %';
	at_once boolean := coalesce(policy->>'upgrade', 'at_once') = 'at_once';
	join_kind text := coalesce(policy->>'join_kind', 'join');
	grant_kind text := coalesce(policy->>'grant_kind', 'tier_grant');
	base text := coalesce(policy->>'base', 'Member');
	metrics text[] := ref_tier_metrics(policy);
	of text[] := (SELECT array_agg(coalesce(policy->'metrics'->m->>'of', 'sum') ORDER BY n) FROM unnest(metrics) WITH ORDINALITY u(m, n));
	tiers text[] := (SELECT array_agg(l->>'tier' ORDER BY n) FROM jsonb_array_elements(ref_tier_rules(policy, '-infinity')->'levels') WITH ORDINALITY l(l, n));
	tick interval := '1 microsecond';

	-- the customer
	member_since timestamptz;
	member_ref text;
	joined date;
	starts date[];
	counted ref_tier_event[];
	grants ref_tier_grant[] := '{}';
	r record;
	-- the instants at which something can happen, but for the ends of validity and grace
	counting timestamptz[];
	leaving timestamptz[];
	granting timestamptz[];
	granting_ends timestamptz[];
	version_starts timestamptz[] := (SELECT array_agg(ref_day_start(day, zone))
		FROM (SELECT (v->>'from')::date FROM jsonb_array_elements(policy->'versions') v) t(day)
		WHERE ref_tier_rules(policy, day) <> ref_tier_rules(policy, day - 1)); -- those that change something
	moments timestamptz[]; -- all of them, and period starts

	-- state of the rules; while grace runs fallen is what it would be without grace
	held ref_tier_state;
	fallen ref_tier_state;
	grace_until timestamptz;
	s ref_tier_state; -- the one that a step looks at
	beside boolean; -- whether that is fallen
	running int[] := '{}'; -- grants, by their place

	-- what holds with the grants
	now_rank int;
	now_until timestamptz;
	old_rank int;
	old_until timestamptz;
	history ref_tier_change[] := '{}';

	-- the instant, and its step
	clock timestamptz;
	day date;
	rules jsonb;
	steps text[];
	step text;
	by_event boolean;
	metric_values numeric[];
	best int;
	kept boolean;
	ended_values numeric[];
	lost int;
	renewed timestamptz;
	downgrades boolean;
	begins_grace boolean;
	ends_at timestamptz;
	reason text;
	condition jsonb;
	decider int;
	ref text;
	raised boolean;
	raised_ref text;
	counted_ref text;
BEGIN
	-- ---- membership ----

	FOR r IN
		SELECT e.label FROM ref_tier_timeline(events) e
		WHERE e.kind = grant_kind AND e.at <= known AND (e.label = base OR e.label = ANY (tiers)) IS NOT TRUE
	LOOP
		RAISE EXCEPTION 'unknown tier %', coalesce(r.label, 'absent') USING ERRCODE = '22023';
	END LOOP;
	FOR r IN SELECT e.kind FROM ref_tier_timeline(events) e WHERE e.at <= known AND NOT ref_tier_known_kind(policy, e.kind) LOOP
		RAISE EXCEPTION 'unknown kind "%"', r.kind USING ERRCODE = '22023';
	END LOOP;
	SELECT e.at, e.ref INTO member_since, member_ref FROM ref_tier_timeline(events) e ORDER BY e.kind IS NOT DISTINCT FROM join_kind DESC, e.n LIMIT 1;
	IF member_since IS NULL THEN
		RETURN jsonb_build_object('history', '[]'::jsonb, 'rank', 0, 'rule_rank', 0, 'values', array_fill(0, ARRAY[cardinality(metrics)]), 'moments', '[]'::jsonb);
	ELSIF member_since > until OR member_since > known THEN
		RETURN NULL;
	END IF;
	joined := (member_since AT TIME ZONE zone)::date;
	starts := ref_tier_starts(qualifying_window, joined, joined, (until AT TIME ZONE zone)::date);
	held := ROW(0, NULL, member_since - tick)::ref_tier_state;

	SELECT array_agg(ROW(e.at, e.ref, d.day, ref_tier_period(starts, d.day), CASE WHEN rolling THEN ref_plus(e.at, qualifying_window::interval, zone) END, c.counts)::ref_tier_event ORDER BY e.n)
	INTO counted
	FROM ref_tier_timeline(events) e,
		LATERAL (SELECT (e.at AT TIME ZONE zone)::date) d(day),
		LATERAL (
			SELECT array_agg(ref_tier_counts(m, e.kind, e.label, e.value) ORDER BY n)
			FROM (SELECT coalesce(policy->'metrics'->name, '{}'), n FROM unnest(metrics) WITH ORDINALITY u(name, n)) m(m, n)) c(counts)
	WHERE e.at BETWEEN member_since AND known AND e.kind IS DISTINCT FROM join_kind AND e.kind IS DISTINCT FROM grant_kind;
	counted := coalesce(counted, '{}');

	SELECT coalesce(array_agg(ROW(greatest(e.at, member_since), nullif(e.expires_at, 'infinity'), coalesce(array_position(tiers, e.label), 0), e.ref)::ref_tier_grant ORDER BY e.n), '{}')
	INTO grants
	FROM ref_tier_timeline(events) e
	WHERE e.kind = grant_kind AND e.at <= known AND coalesce(e.expires_at, 'infinity') > greatest(e.at, member_since);

	-- ---- the instants ----

	SELECT array_agg(at), array_agg(leaves) INTO counting, leaving FROM unnest(counted);
	SELECT array_agg(begins), array_agg(ends) INTO granting, granting_ends FROM unnest(grants);
	SELECT array_agg(DISTINCT m ORDER BY m) INTO moments
	FROM unnest(counting || leaving || granting || granting_ends || version_starts || (SELECT array_agg(ref_day_start(start, zone)) FROM unnest(starts) start)) m
	WHERE m > member_since AND m <= until;
	moments := member_since || coalesce(moments, '{}');

	clock := member_since;
	LOOP
		day := (clock AT TIME ZONE zone)::date;
		IF clock = member_since OR clock = ANY (version_starts) THEN
			rules := ref_tier_rules(policy, day);
		END IF;
		IF clock = member_since THEN
			steps := '{joined,grants,8a,8b}';
		ELSE
			steps := '{2,3,4,5,6a,6b,grants,grants end,8a,8b}';
		END IF;

		WHILE cardinality(steps) > 0 LOOP
			step := steps[1];
			steps := steps[2:];
			-- what the fall would be without grace goes first: grace's end looks at it
			FOREACH beside IN ARRAY '{true,false}'::boolean[] LOOP
				CONTINUE WHEN beside AND fallen IS NULL;
				s := CASE WHEN beside THEN fallen ELSE held END;
				CONTINUE WHEN CASE step
					WHEN '2' THEN NOT at_once AND day = ANY (starts) AND clock = ref_day_start(day, zone)
					WHEN '3' THEN s.rank > 0 AND s.valid_until = clock
					WHEN '4' THEN NOT beside AND grace_until = clock
					WHEN '5' THEN at_once AND clock = ANY (version_starts)
					WHEN '6a' THEN at_once AND clock = ANY (leaving)
					WHEN '6b' THEN s.rank > 0 AND rules->>'valid' = 'while_qualified'
					WHEN 'grants' THEN NOT beside AND clock = ANY (granting)
					WHEN 'grants end' THEN NOT beside AND clock = ANY (granting_ends)
					WHEN '8a' THEN at_once AND clock = ANY (counting)
					WHEN '8b' THEN s.rank > 0 AND rules->>'valid' = 'while_qualified'
					ELSE NOT beside END IS NOT TRUE;
				by_event := step IN ('8a', '8b');
				reason := NULL;
				condition := NULL;
				decider := 1;
				ref := NULL;
				downgrades := false;
				begins_grace := false;

				-- 1: what is in the window; 2, 3 and 4 look at the period that held the microsecond before
				metric_values := ref_tier_values(counted, metrics, of, qualifying_window, CASE WHEN by_event THEN clock ELSE clock - tick END, clock,
					ref_tier_period(starts, CASE WHEN step IN ('2', '3', '4') THEN ((clock - tick) AT TIME ZONE zone)::date ELSE day END), s.since);
				best := ref_tier_reached(rules, metrics, metric_values, cardinality(tiers));
				kept := ref_tier_kept(rules, metrics, metric_values, s.rank);
				-- with an addition validity ends inside a period: the one that ended before counts, unless the running one gives more
				IF step = '3' AND rules->>'valid' LIKE '%+%' THEN
					ended_values := ref_tier_ended_values(counted, metrics, of, qualifying_window, starts, clock, zone, s.since);
					IF (ref_tier_kept(rules, metrics, ended_values, s.rank), ref_tier_reached(rules, metrics, ended_values, cardinality(tiers))) >= (kept, best) THEN
						metric_values := ended_values;
						best := ref_tier_reached(rules, metrics, metric_values, cardinality(tiers));
						kept := ref_tier_kept(rules, metrics, metric_values, s.rank);
					END IF;
				END IF;

				IF step = 'joined' THEN
					reason := 'joined';
					ref := member_ref;

				ELSIF step = '2' THEN
					-- what a period's end gives is for the period that begins then
					IF best > s.rank THEN
						reason := 'qualified';
						s.valid_until := ref_tier_validity(rules, starts, clock, true, zone);
					ELSIF s.rank > 0 AND kept THEN
						renewed := ref_tier_validity(rules, starts, clock, true, zone);
						IF coalesce(renewed, 'infinity') > coalesce(s.valid_until, 'infinity') THEN
							reason := 'requalified';
							s.valid_until := renewed;
						ELSIF NOT beside THEN
							grace_until := NULL;
						END IF;
					END IF;

				ELSIF step = '3' THEN
					IF kept THEN
						reason := 'requalified';
						s.valid_until := ref_tier_validity(rules, starts, clock, true, zone);
					ELSIF rules ? 'grace' AND NOT beside THEN
						begins_grace := true;
					ELSE
						downgrades := true;
						reason := CASE rules->>'downgrade' WHEN 'one_level' THEN 'soft landing' ELSE 'lapsed' END;
					END IF;

				ELSIF step = '4' THEN
					downgrades := true;
					reason := 'grace ended';

				ELSIF step = '5' THEN
					IF best > s.rank THEN
						reason := 'qualified';
						s.valid_until := ref_tier_validity(rules, starts, clock, false, zone);
					END IF;

				ELSIF step IN ('6a', '8a') THEN
					IF step = '6a' THEN
						raised := EXISTS (SELECT FROM unnest(counted) e WHERE e.leaves = clock AND 0 > ANY (e.counts));
						raised_ref := NULL;
					ELSE
						-- a positive contribution, an event counted, or the first of a day that isn't there yet
						SELECT count(*) > 0, (array_agg(counted[n].ref ORDER BY n DESC))[1] INTO raised, raised_ref
						FROM generate_subscripts(counted, 1) n
						WHERE counted[n].at = clock AND EXISTS (
							SELECT FROM generate_subscripts(metrics, 1) m
							WHERE counted[n].counts[m] > 0 AND (of[m] <> 'days' OR NOT EXISTS (
								SELECT FROM generate_series(1, n - 1) b
								WHERE counted[b].day = counted[n].day AND counted[b].counts[m] > 0
								  AND ref_tier_inside(counted[b], qualifying_window, clock, clock, ref_tier_period(starts, day), s.since))));
					END IF;
					IF raised AND best > s.rank THEN
						reason := 'qualified';
						s.valid_until := ref_tier_validity(rules, starts, clock, false, zone);
						ref := raised_ref;
					ELSIF raised AND s.rank > 0 AND kept THEN
						renewed := ref_tier_validity(rules, starts, clock, step = '6a', zone);
						IF coalesce(renewed, 'infinity') > coalesce(s.valid_until, 'infinity') OR grace_until IS NOT NULL AND NOT beside THEN
							reason := 'requalified';
							s.valid_until := renewed;
							ref := raised_ref;
						END IF;
						IF qualifying_window = 'since tier' THEN
							s.since := clock;
						END IF;
					END IF;

				ELSIF step IN ('6b', '8b') THEN
					IF kept THEN
						IF NOT beside THEN
							grace_until := NULL;
						END IF;
					ELSIF beside OR NOT rules ? 'grace' THEN
						downgrades := true;
						reason := 'lapsed';
						IF step = '8b' THEN
							ref := (SELECT (array_agg(counted[n].ref ORDER BY n DESC))[1] FROM generate_subscripts(counted, 1) n
									WHERE counted[n].at = clock AND num_nonnulls(VARIADIC counted[n].counts) > 0);
						END IF;
					ELSIF grace_until IS NULL THEN
						begins_grace := true;
					END IF;
					-- the tier below may not hold either
					IF downgrades OR begins_grace THEN
						steps := step || steps;
					END IF;

				ELSIF step = 'grants' THEN
					steps := (SELECT array_agg('grant ' || n ORDER BY n) FROM unnest(grants) WITH ORDINALITY g(begins, ends, rank, ref, n) WHERE begins = clock) || steps;

				ELSIF step LIKE 'grant _%' THEN
					running := running || substr(step, 7)::int;
					reason := 'granted';
					ref := grants[substr(step, 7)::int].ref;

				ELSIF step = 'grants end' THEN
					running := coalesce((SELECT array_agg(n) FROM unnest(running) n WHERE coalesce(grants[n].ends, 'infinity') > clock), '{}');
					reason := 'grant ended';
				END IF;

				-- ---- what a change of the rule state brings ----

				IF reason = 'qualified' THEN
					s.rank := best;
					condition := rules->'levels'->(s.rank - 1)->'reach';
				ELSIF reason = 'requalified' THEN
					condition := rules->'levels'->(s.rank - 1)->'keep';
				ELSIF downgrades THEN
					condition := rules->'levels'->(s.rank - 1)->'keep';
				END IF;
				IF reason IN ('qualified', 'requalified') THEN
					s.since := CASE WHEN by_event THEN clock ELSE clock - tick END;
				END IF;
				IF downgrades OR begins_grace THEN
					lost := s.rank;
					IF begins_grace THEN
						-- the tier is held, and what it would have fallen to goes on beside it
						fallen := ref_tier_fall(rules, starts, metrics, metric_values, lost, clock, by_event, zone);
						grace_until := ref_plus(clock, (rules->>'grace')::interval, zone);
					ELSE
						s := ref_tier_fall(rules, starts, metrics, metric_values, lost, clock, by_event, zone);
						-- after grace the better of the two: the higher, or the one that holds for longer
						IF step = '4' AND (fallen.rank, coalesce(fallen.valid_until, 'infinity')) >= (s.rank, coalesce(s.valid_until, 'infinity')) THEN
							s := fallen;
						END IF;
					END IF;
				END IF;
				IF beside THEN
					fallen := s;
					CONTINUE;
				END IF;
				held := s;
				IF reason IN ('qualified', 'requalified') OR downgrades THEN
					grace_until := NULL;
				END IF;
				IF grace_until IS NULL THEN
					fallen := NULL;
				END IF;
				IF condition IS NOT NULL THEN
					-- the first metric that holds its threshold, or, of a tier lost, the first that was asked for
					decider := coalesce(CASE WHEN downgrades
						THEN (SELECT min(n) FROM unnest(ref_tier_met(condition, metrics, metric_values, rules->>'threshold')) WITH ORDINALITY u(met, n) WHERE met IS NOT NULL)
						ELSE array_position(ref_tier_met(condition, metrics, metric_values, rules->>'threshold'), true) END, 1);
				END IF;

				-- ---- and with the grants ----

				now_rank := greatest(held.rank, (SELECT max(grants[n].rank) FROM unnest(running) n));
				now_until := nullif(greatest(CASE WHEN held.rank = now_rank THEN coalesce(held.valid_until, 'infinity') END,
					(SELECT max(coalesce(grants[n].ends, 'infinity')) FROM unnest(running) n WHERE grants[n].rank = now_rank)), 'infinity');
				IF step = 'joined' OR now_rank <> old_rank OR coalesce(now_until, 'infinity') > coalesce(old_until, 'infinity') THEN
					IF reason IS NULL THEN
						RAISE EXCEPTION 'a change without a reason in step % of %', step, clock;
					END IF;
					history := history || ROW(CASE now_rank WHEN 0 THEN base ELSE tiers[now_rank] END, now_rank, CASE old_rank WHEN 0 THEN base ELSE tiers[old_rank] END,
						clock, now_until, reason, metrics[decider], metric_values[decider], ref)::ref_tier_change;
				END IF;
				old_rank := now_rank;
				old_until := now_until;
			END LOOP;
		END LOOP;

		clock := least((SELECT min(m) FROM unnest(moments) m WHERE m > clock),
			CASE WHEN held.rank > 0 AND held.valid_until > clock THEN held.valid_until END,
			CASE WHEN fallen.rank > 0 AND fallen.valid_until > clock THEN fallen.valid_until END,
			CASE WHEN grace_until > clock THEN grace_until END);
		EXIT WHEN clock IS NULL OR clock > until;
		IF clock <> ALL (moments) THEN
			moments := moments || clock;
		END IF;
	END LOOP;

	-- when it ends, and what is in the window just before
	ends_at := nullif(greatest(CASE WHEN held.rank = now_rank AND held.rank > 0 THEN coalesce(grace_until, CASE WHEN held.valid_until > until THEN held.valid_until END, 'infinity') END,
		(SELECT max(coalesce(grants[n].ends, 'infinity')) FROM unnest(running) n WHERE grants[n].rank = now_rank AND now_rank > 0)), 'infinity');
	IF ends_at IS NOT NULL THEN
		rules := ref_tier_rules(policy, (ends_at AT TIME ZONE zone)::date);
		starts := ref_tier_starts(qualifying_window, joined, joined, (ends_at AT TIME ZONE zone)::date);
		metric_values := ref_tier_values(counted, metrics, of, qualifying_window, ends_at - tick, ends_at, ref_tier_period(starts, ((ends_at - tick) AT TIME ZONE zone)::date), held.since);
		IF rules->>'valid' LIKE '%+%' AND grace_until IS NULL AND held.rank = now_rank AND held.valid_until = ends_at THEN
			ended_values := ref_tier_ended_values(counted, metrics, of, qualifying_window, starts, ends_at, zone, held.since);
			IF ref_tier_kept(rules, metrics, ended_values, held.rank) THEN
				metric_values := ended_values;
			END IF;
		END IF;
	END IF;

	RETURN jsonb_build_object('history', to_jsonb(history), 'rank', now_rank, 'valid_until', now_until, 'rule_rank', held.rank, 'grace_until', grace_until,
		'ends', ends_at, 'values_at_end', CASE WHEN ends_at IS NOT NULL THEN metric_values END,
		'values', ref_tier_values(counted, metrics, of, qualifying_window, until, until, ref_tier_period(starts, (until AT TIME ZONE zone)::date), held.since),
		'moments', to_jsonb(moments));
END $$;

-- When a tier ends that begins or is renewed at t; NULL is open. In a downgrade and a renewal by the
-- passing of time next_period_end is the end of the period that holds t. Either end may have an
-- interval added to it.
CREATE FUNCTION ref_tier_validity(rules jsonb, starts date[], t timestamptz, by_time boolean, zone text) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
	kind text := trim(split_part(rules->>'valid', '+', 1));
	more text := nullif(trim(split_part(rules->>'valid', '+', 2)), '');
	ends date := ref_tier_next_period(starts, (t AT TIME ZONE zone)::date);
BEGIN
	IF kind = 'next_period_end' AND NOT by_time THEN
		ends := ref_tier_next_period(starts, ends);
	END IF;
	RETURN CASE
		WHEN kind IN ('while_qualified', 'forever') THEN NULL
		WHEN kind IN ('period_end', 'next_period_end') THEN ref_plus(ref_day_start(ends, zone), coalesce(more, '0')::interval, zone)
		ELSE ref_plus(t, kind::interval, zone) END;
END $$;

-- What a tier falls to.
CREATE FUNCTION ref_tier_fall(rules jsonb, starts date[], metrics text[], metric_values numeric[], lost int, t timestamptz, by_event boolean, zone text) RETURNS ref_tier_state
LANGUAGE plpgsql AS $$
DECLARE
	s ref_tier_state;
BEGIN
	s.rank := CASE rules->>'downgrade' WHEN 'one_level' THEN lost - 1 WHEN 'to_base' THEN 0 ELSE ref_tier_reached(rules, metrics, metric_values, lost - 1) END;
	s.valid_until := CASE WHEN s.rank > 0 THEN ref_tier_validity(rules, starts, t, true, zone) END;
	s.since := CASE WHEN by_event THEN t ELSE t - interval '1 microsecond' END;
	RETURN s;
END $$;

-- By metric: its value over the period that ended before the one that holds the microsecond before t.
CREATE FUNCTION ref_tier_ended_values(events ref_tier_event[], metrics text[], of text[], qualifying_window text, starts date[], t timestamptz, zone text, since timestamptz) RETURNS numeric[]
LANGUAGE sql AS $$
	SELECT ref_tier_values(events, metrics, of, qualifying_window, t - interval '1 microsecond', t,
		ref_tier_period(starts, ref_tier_period(starts, ((t - interval '1 microsecond') AT TIME ZONE zone)::date) - 1), since)
$$;

-- ---- readings of the walk ----

-- The last instant of a local day.
CREATE FUNCTION ref_tier_day_end(policy jsonb, day date) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT ref_day_start(day + 1, ref_zone(policy)) - interval '1 microsecond' $$;

CREATE FUNCTION ref_tier_name(policy jsonb, rank int) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT CASE WHEN rank = 0 THEN coalesce(ref_tier_policy(policy)->>'base', 'Member')
				ELSE ref_tier_rules(ref_tier_policy(policy), '-infinity')->'levels'->(rank - 1)->>'tier' END
$$;

-- The walk's changes as rows that hold from valid_from to valid_to. Without requalifications a row is a
-- spell, as long as the rank is the same: what it began with, and what was promised in the end.
CREATE FUNCTION ref_tier_rows(walk jsonb, requalifications boolean) RETURNS SETOF ref_tier_row
LANGUAGE sql AS $$
	WITH change AS (
		SELECT c.*, row_number() OVER () AS n FROM jsonb_populate_recordset(NULL::ref_tier_change, walk->'history') c),
	spell AS (
		SELECT c.*, count(*) FILTER (WHERE requalifications OR begins) OVER (ORDER BY n) AS spell
		FROM (SELECT c.*, rank IS DISTINCT FROM lag(rank) OVER (ORDER BY n) AS begins FROM change c) c)
	SELECT f.tier, f.rank, f.from_tier, f.valid_from, lead(f.valid_from) OVER (ORDER BY f.n), l.valid_until, f.reason, f.metric, f.value, f.ref
	FROM (SELECT DISTINCT ON (spell) * FROM spell ORDER BY spell, n) f JOIN (SELECT DISTINCT ON (spell) * FROM spell ORDER BY spell, n DESC) l USING (spell)
	ORDER BY f.n
$$;

CREATE FUNCTION ref_tier_history(events jsonb, policy jsonb, until timestamptz, requalifications boolean DEFAULT false) RETURNS SETOF ref_tier_row
LANGUAGE sql AS $$ SELECT h.* FROM ref_tier_rows(ref_tier_walk(events, policy, until, until), requalifications) h $$;

CREATE FUNCTION ref_tier_at(events jsonb, policy jsonb, instant timestamptz) RETURNS text
LANGUAGE sql AS $$ SELECT ref_tier_name(policy, (ref_tier_walk(events, policy, instant, instant)->>'rank')::int) $$;

-- How much of a metric a condition asks for beyond a value; NULL where it doesn't ask for that metric.
CREATE FUNCTION ref_tier_missing(condition jsonb, metric text, value numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN needs < value THEN 0 ELSE needs - value END
	FROM (SELECT (coalesce(condition->'any', condition->'all')->>metric)::numeric) c(needs)
$$;

-- The next rank that somebody can reach; NULL at the top.
CREATE FUNCTION ref_tier_next_rank(rules jsonb, rank int) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT min(n)::int FROM jsonb_array_elements(rules->'levels') WITH ORDINALITY l(l, n) WHERE n > rank AND jsonb_typeof(l->'reach') = 'object'
$$;

-- What keeping an effective rank takes: reaching it, where a grant lifts above the rules' rank; NULL at the base.
CREATE FUNCTION ref_tier_keeping(rules jsonb, rank int, rule_rank int) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN rank > 0 THEN rules->'levels'->(rank - 1)->CASE WHEN rank > rule_rank THEN 'reach' ELSE 'keep' END END $$;

-- What is missing by then, of a state whose tier ends.
CREATE FUNCTION ref_tier_missing_to_keep(policy jsonb, state jsonb, metric text) RETURNS numeric
LANGUAGE sql AS $$
	SELECT ref_tier_missing(ref_tier_keeping(ref_tier_rules(ref_tier_policy(policy), ((state->>'ends')::timestamptz AT TIME ZONE ref_zone(policy))::date), (state->'rank')::int, (state->'rule_rank')::int),
		metric, (state->'values_at_end'->(array_position(ref_tier_metrics(ref_tier_policy(policy)), metric) - 1))::numeric)
	WHERE state->>'ends' IS NOT NULL
$$;

-- A row for each metric at the end of a local day; see tier_progress.
CREATE FUNCTION ref_tier_progress(events jsonb, policy jsonb, as_of date)
RETURNS TABLE(tier text, rank int, next_tier text, metric text, value numeric, missing_to_next numeric, valid_until timestamptz, missing_to_keep numeric, missing_as_of numeric, projected_tier text)
LANGUAGE plpgsql AS $$
DECLARE
	known timestamptz := ref_tier_day_end(policy, as_of);
	rules jsonb := ref_tier_rules(ref_tier_policy(policy), as_of);
	metrics text[] := ref_tier_metrics(policy);
	state jsonb := ref_tier_walk(events, policy, known, known);
	later jsonb := state;
	next_rank int;
	next_needs jsonb;
	keep_needs jsonb;
BEGIN
	IF state IS NULL THEN
		RETURN;
	END IF;
	rank := state->'rank';
	valid_until := state->>'valid_until';
	tier := ref_tier_name(policy, rank);

	next_rank := ref_tier_next_rank(rules, rank);
	next_tier := ref_tier_name(policy, next_rank);
	next_needs := rules->'levels'->(next_rank - 1)->'reach';
	keep_needs := ref_tier_keeping(rules, rank, (state->>'rule_rank')::int);

	-- what is left when validity, and grace after it, has ended
	IF state->>'ends' IS NOT NULL THEN
		later := ref_tier_walk(events, policy, known, (state->>'ends')::timestamptz);
		IF later->'rank' = state->'rank' AND later->'rule_rank' = later->'rank' AND later->>'grace_until' IS NOT NULL THEN
			later := ref_tier_walk(events, policy, known, (later->>'grace_until')::timestamptz);
		END IF;
	END IF;
	projected_tier := ref_tier_name(policy, (later->>'rank')::int);

	FOR i IN 1 .. cardinality(metrics) LOOP
		metric := metrics[i];
		value := state->'values'->(i - 1);
		missing_to_next := ref_tier_missing(next_needs, metric, value);
		missing_to_keep := ref_tier_missing_to_keep(policy, state, metric);
		missing_as_of := ref_tier_missing(keep_needs, metric, value);
		RETURN NEXT;
	END LOOP;
END $$;

-- By the reaching thresholds of a day alone.
CREATE FUNCTION ref_tier_for(value numeric, policy jsonb, day date) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT ref_tier_name(policy, ref_tier_reached(ref_tier_rules(ref_tier_policy(policy), day), ref_tier_metrics(policy), ARRAY[value], 1000))
$$;
