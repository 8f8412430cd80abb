#!/usr/bin/env bash
# Looks for mistakes that compilers miss: cppcheck over the C, shellcheck over the scripts.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test/setup.sh lint
cppcheck --quiet --std=c99 --language=c --inline-suppr --error-exitcode=1 \
	--enable=warning,performance,portability --suppressions-list=test/cppcheck.suppress \
	--include=test/cppcheck.h -I src -j "$(nproc)" src
! grep -rn --include='*.[ch]' SET_VARSIZE src | grep -v '^src/core/codec.c:' ||
	die "the size of a datum is set by datum_set_size() or datum_allocate(), which refuse 1 GB"
mapfile -t scripts < <(find test .ci -name '*.sh' -o -path .ci/run | grep -v node_modules | sort)
shellcheck -x -P SCRIPTDIR "${scripts[@]}"

# Links in the pages that lead nowhere.
perl test/links.pl ./*.md doc/*.md
