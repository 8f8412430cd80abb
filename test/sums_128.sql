--
-- Sums of 128 bits at the edges of 64 and of 128 bits: brought to a scale with more decimals, and
-- read from text, they are what exact arithmetic says, or 22003.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(7);

-- A result whose only row has a value, kept with so many decimals.
CREATE FUNCTION with_value(value numeric, scale int) RETURNS tier_census_result
LANGUAGE sql AS $$
	SELECT jsonb_set(jsonb_set(tier_census(timelines(1, timestamptz '2024-01-05', 1), '{"Gold": 5}', '2024-01-31')::text::jsonb, '{rows,0,value}', to_jsonb(value)), '{scale}', to_jsonb(scale))::text::tier_census_result
$$;
CREATE FUNCTION value_of(result tier_census_result) RETURNS numeric
LANGUAGE sql AS $$ SELECT coalesce((result::text::jsonb #>> '{rows,0,value}')::numeric, 0) $$;
-- The sum of a whole value and of nothing with more decimals, in either order; NULL where it doesn't fit.
CREATE FUNCTION rescaled(value numeric, scale int, last bool) RETURNS numeric
LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT value_of(rollup(r)) FROM unnest(CASE WHEN last THEN ARRAY[with_value(value, 0), with_value(0, scale)] ELSE ARRAY[with_value(0, scale), with_value(value, 0)] END) r);
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN NULL;
END $$;
CREATE FUNCTION taken(value numeric, scale int) RETURNS numeric
LANGUAGE plpgsql AS $$
BEGIN
	RETURN value_of(with_value(value, scale));
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN NULL;
END $$;

CREATE TABLE edge AS
SELECT DISTINCT scale, sign * trunc(least(bound, 2::numeric ^ 127) / 10::numeric ^ (scale * shrunk) + near) AS value
FROM generate_series(0, 18) scale, generate_series(0, 1) shrunk, unnest(ARRAY[1, -1]) sign, generate_series(-2, 2) near,
	unnest(ARRAY[0, 2::numeric ^ 62, 2::numeric ^ 63, 2::numeric ^ 64, 2::numeric ^ 65, 2::numeric ^ 96, 2::numeric ^ 126, 2::numeric ^ 127, 2::numeric ^ 127 / 3]) bound;
CREATE VIEW wanted AS
SELECT *, CASE WHEN value * 10::numeric ^ scale BETWEEN -(2::numeric ^ 127) AND 2::numeric ^ 127 - 1 THEN value END AS sum
FROM edge WHERE value BETWEEN -(2::numeric ^ 127) AND 2::numeric ^ 127 - 1;
SELECT cmp_ok((SELECT count(*)::int FROM wanted WHERE sum IS NOT NULL), '>', 1000, 'edges that fit');
SELECT cmp_ok((SELECT count(*)::int FROM wanted WHERE sum IS NULL), '>', 500, '... and that do not');
SELECT is_empty('SELECT value, scale, sum, rescaled(value, scale, true) FROM wanted WHERE rescaled(value, scale, true) IS DISTINCT FROM sum', 'a sum that is there is brought to more decimals');
SELECT is_empty('SELECT value, scale, sum, rescaled(value, scale, false) FROM wanted WHERE rescaled(value, scale, false) IS DISTINCT FROM sum', 'a sum that is added is');
SELECT is_empty('SELECT value, scale, sum, taken(value, scale) FROM wanted WHERE taken(value, scale) IS DISTINCT FROM sum', 'a sum from text');
SELECT is(taken(trunc(2::numeric ^ 127) - 1, 0), 170141183460469231731687303715884105727, 'the largest');
SELECT is(ARRAY[taken(trunc(2::numeric ^ 127), 0), taken(-trunc(2::numeric ^ 127) - 1, 0), taken(1e38, 1), taken(1e300, 0)], ARRAY[NULL, NULL, NULL, NULL]::numeric[], 'beyond it');
SELECT * FROM finish();
ROLLBACK;
