-- Template: one form of a collector whose transition function takes columns of any type, for every
-- type of customers.
--
--	COLLECTOR	timelines
--	ACCUM		the transition function: several forms have the same
--	ARGUMENTS	behind the customer
--	SSPACE		bytes of a state
--	COMMENT		of the aggregates

\expand collect/collector_any_of.sql CUSTOMER=smallint BASE=bigint COLLECTOR=@COLLECTOR@ ACCUM=@ACCUM@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_any_of.sql CUSTOMER=integer BASE=bigint COLLECTOR=@COLLECTOR@ ACCUM=@ACCUM@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_any_of.sql CUSTOMER=bigint BASE=bigint COLLECTOR=@COLLECTOR@ ACCUM=@ACCUM@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_any_of.sql CUSTOMER=numeric BASE=bigint COLLECTOR=@COLLECTOR@ ACCUM=@ACCUM@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_any_of.sql CUSTOMER=uuid BASE=uuid COLLECTOR=@COLLECTOR@ ACCUM=@ACCUM@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_any_of.sql CUSTOMER=text BASE=text COLLECTOR=@COLLECTOR@ ACCUM=@ACCUM@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@COMMENT@"
