--
-- Revenue from sales with points: the standard's example, gift cards, the bounds, errors.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(49);

-- ---- worked example 6: IFRS 15, Illustrative Example 52 ----

CREATE TEMP TABLE sale AS SELECT goods, deferred FROM ifrs15_allocation(price => 100000, points => 10000, value_per_point => 1, redemption_rate => 0.95);
CREATE TEMP TABLE revenue AS SELECT ifrs15_revenue(deferred => deferred, redeemed_to_date => 4500, expected_total => 9500) AS year_1, ifrs15_revenue(deferred, 8500, 9700) AS years_1_2 FROM sale;

SELECT results_eq('SELECT round(goods), round(deferred) FROM sale', 'VALUES (91324.0, 8676.0)', 'the price is divided');
SELECT is((SELECT deferred FROM sale), 100000 * 9500.0 / 109500, '... not rounded');
SELECT is((SELECT goods + deferred FROM sale), 100000.0, '... and nothing is lost');
SELECT is((SELECT round(year_1) FROM revenue), 4110.0, 'the first year');
SELECT is((SELECT round(years_1_2 - year_1) FROM revenue), 3493.0, 'the second, with what a new estimate changes of the first');
SELECT is((SELECT round(deferred - years_1_2) FROM sale, revenue), 1073.0, 'what is still owed');

-- the same from another handbook: 97 % expected; 4,500 of 9,700, then 8,500 of 9,900 or of 9,200 redeemed
CREATE TEMP TABLE rounded AS SELECT round(deferred, -3) AS deferred FROM ifrs15_allocation(100000, 10000, 1, 0.97);
SELECT results_eq('SELECT deferred, round(ifrs15_revenue(deferred, 4500, 9700)), round(ifrs15_revenue(deferred, 8500, 9900) - ifrs15_revenue(deferred, 4500, 9700)), round(ifrs15_revenue(deferred, 8500, 9200) - ifrs15_revenue(deferred, 4500, 9700)) FROM rounded',
	'VALUES (9000.0, 4175.0, 3552.0, 4140.0)', 'an estimate that rises, and one that falls');

-- ---- worked example 7: gift cards ----

SELECT is(round(ifrs15_revenue(100, 1, 85), 12), round(1 + 15.0 / 85, 12), 'each 1 redeemed of 100 with 15 unused brings 15/85 along');
SELECT is(round(ifrs15_revenue(100, 34, 85), 12), 40.0, '40 % of what is expected, 40 % of all');

-- ---- allocation ----

SELECT results_eq($$SELECT price, trim_scale(a.goods), trim_scale(a.deferred) FROM (VALUES
		(100, 0,   1,    0.9), (100, 50,  0,    0.9), (100, 50, 1, 0), (0, 0, 1, 0.9), (0, 50, 1, 0.9), (0, 0, 0, 0), (100, 100, 1, 1), (0.30, 10, 0.03, 1)) v(price, points, value, rate)
	CROSS JOIN LATERAL ifrs15_allocation(price, points, value, rate) a$$,
	$$VALUES (100.0, 100.0, 0.0), (100, 100, 0), (100, 100, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), (100, 50, 50), (0.30, 0.15, 0.15)$$, 'no points, no value, no redemption, no price; whole and half');
SELECT is((SELECT count(*)::int FROM generate_series(1, 200) price, generate_series(0, 20) points CROSS JOIN LATERAL ifrs15_allocation(price * 1.37, points, 0.07, 0.83) a
	WHERE a.goods + a.deferred = price * 1.37 AND a.goods >= 0 AND a.deferred >= 0), 4200, 'goods and points are always the price');
SELECT ok((SELECT abs(a.deferred / 1e30 - 0.5) < 1e-15 AND a.goods + a.deferred = 1e30 FROM ifrs15_allocation(1e30, 1e30, 1, 1) a), 'large');
SELECT ok((SELECT a.deferred > 0 AND a.goods + a.deferred = 1e-20 FROM ifrs15_allocation(1e-20, 1e-20, 1, 1) a), 'small');
SELECT is(pg_typeof(a.goods), 'numeric'::regtype, 'the columns are numeric') FROM ifrs15_allocation(1, 1, 1, 1) a;
SELECT results_eq(format('SELECT goods, deferred FROM ifrs15_allocation(%s)', arguments), 'VALUES (NULL::numeric, NULL::numeric)', 'NULL: ' || arguments)
FROM unnest(ARRAY['NULL, 1, 1, 1', '1, NULL, 1, 1', '1, 1, NULL, 1', '1, 1, 1, NULL']) arguments;

-- ---- revenue ----

SELECT is(ifrs15_revenue(100, 0, 80), 0.0, 'nothing redeemed');
SELECT is(ifrs15_revenue(100, 80, 80), 100.0, 'all that was expected');
SELECT is(ifrs15_revenue(100, 90, 80), 100.0, 'more than that: never more than was deferred');
SELECT is(ifrs15_revenue(100, 0, 0), 100.0, 'redemption is remote');
SELECT is(ifrs15_revenue(100, 5, 0), 100.0, '... though some were redeemed');
SELECT is(ifrs15_revenue(0, 5, 10), 0.0, 'nothing deferred');
SELECT is(ifrs15_revenue(0, 0, 0), 0.0, '... nor expected');
SELECT is((SELECT sum(step) FROM (SELECT ifrs15_revenue(1000, n, 64) - ifrs15_revenue(1000, n - 1, 64) AS step FROM generate_series(1, 64) n) q), 1000.0, 'the periods add up to what was deferred');
SELECT is(ifrs15_revenue(v.a, v.b, v.c), NULL, 'NULL where an argument is')
FROM (VALUES (NULL, 1.0, 1.0), (1.0, NULL, 1.0), (1.0, 1.0, NULL)) v(a, b, c);

-- ---- errors ----

SELECT throws_ok('SELECT ifrs15_allocation(' || arguments || ')', '22023', message, message) FROM (VALUES
	('-1, 1, 1, 1', 'price must not be negative, but is -1'),
	('1, -0.5, 1, 1', 'points must not be negative, but is -0.5'),
	('1, 1, -2, 1', 'value_per_point must not be negative, but is -2'),
	('1, 1, 1, -0.01', 'redemption_rate must be between 0 and 1, not -0.01'),
	('1, 1, 1, 95', 'redemption_rate must be between 0 and 1, not 95'),
	('1, 1, 1, 1.0001', 'redemption_rate must be between 0 and 1, not 1.0001'),
	($$1, 1, 1, 'NaN'$$, 'redemption_rate must be between 0 and 1, not NaN'),
	($$1, 1, 1, '-infinity'$$, 'redemption_rate must be between 0 and 1, not -Infinity'),
	($$'NaN', 1, 1, 1$$, 'price must be finite, not NaN'),
	($$'infinity', 1, 1, 1$$, 'price must be finite, not Infinity'),
	($$'-infinity', 1, 1, 1$$, 'price must be finite, not -Infinity'),
	($$1, 'NaN', 1, 1$$, 'points must be finite, not NaN'),
	($$1, 1, 'infinity', 1$$, 'value_per_point must be finite, not Infinity')) v(arguments, message);
SELECT throws_ok('SELECT ifrs15_revenue(' || arguments || ')', '22023', message, message) FROM (VALUES
	('-1, 1, 1', 'deferred must not be negative, but is -1'),
	('1, -1, 1', 'redeemed_to_date must not be negative, but is -1'),
	('1, 1, -1', 'expected_total must not be negative, but is -1'),
	($$'NaN', 1, 1$$, 'deferred must be finite, not NaN'),
	($$1, 'infinity', 1$$, 'redeemed_to_date must be finite, not Infinity'),
	($$1, 1, 'NaN'$$, 'expected_total must be finite, not NaN')) v(arguments, message);
SELECT throws_ok('SELECT ifrs15_allocation(1, 1e100000, 1e100000, 1)', '22003', NULL, 'too large for a numeric');

SELECT * FROM finish();
ROLLBACK;
