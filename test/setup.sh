#!/usr/bin/env bash
# Installs from Debian's packages what is missing; quick and silent where all is there.
#
# usage: setup.sh [server|tests|compilers|cross|lint|bench|report|browser|matrix|sanitizers]...	(server and tests where none is named)
#
# The server is the one of PG_CONFIG, be it there already or not (its path names the
# version); by default see choose_server in lib.sh, or the one that Debian's release comes with.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

missing=()
updated=

# need PACKAGE TEST...: the package is missing where the test fails.
need()
{
	local package=$1

	shift
	"$@" >/dev/null 2>&1 || [[ " ${missing[*]-} " == *" $package "* ]] || missing+=("$package")
}

# The line for who may install what the caller may not.
install_line()
{
	echo "apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
}

apt_update()
{
	[ -z "$updated" ] || return 0
	updated=yes
	echo "reading Debian's package lists" >&2
	quietly as_root apt-get -q update || die "apt-get update failed"
}

# The major version that the package lists have; nothing where there are no lists.
version_in_lists()
{
	{ apt-cache depends postgresql 2>/dev/null || true; } | sed -nE 's/.*Depends: postgresql-([0-9]+)$/\1/p'
}

# Sets version to the major one that Debian's release comes with.
find_release_version()
{
	version=$(version_in_lists)
	if [ -z "$version" ] && may_be_root; then
		apt_update
		version=$(version_in_lists)
	elif [ -z "$version" ]; then
		# No lists, and nobody to fetch them.
		case $(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release) in
			bookworm) version=15 ;;
			trixie) version=17 ;;
		esac
	fi
	[ -n "$version" ] || die "no PostgreSQL found, here or in the package lists"
}

# die_of_server WHY: the server in PG_CONFIG isn't one of Debian's, which could be completed.
die_of_server()
{
	local other way="a server whose package or build brought its headers"

	other=$(
		unset PG_CONFIG
		PATH=/usr/bin:/bin
		choose_server
		! builds_with "$PG_CONFIG" || echo "$("$PG_CONFIG" --bindir)/pg_config"
	)
	[ -z "$other" ] || way="such as PG_CONFIG=$other"
	die "PG_CONFIG=$PG_CONFIG: $1
Give the pg_config of $oldest_version or newer with all of that ($way), or none, and one is chosen."
}

# Sets bindir, sharedir and, for one of Debian's, version.
find_server()
{
	if [ "$PG_CONFIG" = pg_config ] && ! builds_with pg_config; then
		command -v apt-cache >/dev/null || die "no PostgreSQL with its headers found; PG_CONFIG= names the pg_config of one"
		find_release_version
		PG_CONFIG=/usr/lib/postgresql/$version/bin/pg_config
	fi
	version=$(debian_version "$PG_CONFIG") || version=
	if builds_with "$PG_CONFIG"; then
		bindir=$("$PG_CONFIG" --bindir)
		sharedir=$("$PG_CONFIG" --sharedir)
		version=${version:+$(major_version "$PG_CONFIG")}
		[ "$(major_version "$PG_CONFIG")" -ge "$oldest_version" ] || die_of_server "it is of $("$PG_CONFIG" --version)"
	elif [ -n "$version" ]; then
		bindir=/usr/lib/postgresql/$version/bin
		sharedir=/usr/share/postgresql/$version
		[ "$version" -ge "$oldest_version" ] || die_of_server "it is of PostgreSQL $version"
	elif ! command -v "$PG_CONFIG" >/dev/null; then
		die_of_server "there is no such program"
	else
		die_of_server "the server's headers that it names are not there ($("$PG_CONFIG" --includedir-server)/postgres.h)"
	fi
}

need_server()
{
	local version bindir sharedir

	find_server
	if [ -n "$version" ]; then
		need "postgresql-server-dev-$version" builds_with "$PG_CONFIG"
		need "postgresql-$version" test -x "$bindir/postgres"
		need "postgresql-$version" test -x "$bindir/initdb"
		need "postgresql-client-$version" test -x "$bindir/psql"
	else
		for program in postgres initdb psql; do
			[ -x "$bindir/$program" ] || die_of_server "there is no $bindir/$program"
		done
	fi
	if [ -n "${CC-}" ]; then
		command -v "${CC%% *}" >/dev/null || die "CC=$CC: there is no such program"
	else
		need gcc command -v gcc
	fi
	need libc6-dev test -e /usr/include/stdio.h
	need make command -v make
}

need_tests()
{
	local version bindir sharedir

	find_server
	if [ -n "$version" ]; then
		need "postgresql-$version-pgtap" test -e "$sharedir/extension/pgtap.control"
	else
		[ -e "$sharedir/extension/pgtap.control" ] || die_of_server "pgTAP, which the tests are written in, is not there ($sharedir/extension/pgtap.control)"
	fi
	need libtap-parser-sourcehandler-pgtap-perl command -v pg_prove
}

need_compilers()
{
	need gcc command -v gcc
	need clang command -v clang
}

# For a machine of another kind: its C library and its compiler; clang makes code for any.
need_cross()
{
	need gcc-aarch64-linux-gnu command -v aarch64-linux-gnu-gcc
	need libc6-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/stdio.h
	need binutils command -v nm
}

need_lint()
{
	need clang-format-14 command -v clang-format-14
	need cppcheck command -v cppcheck
	need shellcheck command -v shellcheck
}

need_node()
{
	need nodejs command -v node
	need npm command -v npm
	need ca-certificates test -d /etc/ssl/certs
}

need_bench()
{
	need_node
}

need_report()
{
	need_node
}

# Where the report is looked at.
need_browser()
{
	need_node
	need chromium command -v chromium
	need fonts-liberation test -d /usr/share/fonts/truetype/liberation
	need poppler-utils command -v pdfinfo
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

[ $# -gt 0 ] || set -- server tests
for group in "$@"; do
	case $group in
		server | tests | compilers | cross | lint | bench | report | browser | matrix | sanitizers) "need_$group" ;;
		*) die "setup.sh: no such group: $group" ;;
	esac
done

if [ ${#missing[@]} -gt 0 ]; then
	command -v apt-get >/dev/null || die "missing: ${missing[*]} (only Debian's packages can be installed from here)"
	may_be_root || die "missing: ${missing[*]}
There is neither root nor sudo to install them with. An administrator types:
	$(install_line)"
	apt_update
	echo "installing ${missing[*]}" >&2
	quietly as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y -o DPkg::Lock::Timeout=600 --no-install-recommends install "${missing[@]}" </dev/null || die "apt-get install failed. What an administrator types:
	$(install_line)"
fi
