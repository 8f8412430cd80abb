#!/usr/bin/env bash
# Runs a command beside a throw-away PostgreSQL cluster, which is gone when the command ends.
#
# usage: cluster.sh [-i | -s] [-c name=value]... [-k folder] [-e encoding] [-l locale]
#			[-p port] [-u superuser] [-x program] command...
#
#	-i	install what is built into a copy of the server, and run that: nothing is written into
#		the server itself, and whoever may not write there can test
#	-s	the copy alone, in which nothing of the extension is installed
#	-c	a setting of the server
#	-k	keep the cluster in this folder, and start it again where it is there
#	-e	the encoding, by default UTF8; -l the locale, C.UTF-8; -p the port, 5432; -u the
#		superuser's name, postgres
#	-x	the program that is run as the server, in place of postgres; it finds the server's folder of
#		programs in CLUSTER_BINDIR
#
# The command finds the server by PGHOST, PGPORT, PGUSER (a superuser) and PGDATABASE, and
# its programs on PATH (its pg_config in PG_CONFIG, too). The server listens on a Unix socket
# only, in a folder that nobody else can enter.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

settings=()
keep=
copy=
install=
encoding=UTF8
locale=C.UTF-8
port=5432
superuser=postgres
server_program=
while getopts isc:k:e:l:p:u:x: option; do
	case $option in
		i) copy=yes install=yes ;;
		s) copy=yes ;;
		c) settings+=("$OPTARG") ;;
		k) keep=$OPTARG ;;
		e) encoding=$OPTARG ;;
		l) locale=$OPTARG ;;
		p) port=$OPTARG ;;
		u) superuser=$OPTARG ;;
		x) server_program=$OPTARG ;;
		*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))

stop()
{
	if [ -e "$folder/data/postmaster.pid" ]; then
		as_owner "$bindir/pg_ctl" -D "$folder/data" -m "$([ -n "$keep" ] && echo fast || echo immediate)" -w stop >/dev/null 2>&1 || true
	fi
	rm -rf "$folder/server"
	[ "$sockets" = "$folder" ] || rm -rf "$sockets"
	[ -n "$keep" ] || rm -rf "$folder"
}

# private_folder PARENT: a new one in there that is the owner's.
private_folder()
{
	local made

	made=$(mktemp -d "$1/loyalty.XXXXXX") || exit
	own "$made"
	echo "$made"
}

own()
{
	[ "$(stat -c %U "$1")" = "$owner" ] || chown "$owner" "$1"
	chmod 700 "$1"
}

# PostgreSQL finds its folders from where its programs are. So a copy of the programs, with
# links to the rest, is a server of its own: what is installed there is nowhere else.
copy_server()
{
	local server=$folder/server from part program

	rm -rf "$server"
	(
		umask 022
		from=$("$PG_CONFIG" --bindir)
		mkdir -p "$server$from"
		for program in postgres initdb psql pg_ctl pg_config "$from"/pg_* "$from"/create?* "$from"/drop?* "$from"/*db; do
			program=$from/${program##*/}
			[ ! -f "$program" ] || [ -e "$server$program" ] || cp -L "$program" "$server$program"
		done
		for part in --pkglibdir --sharedir --includedir-server; do
			from=$("$PG_CONFIG" "$part")
			mkdir -p "$server$from"
			cp -rs "$from/." "$server$from"
		done
		# Nothing of an extension installed in the server.
		find "$server" -type l \( -name 'loyalty--*' -o -name 'loyalty.*' \) -delete
		find "$server" -depth -path '*/bitcode/loyalty*' -delete
	)
	from=$("$PG_CONFIG" --bindir)
	for part in --bindir --pkglibdir --sharedir --includedir-server; do
		[ "$(readlink -m "$("$server$from/pg_config" "$part")")" = "$(readlink -m "$server$("$PG_CONFIG" "$part")")" ] ||
			die "no copy can be made of the server of $PG_CONFIG: its $part stays $("$server$from/pg_config" "$part")"
	done
	PG_CONFIG=$server$from/pg_config
}

sockets=
if [ -n "$keep" ]; then
	mkdir -p "$keep"
	folder=$(cd "$keep" && pwd)
	own "$folder"
else
	folder=$(private_folder "${TMPDIR:-/tmp}")
	# Not where only the caller can go, such as a TMPDIR of root's own.
	if ! (cd / && [ "$(id -un)" = "$owner" ] || runuser -u "$owner" -- test -w "$folder") 2>/dev/null; then
		rm -rf "$folder"
		folder=$(private_folder /tmp)
	fi
fi
sockets=$folder
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
# The path of a socket has at most 107 bytes, and the server takes a list of folders.
socket=$folder/.s.PGSQL.$port
if [ "$(printf %s "$socket" | wc -c)" -gt 107 ] || [[ $folder == *[!A-Za-z0-9._/+-]* ]]; then
	sockets=$(private_folder /tmp)
fi

if [ -n "$copy" ]; then
	copy_server
fi
if [ -n "$install" ]; then
	quietly make_with_server -j "$(nproc)" install || die "the installation failed"
fi
bindir=$("$PG_CONFIG" --bindir)
export CLUSTER_BINDIR=$bindir

if [ ! -e "$folder/data/PG_VERSION" ]; then
	quietly as_owner "$bindir/initdb" -D "$folder/data" -U "$superuser" --auth=trust --encoding="$encoding" \
		--locale="$locale" --no-sync || die "initdb failed"
	as_owner tee -a "$folder/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		port = $port
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
	echo "unix_socket_directories = '$sockets'"
	for setting in ${settings[@]+"${settings[@]}"}; do
		printf "%s = '%s'\n" "${setting%%=*}" "${setting#*=}"
	done
} | as_owner tee "$folder/data/run.conf" >/dev/null

as_owner "$bindir/pg_ctl" -D "$folder/data" -l "$folder/log" ${server_program:+-p "$server_program"} -w -t 120 start >/dev/null || {
	cat "$folder/log" >&2
	die "the server doesn't start"
}

# Nothing that the caller set for servers of his own.
for name in ${!PG@}; do
	[[ $name == PG_CONFIG ]] || unset "$name"
done
export PGHOST=$sockets PGPORT=$port PGUSER=$superuser PGDATABASE=postgres
export PATH=$bindir:$PATH
# What the server said, for a command whose test wants to show it.
export CLUSTER_LOG=$folder/log

"$@"
