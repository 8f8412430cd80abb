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
-- day of its period (of the one window that has periods), leaves when the one rolling window loses it, counts what it
-- adds to each metric (NULL: it doesn't count there). An amount that just might come has no day: it counts as it stands.
CREATE TYPE ref_tier_event AS (at timestamptz, ref text, day date, period date, leaves timestamptz, counts numeric[]);

-- ends NULL: never
CREATE TYPE ref_tier_grant AS (begins timestamptz, ends timestamptz, rank int, ref text);

-- What the rules have given at a moment, and by which change. since: what counts in the window "since tier" is later.
CREATE TYPE ref_tier_state AS (rank int, valid_until timestamptz, since timestamptz, grace_until timestamptz, metric text, value numeric, ref text);

-- Something that changed the tier, or promised it for longer; valid_until is what was promised then, promised just before.
CREATE TYPE ref_tier_change AS (tier text, rank int, from_tier text, valid_from timestamptz, valid_until timestamptz, promised timestamptz, reason text, metric text, value numeric, ref text);

-- All that a customer's walk remembers: what never changes; what counts so far; what the rules give with grace (held) and
-- what they would without (plain; where the policy has grace); the grants that run; what holds with them.
-- windows: by metric. starts: periods of whatever window has some; own_starts: of the policy's.
-- rollovers: what each period's end came to, by metric: see ref_tier_rollovers.
CREATE TYPE ref_tier_machine AS (policy jsonb, zone text, qualifying_window text, windows text[], metrics text[], of text[], unit numeric, names text[], starts date[], own_starts date[], rollovers jsonb, version_starts timestamptz[], member_since timestamptz, member_ref text,
	grants ref_tier_grant[], counted ref_tier_event[],
	rules jsonb, held ref_tier_state, plain ref_tier_state, with_grace boolean, running int[],
	now_rank int, now_until timestamptz, history ref_tier_change[]);

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

-- What a condition asks for first, in the order of metrics, which is that of the keys of jsonb.
CREATE TYPE ref_tier_need AS (len int, metric text COLLATE "C", threshold numeric);

CREATE FUNCTION ref_tier_needs(needs jsonb) RETURNS ref_tier_need[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(ROW(octet_length(m), m, t)::ref_tier_need ORDER BY octet_length(m), m COLLATE "C") FROM jsonb_each_text(needs) e(m, t)
$$;

-- "at", "any", "all", a keeping number or object: as the array of its sets, {metric: threshold}, one of which must hold; NULL: nobody.
CREATE FUNCTION ref_tier_condition(written jsonb, metric text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE
		WHEN jsonb_typeof(written) = 'number' THEN jsonb_build_array(jsonb_build_object(metric, written))
		WHEN jsonb_typeof(written->'any') = 'object' THEN (SELECT jsonb_agg(jsonb_build_object(m, t) ORDER BY n) FROM jsonb_each(written->'any') WITH ORDINALITY e(m, t, n))
		WHEN jsonb_typeof(written->'any') = 'array' THEN (SELECT jsonb_agg(a->'all' ORDER BY ref_tier_needs(a->'all')) FROM jsonb_array_elements(written->'any') a)
		WHEN jsonb_typeof(written->'all') = 'object' THEN jsonb_build_array(written->'all')
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

CREATE FUNCTION ref_tier_set_holds(needs jsonb, metrics text[], metric_values numeric[], threshold text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT bool_and(CASE WHEN threshold = 'exceeded' THEN metric_values[n] > (needs->>m)::numeric ELSE metric_values[n] >= (needs->>m)::numeric END)
	FROM unnest(metrics) WITH ORDINALITY u(m, n) WHERE needs ? m);
END $$;

CREATE FUNCTION ref_tier_holds(condition jsonb, metrics text[], metric_values numeric[], threshold text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT coalesce(bool_or(ref_tier_set_holds(needs, metrics, metric_values, threshold)), false) FROM jsonb_array_elements(nullif(condition, 'null')) needs);
END $$;

-- The number of the metric that decided: the first that is asked for by the first set that holds; of what is lost, by the first set.
CREATE FUNCTION ref_tier_decider(condition jsonb, metrics text[], metric_values numeric[], threshold text, is_lost boolean) RETURNS int
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT coalesce((
		SELECT (SELECT min(k)::int FROM unnest(metrics) WITH ORDINALITY u(m, k) WHERE needs ? m)
		FROM jsonb_array_elements(nullif(condition, 'null')) WITH ORDINALITY e(needs, n)
		WHERE is_lost OR ref_tier_set_holds(needs, metrics, metric_values, threshold) ORDER BY n LIMIT 1), 1));
END $$;

-- The highest rank of at most top whose reaching condition holds.
CREATE FUNCTION ref_tier_reached(rules jsonb, metrics text[], metric_values numeric[], top int) RETURNS int
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT coalesce(max(n), 0)::int
	FROM jsonb_array_elements(rules->'levels') WITH ORDINALITY l(l, n)
	WHERE n <= top AND ref_tier_holds(l->'reach', metrics, metric_values, rules->>'threshold'));
END $$;

CREATE FUNCTION ref_tier_kept(rules jsonb, metrics text[], metric_values numeric[], rank int) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT rank = 0 OR ref_tier_holds(rules->'levels'->(rank - 1)->'keep', metrics, metric_values, rules->>'threshold'));
END $$;

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

-- Has a window periods?
CREATE FUNCTION ref_tier_has_periods(qualifying_window text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT qualifying_window = 'membership year' OR qualifying_window LIKE 'calendar %' $$;

CREATE FUNCTION ref_tier_rolls(qualifying_window text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT NOT ref_tier_has_periods(qualifying_window) AND qualifying_window NOT IN ('lifetime', 'since tier') $$;

-- Each metric's window: its own, or the policy's.
CREATE FUNCTION ref_tier_windows(policy jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(coalesce(policy->'metrics'->m->>'qualifying_window', policy->>'qualifying_window', '12 months') ORDER BY n)
	FROM unnest(ref_tier_metrics(policy)) WITH ORDINALITY u(m, n)
$$;

-- The one window of the policy and its metrics that has periods; NULL: there is none.
CREATE FUNCTION ref_tier_period_window(policy jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT max(w) FROM unnest(ref_tier_windows(policy) || coalesce(policy->>'qualifying_window', '12 months')) w WHERE ref_tier_has_periods(w)
$$;

-- Is an event in the window at t, where those up to an instant have happened, this_period is the
-- period's first day, and the present tier counts what is later than since?
CREATE FUNCTION ref_tier_inside(e ref_tier_event, qualifying_window text, happened timestamptz, t timestamptz, this_period date, since timestamptz) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT e.at <= happened AND CASE
		WHEN qualifying_window = 'lifetime' THEN true
		WHEN qualifying_window = 'since tier' THEN e.at > since
		WHEN ref_tier_has_periods(qualifying_window) THEN e.period = this_period
		ELSE e.leaves > t END
$$;

-- By metric: its value over the events in its window.
CREATE FUNCTION ref_tier_values(events ref_tier_event[], of text[], windows text[], happened timestamptz, t timestamptz, this_period date, since timestamptz) RETURNS numeric[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(CASE of[n] WHEN 'days' THEN v.days ELSE v.total END ORDER BY n)
	FROM generate_subscripts(of, 1) n, LATERAL (
		SELECT coalesce(sum(e.counts[n]), 0) AS total, count(DISTINCT e.day) FILTER (WHERE e.counts[n] > 0)::numeric + coalesce(sum(e.counts[n]) FILTER (WHERE e.day IS NULL), 0) AS days
		FROM unnest(events) e
		WHERE ref_tier_inside(e, windows[n], happened, t, this_period, since)) v
$$;

-- ---- what counts ----

-- A measure that names no kinds counts what has no kind, purchases and returns; where there is one, what else there is must be
-- named by another. What isn't is an error, or as if it weren't there.
CREATE FUNCTION ref_tier_known_kind(policy jsonb, kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT kind IS NULL OR kind IN ('purchase', 'return', coalesce(policy->>'join_kind', 'join'), coalesce(policy->>'grant_kind', 'tier_grant'))
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

-- ---- a step of the walk ----

-- With the part of the policy that never changes.
CREATE FUNCTION ref_tier_machine(policy jsonb, zone text, member_since timestamptz, member_ref text, until date) RETURNS ref_tier_machine
LANGUAGE plpgsql AS $$
DECLARE
	s ref_tier_machine;
BEGIN
	s.policy := policy;
	s.zone := zone;
	s.qualifying_window := coalesce(policy->>'qualifying_window', '12 months');
	s.metrics := ref_tier_metrics(policy);
	s.windows := ref_tier_windows(policy);
	s.rollovers := '[]';
	s.of := (SELECT array_agg(coalesce(policy->'metrics'->m->>'of', 'sum') ORDER BY n) FROM unnest(s.metrics) WITH ORDINALITY u(m, n));
	s.names := (SELECT array_agg(l->>'tier' ORDER BY n) FROM jsonb_array_elements(ref_tier_rules(policy, '-infinity')->'levels') WITH ORDINALITY l(l, n));
	-- the days on which a version changes something
	s.version_starts := (SELECT array_agg(ref_day_start(day, zone)) FROM (SELECT (v->>'from')::date FROM jsonb_array_elements(policy->'versions') v) t(day)
		WHERE ref_tier_rules(policy, day) <> ref_tier_rules(policy, day - 1));
	s.member_since := member_since;
	s.member_ref := member_ref;
	s.starts := ref_tier_starts(ref_tier_period_window(policy), (member_since AT TIME ZONE zone)::date, (member_since AT TIME ZONE zone)::date, until);
	s.own_starts := CASE WHEN ref_tier_has_periods(s.qualifying_window) THEN s.starts END;
	s.counted := '{}';
	s.grants := '{}';
	s.held.rank := 0;
	s.held.since := member_since - interval '1 microsecond';
	s.plain := s.held;
	s.with_grace := policy ? 'grace' OR policy @? '$.versions[*].grace';
	s.running := '{}';
	s.history := '{}';
	RETURN s;
END $$;

-- What happened at an instant; counts by measure.
CREATE FUNCTION ref_tier_counted(s ref_tier_machine, at timestamptz, ref text, counts numeric[]) RETURNS ref_tier_event
LANGUAGE sql STABLE AS $$
	SELECT ROW(at, ref, day, ref_tier_period(s.starts, day),
		ref_plus(at, (SELECT w FROM unnest(s.windows || s.qualifying_window) w WHERE ref_tier_rolls(w) LIMIT 1)::interval, s.zone),
		counts)::ref_tier_event
	FROM (SELECT (at AT TIME ZONE s.zone)::date) d(day)
$$;

-- By metric: what rolled into the period that holds a day.
CREATE FUNCTION ref_tier_rolled_in(s ref_tier_machine, day date) RETURNS numeric[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN (SELECT array_agg(coalesce((SELECT (r->>'rolls_over')::numeric FROM jsonb_array_elements(s.rollovers) r
		WHERE (r->>'next')::date = ref_tier_period(s.starts, day) AND r->>'metric' = m), 0) ORDER BY n)
	FROM unnest(s.metrics) WITH ORDINALITY u(m, n));
END $$;

-- What measures are to somebody whose state is of, where those up to an instant have happened.
CREATE FUNCTION ref_tier_measured(s ref_tier_machine, x ref_tier_state, happened timestamptz, t timestamptz, day date) RETURNS numeric[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
	this_period date := ref_tier_period(s.starts, day);
	earned numeric[] := ref_tier_values(s.counted, s.of, s.windows, happened, t, this_period, x.since);
BEGIN
	IF s.rollovers = '[]' THEN
		RETURN earned;
	END IF;
	RETURN (SELECT array_agg(e + r ORDER BY n) FROM unnest(earned, ref_tier_rolled_in(s, day)) WITH ORDINALITY u(e, r, n));
END $$;

-- What the period that holds a day would come to if it ended with what has happened by an instant: an object for each metric that rolls over.
CREATE FUNCTION ref_tier_period_ends(s ref_tier_machine, happened timestamptz, t timestamptz, day date) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	rules jsonb;
	metric_values numeric[];
	rolled_in numeric[];
	attained int;
	rollover jsonb;
	threshold numeric;
	unit numeric;
	cap numeric;
	rolls numeric;
BEGIN
	IF NOT s.policy @? '$.metrics.*.rollover' THEN
		RETURN;
	END IF;
	rules := ref_tier_rules(s.policy, day);
	metric_values := ref_tier_measured(s, s.held, happened, t, day);
	rolled_in := ref_tier_rolled_in(s, day);
	attained := ref_tier_reached(rules, s.metrics, metric_values, cardinality(s.names));
	FOR m IN 1 .. cardinality(s.metrics) LOOP
		rollover := s.policy->'metrics'->s.metrics[m]->'rollover';
		CONTINUE WHEN rollover IS NULL OR rollover = 'false';
		unit := CASE s.of[m] WHEN 'sum' THEN s.unit ELSE 1 END;
		threshold := (SELECT max((needs->>s.metrics[m])::numeric) FROM jsonb_array_elements(rules->'levels'->(attained - 1)->'reach') needs WHERE attained > 0);
		cap := CASE jsonb_typeof(rollover) WHEN 'number' THEN floor((rollover#>>'{}')::numeric / unit) * unit ELSE 'Infinity' END;
		rolls := coalesce(greatest(least(metric_values[m] - ceil(threshold / unit) * unit, greatest(metric_values[m] - rolled_in[m], 0), cap), 0), 0);
		IF threshold IS NULL THEN
			rolls := 0;
		END IF;
		RETURN NEXT jsonb_build_object('start', ref_tier_period(s.starts, day), 'next', ref_tier_next_period(s.starts, day), 'metric', s.metrics[m], 'rolled_in', rolled_in[m],
			'value', metric_values[m], 'attained', attained, 'threshold', threshold, 'rolls_over', rolls);
	END LOOP;
END $$;

-- The effective tier after a change of the rules' state or of the grants; a row where it is another, or promised for longer.
CREATE FUNCTION ref_tier_effect(s ref_tier_machine, clock timestamptz, reason text, metric text, value numeric, ref text) RETURNS ref_tier_machine
LANGUAGE plpgsql AS $$
DECLARE
	base text := coalesce(s.policy->>'base', 'Member');
	old_rank int := s.now_rank;
	old_until timestamptz := s.now_until;
BEGIN
	s.now_rank := greatest((s.held).rank, (SELECT max(s.grants[n].rank) FROM unnest(s.running) n));
	s.now_until := nullif(greatest(CASE WHEN (s.held).rank = s.now_rank THEN coalesce((s.held).valid_until, 'infinity') END,
		(SELECT max(coalesce(s.grants[n].ends, 'infinity')) FROM unnest(s.running) n WHERE s.grants[n].rank = s.now_rank)), 'infinity');
	IF old_rank IS NULL OR s.now_rank <> old_rank OR coalesce(s.now_until, 'infinity') > coalesce(old_until, 'infinity') THEN
		IF reason IS NULL THEN
			RAISE EXCEPTION 'a change without a reason at %', clock;
		END IF;
		s.history := s.history || ROW(CASE s.now_rank WHEN 0 THEN base ELSE s.names[s.now_rank] END, s.now_rank, CASE old_rank WHEN 0 THEN base ELSE s.names[old_rank] END,
			clock, s.now_until, old_until, reason, metric, value, ref)::ref_tier_change;
	END IF;
	RETURN s;
END $$;

--
-- What happens at an instant, in these steps:
--   joined      membership
--   2           a period's end gives or renews tiers
--   3, 4        validity ends; grace ends
--   rollover    what rolls over is there
--   5           a version begins
--   5r          what has rolled over raises
--   6a, 6b      what has left the window; what doesn't hold without it (valid "while_qualified")
--   grants, old grants, grants end    those that begin, have begun, end
--   8a, 8b      what has happened at the instant
-- Where there is grace, first as if there were none (plain), then with it; and whenever plain is better, it is that.
--
CREATE FUNCTION ref_tier_step(s ref_tier_machine, clock timestamptz, all_steps text[]) RETURNS ref_tier_machine
LANGUAGE plpgsql AS $$
DECLARE
	tick interval := '1 microsecond';
	day date := (clock AT TIME ZONE s.zone)::date;
	at_once boolean := coalesce(s.policy->>'upgrade', 'at_once') = 'at_once';
	steps text[] := all_steps;
	step text;
	is_plain boolean;
	by_event boolean;
	x ref_tier_state;
	graceful boolean;
	metric_values numeric[];
	other numeric[];
	best int;
	kept boolean;
	renewed timestamptz;
	falls boolean;
	reason text;
	condition jsonb;
	decider int;
	raised boolean;
	ref text;
	again boolean;
BEGIN
	IF clock = s.member_since OR clock = ANY (s.version_starts) THEN
		s.rules := ref_tier_rules(s.policy, day);
	END IF;
	WHILE cardinality(steps) > 0 LOOP
		step := steps[1];
		steps := steps[2:];
		by_event := step IN ('8a', '8b');
		again := false;

		-- ---- grants, joining, and what rolls over ----

		IF step = 'rollover' THEN
			IF day = ANY (s.starts) AND clock = ref_day_start(day, s.zone) THEN
				s.rollovers := s.rollovers || coalesce((SELECT jsonb_agg(r) FROM ref_tier_period_ends(s, clock - tick, clock, ((clock - tick) AT TIME ZONE s.zone)::date) r), '[]');
			END IF;
			CONTINUE;
		ELSIF step = 'joined' THEN
			metric_values := ref_tier_measured(s, s.held, clock - tick, clock, day);
			s := ref_tier_effect(s, clock, 'joined', s.metrics[1], metric_values[1], s.member_ref);
			CONTINUE;
		ELSIF step IN ('grants', 'old grants') THEN
			steps := coalesce((SELECT array_agg('grant ' || n ORDER BY n) FROM unnest(s.grants) WITH ORDINALITY g(begins, ends, rank, ref, n)
				WHERE CASE step WHEN 'grants' THEN begins = clock ELSE begins < clock END AND coalesce(ends, 'infinity') > clock), '{}') || steps;
			CONTINUE;
		ELSIF step LIKE 'grant _%' THEN
			metric_values := ref_tier_measured(s, s.held, clock - tick, clock, day);
			s.running := s.running || substr(step, 7)::int;
			s := ref_tier_effect(s, clock, 'granted', s.metrics[1], metric_values[1], s.grants[substr(step, 7)::int].ref);
			CONTINUE;
		ELSIF step = 'grants end' THEN
			IF EXISTS (SELECT FROM unnest(s.running) n WHERE s.grants[n].ends = clock) THEN
				metric_values := ref_tier_measured(s, s.held, clock - tick, clock, day);
				s.running := coalesce((SELECT array_agg(n) FROM unnest(s.running) n WHERE coalesce(s.grants[n].ends, 'infinity') > clock), '{}');
				s := ref_tier_effect(s, clock, 'grant ended', s.metrics[1], metric_values[1], NULL);
			END IF;
			CONTINUE;
		END IF;

		-- ---- the rules ----

		FOREACH is_plain IN ARRAY '{true,false}'::boolean[] LOOP
			CONTINUE WHEN is_plain AND NOT s.with_grace;
			x := CASE WHEN is_plain THEN s.plain ELSE s.held END;
			graceful := s.rules ? 'grace' AND NOT is_plain;
			reason := NULL;
			condition := NULL;
			decider := 1;
			ref := NULL;
			falls := false;
			IF (CASE step
				WHEN '2' THEN NOT at_once AND day = ANY (s.own_starts) AND clock = ref_day_start(day, s.zone)
				WHEN '3' THEN x.rank > 0 AND x.valid_until = clock
				WHEN '4' THEN x.rank > 0 AND x.grace_until = clock
				WHEN '5' THEN at_once AND clock = ANY (s.version_starts)
				WHEN '5r' THEN at_once AND day = ANY (s.starts) AND clock = ref_day_start(day, s.zone) AND 0 < ANY (ref_tier_rolled_in(s, day))
				WHEN '6a' THEN at_once AND EXISTS (SELECT FROM unnest(s.counted) e WHERE e.leaves = clock)
				WHEN '8a' THEN at_once AND EXISTS (SELECT FROM unnest(s.counted) e WHERE e.at = clock)
				ELSE x.rank > 0 AND s.rules->>'valid' = 'while_qualified' END)
			THEN
				-- 2, 3 and 4 look at the period that held the microsecond before
				metric_values := ref_tier_measured(s, x, CASE WHEN by_event THEN clock ELSE clock - tick END, clock, CASE WHEN step IN ('2', '3', '4') THEN ((clock - tick) AT TIME ZONE s.zone)::date ELSE day END);
				best := ref_tier_reached(s.rules, s.metrics, metric_values, cardinality(s.names));
				kept := ref_tier_kept(s.rules, s.metrics, metric_values, x.rank);
				-- with an addition validity ends inside a period: what the one before it gives counts, too
				other := NULL;
				IF step = '3' AND s.rules->>'valid' LIKE '%+%' THEN
					other := ref_tier_ended_values(s, x, clock);
				END IF;

				CASE step
				WHEN '2' THEN
					-- what a period's end gives is for the period that begins then
					IF best > x.rank THEN
						reason := 'qualified';
						x.valid_until := ref_tier_validity(s.rules, s.own_starts, clock, true, s.zone);
					ELSIF x.rank > 0 AND kept THEN
						x.grace_until := NULL;
						renewed := ref_tier_validity(s.rules, s.own_starts, clock, true, s.zone);
						IF coalesce(renewed, 'infinity') > coalesce(x.valid_until, 'infinity') THEN
							reason := 'requalified';
							x.valid_until := renewed;
						END IF;
					END IF;

				WHEN '3' THEN
					IF kept OR other IS NOT NULL AND ref_tier_kept(s.rules, s.metrics, other, x.rank) THEN
						reason := 'requalified';
						x.valid_until := ref_tier_validity(s.rules, s.own_starts, clock, true, s.zone);
						metric_values := CASE WHEN kept THEN metric_values ELSE other END;
					ELSIF graceful THEN
						x.grace_until := ref_plus(clock, (s.rules->>'grace')::interval, s.zone);
					ELSE
						falls := true;
						reason := CASE s.rules->>'downgrade' WHEN 'one_level' THEN 'soft landing' ELSE 'lapsed' END;
					END IF;

				WHEN '4' THEN
					falls := true;
					reason := 'grace ended';

				WHEN '5' THEN
					IF best > x.rank THEN
						reason := 'qualified';
						x.valid_until := ref_tier_validity(s.rules, s.own_starts, clock, false, s.zone);
					END IF;

				WHEN '5r', '6a', '8a' THEN
					IF step = '5r' THEN
						raised := true;
					ELSIF step = '6a' THEN
						raised := EXISTS (SELECT FROM unnest(s.counted) e, generate_subscripts(s.metrics, 1) m WHERE e.leaves = clock AND e.counts[m] < 0 AND ref_tier_rolls(s.windows[m]));
					ELSE
						-- a positive contribution, an event counted, or the first of a day that isn't there yet
						SELECT count(*) > 0, (array_agg(s.counted[n].ref ORDER BY n DESC))[1] INTO raised, ref
						FROM generate_subscripts(s.counted, 1) n
						WHERE s.counted[n].at = clock AND EXISTS (
							SELECT FROM generate_subscripts(s.metrics, 1) m
							WHERE s.counted[n].counts[m] > 0 AND (s.of[m] <> 'days' OR s.counted[n].day IS NULL OR NOT EXISTS (
								SELECT FROM generate_series(1, n - 1) b
								WHERE s.counted[b].day = s.counted[n].day AND s.counted[b].counts[m] > 0
								  AND ref_tier_inside(s.counted[b], s.windows[m], clock, clock, ref_tier_period(s.starts, day), x.since))));
					END IF;
					IF raised AND best > x.rank THEN
						reason := 'qualified';
						x.valid_until := ref_tier_validity(s.rules, s.own_starts, clock, false, s.zone);
					ELSIF raised AND x.rank > 0 AND kept THEN
						renewed := ref_tier_validity(s.rules, s.own_starts, clock, step = '6a', s.zone);
						IF coalesce(renewed, 'infinity') > coalesce(x.valid_until, 'infinity') OR x.grace_until IS NOT NULL THEN
							reason := 'requalified';
							x.valid_until := renewed;
						END IF;
						IF s.qualifying_window = 'since tier' THEN
							x.since := clock;
						END IF;
					END IF;

				WHEN '6b', '8b' THEN
					IF kept THEN
						x.grace_until := NULL;
					ELSIF NOT graceful THEN
						falls := true;
						reason := 'lapsed';
						-- the tier below may not hold either
						again := true;
						IF step = '8b' THEN
							ref := (SELECT (array_agg(s.counted[n].ref ORDER BY n DESC))[1] FROM generate_subscripts(s.counted, 1) n
									WHERE s.counted[n].at = clock AND num_nonnulls(VARIADIC s.counted[n].counts) > 0);
						END IF;
					ELSIF x.grace_until IS NULL THEN
						x.grace_until := ref_plus(clock, (s.rules->>'grace')::interval, s.zone);
					END IF;
				END CASE;

				-- ---- what a change brings ----

				condition := CASE WHEN reason = 'qualified' THEN s.rules->'levels'->(best - 1)->'reach' WHEN reason IS NOT NULL THEN s.rules->'levels'->(x.rank - 1)->'keep' END;
				IF reason = 'qualified' THEN
					x.rank := best;
				ELSIF falls THEN
					x.rank := CASE s.rules->>'downgrade' WHEN 'one_level' THEN x.rank - 1 WHEN 'to_base' THEN 0
						ELSE greatest(ref_tier_reached(s.rules, s.metrics, metric_values, x.rank - 1), CASE WHEN other IS NOT NULL THEN ref_tier_reached(s.rules, s.metrics, other, x.rank - 1) END) END;
					x.valid_until := CASE WHEN x.rank > 0 THEN ref_tier_validity(s.rules, s.own_starts, clock, true, s.zone) END;
				END IF;
				IF reason IS NOT NULL THEN
					x.grace_until := NULL;
					x.since := CASE WHEN by_event THEN clock ELSE clock - tick END;
					decider := ref_tier_decider(condition, s.metrics, metric_values, s.rules->>'threshold', falls);
					x.metric := s.metrics[decider];
					x.value := metric_values[decider];
					x.ref := ref;
				END IF;
			END IF;

			IF is_plain THEN
				s.plain := x;
				CONTINUE;
			END IF;
			s.held := x;
			-- a fall ends where it would without grace
			IF NOT falls AND reason IS NOT NULL THEN
				s := ref_tier_effect(s, clock, reason, (s.held).metric, (s.held).value, (s.held).ref);
			END IF;
			IF s.with_grace AND ((s.plain).rank, coalesce((s.plain).valid_until, 'infinity')) > ((s.held).rank, coalesce((s.held).valid_until, 'infinity')) THEN
				IF NOT falls THEN
					reason := CASE WHEN (s.plain).rank > (s.held).rank THEN 'qualified' ELSE 'requalified' END;
					x := s.plain;
				END IF;
				s.held := s.plain;
				falls := true;
			END IF;
			IF falls THEN
				s := ref_tier_effect(s, clock, reason, x.metric, x.value, x.ref);
			END IF;
		END LOOP;
		IF again THEN
			steps := step || steps;
		END IF;
	END LOOP;
	RETURN s;
END $$;

-- When something falls due next.
CREATE FUNCTION ref_tier_due(s ref_tier_machine, now timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
	SELECT min(t) FROM unnest(ARRAY[(s.held).valid_until, (s.held).grace_until, CASE WHEN s.with_grace THEN (s.plain).valid_until END]) t WHERE t > now
$$;

-- ---- the walk ----

-- The customer at the beginning of membership, with all that will be counted; NULL: not a member by then.
CREATE FUNCTION ref_tier_customer(events jsonb, written jsonb, known timestamptz, until timestamptz) RETURNS ref_tier_machine
LANGUAGE plpgsql AS $$
DECLARE
	policy jsonb := ref_tier_policy(written);
	join_kind text := coalesce(policy->>'join_kind', 'join');
	grant_kind text := coalesce(policy->>'grant_kind', 'tier_grant');
	member_since timestamptz;
	member_ref text;
	s ref_tier_machine;
	r record;
BEGIN
	FOR r IN SELECT e.* FROM ref_tier_timeline(events) e WHERE e.at <= known LOOP
		IF r.kind = grant_kind AND (r.label = coalesce(policy->>'base', 'Member') OR EXISTS (SELECT FROM jsonb_array_elements(ref_tier_rules(policy, '-infinity')->'levels') l WHERE l->>'tier' = r.label)) IS NOT TRUE THEN
			RAISE EXCEPTION 'unknown tier %', coalesce(r.label, 'absent') USING ERRCODE = '22023';
		ELSIF NOT ref_tier_known_kind(policy, r.kind) AND coalesce(policy->>'other_kinds', 'error') <> 'ignore' THEN
			RAISE EXCEPTION 'unknown kind "%"', r.kind USING ERRCODE = '22023';
		END IF;
	END LOOP;
	SELECT e.at, e.ref INTO member_since, member_ref FROM ref_tier_timeline(events) e WHERE ref_tier_known_kind(policy, e.kind)
	ORDER BY e.kind IS NOT DISTINCT FROM join_kind DESC, e.n LIMIT 1;
	IF member_since > until OR member_since > known OR member_since IS NULL THEN
		RETURN NULL;
	END IF;
	s := ref_tier_machine(policy, ref_zone(policy), member_since, member_ref, (until AT TIME ZONE ref_zone(policy))::date);
	s.unit := power(10::numeric, -coalesce((SELECT max(scale((e->>'value')::numeric)) FROM jsonb_array_elements(events) e), 0));
	s.counted := coalesce((
		SELECT array_agg(ref_tier_counted(s, e.at, e.ref, (
			SELECT array_agg(ref_tier_counts(coalesce(policy->'metrics'->name, '{}'), e.kind, e.label, e.value) ORDER BY n) FROM unnest(s.metrics) WITH ORDINALITY u(name, n))) ORDER BY e.n)
		FROM ref_tier_timeline(events) e
		WHERE e.at BETWEEN member_since AND known AND e.kind IS DISTINCT FROM join_kind AND e.kind IS DISTINCT FROM grant_kind AND ref_tier_known_kind(policy, e.kind)), '{}');
	s.grants := coalesce((
		SELECT array_agg(ROW(greatest(e.at, member_since), nullif(e.expires_at, 'infinity'), coalesce(array_position(s.names, e.label), 0), e.ref)::ref_tier_grant ORDER BY e.n)
		FROM ref_tier_timeline(events) e
		WHERE e.kind = grant_kind AND e.at <= known AND coalesce(e.expires_at, 'infinity') > greatest(e.at, member_since)), '{}');
	RETURN s;
END $$;

--
-- One customer's tiers through the instant until, where events after the instant known don't
-- exist. NULL: not yet a member. An object with
--   history           ref_tier_change, in order
--   rank, valid_until the effective ones
--   rule_rank         that of the rules alone
--   grace_until       where grace runs
--   granted           whether a grant of the rank or above runs
--   ends              when the effective tier ends, grace that runs included, if nothing more happens; NULL: it doesn't
--   values            of the measures
--   moments           the instants at which something could happen
--   rollovers         what the periods came to, the one that holds until as if it ended then
-- With more, an amount for each measure, these amounts are there at the instant more_at. With no_rollover nothing rolls over at the instant until.
--
CREATE FUNCTION ref_tier_walk(events jsonb, policy jsonb, known timestamptz, until timestamptz, more numeric[] DEFAULT NULL, more_at timestamptz DEFAULT NULL, no_rollover boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	s ref_tier_machine := ref_tier_customer(events, policy, known, until);
	-- the instants at which something can happen, but for the ends of validity and grace
	moments timestamptz[];
	clock timestamptz;
BEGIN
	IF s IS NULL OR s.member_since IS NULL THEN
		RETURN CASE WHEN NOT EXISTS (SELECT FROM ref_tier_timeline(events) e WHERE ref_tier_known_kind(ref_tier_policy(policy), e.kind))
			THEN jsonb_build_object('history', '[]'::jsonb, 'rank', 0, 'rule_rank', 0, 'values', array_fill(0, ARRAY[cardinality(ref_tier_metrics(ref_tier_policy(policy)))]), 'moments', '[]'::jsonb, 'rollovers', '[]'::jsonb) END;
	END IF;
	IF more IS NOT NULL THEN
		s.counted := s.counted || ROW(more_at, NULL, NULL, ref_tier_period(s.starts, (more_at AT TIME ZONE s.zone)::date), 'infinity', more)::ref_tier_event;
	END IF;
	SELECT array_agg(DISTINCT m ORDER BY m) INTO moments
	FROM (SELECT at FROM unnest(s.counted) UNION SELECT leaves FROM unnest(s.counted) UNION SELECT begins FROM unnest(s.grants) UNION SELECT ends FROM unnest(s.grants)
		  UNION SELECT unnest(s.version_starts) UNION SELECT ref_day_start(start, s.zone) FROM unnest(s.starts) start) u(m)
	WHERE m > s.member_since AND m <= until;
	moments := s.member_since || coalesce(moments, '{}');

	clock := s.member_since;
	LOOP
		s := ref_tier_step(s, clock, CASE WHEN clock = s.member_since THEN '{joined,grants,8a,8b}'::text[]
			ELSE '{2,3,4}'::text[] || CASE WHEN NOT (no_rollover AND clock = until) THEN '{rollover}'::text[] END || '{5,5r,6a,6b,grants,grants end,8a,8b}'::text[] END);
		clock := least((SELECT min(m) FROM unnest(moments) m WHERE m > clock), ref_tier_due(s, clock));
		EXIT WHEN clock IS NULL OR clock > until;
		IF clock <> ALL (moments) THEN
			moments := moments || clock;
		END IF;
	END LOOP;

	RETURN jsonb_build_object('history', to_jsonb(s.history), 'rank', s.now_rank, 'valid_until', s.now_until, 'rule_rank', (s.held).rank, 'grace_until', (s.held).grace_until,
		'granted', EXISTS (SELECT FROM unnest(s.running) n WHERE s.grants[n].rank >= s.now_rank),
		'ends', nullif(greatest(CASE WHEN (s.held).rank = s.now_rank AND (s.held).rank > 0 THEN coalesce((s.held).grace_until, CASE WHEN (s.held).valid_until > until THEN (s.held).valid_until END, 'infinity') END,
			(SELECT max(coalesce(s.grants[n].ends, 'infinity')) FROM unnest(s.running) n WHERE s.grants[n].rank = s.now_rank AND s.now_rank > 0)), 'infinity'),
		'values', ref_tier_measured(s, s.held, until, until, (until AT TIME ZONE s.zone)::date),
		'moments', to_jsonb(moments),
		'rollovers', s.rollovers || coalesce((SELECT jsonb_agg(r) FROM ref_tier_period_ends(s, until, until, (until AT TIME ZONE s.zone)::date) r), '[]'));
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

-- By measure: its value over the period that ended before the one that holds the microsecond before t.
CREATE FUNCTION ref_tier_ended_values(s ref_tier_machine, x ref_tier_state, t timestamptz) RETURNS numeric[]
LANGUAGE sql AS $$
	SELECT ref_tier_measured(s, x, t - interval '1 microsecond', t, ref_tier_period(s.starts, ((t - interval '1 microsecond') AT TIME ZONE s.zone)::date) - 1)
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

-- The walk's changes as rows that hold from valid_from to valid_to. With requalifications all of them, with what was promised
-- then; without, a row is a spell, as long as the rank is the same: what it began with, and what was promised when it ended.
CREATE FUNCTION ref_tier_rows(walk jsonb, requalifications boolean) RETURNS SETOF ref_tier_row
LANGUAGE sql AS $$
	SELECT tier, rank, from_tier, valid_from, lead(valid_from) OVER (ORDER BY n),
		CASE WHEN requalifications THEN valid_until WHEN n = max(n) OVER () THEN (walk->>'valid_until')::timestamptz ELSE lead(promised) OVER (ORDER BY n) END, reason, metric, value, ref
	FROM (SELECT c.*, rank IS DISTINCT FROM lag(rank) OVER (ORDER BY n) AS begins
		  FROM (SELECT c.*, row_number() OVER () AS n FROM jsonb_populate_recordset(NULL::ref_tier_change, walk->'history') c) c) c
	WHERE requalifications OR begins
	ORDER BY n
$$;

CREATE FUNCTION ref_tier_history(events jsonb, policy jsonb, until timestamptz, requalifications boolean DEFAULT false) RETURNS SETOF ref_tier_row
LANGUAGE sql AS $$ SELECT h.* FROM ref_tier_rows(ref_tier_walk(events, policy, until, until), requalifications) h $$;

CREATE FUNCTION ref_tier_at(events jsonb, policy jsonb, instant timestamptz) RETURNS text
LANGUAGE sql AS $$ SELECT ref_tier_name(policy, (ref_tier_walk(events, policy, instant, instant)->>'rank')::int) $$;

-- The smallest amount of a measure: with the decimals of the values and of the threshold, a cent at most; of events and days, one.
CREATE FUNCTION ref_tier_unit(of text, events jsonb, needs numeric, cents int DEFAULT 2) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN of <> 'sum' THEN 1
		ELSE trim_scale(power(10::numeric, -greatest((SELECT max(scale((e->>'value')::numeric)) FROM jsonb_array_elements(events) e), scale(trim_scale(needs)), cents))) END
$$;

-- The least multiple of a unit that meets what is needed.
CREATE FUNCTION ref_tier_target(needs numeric, unit numeric, threshold text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN threshold = 'exceeded' THEN (floor(needs / unit) + 1) * unit ELSE ceil(needs / unit) * unit END $$;

-- How much of a measure a set asks for beyond a value; NULL where it doesn't ask for that measure.
CREATE FUNCTION ref_tier_missing_of_set(needs_of jsonb, metric text, of text, value numeric, events jsonb, threshold text, cents int DEFAULT 2) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN needs IS NOT NULL THEN greatest(ref_tier_target(needs, ref_tier_unit(of, events, needs, cents), threshold) - value, 0) END
	FROM (SELECT (needs_of->>metric)::numeric) c(needs)
$$;

-- What is missing, set by set: each set lacks the most of its numbers; a metric has the number of the set, of those that
-- ask for it, which lacks least, and of equals of the first. NULLs are left out of the most, and a set with one comes last.
CREATE TYPE ref_tier_lack AS (way int, metric text, missing numeric);

CREATE FUNCTION ref_tier_least_missing(lacks ref_tier_lack[], metric_asked text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT l.missing FROM unnest(lacks) l JOIN (SELECT way, max(missing) AS most, bool_or(missing IS NULL) AS open FROM unnest(lacks) GROUP BY way) w USING (way)
	WHERE l.metric = metric_asked ORDER BY w.open, w.most, way LIMIT 1
$$;

CREATE FUNCTION ref_tier_lacks(condition jsonb, metrics text[], of text[], metric_values numeric[], events jsonb, threshold text, cents int DEFAULT 2) RETURNS ref_tier_lack[]
LANGUAGE sql IMMUTABLE AS $$
	SELECT array_agg(ROW(way, metrics[k], ref_tier_missing_of_set(needs, metrics[k], of[k], metric_values[k], events, threshold, cents))::ref_tier_lack ORDER BY way, k)
	FROM jsonb_array_elements(nullif(condition, 'null')) WITH ORDINALITY e(needs, way), generate_subscripts(metrics, 1) k WHERE needs ? metrics[k]
$$;

-- The next rank that somebody can reach; NULL at the top.
CREATE FUNCTION ref_tier_next_rank(rules jsonb, rank int) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
	SELECT min(n)::int FROM jsonb_array_elements(rules->'levels') WITH ORDINALITY l(l, n) WHERE n > rank AND jsonb_typeof(l->'reach') = 'array'
$$;

-- What keeping an effective rank takes: reaching it, where a grant lifts above the rules' rank; NULL at the base.
CREATE FUNCTION ref_tier_keeping(rules jsonb, rank int, rule_rank int) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN rank > 0 THEN rules->'levels'->(rank - 1)->CASE WHEN rank > rule_rank THEN 'reach' ELSE 'keep' END END $$;

-- Is a rank kept to the end of the tier, and without a grace that runs then, where these amounts come at its last instant?
CREATE FUNCTION ref_tier_kept_with(events jsonb, policy jsonb, known timestamptz, ends timestamptz, rank int, more numeric[]) RETURNS boolean
LANGUAGE sql AS $$
	SELECT (w->'rank')::int >= rank AND NOT ((w->'rule_rank')::int = rank AND w->>'grace_until' IS NOT NULL AND NOT (w->'granted')::boolean)
	FROM ref_tier_walk(events, policy, known, ends, more, ends - interval '1 microsecond', true) w
$$;

-- What each measure of each set must still come to by the end of the tier: tried out. The amounts to try are those at which some
-- threshold is just met, at the last instant or after it; that a unit less isn't enough is tried, too. NULL: there is nothing to keep.
CREATE FUNCTION ref_tier_missing_to_keep(events jsonb, written jsonb, known timestamptz, state jsonb) RETURNS ref_tier_lack[]
LANGUAGE plpgsql AS $$
DECLARE
	policy jsonb := ref_tier_policy(written);
	zone text := ref_zone(policy);
	metrics text[] := ref_tier_metrics(policy);
	of text[] := (SELECT array_agg(coalesce(policy->'metrics'->m->>'of', 'sum') ORDER BY n) FROM unnest(metrics) WITH ORDINALITY u(m, n));
	rank int := state->'rank';
	ends timestamptz := state->>'ends';
	last timestamptz := ends - interval '1 microsecond';
	rules jsonb;
	later jsonb;
	condition jsonb;
	needs jsonb;
	way int;
	at_last numeric[];
	at_end numeric[];
	more numeric[];
	unit numeric;
	amount numeric;
	of_set numeric[];
	is_kept boolean;
	answer ref_tier_lack[];
BEGIN
	IF ends IS NULL OR rank = 0 THEN
		RETURN NULL;
	END IF;
	rules := ref_tier_rules(policy, (last AT TIME ZONE zone)::date);
	later := ref_tier_rules(policy, (ends AT TIME ZONE zone)::date);
	condition := ref_tier_keeping(rules, rank, (state->'rule_rank')::int);
	at_last := (SELECT array_agg(v::numeric ORDER BY n) FROM jsonb_array_elements_text(ref_tier_walk(events, policy, known, last)->'values') WITH ORDINALITY u(v, n));
	at_end := (SELECT array_agg(v::numeric ORDER BY n) FROM jsonb_array_elements_text(ref_tier_walk(events, policy, known, ends, no_rollover => true)->'values') WITH ORDINALITY u(v, n));
	is_kept := ref_tier_kept_with(events, policy, known, ends, rank, array_fill(0::numeric, ARRAY[cardinality(metrics)]));
	FOR needs, way IN SELECT n, w FROM jsonb_array_elements(nullif(condition, 'null')) WITH ORDINALITY e(n, w) ORDER BY w LOOP
		of_set := array_fill(NULL::numeric, ARRAY[cardinality(metrics)]);
		FOR m IN 1 .. cardinality(metrics) LOOP
			CONTINUE WHEN NOT needs ? metrics[m];
			IF is_kept THEN
				of_set[m] := 0;
				CONTINUE;
			END IF;
			unit := ref_tier_unit(of[m], events, (needs->>metrics[m])::numeric);
			-- the others of the set hold
			more := (SELECT array_agg(coalesce(ref_tier_missing_of_set(needs, metrics[k], of[k], at_last[k], events, rules->>'threshold'), 0) ORDER BY k)
				FROM generate_subscripts(metrics, 1) k);
			FOR amount IN
				SELECT DISTINCT a FROM (
					SELECT unnest(ARRAY[0, unit])
					UNION ALL SELECT greatest(ref_tier_missing_of_set(asked, metrics[m], of[m], v, events, r->>'threshold'), unit)
					FROM unnest(ARRAY[rules, later]) r, jsonb_array_elements(r->'levels') l, unnest(ARRAY[l->'reach', l->'keep']) c,
						jsonb_array_elements(CASE jsonb_typeof(c) WHEN 'array' THEN c END) asked, unnest(ARRAY[at_last[m], at_end[m]]) v) x(a)
				WHERE a IS NOT NULL ORDER BY 1
			LOOP
				more[m] := ceil(amount / unit) * unit;
				IF ref_tier_kept_with(events, policy, known, ends, rank, more) THEN
					of_set[m] := more[m];
					more[m] := more[m] - unit;
					IF more[m] > 0 AND ref_tier_kept_with(events, policy, known, ends, rank, more) THEN
						RAISE EXCEPTION 'less than % of % keeps rank %, as of %: % %', of_set[m], metrics[m], rank, known, policy, events;
					END IF;
					EXIT;
				END IF;
			END LOOP;
		END LOOP;
		-- amounts that reach something else than what is asked for, each by itself, may not do together
		IF NOT is_kept AND (SELECT bool_and(of_set[k] IS NOT NULL) FROM generate_subscripts(metrics, 1) k WHERE needs ? metrics[k])
			AND NOT ref_tier_kept_with(events, policy, known, ends, rank, (SELECT array_agg(coalesce(a, 0) ORDER BY n) FROM unnest(of_set) WITH ORDINALITY u(a, n))) THEN
			of_set := (SELECT array_agg(ref_tier_missing_of_set(needs, metrics[k], of[k], at_last[k], events, rules->>'threshold') ORDER BY k) FROM generate_subscripts(metrics, 1) k);
		END IF;
		answer := answer || (SELECT array_agg(ROW(way, metrics[k], of_set[k])::ref_tier_lack ORDER BY k) FROM generate_subscripts(metrics, 1) k WHERE needs ? metrics[k]);
	END LOOP;
	RETURN answer;
END $$;

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
	of text[] := (SELECT array_agg(coalesce(ref_tier_policy(policy)->'metrics'->m->>'of', 'sum') ORDER BY n) FROM unnest(metrics) WITH ORDINALITY u(m, n));
	to_keep ref_tier_lack[];
	metric_values numeric[];
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

	to_keep := ref_tier_missing_to_keep(events, policy, known, state);
	metric_values := (SELECT array_agg(v::numeric ORDER BY n) FROM jsonb_array_elements_text(state->'values') WITH ORDINALITY u(v, n));

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
		value := metric_values[i];
		missing_to_next := ref_tier_least_missing(ref_tier_lacks(next_needs, metrics, of, metric_values, events, rules->>'threshold'), metric);
		missing_to_keep := ref_tier_least_missing(to_keep, metric);
		missing_as_of := ref_tier_least_missing(ref_tier_lacks(keep_needs, metrics, of, metric_values, events, rules->>'threshold'), metric);
		RETURN NEXT;
	END LOOP;
END $$;

-- The ways to each tier above the one that is held; see tier_ways.
CREATE FUNCTION ref_tier_ways(events jsonb, policy jsonb, as_of date)
RETURNS TABLE(tier text, rank int, way int, metric text, value numeric, threshold numeric, missing numeric)
LANGUAGE sql AS $$
	SELECT ref_tier_name(policy, r), r, (k).way, (k).metric, v[i], (l->'reach'->((k).way - 1)->>(k).metric)::numeric, (k).missing
	FROM (SELECT ref_tier_walk(events, policy, ref_tier_day_end(policy, as_of), ref_tier_day_end(policy, as_of)), ref_tier_rules(ref_tier_policy(policy), as_of), ref_tier_metrics(ref_tier_policy(policy))) s(state, rules, metrics),
		LATERAL (SELECT array_agg(t::numeric ORDER BY n) FROM jsonb_array_elements_text(state->'values') WITH ORDINALITY u(t, n)) x(v),
		LATERAL (SELECT l, n::int FROM jsonb_array_elements(rules->'levels') WITH ORDINALITY e(l, n)) e(l, r),
		unnest(ref_tier_lacks(nullif(l->'reach', 'null'), metrics, (SELECT array_agg(coalesce(ref_tier_policy(policy)->'metrics'->m->>'of', 'sum') ORDER BY n) FROM unnest(metrics) WITH ORDINALITY u(m, n)),
			v, events, rules->>'threshold')) k,
		LATERAL (SELECT array_position(metrics, (k).metric)) p(i)
	WHERE state IS NOT NULL AND r > (state->'rank')::int
	ORDER BY r, (k).way, i
$$;

-- What rolls over, period by period; see tier_rollover.
CREATE FUNCTION ref_tier_rollover(events jsonb, policy jsonb, as_of date)
RETURNS TABLE(period_start date, period_end date, metric text, rolled_in numeric, earned numeric, value numeric, tier text, threshold numeric, rolls_over numeric, complete boolean)
LANGUAGE sql AS $$
	SELECT (r->>'start')::date, next, r->>'metric', (r->>'rolled_in')::numeric, (r->>'value')::numeric - (r->>'rolled_in')::numeric, (r->>'value')::numeric,
		ref_tier_name(policy, (r->>'attained')::int), (r->>'threshold')::numeric, (r->>'rolls_over')::numeric, next <= as_of + 1
	FROM jsonb_array_elements(ref_tier_walk(events, policy, ref_tier_day_end(policy, as_of), ref_tier_day_end(policy, as_of))->'rollovers') WITH ORDINALITY e(r, n),
		-- the last one of a list has no end
		LATERAL (SELECT coalesce((r->>'next')::date, 'infinity')) i(next)
	WHERE (r->>'rolled_in')::numeric <> 0 OR (r->>'value')::numeric <> 0 OR next > as_of
	ORDER BY n
$$;

-- By the reaching thresholds of a day alone.
CREATE FUNCTION ref_tier_for(value numeric, policy jsonb, day date) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT ref_tier_name(policy, ref_tier_reached(ref_tier_rules(ref_tier_policy(policy), day), ref_tier_metrics(policy), ARRAY[value], 1000))
$$;
