--
-- A stored timeline that a trigger keeps true: `+` on INSERT, `-` on DELETE,
-- both on UPDATE. After thousands of random changes it equals timeline_agg().
-- The same for batches loaded twice with timeline_merge().
--
\ir reference/setup.sql
BEGIN;
SELECT plan(8);
CREATE TABLE ledger (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int, at timestamptz NOT NULL, points numeric, kind text);
CREATE TABLE history (customer int PRIMARY KEY, timeline event_timeline NOT NULL);

CREATE FUNCTION keep_history() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP IN ('UPDATE', 'DELETE') THEN
		UPDATE history SET timeline = timeline - timeline_agg
		FROM (SELECT timeline_agg(make_event(at => OLD.at, value => OLD.points, kind => OLD.kind, ref => OLD.id))) old
		WHERE customer = OLD.customer;
	END IF;
	IF TG_OP IN ('INSERT', 'UPDATE') THEN
		INSERT INTO history AS h
		SELECT NEW.customer, timeline_agg(make_event(at => NEW.at, value => NEW.points, kind => NEW.kind, ref => NEW.id))
		ON CONFLICT (customer) DO UPDATE SET timeline = h.timeline + excluded.timeline;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER keep_history AFTER INSERT OR UPDATE OR DELETE ON ledger FOR EACH ROW EXECUTE FUNCTION keep_history();

DO $$
DECLARE
	act float8;
BEGIN
	PERFORM setseed(0.41);
	FOR n IN 1 .. 3000 LOOP
		act := random();
		IF act < 0.5 THEN
			INSERT INTO ledger (customer, at, points, kind)
			VALUES (trunc(random() * 30), timestamptz '2024-01-01 00:00+00' + trunc(random() * 200) * interval '1 hour',
					CASE WHEN random() < 0.1 THEN NULL ELSE round((random() * 100)::numeric, trunc(random() * 3)::int) END, (ARRAY['earn', 'redeem', NULL])[1 + trunc(random() * 3)::int]);
		ELSIF act < 0.75 THEN
			UPDATE ledger SET points = points * 1.1, at = at + interval '1 minute', customer = CASE WHEN random() < 0.2 THEN trunc(random() * 30) ELSE customer END
			WHERE id = (SELECT id FROM ledger ORDER BY id OFFSET trunc(random() * (SELECT count(*) FROM ledger)) LIMIT 1);
		ELSE
			DELETE FROM ledger WHERE id = (SELECT id FROM ledger ORDER BY id OFFSET trunc(random() * (SELECT count(*) FROM ledger)) LIMIT 1);
		END IF;
	END LOOP;
END $$;

SELECT cmp_ok((SELECT count(*)::int FROM ledger), '>', 400, 'rows are left');
SELECT is_empty('SELECT customer FROM (SELECT customer, timeline_agg(make_event(at => at, value => points, kind => kind, ref => id)) AS t FROM ledger GROUP BY customer) l FULL JOIN history h USING (customer) WHERE coalesce(l.t, ''[]'') IS DISTINCT FROM h.timeline', 'the kept timelines are those of the rows');
SELECT is_empty('SELECT customer FROM (SELECT customer, sum(points) AS s FROM ledger GROUP BY customer) l FULL JOIN history h USING (customer) WHERE s IS DISTINCT FROM timeline_sum(h.timeline)', '... and so are their sums');
DELETE FROM ledger;
SELECT is_empty('SELECT customer FROM history WHERE timeline <> ''[]'' OR timeline_count(timeline) <> 0', 'all rows gone: empty timelines');
SELECT throws_ok($$UPDATE history SET timeline = timeline - '[{"at": "2024-01-01T00:00:00Z"}]'$$, '22023', NULL, 'what was never there is refused');

-- batches, each loaded twice, overlapping
TRUNCATE history;
CREATE TABLE batch AS
SELECT b, o.* FROM generate_series(1, 6) b,
	LATERAL (SELECT n AS order_id, n % 20 AS customer, timestamptz '2024-01-01 00:00+00' + n * interval '3 hours' AS at, n * 0.25 AS amount FROM generate_series(b * 50 - 49, b * 50 + 40) n) o;
DO $$
BEGIN
	FOR load IN 1 .. 12 LOOP
		INSERT INTO history AS h
		SELECT customer, timeline_agg(make_event(at => at, value => amount, kind => 'purchase', ref => order_id)) FROM batch WHERE b = (load + 1) / 2 GROUP BY customer
		ON CONFLICT (customer) DO UPDATE SET timeline = timeline_merge(h.timeline, excluded.timeline);
	END LOOP;
END $$;
SELECT cmp_ok((SELECT count(*)::int FROM batch), '>', (SELECT count(DISTINCT order_id)::int FROM batch), 'the batches overlap');
SELECT is_empty('SELECT customer FROM (SELECT customer, timeline_agg(make_event(at => at, value => amount, kind => ''purchase'', ref => order_id)) AS t FROM (SELECT DISTINCT order_id, customer, at, amount FROM batch) d GROUP BY customer) l FULL JOIN history h USING (customer) WHERE l.t IS DISTINCT FROM h.timeline', 'every order is there once');
SELECT is((SELECT sum(timeline_sum(timeline)) FROM history), (SELECT sum(amount) FROM (SELECT DISTINCT order_id, amount FROM batch) d), '... and so is its amount');
SELECT * FROM finish();
ROLLBACK;
