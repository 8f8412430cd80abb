--
-- Merging and reloading of timelines, slow and obvious: SQL over arrays of events. Nothing of the
-- extension is needed. points_random.sql before it, for its choices.
--
-- A timeline is a jsonb array of {"at", "value", "kind", "label", "ref", "expires_at"}, instants as jsonb writes them; two
-- events are the same where all of it is.
--

-- Both: each event as often as in the one that has it more often.
CREATE FUNCTION ref_timeline_merge(a jsonb, b jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(jsonb_agg(e), '[]')
	FROM (SELECT e, greatest(count(*) FILTER (WHERE of = 'a'), count(*) FILTER (WHERE of = 'b')) AS times
		  FROM (SELECT 'a' AS of, e FROM jsonb_array_elements(a) e UNION ALL SELECT 'b', e FROM jsonb_array_elements(b) e) x GROUP BY e) y, generate_series(1, times)
$$;

-- What is stored but for the time [since, until), where a NULL is open, and what is fresh, which must be of that time.
CREATE FUNCTION ref_timeline_replace(stored jsonb, fresh jsonb, since timestamptz, until timestamptz) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	e jsonb;
BEGIN
	FOR e IN SELECT * FROM jsonb_array_elements(fresh) LOOP
		IF (e->>'at')::timestamptz < since OR (e->>'at')::timestamptz >= until THEN
			RAISE EXCEPTION 'event outside of the time: %', e USING ERRCODE = '22023';
		END IF;
	END LOOP;
	RETURN coalesce((SELECT jsonb_agg(s) FROM jsonb_array_elements(stored) s WHERE (s->>'at')::timestamptz < since OR (s->>'at')::timestamptz >= until), '[]') || fresh;
END $$;

-- Of a few events for each seed, so that timelines have some in common, and some more often than once: lines of one
-- document, and of others that are nearly the same.
CREATE FUNCTION ref_random_timeline(seed bigint, what text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
		'at', ref_pick(seed, k || 'at', '{2024-01-01 00:00:00+00,2024-01-02 00:00:00+00,2024-01-02 12:00:00+00,2024-01-03 00:00:00+00}'),
		'value', ref_pick(seed, k || 'value', '{100,-30,-20,NULL}')::numeric,
		'kind', ref_pick(seed, k || 'kind', '{purchase,return,NULL}'),
		'label', ref_pick(seed, k || 'label', '{food,NULL,NULL}'),
		'ref', ref_pick(seed, k || 'ref', '{1,1,2,A-1,NULL}'),
		'expires_at', ref_pick(seed, k || 'expires', '{2025-01-01 00:00:00+00,NULL,NULL,NULL}')))), '[]')
	FROM generate_series(1, floor(ref_random(seed, what || 'events') * 7)::int) i, LATERAL (SELECT floor(ref_random(seed, what || i) * 6)::int) p(k)
$$;
