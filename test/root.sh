# shellcheck shell=bash
# Root folders of other releases of Debian, made with debootstrap; to be sourced after lib.sh.
# Needs root, and what 'test/setup.sh matrix' installs.

# The mirror that this machine's packages come from.
mirror()
{
	apt-get indextargets --format "\$(REPO_URI) \$(LABEL)" 'Created-By: Packages' 'Component: main' |
		awk '$2 == "Debian" { print $1; exit }'
}

# make_root SUITE FOLDER: nothing in there but the least that Debian has, and make. What is
# complete is kept.
make_root()
{
	local suite=$1 root=$2 uri script=()

	[ ! -e "$root/.complete" ] || return 0
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
	# It is nobody's loss where the power fails.
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/90fast"
	touch "$root/.complete"
}

# copy_source FOLDER: the project as it stands, and nothing that was built.
copy_source()
{
	local script

	script=loyalty--$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" loyalty.control).sql
	rm -rf "$1"
	mkdir -p "$1"
	tar -c --exclude="./$script" --exclude=./build --exclude=./.git --exclude=node_modules --exclude='*.o' --exclude='*.bc' --exclude='*.so' . |
		tar -x -C "$1"
}

# in_root FOLDER COMMAND...: runs it in there, as root, with an environment of its own.
in_root()
{
	local root=$1

	shift
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	# What is mounted in a name space of its own is gone with it.
	# shellcheck disable=SC2016
	unshare --mount bash -c '
		root=$1; shift
		mount -t proc proc "$root/proc" && mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" || exit
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			http_proxy="${http_proxy-}" https_proxy="${https_proxy-}" "$@"
	' - "$root" "$@" </dev/null
}
