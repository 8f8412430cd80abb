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
find_metrics
is "$(unasked loyalty_citus)" "" "every metric of the catalog is asked"
for table in orders local_orders; do
	ask loyalty_citus $table >"$scratch/$table"
done

compare_or_refused()
{
	if [[ $1 =~ $zone_of_session ]]; then
		is "$(answer_to "$1" <"$scratch/orders" | grep -o 'ERROR:  22023: [a-z_]* with different zone')" "ERROR:  22023: ${1%% *}_results with different zone" \
			"$1: refused, where workers have different zones"
	else
		only="^$1$" same_answers "$scratch/orders" "$scratch/local_orders" ''
	fi
}
each_question compare_or_refused

# What a transaction sets is handed on to the workers, if one asks for that.
for table in orders local_orders; do
	only=$zone_of_session ask loyalty_citus $table -c BEGIN -c "SET LOCAL citus.propagate_set_commands = 'local'" -c "SET LOCAL timezone = 'America/New_York'" >"$scratch/$table.zone"
done
only=$zone_of_session same_answers "$scratch/orders.zone" "$scratch/local_orders.zone" "a session's zone that is handed on: "

# Two levels are what workers do; of one pass they only send the columns. A rollup of sets or
# timelines has a state that doesn't travel.
before='EXPLAIN (COSTS OFF, VERBOSE)' ask loyalty_citus orders >"$scratch/plans"
where_done()
{
	local wanted=coordinator

	[[ $1 == *'one pass' || $1 == *' by '* || $1 == 'rollup of '* ]] || wanted=workers
	is "$(answer_to "$1" <"$scratch/plans" | grep -qE 'Query: .*worker_partial_agg' && echo workers || echo coordinator)" $wanted "$1: done by $wanted"
}
each_question where_done

# ---- events, stored timelines, triggers ----

run loyalty_citus <<-SQL
	CREATE FUNCTION order_event(o orders) RETURNS timeline_event LANGUAGE sql IMMUTABLE RETURN make_event(at => o.at, value => o.amount, kind => o.kind, ref => o.order_id);
	CREATE FUNCTION order_event(at timestamptz, amount numeric, kind text, order_id int) RETURNS timeline_event LANGUAGE sql IMMUTABLE RETURN make_event(at => at, value => amount, kind => kind, ref => order_id);
	CREATE TABLE customer_timeline (customer int PRIMARY KEY, timeline event_timeline);
	SELECT create_distributed_table('customer_timeline', 'customer', colocate_with => 'orders');
SQL
is "$(run loyalty_citus -c 'SELECT count(t) FROM (SELECT timeline_agg(order_event(o)) AS t FROM orders o GROUP BY customer) s' 2>&1 | grep -o 'ERROR:  42883')" "ERROR:  42883" \
	"a function of a row is not found on a shard, whose row type is another"
is "$(run loyalty_citus -c 'SELECT count(t) FROM (SELECT timeline_agg(order_event(at, amount, kind, order_id)) AS t FROM orders GROUP BY customer) s')" 60 "a function of its columns is"
upsert='INSERT INTO customer_timeline AS stored SELECT customer, timeline_agg(order_event(at, amount, kind, order_id)) FROM orders GROUP BY customer
	ON CONFLICT (customer) DO UPDATE SET timeline = timeline_merge(stored.timeline, excluded.timeline)'
run loyalty_citus -c "$upsert" -c "$upsert"
is "$(run loyalty_citus -c 'SELECT count(*), sum(timeline_count(timeline)) FROM customer_timeline')" "60|1800" "timelines are stored beside their orders, shard by shard, and twice does no harm"
is "$(run loyalty_citus -c "SELECT growth(timeline, 'month@UTC', '2024-12-15') FROM customer_timeline")" \
	"$(run loyalty_citus -c "SELECT growth(timelines(customer, at, amount), 'month@UTC', '2024-12-15') FROM local_orders")" "... and asked there"
trigger="CREATE TRIGGER keep_timeline AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION keep_timeline()"
run loyalty_citus <<-SQL
	CREATE FUNCTION keep_timeline() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		INSERT INTO customer_timeline AS stored VALUES (NEW.customer, order_event(NEW.at, NEW.amount, NEW.kind, NEW.order_id))
		ON CONFLICT (customer) DO UPDATE SET timeline = stored.timeline + excluded.timeline;
		RETURN NULL;
	END \$\$;
SQL
is "$(run loyalty_citus -c "$trigger" 2>&1 | grep -o 'triggers are not supported on distributed tables')" "triggers are not supported on distributed tables" "a trigger is refused"
run loyalty_citus -c 'SET citus.enable_unsafe_triggers = on' -c "$trigger"
run loyalty_citus -c "INSERT INTO orders VALUES (9001, 7, '2025-01-02 10:00+00', 'purchase', 3.50, 'web', '2025-01-02')"
is "$(run loyalty_citus -c 'SELECT timeline_last(timeline) = '"'2025-01-02 10:00+00'"' FROM customer_timeline WHERE customer = 7')" t "... unless citus.enable_unsafe_triggers is on"
finish
