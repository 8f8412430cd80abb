#!/usr/bin/env bash
# Logical replication of tables with a column of every type and no key: REPLICA IDENTITY FULL finds
# the row to change by equality of all columns. From one database to another, in a cluster of its
# own, since it takes wal_level = logical.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
here=$(dirname "$0")

if [ "$(psql -X -A -t -d postgres -c 'SHOW wal_level')" != logical ]; then
	exec "$here/cluster.sh" -c wal_level=logical -c shared_buffers=64MB "$0"
fi

for name in loyalty_publisher loyalty_subscriber; do
	new_database "$name"
	run "$name" <<-SQL
		CREATE SCHEMA loyalty;
		CREATE EXTENSION loyalty SCHEMA loyalty;
		ALTER DATABASE $name SET search_path = public, loyalty;
	SQL
done
run loyalty_publisher -f "$here/reference/every_type.sql"
pg_dump --schema-only -t per_customer -t whole -d loyalty_publisher | run loyalty_subscriber >/dev/null
for name in loyalty_publisher loyalty_subscriber; do
	run $name <<-SQL
		ALTER TABLE per_customer DROP CONSTRAINT per_customer_pkey;
		ALTER TABLE per_customer REPLICA IDENTITY FULL;
		ALTER TABLE whole REPLICA IDENTITY FULL;
	SQL
done
run loyalty_publisher -c 'CREATE PUBLICATION everything FOR TABLE per_customer, whole' \
	-c "SELECT slot_name FROM pg_create_logical_replication_slot('everything', 'pgoutput')" >/dev/null
run loyalty_subscriber -c "CREATE SUBSCRIPTION everything CONNECTION 'host=$PGHOST port=$PGPORT user=$PGUSER dbname=loyalty_publisher' PUBLICATION everything WITH (create_slot = false, slot_name = 'everything')"

contents()
{
	run "$1" -c "SET timezone = 'UTC'" -c 'SELECT * FROM per_customer ORDER BY customer' -c 'SELECT * FROM whole ORDER BY name'
}

# Waits until both have the same, or the subscriber failed: a worker that fails starts again and again.
same()
{
	local wanted n

	wanted=$(contents loyalty_publisher)
	for ((n = 0; n < 3000; n++)); do
		if [ "$(contents loyalty_subscriber)" = "$wanted" ]; then
			is same same "$1"
			return
		fi
		if [ "$(run loyalty_subscriber -c "SELECT apply_error_count + sync_error_count > 0 FROM pg_stat_subscription_stats WHERE subname = 'everything'")" = t ]; then
			break
		fi
		sleep 0.2
	done
	is "$(grep -m 1 ERROR "$CLUSTER_LOG")" "" "$1"
}

same "the first copy"
is "$(contents loyalty_subscriber | wc -l | awk '{ print ($1 > 90) }')" 1 "... is of something"
run loyalty_publisher -c "UPDATE per_customer SET event = NULL WHERE customer % 7 = 0"
same "an update of rows without a key"
run loyalty_publisher -c "UPDATE whole SET name = upper(name)"
same "... with bases and results"
run loyalty_publisher -c "DELETE FROM per_customer WHERE customer % 5 = 0" -c "DELETE FROM whole WHERE name = 'VALUE 01'"
same "a deletion"
run loyalty_subscriber -c 'SET client_min_messages = warning' -c 'DROP SUBSCRIPTION everything'
finish
