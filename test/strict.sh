#!/usr/bin/env bash
# Builds with each compiler, warnings being errors, and runs all tests with assertions on.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

set_up server tests compilers

# The server's headers, and what their macros make, aren't ours to warn about.
strict="-Wall -Wextra -Werror -Wno-unused-parameter -DUSE_ASSERT_CHECKING -isystem $("$PG_CONFIG" --includedir-server)"
# The server's flags are for the compiler it was built with; another doesn't know them all.
# At gcc's level 5 a comment does not count for falling through, as for clang.
declare -A tolerant=([clang]='-Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wimplicit-fallthrough' [gcc]='-Wimplicit-fallthrough=5')

for compiler in clang gcc; do
	export CC=$compiler COPT="$strict ${tolerant[$compiler]}"
	build
	echo "$compiler: no warnings"
done

# What the last compiler made is what the tests install.
test/run.sh
