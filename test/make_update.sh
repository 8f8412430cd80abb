#!/usr/bin/env bash
# make update-script FROM=...: writes the script that updates the extension from an older version
# to the one in this folder, src/update/loyalty--OLD--NEW.sql, from what differs between the two
# in the catalog; and tries it.
#
# usage: make_update.sh FROM [FOLDER]
#
#	FROM	the older version: a tag or commit, or a folder with its source
#	FOLDER	the source of the newer one; this one
#
# What can't be made of what differs is named: such statements are written by hand, into
# src/update/OLD--NEW.sql, which the script then begins with. To try a script is to install the old
# version with its own library, to store values of every type, to update, and to compare: the catalog
# with that of the new version installed anew, and all values with what they were.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "${1-}" != --beside-cluster ]; then
	[ $# = 1 ] || [ $# = 2 ] || die "usage: make update-script FROM=tag"
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	chmod 755 "$scratch"
	old=$1
	new=${2-$PWD}
	if [ ! -d "$old" ]; then
		mkdir "$scratch/old"
		git archive "$1" >"$scratch/old.tar" || die "$1 is neither a folder nor a commit"
		tar -xf "$scratch/old.tar" -C "$scratch/old"
		old=$scratch/old
	fi
	for tree in "$old" "$new"; do
		quietly make_with_server -C "$tree" -j "$(nproc)" all || die "$tree: the build failed"
	done
	test/cluster.sh -s -c shared_buffers=64MB test/make_update.sh --beside-cluster "$scratch" "$old" "$new"
	exit
fi

scratch=$2
old=$3
new=$4
schema=schema_of_the_update_script

# version FOLDER
version()
{
	sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$1/loyalty.control"
}
from=$(version "$old")
to=$(version "$new")
[ "$from" != "$to" ] || die "both are version $to: raise default_version in loyalty.control first"
script=$new/src/update/loyalty--$from--$to.sql
by_hand=$new/src/update/$from--$to.sql

install_tree()
{
	quietly make_with_server -C "$1" install || die "$1: the installation failed"
}

# run DATABASE [psql options]
run()
{
	psql -X -q -A -t -v ON_ERROR_STOP=1 -d "$1" "${@:2}"
}

create()
{
	run postgres -c "CREATE DATABASE $1 TEMPLATE template0"
	run "$1" -c "CREATE SCHEMA $schema" -c "CREATE EXTENSION loyalty SCHEMA $schema" \
		-c "ALTER DATABASE $1 SET search_path = public, $schema"
}

dump()
{
	pg_dump --binary-upgrade --schema-only -d "$1"
}

# with the old version's library
install_tree "$old"
create old
create updated
run updated -f "$old/test/reference/every_type.sql"
run updated -f "$old/test/reference/contents.sql" >"$scratch/stored"

# with the new one's
rm -f "$script"
install_tree "$new"
create new
extension=$("$PG_CONFIG" --sharedir)/extension
if [ -e "$by_hand" ]; then
	cp "$by_hand" "$extension/loyalty--$from--by_hand.sql"
	run old -c "ALTER EXTENSION loyalty UPDATE TO 'by_hand'"
fi
dump old >"$scratch/old.dump"
dump new >"$scratch/new.dump"
perl test/update_script.pl "$scratch/old.dump" "$scratch/new.dump" "$schema" >"$scratch/statements" 2>"$scratch/missing" || {
	cat "$scratch/missing" >&2
	die "write what makes these of the old ones into $by_hand, and run this again"
}
{
	echo "-- loyalty $from to $to"
	printf '%s\n\n' "\\echo Use \"ALTER EXTENSION loyalty UPDATE TO '$to'\" to load this file. \\quit"
	[ ! -e "$by_hand" ] || cat "$by_hand"
	cat "$scratch/statements"
	# as the install script ends
	grep -v '^--' src/core/volatility.sql | tail -n 1
} >"$scratch/script"
cp "$scratch/script" "$extension/loyalty--$from--$to.sql"

# what it does
run updated -c 'ALTER EXTENSION loyalty UPDATE'
for database in new updated; do
	run $database -f "$new/test/reference/members.sql" >"$scratch/$database.members"
done
diff "$scratch/new.members" "$scratch/updated.members" >"$scratch/differs" || {
	cut -c 1-400 "$scratch/differs" >&2
	die "what is installed anew (<) and what was updated (>) differ: write what is missing into $by_hand, and run this again"
}
run updated -f "$old/test/reference/contents.sql" >"$scratch/read"
diff "$scratch/stored" "$scratch/read" >"$scratch/differs" || {
	cut -c 1-400 "$scratch/differs" | head -n 20 >&2
	die "values that version $from stored (<) are read as others (>) by $to"
}
mkdir -p "$(dirname "$script")"
cp "$scratch/script" "$script"
echo "$script: $(grep -c ';$' "$script") statements; $(wc -l <"$scratch/new.members") lines of the catalog and $(wc -l <"$scratch/read") of values are as they should be"
