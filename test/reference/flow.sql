-- Flows in plain SQL, over the table visits (customer, at, kind, label): window functions, and counts of distinct
-- customers. \ir.

-- Every step of every flow: what there isn't, as where it ends, is NULL.
CREATE FUNCTION ref_steps(by text, from_step text, until_step text, steps int, within interval, occurrence text, collapse boolean, until date)
RETURNS TABLE (customer int, anchor bigint, step int, source text, target text, duration interval)
LANGUAGE sql AS $$
	WITH named AS (
		SELECT v.customer, v.at, CASE WHEN by = 'kind' THEN v.kind ELSE v.label END AS name,
			row_number() OVER (PARTITION BY v.customer ORDER BY v.at, v.kind COLLATE "C" NULLS FIRST, v.label COLLATE "C" NULLS FIRST) AS n
		FROM visits v WHERE v.customer IS NOT NULL AND v.at < (until + 1)::timestamptz),
	there AS (SELECT * FROM named WHERE name IS NOT NULL),
	changes AS (SELECT *, lag(name) OVER (PARTITION BY t.customer ORDER BY n) AS before FROM there t),
	events AS (
		SELECT c.customer, c.at, c.name, row_number() OVER (PARTITION BY c.customer ORDER BY n) AS place
		FROM changes c WHERE NOT collapse OR before IS DISTINCT FROM name),
	anchors AS (
		SELECT *, min(place) OVER w AS first, max(place) OVER w AS last
		FROM events WHERE name = coalesce(from_step, until_step, name) WINDOW w AS (PARTITION BY events.customer)),
	chosen AS (SELECT * FROM anchors WHERE CASE occurrence WHEN 'first' THEN place = first WHEN 'last' THEN place = last ELSE true END),
	ways AS (
		SELECT a.customer, a.place AS anchor, a.at AS began, s AS step, near.name AS near, near.at AS near_at, far.name AS far, far.at AS far_at,
			far.at IS NOT NULL AND (within IS NULL OR CASE WHEN until_step IS NULL THEN far.at <= a.at + within ELSE far.at + within >= a.at END) AS there
		FROM chosen a CROSS JOIN generate_series(1, steps) s
		JOIN events near ON near.customer = a.customer AND near.place = a.place + (s - 1) * CASE WHEN until_step IS NULL THEN 1 ELSE -1 END
		LEFT JOIN events far ON far.customer = a.customer AND far.place = a.place + s * CASE WHEN until_step IS NULL THEN 1 ELSE -1 END),
	followed AS (
		SELECT *, count(*) FILTER (WHERE NOT there) OVER (PARTITION BY w.customer, w.anchor ORDER BY w.step) - (NOT there)::int AS ended FROM ways w)
	SELECT f.customer, f.anchor, f.step,
		CASE WHEN until_step IS NULL THEN near WHEN there THEN far END,
		CASE WHEN until_step IS NOT NULL THEN near WHEN there THEN far END,
		CASE WHEN there THEN greatest(far_at - near_at, near_at - far_at) END
	FROM followed f WHERE ended = 0
$$;

-- In the units in which times are kept.
CREATE FUNCTION ref_kept(duration interval) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT (CASE WHEN s < 600 THEN floor(s) WHEN s < 36000 THEN floor(s / 60) * 60 WHEN s < 2160000 THEN floor(s / 3600) * 3600 ELSE floor(s / 86400) * 86400 END)::float8
	FROM (SELECT extract(epoch FROM duration) AS s) q
$$;

-- The rows of event_flow_table(): nodes of each level by how many come there; the first ones by themselves.
CREATE FUNCTION ref_flow(by text, from_step text, until_step text, steps int, within interval, occurrence text, collapse boolean, until date, top int)
RETURNS TABLE (step int, source text, target text, customers bigint, events bigint, share numeric, median float8, source_name text, target_name text, is_end boolean)
LANGUAGE sql AS $$
	WITH went AS MATERIALIZED (SELECT * FROM ref_steps(by, from_step, until_step, steps, within, occurrence, collapse, until)),
	sides AS (
		SELECT customer, anchor, step AS level, CASE WHEN until_step IS NULL THEN source ELSE target END AS name FROM went WHERE step = 1
		UNION ALL SELECT customer, anchor, step + 1, CASE WHEN until_step IS NULL THEN target ELSE source END FROM went),
	nodes AS (
		SELECT level, name, row_number() OVER (PARTITION BY level ORDER BY count(*) DESC, name COLLATE "C") AS place
		FROM sides WHERE name IS NOT NULL GROUP BY level, name),
	shown AS (
		SELECT w.customer, w.step, w.duration, w.source IS NULL OR w.target IS NULL AS is_end,
			CASE WHEN w.source IS NULL THEN '(start ' || w.step + 1 || ')' WHEN a.place > top THEN '(other ' || a.level || ')' ELSE w.source || ' (' || a.level || ')' END AS source,
			CASE WHEN w.target IS NULL THEN '(stop ' || w.step + 1 || ')' WHEN b.place > top THEN '(other ' || b.level || ')' ELSE w.target || ' (' || b.level || ')' END AS target,
			CASE WHEN a.place <= coalesce(top, a.place) THEN w.source END AS source_name, CASE WHEN b.place <= coalesce(top, b.place) THEN w.target END AS target_name
		FROM went w
		LEFT JOIN nodes a ON a.level = w.step + (until_step IS NOT NULL)::int AND a.name = w.source
		LEFT JOIN nodes b ON b.level = w.step + (until_step IS NULL)::int AND b.name = w.target)
	SELECT s.step, s.source, s.target, count(DISTINCT customer), count(*),
		round(count(*) / sum(count(*)) OVER (PARTITION BY s.step, CASE WHEN until_step IS NULL THEN s.source ELSE s.target END), 12),
		percentile_cont(0.5) WITHIN GROUP (ORDER BY ref_kept(duration)), s.source_name, s.target_name, s.is_end
	FROM shown s GROUP BY s.step, s.source, s.target, s.source_name, s.target_name, s.is_end
$$;
