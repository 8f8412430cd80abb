#!/usr/bin/env bash
# make test-matrix: builds with both compilers, warnings being errors, and runs all tests on
# other releases of Debian, that is on their PostgreSQL and their compilers.
#
# Each release lives in a folder of its own, made with debootstrap the first time and kept.
# Needs root, since it changes the root folder.
#
#	SUITES		default: trixie (PostgreSQL 17) and forky (PostgreSQL 18)
#	MATRIX_DIR	default: build/matrix

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
source test/root.sh

read -r -a suites <<<"${SUITES:-trixie forky}"
folder=${MATRIX_DIR:-build/matrix}

if [ "$(id -u)" != 0 ]; then
	as_root env SUITES="${SUITES-}" MATRIX_DIR="${MATRIX_DIR-}" "$PWD/test/matrix.sh"
	exit
fi

test/setup.sh matrix
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)

status=0
for suite in "${suites[@]}"; do
	root=$folder/$suite
	make_root "$suite" "$root"
	copy_source "$root/src/loyalty"
	echo "== $suite"
	in_root "$root" /src/loyalty/test/strict.sh || {
		echo "$suite: failed"
		status=1
	}
done
exit "$status"
