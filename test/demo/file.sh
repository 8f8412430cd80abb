# shellcheck shell=bash
# A file of orders; to be sourced, after test/lib.sh.

# A field of the header is known by these names, whatever its case and punctuation.
customer_names='customer customerid custid cust client clientid user userid member memberid account accountid masterid buyerid buyer'
date_names='date orderedat orderdate orderts ordertime purchasedate purchasedat purchasetime invoicedate transactiondate createdat timestamp datetime day at time'
amount_names='amount value total price revenue sales ordertotal orderamount ordervalue totalamount totalprice spend net gross'

# load_file FILE: finds its columns and writes psql's commands that load it.
load_file()
{
	local file=$1 header delimiter fields=() columns='' field customer='' day='' amount='' lacking='' n=0

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
