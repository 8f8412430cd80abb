--
-- Random events with a fixed seed: a table of groups g, each with events of
-- its own mix of columns, with NULLs, duplicates, negative values, spans and instants
-- that coincide; rows in random order.
--
CREATE TABLE entry (g int, at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz, until timestamptz);
SELECT setseed(0.73);
INSERT INTO entry
SELECT g,
	CASE WHEN random() < 0.02 THEN NULL
		 WHEN g % 5 = 0 THEN date_trunc('day', r.at)
		 WHEN g % 5 = 1 THEN date_trunc('second', r.at)
		 WHEN g % 5 = 2 THEN timestamptz '2024-02-29 12:00+00' + trunc(random() * 3) * interval '1 hour'
		 ELSE r.at END,
	CASE WHEN mix & 1 = 0 OR random() < 0.1 THEN NULL ELSE round((random() * 500 - 100)::numeric, (g % 4 + trunc(random() * 2)::int) % 5) END,
	CASE WHEN mix & 2 = 0 OR random() < 0.1 THEN NULL ELSE (ARRAY['earn', 'redeem', 'return', 'purchase', ''])[1 + trunc(random() * 5)::int] END,
	CASE WHEN mix & 4 = 0 OR random() < 0.3 THEN NULL ELSE (ARRAY['shop', 'Käse', 'a "quoted" \ one', 'web'])[1 + trunc(random() * 4)::int] END,
	CASE WHEN mix & 8 = 0 OR random() < 0.1 THEN NULL ELSE (ARRAY['A-', '', '', '-', '0', 'ref '])[1 + trunc(random() * 6)::int] || trunc(power(10, random() * 6)) END,
	CASE WHEN mix & 16 = 0 OR random() < 0.2 THEN NULL WHEN random() < 0.05 THEN 'infinity' ELSE r.at + (random() * 400 - 20) * interval '1 day' END
FROM (SELECT g, g % 32 AS mix, timestamptz '2023-12-01 00:00+00' + random() * interval '400 days' AS at
	  FROM generate_series(1, 640) g, LATERAL generate_series(1, 1 + (g * 7919) % 23)) r
ORDER BY random();
-- some have a span: of days, of nothing, without end
UPDATE entry SET until = CASE WHEN value IS NULL AND random() < 0.1 THEN 'infinity' ELSE at + trunc(random() * 300) * interval '1 day' + trunc(random() * 2) * interval '1 millisecond' END WHERE g % 3 = 0 AND random() < 0.6;
INSERT INTO entry SELECT * FROM entry TABLESAMPLE BERNOULLI (10) REPEATABLE (7);
INSERT INTO entry VALUES (1001, NULL, 5, 'earn'), (1002, NULL, NULL, NULL);
CREATE INDEX ON entry (g);
ANALYZE entry;

CREATE FUNCTION event_of(e entry) RETURNS timeline_event
LANGUAGE sql IMMUTABLE AS $$ SELECT make_event(ref => e.ref, at => e.at, value => e.value, kind => e.kind, label => e.label, expires_at => e.expires_at, until => e.until) $$;
