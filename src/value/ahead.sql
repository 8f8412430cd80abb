-- Template: what a model says of some time ahead, which is a number of the model's periods, or an interval.
--
--	NAME		in SQL; loyalty_<NAME> and loyalty_<NAME>_interval are its C functions
--	BEFORE		the arguments before the horizon
--	AFTER		those behind it, with a comma before them, or nothing
--	COST		of a row
--	COMMENT		up to what is said of the horizon
--	COMMENT_AFTER	what comes then

CREATE FUNCTION @NAME@(@BEFORE@, horizon float8@AFTER@) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_@NAME@' LANGUAGE C IMMUTABLE PARALLEL SAFE COST @COST@;
COMMENT ON FUNCTION @NAME@(@BEFORE@, horizon float8@AFTER_WITHOUT_DEFAULTS@) IS
	'@COMMENT@; horizon: a number of the model''s periods, from 0 to 100000, and by a BG/NBD or MBG/NBD not more than as many times alpha + age@COMMENT_AFTER@. NULL where another argument is; a NULL model is error 22004, numbers that no customer has 22023';
CREATE FUNCTION @NAME@(@BEFORE@, horizon interval@AFTER@) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_@NAME@_interval' LANGUAGE C IMMUTABLE PARALLEL SAFE COST @COST@;
COMMENT ON FUNCTION @NAME@(@BEFORE@, horizon interval@AFTER_WITHOUT_DEFAULTS@) IS
	'the same, with the horizon as an interval, for a model that has a period (else 22023): a month is 365.25 / 12 days where the period is a day or a week, and days are such parts of a month else';
