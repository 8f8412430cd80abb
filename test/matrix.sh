#!/usr/bin/env bash
# make test-matrix: builds with both compilers, warnings being errors, for this machine and for
# ARM64, and runs all tests, on other releases of Debian: their PostgreSQL and their compilers.
#
# Each release lives in a folder of its own, made with debootstrap the first time and kept.
# Needs root, since it changes the root folder.
#
#	SUITES		releases and the PostgreSQL of each; default: trixie:17 forky:18 experimental:19
#	MATRIX_DIR	default: build/matrix
#	PG_CONFIGS	the pg_config of each other server to build for and test with on this machine,
#				such as one built from its sources (no release of Debian has PostgreSQL 16)

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/root.sh

read -r -a suites <<<"${SUITES:-trixie:17 forky:18 experimental:19}"
read -r -a configs <<<"${PG_CONFIGS-}"
folder=${MATRIX_DIR:-build/matrix}

if [ "$(id -u)" != 0 ]; then
	as_root env SUITES="${SUITES-}" MATRIX_DIR="${MATRIX_DIR-}" PG_CONFIGS="${PG_CONFIGS-}" "$PWD/test/matrix.sh"
	exit
fi

test/setup.sh matrix
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

# Experimental has only what it tries: it stands beside sid, and just PostgreSQL comes from it.
add_experimental()
{
	local root=$1 version=$2

	sed 's/ sid / experimental /' "$root/etc/apt/sources.list" >"$root/etc/apt/sources.list.d/experimental.list"
	cat >"$root/etc/apt/preferences.d/experimental" <<-PIN
		Package: src:postgresql-$version
		Pin: release a=experimental
		Pin-Priority: 990
	PIN
}

status=0
for entry in "${suites[@]}"; do
	suite=${entry%%:*}
	version=${entry#*:}
	[[ $entry == *:* && $version =~ ^[0-9]+$ ]] || die "SUITES: $entry does not name a PostgreSQL, as in trixie:17"
	root=$folder/$suite
	make_root "${suite/experimental/sid}" "$root"
	[ "$suite" != experimental ] || add_experimental "$root" "$version"
	copy_source "$root/src/loyalty"
	echo "== $suite, PostgreSQL $version"
	in_root "$root" env PG_CONFIG="/usr/lib/postgresql/$version/bin/pg_config" \
		sh -c 'cd /src/loyalty && test/pgtap.sh && test/cross.sh && test/strict.sh' || {
		echo "$suite: failed"
		status=1
	}
done

for config in ${configs[@]+"${configs[@]}"}; do
	echo "== $config, $("$config" --version)"
	PG_CONFIG=$config sh -c 'test/pgtap.sh && test/cross.sh && test/strict.sh' </dev/null || {
		echo "$config: failed"
		status=1
	}
done
exit "$status"
