--
-- The funnel as it is defined: every chain of every depth, and then the winner. Slow and obvious.
--
CREATE TYPE funnel_case AS (at timestamptz[], name text[], steps text[], within interval, mode text, step_within interval[], as_of date);

-- The instants of the chain that wins; {} where there is none.
CREATE FUNCTION ref_funnel(c funnel_case) RETURNS timestamptz[]
LANGUAGE sql STABLE AS $$
	WITH RECURSIVE event AS (
		SELECT id, at, name FROM unnest(c.at, c.name) WITH ORDINALITY AS e(at, name, id)
		WHERE c.as_of IS NULL OR at < c.as_of + 1),
	chain AS (
		SELECT 1 AS depth, ARRAY[id] AS ids, ARRAY[at] AS ats FROM event WHERE name = c.steps[1]
		UNION ALL
		SELECT depth + 1, ids || id, ats || at FROM chain, event e
		WHERE name = c.steps[depth + 1] AND NOT id = ANY (ids)
			AND CASE c.mode WHEN 'strictly_increasing' THEN at > ats[depth] ELSE at >= ats[depth] END
			AND (c.within IS NULL OR at <= ats[1] + c.within)
			AND coalesce(at <= ats[depth] + CASE cardinality(c.step_within) WHEN 1 THEN c.step_within[1] ELSE c.step_within[depth] END, true)
			AND NOT (c.mode = 'strict_order' AND EXISTS (SELECT FROM event b
				WHERE b.at > ats[depth] AND b.at < e.at AND b.name = ANY (c.steps) AND b.name NOT IN (c.steps[depth], c.steps[depth + 1]))))
	SELECT coalesce((SELECT ats FROM chain ORDER BY depth DESC, ats[depth], ats[1] DESC, ats LIMIT 1), '{}')
$$;

-- A case of up to nine events and five steps, out of a few names and instants: ties, repetitions, and steps that
-- occur twice are common. Half of them lie around an end of January and a month later, or around a change of offset and
-- a day later: there a later start may have the earlier deadline.
CREATE FUNCTION random_funnel() RETURNS funnel_case
LANGUAGE plpgsql AS $$
DECLARE
	c funnel_case;
	grid int := 1 + floor(random() * 3);
	early timestamptz := (ARRAY['2024-01-30 19:00', '2024-11-03 00:30', '2024-03-10 00:30'])[grid];
	later timestamptz := (ARRAY['2024-02-29 00:00', '2024-11-04 00:30', '2024-03-11 00:30'])[grid];
	calendar interval := (ARRAY['1 month', '1 day', '1 day'])[grid];
	tick interval := (ARRAY['2 hours', '15 minutes', '15 minutes'])[grid];
	spans interval[] := ARRAY['0', tick, 2 * tick, 3 * tick, 5 * tick, 8 * tick, 12 * tick, calendar, calendar + tick, '1 day', '1 day 00:30'];
	far boolean := random() < 0.5;
	ticks int := CASE WHEN far THEN 9 ELSE 1 + floor(random() * 14) END;
	steps int := 1 + floor(sqrt(random()) * 5);
	names int := CASE WHEN random() < 0.3 THEN 1 + floor(random() * 3) ELSE steps END;
BEGIN
	IF far THEN
		spans := spans || ARRAY[calendar, calendar, calendar, calendar, calendar];
	END IF;
	SELECT array_agg(chr(ascii('a') + CASE WHEN names = steps THEN n - 1 ELSE floor(random() * names)::int END)) INTO c.steps FROM generate_series(1, steps) n;
	SELECT array_agg(CASE WHEN far AND random() < 0.4 THEN later + floor(random() * 12) * tick ELSE early + floor(random() * ticks) * tick END),
		array_agg(CASE WHEN random() < 0.07 THEN 'other' ELSE c.steps[1 + floor(random() * steps)] END) INTO c.at, c.name
	FROM generate_series(1, 1 + floor(sqrt(random()) * 9)::int);
	IF random() < 0.6 THEN
		c.within := spans[1 + floor(random() * cardinality(spans))];
	END IF;
	c.mode := (ARRAY['in_order', 'strictly_increasing', 'strict_order'])[1 + floor(random() * 3)];
	IF random() < 0.2 THEN
		c.step_within := ARRAY[spans[1 + floor(random() * cardinality(spans))]];
	ELSIF random() < 0.5 AND steps > 1 THEN
		SELECT array_agg(CASE WHEN random() < 0.8 THEN spans[1 + floor(random() * cardinality(spans))] END) INTO c.step_within FROM generate_series(2, steps);
	END IF;
	IF random() < 0.1 THEN
		c.as_of := early::date + floor(random() * 2)::int;
	END IF;
	RETURN c;
END $$;
