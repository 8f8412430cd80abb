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

# The mirror that this machine's packages come from.
mirror()
{
	apt-get indextargets --format "\$(REPO_URI) \$(LABEL)" 'Created-By: Packages' 'Component: main' |
		awk '$2 == "Debian" { print $1; exit }'
}

make_root()
{
	local suite=$1 root=$2 uri script=()

	uri=$(mirror)
	if [ -z "$uri" ]; then
		quietly apt-get -q update
		uri=$(mirror)
	fi
	[ -n "$uri" ] || die "no Debian mirror in this machine's package sources"
	# A suite younger than debootstrap is made the way that all are now.
	[ -e "/usr/share/debootstrap/scripts/$suite" ] || script=(/usr/share/debootstrap/scripts/sid)
	rm -rf "$root"
	echo "$suite: debootstrap" >&2
	quietly debootstrap --variant=minbase --include=make "$suite" "$root" "$uri" "${script[@]}" || die "$suite: debootstrap failed"
	# No services in there.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod +x "$root/usr/sbin/policy-rc.d"
	# A mirror may be behind by more than the days that a testing release's index is valid for.
	# Signatures are checked all the same.
	echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/90matrix"
	touch "$root/.complete"
}

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
	[ -e "$root/.complete" ] || make_root "${suite/experimental/sid}" "$root"
	[ "$suite" != experimental ] || add_experimental "$root" "$version"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	rm -rf "$root/src/loyalty"
	mkdir -p "$root/src/loyalty"
	tar -c --exclude=./build --exclude=./.git --exclude=node_modules --exclude='*.o' --exclude='*.bc' --exclude='*.so' . |
		tar -x -C "$root/src/loyalty"
	echo "== $suite, PostgreSQL $version"
	# What is mounted in a name space of its own is gone with it.
	# shellcheck disable=SC2016
	unshare --mount bash -c '
		mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" || exit
		exec chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			PG_CONFIG="$2" http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" \
			sh -c "cd /src/loyalty && test/pgtap.sh && test/cross.sh && test/strict.sh"
	' - "$root" "/usr/lib/postgresql/$version/bin/pg_config" </dev/null || {
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
