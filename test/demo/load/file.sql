-- From the raw text of a file to orders: a customer is a bigint where all are whole numbers.

CREATE FUNCTION pg_temp.check_lines() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	bad record;
BEGIN
	-- The fast way first; line by line just to name the one at fault.
	PERFORM day::timestamptz, nullif(trim(amount), '')::numeric FROM raw;
EXCEPTION WHEN data_exception THEN
	FOR bad IN SELECT * FROM raw ORDER BY line LOOP
		BEGIN
			PERFORM bad.day::timestamptz;
		EXCEPTION WHEN data_exception THEN
			RAISE EXCEPTION 'line %: "%" is no date', bad.line, bad.day USING HINT = 'Write dates as 2024-12-31 or 2024-12-31 18:30:00.';
		END;
		BEGIN
			PERFORM nullif(trim(bad.amount), '')::numeric;
		EXCEPTION WHEN data_exception THEN
			RAISE EXCEPTION 'line %: "%" is no amount', bad.line, bad.amount USING HINT = 'Write amounts as 1234.56, without a currency sign.';
		END;
	END LOOP;
	RAISE;
END $$;
SELECT pg_temp.check_lines() \g /dev/null

SELECT CASE WHEN bool_and(customer ~ '^\s*-?[0-9]{1,18}\s*$') THEN 'bigint' ELSE 'text' END AS customer_type
FROM raw WHERE customer <> '' \gset

CREATE TABLE orders AS
SELECT row_number() OVER (ORDER BY day::timestamptz, line) AS order_id,
	CAST(nullif(trim(customer), '') AS :customer_type) AS customer_id,
	day::timestamptz AS ordered_at,
	nullif(trim(amount), '')::numeric AS amount
FROM raw;
