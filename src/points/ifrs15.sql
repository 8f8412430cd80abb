-- ---- revenue from sales with points: IFRS 15, ASC 606 ----

CREATE FUNCTION ifrs15_allocation(price numeric, points numeric, value_per_point numeric, redemption_rate numeric, OUT goods numeric, OUT deferred numeric)
	AS 'MODULE_PATHNAME', 'loyalty_ifrs15_allocation' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5;
CREATE FUNCTION ifrs15_revenue(deferred numeric, redeemed_to_date numeric, expected_total numeric) RETURNS numeric
	AS 'MODULE_PATHNAME', 'loyalty_ifrs15_revenue' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 3;

COMMENT ON FUNCTION ifrs15_allocation(numeric, numeric, numeric, numeric) IS
	'How the price of a sale that comes with points is divided by stand-alone selling prices: that of the goods is the price, that of the points is points * value_per_point * redemption_rate. deferred is the points'' part, to be earned as they are redeemed, see ifrs15_revenue(); goods the rest, earned now: goods + deferred = price, not rounded. NULLs where an argument is NULL. A rate outside of 0 to 1 and what is negative or not finite are error 22023. IFRS 15 B39-B43, Illustrative Example 52; ASC 606-10-55-41 to 45.';
COMMENT ON FUNCTION ifrs15_revenue(numeric, numeric, numeric) IS
	'The revenue to date, from the first day on, of an amount that was deferred for points: deferred * redeemed_to_date / expected_total, not rounded, where expected_total is how many points will be redeemed in the end, those of redeemed_to_date included, by the newest estimate. A period''s revenue is what this gives at its end less what it gave at its start with the estimate of then; deferred less this is the liability. All of deferred, and never more, once redeemed_to_date reaches expected_total; an expected_total of 0 means that redemption is remote, so that nothing is owed. NULL where an argument is NULL; what is negative or not finite is error 22023. IFRS 15 B44-B47, Illustrative Example 52; ASC 606-10-55-46 to 49.';
