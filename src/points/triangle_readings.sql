-- Template: what a triangle says, of whatever programme; its C file has POINTS_TRIANGLE_READINGS(C, ...).
--
--	TYPE	the triangle's
--	C		loyalty_<C>_redemption_rate and the others are its C functions

CREATE FUNCTION points_redemption_rate(triangle @TYPE@, confidence float8 DEFAULT 0.95, method redemption_method DEFAULT '{}')
	RETURNS TABLE (label text, issue_period date, issued numeric, redeemed numeric, outstanding numeric,
		rate float8, lower float8, upper float8, standard_error float8, breakage float8,
		breakage_points numeric, breakage_points_if_lower numeric, breakage_points_if_higher numeric)
	AS 'MODULE_PATHNAME', 'loyalty_@C@_redemption_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION points_redemption_rate(@TYPE@, float8, redemption_method) IS
	'How much of the points of each period will be redeemed in the end, by default by chain ladder: points redeemed so far go on as older ones did at that age. A row for each period (of each label, which are estimated apart), and a last one, with a NULL issue_period, in all.
issued: less what was taken back; redeemed: so far; rate: redeemed in the end / issued, with the interval at this confidence, both within what is possible: points redeemed or expired are what they are, so a period with nothing outstanding has its rate. standard_error: of the rate; NULL where too little was seen to tell, then the interval is all that is possible. breakage: 1 - rate; breakage_points: issued points that will never be redeemed, and what they would be if the rate were a percentage point lower or higher, as far as it can be.
method: another way, a prior rate, a tail behind the oldest age, a bootstrap: redemption_method. Without a tail, what happens at ages that no period has reached is not known: the estimate is low as long as the history is shorter than points live. NULL rates where nothing was issued. No rows for NULL; a confidence outside of 0 to 1 is error 22023.
Mack, T. (1993): Distribution-free calculation of the standard error of chain ladder reserve estimates. ASTIN Bulletin 23(2), 213-225.';

CREATE FUNCTION points_liability(triangle @TYPE@, value_per_point numeric, method redemption_method DEFAULT '{}', confidence float8 DEFAULT 0.95)
	RETURNS TABLE (label text, issue_period date, outstanding numeric, expected numeric,
		liability numeric, liability_lower numeric, liability_upper numeric,
		breakage_of_outstanding numeric, breakage_of_issued numeric)
	AS 'MODULE_PATHNAME', 'loyalty_@C@_liability' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION points_liability(@TYPE@, numeric, redemption_method, float8) IS
	'What the points of each period are still worth: outstanding ones; expected, those of them that will be redeemed by the rate of points_redemption_rate(), with two more decimals than points have; liability = expected x value_per_point, with two more decimals than value_per_point has, and its interval at this confidence, by that of the rate. breakage_of_outstanding: outstanding points that will never be redeemed, outstanding - expected; breakage_of_issued: the same of all points ever issued, those that have expired already among them, which is breakage_points of points_redemption_rate(). A row for each period (of each label), and a last one, with a NULL issue_period, in all. No rows for NULL; a value_per_point below zero, NaN or infinite, and a confidence outside of 0 to 1, is error 22023.';

CREATE FUNCTION points_liability_by_period(triangle @TYPE@, value_per_point numeric, method redemption_method DEFAULT '{}', confidence float8 DEFAULT 0.95)
	RETURNS TABLE (label text, period_start date, period_end date, complete boolean, outstanding numeric, expected numeric, breakage_of_outstanding numeric,
		liability numeric, liability_lower numeric, liability_upper numeric, rate float8, in_all boolean, day date)
	AS 'MODULE_PATHNAME', 'loyalty_@C@_liability_by_period' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000 ROWS 60;
COMMENT ON FUNCTION points_liability_by_period(@TYPE@, numeric, redemption_method, float8) IS
	'The liability at the end of each period, from the first in which points were issued to that of as_of (which counts up to as_of): what points_liability() says in all of a triangle as of that day, from what was known by then. outstanding: points that are left, which with debts taken off are the closing of the roll-forward; expected, breakage_of_outstanding, liability with its interval: as in points_liability(); rate: redeemed in the end / issued, of all points so far. By label, there are rows of each label that has points by then, and behind them one in all, whose label is NULL and in_all true; rows of points without label have in_all false. period_end is exclusive; complete is false while the period still runs; day: the last one that counts, the period''s or as_of. No rows for NULL; more than 4000 periods are error 54000; others as in points_liability().';

CREATE FUNCTION points_development(triangle @TYPE@, method redemption_method DEFAULT '{}')
	RETURNS TABLE (label text, age int, factor float8, standard_error float8, cohorts int, to_ultimate float8, developed float8, is_tail boolean)
	AS 'MODULE_PATHNAME', 'loyalty_@C@_development' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 30;
COMMENT ON FUNCTION points_development(@TYPE@, redemption_method) IS
	'What estimates rest on, a row for each age that some period has completed (of each label): factor: what was redeemed by the end of the next age / by the end of this one, over the cohorts that have completed both, with its standard error and their number; at the oldest age the tail: given, fitted, or 1 without one. to_ultimate: the product of this factor and all behind it; developed: 1 / to_ultimate, at most 1, the share of all redemptions that is in by the end of this age, 0 where nothing was redeemed by then. NULL where it isn''t known: nothing was redeemed at an age, one cohort has no standard error, a tail couldn''t be fitted. No rows for NULL, and without an age that is over.';
