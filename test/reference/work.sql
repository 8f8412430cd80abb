--
-- How the work of a statement grows with its data. Never how many seconds it takes: those are
-- the machine's, and those of what else runs on it.
--
-- The processor's time that this backend has had, in nanoseconds, where the system counts it
-- (Linux): what else runs doesn't change that. Elsewhere the time that has gone by.
CREATE FUNCTION work_so_far() RETURNS numeric
LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::numeric,
		extract(epoch FROM clock_timestamp()) * 1000000000)
$$;
-- The least of several tries: what interrupts adds and never takes away.
CREATE FUNCTION work_of(statement text, tries int DEFAULT 3) RETURNS numeric
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	before numeric;
	least_work numeric;
BEGIN
	FOR i IN 1 .. tries LOOP
		before := work_so_far();
		EXECUTE statement;
		least_work := least(least_work, work_so_far() - before);
	END LOOP;
	RETURN least_work;
END $$;
