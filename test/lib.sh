# shellcheck shell=bash
# What the scripts here share; to be sourced. Leaves the caller in the project's root.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Run from make, a make of ours must not take the caller's flags and job slots for its own.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

: "${PG_CONFIG:=pg_config}"
export PG_CONFIG

die()
{
	printf '%s\n' "$*" >&2
	exit 1
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root: run as root, or install sudo (for: $*)"
	fi
}

# PostgreSQL refuses to run as root.
owner=$(id -un)
if [ "$(id -u)" = 0 ]; then
	owner=nobody
	! id postgres >/dev/null 2>&1 || owner=postgres
fi

# Runs a command in $folder as the one who owns the clusters there.
folder=/
as_owner()
{
	(
		cd "$folder" || exit
		if [ "$(id -un)" = "$owner" ]; then
			"$@"
		else
			runuser -u "$owner" -- "$@"
		fi
	)
}

# Runs a command; shows what it printed only where it fails.
quietly()
{
	local log status=0

	log=$(mktemp)
	"$@" >"$log" 2>&1 || status=$?
	[ "$status" = 0 ] || tail -n 200 "$log" >&2
	rm -f "$log"
	return "$status"
}

# Builds the extension and installs it into the server that PG_CONFIG names.
build_and_install()
{
	local make=(make -s PG_CONFIG="$PG_CONFIG" COPT="${COPT-}")

	[ -z "${CC-}" ] || make+=(CC="$CC")
	quietly "${make[@]}" -j "$(nproc)" all || die "the build failed"
	if [ -w "$("$PG_CONFIG" --pkglibdir)" ] && [ -w "$("$PG_CONFIG" --sharedir)/extension" ]; then
		quietly "${make[@]}" install || die "the installation failed"
	else
		quietly as_root "${make[@]}" install || die "the installation failed"
	fi
}
