#!/usr/bin/env bash
# pg_upgrade, to another cluster of the same version, with values of every type stored, indexed
# and shown by views: the catalog is as it was once loyalty_restore_volatility() has been called,
# and so is every answer.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/tap.sh

folder=$scratch/clusters
mkdir "$folder"
[ "$(stat -c %U "$folder")" = "$owner" ] || chown "$owner" "$folder"
bindir=$("$PG_CONFIG" --bindir)

# cluster NAME COMMAND...: beside a cluster of this name, which is kept.
cluster()
{
	test/cluster.sh -k "$folder/$1" -c shared_buffers=64MB "${@:2}"
}

# state NAME: what is in the catalog and in the tables, into files of that name.
state()
{
	{
		echo "SET search_path = public, loyalty;"
		cat test/reference/members.sql
	} | run shop >"$scratch/$1.members"
	run shop -f test/reference/contents.sql >"$scratch/$1.contents"
	run shop >"$scratch/$1.remote" <<-SQL
		SET search_path = public, loyalty;
		SET timezone = 'America/New_York';
		EXPLAIN (VERBOSE, COSTS OFF) SELECT customer, activity_agg(at) FROM remote_orders GROUP BY customer;
		SELECT customer, activity_agg(at) FROM remote_orders GROUP BY customer ORDER BY customer;
	SQL
}

# what differs between two states in one respect
differ()
{
	diff "$scratch/$1" "$scratch/$2" | grep -c '^[<>]' || true
}

before()
{
	psql -X -q -d postgres -c 'CREATE DATABASE shop'
	run shop <<-SQL
		CREATE SCHEMA loyalty;
		CREATE EXTENSION loyalty SCHEMA loyalty;
		ALTER DATABASE shop SET search_path = public, loyalty;
		CREATE EXTENSION postgres_fdw;
		CREATE SERVER remote FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$PGHOST', port '$PGPORT', dbname 'shop', extensions 'loyalty');
		CREATE USER MAPPING FOR CURRENT_USER SERVER remote OPTIONS (user 'postgres');
	SQL
	run shop -f test/reference/every_type.sql
	run shop -c "CREATE FOREIGN TABLE remote_orders (customer int, at timestamptz, amount numeric) SERVER remote OPTIONS (table_name 'orders')"
	state before
}

after()
{
	run shop -c "ALTER SERVER remote OPTIONS (SET host '$PGHOST')"
	state upgraded
	run shop -c "SELECT loyalty.loyalty_restore_volatility()" >"$scratch/restored"
	run shop -c "SELECT loyalty.loyalty_restore_volatility()" >"$scratch/restored_again"
	state after
}

# What the functions did is told outside: they run in shells of their own.
export scratch folder
export -f run state before after
succeeds "a cluster with values of every type" cluster old bash -euo pipefail -c before
succeeds "a new cluster" cluster new true
stable=$(grep -c '^aggregate .*"provolatile": "s"' "$scratch/before.members")
is "$((stable > 0)) $(wc -l <"$scratch/before.contents" | awk '{ print ($1 > 400) }')" "1 1" "there is something to lose"

succeeds "pg_upgrade" as_owner "$bindir/pg_upgrade" -b "$bindir" -B "$bindir" -d "$folder/old/data" -D "$folder/new/data" -U postgres --socketdir "$folder"
succeeds "the new cluster starts" cluster new bash -euo pipefail -c after

is "$(grep -c '^aggregate .*"provolatile": "s"' "$scratch/upgraded.members")" 0 "pg_upgrade makes stable aggregates immutable"
is "$(differ before.members upgraded.members)" "$((2 * stable))" "... and changes nothing else in the catalog"
is "$(differ before.contents upgraded.contents)" 0 "... nor what is stored"
is "$(wc -l <"$scratch/restored")" "$stable" "loyalty_restore_volatility() returns those that it corrects"
is "$(wc -l <"$scratch/restored_again")" 0 "... once"
is "$(diff "$scratch/before.members" "$scratch/after.members" | head -n 5)" "" "the catalog is as it was"
is "$(diff "$scratch/before.contents" "$scratch/after.contents" | head -n 5)" "" "every answer is as it was"
is "$(diff "$scratch/before.remote" "$scratch/after.remote" | head -n 5)" "" "... and of a remote table by the session's zone"
is "$(($(differ before.remote upgraded.remote) > 0))" 1 "which differed in between"
finish
