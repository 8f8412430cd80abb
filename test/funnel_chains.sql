--
-- Funnels of sets, optional steps, exclusions, held properties, conversions and periods: worked cases, and all of them
-- against a search through all chains.
--
-- Longer: psql -v cases=100000
--
\ir reference/setup.sql
\if :{?cases}
\else
	\set cases 300
\endif
BEGIN;
SELECT * FROM no_plan();
\ir reference/funnel_chains.sql

CREATE FUNCTION written(c chains_case) RETURNS text[]
LANGUAGE sql AS $$ SELECT array_agg(CASE WHEN barred THEN '!' ELSE '' END || array_to_string(names, '|') || CASE WHEN optional THEN '?' ELSE '' END ORDER BY n) FROM unnest(c.elements) WITH ORDINALITY AS e(names, optional, barred, n) $$;
CREATE FUNCTION timeline_of(c chains_case) RETURNS event_timeline
LANGUAGE sql AS $$ SELECT timeline_agg(make_event(at => at, kind => name, ref => ref)) FROM unnest(c.events) $$;
CREATE FUNCTION funnel_of(c chains_case) RETURNS timestamptz[]
LANGUAGE sql AS $$ SELECT f.at FROM funnel(timeline_of(c), written(c), c.within, c.mode, 'kind', c.step_within, hold => CASE WHEN c.hold THEN 'ref' END) f $$;
CREATE FUNCTION conversions_of(c chains_case) RETURNS SETOF timestamptz[]
LANGUAGE sql AS $$ SELECT f.at FROM funnel_conversions(timeline_of(c), written(c), c.within, c.mode, 'kind', c.step_within, hold => CASE WHEN c.hold THEN 'ref' END) f $$;

-- By period, of 4 minutes from midnight in a zone where that is a day: periods are days, so the case is stretched.
CREATE FUNCTION stretched(c chains_case) RETURNS chains_case
LANGUAGE sql AS $$
	SELECT (ARRAY(SELECT (timestamptz '2024-06-01' + (at - timestamptz '2024-06-01') * 360, name, ref)::chain_event FROM unnest(c.events)), c.elements, coalesce(c.within, '8 minutes') * 360, c.mode, ARRAY(SELECT s * 360 FROM unnest(c.step_within) s), c.hold)::chains_case
$$;
CREATE FUNCTION by_period_of(c chains_case) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT concat_ws(' ', t.period_start, t.step, t.reached, t.eligible, t.median_from_previous)
	FROM funnel_by_period_table((SELECT funnel_by_period(timelines(1, at, name), written(c), c.within, 'day', c.mode, 'kind', nullif(c.step_within, '{}'), '2024-06-02') FROM unnest(c.events))) t WHERE t.reached > 0
$$;
-- Whose first try has all its time by the end of 2 June is eligible; times are from the level before, or to an optional
-- step from what was taken before it.
CREATE FUNCTION ref_by_period(c chains_case) RETURNS SETOF text
LANGUAGE sql AS $$
	WITH known AS (SELECT (ARRAY(SELECT e::chain_event FROM unnest(c.events) e WHERE at < '2024-06-03'), c.elements, c.within, c.mode, nullif(c.step_within, '{}'), false)::chains_case AS k),
	period AS (SELECT d::date AS day, ref_funnel_of(k, d, d + interval '1 day') AS ats FROM known, generate_series(timestamptz '2024-06-01', '2024-06-02', '1 day') d),
	tried AS (SELECT at::date AS day, min(at) AS at FROM unnest(c.events) WHERE name = ANY ((c.elements[1]).names) GROUP BY 1),
	step AS (SELECT s.*, (SELECT max(b.step) FROM ref_steps(c) b WHERE b.step < s.step AND NOT b.optional) AS level_before FROM ref_steps(c) s),
	windows AS (SELECT CASE WHEN count(*) = count(w) THEN sum(w) END AS together FROM (SELECT CASE cardinality(c.step_within) WHEN 1 THEN c.step_within[1] ELSE c.step_within[s.step - 1] END AS w FROM step s WHERE s.step > 1 AND NOT s.optional) s)
	SELECT concat_ws(' ', p.day, s.step, 1, (t.at + least(c.within, CASE WHEN cardinality(c.step_within) > 0 OR (SELECT count(*) FROM step WHERE NOT optional) = 1 THEN coalesce(w.together, CASE WHEN (SELECT count(*) FROM step WHERE NOT optional) = 1 THEN interval '0' END) END) < '2024-06-03')::int,
		CASE WHEN s.step > 1 THEN p.ats[s.step] - CASE WHEN s.optional THEN (SELECT max(a) FROM unnest(p.ats[:s.step - 1]) a) ELSE p.ats[s.level_before] END END)
	FROM period p JOIN tried t USING (day) CROSS JOIN step s CROSS JOIN windows w
	WHERE p.ats[s.step] IS NOT NULL ORDER BY p.day, s.step
$$;

CREATE FUNCTION differs(c chains_case) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	have text;
	want text;
	s chains_case := stretched(c);
BEGIN
	have := funnel_of(c)::text;
	want := ref_funnel_of(c)::text;
	IF have IS DISTINCT FROM want THEN
		RETURN format('funnel: %s, and not %s', have, want);
	END IF;
	have := ARRAY(SELECT a::text FROM conversions_of(c) a ORDER BY 1)::text;
	want := ARRAY(SELECT a::text FROM ref_conversions(c) a ORDER BY 1)::text;
	IF have IS DISTINCT FROM want THEN
		RETURN format('conversions: %s, and not %s', have, want);
	END IF;
	have := (SELECT count(*) FROM conversions_of(c) a WHERE cardinality(a) = (SELECT max(step) FROM ref_steps(c)));
	want := ref_most_conversions(c);
	IF have IS DISTINCT FROM want THEN
		RETURN format('most conversions: %s, and not %s', have, want);
	END IF;
	IF NOT c.hold THEN
		have := ARRAY(SELECT by_period_of(s))::text;
		want := ARRAY(SELECT ref_by_period(s))::text;
		IF have IS DISTINCT FROM want THEN
			RETURN format('by period: %s, and not %s', have, want);
		END IF;
	END IF;
	RETURN NULL;
END $$;

-- Leaves out events as long as the two still differ.
CREATE FUNCTION smallest(c chains_case) RETURNS chains_case
LANGUAGE plpgsql AS $$
DECLARE
	smaller chains_case;
BEGIN
	FOR i IN 1 .. cardinality(c.events) LOOP
		smaller := c;
		smaller.events := c.events[:i - 1] || c.events[i + 1:];
		IF cardinality(smaller.events) > 0 AND differs(smaller) IS NOT NULL THEN
			RETURN smallest(smaller);
		END IF;
	END LOOP;
	RETURN c;
END $$;

CREATE FUNCTION compare_chains(cases int) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	c chains_case;
	failed chains_case;
	failures int := 0;
	deep int := 0;
	several int := 0;
	optional int := 0;
BEGIN
	FOR i IN 1 .. cases LOOP
		c := random_chains();
		IF differs(c) IS NOT NULL THEN
			failures := failures + 1;
			c := smallest(c);
			IF failed IS NULL OR cardinality(c.events) < cardinality(failed.events) THEN
				failed := c;
			END IF;
		END IF;
		deep := deep + (cardinality(funnel_of(c)) > 2)::int;
		several := several + ((SELECT count(*) FROM conversions_of(c)) > 1)::int;
		optional := optional + EXISTS (SELECT FROM ref_steps(c) s WHERE s.optional AND (funnel_of(c))[s.step] IS NOT NULL)::int;
	END LOOP;
	RETURN NEXT is(failures, 0, 'chains are those of a search through all');
	IF failures > 0 THEN
		RETURN NEXT diag(format('%s of %s: %s', written(failed), failed, differs(failed)));
	END IF;
	RETURN NEXT cmp_ok(deep, '>', cases / 10, '... some of them deep');
	RETURN NEXT cmp_ok(several, '>', cases / 10, '... some with several conversions');
	RETURN NEXT cmp_ok(optional, '>', cases / 40, '... some with optional steps');
END $$;

SET timezone = 'UTC';
SELECT setseed(0.20240608);
SELECT * FROM compare_chains(:cases);

SELECT * FROM finish();
ROLLBACK;
