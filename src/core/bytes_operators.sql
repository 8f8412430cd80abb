-- Template: comparison of a type whose equal values have equal bytes. For DISTINCT, GROUP BY,
-- UNION and the like: to a person the order means nothing.
--
--	TYPE	the type
--	VALUE	name of the argument of its hash functions

\expand core/comparison.sql TYPE=@TYPE@ VALUE=@VALUE@ FUNCTIONS=bytes SAME="the same" ORDER="by bytes"
