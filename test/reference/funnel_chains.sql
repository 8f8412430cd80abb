--
-- Funnels with sets, optional steps, what is barred, a property that is held, conversions and periods, as they are
-- defined: every chain there is, and then the one that wins. Slow and obvious. Steps come taken apart, so that how they
-- are written isn't trusted either.
--
CREATE TYPE chain_event AS (at timestamptz, name text, ref int);
CREATE TYPE chain_element AS (names text[], optional boolean, barred boolean);
CREATE TYPE chains_case AS (events chain_event[], elements chain_element[], within interval, mode text, step_within interval[], hold boolean);

-- Steps and levels of a case: elements that aren't barred, and those of them that aren't optional; a level has the
-- names that may not come between it and the next one.
CREATE FUNCTION ref_steps(c chains_case) RETURNS TABLE (step int, names text[], optional boolean, level int, barred text[])
LANGUAGE sql STABLE AS $$
	WITH element AS (SELECT * FROM unnest(c.elements) WITH ORDINALITY AS e(names, optional, barred, n)),
	numbered AS (
		SELECT *, (count(*) FILTER (WHERE NOT barred) OVER w)::int AS step, (count(*) FILTER (WHERE NOT barred AND NOT optional) OVER w)::int AS level
		FROM element WINDOW w AS (ORDER BY n))
	SELECT s.step, s.names, s.optional, s.level, coalesce((SELECT array_agg(b.name) FROM (SELECT unnest(n.names) AS name FROM numbered n WHERE n.barred AND n.level = s.level) b), '{}')
	FROM numbered s WHERE NOT s.barred ORDER BY s.n
$$;

-- All chains of some events, by levels, that start in [since, until).
CREATE FUNCTION ref_chains(c chains_case, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity') RETURNS TABLE (depth int, ids bigint[], ats timestamptz[])
LANGUAGE sql STABLE AS $$
	WITH RECURSIVE event AS MATERIALIZED (SELECT * FROM unnest(c.events) WITH ORDINALITY AS e(at, name, ref, id)),
	level AS MATERIALIZED (SELECT * FROM ref_steps(c) WHERE NOT optional),
	listed AS MATERIALIZED (SELECT DISTINCT unnest(names) AS name FROM level),
	chain AS (
		SELECT 1 AS depth, ARRAY[id] AS ids, ARRAY[at] AS ats FROM event, level WHERE level.level = 1 AND name = ANY (names) AND at >= since AND at < until
		UNION ALL
		SELECT h.depth + 1, h.ids || e.id, h.ats || e.at
		FROM chain h JOIN level l ON l.level = h.depth JOIN level n ON n.level = h.depth + 1 JOIN event e ON e.name = ANY (n.names)
		WHERE NOT e.id = ANY (h.ids)
			AND CASE c.mode WHEN 'strictly_increasing' THEN e.at > h.ats[h.depth] ELSE e.at >= h.ats[h.depth] END
			AND (c.within IS NULL OR e.at <= h.ats[1] + c.within)
			AND coalesce(e.at <= h.ats[h.depth] + CASE cardinality(c.step_within) WHEN 1 THEN c.step_within[1] ELSE c.step_within[n.step - 1] END, true)
			AND NOT EXISTS (SELECT FROM event b WHERE b.at > h.ats[h.depth] AND b.at < e.at
				AND (b.name = ANY (l.barred) OR (c.mode = 'strict_order' AND b.name IN (SELECT name FROM listed) AND NOT b.name = ANY (l.names || n.names)))))
	SELECT * FROM chain
$$;

-- The chain that wins, by step, with the optional ones on its way; NULL where there is none.
CREATE FUNCTION ref_winner(c chains_case, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity', OUT depth int, OUT ats timestamptz[], OUT steps timestamptz[])
LANGUAGE sql STABLE AS $$
	WITH RECURSIVE event AS MATERIALIZED (SELECT * FROM unnest(c.events) WITH ORDINALITY AS e(at, name, ref, id)),
	step AS MATERIALIZED (SELECT * FROM ref_steps(c)),
	listed AS MATERIALIZED (SELECT DISTINCT unnest(names) AS name FROM step WHERE NOT optional),
	chain AS MATERIALIZED (SELECT * FROM ref_chains(c, since, until)),
	best AS (SELECT * FROM chain h ORDER BY h.depth DESC, h.ats[h.depth], h.ats[1] DESC, h.ats LIMIT 1),
	-- whichever events it is made of
	same AS (SELECT h.* FROM chain h, best b WHERE h.ats = b.ats),
	way AS (
		SELECT 1 AS step, same.depth, same.ats, same.ids, same.ats[1:1] AS steps, same.ats[1] AS before FROM same
		UNION ALL
		SELECT s.step, w.depth, w.ats, CASE WHEN o.id IS NULL THEN w.ids ELSE w.ids || o.id END, w.steps || CASE WHEN s.optional THEN o.at WHEN s.level <= w.depth THEN w.ats[s.level] END,
			CASE WHEN s.optional THEN coalesce(o.at, w.before) WHEN s.level <= w.depth THEN w.ats[s.level] END
		FROM way w JOIN step s ON s.step = w.step + 1 CROSS JOIN LATERAL (
			SELECT NULL::bigint AS id, NULL::timestamptz AS at
			UNION ALL
			SELECT e.id, e.at FROM event e
			WHERE s.optional AND s.level <= w.depth AND e.name = ANY (s.names) AND NOT e.id = ANY (w.ids)
				AND CASE c.mode WHEN 'strictly_increasing' THEN e.at > w.before AND (s.level = w.depth OR e.at < w.ats[s.level + 1]) ELSE e.at >= w.before AND (s.level = w.depth OR e.at <= w.ats[s.level + 1]) END
				AND (c.within IS NULL OR e.at <= w.ats[1] + c.within)
				AND coalesce(e.at <= w.before + CASE cardinality(c.step_within) WHEN 1 THEN c.step_within[1] ELSE c.step_within[s.step - 1] END, true)
				AND NOT (s.level = w.depth AND EXISTS (SELECT FROM event b JOIN step l ON l.level = w.depth AND NOT l.optional LEFT JOIN step n ON n.level = w.depth + 1 AND NOT n.optional
					WHERE b.at > w.ats[w.depth] AND b.at < e.at
					AND (b.name = ANY (l.barred) OR (c.mode = 'strict_order' AND b.name IN (SELECT name FROM listed) AND NOT b.name = ANY (l.names || coalesce(n.names, '{}'))))))) o)
	SELECT w.depth, w.ats, w.steps FROM way w WHERE w.step = (SELECT max(step) FROM step) ORDER BY w.steps LIMIT 1
$$;

-- The case of each value that is held; of all events where nothing is.
CREATE FUNCTION ref_parts(c chains_case) RETURNS SETOF chains_case
LANGUAGE sql STABLE AS $$
	SELECT (ARRAY(SELECT e::chain_event FROM unnest(c.events) e WHERE e.ref = r.ref), c.elements, c.within, c.mode, c.step_within, c.hold)::chains_case
	FROM (SELECT DISTINCT ref FROM unnest(c.events) WHERE ref IS NOT NULL) r WHERE c.hold
	UNION ALL SELECT (c.events, c.elements, c.within, c.mode, c.step_within, c.hold)::chains_case WHERE NOT c.hold
$$;

-- Up to the last step taken.
CREATE FUNCTION ref_trimmed(steps timestamptz[]) RETURNS timestamptz[]
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(steps[:(SELECT max(n) FROM generate_subscripts(steps, 1) n WHERE steps[n] IS NOT NULL)], '{}') $$;

CREATE FUNCTION ref_funnel_of(c chains_case, since timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity') RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
	SELECT ref_trimmed((SELECT w.steps FROM ref_parts(c) p, ref_winner(p, since, until) w WHERE w.depth IS NOT NULL ORDER BY w.depth DESC, w.ats[w.depth], w.ats[1] DESC, w.ats, w.steps LIMIT 1))
$$;

-- The funnel begins anew behind each chain that has come to the end.
CREATE FUNCTION ref_conversions(c chains_case) RETURNS SETOF timestamptz[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
	part chains_case;
	w record;
	levels int := (SELECT max(level) FROM ref_steps(c));
BEGIN
	FOR part IN SELECT * FROM ref_parts(c) LOOP
		LOOP
			SELECT * INTO w FROM ref_winner(part);
			EXIT WHEN w.depth IS NULL;
			RETURN NEXT ref_trimmed(w.steps);
			EXIT WHEN w.depth < levels;
			part.events := ARRAY(SELECT e::chain_event FROM unnest(part.events) e WHERE e.at > w.ats[w.depth]);
		END LOOP;
	END LOOP;
END $$;

-- How many chains to the end there are at most, of which none begins before the one before it has ended.
CREATE FUNCTION ref_most_conversions(c chains_case) RETURNS int
LANGUAGE plpgsql STABLE AS $$
DECLARE
	part chains_case;
	levels int := (SELECT max(level) FROM ref_steps(c));
	most int := 0;
BEGIN
	FOR part IN SELECT * FROM ref_parts(c) LOOP
		most := most + (WITH RECURSIVE whole AS MATERIALIZED (SELECT DISTINCT ats[1] AS started, ats[levels] AS ended FROM ref_chains(part) WHERE depth = levels),
			behind AS (SELECT 1 AS n, ended FROM whole UNION SELECT n + 1, w.ended FROM behind b JOIN whole w ON w.started > b.ended)
			SELECT coalesce(max(n), 0) FROM behind);
	END LOOP;
	RETURN most;
END $$;

-- Up to eight events and six elements, of a few names, instants and refs.
CREATE FUNCTION random_chains() RETURNS chains_case
LANGUAGE plpgsql AS $$
DECLARE
	c chains_case;
	pool text[] := (ARRAY['a', 'b', 'c', 'd'])[1:2 + floor(random() * 3)::int];
	n int := 1 + floor(sqrt(random()) * 6);
	spans interval[] := ARRAY['0', '1 minute', '2 minutes', '3 minutes', '5 minutes', '8 minutes']::interval[];
	ticks int := 1 + floor(random() * 12);
	steps int := 0;
	optional boolean;
	barred boolean;
	names text[];
	inside boolean;
BEGIN
	c.elements := '{}';
	FOR i IN 1 .. n LOOP
		inside := i > 1 AND i < n;
		barred := inside AND random() < 0.25;
		optional := inside AND NOT barred AND random() < 0.35;
		SELECT array_agg(p) INTO names FROM unnest(pool) p WHERE random() < 0.35;
		names := coalesce(names, ARRAY[pool[1 + floor(random() * cardinality(pool))]]);
		c.elements := c.elements || (names, optional, barred)::chain_element;
		steps := steps + (NOT barred)::int;
	END LOOP;
	c.events := ARRAY(SELECT (timestamptz '2024-06-01' + floor(random() * ticks) * interval '1 minute', CASE WHEN random() < 0.1 THEN 'other' ELSE pool[1 + floor(random() * cardinality(pool))] END,
		CASE WHEN random() < 0.9 THEN floor(random() * 2)::int END)::chain_event FROM generate_series(1, 1 + floor(sqrt(random()) * 8)::int));
	IF random() < 0.5 THEN
		c.within := spans[1 + floor(random() * 6)];
	END IF;
	c.mode := (ARRAY['in_order', 'in_order', 'strictly_increasing', 'strict_order'])[1 + floor(random() * 4)];
	IF random() < 0.15 THEN
		c.step_within := ARRAY[spans[1 + floor(random() * 6)]];
	ELSIF random() < 0.3 AND steps > 1 THEN
		SELECT array_agg(CASE WHEN random() < 0.8 THEN spans[1 + floor(random() * 6)] END) INTO c.step_within FROM generate_series(2, steps);
	END IF;
	c.hold := random() < 0.25;
	RETURN c;
END $$;
