#!/usr/bin/env bash
# make test-machines: the README's commands on machines as they are, in root folders of Debian
# made with debootstrap: nothing but make there, half of what is needed there, other things in
# the way.
#
# Each release's root is made once and kept; a scenario changes a layer over it. The first,
# bare, is what the ones that need everything installed stand on. Needs root.
#
#	SUITES			default: bookworm (PostgreSQL 15) and trixie (PostgreSQL 17)
#	SCENARIOS		default: all of those below
#	ONLY			which tests of make test bare runs; default: all of them
#	MACHINES_DIR	default: build/machines

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/root.sh

read -r -a suites <<<"${SUITES:-bookworm trixie}"
read -r -a scenarios <<<"${SCENARIOS:-bare no-headers no-server foreign locale sudo user user-missing elsewhere}"
folder=${MACHINES_DIR:-build/machines}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# ---- within a scenario ----

# here COMMAND...: as root
here()
{
	in_root "$root" "$@"
}

# here_in FOLDER [NAME=value...] COMMAND...: as the folder's owner
here_in()
{
	local work=$1 user

	shift
	user=$(stat -c %u "$root$work")
	user=$(awk -F: -v id="$user" '$3 == id { print $1 }' "$root/etc/passwd")
	# shellcheck disable=SC2016
	here runuser -u "$user" -- env HOME="$([ "$user" = root ] && echo /root || echo "/home/$user")" \
		bash -c 'cd "$1" && shift && exec env "$@"' - "$work" "$@"
}

# The release's version of PostgreSQL, once there are package lists.
find_postgresql()
{
	postgresql=$(here apt-cache depends postgresql 2>/dev/null | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p')
}

die_showing()
{
	cat "$scratch/output"
	die "$suite, $scenario: $1 failed"
}

# packages NAME...: installs them. N in a name is the release's version of PostgreSQL.
packages()
{
	output here apt-get -q update || die_showing "apt-get update"
	find_postgresql
	output here env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "${@//-N/-$postgresql}" || die_showing "apt-get install $*"
}

no_lists()
{
	here sh -c 'rm -rf /var/lib/apt/lists/*'
}

new_user()
{
	here useradd --create-home --shell /bin/bash "$1"
}

# source_for USER: the project in the user's home, freshly cloned as it were; all but the first
# scenario take what that compiled, and compile one file.
source_for()
{
	local home=/home/$1 built=$folder/$suite/bare/changes/root/loyalty

	[ "$1" != root ] || home=/root
	copy_source "$root$home/loyalty"
	if [ "$scenario" != bare ] && [ "$scenario" != elsewhere ] && [ -e "$built/build/flags" ]; then
		(cd "$built" && find build src -name '*.o' -o -name flags | tar -c -T - | tar -x -C "$root$home/loyalty")
		touch "$root$home/loyalty/src/core/codec.c"
	fi
	here chown -R "$1": "$home/loyalty"
}

# says NAME PATTERN: what came last has a line that matches.
says()
{
	check "$1" grep -qE "$2" "$scratch/output"
}

# check NAME COMMAND...
check()
{
	local name=$1

	shift
	if "$@"; then
		echo "ok - $suite, $scenario: $name"
	else
		echo "not ok - $suite, $scenario: $name"
		tail -n 40 "$scratch/output" | sed 's/^/# /'
		faults=$((faults + 1))
	fi
}

# fails COMMAND...
fails()
{
	! "$@"
}

# output COMMAND...: keeps what it prints.
output()
{
	"$@" >"$scratch/output" 2>&1
}

# demo FOLDER [NAME=value...]: make demo, where the last of the demo's headings comes out.
demo()
{
	local name=${label:-make demo}

	check "$name" output here_in "$@" make demo
	says "$name: it answers" 'Monthly cohorts'
}

# tests FOLDER [NAME=value...]: make test
tests()
{
	check "make test" output here_in "$@" make test
	says "make test: none failed" '^[0-9]+ passed, 0 failed$'
}

# ---- the scenarios ----

# Nothing but make, and no package lists.
scenario_bare()
{
	no_lists
	source_for root
	demo /root/loyalty
	tests /root/loyalty "ONLY=${ONLY-}"
}

# The server and libpq's headers: postgres.h is missing, pgxs.mk and a pg_config aren't.
scenario_no_headers()
{
	packages postgresql-N libpq-dev
	check "there is a pg_config" output here pg_config --version
	check "... and no postgres.h" test ! -e "$root/usr/include/postgresql/$postgresql/server/postgres.h"
	source_for root
	demo /root/loyalty
}

scenario_no_server()
{
	packages postgresql-server-dev-N
	check "there is no server" test ! -e "$root/usr/lib/postgresql/$postgresql/bin/postgres"
	source_for root
	demo /root/loyalty
}

# A client's pg_config comes first, as conda's and Homebrew's do.
scenario_foreign()
{
	mkdir -p "$root/opt/client/bin"
	cat >"$root/opt/client/bin/pg_config" <<-'SH'
		#!/bin/sh
		case $1 in
			--version) echo PostgreSQL 16.4 ;;
			--pgxs) echo /opt/client/lib/pgxs/src/makefiles/pgxs.mk ;;
			--includedir-server) echo /opt/client/include/server ;;
			*) echo "/opt/client/${1#--}" ;;
		esac
	SH
	chmod +x "$root/opt/client/bin/pg_config"
	# Such a package brings PGXS, too.
	mkdir -p "$root/opt/client/lib/pgxs/src/makefiles"
	touch "$root/opt/client/lib/pgxs/src/makefiles/pgxs.mk"
	source_for root
	demo /root/loyalty PATH=/opt/client/bin:/usr/bin:/bin:/usr/sbin:/sbin
	check "plain make refuses it" fails output here_in /root/loyalty PATH=/opt/client/bin:/usr/bin:/bin make
	says "... and names one that will do" "PG_CONFIG=/usr/lib/postgresql/$postgresql/bin/pg_config"
	check "given by hand, it is refused" fails output here_in /root/loyalty make demo PG_CONFIG=/opt/client/bin/pg_config
	says "... with the reason" '/opt/client/include/server/postgres.h'
	says "... and the way out" "such as PG_CONFIG=/usr/lib/postgresql/$postgresql/bin/pg_config"
}

# Other languages, in which programs translate what they say and fold letters otherwise.
scenario_locale()
{
	packages locales
	here sh -c 'printf "de_DE.UTF-8 UTF-8\ntr_TR.UTF-8 UTF-8\n" >/etc/locale.gen && locale-gen' >"$scratch/output" 2>&1
	source_for root
	printf 'Customer_ID,INVOICE_DATE,AMOUNT\n1,2024-01-05,10.50\n1,2024-02-06,3\n2,2024-01-07,4\n' >"$root/root/orders.csv"
	demo /root/loyalty LANG=de_DE.UTF-8 LANGUAGE=de CDPATH=/root
	label="make demo in Turkish, of a file" demo /root/loyalty LANG=tr_TR.UTF-8 DATA=/root/orders.csv
	tests /root/loyalty LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8 LANGUAGE=de "ONLY=README|guide|readme|regress|check_dump"
}

scenario_sudo()
{
	packages sudo
	new_user someone
	echo 'someone ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/someone"
	source_for someone
	demo /home/someone/loyalty
	tests /home/someone/loyalty "ONLY=regress|check_schema"
}

# Without sudo, where all is there.
scenario_user()
{
	local long

	long=/home/someone/$(printf 'x%.0s' {1..200})
	new_user someone
	source_for someone
	demo /home/someone/loyalty
	here_in /home/someone mkdir "$long"
	tests /home/someone/loyalty TMPDIR="$long"
}

# Without sudo, where nothing is there: it says what an administrator types, and then all is.
scenario_user_missing()
{
	local command line='' lacking=postgresql-server-dev-$postgresql

	no_lists
	new_user someone
	source_for someone
	for command in demo test; do
		check "make $command fails" fails output here_in /home/someone/loyalty make "$command"
		says "make $command says what is missing" "^missing: (.* )?$lacking( |\$)"
		says "make $command says what to type" '^	apt-get update && apt-get install '
		line=$(sed -n 's/^\t\(apt-get update && \)/\1/p' "$scratch/output")
		check "make $command: an administrator types it" output here env DEBIAN_FRONTEND=noninteractive bash -c "$line"
		case $command in
			demo)
				demo /home/someone/loyalty
				# The administrator did all but what the tests need.
				lacking=postgresql-$postgresql-pgtap
				;;
			test) tests /home/someone/loyalty "ONLY=regress|zones" ;;
		esac
	done
}

# Built outside of the source folder, installed and tested as a DBA does.
scenario_elsewhere()
{
	source_for root
	mkdir "$root/root/built"
	check make output here_in /root/built make -s -j 2 -f ../loyalty/Makefile
	check "make install" output here_in /root/built make -s -f ../loyalty/Makefile install
	check "nothing is built in the source folder" output here sh -c 'cd /root/loyalty && ! find . -name "*.o" -o -name "*.so" | grep .'
	here chmod 755 /root
	check "a server that runs already" output here sh -c "
		mkdir -m 777 /run/elsewhere && cd /run/elsewhere && export bin=/usr/lib/postgresql/$postgresql/bin PGHOST=/run/elsewhere PGPORT=6543 PGUSER=boss
		runuser -u postgres -- \$bin/initdb -D data -U boss --locale=C --encoding=LATIN1 &&
			runuser -u postgres -- \$bin/pg_ctl -D data -l log -o '-p 6543 -k /run/elsewhere' -w start || { cat log; exit 1; }
		make -C /root/built -f ../loyalty/Makefile installcheck; status=\$?
		runuser -u postgres -- \$bin/pg_ctl -D data -m immediate stop; exit \$status"
	check "with what was built in the source folder, too" output here_in /root/loyalty make -s -j 2 with_llvm=no
	check "... it is refused" fails output here_in /root/built make -f ../loyalty/Makefile
	says "... with the way out" "run 'make clean' there first"
}

# ---- a scenario of a suite, in a name space of its own ----

if [ "${1-}" = --scenario ]; then
	suite=$2
	scenario=$3
	base=$folder/$suite/base
	layer=$folder/$suite/$scenario
	root=$folder/$suite/root
	below=$base
	faults=0
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	case $scenario in
		locale | user | elsewhere)
			[ -e "$folder/$suite/bare/.passed" ] || die "$suite: $scenario stands on bare, which has not passed"
			below=$folder/$suite/bare/changes:$base
			;;
	esac
	rm -rf "$layer"
	mkdir -p "$layer/changes" "$layer/work" "$root" "$folder/$suite/archives/partial"
	mount -t overlay overlay -o "lowerdir=$below,upperdir=$layer/changes,workdir=$layer/work" "$root"
	# Each package is fetched once.
	mount --bind "$folder/$suite/archives" "$root/var/cache/apt/archives"
	[ -z "${http_proxy-}" ] || echo "Acquire::http::Proxy \"$http_proxy\";" >"$root/etc/apt/apt.conf.d/91proxy"
	find_postgresql
	"scenario_${scenario//-/_}"
	[ "$faults" != 0 ] || touch "$layer/.passed"
	[ "$scenario" = bare ] || rm -rf "$layer/changes" 2>/dev/null || true
	[ "$faults" = 0 ]
	exit
fi

if [ "$(id -u)" != 0 ]; then
	as_root env SUITES="${SUITES-}" SCENARIOS="${SCENARIOS-}" ONLY="${ONLY-}" MACHINES_DIR="${MACHINES_DIR-}" "$PWD/test/machines.sh"
	exit
fi
set_up matrix
passed=0
failed=0
for suite in "${suites[@]}"; do
	make_root "$suite" "$folder/$suite/base"
	for scenario in "${scenarios[@]}"; do
		if unshare --mount test/machines.sh --scenario "$suite" "$scenario"; then
			passed=$((passed + 1))
		else
			echo "not ok - $suite, $scenario"
			failed=$((failed + 1))
		fi
	done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
