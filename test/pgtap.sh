#!/usr/bin/env bash
# Gives the server of PG_CONFIG pgTAP where Debian has no package of it for that version (yet): the
# files of the newest version's package. They are SQL, and PL/pgSQL.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ -x "$(command -v "$PG_CONFIG")" ]; then
	version=$("$PG_CONFIG" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
	sharedir=$("$PG_CONFIG" --sharedir)
elif [[ $PG_CONFIG =~ /postgresql/([0-9]+)/ ]]; then
	version=${BASH_REMATCH[1]}
	sharedir=/usr/share/postgresql/$version
else
	die "$PG_CONFIG: no such program, and its path doesn't name a version"
fi
[ ! -e "$sharedir/extension/pgtap.control" ] || exit 0

quietly as_root apt-get -q update || die "apt-get update failed"
packages=$(apt-cache pkgnames postgresql- | grep -E '^postgresql-[0-9]+-pgtap$' | sort -V)
# What is packaged for this version is setup.sh's to install.
! grep -qx "postgresql-$version-pgtap" <<<"$packages" || exit 0
[ -n "$packages" ] || die "pgTAP is in no package"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(cd "$folder" && quietly apt-get -q download "$(tail -n 1 <<<"$packages")") || die "apt-get download failed"
dpkg-deb -x "$folder"/*.deb "$folder"
as_root mkdir -p "$sharedir/extension"
as_root cp "$folder"/usr/share/postgresql/*/extension/pgtap* "$sharedir/extension/"
