--
-- Survival by the textbook, over the table sample(id, duration numeric, event boolean, segment text):
-- a subquery for each number.
--
CREATE TABLE sample (id int, duration numeric, event boolean, segment text);
CREATE INDEX ON sample (id);

CREATE FUNCTION ref_survival_table(sample_id int, z float8, kind text)
RETURNS TABLE (duration numeric, at_risk bigint, events bigint, censored bigint, survival float8, std_error float8, lower float8, upper float8)
LANGUAGE sql AS $$
	WITH counted AS (
		SELECT t.duration, count(*) FILTER (WHERE t.event) AS d, count(*) FILTER (WHERE NOT t.event) AS c,
			(SELECT count(*) FROM sample r WHERE r.id = sample_id AND r.duration >= t.duration) AS n
		FROM sample t WHERE t.id = sample_id GROUP BY t.duration),
	estimated AS (
		SELECT i.*, CASE WHEN bool_or(i.d = i.n) OVER w THEN 0 ELSE exp(sum(ln(nullif(1 - i.d::float8 / i.n, 0))) OVER w) END AS s,
			sqrt(CASE WHEN bool_or(i.d = i.n) OVER w THEN NULL ELSE sum(i.d / (i.n::float8 * nullif(i.n - i.d, 0))) OVER w END) AS e
		FROM counted i WINDOW w AS (ORDER BY i.duration))
	SELECT duration, n, d, c, s, s * e,
		CASE WHEN s = 0 THEN NULL WHEN kind = 'plain' THEN greatest(s - z * s * e, 0) WHEN kind = 'log' THEN s * exp(-z * e) WHEN e > 0 THEN exp(-exp(ln(-ln(s)) + z * e / abs(ln(s)))) END,
		CASE WHEN s = 0 THEN NULL WHEN kind = 'plain' THEN least(s + z * s * e, 1) WHEN kind = 'log' THEN least(s * exp(z * e), 1) WHEN e > 0 THEN exp(-exp(ln(-ln(s)) - z * e / abs(ln(s)))) END
	FROM estimated
$$;

-- Where S is how high, for all samples: an interval for each height, from 0 on. To be filled once the samples are there.
CREATE TABLE step (id int, since float8, until float8, survival float8, hazard float8);
CREATE FUNCTION ref_steps() RETURNS SETOF step
LANGUAGE sql AS $$
	SELECT s.id, t.duration, coalesce(lead(t.duration) OVER (PARTITION BY s.id ORDER BY t.duration, t.first DESC), 'Infinity')::float8, t.survival, t.hazard
	FROM (SELECT DISTINCT id FROM sample) s, LATERAL (
		SELECT duration, survival, false AS first, coalesce(events / (at_risk::float8 * nullif(at_risk - events, 0)), 0) AS hazard FROM ref_survival_table(s.id, 1, 'plain')
		UNION ALL SELECT 0, 1, true, 0) t
$$;

-- The restricted mean, and its error by the areas behind each event.
CREATE FUNCTION ref_survival_mean(sample_id int, until float8, OUT mean float8, OUT std_error float8)
LANGUAGE sql AS $$
	WITH piece AS MATERIALIZED (SELECT since, hazard, survival * (least(step.until, $2) - since) AS area FROM step WHERE id = sample_id AND since <= $2)
	SELECT sum(area), sqrt(sum(hazard * (SELECT sum(b.area) FROM piece b WHERE b.since >= a.since) ^ 2)) FROM piece a
$$;

-- Segments that can differ are those with a variance; the covariance of all but one of them is inverted by elimination.
CREATE FUNCTION ref_logrank(sample_id int, weighting text, OUT segments text[], OUT observed float8[], OUT expected float8[], OUT chi_squared float8, OUT degrees int)
LANGUAGE plpgsql AS $$
DECLARE
	moment record;
	v float8[];
	x float8[];
	kept int[] := '{}';
	w float8;
	c float8;
	k int;
	f float8;
	m float8[][];
BEGIN
	SELECT array_agg(segment ORDER BY segment COLLATE "C") INTO segments FROM (SELECT DISTINCT segment FROM sample WHERE id = sample_id) s;
	k := cardinality(segments);
	observed := array_fill(0::float8, ARRAY[k]);
	expected := array_fill(0::float8, ARRAY[k]);
	v := array_fill(0::float8, ARRAY[k, k]);
	FOR moment IN
		SELECT t.duration, count(*) FILTER (WHERE event) AS d,
			(SELECT count(*) FROM sample r WHERE r.id = sample_id AND r.duration >= t.duration) AS n,
			(SELECT array_agg((SELECT count(*) FROM sample r WHERE r.id = sample_id AND r.duration >= t.duration AND r.segment = g) ORDER BY i) FROM unnest(segments) WITH ORDINALITY u(g, i)) AS nj,
			(SELECT array_agg((SELECT count(*) FROM sample r WHERE r.id = sample_id AND r.duration = t.duration AND r.event AND r.segment = g) ORDER BY i) FROM unnest(segments) WITH ORDINALITY u(g, i)) AS dj
		FROM sample t WHERE t.id = sample_id GROUP BY t.duration HAVING count(*) FILTER (WHERE event) > 0
	LOOP
		w := CASE weighting WHEN 'logrank' THEN 1 WHEN 'wilcoxon' THEN moment.n ELSE sqrt(moment.n) END;
		c := CASE WHEN moment.n > 1 THEN w * w * moment.d * (moment.n - moment.d) / (moment.n - 1) ELSE 0 END;
		FOR j IN 1..k LOOP
			observed[j] := observed[j] + w * moment.dj[j];
			expected[j] := expected[j] + w * moment.d * moment.nj[j] / moment.n;
			FOR l IN 1..k LOOP
				v[j][l] := v[j][l] + c * moment.nj[j] / moment.n * ((j = l)::int - moment.nj[l]::float8 / moment.n);
			END LOOP;
		END LOOP;
	END LOOP;
	FOR j IN 1..k LOOP
		IF v[j][j] > 1e-9 THEN
			kept := kept || j;
		END IF;
	END LOOP;
	degrees := greatest(cardinality(kept) - 1, 0);
	IF degrees = 0 THEN
		RETURN;
	END IF;
	m := array_fill(0::float8, ARRAY[degrees, degrees + 1]);
	x := array_fill(0::float8, ARRAY[degrees]);
	FOR j IN 1..degrees LOOP
		FOR l IN 1..degrees LOOP
			m[j][l] := v[kept[j]][kept[l]];
		END LOOP;
		m[j][degrees + 1] := observed[kept[j]] - expected[kept[j]];
	END LOOP;
	FOR j IN 1..degrees LOOP
		FOR l IN 1..degrees LOOP
			CONTINUE WHEN l = j;
			f := m[l][j] / m[j][j];
			FOR i IN j..degrees + 1 LOOP
				m[l][i] := m[l][i] - f * m[j][i];
			END LOOP;
		END LOOP;
	END LOOP;
	chi_squared := 0;
	FOR j IN 1..degrees LOOP
		chi_squared := chi_squared + m[j][degrees + 1] / m[j][j] * (observed[kept[j]] - expected[kept[j]]);
	END LOOP;
END $$;
