#!/usr/bin/env bash
# Installs from Debian's packages what is missing; quick and silent where all is there.
#
# usage: setup.sh [server|compilers|lint|bench|matrix|sanitizers]...		(server where none is named)
#
# The server is the one of PG_CONFIG, be it there already or not (its path names the
# version); by default the newest installed, or the one that Debian's release comes with.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

missing=()
updated=

# need PACKAGE TEST...: the package is missing where the test fails.
need()
{
	local package=$1

	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}

apt_update()
{
	[ -n "$updated" ] || quietly as_root apt-get -q update || die "apt-get update failed"
	updated=yes
}

# The major version of the server to work with.
server_version()
{
	local pgxs

	pgxs=$("$PG_CONFIG" --pgxs 2>/dev/null || true)
	if [ -n "$pgxs" ] && [ -e "$pgxs" ]; then
		"$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'
	elif [[ $PG_CONFIG =~ /postgresql/([0-9]+)/ ]]; then
		echo "${BASH_REMATCH[1]}"
	elif [ "$PG_CONFIG" != pg_config ]; then
		die "$PG_CONFIG: no such program, and its path doesn't name a version to install"
	elif compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
		printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sed -E 's|.*/([0-9]+)/bin/.*|\1|' | sort -n | tail -n 1
	else
		apt-cache depends postgresql | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p'
	fi
}

need_server()
{
	local version sharedir bindir

	compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || [ -x "$(command -v "$PG_CONFIG")" ] || apt_update
	version=$(server_version)
	[ -n "$version" ] || die "no PostgreSQL found, here or in the package lists"
	bindir=/usr/lib/postgresql/$version/bin
	sharedir=/usr/share/postgresql/$version
	if [ -x "$(command -v "$PG_CONFIG")" ] && [ -e "$("$PG_CONFIG" --pgxs)" ]; then
		bindir=$("$PG_CONFIG" --bindir)
		sharedir=$("$PG_CONFIG" --sharedir)
	else
		missing+=("postgresql-server-dev-$version")
	fi
	need "postgresql-$version" test -x "$bindir/postgres"
	need "postgresql-$version-pgtap" test -e "$sharedir/extension/pgtap.control"
	need libtap-parser-sourcehandler-pgtap-perl command -v pg_prove
	need gcc command -v "${CC:-gcc}"
	need libc6-dev test -e /usr/include/stdio.h
}

need_compilers()
{
	need gcc command -v gcc
	need clang command -v clang
}

need_lint()
{
	need clang-format-14 command -v clang-format-14
	need cppcheck command -v cppcheck
	need shellcheck command -v shellcheck
}

need_bench()
{
	need nodejs command -v node
	need npm command -v npm
	need ca-certificates test -d /etc/ssl/certs
}

need_matrix()
{
	need debootstrap test -x /usr/sbin/debootstrap
}

need_sanitizers()
{
	need gcc command -v gcc
	need valgrind test -e /usr/include/valgrind/memcheck.h
	need sqlsmith command -v sqlsmith
	# What a server is built from its source package with.
	need bzip2 command -v bzip2
	need bison command -v bison
	need flex command -v flex
	need perl command -v perl
}

[ $# -gt 0 ] || set -- server
for group in "$@"; do
	case $group in
		server | compilers | lint | bench | matrix | sanitizers) "need_$group" ;;
		*) die "setup.sh: no such group: $group" ;;
	esac
done

if [ ${#missing[@]} -gt 0 ]; then
	command -v apt-get >/dev/null || die "missing: ${missing[*]} (only Debian's packages can be installed from here)"
	echo "installing ${missing[*]}" >&2
	apt_update
	quietly as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "${missing[@]}" </dev/null || die "apt-get install failed"
fi
