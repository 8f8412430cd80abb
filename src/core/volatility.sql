-- The last part of the install script, which every update script repeats the last statement of.
--
-- CREATE AGGREGATE has no word for volatility and always records IMMUTABLE. An aggregate that
-- counts in the session's time zone would then be sent to another server by postgres_fdw, to be
-- counted in that session's zone. It is as stable as the least stable of the functions that
-- it is made of; those are declared.

CREATE FUNCTION loyalty_restore_volatility() RETURNS SETOF regprocedure
	LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	UPDATE pg_catalog.pg_proc AS aggregate
	SET provolatile = 's'
	FROM pg_catalog.pg_aggregate AS part, pg_catalog.pg_depend AS member, pg_catalog.pg_extension AS extension
	WHERE part.aggfnoid = aggregate.oid
		AND member.classid = 'pg_catalog.pg_proc'::regclass AND member.objid = aggregate.oid
		AND member.refclassid = 'pg_catalog.pg_extension'::regclass AND member.refobjid = extension.oid
		AND member.deptype = 'e' AND extension.extname = 'loyalty'
		AND aggregate.provolatile = 'i'
		AND EXISTS (
			SELECT FROM pg_catalog.pg_proc AS made_of
			WHERE made_of.provolatile <> 'i'
				AND made_of.oid IN (part.aggtransfn, part.aggfinalfn, part.aggcombinefn, part.aggserialfn, part.aggdeserialfn,
					part.aggmtransfn, part.aggminvtransfn, part.aggmfinalfn))
	RETURNING aggregate.oid::regprocedure;
END;
COMMENT ON FUNCTION loyalty_restore_volatility() IS
	'Marks the aggregates that depend on the session''s TimeZone STABLE, and returns those that were not. To be called in each database after pg_upgrade, which makes them IMMUTABLE; no rows where all is right. It changes the system catalog: error 42501 for all but superusers.';

SELECT loyalty_restore_volatility();
