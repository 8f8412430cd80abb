-- What customers say: answers to a question with a scale.
--
-- Polymorphic, as survival() is; a score of any type of numbers is looked at for itself.

\expand metric/result_type.sql TYPE=nps_result SSPACE=2048 DIFFER="nothing"
COMMENT ON TYPE nps_result IS
	'answers on a scale of 0 to 10 by score, as nps() counts them; nps_table() makes a row of it, nps_difference() compares two, score_shares() has each score, rollup() adds them up';
COMMENT ON AGGREGATE rollup(result nps_result) IS
	'adds up the answers of results. NULLs are left out; NULL without any result';

\expand voice/score_aggregate.sql NAME=nps ARGUMENTS="" \
	COMMENT="counts answers to ''would you recommend us'', 0 to 10, for the net promoter score. Each row is somebody who was asked; NULL is no answer, and counts as asked. A score of any type of numbers; one outside of 0 to 10, or with a fraction, is error 22023 that names it, and so is another type. NULL without rows"
\expand voice/score_aggregate.sql NAME=nps ARGUMENTS=", strict boolean" \
	COMMENT="the same; where strict is false, scores outside of 0 to 10 and those with a fraction are no error, but counted as invalid answers. A NULL strict is error 22004"

CREATE FUNCTION nps_table(result nps_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (asked bigint, answered bigint, response_rate float8, n bigint, promoters bigint, passives bigint, detractors bigint, invalid bigint,
		score float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_nps_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1;
COMMENT ON FUNCTION nps_table(nps_result, float8) IS
	'one row: how many were asked, how many answered, and which share that is; of the n valid answers, the promoters (9, 10), passives (7, 8) and detractors (0 to 6); invalid answers. The score is the percentage of promoters less that of detractors, in points from -100 to 100; its interval is the adjusted Wald interval (3/4 promoters, 3/2 passives and 3/4 detractors more: Rocks 2016), cut to that. NULL where there are no valid answers. A confidence that isn''t between 0 and 1 is error 22023, more than 2^63 - 1 answers 22003';

CREATE FUNCTION nps_difference(a nps_result, b nps_result, confidence float8 DEFAULT 0.95,
		OUT difference float8, OUT lower float8, OUT upper float8, OUT z float8, OUT p float8)
	AS 'MODULE_PATHNAME', 'loyalty_nps_difference' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION nps_difference(nps_result, nps_result, float8) IS
	'the score of a less that of b, in points from -200 to 200, of answers that are independent. Interval, z and p are by the adjusted Wald method: with 3/4 promoters, 3/2 passives and 3/4 detractors more in each, the difference and the sum of the variances (Lewis and Sauro 2021); p is how likely a difference so far from 0 is without one. NULLs where one of them has no valid answers. Errors as in nps_table()';

CREATE FUNCTION score_shares(result nps_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (score int, counts_as text, answers bigint, share float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_nps_shares'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 11;
COMMENT ON FUNCTION score_shares(nps_result, float8) IS
	'a row for each score of the scale, in order: what it counts as (promoter, passive, detractor), how many gave it, which share of the valid answers that is, 0 to 1, and Wilson''s interval of the share. The shares are NULL where there are no valid answers. Errors as in nps_table()';

\expand metric/result_type.sql TYPE=csat_result SSPACE=2048 DIFFER="top or scale"
COMMENT ON TYPE csat_result IS
	'answers on a scale by score, as csat() counts them; csat_table() makes a row of it, score_shares() has each score, rollup() adds them up';
COMMENT ON AGGREGATE rollup(result csat_result) IS
	'adds up the answers of results. Results that differ in top or scale are an error (22023). NULLs are left out; NULL without any result';

\expand voice/score_aggregate.sql NAME=csat ARGUMENTS="" \
	COMMENT="counts answers to ''how satisfied are you'', 1 to 5, of which 4 and 5 count as satisfied. Each row is somebody who was asked; NULL is no answer, and counts as asked. A score of any type of numbers; one outside of the scale, or with a fraction, is error 22023 that names it, and so is another type. NULL without rows"
\expand voice/score_aggregate.sql NAME=csat ARGUMENTS=", top int, scale int" \
	COMMENT="the same on a scale of 1 to scale, 2 to 100, of which the top best scores count as satisfied: at least 1, and not all. Others are error 22023, NULL is 22004; both must be the same for all rows (22023)"
\expand voice/score_aggregate.sql NAME=csat ARGUMENTS=", top int, scale int, strict boolean" \
	COMMENT="the same; where strict is false, scores outside of the scale and those with a fraction are no error, but counted as invalid answers. A NULL strict is error 22004"

CREATE FUNCTION csat_table(result csat_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (asked bigint, answered bigint, response_rate float8, n bigint, satisfied bigint, invalid bigint,
		share float8, lower float8, upper float8, mean float8, mean_lower float8, mean_upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_csat_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1;
COMMENT ON FUNCTION csat_table(csat_result, float8) IS
	'one row: how many were asked, how many answered, and which share that is; of the n valid answers, those that are one of the top scores (satisfied); invalid answers. The share of the satisfied, 0 to 1, with Wilson''s interval; and the mean score with Student''s, cut to the scale, NULL where there is one answer. All are NULL where there are no valid answers. A confidence that isn''t between 0 and 1 is error 22023, more than 2^63 - 1 answers 22003';

CREATE FUNCTION score_shares(result csat_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (score int, counts_as text, answers bigint, share float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_csat_shares'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 5;
COMMENT ON FUNCTION score_shares(csat_result, float8) IS
	'a row for each score of the scale, in order: what it counts as (satisfied, not satisfied), how many gave it, which share of the valid answers that is, 0 to 1, and Wilson''s interval of the share. The shares are NULL where there are no valid answers. Errors as in csat_table()';

\expand metric/result_type.sql TYPE=ces_result SSPACE=2048 DIFFER="scale"
COMMENT ON TYPE ces_result IS
	'answers on a scale by score, as ces() counts them; ces_table() makes a row of it, score_shares() has each score, rollup() adds them up';
COMMENT ON AGGREGATE rollup(result ces_result) IS
	'adds up the answers of results. Results that differ in scale are an error (22023). NULLs are left out; NULL without any result';

\expand voice/score_aggregate.sql NAME=ces ARGUMENTS="" \
	COMMENT="counts answers to ''it was easy to get that done'', from 1 (strongly disagree) to 7 (strongly agree), for the customer effort score. Each row is somebody who was asked; NULL is no answer, and counts as asked. A score of any type of numbers; one outside of the scale, or with a fraction, is error 22023 that names it, and so is another type. NULL without rows"
\expand voice/score_aggregate.sql NAME=ces ARGUMENTS=", scale int" \
	COMMENT="the same on a scale of 1 to scale, 2 to 100. Others are error 22023, NULL is 22004; it must be the same for all rows (22023)"
\expand voice/score_aggregate.sql NAME=ces ARGUMENTS=", scale int, strict boolean" \
	COMMENT="the same; where strict is false, scores outside of the scale and those with a fraction are no error, but counted as invalid answers. A NULL strict is error 22004"

CREATE FUNCTION ces_table(result ces_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (asked bigint, answered bigint, response_rate float8, n bigint, easy bigint, invalid bigint,
		share float8, lower float8, upper float8, mean float8, mean_lower float8, mean_upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_ces_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 1;
COMMENT ON FUNCTION ces_table(ces_result, float8) IS
	'one row: how many were asked, how many answered, and which share that is; of the n valid answers, those above the middle of the scale (easy: 5 to 7 of 7); invalid answers. The share of those, 0 to 1, with Wilson''s interval; and the mean score, which is the customer effort score, with Student''s, cut to the scale, NULL where there is one answer. All are NULL where there are no valid answers. A confidence that isn''t between 0 and 1 is error 22023, more than 2^63 - 1 answers 22003';

CREATE FUNCTION score_shares(result ces_result, confidence float8 DEFAULT 0.95)
	RETURNS TABLE (score int, counts_as text, answers bigint, share float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_ces_shares'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 7;
COMMENT ON FUNCTION score_shares(ces_result, float8) IS
	'a row for each score of the scale, in order: what it counts as (easy, not easy), how many gave it, which share of the valid answers that is, 0 to 1, and Wilson''s interval of the share. The shares are NULL where there are no valid answers. Errors as in ces_table()';
