# shellcheck shell=bash
# What the scripts here share; to be sourced. Leaves the caller in the project's root, and in
# PG_CONFIG the one of the server to work with.

set -euo pipefail

# What programs print is read and compared here: it is in nobody's language, and letters fold as
# in none.
unset LANGUAGE
export LC_ALL=C.UTF-8
# With it cd prints, and may go elsewhere.
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Run from make, a make of ours must not take the caller's flags and job slots for its own.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

die()
{
	printf '%s\n' "$*" >&2
	exit 1
}

# Whether as_root can do what it says.
may_be_root()
{
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root: run as root, or install sudo (for: $*)"
	fi
}

# PostgreSQL refuses to run as root.
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then
	owner=nobody
	! id postgres >/dev/null 2>&1 || owner=postgres
fi

# Runs a command in $folder as the one who owns the clusters there.
folder=/
as_owner()
{
	(
		cd "$folder" || exit
		if [ "$(id -un)" = "$owner" ]; then
			"$@"
		else
			runuser -u "$owner" -- "$@"
		fi
	)
}

# Runs a command; shows what it printed only where it fails. A function that ends by die is heard.
quietly()
{
	local log status=0

	log=$(mktemp)
	("$@") >"$log" 2>&1 || status=$?
	[ "$status" = 0 ] || tail -n 200 "$log" >&2
	rm -f "$log"
	return "$status"
}

# ---- the server ----

oldest_version=15

# Whether an extension can be built with this pg_config. A client's (libpq's, conda's,
# Homebrew's) is there too, and so is Debian's pgxs.mk without a server's headers.
builds_with()
{
	local pgxs headers

	pgxs=$("$1" --pgxs 2>/dev/null) && headers=$("$1" --includedir-server 2>/dev/null) &&
		[ -f "$pgxs" ] && [ -f "$headers/postgres.h" ]
}

# The major version of this pg_config's server, where that is one of Debian's packages: be the
# program there or not.
debian_version()
{
	local bindir

	bindir=$("$1" --bindir 2>/dev/null) || bindir=$(dirname "$1")
	[[ $bindir =~ ^/usr/lib/postgresql/([0-9]+)/bin$ ]] && echo "${BASH_REMATCH[1]}"
}

# Every script works with one server, and every make that it runs: the one given in PG_CONFIG.
# Else the first on PATH, where an extension can be built with it and there is a server (or
# Debian has it). Else the newest of Debian's that is here, though something of it be missing;
# test/setup.sh installs that. PG_CONFIG stays pg_config where there is none at all.
choose_server()
{
	local version has best=0

	: "${PG_CONFIG:=pg_config}"
	export PG_CONFIG
	if [ "$PG_CONFIG" != pg_config ] ||
		{ builds_with pg_config && [ "$(major_version pg_config)" -ge "$oldest_version" ] &&
			{ [ -x "$(pg_config --bindir)/postgres" ] || debian_version pg_config >/dev/null; }; }; then
		return 0
	fi
	for version in $(printf '%s\n' /usr/lib/postgresql/* | sed -nE 's|.*/([0-9]+)$|\1|p' | sort -n); do
		has=0
		[ ! -x "/usr/lib/postgresql/$version/bin/postgres" ] || has=2
		! builds_with "/usr/lib/postgresql/$version/bin/pg_config" || has=$((has + 1))
		if [ "$version" -ge "$oldest_version" ] && [ "$has" -ge 1 ] && [ "$has" -ge "$best" ]; then
			best=$has
			PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
		fi
	done
}

major_version()
{
	"$1" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'
}

choose_server

# set_up GROUP...: installs what is missing (see setup.sh), a server to choose perhaps.
set_up()
{
	test/setup.sh "$@"
	choose_server
}

# Make with the server, the compiler and the flags at hand. Without the bitcode for JIT, which
# takes nearly half of the time and which no test looks at.
make_with_server()
{
	make -s PG_CONFIG="$PG_CONFIG" COPT="${COPT-}" ${CC:+CC="$CC"} with_llvm=no "$@"
}

# Builds the extension for that server; 'cluster.sh -i' installs it.
build()
{
	echo "building for $("$PG_CONFIG" --version)${CC:+ with $CC}" >&2
	quietly make_with_server -j "$(nproc)" all || die "${CC:+$CC: }the build failed"
}

# The database that those are copies of which pgTAP files run in, beside a cluster.
pgtap_template()
{
	psql -X -q -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE pgtap"
	psql -X -q -v ON_ERROR_STOP=1 -d pgtap <<-SQL
		CREATE EXTENSION pgtap;
		CREATE SCHEMA loyalty;
		CREATE EXTENSION loyalty SCHEMA loyalty;
	SQL
}

# pgtap_database NAME
pgtap_database()
{
	psql -X -q -v ON_ERROR_STOP=1 -d postgres -c "CREATE DATABASE $1 TEMPLATE pgtap" -c "ALTER DATABASE $1 SET search_path = public, loyalty"
}

# How many tests run side by side.
test_jobs()
{
	[[ ${JOBS:=$(nproc)} =~ ^[1-9][0-9]*$ ]] || die "JOBS is a number from 1, not $JOBS"
	echo "$JOBS"
}

# server_modes: in $modes, options of cluster.sh for what all tests are run with. Those side by side
# must not take each other's workers; statistics are those that a test asks for. And plans of one kind:
#
#	NODE	on: GROUP BY customer in the plan node wherever it can be, cheap or not; off: nowhere
#	WORKERS	0: no parallel query; another number: as many workers, wherever a plan can be parallel
server_modes()
{
	local jobs

	jobs=$(test_jobs)
	modes=(-c autovacuum=off -c "max_worker_processes=$((8 + 4 * jobs))" -c "max_parallel_workers=$((4 * jobs))")
	case ${NODE-} in
		'') ;;
		on) modes+=(-c loyalty.enable_group_node=on -c enable_hashagg=off -c enable_sort=off) ;;
		off) modes+=(-c loyalty.enable_group_node=off) ;;
		*) die "NODE is on or off, not $NODE" ;;
	esac
	case ${WORKERS-} in
		'') ;;
		0) modes+=(-c max_parallel_workers_per_gather=0) ;;
		[1-9]) modes+=(-c "max_parallel_workers_per_gather=$WORKERS" -c parallel_setup_cost=0 -c parallel_tuple_cost=0 -c min_parallel_table_scan_size=0 -c min_parallel_index_scan_size=0) ;;
		*) die "WORKERS is a number from 0 to 9, not $WORKERS" ;;
	esac
}
