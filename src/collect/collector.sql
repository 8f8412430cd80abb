-- Template: one form of a collector, for every type of customers.
--
--	COLLECTOR	activities, timelines
--	FORM		in C it is loyalty_COLLECTOR_<type of customers>_FORM
--	ARGUMENTS	behind the customer
--	VOLATILITY	of its transition functions
--	SSPACE		bytes of a state; measured by test/memory.sql
--	COMMENT		of the aggregates

\expand collect/collector_of.sql CUSTOMER=smallint BASE=bigint COLLECTOR=@COLLECTOR@ FORM=@FORM@ ARGUMENTS="@ARGUMENTS@" VOLATILITY=@VOLATILITY@ SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_of.sql CUSTOMER=integer BASE=bigint COLLECTOR=@COLLECTOR@ FORM=@FORM@ ARGUMENTS="@ARGUMENTS@" VOLATILITY=@VOLATILITY@ SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_of.sql CUSTOMER=bigint BASE=bigint COLLECTOR=@COLLECTOR@ FORM=@FORM@ ARGUMENTS="@ARGUMENTS@" VOLATILITY=@VOLATILITY@ SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_of.sql CUSTOMER=numeric BASE=bigint COLLECTOR=@COLLECTOR@ FORM=@FORM@ ARGUMENTS="@ARGUMENTS@" VOLATILITY=@VOLATILITY@ SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_of.sql CUSTOMER=uuid BASE=uuid COLLECTOR=@COLLECTOR@ FORM=@FORM@ ARGUMENTS="@ARGUMENTS@" VOLATILITY=@VOLATILITY@ SSPACE=@SSPACE@ COMMENT="@COMMENT@"
\expand collect/collector_of.sql CUSTOMER=text BASE=text COLLECTOR=@COLLECTOR@ FORM=@FORM@ ARGUMENTS="@ARGUMENTS@" VOLATILITY=@VOLATILITY@ SSPACE=@SSPACE@ COMMENT="@COMMENT@"
