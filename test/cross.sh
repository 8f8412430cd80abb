#!/usr/bin/env bash
# Builds for ARM64 with each compiler, warnings being errors, and looks for symbols that nobody
# would define there: such a library links, and can't be loaded. The same with the code that is made
# from LLVM bitcode, as JIT does.
#
# The headers are those of the server at hand. What depends on the machine in them is of
# PostgreSQL's own inner life, apart from the sizes that ARM64 shares with x86-64.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

set_up server compilers cross

target=aarch64-linux-gnu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
includes=(-Isrc -isystem "$("$PG_CONFIG" --includedir-server)")
# As PGXS compiles: the server's code rests on these.
flags=(-std=gnu11 -O3 -fPIC -fwrapv -fno-strict-aliasing -Wall -Wextra -Werror -Wno-unused-parameter
	'-DLOYALTY_VERSION="cross"')
mapfile -t sources < <(printf '%s\n' src/*.c src/*/*.c)

# compile COMMAND...: an object for each source, in $folder.
# shellcheck disable=SC2016
compile()
{
	printf '%s\n' "${sources[@]}" |
		xargs -P "$(nproc)" -I{} sh -c 'source=$1 && object=$2/$(echo "$source" | tr / _).o && shift 2 && "$@" -c "$source" -o "$object"' \
			sh {} "$folder" "$@" "${flags[@]}" "${includes[@]}"
}

# What the server offers an extension.
nm -D --defined-only "$("$PG_CONFIG" --bindir)/postgres" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u >"$folder/server"

# check WHAT: links the objects as a library. What it takes from libc and libgcc carries the version
# of a library; all the rest must come from the server.
check()
{
	local undefined

	"$target-gcc" -shared -Wl,-Bsymbolic -Wl,--version-script=src/exports.map -o "$folder/loyalty.so" "$folder"/*.o -lm
	undefined=$("$target-nm" -D --undefined-only "$folder/loyalty.so" |
		awk '$1 == "U" && $2 !~ /@/ { print $2 }' | sort -u | comm -23 - "$folder/server")
	[ -z "$undefined" ] || die "$1 for $target: nobody defines $(tr '\n' ' ' <<<"$undefined")"
	[ "$("$target-nm" -D --defined-only "$folder/loyalty.so" | grep -c ' T loyalty_')" -gt 100 ] ||
		die "$1 for $target: the library is empty"
	rm -f "$folder"/*.o
	echo "$1 for $target: no warnings, no symbol missing"
}

compile "$target-gcc" || die "gcc for $target: the build failed"
check gcc
compile clang "--target=$target" || die "clang for $target: the build failed"
check clang
# Bitcode is compiled anew, without the sources.
flags+=(-emit-llvm)
compile clang "--target=$target" -O2 || die "bitcode for $target: the build failed"
for bitcode in "$folder"/*.o; do
	clang "--target=$target" -O2 -fPIC -x ir -c "$bitcode" -o "$bitcode.code" && mv "$bitcode.code" "$bitcode"
done
check bitcode
