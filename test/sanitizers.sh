#!/usr/bin/env bash
# make test-sanitizers: looks for errors of memory and undefined behaviour that tests don't see.
#
#	asan		all tests with the library built by gcc for its address and undefined behaviour
#				sanitizers, in a server that isn't. They see the stack, globals, and what malloc
#				gave: palloc's blocks and large chunks, but not the small chunks within
#	valgrind	the pgTAP files under valgrind, which knows palloc's chunks
#	sqlsmith	random queries over values of every type
#	regress		PostgreSQL's own regression tests, with the library in every session and its node on: the same output
#
# asan runs on PG_CONFIG's server, the others on a server with assertions, where writing
# beyond a chunk is seen when it is freed. Where there is none, valgrind and regress are skipped, and
# sqlsmith runs on that, too.
#
# Each fails where a test fails, where the server or one of the tools reports something, and
# where a process of the server dies.
#
#	PARTS				which of them; default: all
#	SQLSMITH_SECONDS	how long sqlsmith runs; default: 600
#	VALGRIND_FILES		default: all of test/*.sql
#	NODE, WORKERS		asan and valgrind with plans of one kind, as in run.sh
#	ASSERT_PG_CONFIG	pg_config of a server with --enable-cassert and -DUSE_VALGRIND; default: one is made from Debian's source package and
#						kept in SANITIZERS_DIR
#	REGRESS_DIR			src/test/regress of that server's source, built, with refint.so and autoinc.so of contrib/spi, where it was not made here
#	VALGRIND_SUPPRESSIONS	src/tools/valgrind.supp of that server's source, where it was not made here
#	SANITIZERS_DIR		default: build/sanitizers

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=${SANITIZERS_DIR:-build/sanitizers}
read -r -a parts <<<"${PARTS:-asan valgrind sqlsmith regress}"
read -r -a valgrind_files <<<"${VALGRIND_FILES:-$(echo test/*.sql)}"
seconds=${SQLSMITH_SECONDS:-600}

# Internal errors that random queries get out of the server by itself.
server_errors='could not find pathkey item to sort|cache lookup failed for (type|function) 0$'

# ---- beside a cluster ----

# log_is_clean: whether the server's log tells of no report and no death.
log_is_clean()
{
	# At the start of a line: what statements quote doesn't count.
	! grep -nE -A 30 '^==[0-9]+==ERROR: |^(==[0-9]+== )?VALGRINDERROR-BEGIN|^[^ ]+:[0-9]+:[0-9]+: runtime error: |^TRAP: |^[-0-9:. ]+UTC \[[0-9]+\] (PANIC: |LOG:  [a-z ]*process \(PID [0-9]+\) was terminated by signal|WARNING:  problem in alloc set)' "$CLUSTER_LOG" >&2
}

asan_beside_cluster()
{
	local status=0

	test/run.sh --beside-cluster || status=1
	log_is_clean || status=1
	return "$status"
}

# One pgTAP file in a database of its own, so that they can run side by side.
valgrind_file()
{
	local file=$1 database start=$SECONDS status=0 output

	database=valgrind_$(basename "$file" .sql)
	output=$(mktemp)
	pgtap_database "$database"
	pg_prove --verbose --nocolor --norc --merge -d "$database" "$file" >"$output" 2>&1 || status=$?
	printf '%-40s %5d passed in %d s\n' "$file" "$(grep -c '^ok ' "$output")" $((SECONDS - start))
	[ "$status" = 0 ] || cat "$output"
	rm -f "$output"
	psql -X -q -d postgres -c "DROP DATABASE $database"
	return "$status"
}

valgrind_beside_cluster()
{
	local status=0

	[ "$(psql -X -q -A -t -c 'SHOW debug_assertions')" = on ] || die "valgrind: the server has no assertions"
	pgtap_template
	printf '%s\n' "${valgrind_files[@]}" | xargs -P "$(test_jobs)" -n 1 test/sanitizers.sh --valgrind-file || status=1
	log_is_clean || status=1
	return "$status"
}

# What sqlsmith does is done by an ordinary role: as a superuser it would pull the server down by means that it has a right to.
sqlsmith_beside_cluster()
{
	local status=0

	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	psql -X -q -v ON_ERROR_STOP=1 -d postgres -c 'CREATE DATABASE sqlsmith' -c 'CREATE ROLE sqlsmith LOGIN'
	psql -X -q -v ON_ERROR_STOP=1 -d sqlsmith -c 'CREATE EXTENSION loyalty' -f test/reference/every_type.sql -f test/reference/sqlsmith.sql
	timeout "$seconds" sqlsmith --target="host=$PGHOST port=$PGPORT dbname=sqlsmith user=sqlsmith" \
		--exclude-catalog --verbose >"$scratch/output" 2>&1 || status=$?
	if [ "$status" != 124 ]; then
		tail -n 30 "$scratch/output" >&2
		echo "sqlsmith ended before its time" >&2
		return 1
	fi

	# It shows a character for each query: one that ran, failed, timed out, or was no SQL.
	awk '/^[.etS]+$/ { all += length($0); ran += gsub(/[.]/, "") }
		END { printf "%d queries, %d of them ran to their end\n", all, ran; exit ran == 0 }' "$scratch/output" || return
	sed -nE 's/.* ERROR:  ([0-9A-Z]{5}): .*/\1/p' "$CLUSTER_LOG" | sort | uniq -c | sort -rn | awk '{ printf "%s%s: %d", (NR > 1 ? ", " : "errors: "), $2, $1 } END { if (NR) print "" }'

	# An internal error is ours to look at, unless it is known to be the server's own.
	status=0
	sed -nE 's/.* (ERROR:  XX[0-9A-Z]{3}: .*)/\1/p' "$CLUSTER_LOG" | grep -vE "^ERROR:  XX000: ($server_errors)" | sort | uniq -c >"$scratch/internal" || true
	if [ -s "$scratch/internal" ]; then
		cat "$scratch/internal"
		status=1
	fi
	log_is_clean || status=1
	return "$status"
}

regress_beside_cluster()
{
	local status=0

	# The server writes and reads files in here.
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	cp -r "$REGRESS_DIR/." "$folder"
	chown -R "$owner" "$folder"
	[ "$(psql -X -q -A -t -c 'SHOW loyalty.enable_group_node')" = on ] || die "regress: the node is not on"
	as_owner ./pg_regress --inputdir=. --outputdir=. --dlpath=. --bindir="$CLUSTER_BINDIR" --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" \
		--schedule=parallel_schedule --max-concurrent-tests=20 >"$folder/output" 2>&1 || status=$?
	if [ "$status" != 0 ]; then
		grep -v ' \.\.\. ok ' "$folder/output" >&2 || true
		[ ! -e "$folder/regression.diffs" ] || head -n 300 "$folder/regression.diffs" >&2
	fi
	tail -n 5 "$folder/output" | grep 'tests'
	log_is_clean || status=1
	return "$status"
}

# ---- servers ----

# program NAME LINE...: a program to be run as the server.
program()
{
	local name=$folder/$1

	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$name"
	chmod 755 "$name"
	echo "$name"
}

asan_part()
{
	local postgres

	# Of the libraries that Debian's server loads, libgnutls leaves the lock of libc's message catalogs
	# locked when libasan is there, and the server waits for it for ever: it is to do without catalogs.
	gcc -fno-builtin -shared -fPIC -x c -o "$folder/untranslated.so" - <<-C
		char *bindtextdomain(const char *domain, const char *folder) { return (char *) folder; }
		char *textdomain(const char *domain) { return (char *) domain; }
	C
	# The server keeps what it allocated until it ends, and asks for more than there is on purpose.
	postgres=$(program asan-postgres \
		"export LD_PRELOAD='$(gcc -print-file-name=libasan.so):$folder/untranslated.so'" \
		"export ASAN_OPTIONS=detect_leaks=0:abort_on_error=1:detect_stack_use_after_return=0:allocator_may_return_null=1" \
		"export UBSAN_OPTIONS=print_stacktrace=1:abort_on_error=1" \
		"exec \"\$CLUSTER_BINDIR/postgres\" \"\$@\"")
	CLUSTER_BINDIR=$("$PG_CONFIG" --bindir) timeout -s KILL 60 "$postgres" --version >/dev/null ||
		die "asan: the server of $PG_CONFIG does not start under libasan"
	export CC=gcc
	export COPT="-O1 -g -fno-omit-frame-pointer -fno-wrapv -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all"
	build
	test/cluster.sh -i -x "$postgres" -c shared_buffers=256MB "${modes[@]}" test/sanitizers.sh --beside-cluster asan
}

# Finds or makes the server with assertions, for the parts to come; where there is none, why is left in $why.
need_assert_server()
{
	if [ -n "${ASSERT_PG_CONFIG-}" ]; then
		{ "$ASSERT_PG_CONFIG" --configure --cppflags --cflags && cat "$("$ASSERT_PG_CONFIG" --includedir-server)/pg_config_manual.h"; } |
			grep -E -e '-DUSE_VALGRIND|^#define USE_VALGRIND' >/dev/null ||
			die "$ASSERT_PG_CONFIG: its server was not built with -DUSE_VALGRIND"
		[ "$("$ASSERT_PG_CONFIG" --pkglibdir)" != "$("$PG_CONFIG" --pkglibdir)" ] ||
			die "$ASSERT_PG_CONFIG: it installs into the folder of $PG_CONFIG's server"
	else
		ASSERT_PG_CONFIG=$(test/assert_server.sh "$folder" 2> >(tee "$folder/assert_server.log" >&2)) || why=$(tail -n 1 "$folder/assert_server.log")
	fi
	export ASSERT_PG_CONFIG
}

# For a server with assertions; it runs by itself, or under valgrind.
build_with_assertions()
{
	export CC=gcc COPT="-O1 -g -fno-omit-frame-pointer"
	PG_CONFIG=$ASSERT_PG_CONFIG build
}

valgrind_part()
{
	local suppressions options=() postgres

	build_with_assertions
	suppressions=${VALGRIND_SUPPRESSIONS:-$(dirname "$(dirname "$(dirname "$ASSERT_PG_CONFIG")")")/valgrind.supp}
	if [ ! -e "$suppressions" ]; then
		echo "valgrind: without the server's own suppressions; VALGRIND_SUPPRESSIONS= names its src/tools/valgrind.supp" >&2
	else
		options=("--suppressions='$suppressions'")
	fi
	postgres=$(program valgrind-postgres \
		"exec valgrind --quiet --leak-check=no --num-callers=40 --error-markers=VALGRINDERROR-BEGIN,VALGRINDERROR-END \\" \
		"	--trace-children=yes ${options[*]-} \"\$CLUSTER_BINDIR/postgres\" \"\$@\"")
	PG_CONFIG=$ASSERT_PG_CONFIG test/cluster.sh -i -x "$postgres" -c shared_buffers=64MB "${modes[@]}" test/sanitizers.sh --beside-cluster valgrind
}

sqlsmith_part()
{
	local server

	if [ -n "${ASSERT_PG_CONFIG-}" ]; then
		server=$ASSERT_PG_CONFIG
		build_with_assertions
	else
		server=$PG_CONFIG
		build
	fi
	PG_CONFIG=$server test/cluster.sh -i -c log_error_verbosity=verbose test/sanitizers.sh --beside-cluster sqlsmith
}

regress_part()
{
	REGRESS_DIR=${REGRESS_DIR:-$(dirname "$(dirname "$(dirname "$ASSERT_PG_CONFIG")")")/regress}
	[ -e "$REGRESS_DIR/parallel_schedule" ] || die "regress: REGRESS_DIR= has to name the server's src/test/regress"
	export REGRESS_DIR
	build_with_assertions
	PG_CONFIG=$ASSERT_PG_CONFIG test/cluster.sh -i -c shared_preload_libraries=loyalty -c max_connections=60 test/sanitizers.sh --beside-cluster regress
}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
server_modes

case "$*" in
	'--beside-cluster asan') asan_beside_cluster; exit ;;
	'--beside-cluster valgrind') valgrind_beside_cluster; exit ;;
	'--beside-cluster sqlsmith') sqlsmith_beside_cluster; exit ;;
	'--beside-cluster regress') regress_beside_cluster; exit ;;
	'--valgrind-file '*) valgrind_file "$2"; exit ;;
	'--part asan') asan_part; exit ;;
	'--part valgrind') valgrind_part; exit ;;
	'--part sqlsmith') sqlsmith_part; exit ;;
	'--part regress') regress_part; exit ;;
	'') ;;
	*) die "sanitizers.sh takes no arguments, but PARTS=" ;;
esac

for part in "${parts[@]}"; do
	case $part in
		asan | valgrind | sqlsmith | regress) ;;
		*) die "no such part: $part" ;;
	esac
done
set_up server tests sanitizers
why=
[ "${parts[*]}" = asan ] || need_assert_server

failed=0
summary=()
for part in "${parts[@]}"; do
	echo "== $part"
	if [[ $part =~ ^(valgrind|regress)$ ]] && [ -z "$ASSERT_PG_CONFIG" ]; then
		summary+=("$part: skipped, no server with assertions: $why")
	elif test/sanitizers.sh --part "$part"; then
		[ "$part" != sqlsmith ] || [ -n "$ASSERT_PG_CONFIG" ] || part+=" (on a server without assertions: $why)"
		summary+=("$part: passed")
	else
		summary+=("$part: failed")
		failed=1
	fi
done
printf '%s\n' "${summary[@]}"
exit "$failed"
