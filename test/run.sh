#!/usr/bin/env bash
# make test: sets up, builds, and runs every test beside a throw-away cluster:
#
#	sql/, expected/		pg_regress
#	test/*.sql			pgTAP, through pg_prove, in a database with the extension in schema loyalty
#	README.md, doc/		their SQL, through test/readme.sh
#	test/check_*.sh		programs that print TAP
#
# ONLY is a regular expression: just what has a name that matches (pg_regress, or the file's).
# NODE=on, NODE=off, WORKERS=0, WORKERS=2: with plans of one kind, which must not change any answer.
# With --large: test/large/*.sh instead, which take more memory and time than each run has.
#
# The last line is `N passed, N failed`. Exits with 1 where a test failed or none ran.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

if [ "${1-}" != --beside-cluster ]; then
	server_modes
	set_up server tests
	build
	exec test/cluster.sh -i -c shared_buffers=256MB -c max_parallel_workers=4 ${modes[@]+"${modes[@]}"} test/run.sh --beside-cluster "$@"
fi

# wanted NAME
wanted()
{
	[ -z "${ONLY-}" ] || [[ $1 =~ $ONLY ]]
}

passed=0
failed=0
skipped=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# tally WHAT STATUS: counts the TAP lines in $output, where a program that fails without a
# failed test, or that ran none, is a failure itself.
tally()
{
	local ok not_ok skip

	read -r ok not_ok skip < <(awk '
		/^ok / { if (toupper($0) ~ /# SKIP/) skip++; else ok++ }
		/^not ok / { not_ok++ }
		/^1\.\.0 # [Ss][Kk][Ii][Pp]/ { skip++ }
		END { print ok + 0, not_ok + 0, skip + 0 }' "$output")
	if [ "$not_ok" = 0 ] && { [ "$2" != 0 ] || [ $((ok + skip)) = 0 ]; }; then
		not_ok=1
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
	printf '%-40s %5d passed' "$1" "$ok"
	[ "$not_ok" = 0 ] || printf ', %d failed' "$not_ok"
	[ "$skip" = 0 ] || printf ', %d skipped: %s' "$skip" "$(sed -nE 's/.*# [Ss][Kk][Ii][Pp] *//p' "$output" | sort -u | head -n 1)"
	echo
	[ "$not_ok" = 0 ] || cat "$output"
}

# programs FILE...: those that print TAP.
programs()
{
	local file status

	for file; do
		wanted "$file" || continue
		status=0
		"$file" >"$output" 2>&1 || status=$?
		tally "$file" "$status"
	done
}

# The last line, and the exit status.
finish()
{
	[ "$skipped" = 0 ] || echo "$skipped skipped"
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

if [ "${2-}" = --large ]; then
	programs test/large/*.sh
	finish
	exit
fi

# ---- pg_regress ----

if wanted pg_regress && compgen -G 'sql/*.sql' >/dev/null; then
	status=0
	make_with_server installcheck >"$output" 2>&1 || status=$?
	# Up to PostgreSQL 15 its lines aren't TAP yet: "test name ... ok  12 ms".
	sed -E -i 's/^(test )? *([A-Za-z0-9_]+) +\.\.\. ok +([0-9]+ ms)$/ok - \2 \3/; s/^(test )? *([A-Za-z0-9_]+) +\.\.\. FAILED.*$/not ok - \2/' "$output"
	[ "$status" = 0 ] || [ ! -s regression.diffs ] || cat regression.diffs >>"$output"
	tally pg_regress "$status"
fi

# ---- pgTAP ----

shopt -s nullglob
pgtap=()
for file in test/*.sql; do
	[[ $file == test/readme_* ]] || ! wanted "$file" || pgtap+=("$file")
done
if [ ${#pgtap[@]} -gt 0 ]; then
	pgtap_database pgtap
	for file in "${pgtap[@]}"; do
		status=0
		pg_prove --verbose --nocolor --norc --merge -d pgtap "$file" >"$output" 2>&1 || status=$?
		tally "$file" "$status"
	done
fi

# ---- the documentation's SQL, and programs ----

for file in README.md doc/*.md; do
	if [ -e "$file" ] && wanted "$file" && grep -q '^ *```sql' "$file"; then
		status=0
		test/readme.sh "$file" >"$output" 2>&1 || status=$?
		tally "$file" "$status"
	fi
done
programs test/check_*.sh
finish
