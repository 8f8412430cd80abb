--
-- Basket switching in plain PL/pgSQL, customer by customer and unit by unit, from a table spent
-- (customer, day, label, value), whose days are local: slow and obvious. Create that table, and what is
-- in periods.sql, before it.
--

-- What each customer spent, by period and label; n numbers the periods.
CREATE FUNCTION ref_baskets(period text, until date) RETURNS TABLE (customer int, n int, label text, spend numeric, bought boolean, active boolean)
LANGUAGE sql STABLE AS $$
	SELECT customer, n, label, coalesce(sum(value), 0), bool_or(coalesce(value, 0) >= 0), bool_or(bool_or(coalesce(value, 0) >= 0)) OVER (PARTITION BY customer, n)
	FROM spent JOIN ref_calendar(period, '2010-01-01', '2014-12-31') USING (day) WHERE day <= until GROUP BY customer, n, label
$$;

-- Every amount that moved, a customer's: from is NULL where it came from no label, and flow says which.
CREATE FUNCTION ref_moves(period text, until date) RETURNS TABLE (customer int, n int, flow text, from_label text, to_label text, amount numeric)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	one record;
	part record;
	last int := (SELECT c.n FROM ref_calendar(period, '2010-01-01', '2014-12-31') c WHERE c.day = until);
	loss_labels text[];
	losses numeric[];
	gain_labels text[];
	gains numeric[];
	unit numeric;
	rest numeric;
BEGIN
	CREATE TEMP TABLE basket ON COMMIT DROP AS SELECT * FROM ref_baskets(period, until);
	CREATE INDEX ON basket (customer, n);
	ANALYZE basket;
	-- who bought nothing in the period before, and who buys nothing in this one
	RETURN QUERY SELECT b.customer, b.n, 'new', NULL::text, b.label, b.spend FROM basket b WHERE b.active AND NOT EXISTS (SELECT FROM basket o WHERE o.customer = b.customer AND o.n = b.n - 1 AND o.active);
	RETURN QUERY SELECT b.customer, b.n + 1, 'lost', b.label, NULL::text, b.spend FROM basket b WHERE b.active AND b.n < last AND NOT EXISTS (SELECT FROM basket o WHERE o.customer = b.customer AND o.n = b.n + 1 AND o.active);

	FOR one IN SELECT DISTINCT b.customer, b.n FROM basket b JOIN basket o ON o.customer = b.customer AND o.n = b.n - 1 AND o.active WHERE b.active LOOP
		unit := (SELECT 10.0 ^ -greatest(2, max(scale(value))) FROM spent WHERE spent.customer = one.customer);
		SELECT array_agg(label ORDER BY label COLLATE "C" NULLS FIRST) FILTER (WHERE moved < 0), array_agg(-moved ORDER BY label COLLATE "C" NULLS FIRST) FILTER (WHERE moved < 0),
			array_agg(label ORDER BY label COLLATE "C" NULLS FIRST) FILTER (WHERE moved > 0), array_agg(moved ORDER BY label COLLATE "C" NULLS FIRST) FILTER (WHERE moved > 0), sum(moved)
			INTO loss_labels, losses, gain_labels, gains, rest
		FROM (SELECT label, round(sum(CASE WHEN n = one.n THEN spend ELSE -spend END) / unit) AS moved FROM basket WHERE customer = one.customer AND n IN (one.n - 1, one.n) GROUP BY label) c;
		-- losses beyond all gains are one more gain, behind the others
		IF rest < 0 THEN
			gain_labels := gain_labels || '(decreased)'::text;
			gains := gains || -rest;
		END IF;
		FOR i IN 1 .. coalesce(cardinality(losses), 0) LOOP
			FOR part IN
				WITH quota AS (SELECT place, div(losses[i] * left_over, total) AS units, mod(losses[i] * left_over, total) AS remainder
						FROM unnest(gains) WITH ORDINALITY g(left_over, place), (SELECT sum(g) AS total FROM unnest(gains) g) t),
					ranked AS (SELECT *, row_number() OVER (ORDER BY remainder DESC, place) AS rank, losses[i] - sum(units) OVER () AS missing FROM quota)
				SELECT place::int AS place, units + (rank <= missing)::int AS units FROM ranked LOOP
				gains[part.place] := gains[part.place] - part.units;
				CONTINUE WHEN part.units = 0;
				customer := one.customer; n := one.n; from_label := loss_labels[i]; amount := part.units * unit;
				flow := CASE WHEN rest < 0 AND part.place = cardinality(gains) THEN 'decreased' ELSE 'switched' END;
				to_label := CASE WHEN flow = 'switched' THEN gain_labels[part.place] END;
				RETURN NEXT;
			END LOOP;
		END LOOP;
		FOR i IN 1 .. coalesce(cardinality(gains), 0) LOOP
			CONTINUE WHEN gains[i] = 0;
			customer := one.customer; n := one.n; flow := 'increased'; from_label := NULL; to_label := gain_labels[i]; amount := gains[i] * unit;
			RETURN NEXT;
		END LOOP;
	END LOOP;
	DROP TABLE basket;
END $$;
