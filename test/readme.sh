#!/usr/bin/env bash
# Runs the SQL of a Markdown file beside a cluster (see cluster.sh) and prints TAP.
#
# usage: readme.sh file.md
#        readme.sh --template
#
# The file's ```sql blocks run in order, in one session of a database of their own, which
# test/readme_fixture.sql fills first. A block must run without error. If the next thing
# after a block is a block of output (``` or ```text), what the SQL prints must be exactly
# that, blanks at line ends aside; where the output says ERROR:, the error is wanted.
# A block below a line `<!-- not run: why -->` is skipped.
# A file with a line `<!-- default plans -->` shows the plans of a server as it comes, whatever
# NODE= and WORKERS= set it to.
#
# Where the file doesn't create the extension itself, it is there already, in schema
# loyalty, and on the search path. With --template, a database is made that has it, and the data:
# files that run after that take copies of it, which takes less time.

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# fill DATABASE: the data.
fill()
{
	[ ! -e test/readme_fixture.sql ] || psql -X -q -v ON_ERROR_STOP=1 -d "$1" -f test/readme_fixture.sql >/dev/null
}

# extend DATABASE: the extension, and the data.
extend()
{
	psql -X -q -v ON_ERROR_STOP=1 -d "$1" <<-SQL
		CREATE SCHEMA loyalty;
		CREATE EXTENSION loyalty SCHEMA loyalty;
		ALTER DATABASE $1 SET search_path = "\$user", public, loyalty;
	SQL
	fill "$1"
}

if [ "$1" = --template ]; then
	psql -X -q -v ON_ERROR_STOP=1 -d postgres -c 'CREATE DATABASE readme'
	extend readme
	exit
fi

file=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Block n becomes n.sql and, where there is output, n.want; the list of blocks says the
# line each starts at, and why it isn't run.
awk -v folder="$folder" '
	!inside && /^<!-- not run: .* -->$/ { why = $0; sub(/^<!-- not run: /, "", why); sub(/ -->$/, "", why); next }
	!inside && /^ *```/ {
		inside = 1
		kind = $0; sub(/^ *```/, "", kind)
		match($0, /^ */); indent = RLENGTH
		if (kind == "sql") {
			n++
			target = folder "/" n ".sql"
			printf "" > target
			print n "\t" NR "\t" why > (folder "/blocks")
		} else if ((kind == "" || kind == "text") && after_sql) {
			target = folder "/" n ".want"
			printf "" > target
		} else
			target = ""
		after_sql = 0; why = ""
		next
	}
	inside && /^ *```$/ { inside = 0; after_sql = (kind == "sql"); next }
	inside { if (target != "") { line = $0; sub("^ {0," indent "}", "", line); print line > target }; next }
	/[^ ]/ { after_sql = 0; why = "" }
' "$file"
[ -e "$folder/blocks" ] || {
	echo "1..0 # skip no SQL in $file"
	exit 0
}

database=$(basename "$file" .md | tr 'A-Z-' 'a-z_')
database=readme_${database//[^a-z0-9_]/}
new_database()
{
	psql -X -q -v ON_ERROR_STOP=1 -d postgres -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database $*" 2>/dev/null
}
if grep -qiE '^ *create extension.* loyalty' "$folder"/*.sql; then
	new_database
	fill "$database"
elif [ "$(psql -X -q -A -t -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'readme'")" = 1 ]; then
	new_database TEMPLATE readme
	psql -X -q -v ON_ERROR_STOP=1 -d postgres -c "ALTER DATABASE $database SET search_path = \"\$user\", public, loyalty"
else
	new_database
	extend "$database"
fi

# What server_modes sets is taken back.
if grep -qx '<!-- default plans -->' "$file"; then
	export PGOPTIONS='-c loyalty.enable_group_node=on -c enable_hashagg=on -c enable_sort=on -c max_parallel_workers_per_gather=2
		-c parallel_setup_cost=1000 -c parallel_tuple_cost=0.1 -c min_parallel_table_scan_size=8MB -c min_parallel_index_scan_size=512kB'
fi

# One session; marks in both streams tell which block printed what.
while IFS=$'\t' read -r n _ why; do
	[ -z "$why" ] || continue
	printf '\\echo @@block %s\n\\warn @@block %s\n' "$n" "$n"
	cat "$folder/$n.sql"
	echo
done <"$folder/blocks" >"$folder/script"
psql -X -q -d "$database" <"$folder/script" >"$folder/stdout" 2>"$folder/stderr" || true
for stream in stdout stderr; do
	awk -v folder="$folder" -v stream="$stream" '
		/^@@block [0-9]+$/ { target = folder "/" $2 "." stream; printf "" > target; next }
		target != "" { print > target }' "$folder/$stream"
done

# Without blanks at line ends, and empty lines at both ends.
trimmed()
{
	sed -E 's/[[:space:]]+$//' "$@" | awk 'NF { for (; held > 0; held--) if (seen) print ""; held = 0; seen = 1; print; next } { held++ }'
}

failed=0
echo "1..$(wc -l <"$folder/blocks")"
while IFS=$'\t' read -r n line why; do
	name="$n - $file, line $line"
	if [ -n "$why" ]; then
		echo "ok $name # skip $why"
		continue
	fi
	streams=("$folder/$n.stdout")
	if grep -q 'ERROR:' "$folder/$n.want" 2>/dev/null; then
		streams+=("$folder/$n.stderr")
	elif [ ! -e "$folder/$n.stderr" ] || grep -qE '^(ERROR|FATAL|PANIC|psql|invalid command|.*: error:)' "$folder/$n.stderr"; then
		echo "not ok $name"
		sed 's/^/# /' "$folder/$n.stderr" 2>/dev/null || echo '# not reached'
		failed=1
		continue
	fi
	if [ -e "$folder/$n.want" ] && ! diff -u --label documented --label printed \
		<(trimmed "$folder/$n.want") <(trimmed "${streams[@]}") >"$folder/diff"; then
		echo "not ok $name"
		sed 's/^/# /' "$folder/diff"
		failed=1
	else
		echo "ok $name"
	fi
done <"$folder/blocks"
exit "$failed"
