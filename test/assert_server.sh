#!/usr/bin/env bash
# Makes a server with assertions that valgrind understands, from Debian's source package of
# the version that PG_CONFIG has, in a folder that is kept. Prints the path of its pg_config.
# Beside the server's folder stands `regress`, with its own regression tests.
#
# usage: assert_server.sh FOLDER
#
# Exits with 1, and says why, where it can't be made. Changes nothing outside of the folder.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

mkdir -p "$1"
folder=$(cd "$1" && pwd)
version=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
sharedir=$("$PG_CONFIG" --sharedir)
root=$folder/$version

# Only what was finished is taken as made.
if [ -e "$root/.complete" ] && [ -d "$root/regress" ]; then
	echo "$root/server/bin/pg_config"
	exit
fi

command -v apt-get >/dev/null || die "its source is one of Debian's packages, and there is no apt-get"
rm -rf "$root"
mkdir -p "$root"/apt/{sources,lists/partial}

# The package sources of this machine, as sources of source packages, with lists of their own.
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
	if [ -e "$file" ]; then
		sed -E 's/^Types:.*/Types: deb-src/; /^deb-src/d; s/^deb /deb-src /' "$file" >"$root/apt/sources/${file##*/}"
	fi
done
apt=(-q -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$root/apt/sources" -o "Dir::State::Lists=$root/apt/lists"
	-o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o "APT::Sandbox::User=root")

echo "server with assertions: the source of postgresql-$version" >&2
quietly apt-get "${apt[@]}" update || die "apt-get update failed"
# An archive may announce a version whose files it no longer has, or not yet: the newest that is there.
releases=$(apt-cache "${apt[@]}" showsrc "postgresql-$version" 2>/dev/null | sed -n 's/^Version: //p' | sort -rV)
[ -n "$releases" ] || die "there is no source package of postgresql-$version"
source_dir=
for release in $releases; do
	if (cd "$root" && apt-get "${apt[@]}" --download-only source "postgresql-$version=$release") >"$root/log" 2>&1; then
		# As released: Debian's patches put modules into the folder of Debian's own server, whatever the prefix is.
		tar -x -C "$root" -f "$(printf '%s\n' "$root"/*.orig.tar.*)" || die "the source can't be unpacked"
		source_dir=$(printf '%s\n' "$root"/postgresql-*/configure)
		source_dir=${source_dir%/configure}
		break
	fi
done
[ -d "$source_dir" ] || die "no source package of postgresql-$version can be fetched: $(tail -n 1 "$root/log")"

echo "server with assertions: building $(basename "$source_dir"), which takes some minutes" >&2
without=(--without-readline --without-zlib)
[ "$version" -lt 16 ] || without+=(--without-icu)
cd "$source_dir"
quietly ./configure --prefix="$root/server" --enable-cassert --enable-debug "${without[@]}" \
	CPPFLAGS=-DUSE_VALGRIND CFLAGS="-O1 -g -fno-omit-frame-pointer" || die "configure failed"
# What an installation writes is to be in here, all of it: another server's files are not ours to replace.
dirs=$(printf 'include src/Makefile.global\nshow:\n\t@echo %s\n' \
	"\$(bindir) \$(libdir) \$(pkglibdir) \$(datadir) \$(includedir) \$(includedir_server) \$(includedir_internal) \$(docdir) \$(mandir) \$(localedir)" |
	make -s -f - top_builddir=. show) || die "the folders of the installation can't be told"
for dir in $dirs; do
	[[ $dir == "$root/server/"* ]] || die "it would install into $dir"
done
quietly make -s -j "$(nproc)" install || die "the server's build failed"
quietly make -s -C contrib/postgres_fdw install || die "the build of postgres_fdw failed"
cp src/tools/valgrind.supp "$root/"
# Its tests, and the libraries that they load: of their own, and of two modules.
quietly make -s -C src/test/regress all || die "the build of the server's tests failed"
quietly make -s -C contrib/spi refint.so autoinc.so || die "the build of what the server's tests load failed"
cp -r src/test/regress "$root/"
cp contrib/spi/*.so "$root/regress/"
cp "$sharedir"/extension/pgtap* "$("$root/server/bin/pg_config" --sharedir)/extension/" ||
	die "pgTAP is not installed in $sharedir"
cd "$root"
rm -rf "$source_dir" apt ./*.tar.* ./*.dsc log
touch .complete
echo "$root/server/bin/pg_config"
