#!/usr/bin/env bash
# Runs a command beside a throw-away PostgreSQL cluster, which is gone when the command ends.
#
# usage: cluster.sh [-c name=value]... [-k folder] [-p program] command...
#
#	-c	a setting of the server
#	-k	keep the cluster in this folder, and start it again where it is there
#	-p	the program that is run as the server, in place of postgres
#
# The command finds the server by PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE, and
# its programs on PATH. The server listens on a Unix socket only, in a folder that nobody
# else can enter.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

settings=()
keep=
program=
while getopts c:k:p: option; do
	case $option in
		c) settings+=("$OPTARG") ;;
		k) keep=$OPTARG ;;
		p) program=$OPTARG ;;
		*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))

bindir=$("$PG_CONFIG" --bindir)

# PostgreSQL refuses to run as root.
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then
	owner=nobody
	! id postgres >/dev/null 2>&1 || owner=postgres
fi

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

stop()
{
	if [ -e "$folder/data/postmaster.pid" ]; then
		as_owner "$bindir/pg_ctl" -D "$folder/data" -m "$([ -n "$keep" ] && echo fast || echo immediate)" -w stop >/dev/null 2>&1 || true
	fi
	[ -n "$keep" ] || rm -rf "$folder"
}

if [ -n "$keep" ]; then
	mkdir -p "$keep"
	folder=$(cd "$keep" && pwd)
else
	folder=$(mktemp -d "${TMPDIR:-/tmp}/loyalty.XXXXXX")
fi
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
[ "$(stat -c %U "$folder")" = "$owner" ] || chown "$owner" "$folder"
chmod 700 "$folder"

if [ ! -e "$folder/data/PG_VERSION" ]; then
	quietly as_owner "$bindir/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 \
		--locale=C.UTF-8 --no-sync || die "initdb failed"
	as_owner tee -a "$folder/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		port = 5432
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		timezone = 'UTC'
		log_timezone = 'UTC'
		datestyle = 'ISO, MDY'
		include = 'run.conf'
	CONF
fi
{
	echo "unix_socket_directories = '$folder'"
	for setting in ${settings[@]+"${settings[@]}"}; do
		printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
	done
} | as_owner tee "$folder/data/run.conf" >/dev/null

as_owner "$bindir/pg_ctl" -D "$folder/data" -l "$folder/log" ${program:+-p "$program"} -w -t 120 start >/dev/null || {
	cat "$folder/log" >&2
	die "the server doesn't start"
}

unset PGSERVICE PGOPTIONS PGHOSTADDR PGPASSWORD PGTZ PGDATESTYLE PGCLIENTENCODING
export PGHOST=$folder PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
export PATH=$bindir:$PATH
# What the server said, for a command whose test wants to show it.
export CLUSTER_LOG=$folder/log

"$@"
