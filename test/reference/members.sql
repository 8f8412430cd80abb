--
-- All that the catalog says of the extension's members, a line for each, in an order of its own:
-- two databases in which the extension is the same give the same lines, whatever their OIDs and
-- the extension's schema, which has to be on the search path.
--
WITH extension AS (
	SELECT e.oid, e.extname, e.extversion, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'loyalty'
), member AS MATERIALIZED (
	SELECT d.classid, d.objid FROM pg_depend d JOIN extension ON d.refobjid = extension.oid
	WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
), described AS MATERIALIZED (
	SELECT m.classid, m.objid, to_jsonb(a) AS attributes
	FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
	CROSS JOIN LATERAL (
		SELECT pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result, p.prokind, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof,
			p.proretset, p.procost, p.prorows, p.prosupport::regproc, p.prosrc, p.probin, p.proconfig, p.proacl, pg_get_function_sqlbody(p.oid) AS body,
			(SELECT lanname FROM pg_language l WHERE l.oid = p.prolang) AS language
	) a
	UNION ALL
	SELECT m.classid, m.objid, jsonb_build_object('aggregate', to_jsonb(a))
	FROM member m JOIN pg_aggregate g ON m.classid = 'pg_proc'::regclass AND m.objid = g.aggfnoid
	CROSS JOIN LATERAL (
		SELECT g.aggkind, g.aggnumdirectargs, g.aggtransfn::regprocedure, g.aggfinalfn::regprocedure, g.aggcombinefn::regprocedure, g.aggserialfn::regprocedure, g.aggdeserialfn::regprocedure,
			g.aggmtransfn::regprocedure, g.aggminvtransfn::regprocedure, g.aggmfinalfn::regprocedure, g.aggfinalextra, g.aggmfinalextra, g.aggfinalmodify, g.aggmfinalmodify,
			g.aggsortop::regoperator, g.aggtranstype::regtype, g.aggtransspace, g.aggmtranstype::regtype, g.aggmtransspace, g.agginitval, g.aggminitval
	) a
	UNION ALL
	SELECT m.classid, m.objid, to_jsonb(a)
	FROM member m JOIN pg_type t ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
	CROSS JOIN LATERAL (
		SELECT t.typlen, t.typbyval, t.typtype, t.typcategory, t.typispreferred, t.typisdefined, t.typdelim, t.typelem::regtype, t.typinput::regprocedure, t.typoutput::regprocedure,
			t.typreceive::regprocedure, t.typsend::regprocedure, t.typmodin::regproc, t.typmodout::regproc, t.typanalyze::regproc, t.typsubscript::regproc, t.typalign, t.typstorage,
			t.typcollation::regcollation, t.typdefault, t.typacl, t.typarray::regtype
	) a
	UNION ALL
	SELECT m.classid, m.objid, to_jsonb(a)
	FROM member m JOIN pg_operator o ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid
	CROSS JOIN LATERAL (
		SELECT o.oprkind, o.oprcanmerge, o.oprcanhash, o.oprresult::regtype, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprcode::regprocedure, o.oprrest::regproc, o.oprjoin::regproc
	) a
	UNION ALL
	SELECT m.classid, m.objid, jsonb_build_object('function', c.castfunc::regprocedure, 'context', c.castcontext, 'method', c.castmethod)
	FROM member m JOIN pg_cast c ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid
	UNION ALL
	SELECT m.classid, m.objid, jsonb_build_object('type', c.opcintype::regtype, 'default', c.opcdefault, 'key', c.opckeytype::regtype, 'family', (SELECT opfname FROM pg_opfamily f WHERE f.oid = c.opcfamily))
	FROM member m JOIN pg_opclass c ON m.classid = 'pg_opclass'::regclass AND m.objid = c.oid
	UNION ALL
	SELECT m.classid, m.objid, jsonb_build_object(
		'operators', (SELECT jsonb_agg(to_jsonb(format('%s %s %s %s', amopstrategy, amoppurpose, amopopr::regoperator, amopsortfamily)) ORDER BY amoplefttype::regtype::text, amoprighttype::regtype::text, amopstrategy) FROM pg_amop WHERE amopfamily = f.oid),
		'functions', (SELECT jsonb_agg(to_jsonb(format('%s %s', amprocnum, amproc::regprocedure)) ORDER BY amproclefttype::regtype::text, amprocrighttype::regtype::text, amprocnum) FROM pg_amproc WHERE amprocfamily = f.oid))
	FROM member m JOIN pg_opfamily f ON m.classid = 'pg_opfamily'::regclass AND m.objid = f.oid
)
SELECT line
FROM (
	SELECT format('extension %s; %s', extversion, to_jsonb(obj_description(oid, 'pg_extension'))) FROM extension
	UNION ALL
	SELECT format('%s %s: %s; %s', o.type, replace(o.identity, quote_ident(e.nspname) || '.', ''), replace(coalesce(d.attributes::text, '-'), quote_ident(e.nspname) || '.', ''),
		coalesce(to_jsonb(obj_description(m.objid, m.classid::regclass::name))::text, 'no comment'))
	FROM extension e CROSS JOIN member m CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) o LEFT JOIN described d USING (classid, objid)
) l(line)
ORDER BY line COLLATE "C";
