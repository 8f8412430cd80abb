#!/usr/bin/env bash
# Lays out the C sources as .clang-format says; with --check only tells what isn't so.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Versions of clang-format differ in detail: the one that counts is Debian 12's.
test/setup.sh lint
mapfile -t sources < <(find src -name '*.[ch]' | sort)
if [ "${1-}" = --check ]; then
	clang-format-14 --dry-run --Werror "${sources[@]}"
else
	clang-format-14 -i "${sources[@]}"
fi
