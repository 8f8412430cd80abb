#!/usr/bin/env bash
# make test: sets up, builds, and runs every test beside a throw-away cluster:
#
#	sql/, expected/		pg_regress
#	test/*.sql			pgTAP, through pg_prove, in a database with the extension in schema loyalty
#	README.md, doc/		their SQL, through test/readme.sh
#	test/check_*.sh		programs that print TAP
#
# JOBS of them run side by side, by default as many as there are processors; what they print is in
# the order above all the same. A file with a line "alone: why" runs at the end, beside nothing.
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
	exec test/cluster.sh -i -c shared_buffers=256MB "${modes[@]}" test/run.sh --beside-cluster "$@"
fi

# wanted NAME
wanted()
{
	[ -z "${ONLY-}" ] || [[ $1 =~ $ONLY ]]
}

passed=0
failed=0
skipped=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# tally WHAT STATUS OUTPUT: counts the TAP lines in there, where a program that fails without a
# failed test, or that ran none, is a failure itself.
tally()
{
	local ok not_ok skip

	read -r ok not_ok skip < <(awk '
		/^ok / { if (toupper($0) ~ /# SKIP/) skip++; else ok++ }
		/^not ok / { not_ok++ }
		/^1\.\.0 # [Ss][Kk][Ii][Pp]/ { skip++ }
		END { print ok + 0, not_ok + 0, skip + 0 }' "$3")
	if [ "$not_ok" = 0 ] && { [ "$2" != 0 ] || [ $((ok + skip)) = 0 ]; }; then
		not_ok=1
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
	printf '%-40s %5d passed' "$1" "$ok"
	[ "$not_ok" = 0 ] || printf ', %d failed' "$not_ok"
	[ "$skip" = 0 ] || printf ', %d skipped: %s' "$skip" "$(sed -nE 's/.*# [Ss][Kk][Ii][Pp] *//p' "$3" | sort -u | head -n 1)"
	echo
	[ "$not_ok" = 0 ] || cat "$3"
}

# ---- side by side ----

# Each of those that run has a slot, a number; the free ones stand in a pipe.
slots=$(test_jobs)
[ "${2-}" != --large ] || slots=1
mkfifo "$folder/free"
exec {free}<>"$folder/free"
seq "$slots" >&"$free"

names=()
told=0

# tell: tallies those that have ended, up to the first that hasn't.
tell()
{
	while [ "$told" -lt ${#names[@]} ] && [ -s "$folder/$told.status" ]; do
		tally "${names[told]}" "$(<"$folder/$told.status")" "$folder/$told.output"
		rm "$folder/$told".*
		told=$((told + 1))
	done
}

# start NAME COMMAND...: runs it, in $slot, once one is free.
start()
{
	local slot number=${#names[@]}

	read -r slot <&"$free"
	names+=("$1")
	(
		status=1
		trap 'echo "$status" >"$folder/$number.status"; echo "$slot" >&"$free"' EXIT
		! "${@:2}" >"$folder/$number.output" 2>&1 || status=0
	) &
	tell
}

# Waits for all that run.
await()
{
	wait
	tell
}

alone=()

# start_file FILE COMMAND...: what runs the file; later, where it is to run alone.
start_file()
{
	if grep -qE '^(--|#) alone: ' "$1"; then
		alone+=("$*")
	else
		start "$@"
	fi
}

# programs FILE...: those that print TAP.
programs()
{
	local file

	for file; do
		! wanted "$file" || start_file "$file" "$file"
	done
}

# What runs alone, the last line, and the exit status.
finish()
{
	local file

	await
	for file in ${alone[@]+"${alone[@]}"}; do
		# shellcheck disable=SC2086
		start $file
		await
	done
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

regress()
{
	local status=0

	make_with_server installcheck >"$folder/regress" 2>&1 || status=$?
	# Up to PostgreSQL 15 its lines aren't TAP yet: "test name ... ok  12 ms".
	sed -E 's/^(test )? *([A-Za-z0-9_]+) +\.\.\. ok +([0-9]+ ms)$/ok - \2 \3/; s/^(test )? *([A-Za-z0-9_]+) +\.\.\. FAILED.*$/not ok - \2/' "$folder/regress"
	[ "$status" = 0 ] || [ ! -s regression.diffs ] || cat regression.diffs
	return "$status"
}

if wanted pg_regress && compgen -G 'sql/*.sql' >/dev/null; then
	start pg_regress regress
fi

# ---- pgTAP ----

# Every file leaves its database as it was, and each slot has one.
prove()
{
	pg_prove --verbose --nocolor --norc --merge -d "pgtap_$slot" "$1"
}

shopt -s nullglob
pgtap=()
for file in test/*.sql; do
	[[ $file == test/readme_* ]] || ! wanted "$file" || pgtap+=("$file")
done
if [ ${#pgtap[@]} -gt 0 ]; then
	pgtap_template
	for ((slot = 1; slot <= slots; slot++)); do
		pgtap_database "pgtap_$slot"
	done
	for file in "${pgtap[@]}"; do
		start_file "$file" prove "$file"
	done
fi

# ---- the documentation's SQL, and programs ----

pages=()
for file in README.md doc/*.md; do
	! wanted "$file" || ! grep -q '^ *```sql' "$file" || pages+=("$file")
done
if [ ${#pages[@]} -gt 0 ]; then
	test/readme.sh --template
	for file in "${pages[@]}"; do
		start "$file" test/readme.sh "$file"
	done
fi
programs test/check_*.sh
finish
