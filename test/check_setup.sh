#!/usr/bin/env bash
# What the scripts here and the Makefile make of the machine: which server, in what language,
# in which folders; and what they say where something is missing. Whole machines are tried by
# test/machines.sh.
#
# shellcheck disable=SC2016

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/tap.sh

# A pg_config that names a server's headers, which are not there: libpq's, conda's.
mkdir -p "$scratch/client/bin" "$scratch/client/lib"
touch "$scratch/client/lib/pgxs.mk"
cat >"$scratch/client/bin/pg_config" <<-SH
	#!/bin/sh
	case \$1 in
		--version) echo PostgreSQL 16.4 ;;
		--pgxs) echo $scratch/client/lib/pgxs.mk ;;
		--includedir-server) echo $scratch/client/include ;;
		*) echo "$scratch/client/\${1#--}" ;;
	esac
SH
chmod +x "$scratch/client/bin/pg_config"

# chosen [NAME=value...]: the server that scripts work with in this environment
chosen()
{
	env -u PG_CONFIG "$@" bash -c 'source test/lib.sh && echo "$PG_CONFIG"'
}

# first_line COMMAND...: and that it fails
refused()
{
	if "$@" >"$scratch/said" 2>&1; then
		echo "not refused"
	fi
	cat "$scratch/said"
}

ours=$PG_CONFIG
bindir=$("$ours" --bindir)
is "$(chosen PATH="$bindir:$PATH")" pg_config "the first pg_config on PATH that can build"
is "$(chosen PATH="$scratch/client/bin:$PATH" | sed -E 's|^/usr/lib/postgresql/[0-9]+/bin/pg_config$|pg_config|')" pg_config "not a client's"
is "$(chosen PG_CONFIG="$scratch/client/bin/pg_config")" "$scratch/client/bin/pg_config" "what is given stays"
is "$(refused test/setup.sh no-such)" "setup.sh: no such group: no-such" "a group that there isn't"
is "$(PG_CONFIG=$scratch/client/bin/pg_config refused test/setup.sh server | head -n 1)" \
	"PG_CONFIG=$scratch/client/bin/pg_config: the server's headers that it names are not there ($scratch/client/include/postgres.h)" "... and is refused with the reason"
is "$(PG_CONFIG=$scratch/client/bin/pg_config refused test/setup.sh server | grep -c '^Give the pg_config of 15 or newer')" 1 "... and the way out"
is "$(PG_CONFIG=/nowhere/pg_config refused test/setup.sh server | head -n 1)" "PG_CONFIG=/nowhere/pg_config: there is no such program" "a pg_config that isn't there"
is "$(PG_CONFIG=/usr/lib/postgresql/9/bin/pg_config refused test/setup.sh server | head -n 1)" "PG_CONFIG=/usr/lib/postgresql/9/bin/pg_config: it is of PostgreSQL 9" "an old one"
is "$(CC=no-such-compiler refused test/setup.sh server)" "CC=no-such-compiler: there is no such program" "a compiler that isn't there"
is "$(refused make PG_CONFIG="$scratch/client/bin/pg_config" | head -n 1)" \
	"$scratch/client/bin/pg_config: there are no headers of a server ($scratch/client/lib/pgxs.mk, $scratch/client/include/postgres.h)" "plain make says so, too"

# ---- as if there were neither root nor sudo ----

missing=$(PG_CONFIG=/usr/lib/postgresql/99/bin/pg_config refused bash -c '
	id() { echo 1000; }
	command() { [ "$*" != "-v sudo" ] && builtin command "$@"; }
	export -f id command
	exec test/setup.sh server tests')
is "$(grep -o '^missing: postgresql-server-dev-99 postgresql-99 postgresql-client-99 postgresql-99-pgtap' <<<"$missing")" \
	"missing: postgresql-server-dev-99 postgresql-99 postgresql-client-99 postgresql-99-pgtap" "what is missing is said"
is "$(grep -c '^	apt-get update && apt-get install -y --no-install-recommends postgresql-server-dev-99 postgresql-99 ' <<<"$missing")" 1 "... with what an administrator types"
is "$(refused quietly die 'What it ends with.')" "What it ends with." "what ends a command that is run quietly is heard"

# ---- languages and folders ----

is "$(LC_ALL=tr_TR.UTF-8 LANGUAGE=tr CDPATH=/ bash -c 'source test/lib.sh && echo "$LC_ALL ${LANGUAGE-} ${CDPATH-}"' 2>/dev/null)" "C.UTF-8  " "nobody's language"
long="$scratch/$(printf 'x%.0s' {1..200})"
odd="$scratch/it's, a folder"
mkdir -m 777 "$long" "$odd" "$scratch/closed"
chmod 700 "$scratch/closed"
for folder in "$long" "$odd" "$scratch/closed"; do
	is "$(TMPDIR=$folder PGOPTIONS=--no-such=1 PG_COLOR=always test/cluster.sh psql -X -A -t -c 'SELECT 1' 2>&1)" 1 "a cluster with TMPDIR=$(printf %.40s "${folder##*/}")"
	is "$(ls "$folder")" "" "... and nothing is left there"
done
is "$(TMPDIR=$scratch/nowhere refused test/cluster.sh true | grep -c 'No such file')" 1 "a TMPDIR that isn't there"
is "$(test/cluster.sh bash -c 'echo "$PG_CONFIG"')" "$ours" "a cluster runs the server that is there"
succeeds "... or a copy of it with what is built" test/cluster.sh -i bash -c '
	[ "$PG_CONFIG" != "$1" ] && psql -X -q -v ON_ERROR_STOP=1 -c "CREATE EXTENSION loyalty" &&
		[ "$(dirname "$PG_CONFIG")" = "$(dirname "$(command -v postgres)")" ]' - "$ours"

# ---- elsewhere than in the source folder ----

source=$scratch/source
mkdir -p "$source" "$scratch/built"
cp -r Makefile loyalty.control src sql expected "$source"
find "$source" -name '*.o' -delete -o -name '*.bc' -delete
compiled=$(make -C "$scratch/built" -s -n with_llvm=no PG_CONFIG="$ours" -f ../source/Makefile all | grep -oE -- '-c -o src/[a-z0-9_/]+\.o' | sort -u | wc -l)
is "$compiled" "$(find src -name '*.c' | wc -l)" "every source is compiled there ($compiled)"
succeeds "the install script is made there" make -C "$scratch/built" -s with_llvm=no PG_CONFIG="$ours" -f ../source/Makefile "loyalty--$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" loyalty.control).sql"
is "$(cmp "$scratch"/built/loyalty--*.sql loyalty--*.sql && find "$source" -name 'loyalty--*.sql')" "" "... the same, and not in the source folder"
touch "$source/src/core/codec.o" "$source/loyalty.so"
is "$(refused make -C "$scratch/built" -s PG_CONFIG="$ours" -f ../source/Makefile all | grep -c "is built in already: run 'make clean' there first")" 1 "where the source folder is built in, it is refused"
finish
