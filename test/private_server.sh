#!/usr/bin/env bash
# Makes a copy of the server that PG_CONFIG names, in which any version of the extension can be
# installed without touching the machine's; prints its pg_config.
#
# usage: private_server.sh FOLDER
#
# PostgreSQL finds its folders from where its programs are, so these are copied, to the same path
# below FOLDER; everything else is a link to what is there.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# = 1 ] || die "usage: private_server.sh FOLDER"
mkdir -p "$1"
root=$(cd "$1" && pwd)
bin=$("$PG_CONFIG" --bindir)
lib=$("$PG_CONFIG" --pkglibdir)
share=$("$PG_CONFIG" --sharedir)
include=$("$PG_CONFIG" --includedir-server)

# link_all FOLDER: a folder of links to what FOLDER has, without the extension.
link_all()
{
	mkdir -p "$root$1"
	find "$1" -mindepth 1 -maxdepth 1 ! -name 'loyalty*' ! -name extension -exec ln -s {} "$root$1/" \;
}

mkdir -p "$root$bin" "$root$(dirname "$include")"
for program in postgres initdb pg_ctl pg_config psql pg_dump; do
	cp -L "$bin/$program" "$root$bin/"
done
link_all "$lib"
link_all "$share"
link_all "$share/extension"
[ -e "$root$include" ] || ln -s "$include" "$root$include"
chmod -R a+rX "$root"
echo "$root$bin/pg_config"
