#!/usr/bin/env bash
# The keys of a policy stand in its table in C, in the reference, and as the arguments of its
# constructor: the same in each.

source "$(dirname "${BASH_SOURCE[0]}")/tap.sh"
cd "$(dirname "$0")/.."

new_database loyalty_policy_keys
run loyalty_policy_keys -c 'CREATE EXTENSION loyalty'

# keys TYPE: those of the table, as the hint about an unknown one lists them.
keys()
{
	LC_ALL=C psql -X -q -A -t -d loyalty_policy_keys 2>&1 <<-SQL | sed -nE 's/^HINT: *Allowed: (.*)\.$/\1/p' | sed 's/, /\n/g' | sort
		SELECT '{"levels": {"Gold": 1}, "no such key": 1}'::$1;
	SQL
}

# documented TYPE FILE: those of the table of keys in the chapter about the type.
documented()
{
	awk -v chapter="## Type \`$1\`" '
		/^## / { inside = $0 == chapter; table = 0 }
		inside && /^\| key \|/ { table = 1; next }
		table && !/^\|/ { exit }
		table && !/^\|-/ {
			split($0, column, "|")
			while (match(column[2], /`[^`]*`/)) {
				print substr(column[2], RSTART + 1, RLENGTH - 2)
				column[2] = substr(column[2], RSTART + RLENGTH)
			}
		}' "doc/$2" | sort
}

# arguments TYPE: those of make_<type>().
arguments()
{
	run loyalty_policy_keys <<-SQL | sort
		SELECT unnest(proargnames) FROM pg_proc WHERE proname = 'make_$1';
	SQL
}

while read -r type file but; do
	is "$(keys "$type" | grep -c .)" "$(keys "$type" | uniq | grep -c .)" "$type has keys, each once"
	is "$(documented "$type" "$file")" "$(keys "$type")" "$file has the keys of $type"
	is "$(arguments "$type")" "$(keys "$type" | grep -vx "${but:--}")" "make_$type() has an argument for each"
done <<-TYPES
	points_policy reference-points.md expires
	tier_policy reference-tiers.md
	earn_policy reference-program.md
	program_policy reference-program.md
	rfm_scale reference-segments.md
	rfm_rules reference-segments.md
	redemption_method reference-points.md
TYPES
finish
