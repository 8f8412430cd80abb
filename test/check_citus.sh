#!/usr/bin/env bash
# Citus: every metric, in one pass and in two levels, of a table distributed over two workers
# whose TimeZone is neither the coordinator's nor each other's. The answers are those of a
# plain table. Skipped where Citus isn't installed.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
source "$(dirname "${BASH_SOURCE[0]}")/questions.sh"

if [ -z "${COORDINATOR-}" ]; then
	if [ "$(run postgres -c "SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'")" = 0 ]; then
		echo "1..0 # skip Citus is not installed on this server"
		exit 0
	fi
	# Three clusters, one inside of the other: a node is a server of its own.
	tap_clean
	trap - EXIT
	node=(test/cluster.sh -c shared_preload_libraries=citus -c max_prepared_transactions=20)
	# shellcheck disable=SC2016
	exec "${node[@]}" bash -c 'export COORDINATOR=$PGHOST; exec "$@"' - \
		"${node[@]}" bash -c 'export WORKER_1=$PGHOST; exec "$@"' - \
		"${node[@]}" bash -c 'export WORKER_2=$PGHOST PGHOST=$COORDINATOR; exec "$@"' - "$0"
fi

for host in "$COORDINATOR" "$WORKER_1" "$WORKER_2"; do
	PGHOST=$host psql -X -q -d postgres -v ON_ERROR_STOP=1 -c 'CREATE DATABASE loyalty_citus'
	PGHOST=$host run loyalty_citus -c 'CREATE EXTENSION citus'
done
PGHOST=$WORKER_1 run postgres -c "ALTER DATABASE loyalty_citus SET timezone = 'Pacific/Kiritimati'"
PGHOST=$WORKER_2 run postgres -c "ALTER DATABASE loyalty_citus SET timezone = 'Pacific/Pago_Pago'"
succeeds "a cluster of a coordinator and two workers" run loyalty_citus <<-SQL
	SELECT citus_set_coordinator_host('$COORDINATOR', 5432);
	SELECT citus_add_node('$WORKER_1', 5432), citus_add_node('$WORKER_2', 5432);
	CREATE EXTENSION loyalty;
	$(orders_table orders)
	CREATE TABLE local_orders AS TABLE orders;
	SELECT create_distributed_table('orders', 'customer', shard_count => 8);
SQL
is "$(unasked loyalty_citus)" "" "every metric of the catalog is asked"
for table in orders local_orders; do
	ask loyalty_citus $table >"$scratch/$table"
done
same_answers "$scratch/orders" "$scratch/local_orders" ''
finish
