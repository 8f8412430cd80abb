--
-- How the work of a statement grows with its data. Never how many seconds it takes: those are
-- the machine's, and those of what else runs on it.
--
-- The processor's time that this backend has had, in milliseconds, where the system counts it
-- (Linux): what else runs doesn't change that. Elsewhere the time that has gone by.
CREATE FUNCTION work_so_far() RETURNS numeric
LANGUAGE sql VOLATILE AS $$
	SELECT coalesce(split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::numeric / 1000000,
		extract(epoch FROM clock_timestamp()) * 1000)
$$;
-- Of one execution, of as many as it takes until there is enough to measure: the system counts
-- in ticks of some milliseconds.
CREATE FUNCTION work_of(statement text) RETURNS numeric
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	began numeric := work_so_far();
	n int := 0;
BEGIN
	LOOP
		EXECUTE statement;
		n := n + 1;
		EXIT WHEN work_so_far() - began > 50;
	END LOOP;
	RETURN (work_so_far() - began) / n;
END $$;
-- How many times the work of one statement another is: the least of three tries, or the first
-- that is below the limit.
CREATE FUNCTION work_ratio(large text, small text, below numeric) RETURNS numeric
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	ratio numeric;
BEGIN
	FOR i IN 1 .. 3 LOOP
		ratio := least(ratio, round(work_of(large) / work_of(small), 1));
		EXIT WHEN ratio < below;
	END LOOP;
	RETURN ratio;
END $$;
