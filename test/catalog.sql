--
-- What the catalog says of the extension: parallel safety, volatility, names
-- of arguments, comments, independence of the search path, trust.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(41);

CREATE TEMP VIEW member AS SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'loyalty') AND deptype = 'e';
CREATE TEMP VIEW routine AS SELECT p.* FROM pg_proc p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid;
-- What is there only for a type, an aggregate, an operator class or the planner.
CREATE TEMP VIEW internal_routine AS
SELECT r.oid FROM routine r
WHERE EXISTS (SELECT FROM pg_type t WHERE r.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze))
   OR EXISTS (SELECT FROM pg_aggregate a WHERE r.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn))
   OR EXISTS (SELECT FROM pg_amproc a WHERE a.amproc = r.oid)
   OR EXISTS (SELECT FROM pg_operator o WHERE o.oprcode = r.oid)
   OR EXISTS (SELECT FROM pg_proc p WHERE p.prosupport = r.oid);
CREATE TEMP VIEW public_routine AS SELECT * FROM routine WHERE oid NOT IN (SELECT oid FROM internal_routine);

SELECT cmp_ok((SELECT count(*)::int FROM public_routine), '>', 40, 'the extension has functions');
SELECT results_eq($$SELECT oid::regprocedure::text FROM routine WHERE proparallel <> 's'$$, $$VALUES ('loyalty_restore_volatility()')$$, 'everything is parallel safe but what a superuser calls after pg_upgrade');
SELECT results_eq($$SELECT oid::regprocedure::text FROM routine WHERE provolatile = 'v'$$, $$VALUES ('loyalty_restore_volatility()')$$, '... and nothing else is volatile');
SELECT is_empty($$SELECT oid::regprocedure FROM public_routine WHERE pronargs > 0 AND (proargnames IS NULL OR '' = ANY (proargnames))$$, 'every argument has a name');
SELECT is_empty($$SELECT oid::regprocedure, n FROM public_routine, unnest(proargnames) n WHERE n IN ('from', 'to', 'group', 'time')$$, '... that can be written without quotes');
SELECT is_empty($$SELECT oid::regprocedure, proargnames FROM public_routine WHERE (SELECT count(*) <> count(DISTINCT n) FROM unnest(proargnames[1:pronargs]) n)$$, '... of its own');

-- metrics: what they count, the policy or the period, as_of, the rest; a funnel's steps and how they are taken are what stands for its policy, and so is where flows begin and how far they are followed, as scale and rules of segments do, and new_within for a period
CREATE TEMP VIEW metric AS
SELECT r.oid, r.proname, r.prokind, r.prorettype, array_position(r.proargnames, coalesce((SELECT n FROM unnest(r.proargnames) n WHERE n IN ('as_of', 'to_day')), '')) AS as_of_at, r.proargtypes::oid[]::regtype[] AS types, r.proargnames AS names
FROM routine r WHERE r.prorettype::regtype::text LIKE '%\_result' AND r.proname <> 'rollup' AND r.proargtypes[0]::regtype::text ~ '^(activity_base|timeline_base|activity_set|event_timeline)$';
SELECT cmp_ok((SELECT count(*)::int FROM metric WHERE as_of_at IS NOT NULL), '>', 50, 'metrics have an as_of');
SELECT is_empty($$SELECT oid::regprocedure, name FROM metric CROSS JOIN LATERAL unnest(types, names[1:cardinality(types)]) WITH ORDINALITY x(type, name, n)
	WHERE n < as_of_at AND proname NOT IN ('funnel_totals', 'funnel_by_period', 'event_flow') AND type::text !~ '(_base|_set|_timeline|_policy|_scale|_rules|^calendar_period)$' AND name NOT IN ('from_day', 'new_within')$$, '... before what is neither policy nor period');
SELECT is_empty($$SELECT m.oid::regprocedure FROM metric m WHERE prokind = 'f' AND as_of_at IS NOT NULL AND NOT EXISTS (SELECT FROM metric a WHERE a.prokind = 'a' AND a.proname = m.proname AND a.prorettype = m.prorettype
	AND cardinality(a.types) = m.as_of_at - 1 AND a.types[1:] = m.types[1:m.as_of_at - 2]) AND m.types[1] <> 'activity_base'::regtype$$, 'every metric has an aggregate without as_of, which counts, or tells what to give');

-- zones
SELECT is_empty($$SELECT oid::regprocedure FROM routine WHERE prokind = 'a' AND proargtypes::text ~ ('(^| )' || 'timestamptz'::regtype::oid || '( |$)')
	AND NOT 'zone' = ANY (coalesce(proargnames, '{}')) AND (prorettype::regtype::text LIKE '%activity%') AND provolatile <> 's'$$, 'every aggregate that takes days in the session''s zone is stable');
SELECT is((SELECT count(*)::int FROM routine WHERE prokind = 'a' AND provolatile = 's' AND prorettype::regtype::text LIKE '%activity%'), 1 + (SELECT count(*)::int FROM routine WHERE prokind = 'a' AND proname = 'activities' AND proargtypes[1] = 'timestamptz'::regtype AND pronargs = 2), '... and they are there');
SELECT is_empty($$SELECT oid::regprocedure FROM routine WHERE prokind = 'a' AND 'zone' = ANY (proargnames) AND prorettype::regtype::text ~ 'activity|timeline' AND NOT '"any"'::regtype = ANY (proargtypes) AND provolatile <> 'i'$$, 'those that collect in a zone of their own are immutable');
SELECT is_empty($$SELECT oid::regprocedure FROM routine WHERE prokind = 'a' AND prorettype::regtype::text LIKE '%timeline%' AND provolatile <> CASE WHEN '"any"'::regtype = ANY (proargtypes) OR ('date'::regtype = ANY (proargtypes) AND NOT 'zone' = ANY (proargnames)) THEN 's' ELSE 'i' END$$,
	'timelines depend on the zone where they are of days, and on a type where that is any: an enum''s labels may be renamed');
SELECT is_empty($$SELECT p.proargtypes[0]::regtype FROM pg_proc p JOIN member ON objid = p.oid WHERE p.proname = 'activities' AND p.proargtypes[1] = 'timestamptz'::regtype AND p.pronargs = 2
	AND NOT EXISTS (SELECT FROM pg_proc z WHERE z.proname = 'activities' AND z.proargtypes[0] = p.proargtypes[0] AND z.proargtypes[1] = 'timestamptz'::regtype AND z.proargtypes[2] = 'text'::regtype)$$, 'each has a form with an explicit zone');
SELECT is((SELECT provolatile FROM pg_proc WHERE oid = 'activity_set(event_timeline, text, date)'::regprocedure), 's', 'activity_set(event_timeline) is stable');
SELECT is_empty($$SELECT r.oid::regprocedure FROM routine r JOIN pg_type t ON r.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend) WHERE r.provolatile <> 'i'$$, 'input and output are immutable');

-- what an aggregate is made of
CREATE TEMP VIEW made_of AS
SELECT a.aggfnoid AS aggregate, f.oid, f.provolatile
FROM pg_aggregate a JOIN routine r ON r.oid = a.aggfnoid
JOIN pg_proc f ON f.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn);
SELECT is_empty($$SELECT aggregate, provolatile FROM routine r JOIN (SELECT aggregate, bool_or(provolatile <> 'i') AS changes FROM made_of GROUP BY aggregate) m ON r.oid = m.aggregate::oid
	WHERE r.provolatile <> CASE WHEN changes THEN 's' ELSE 'i' END$$, 'an aggregate is as stable as what it is made of');
SELECT cmp_ok((SELECT count(*)::int FROM routine WHERE prokind = 'a' AND provolatile = 's'), '>=', 27, '... and many are stable only');
-- as pg_upgrade leaves them
UPDATE pg_proc SET provolatile = 'i' WHERE oid IN (SELECT oid FROM routine WHERE prokind = 'a');
SELECT bag_eq('SELECT loyalty_restore_volatility()', $$SELECT DISTINCT aggregate::oid::regprocedure FROM made_of WHERE provolatile = 's'$$, 'loyalty_restore_volatility() corrects them, and says which');
SELECT is_empty('SELECT loyalty_restore_volatility()', '... once');

-- aggregates
SELECT is_empty($$SELECT aggfnoid FROM pg_aggregate JOIN routine r ON r.oid = aggfnoid WHERE aggcombinefn = 0$$, 'every aggregate has a combine function');
SELECT is_empty($$SELECT aggfnoid FROM pg_aggregate JOIN routine r ON r.oid = aggfnoid WHERE aggtranstype = 'internal'::regtype AND (aggserialfn = 0 OR aggdeserialfn = 0)$$, '... and serialization where its state is internal');
SELECT is_empty($$SELECT aggfnoid FROM pg_aggregate JOIN routine r ON r.oid = aggfnoid WHERE aggtranstype = 'internal'::regtype AND aggtransspace = 0$$, '... and says how large its state is');
SELECT is_empty($$SELECT aggfnoid FROM pg_aggregate JOIN routine r ON r.oid = aggfnoid WHERE r.proname IN ('activity_agg', 'timeline_agg') AND aggtransspace NOT BETWEEN 1 AND 4000$$, '... which is small for one customer''s');
SELECT is_empty($$SELECT aggfnoid FROM pg_aggregate JOIN routine r ON r.oid = aggfnoid WHERE aggtranstype = 'internal'::regtype AND r.proname = 'retention'$$, 'two-level retention has a concrete state');
SELECT is_empty($$SELECT aggtransfn FROM pg_aggregate JOIN routine r ON r.oid = aggfnoid JOIN pg_proc c ON c.oid = aggcombinefn WHERE aggtranstype = 'internal'::regtype AND c.proisstrict$$, 'combine over internal is not strict');

-- comments
SELECT is_empty($$SELECT oid::regprocedure FROM public_routine WHERE obj_description(oid, 'pg_proc') IS NULL$$, 'every function and aggregate has a comment');
SELECT is_empty($$SELECT t.oid::regtype FROM pg_type t JOIN member ON classid = 'pg_type'::regclass AND objid = t.oid WHERE t.typtype <> 'c' AND t.typelem = 0 AND obj_description(t.oid, 'pg_type') IS NULL$$, 'every type');
SELECT is_empty($$SELECT o.oid::regoperator FROM pg_operator o JOIN member ON classid = 'pg_operator'::regclass AND objid = o.oid WHERE obj_description(o.oid, 'pg_operator') IS NULL$$, 'every operator');
SELECT is_empty($$SELECT castsource::regtype, casttarget::regtype FROM pg_cast c JOIN member ON classid = 'pg_cast'::regclass AND objid = c.oid WHERE obj_description(c.oid, 'pg_cast') IS NULL$$, 'every cast');
SELECT isnt((SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'loyalty'), NULL, 'the extension itself');

-- types
\ir reference/own_types.sql
SELECT cmp_ok((SELECT count(*)::int FROM own_type), '>=', 13, 'the types are there');
SELECT is_empty('SELECT oid::regtype FROM own_type WHERE typreceive = 0 OR typsend = 0', 'every type has a binary form');
-- A type of bases has those of the type that it is cast to as it stands, as varchar has text's.
CREATE TEMP VIEW has_class AS
SELECT t.oid, a.amname FROM own_type t JOIN pg_opclass c ON c.opcdefault AND (c.opcintype = t.oid OR EXISTS (SELECT FROM pg_cast WHERE castsource = t.oid AND casttarget = c.opcintype AND castmethod = 'b' AND castcontext = 'i')) JOIN pg_am a ON a.oid = c.opcmethod;
SELECT is_empty($$SELECT oid::regtype, amname FROM own_type CROSS JOIN (VALUES ('btree'), ('hash')) v(amname) EXCEPT SELECT oid::regtype, amname FROM has_class$$, 'every type has btree and hash classes');
SELECT is_empty($$SELECT c.opcname FROM pg_opclass c JOIN member ON classid = 'pg_opclass'::regclass AND objid = c.oid JOIN pg_am a ON a.oid = opcmethod AND amname = 'hash'
	WHERE NOT EXISTS (SELECT FROM pg_amproc WHERE amprocfamily = c.opcfamily AND amprocnum = 2)$$, 'hash classes have the extended hash');

-- independence
SELECT is_empty($$SELECT oid::regprocedure FROM routine WHERE proconfig IS NOT NULL OR prosecdef$$, 'no settings of its own, no other rights');
SELECT is_empty($$SELECT routine.oid::regprocedure FROM routine JOIN pg_language l ON l.oid = prolang WHERE lanname NOT IN ('c', 'internal') AND NOT (lanname = 'sql' AND prosqlbody IS NOT NULL)$$, 'SQL bodies are parsed when created');
SELECT is_empty($$SELECT oid::regprocedure FROM routine WHERE pronamespace <> (SELECT extnamespace FROM pg_extension WHERE extname = 'loyalty')$$, 'everything is in the extension''s schema');
SELECT results_eq($$SELECT superuser, trusted, relocatable FROM pg_available_extension_versions WHERE name = 'loyalty' AND version = '1.0'$$, 'VALUES (true, true, true)', 'trusted and relocatable');
SELECT is_empty($$SELECT oid::regprocedure FROM public_routine WHERE NOT has_function_privilege('public', oid, 'EXECUTE')$$, 'everyone may call them');

-- every function of the library is in the catalog under its SQL name
SELECT is_empty($$SELECT oid::regprocedure, prosrc FROM routine WHERE probin IS NOT NULL AND prosrc NOT LIKE 'loyalty\_%'$$, 'C symbols are loyalty_ and the name');
SELECT * FROM finish();
ROLLBACK;
