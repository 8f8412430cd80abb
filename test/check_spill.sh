#!/usr/bin/env bash
# What collectors write to temporary files is to be seen: a message at DEBUG1 says how much, and EXPLAIN (ANALYZE, BUFFERS) counts
# the pages of it. Nothing is said where nothing is written.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

new_database loyalty_spill
run loyalty_spill <<-SQL
	CREATE EXTENSION loyalty;
	CREATE UNLOGGED TABLE sale AS SELECT repeat('long ', 39) || n AS customer, timestamptz '2024-01-01 00:00+00' + n % 1000 * interval '1 day' AS at, n % 7 AS value FROM generate_series(1, 400000) n;
	ANALYZE sale;
SQL

# messages WORK_MEM: what the query says of files, and its answer, where the server's Aggregate collects.
query='SELECT count(*) FROM (SELECT timelines(customer, at, value) AS b FROM sale) q CROSS JOIN LATERAL customer_timelines(q.b)'
messages()
{
	psql -X -q -A -t -d loyalty_spill 2>&1 <<-SQL
		SET max_parallel_workers_per_gather = 0;
		SET loyalty.enable_group_node = off;
		SET hash_mem_multiplier = 1;
		SET work_mem = '$1';
		SET client_min_messages = debug1;
		$query;
	SQL
}

# buffers WORK_MEM: pages written to and read from temporary files below and in the server's own aggregate.
buffers()
{
	psql -X -q -A -t -F ' ' -d loyalty_spill <<-SQL
		SET max_parallel_workers_per_gather = 0;
		SET loyalty.enable_group_node = off;
		SET hash_mem_multiplier = 1;
		SET work_mem = '$1';
		CREATE FUNCTION pg_temp.plan() RETURNS jsonb LANGUAGE plpgsql AS \$\$
		DECLARE plan jsonb;
		BEGIN
			EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT points_totals(timelines(customer, at, value), ''{}'', ''2026-12-31'') FROM sale' INTO plan;
			RETURN plan -> 0 -> 'Plan';
		END \$\$;
		SELECT plan ->> 'Node Type', plan ->> 'Temp Written Blocks', plan ->> 'Temp Read Blocks' FROM pg_temp.plan() plan;
	SQL
}

written='^DEBUG:  rows collected for timeline_base are written to a temporary file: ([0-9]+) kB so far$'
messages 64kB >"$scratch/little"
messages 1GB >"$scratch/much"
is "$(tail -n 1 "$scratch/little")" 400000 'with little memory'
is "$(($(sed -nE "s/$written/\1/p" "$scratch/little" | tail -n 1) > 8000))" 1 '... a message says how much was written'
is "$(sed -nE "s/$written/\1/p" "$scratch/little" | sort -n -u)" "$(sed -nE "s/$written/\1/p" "$scratch/little")" '... each time more'
is "$(cat "$scratch/much")" 400000 'with much, nothing is written, or said'

read -r node pages_written pages_read <<<"$(buffers 64kB)"
is "$node" Aggregate 'EXPLAIN counts the pages at the aggregate'
is "$((pages_written > 1000))" 1 '... those written'
is "$((pages_read >= pages_written))" 1 '... and those read: all that was written'
is "$(buffers 1GB)" 'Aggregate 0 0' '... none with much memory'

finish
