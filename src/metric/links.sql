-- Names of nodes in rows of the form (step, source, target, value), which charts of flows take.

CREATE FUNCTION link_name(name text, level int, is_named boolean DEFAULT true) RETURNS text
	AS 'MODULE_PATHNAME', 'loyalty_link_name' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION link_name(text, int, boolean) IS
	'The name of a node in a chart of flows that is unique there: ''order (2)'' for order at level 2, as all functions have it that give links. Where is_named is false, that of something which no name stands for, written as no name can be: ''(other 2)''. NULL for a NULL; for links of your own.';
