-- Template: a fit, to a sample and to customers.
--
--	NAME		in SQL; loyalty_<NAME> is its C function
--	SAMPLE		the aggregate of what it is fitted to
--	MODEL		what it returns
--	ARGUMENTS	of the aggregate
--	SSPACE		bytes of a group
--	COMMENT		of the function: the model, and where it is from
--	AGGREGATE_COMMENT

CREATE FUNCTION @NAME@(sample @SAMPLE@_result) RETURNS @MODEL@
	AS 'MODULE_PATHNAME', 'loyalty_@NAME@' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION @NAME@(@SAMPLE@_result) IS
	'@COMMENT@. The parameters with the largest likelihood, by a search that goes up from several places, each parameter from 0.0001 to 10000. A fit that has not converged, or ends on the edge of that, is a WARNING that names the parameter, and says so in the model. NULL for NULL, and where there is nobody in the sample';

\expand value/fit_aggregate.sql NAME=@NAME@ SAMPLE=@SAMPLE@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@AGGREGATE_COMMENT@"
