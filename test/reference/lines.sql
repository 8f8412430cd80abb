--
-- lines(query): the rows that a query gives, as text; for tests that show several functions beside each other.
--
CREATE FUNCTION lines(query text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	line record;
	answer text := '';
BEGIN
	FOR line IN EXECUTE query LOOP
		answer := answer || E'\n' || trim(BOTH '()' FROM line::text);
	END LOOP;
	RETURN replace(replace(answer, '"', ''), ':00+00', '');
END $$;
