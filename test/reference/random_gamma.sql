-- Random numbers that are Gamma distributed, of rate 1, for tests that simulate: by Marsaglia and Tsang (2000), normal ones by
-- Box and Muller.
CREATE FUNCTION random_gamma(shape float8) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	d float8 := CASE WHEN shape < 1 THEN shape + 1 ELSE shape END - 1.0 / 3;
	c float8 := 1 / sqrt(9 * d);
	z float8;
	v float8;
BEGIN
	LOOP
		z := sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random());
		v := (1 + c * z) ^ 3;
		EXIT WHEN v > 0 AND ln(1 - random()) < z * z / 2 + d - d * v + d * ln(v);
	END LOOP;
	RETURN d * v * CASE WHEN shape < 1 THEN (1 - random()) ^ (1 / shape) ELSE 1 END;
END $$;
