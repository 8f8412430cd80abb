-- Template: make_event(), of an instant or of a day. The types of ref, kind and label pick the form;
-- what picks it comes first, and has no default, so that a call that leaves it out finds the
-- first form alone. A value may be any number: "anycompatible" and not the name of a type, since a
-- literal would else become the preferred one among several, a float.
--
--	AT			timestamptz; or date, with a zone
--	ZONE		"", or the argument that date has in the end
--	VOLATILITY	of the forms without an enum, whose names may change
--	WHAT		what at is, for the comments

CREATE FUNCTION make_event(at @AT@, value anycompatible DEFAULT NULL, kind text DEFAULT NULL, label text DEFAULT NULL, ref bigint DEFAULT NULL, expires_at timestamptz DEFAULT NULL, until @AT@ DEFAULT NULL@ZONE@) RETURNS timeline_event
	AS 'MODULE_PATHNAME', 'loyalty_make_event' LANGUAGE C @VOLATILITY@ PARALLEL SAFE;
CREATE FUNCTION make_event(ref text, at @AT@, value anycompatible DEFAULT NULL, kind text DEFAULT NULL, label text DEFAULT NULL, expires_at timestamptz DEFAULT NULL, until @AT@ DEFAULT NULL@ZONE@) RETURNS timeline_event
	AS 'MODULE_PATHNAME', 'loyalty_make_event_ref' LANGUAGE C @VOLATILITY@ PARALLEL SAFE;
CREATE FUNCTION make_event(ref uuid, at @AT@, value anycompatible DEFAULT NULL, kind text DEFAULT NULL, label text DEFAULT NULL, expires_at timestamptz DEFAULT NULL, until @AT@ DEFAULT NULL@ZONE@) RETURNS timeline_event
	AS 'MODULE_PATHNAME', 'loyalty_make_event_ref' LANGUAGE C @VOLATILITY@ PARALLEL SAFE;
CREATE FUNCTION make_event(kind anyenum, at @AT@, value anycompatible DEFAULT NULL, label "any" DEFAULT NULL, ref "any" DEFAULT NULL, expires_at timestamptz DEFAULT NULL, until @AT@ DEFAULT NULL@ZONE@) RETURNS timeline_event
	AS 'MODULE_PATHNAME', 'loyalty_make_event_kind' LANGUAGE C STABLE PARALLEL SAFE;
CREATE FUNCTION make_event(label anyenum, at @AT@, value anycompatible DEFAULT NULL, kind text DEFAULT NULL, ref "any" DEFAULT NULL, expires_at timestamptz DEFAULT NULL, until @AT@ DEFAULT NULL@ZONE@) RETURNS timeline_event
	AS 'MODULE_PATHNAME', 'loyalty_make_event_label' LANGUAGE C STABLE PARALLEL SAFE;

COMMENT ON FUNCTION make_event(at @AT@, value anycompatible, kind text, label text, ref bigint, expires_at timestamptz, until @AT@@ZONE_WITHOUT_DEFAULTS@) IS
	'An event @WHAT@. value: an amount or points, exact; any number, a float by its shortest decimal text. kind: what sort of entry (purchase, earn, redeem, return, ...). label: a category, partner or channel. ref: the document that it belongs to. expires_at: infinity says that it never expires. until: the event is a span from at to before until (a subscription, a stay); infinity: it has no end, and then no value but 0. What is NULL is left out, and takes no space; a NULL at makes a NULL event. Infinity as at, or -infinity as expires_at, is error 22008; an until before at, or a value without end, 22023; a value that 18 digits can''t hold is 22003, one that is no number 42804.';
COMMENT ON FUNCTION make_event(ref text, at @AT@, value anycompatible, kind text, label text, expires_at timestamptz, until @AT@@ZONE_WITHOUT_DEFAULTS@) IS
	'An event @WHAT@, whose ref is a text; one that is written exactly as a bigint is held as the number, so ref => ''42'' and ref => 42 make the same event. Otherwise as make_event(at, ...).';
COMMENT ON FUNCTION make_event(ref uuid, at @AT@, value anycompatible, kind text, label text, expires_at timestamptz, until @AT@@ZONE_WITHOUT_DEFAULTS@) IS
	'An event @WHAT@, whose ref is a uuid, held as its text. Otherwise as make_event(at, ...).';
COMMENT ON FUNCTION make_event(kind anyenum, at @AT@, value anycompatible, label "any", ref "any", expires_at timestamptz, until @AT@@ZONE_WITHOUT_DEFAULTS@) IS
	'An event @WHAT@, whose kind is an enum''s label. label may be an enum or a text, ref a whole number, text or uuid; another type is error 42804. Otherwise as make_event(at, ...).';
COMMENT ON FUNCTION make_event(label anyenum, at @AT@, value anycompatible, kind text, ref "any", expires_at timestamptz, until @AT@@ZONE_WITHOUT_DEFAULTS@) IS
	'An event @WHAT@, whose label is an enum''s. ref may be a whole number, text or uuid; another type is error 42804. Otherwise as make_event(at, ...).';
