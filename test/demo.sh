#!/usr/bin/env bash
# make demo: sets up, builds, installs, and shows what the extension answers, beside a
# throw-away cluster. test/demo/*.sql run in the order of their names.
#
# DATA=orders.csv takes a file with a header that names the customer, the date and the
# amount, in any order; without it the demo makes up its own data.

[ -z "${DATA-}" ] || [[ $DATA == /* ]] || DATA=$PWD/$DATA
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# PGXS has a variable of this name too: it must not reach the make that installs.
file=${DATA-}
unset DATA

# A field of the header is known by these names, whatever its case and punctuation.
customer_names='customer customerid custid cust client clientid user userid member memberid account accountid masterid buyerid buyer'
date_names='date orderedat orderdate orderts ordertime purchasedate purchasedat purchasetime invoicedate transactiondate createdat timestamp datetime day at time'
amount_names='amount value total price revenue sales ordertotal orderamount ordervalue totalamount totalprice spend net gross'

# Finds the columns of $file and writes psql's commands that load it.
load_file()
{
	local header delimiter fields=() columns='' field customer='' day='' amount='' lacking='' n=0

	if [ ! -f "$file" ] || [ ! -r "$file" ]; then
		die "DATA=$file: no such file, or it can't be read"
	fi
	[[ $file != *"'"* ]] || die "DATA=$file: a quote in the file's name"
	header=$(head -n 1 "$file" | tr -d '\r' | sed $'1s/^\xef\xbb\xbf//')
	for delimiter in ',' ';' $'\t' '|'; do
		[[ $header != *"$delimiter"* ]] || break
	done
	IFS=$delimiter read -r -a fields <<<"$header"
	for field in "${fields[@]}"; do
		n=$((n + 1))
		columns+="${columns:+, }c$n text"
		field=$(printf '%s' "$field" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9')
		if [ -z "$customer" ] && [[ " $customer_names " == *" $field "* ]]; then
			customer=c$n
		elif [ -z "$day" ] && [[ " $date_names " == *" $field "* ]]; then
			day=c$n
		elif [ -z "$amount" ] && [[ " $amount_names " == *" $field "* ]]; then
			amount=c$n
		fi
	done
	[ -n "$customer" ] || lacking+=' customer'
	[ -n "$day" ] || lacking+=' date'
	[ -n "$amount" ] || lacking+=' amount'
	[ -z "$lacking" ] || die "DATA=$file: the first line must name a customer, a date and an amount, such as
	customer_id,ordered_at,amount
but it is
	$header
without a column for:$lacking"

	cat <<-SQL
		CREATE TEMP TABLE raw (line bigint GENERATED ALWAYS AS IDENTITY (START WITH 2), $columns);
		\\copy raw ($(printf '%s' "$columns" | sed 's/ text//g')) FROM '$file' WITH (FORMAT csv, HEADER true, DELIMITER '$delimiter')
		ALTER TABLE raw RENAME $customer TO customer;
		ALTER TABLE raw RENAME $day TO day;
		ALTER TABLE raw RENAME $amount TO amount;
		\\i test/demo/load/file.sql
	SQL
}

commands=$(mktemp)
trap 'rm -f "$commands"' EXIT
if [ -n "$file" ]; then
	load_file >"$commands"
else
	echo '\i test/demo/load/generate.sql' >"$commands"
fi

set_up server
build

for section in test/demo/*.sql; do
	printf '\\i %s\n' "$section"
done >>"$commands"

test/cluster.sh -i -c shared_buffers=256MB -c work_mem=64MB \
	psql -X -q -v ON_ERROR_STOP=1 -f <(
		cat <<-'SQL'
			\set SHOW_CONTEXT never
			\pset pager off
			\pset footer off
			\pset linestyle ascii
			SET client_min_messages = warning;
			CREATE SCHEMA loyalty;
			CREATE EXTENSION loyalty SCHEMA loyalty;
			SET search_path = public, loyalty;
		SQL
		cat "$commands"
	)
