#!/usr/bin/env bash
# The library exports what the server looks up in it and nothing else, whatever the version of the
# server does about visibility; and its sources refuse what they can't be compiled for.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

new_database loyalty_library
run loyalty_library -c 'CREATE EXTENSION loyalty'
library=$(run loyalty_library -c "SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'")/loyalty.so
{
	printf '%s\n' _PG_init Pg_magic_func
	run loyalty_library <<-SQL
		SELECT DISTINCT s FROM pg_proc, unnest(ARRAY[prosrc, 'pg_finfo_' || prosrc]) s WHERE probin = '\$libdir/loyalty';
	SQL
} | LC_ALL=C sort >"$scratch/wanted"
nm -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort >"$scratch/exported"
is "$(awk 'END { print (NR > 500) }' "$scratch/wanted")" 1 "the catalog names hundreds of functions"
is "$(LC_ALL=C comm -23 "$scratch/wanted" "$scratch/exported")" "" "... which the library exports"
is "$(LC_ALL=C comm -13 "$scratch/wanted" "$scratch/exported")" "" "... and nothing else"

# refusal DEFINITIONS: the errors where the server's headers said so.
refusal()
{
	printf '#include "postgres.h"\n%b#include "core/compat.h"\n' "$1" |
		${CC:-cc} -fsyntax-only -w -x c -I "$here/../src" -I "$("${PG_CONFIG:-pg_config}" --includedir-server)" - 2>&1 |
		sed -nE 's/.*error: "?(#error )?"?(loyalty[^"]*)"?$/\2/p'
}
here=$(dirname "$0")
is "$(refusal '')" "" "this machine is not refused"
is "$(refusal '#undef SIZEOF_VOID_P\n#define SIZEOF_VOID_P 4\n')" "loyalty needs a 64-bit machine and a compiler with 128-bit integers" "one of 32 bits is"
is "$(refusal '#undef HAVE_INT128\n')" "loyalty needs a 64-bit machine and a compiler with 128-bit integers" "... and a compiler without 128-bit integers"
is "$(refusal '#define _MSC_VER 1940\n')" "loyalty needs gcc or clang: Microsoft's compiler has no 128-bit integers" "... and Microsoft's"
is "$(refusal '#undef PG_VERSION_NUM\n#define PG_VERSION_NUM 140000\n')" "loyalty needs PostgreSQL 15 or later" "... and PostgreSQL 14"
finish
