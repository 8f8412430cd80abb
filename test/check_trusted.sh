#!/usr/bin/env bash
# CREATE EXTENSION by a role that is no superuser but may create in the database; use by a
# role with no rights but USAGE; and neither leaves anything behind.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

new_role loyalty_owner
new_role loyalty_reader
new_database loyalty_trusted
run loyalty_trusted -c 'GRANT CREATE ON DATABASE loyalty_trusted TO loyalty_owner'

as()
{
	local role=$1

	shift
	PGUSER=$role psql -X -q -A -t -d loyalty_trusted -v VERBOSITY=sqlstate "$@" 2>&1
}

is "$(as loyalty_reader -c 'CREATE EXTENSION loyalty')" "ERROR:  42501" "who may not create in the database may not install"
is "$(as loyalty_owner -c 'CREATE SCHEMA loyalty' -c 'CREATE EXTENSION loyalty SCHEMA loyalty')" "" "who may create in the database may install"
is "$(as loyalty_owner -c "SELECT extowner::regrole FROM pg_extension WHERE extname = 'loyalty'")" loyalty_owner "... and owns it"
is "$(as loyalty_owner -c "SELECT provolatile FROM pg_proc WHERE oid = 'loyalty.activity_agg(timestamptz)'::regprocedure")" s "aggregates by the session's zone are stable then, too"
is "$(as loyalty_owner -c 'SELECT loyalty.loyalty_restore_volatility()')" "ERROR:  42501" "... which only a superuser may restore"
is "$(as loyalty_reader -c "SELECT loyalty.activity_set(ARRAY[date '2024-01-01'])")" "ERROR:  42501" "the schema is its owner's"
is "$(as loyalty_owner -c 'GRANT USAGE ON SCHEMA loyalty TO loyalty_reader')" "" "USAGE"
is "$(as loyalty_reader <<-SQL
	SET search_path = loyalty;
	SET timezone = 'UTC';
	SELECT activity_agg(at), timeline_sum(timeline_agg(at, 2.5)), timeline_agg(make_event(at => at)) FROM (VALUES (timestamptz '2024-01-05 10:00+00')) v(at);
	SELECT t.cohort, t.retained FROM (SELECT retention(activities(1, timestamptz '2024-01-05')) AS r) q CROSS JOIN LATERAL retention_table(q.r) t;
	SELECT c.* FROM (SELECT timelines('x'::text, timestamptz '2024-01-05', 1) AS b) q CROSS JOIN LATERAL customer_timelines(q.b) c;
	SET loyalty.max_flat_size = '1MB';
	SHOW loyalty.max_flat_size;
SQL
)" '{2024-01-05}|2.5|[{"at": "2024-01-05T10:00:00+00:00"}]
2024-01-01|1
x|[{"at": "2024-01-05T00:00:00+00:00", "value": 1}]
1MB' "is all that a reader needs"
is "$(as loyalty_owner -c 'ALTER EXTENSION loyalty SET SCHEMA public' 2>&1 | head -c 12)" "ERROR:  4250" "a schema that isn't the owner's is refused"
is "$(as loyalty_owner -c 'DROP EXTENSION loyalty' -c 'DROP SCHEMA loyalty')" "" "the owner may drop it"
is "$(run loyalty_trusted -c "SELECT count(*) FROM pg_proc WHERE probin LIKE '%loyalty%'")" 0 "nothing is left"
run loyalty_trusted -c 'REVOKE ALL ON DATABASE loyalty_trusted FROM loyalty_owner'
finish
