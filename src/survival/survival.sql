-- Survival: how long customers stay, where some are still there.

\expand metric/result_type.sql TYPE=survival_result SSPACE=32768 DIFFER="what durations count in"
COMMENT ON TYPE survival_result IS
	'observed durations and how many of each ended or are censored, as survival() counts them; survival_table(), survival_at(), survival_median() and survival_mean() ask it, rollup() adds those of disjoint customers';
COMMENT ON AGGREGATE rollup(result survival_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result. Durations in days (of intervals) and those without a unit are error 22023, and so are floats and exact numbers; 22003 where durations don''t fit at the decimals of the one with most';

-- Polymorphic, since an integer would be taken for float8, which numbers prefer, were there one
-- aggregate for each type.
\expand metric/aggregate.sql NAME=survival C=survival RESULT=survival_result \
	SUMMARY="duration anynonarray" VOLATILITY=IMMUTABLE \
	ARGUMENTS="event boolean" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="counts durations for Kaplan-Meier''s estimate: event says whether a duration ended (true), or is only known to be that long or longer (false: censored). A number (of an integer type, numeric, real or float8) in any unit, or an interval, which counts in days: a day is 24 hours and a month 30 days, to 11 decimals, so that a microsecond more is longer. 0 or more; a negative one is error 22023, NaN and infinity 22003, an infinite interval 22008, another type 22023. Integers and numeric are exact, and fit 18 digits at the decimals of the one with most (22003); floats are taken as they are. Rows with a NULL are left out. Grows with distinct durations, not with rows. NULL without rows"

-- Of one type, which both can be: an integer beside a numeric, and a literal.
\expand metric/aggregate.sql NAME=survival C=survival RESULT=survival_result \
	SUMMARY="duration anycompatiblenonarray" VOLATILITY=IMMUTABLE \
	ARGUMENTS="event boolean, entry anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="survival() with delayed entry (left truncation): entry is how long a duration had lasted when its observation began, in the same unit, 0 where that was at its start. Such a one is at risk behind its entry: at t where entry < t, or entry is 0. An entry that isn''t before the end of its duration is error 22023, since what had ended before observation began can''t be seen; so is a negative one. Rows with a NULL are left out. Results with entries and without add up"

CREATE FUNCTION survival_table(result survival_result, confidence float8 DEFAULT 0.95, interval_kind text DEFAULT 'log-log')
	RETURNS TABLE (duration numeric, at_risk bigint, events bigint, censored bigint,
		survival float8, std_error float8, lower float8, upper float8, entered bigint)
	AS 'MODULE_PATHNAME', 'loyalty_survival_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 300;
COMMENT ON FUNCTION survival_table(survival_result, float8, text) IS
	'a row for each duration that occurs, in order: at risk is who has that duration or a longer one (who is censored then, too) and has entered before, entered who is at risk from then on, survival is Kaplan-Meier''s share that lasts longer than it, std_error Greenwood''s. The interval is normal in ln(-ln S) (log-log), in ln S (log) or in S (plain), and cut to 0..1. At survival 0 error and interval are NULL; at 1 the error is 0, the interval 1 to 1, or NULL where it is log-log: what survfit of R''s survival has. Another kind of interval is error 22023, and so is a confidence that isn''t between 0 and 1';

CREATE FUNCTION survival_at(result survival_result, t numeric) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_survival_at' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION survival_at(survival_result, numeric) IS
	'the share that lasts longer than t, in what durations count in, by Kaplan-Meier: 1 before the first event. Past the longest duration NULL, since nobody knows; or 0, where it is 0 there. Where all at risk have ended before others enter, it is 0 from there on, and a NOTICE says so. A negative t is error 22023, NaN and infinity 22003';
\expand survival/point.sql TYPE=interval POINT="an interval: days of 24 hours, months of 30 days. Durations that don''t count in days are error 22023"
\expand survival/point.sql TYPE=text POINT="a text: a number, or an interval''s"

CREATE FUNCTION survival_median(result survival_result, confidence float8 DEFAULT 0.95, interval_kind text DEFAULT 'log-log',
		OUT median numeric, OUT lower numeric, OUT upper numeric)
	AS 'MODULE_PATHNAME', 'loyalty_survival_median' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION survival_median(survival_result, float8, text) IS
	'the first duration at which survival is one half or less, and those at which the lower and the upper end of its interval are (Brookmeyer and Crowley). NULL where it isn''t reached. interval_kind and errors as in survival_table()';

CREATE FUNCTION survival_mean(result survival_result, until numeric DEFAULT NULL,
		OUT mean float8, OUT std_error float8, OUT until numeric)
	AS 'MODULE_PATHNAME', 'loyalty_survival_mean' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;
COMMENT ON FUNCTION survival_mean(survival_result, numeric) IS
	'the mean duration where those above until count as until: the area under survival from 0 to until, which is the longest duration by default (NULL). Its variance is the sum over events of A(t)^2 d / (n (n - d)), A(t) being the area from t to until (Klein and Moeschberger 2003, 4.5). NULL where until is past the longest duration and survival isn''t 0 there. until may be an interval or its text, as in survival_at(). Where S is 0 before others enter, a NOTICE says so. A negative until is error 22023, NaN and infinity 22003';

CREATE FUNCTION churn_duration(activity activity_set, gap_days int, as_of date DEFAULT current_date,
		OUT duration int, OUT event boolean)
	AS 'MODULE_PATHNAME', 'loyalty_churn_duration' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION churn_duration(activity_set, int, date) IS
	'how many days a customer stayed, for survival(): from the first active day to the day gap_days + 1 after the last one before a gap longer than gap_days (event true); if that day hasn''t come by as_of, to as_of (false: censored). So one who never comes back stays gap_days + 1 days: take these off to date the end back to the last active day. What came later doesn''t change it, nor a second stay. Days after as_of don''t count; NULLs for a set without days up to as_of. gap_days below 1 is error 22023, an infinite as_of 22008';

-- Do segments last equally long?

\expand metric/result_type.sql TYPE=logrank_result SSPACE=32768 DIFFER="what durations count in"
COMMENT ON TYPE logrank_result IS
	'observed durations by segment and how many of each ended or are censored, as logrank() counts them; logrank_test() compares the segments, rollup() adds results of disjoint customers';
COMMENT ON AGGREGATE rollup(result logrank_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result. Durations in days (of intervals) and those without a unit are error 22023, and so are floats and exact numbers; 22003 where durations don''t fit at the decimals of the one with most';

-- STABLE, since the text of some types (dates, enums) is.
\expand metric/aggregate.sql NAME=logrank C=logrank RESULT=logrank_result \
	SUMMARY="duration anynonarray" VOLATILITY=STABLE \
	ARGUMENTS="event boolean, segment anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="counts durations by segment for logrank_test(); duration and event as in survival(). A segment is of any type, and its text counts. Rows with a NULL are left out, those without a segment too: coalesce(segment, ''unknown'') makes them one. NULL without rows"

\expand metric/aggregate.sql NAME=logrank C=logrank RESULT=logrank_result \
	SUMMARY="duration anycompatiblenonarray" VOLATILITY=STABLE \
	ARGUMENTS="event boolean, segment anynonarray, entry anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="logrank() with delayed entry, as survival() has it"

CREATE FUNCTION logrank_test(result logrank_result, weighting text DEFAULT 'logrank')
	RETURNS TABLE (segment text, observations bigint, observed float8, expected float8,
		chi_squared float8, degrees_of_freedom int, p float8)
	AS 'MODULE_PATHNAME', 'loyalty_logrank_test'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 4;
COMMENT ON FUNCTION logrank_test(logrank_result, text) IS
	'tests whether all segments last equally long: a row for each segment, with its events, how many were to be expected, and on each row the test: chi-squared, its degrees of freedom, and p, how likely so much or more is without a difference. Events weigh the same (logrank), as many as are at risk (wilcoxon: Gehan and Breslow), or the square root of that (tarone-ware), and observed and expected are weighted sums. A segment with nobody at risk when others have events doesn''t count for the degrees of freedom; with none left chi-squared and p are NULL. Another weighting is error 22023, more than 1000 segments 54000';

-- What do they end by?

\expand metric/result_type.sql TYPE=cumulative_incidence_result SSPACE=32768 DIFFER="what durations count in"
COMMENT ON TYPE cumulative_incidence_result IS
	'observed durations by the cause that ended them, and how many are censored, as cumulative_incidence() counts them; cumulative_incidence_table() and cumulative_incidence_at() ask it, rollup() adds results of disjoint customers';
COMMENT ON AGGREGATE rollup(result cumulative_incidence_result) IS
	'adds results of disjoint customers; customers that are in several are counted as often. NULLs are left out; NULL without any result. Durations in days (of intervals) and those without a unit are error 22023, and so are floats and exact numbers; 22003 where durations don''t fit at the decimals of the one with most';

-- STABLE, since the text of some types (dates, enums) is.
\expand metric/aggregate.sql NAME=cumulative_incidence C=cumulative_incidence RESULT=cumulative_incidence_result \
	SUMMARY="duration anynonarray" VOLATILITY=STABLE \
	ARGUMENTS="cause anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="counts durations by what ended them, where one of several causes does (competing risks): a cause is of any type, and its text counts; NULL: the duration is only known to be that long or longer (censored). Durations as in survival(); rows without one are left out. Grows with distinct durations and causes, not with rows. NULL without rows"

\expand metric/aggregate.sql NAME=cumulative_incidence C=cumulative_incidence RESULT=cumulative_incidence_result \
	SUMMARY="duration anycompatiblenonarray" VOLATILITY=STABLE \
	ARGUMENTS="cause anynonarray, entry anycompatiblenonarray" \
	COST_OF_A_ROW=1 SSPACE=32768 \
	AGGREGATE_COMMENT="cumulative_incidence() with delayed entry, as survival() has it. A NULL entry leaves the row out"

CREATE FUNCTION cumulative_incidence_table(result cumulative_incidence_result, confidence float8 DEFAULT 0.95, interval_kind text DEFAULT 'log-log')
	RETURNS TABLE (cause text, duration numeric, at_risk bigint, events bigint, incidence float8, std_error float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_cumulative_incidence_table'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 300;
COMMENT ON FUNCTION cumulative_incidence_table(cumulative_incidence_result, float8, text) IS
	'a row for each cause and each duration that it ended, in order: at risk then, ended by the cause, and its incidence: the share that has ended by it by then, by Aalen and Johansen (1978), with the standard error of Gaynor et al. (1993). Between two rows of a cause its incidence stays. Those of all causes and survival() of all together add up to 1. The interval is normal in ln(-ln F) (log-log), in ln F (log) or in F (plain), and cut to 0..1; where F is 1, log-log has none. Another kind of interval is error 22023, and so is a confidence that isn''t between 0 and 1; more than 1000 causes are 54000';

CREATE FUNCTION cumulative_incidence_at(result cumulative_incidence_result, t numeric, confidence float8 DEFAULT 0.95, interval_kind text DEFAULT 'log-log')
	RETURNS TABLE (cause text, incidence float8, std_error float8, lower float8, upper float8)
	AS 'MODULE_PATHNAME', 'loyalty_cumulative_incidence_at'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5;
COMMENT ON FUNCTION cumulative_incidence_at(cumulative_incidence_result, numeric, float8, text) IS
	'a row for each cause: the share that has ended by it by t, t included, as cumulative_incidence_table() has it; before its first one 0. Past the longest duration NULLs, since nobody knows; unless all have ended. t and its errors as in survival_at()';
\expand survival/incidence_at.sql TYPE=interval POINT="an interval: days of 24 hours, months of 30 days. Durations that don''t count in days are error 22023"
\expand survival/incidence_at.sql TYPE=text POINT="a text: a number, or an interval''s"
