--
-- Text input of every type with truncated, altered, spliced and random text:
-- it is taken, and then reads back as the same value, or it is one of the
-- errors that say what is wrong; nothing else, and the backend lives.
--
\ir reference/setup.sql
BEGIN;
\ir reference/own_types.sql
\ir reference/type_texts.sql
SELECT plan(12 + count(*)::int) FROM own_type;

SELECT is_empty('SELECT typname FROM own_type WHERE typname NOT IN (SELECT type FROM seed)', 'a seed of every type');

-- Every text made from a seed.
CREATE FUNCTION mutants(written text, rounds int) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	alphabet text := '{}[]",:-+.0123456789abcdefxTZ \ ';
	at int;
	len int := length(written);
BEGIN
	FOR at IN 0 .. least(len - 1, 400) LOOP
		RETURN NEXT left(written, at);
		RETURN NEXT right(written, at);
	END LOOP;
	FOR n IN 1 .. rounds LOOP
		at := trunc(random() * len);
		RETURN NEXT left(written, at) || substr(alphabet, 1 + trunc(random() * length(alphabet))::int, 1) || substr(written, at + 2);
		RETURN NEXT left(written, at) || substr(written, at + 2);
		RETURN NEXT left(written, at) || substr(alphabet, 1 + trunc(random() * length(alphabet))::int, 1) || substr(written, at + 1);
		RETURN NEXT left(written, at) || substr(written, 1 + trunc(random() * len)::int, 1 + trunc(random() * 12)::int) || substr(written, at + 1 + trunc(random() * 12)::int);
		RETURN NEXT left(written, at) || chr(1 + trunc(random() * 8192)::int) || substr(written, at + 2);
	END LOOP;
	FOR n IN 1 .. 60 LOOP
		RETURN NEXT (SELECT coalesce(string_agg(substr(alphabet, 1 + trunc(random() * length(alphabet))::int, 1), ''), '') FROM generate_series(1, n));
	END LOOP;
END $$;

-- What went wrong for a type: an error that isn't one of the allowed, or a value that doesn't read back.
CREATE TABLE tally (type text PRIMARY KEY, tried int, taken int);
CREATE FUNCTION faults(type text, rounds int) RETURNS SETOF text
LANGUAGE plpgsql AS $$
DECLARE
	mutant text;
	shown text;
	again text;
	state text;
	tried int := 0;
	taken int := 0;
BEGIN
	FOR mutant IN SELECT m FROM typical_seed s, mutants(s.written, rounds) m WHERE s.type = faults.type LOOP
		tried := tried + 1;
		BEGIN
			EXECUTE format('SELECT (%L::%s)::text', mutant, type) INTO shown;
			taken := taken + 1;
			EXECUTE format('SELECT (%L::%s)::text', shown, type) INTO again;
			IF shown IS DISTINCT FROM again THEN
				RETURN NEXT format('%s: shown %s, then %s', left(mutant, 200), left(shown, 200), left(again, 200));
			END IF;
		EXCEPTION
			WHEN invalid_text_representation OR invalid_parameter_value OR numeric_value_out_of_range OR datetime_field_overflow OR invalid_datetime_format
				OR null_value_not_allowed OR untranslatable_character OR array_subscript_error THEN
				NULL;
			WHEN OTHERS THEN
				RETURN NEXT format('%s %s: %s', SQLSTATE, SQLERRM, left(mutant, 200));
		END;
	END LOOP;
	INSERT INTO tally VALUES (type, tried, taken);
END $$;

SELECT pg_backend_pid() AS pid \gset
SELECT setseed(0.77) IS NULL AS void \gset
SELECT is_empty(format('SELECT * FROM faults(%L, 150) LIMIT 10', type), type) FROM (SELECT DISTINCT type FROM seed) t ORDER BY type;
SELECT is((SELECT count(*)::int FROM tally WHERE tried >= 500), (SELECT count(DISTINCT type)::int FROM seed), 'each type was tried hundreds of times');
SELECT is_empty('SELECT * FROM tally WHERE taken * 2 > tried AND type <> ''activity_set''', '... and most of it refused');
SELECT is(pg_backend_pid(), :pid, 'the backend is the same');

-- large and deep
SELECT throws_ok($$SELECT repeat('[', 100000)::event_timeline$$, NULL, NULL, 'deep nesting is refused');
SELECT throws_ok($$SELECT ('{"at": "2024-01-05T10:00:00Z", "value": ' || repeat('9', 100000) || '}')::timeline_event$$, '22003', NULL, 'a number of 100,000 digits is refused');
SELECT throws_ok($$SELECT ('{"at": ' || repeat('{"at":', 100000))::timeline_event$$, NULL, NULL, 'deep objects are refused');
SELECT throws_ok($$SELECT ('week:' || repeat('x', 1000000))::calendar_period$$, '22023', NULL, 'a name of a megabyte is refused');
SELECT throws_ok($$SELECT ('month@' || repeat('x', 1000000))::calendar_period$$, '22023', NULL, 'a zone of a megabyte is refused');
SELECT is(activity_count(('{' || (SELECT string_agg('2024-01-05', ',') FROM generate_series(1, 100000)) || '}')::activity_set), 1::bigint, 'the same day 100,000 times is one');
SELECT is(activity_count(('{' || (SELECT string_agg((date '1800-01-01' + n)::text, ',' ORDER BY md5(n::text)) FROM generate_series(1, 100000) n) || '}')::activity_set), 100000::bigint, '100,000 days in any order');
SELECT is(timeline_count(('[' || (SELECT string_agg('{"at": "2024-01-05T10:00:00Z", "ref": ' || n || '}', ',') FROM generate_series(1, 50000) n) || ']')::event_timeline), 50000::bigint, '50,000 events at one instant');
SELECT * FROM finish();
ROLLBACK;
