#!/usr/bin/env bash
# Looks for mistakes that compilers miss: cppcheck over the C, shellcheck over the scripts, and
# includes that go against the floors of the house (see CONTRIBUTING.md).

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

test/setup.sh lint
cppcheck --quiet --std=c99 --language=c --inline-suppr --error-exitcode=1 \
	--enable=warning,performance,portability --suppressions-list=test/cppcheck.suppress \
	--include=test/cppcheck.h -I src -j "$(nproc)" src
! grep -rn --include='*.[ch]' 'SET_VARSIZE\(_4B\)\?(' src | grep -v '^src/core/codec.c:' ||
	die "the size of a datum is set by datum_set_size() or datum_allocate(), which refuse 1 GB"


# SQL that no install script has: neither a part of it nor a template that a part expands.
for file in src/*/*.sql; do
	case $file in src/update/*) continue ;; esac
	grep -qF "$file" Makefile || grep -qrF "expand ${file#src/} " src ||
		die "$file is in no install script"
done

# A folder knows those before it; concepts stand side by side and don't know each other. What a
# folder keeps to itself is x_internal.h; the others are its doors.
grep -rnoE --include='*.[ch]' '#include "[a-z]+/[a-z0-9_]+\.h"' src/*/ | awk -F '[:/"]' '
	BEGIN {
		floors = split("core calendar collect policy metric activity timeline", floor_names, " ")
		for (i = 1; i <= floors; i++)
			floor[floor_names[i]] = i
		concepts = split("retention cohort growth repeat survival funnel flow points tiers earn segments voice effect advocacy value node", concept_names, " ")
		for (i = 1; i <= concepts; i++)
			floor[concept_names[i]] = floors + 1
		floor["program"] = floors + 2
	}
	{
		from = $2; to = $6; place = $1 "/" $2 "/" $3 ":" $4
		if (!(from in floor)) {
			print place ": src/" from " has no floor"; bad = 1
		} else if (!(to in floor) || from == to) {
			next # of the server, or its own
		} else if (floor[to] >= floor[from]) {
			print place ": " from " is not above " to; bad = 1
		} else if ($7 ~ /_internal\.h$/) {
			print place ": " to "/" $7 " is for its folder alone"; bad = 1
		}
	}
	END { exit bad }' >&2 || die "includes that run up or across the floors of the house"

# What node runs, and what it reads.
if command -v node >/dev/null; then
	while read -r file; do
		node --check "$file"
	done < <(find report test -name '*.mjs' -not -path '*/node_modules/*')
	while read -r file; do
		node -e 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))' "$file" || die "$file is not JSON"
	done < <(find report test -name '*.json' -not -path '*/node_modules/*')
fi
# A chart is its SQL, its specification, its place on the page, and what the tests count in it.
for file in report/charts/*; do
	name=$(basename "$file")
	name=${name%%.*}
	for other in "report/charts/$name.sql" "report/charts/$name.vl.json"; do
		[ -f "$other" ] || die "$file has no $other beside it"
	done
	grep -q "\"$name\"" report/sections.json || die "$name is in no section of report/sections.json"
	grep -q "^	$name: {" test/report/charts.mjs || die "$name is not in test/report/charts.mjs"
done

mapfile -t scripts < <(find test report .ci -name '*.sh' -o -path .ci/run -o -path report/loyalty-report | grep -v node_modules | sort)
shellcheck -x -P SCRIPTDIR "${scripts[@]}"

# Links in the pages that lead nowhere.
perl test/links.pl ./*.md doc/*.md
