-- Template: what models of a kind are fitted to: the type, and the aggregate that counts customers.
-- What it is about is told by a COMMENT ON TYPE of its own, behind this.
--
--	NAME		the aggregate; its type is <NAME>_result
--	ARGUMENTS	what is known of a customer
--	SSPACE		bytes of a group
--	DIFFER		what samples that are added may not differ in
--	COMMENT		of the aggregate

\expand metric/result_type.sql TYPE=@NAME@_result SSPACE=@SSPACE@ DIFFER="@DIFFER@"

\expand value/sample_aggregate.sql NAME=@NAME@ ARGUMENTS="@ARGUMENTS@" SSPACE=@SSPACE@ COMMENT="@COMMENT@"
