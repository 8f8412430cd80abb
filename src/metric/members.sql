-- Template: who is in a cell of a metric's table, over a base of each type of customers. Its C file
-- has METRIC_MEMBERS(C, ...).
--
--	NAME		of the metric, in SQL
--	C			loyalty_<C>_members is its C function
--	BASE		activity_base, timeline_base
--	ARGUMENTS	behind the base, with what they are by default: those of the metric, and among them the cell's
--	COMMENT		of the function

\expand metric/members_of.sql NAME=@NAME@ C=@C@ CUSTOMER=bigint BASES="base @BASE@_bigint" ARGUMENTS="@ARGUMENTS@" COMMENT="@COMMENT@"
\expand metric/members_of.sql NAME=@NAME@ C=@C@ CUSTOMER=uuid BASES="base @BASE@_uuid" ARGUMENTS="@ARGUMENTS@" COMMENT="@COMMENT@"
\expand metric/members_of.sql NAME=@NAME@ C=@C@ CUSTOMER=text BASES="base @BASE@_text" ARGUMENTS="@ARGUMENTS@" COMMENT="@COMMENT@"
