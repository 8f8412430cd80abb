-- The extension as it is now, and what is stored with it.

SET client_min_messages = warning;
DROP EXTENSION IF EXISTS loyalty CASCADE;
DROP TABLE IF EXISTS stored_activities, stored_timelines, stored_ledgers, stored_visits, sign_ups, customer_numbers;
CREATE SCHEMA IF NOT EXISTS loyalty;
CREATE EXTENSION loyalty SCHEMA loyalty;
ALTER DATABASE :DBNAME SET search_path = public, loyalty, reference;
SET search_path = public, loyalty;
\if :all

CREATE TABLE stored_activities AS
SELECT customer_id, activity_agg(ordered_at) AS activity FROM orders_indexed GROUP BY customer_id;
CREATE TABLE stored_timelines AS
SELECT customer_id, timeline_agg(ordered_at, amount) AS timeline FROM orders_indexed GROUP BY customer_id;
CREATE TABLE stored_ledgers AS
SELECT customer_id, timeline_agg(at, points) AS timeline FROM ledger_indexed GROUP BY customer_id;
CREATE TABLE stored_visits AS
SELECT customer_id, timeline_agg(make_event(at => at, kind => step)) AS timeline FROM visits GROUP BY customer_id;
-- A million customers, nine in ten of whom somebody brought who was there before, in no order.
CREATE TABLE sign_ups AS
SELECT n AS customer_id, CASE WHEN chance(n, 10) < 0.9 THEN 1 + floor(chance(n, 11) * (n - 1))::bigint END AS referrer_id
FROM generate_series(1::bigint, 1000000) n ORDER BY chance(n, 12);
-- A million customers by what models are fitted to, in weeks: at the first stage of a Pareto/NBD with r of 1 and s of 1 purchases are geometric,
-- and their times uniform, up to the day when a customer leaves.
CREATE TABLE customer_numbers AS
SELECT x, CASE WHEN x = 0 THEN 0 ELSE least(age, ceil(life * chance(n, 24) ^ (1.0 / x))) / 7.0 END::float8 AS t_x, (age / 7.0)::float8 AS age,
	CASE WHEN x = 0 THEN 0 ELSE round((8 / (0.05 + chance(n, 25)) * exp(0.8 * (chance(n, 26) - 0.5) / sqrt(x)))::numeric, 2) END::float8 AS m
FROM (SELECT n, age, life, floor(ln(chance(n, 23) + 1e-12) / ln(life / (70 + life)))::bigint AS x
	FROM (SELECT n, age, least(age, 200 * (1 / (chance(n, 22) + 1e-9) - 1) + 0.01) AS life FROM (SELECT n, 180 + floor(550 * chance(n, 21))::int AS age FROM generate_series(1::bigint, 1000000) n) a) l) p;
VACUUM ANALYZE customer_numbers;
VACUUM ANALYZE sign_ups;
VACUUM ANALYZE stored_activities;
VACUUM ANALYZE stored_timelines;
VACUUM ANALYZE stored_ledgers;
VACUUM ANALYZE stored_visits;

-- What an analyst writes without the extension: lots in arrays, first in first out, 12 months
-- to the end of the day.
CREATE OR REPLACE FUNCTION plpgsql_balance(ats timestamptz[], points bigint[], as_of timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE AS
$$
DECLARE
	expiries timestamptz[] := '{}';
	remaining bigint[] := '{}';
	first int := 1;
	debt bigint := 0;
	left_over bigint;
	balance bigint := 0;
BEGIN
	FOR i IN 1 .. coalesce(array_length(ats, 1), 0) LOOP
		EXIT WHEN ats[i] >= as_of;
		WHILE first <= array_length(remaining, 1) AND expiries[first] <= ats[i] LOOP
			first := first + 1;
		END LOOP;
		left_over := points[i];
		IF left_over > 0 THEN
			left_over := left_over - least(debt, left_over);
			debt := debt - (points[i] - left_over);
			expiries := expiries || date_trunc('day', ats[i] + interval '12 months') + interval '1 day';
			remaining := remaining || left_over;
		ELSE
			WHILE left_over < 0 AND first <= array_length(remaining, 1) LOOP
				IF remaining[first] > -left_over THEN
					remaining[first] := remaining[first] + left_over;
					left_over := 0;
				ELSE
					left_over := left_over + remaining[first];
					first := first + 1;
				END IF;
			END LOOP;
			debt := debt - left_over;
		END IF;
	END LOOP;
	FOR i IN first .. coalesce(array_length(remaining, 1), 0) LOOP
		IF expiries[i] > as_of THEN
			balance := balance + remaining[i];
		END IF;
	END LOOP;
	RETURN balance - debt;
END
$$;

-- The slow walk of a whole programme that its tests go by.
DROP SCHEMA IF EXISTS reference CASCADE;
CREATE SCHEMA reference;
SET search_path = reference, public, loyalty;
\ir ../reference/periods.sql
\ir ../reference/earn_reference.sql
\ir ../reference/points_reference.sql
\ir ../reference/tiers_reference.sql
\ir ../reference/program_reference.sql
SET search_path = public, loyalty;
\endif

CREATE EXTENSION IF NOT EXISTS pg_prewarm;
SELECT pg_prewarm(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i');
