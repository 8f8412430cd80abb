-- Comparing the rows of two queries, for tests.

-- What two queries give and the other doesn't.
CREATE FUNCTION differences(got text, wanted text) RETURNS TABLE(side text, line text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TEMP TABLE got ON COMMIT DROP AS SELECT g::text AS line FROM (%s) g', got);
	EXECUTE format('CREATE TEMP TABLE wanted ON COMMIT DROP AS SELECT w::text AS line FROM (%s) w', wanted);
	RETURN QUERY (SELECT 'wrong', d.line FROM (SELECT * FROM got EXCEPT ALL SELECT * FROM wanted) d ORDER BY 2 LIMIT 5)
		UNION ALL (SELECT 'missing', d.line FROM (SELECT * FROM wanted EXCEPT ALL SELECT * FROM got) d ORDER BY 2 LIMIT 5);
	DROP TABLE got, wanted;
END $$;

-- All rows in one line, in their order.
CREATE FUNCTION lines(query text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE line record; answer text := ''; BEGIN FOR line IN EXECUTE query LOOP answer := answer || trim(BOTH '()' FROM line::text) || ' '; END LOOP; RETURN rtrim(answer); END $$;
