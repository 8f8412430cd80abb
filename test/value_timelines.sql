--
-- What models are fitted to, of timelines: purchase_summary(), purchase_holdout(), customer_purchase_summaries() against plain SQL on
-- random orders in several zones, edges, laws; fits over a base, over timelines and over plain numbers; what models say of a timeline;
-- programmes simulated from known parameters; errors.
--
\ir reference/setup.sql
BEGIN;
SELECT no_plan();
\ir reference/orders.sql
\ir reference/differences.sql
\ir reference/random_gamma.sql
SET LOCAL extra_float_digits = 1;
ALTER TABLE orders ADD amount numeric;
UPDATE orders SET amount = CASE WHEN random() < .05 THEN 0 WHEN random() < .25 THEN -round((random() * 60)::numeric, 2) ELSE round((random() * 100)::numeric, (random() * 2)::int) END WHERE customer % 7 <> 1;
UPDATE orders SET amount = round((random() * 100)::numeric, 2) WHERE customer % 7 = 1 AND random() < .6;
-- who only gives back, brings nothing, or comes late; where clocks go back over midnight, at 00:01 in St. John's until 2011: a day comes twice around the next one
INSERT INTO orders VALUES (3001, '2012-01-01 10:00+00', -5.125), (3002, '2012-01-01 10:00+00', 0), (3003, '2013-06-01 10:00+00', 20),
	(3004, '2011-11-06 02:00+00', 5), (3004, '2011-11-06 02:30:30+00', 7), (3004, '2011-11-06 03:00+00', 11), (3004, '2011-11-06 03:45+00', 13), (3004, '2011-11-09 03:45+00', 17);
INSERT INTO orders SELECT 3005, '2011-04-01 10:00+00'::timestamptz + n * interval '5 hours', n % 7 - 2 FROM generate_series(1, 400) n;
ANALYZE orders;

CREATE FUNCTION near(a float8, b float8) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN a IS NULL OR b IS NULL THEN a IS NULL AND b IS NULL ELSE abs(a - b) <= 1e-9 * greatest(abs(a), abs(b)) END $$;

-- Purchase days, and summaries, in plain SQL.
CREATE FUNCTION ref_days(zone text) RETURNS TABLE (customer int, day date, amount numeric, known boolean) STABLE LANGUAGE sql AS $$
	SELECT customer, (at AT TIME ZONE zone)::date, coalesce(sum(amount), 0), count(amount) > 0 FROM orders WHERE customer IS NOT NULL AND at IS NOT NULL GROUP BY 1, 2 HAVING sum(amount) > 0 OR count(amount) = 0
$$;
CREATE FUNCTION ref_summaries(until date, days numeric, zone text) RETURNS TABLE (customer bigint, x bigint, t_x float8, age float8, m float8) STABLE LANGUAGE sql AS $$
	SELECT customer, count(*) - 1, (max(day) - min(day)) / days, (until - min(day)) / days, CASE WHEN count(*) = 1 THEN 0 WHEN bool_and(known OR day = first) THEN sum(amount) FILTER (WHERE day > first) / (count(*) - 1) END
	FROM (SELECT *, min(day) OVER (PARTITION BY customer) AS first FROM ref_days(zone) WHERE day <= until) d GROUP BY customer
$$;
CREATE TABLE period AS SELECT period, days FROM (VALUES ('day', 1), ('week', 7), ('month', 365.25 / 12), ('quarter', 365.25 / 4), ('year', 365.25)) p(period, days);
CREATE TABLE question AS SELECT zone, until FROM unnest(ARRAY['UTC', 'Pacific/Apia', 'America/New_York', 'America/St_Johns']) zone, unnest(ARRAY[date '2011-03-05', '2011-11-05', '2011-12-29', '2012-02-29', '2012-10-28', '2013-12-31']) until;
-- rounded: a mean of numerics has as many digits as division gives it
CREATE FUNCTION same_summaries(got text, until date, period text, zone text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN
	RETURN QUERY EXECUTE format('SELECT format(''%%s: %%s, not %%s'', customer, g, w) FROM (%s) g FULL JOIN ref_summaries(%L, (SELECT days FROM period WHERE period = %L), %L) w USING (customer) WHERE NOT coalesce(g.x = w.x AND near(g.t_x, w.t_x) AND near(g.age, w.age) AND near(g.m, w.m), false) LIMIT 5', got, until, period, zone);
END $$;

-- ---- against plain SQL ----

CREATE TABLE timeline AS SELECT customer, timeline_agg(at, amount) AS timeline FROM orders WHERE customer IS NOT NULL GROUP BY customer;
SELECT is_empty(format('SELECT same_summaries(%L, %L, ''week'', %L)', format('SELECT customer, s.* FROM timeline, purchase_summary(timeline, %L, ''week'', %L) s WHERE s.x IS NOT NULL', until, zone), until, zone), format('purchase_summary in %s until %s', zone, until)) FROM question;
SELECT is_empty(format('SELECT same_summaries(%L, %L, ''day'', %L)', format('SELECT s.* FROM (SELECT timelines(customer, at, amount) AS b FROM orders) q, customer_purchase_summaries(b, %L, ''day'', %L) s', until, zone), until, zone), format('customer_purchase_summaries in %s until %s', zone, until)) FROM question;
SELECT is_empty(format('SELECT same_summaries(%L, ''2012-10-28'', %L, ''UTC'')', format('SELECT customer, s.* FROM timeline, purchase_summary(timeline, ''2012-10-28'', %L) s WHERE s.x IS NOT NULL', period), period), 'by ' || period) FROM period;
SELECT cmp_ok((SELECT count(*)::int FROM ref_summaries('2012-10-28', 1, 'UTC') WHERE m IS NULL), '>', 3, 'there are purchases without value');
SELECT isnt((SELECT string_agg(s::text, ' ' ORDER BY customer) FROM ref_summaries('2012-10-28', 1, 'UTC') s), (SELECT string_agg(s::text, ' ' ORDER BY customer) FROM ref_summaries('2012-10-28', 1, 'Pacific/Apia') s), 'zones differ');
-- 00:00:30 of the 6th, and then 23:30 of the 5th once more; of 3004 both are a purchase, of 30 and of 6
SELECT is((SELECT s::text FROM timeline, purchase_summary(timeline, '2011-11-09', zone => 'America/St_Johns') s WHERE customer = 3004), (SELECT format('(%s,%s,%s,%s)', x, t_x, age, m) FROM ref_summaries('2011-11-09', 1, 'America/St_Johns') WHERE customer = 3004), 'a day that comes twice');
SELECT is_empty($$SELECT * FROM question, timeline, purchase_holdout(timeline, until, '2013-01-31', zone) h LEFT JOIN LATERAL (SELECT count(*) AS purchases, CASE WHEN bool_and(known) THEN sum(amount) END AS amount FROM ref_days(zone) d WHERE d.customer = timeline.customer AND day > until AND day <= '2013-01-31') w ON true
	WHERE until < '2013-01-31' AND customer % 5 = 0 AND CASE WHEN EXISTS (SELECT FROM ref_days(zone) d WHERE d.customer = timeline.customer AND day <= until) THEN (h.purchases, coalesce(h.amount, -1)) IS DISTINCT FROM (w.purchases, CASE WHEN w.purchases = 0 THEN 0 ELSE coalesce(w.amount, -1) END) ELSE h.purchases IS NOT NULL OR h.amount IS NOT NULL END$$, 'purchase_holdout');

-- ---- by hand ----

CREATE FUNCTION summary(events text, until date, period text DEFAULT 'day') RETURNS text LANGUAGE sql STABLE AS $$ SELECT purchase_summary(events::event_timeline, until, period)::text $$;
SELECT is(summary('[{"at": "2024-01-01T10:00Z", "value": 10}, {"at": "2024-01-01T12:00Z", "value": 5.5}, {"at": "2024-01-02T09:00Z", "value": -5.5}, {"at": "2024-01-08T09:00Z", "value": 20}, {"at": "2024-01-08T11:00Z", "value": -8}, {"at": "2024-01-15T08:00Z", "value": 4}, {"at": "2024-01-17T08:00Z", "value": 3}, {"at": "2024-01-17T09:00Z", "value": -3}]', '2024-01-22', 'week'), '(2,2,3,8)', 'two on one day, a refund by itself, one that lowers, one that takes all');
SELECT is(summary('[{"at": "2024-01-01T10:00Z", "value": 10}]', '2024-01-01'), '(0,0,0,0)', 'one purchase, today');
SELECT is(summary('[{"at": "2024-01-01T10:00Z", "value": 10}]', '2023-12-31'), '(,,,)', 'none yet');
SELECT is(summary('[{"at": "2024-01-01T10:00Z", "value": -10}, {"at": "2024-01-02T10:00Z", "value": 0}]', '2024-12-31'), '(,,,)', 'none ever');
SELECT is(summary('[{"at": "2024-01-01T10:00Z", "value": -10}, {"at": "2024-01-05T10:00Z", "value": 3}, {"at": "2024-01-12T10:00Z", "value": 4}]', '2024-01-12'), '(1,7,7,4)', 'the first one is the first purchase, not the first event');
SELECT is(summary('[{"at": "2024-01-01T10:00Z"}, {"at": "2024-01-03T10:00Z"}, {"at": "2024-01-03T11:00Z"}]', '2024-01-05'), '(1,2,4,)', 'without values it isn''t known what they are worth');
SELECT is(summary('[{"at": "2024-01-01T10:00Z"}, {"at": "2024-01-03T10:00Z", "value": 4}, {"at": "2024-01-03T11:00Z"}, {"at": "2024-01-04T11:00Z", "value": -4}, {"at": "2024-01-04T11:00Z"}]', '2024-01-05'), '(1,2,4,4)', '... but of a day, that of those that have one');
SELECT is(summary('[{"at": "2024-01-01T10:00Z", "value": 1}, {"at": "2024-03-01T10:00Z", "value": 4}, {"at": "2024-12-31T11:00Z", "value": 4}]', '2025-01-01', 'month'), format('(2,%s,%s,4)', 365 / 30.4375::float8, 366 / 30.4375::float8), 'months, fractions and all');
SELECT is(purchase_summary(NULL, '2024-01-01')::text, NULL, 'of NULL');
SELECT is(summary('[]', '2024-01-01'), '(,,,)', 'of nobody');
SELECT is(purchase_holdout('[{"at": "2024-01-01T10:00Z", "value": 1}, {"at": "2024-03-01T10:00Z", "value": 4}, {"at": "2024-03-01T10:00Z", "value": 2.5}, {"at": "2024-05-01T10:00Z", "value": 4}]', '2024-02-29', '2024-04-30')::text, '(1,6.5)', 'what is held out');
SELECT is(purchase_holdout('[{"at": "2024-01-01T10:00Z", "value": 1}]', '2024-02-29', '2024-02-29')::text, '(0,0)', '... nothing');
SELECT is(purchase_holdout('[{"at": "2024-01-01T10:00Z", "value": 1}]', '2023-02-28', '2024-02-29')::text, '(,)', '... of who came later');
SELECT is(purchase_holdout(NULL, '2023-02-28', '2024-02-29')::text, NULL, '... of NULL');

-- ---- laws ----

CREATE TABLE later AS SELECT customer, timeline, a.until AS before, b.until AS until, s.x AS x_before, s.t_x AS t_before, s.age AS age_before, s.m AS m_before, t.*, h.purchases, h.amount
FROM timeline, question a, question b, purchase_summary(timeline, a.until) s, purchase_summary(timeline, b.until) t, purchase_holdout(timeline, a.until, b.until) h WHERE a.zone = 'UTC' AND b.zone = 'UTC' AND a.until < b.until;
SELECT is_empty('SELECT * FROM later WHERE x_before IS NOT NULL AND NOT (x = x_before + purchases AND t_x >= t_before AND age = age_before + (until - before) AND t_x <= age AND (x > 0) = (t_x > 0))', 'a later day: what was held out comes to it');
SELECT is_empty('SELECT * FROM later WHERE x > 0 AND m IS NOT NULL AND amount IS NOT NULL AND m_before IS NOT NULL AND NOT near(m * x, m_before * x_before + amount::float8)', '... and what it was worth');
SELECT is_empty($$SELECT * FROM timeline, question WHERE zone = 'UTC' AND purchase_summary(timeline_slice(timeline, until => (until + 1)::timestamptz), until)::text <> purchase_summary(timeline, until)::text$$, 'what comes after until doesn''t matter');

-- ---- fits: by base, over timelines, over plain numbers ----

CREATE TABLE plain AS SELECT customer, x, t_x, age, m FROM timeline, purchase_summary(timeline, '2012-10-28', 'week', 'Pacific/Apia') s;
SET LOCAL client_min_messages = error; -- some of these fits end on the edge: it is random what they fit to
CREATE TABLE fitted AS
SELECT 'base' AS way, bgnbd_fit(b, '2012-10-28', 'week', 'Pacific/Apia') AS bgnbd, mbgnbd_fit(b, '2012-10-28', 'week', 'Pacific/Apia') AS mbgnbd, paretonbd_fit(b, '2012-10-28', 'week', 'Pacific/Apia') AS paretonbd, gammagamma_fit(b, '2012-10-28', 'Pacific/Apia') AS gammagamma FROM (SELECT timelines(customer, at, amount) AS b FROM orders) q
UNION ALL SELECT 'timelines', bgnbd_fit(timeline, '2012-10-28', 'week', 'Pacific/Apia'), mbgnbd_fit(timeline, '2012-10-28', 'week', 'Pacific/Apia'), paretonbd_fit(timeline, '2012-10-28', 'week', 'Pacific/Apia'), gammagamma_fit(timeline, '2012-10-28', 'Pacific/Apia') FROM timeline
UNION ALL SELECT 'base of timelines', bgnbd_fit(b, '2012-10-28', 'week', 'Pacific/Apia'), mbgnbd_fit(b, '2012-10-28', 'week', 'Pacific/Apia'), paretonbd_fit(b, '2012-10-28', 'week', 'Pacific/Apia'), gammagamma_fit(b, '2012-10-28', 'Pacific/Apia') FROM (SELECT timelines(customer, timeline) AS b FROM timeline) q
UNION ALL SELECT 'parts', bgnbd_fit(rollup(p)), mbgnbd_fit(rollup(p)), paretonbd_fit(rollup(p)), gammagamma_fit(rollup(s)) FROM (SELECT purchase_sample(timeline, '2012-10-28', 'week', 'Pacific/Apia') AS p, spend_sample(timeline, '2012-10-28', 'Pacific/Apia') AS s FROM timeline GROUP BY customer % 5) q
UNION ALL SELECT 'numbers', bgnbd_fit(x, t_x, age, 'week'), mbgnbd_fit(x, t_x, age, 'week'), paretonbd_fit(x, t_x, age, 'week'), gammagamma_fit(x, m) FROM plain;
SELECT is((SELECT count(DISTINCT (bgnbd::jsonb - 'zone', mbgnbd::jsonb - 'zone', paretonbd::jsonb - 'zone', gammagamma::jsonb - 'zone')) FROM fitted), 1::bigint, 'a fit by whatever way is the same');
SELECT is((SELECT string_agg(DISTINCT concat_ws(' ', bgnbd::jsonb->>'zone', mbgnbd::jsonb->>'zone', paretonbd::jsonb->>'zone', gammagamma::jsonb->>'zone', bgnbd::jsonb->>'period'), '; ') FROM fitted WHERE way <> 'numbers'), 'Pacific/Apia Pacific/Apia Pacific/Apia Pacific/Apia week', 'a model knows its zone, and its period');
SELECT is((SELECT bgnbd::jsonb->>'zone' FROM fitted WHERE way = 'numbers'), NULL, '... but not of plain numbers');
SELECT is((SELECT (bgnbd::jsonb->>'customers')::int FROM fitted WHERE way = 'base'), (SELECT count(x)::int FROM plain), 'who has no purchase by then is no customer of the model');
SELECT is((SELECT customers FROM fitted, model_summary(gammagamma) WHERE way = 'base'), (SELECT count(*) FROM plain WHERE x > 0 AND m > 0), '... of spend, who has bought again');
SELECT is((SELECT bgnbd_fit(timeline, '2012-10-28', 'week')::text FROM timeline), (SELECT bgnbd_fit(timeline, '2012-10-28', 'week', 'UTC')::text FROM timeline), 'the session''s zone');
SELECT is((SELECT bgnbd_fit(timeline, '2012-10-28')::text FROM timeline), (SELECT bgnbd_fit(timeline, '2012-10-28', 'day', 'UTC')::text FROM timeline), '... and days');
SELECT is((SELECT gammagamma_fit(timeline, '2012-10-28')::text FROM timeline), (SELECT gammagamma_fit(timeline, '2012-10-28', 'UTC')::text FROM timeline), '... of spend');
-- the unit changes nothing else; each of X purchases has a density by time in the likelihood
SELECT is_empty($$SELECT * FROM period, LATERAL (SELECT bgnbd_fit(timeline, '2012-10-28', period) AS model FROM timeline WHERE customer < 3000) f, (SELECT bgnbd_fit(timeline, '2012-10-28') AS by_day FROM timeline WHERE customer < 3000) d, jsonb_to_record(model::jsonb->'parameters') p(r float8, alpha float8, a float8, b float8), jsonb_to_record(by_day::jsonb->'parameters') q(r float8, alpha float8, a float8, b float8),
	(SELECT sum(x) AS purchases FROM ref_summaries('2012-10-28', 1, 'UTC') WHERE customer < 3000) n WHERE NOT (abs(p.r / q.r - 1) < 1e-5 AND abs(p.alpha * days / q.alpha - 1) < 1e-5 AND abs((model::jsonb->>'log_likelihood')::float8 - purchases * ln(days) - (by_day::jsonb->>'log_likelihood')::float8) < 1e-4)$$, 'the period is a unit, and no more');
-- until by default, days as dates, members, guests
SELECT is((SELECT bgnbd_fit(timelines(customer, at, amount), period => 'week')::text FROM orders), (SELECT bgnbd_fit(timelines(customer, at, amount), (SELECT max(at)::date FROM orders), 'week')::text FROM orders), 'until is the day of the last event');
SELECT is((SELECT purchase_sample(timelines(customer, at::date, amount), '2012-10-28', 'week', 'America/New_York')::text FROM orders WHERE at IS NOT NULL), (SELECT purchase_sample(timelines(customer, at::date::timestamp AT TIME ZONE 'America/New_York', amount), '2012-10-28', 'week', 'America/New_York')::text FROM orders WHERE at IS NOT NULL), 'dates are days of the zone in which is asked');
SELECT set_eq($$SELECT s.* FROM (SELECT timelines(customer, at::date, amount) AS b FROM orders) q, customer_purchase_summaries(b, '2012-10-28', 'week', 'America/New_York') s$$, $$SELECT s.* FROM (SELECT timelines(customer, at::date::timestamp AT TIME ZONE 'America/New_York', amount) AS b FROM orders) q, customer_purchase_summaries(b, '2012-10-28', 'week', 'America/New_York') s$$, '... customer by customer');
SELECT is((SELECT (rows_without_customer, members_without_events, as_of, zone, period)::text FROM result_scope((SELECT purchase_sample(timelines(customer, at, amount), '2012-10-28', 'week') FROM orders))), '(2,2,2012-10-28,UTC,week)', 'the scope of a sample');
SELECT is((SELECT purchase_sample(timelines(customer, at, amount), '2000-01-01')::text FROM orders), '{"until": "2000-01-01", "zone": "UTC", "period": "day", "scale": 0, "rows_without_customer": 2, "members_without_events": 2, "rows": []}', 'a sample of nobody');
SELECT is((SELECT bgnbd_fit(timelines(customer, at, amount), '2000-01-01')::text FROM orders), NULL, '... has no model');
SELECT is((SELECT bgnbd_fit(timelines(customer, at, amount))::text FROM orders WHERE at IS NULL), NULL, '... nor have members only');
SELECT is(bgnbd_fit(NULL::timeline_base)::text || gammagamma_fit(NULL::timeline_base)::text, NULL, 'of a NULL base');
SELECT is_empty($$SELECT * FROM customer_purchase_summaries(NULL::timeline_base_bigint, '2012-01-01')$$, '... no rows');
SELECT is((SELECT count(*) FROM (SELECT timelines(md5(customer::text)::uuid, at, amount) AS u, timelines(customer::text, at, amount) AS t, timelines(customer, at, amount) AS b FROM orders) q, customer_purchase_summaries(b, '2012-10-28') x JOIN LATERAL customer_purchase_summaries(t, '2012-10-28') y ON y.customer = x.customer::text AND (y.x, y.age) = (x.x, x.age) JOIN LATERAL customer_purchase_summaries(u, '2012-10-28') z ON z.customer = md5(y.customer)::uuid AND z.x = x.x), (SELECT count(*) FROM ref_summaries('2012-10-28', 1, 'UTC')), 'customers of each type');
SELECT throws_ok($$SELECT rollup(s) FROM (SELECT purchase_sample(timeline, d, 'week') AS s FROM timeline, unnest(ARRAY[date '2012-01-01', '2012-01-02']) d GROUP BY d) q$$, '22023', NULL, 'samples of different days don''t add up');
SELECT throws_ok($$SELECT rollup(s) FROM (SELECT purchase_sample(timeline, '2012-01-01', 'week', z) AS s FROM timeline, unnest(ARRAY['UTC', 'Pacific/Apia']) z GROUP BY z) q$$, '22023', NULL, '... of different zones');
SELECT throws_ok($$SELECT rollup(s) FROM (SELECT purchase_sample(timeline, '2012-01-01', p) AS s FROM timeline, unnest(ARRAY['week', 'day']) p GROUP BY p) q$$, '22023', NULL, '... of different periods');
SELECT is_empty('SELECT * FROM fitted WHERE bgnbd::text::purchase_model <> bgnbd OR gammagamma::text::spend_model <> gammagamma', 'models with a zone are read as they are written');
SET LOCAL timezone = 'CET';
SELECT is((SELECT bgnbd_fit(timeline, '2012-10-28', 'week')::text::purchase_model::jsonb->>'zone' FROM timeline), 'CET', 'a session''s zone, by whatever name');
SET LOCAL timezone = 'UTC';

-- ---- what a model says of a timeline ----

CREATE TABLE scored AS SELECT customer, timeline, bgnbd AS model, gammagamma AS spend, s.* FROM timeline, fitted, purchase_summary(timeline, '2012-06-30', 'week', 'Pacific/Apia') s WHERE way = 'base';
SELECT is_empty($$SELECT * FROM scored WHERE NOT (near(p_alive(timeline, model, '2012-06-30'), p_alive(model, x, t_x, age)) AND near(expected_purchases(timeline, model, '2012-06-30', 26), expected_purchases(model, x, t_x, age, 26)) AND near(purchase_probability(timeline, model, '2012-06-30', 26, 2), purchase_probability(model, x, t_x, age, 26, 2)))$$, 'purchases: as of a summary in the model''s period and zone');
SELECT is_empty($$SELECT * FROM scored WHERE NOT (near(expected_spend(timeline, spend, '2012-06-30'), expected_spend(spend, x, m)) AND near(lifetime_value(timeline, model, spend, '2012-06-30', 26, .001), lifetime_value(model, spend, x, t_x, age, m, 26, .001)) AND near(lifetime_value(timeline, model, spend, '2012-06-30', 26), lifetime_value(model, spend, x, t_x, age, m, 26)))$$, 'spend and value');
SELECT is_empty($$SELECT * FROM scored WHERE NOT (near(expected_purchases(timeline, model, '2012-06-30', interval '26 weeks'), expected_purchases(timeline, model, '2012-06-30', 26)) AND near(purchase_probability(timeline, model, '2012-06-30', interval '182 days', 2), purchase_probability(timeline, model, '2012-06-30', 26, 2)) AND near(lifetime_value(timeline, model, spend, '2012-06-30', interval '1 year', .001), lifetime_value(timeline, model, spend, '2012-06-30', 365.25 / 7, .001)))$$, 'a time is an interval, or a number of periods');
SELECT is((SELECT count(*) FILTER (WHERE x IS NULL) || ' ' || count(*) FILTER (WHERE x IS NOT NULL AND m IS NULL) FROM scored), (SELECT count(*) FILTER (WHERE p_alive(timeline, model, '2012-06-30') IS NULL) || ' ' || count(*) FILTER (WHERE p_alive(timeline, model, '2012-06-30') IS NOT NULL AND lifetime_value(timeline, model, spend, '2012-06-30', 26) IS NULL) FROM scored), 'NULL of who is no customer, or whose spend isn''t known');
SELECT is_empty($$SELECT * FROM scored, LATERAL (SELECT (model::jsonb - 'zone')::purchase_model AS bare) b WHERE p_alive(timeline, bare, '2012-06-30', 'Pacific/Apia') IS DISTINCT FROM p_alive(timeline, model, '2012-06-30', 'Pacific/Apia')$$, 'a zone, where the model has none');
SELECT throws_ok('SELECT p_alive(timeline, (model::jsonb - ''zone'')::purchase_model, ''2012-06-30'') FROM scored', '22023', 'the model does not know the zone of its days', '... must be given');
SELECT throws_ok('SELECT p_alive(timeline, model, ''2012-06-30'', ''UTC'') FROM scored', '22023', 'the model is of days in zone "Pacific/Apia", but the question of days in "UTC"', '... and can''t be another one');
SELECT throws_ok('SELECT lifetime_value(timeline, model, (SELECT gammagamma_fit(timeline, ''2012-06-30'', ''UTC'') FROM timeline), ''2012-06-30'', 26) FROM scored', '22023', 'the model is of days in zone "Pacific/Apia", but the spend model of days in "UTC"', 'two models, two zones');
SELECT throws_ok('SELECT expected_purchases(timeline, (model::jsonb - ''period'')::purchase_model, ''2012-06-30'', 26) FROM scored', '22023', 'the model does not know the period that its times are counted in', 'a model without period');
SELECT throws_ok('SELECT model_compare(a, b) FROM (SELECT bgnbd_fit(timeline, ''2012-06-30'', ''week'', ''UTC'') AS a, mbgnbd_fit(timeline, ''2012-06-30'', ''week'', ''America/New_York'') AS b FROM timeline) f', '22023', 'models of days in zones "UTC" and "America/New_York" can''t be compared', 'models of days in two zones');

RESET client_min_messages;

-- ---- simulated: raw orders from known parameters ----

-- Days are counted: rates are small enough that two purchases on one day hardly happen.
SELECT setseed(.9);
CREATE FUNCTION buy(kind text, r float8, alpha float8, a float8, b float8, p float8, q float8, g float8, age float8) RETURNS TABLE (day int, amount numeric) LANGUAGE plpgsql AS $$
DECLARE
	rate float8 := random_gamma(r) / alpha;
	goes float8 := random_gamma(a);
	leaves float8 := 'infinity';
	nu float8 := random_gamma(q) / g;
	at float8 := 0;
BEGIN
	IF kind = 'paretonbd' THEN
		leaves := -ln(1 - random()) / greatest(goes / b, 1e-30);
	ELSE
		goes := goes / (goes + random_gamma(b));
	END IF;
	LOOP
		day := floor(at);
		amount := greatest(round((random_gamma(p) / nu)::numeric, 2), .01);
		RETURN NEXT;
		EXIT WHEN random() < goes AND (kind = 'mbgnbd' OR kind = 'bgnbd' AND at > 0);
		at := at - ln(1 - random()) / greatest(rate, 1e-30);
		EXIT WHEN at > least(age, leaves);
	END LOOP;
END $$;
CREATE TABLE known (kind text, r float8, alpha float8, a float8, b float8);
INSERT INTO known VALUES ('bgnbd', .7, 250, .8, 2.5), ('mbgnbd', .9, 300, .7, 2.2), ('paretonbd', .8, 300, .9, 1600);
CREATE TABLE bought AS SELECT kind, n, timestamptz '2010-01-01 12:00+00' + (n % 100 + day) * interval '1 day' AS at, amount FROM known, generate_series(1, 4000) n, buy(kind, r, alpha, a, b, 5, 4, 60, 3652 - n % 100);
CREATE TABLE models AS SELECT kind, CASE kind WHEN 'bgnbd' THEN bgnbd_fit(b, '2019-12-31', 'day') WHEN 'mbgnbd' THEN mbgnbd_fit(b, '2019-12-31', 'day') ELSE paretonbd_fit(b, '2019-12-31', 'day') END AS model, gammagamma_fit(b, '2019-12-31') AS spend FROM (SELECT kind, timelines(n, at, amount) AS b FROM bought GROUP BY kind) q;
SELECT results_eq($$SELECT kind, p.name FROM models m JOIN known k USING (kind), model_parameters(model) p WHERE abs(estimate - CASE p.name WHEN 'r' THEN k.r WHEN 'alpha' THEN k.alpha WHEN 'a' THEN k.a WHEN 's' THEN k.a ELSE k.b END) < 3 * std_error ORDER BY kind, p.name$$,
	$$VALUES ('bgnbd', 'a'), ('bgnbd', 'alpha'), ('bgnbd', 'b'), ('bgnbd', 'r'), ('mbgnbd', 'a'), ('mbgnbd', 'alpha'), ('mbgnbd', 'b'), ('mbgnbd', 'r'), ('paretonbd', 'alpha'), ('paretonbd', 'beta'), ('paretonbd', 'r'), ('paretonbd', 's')$$, 'known parameters come back, within 3 standard errors');
SELECT results_eq($$SELECT kind, p.name FROM models, model_parameters(spend) p WHERE abs(estimate - CASE p.name WHEN 'p' THEN 5 WHEN 'q' THEN 4 ELSE 60 END) < 3 * std_error ORDER BY kind, p.name$$,
	$$SELECT k, p FROM unnest(ARRAY['bgnbd', 'mbgnbd', 'paretonbd']) k, unnest(ARRAY['g', 'p', 'q']) p ORDER BY 1, 2$$, '... those of spend, too');
-- a model of the first 7 years says what comes in the next two: within 10 %, where chance makes 3
CREATE TABLE calibrated AS SELECT kind, CASE kind WHEN 'bgnbd' THEN bgnbd_fit(b, '2016-12-31') WHEN 'mbgnbd' THEN mbgnbd_fit(b, '2016-12-31') ELSE paretonbd_fit(b, '2016-12-31') END AS model, gammagamma_fit(b, '2016-12-31') AS spend FROM (SELECT kind, timelines(n, at, amount) AS b FROM bought GROUP BY kind) q;
SELECT results_eq($$SELECT kind, abs(sum(expected_purchases(t, model, '2016-12-31', 730)) / sum(h.purchases) - 1) < .1, abs(sum(lifetime_value(t, model, spend, '2016-12-31', 730)) / sum(h.amount)::float8 - 1) < .1 FROM (SELECT kind, n, timeline_agg(at, amount) AS t FROM bought GROUP BY kind, n) q JOIN calibrated USING (kind), purchase_holdout(t, '2016-12-31', '2018-12-31') h GROUP BY kind ORDER BY kind$$,
	$$VALUES ('bgnbd', true, true), ('mbgnbd', true, true), ('paretonbd', true, true)$$, 'what a model expects comes, and is spent');

-- many different rows: the search begins near the top, which some of them tell, and ends at the same place
CREATE TABLE few AS SELECT kind, s.* FROM (SELECT kind, n, timeline_agg(at, amount) AS t FROM bought GROUP BY kind, n) q, purchase_summary(t, '2019-12-31', 'week') s;
CREATE TABLE both_fits AS SELECT kind, f.*, m.* FROM known k,
	LATERAL (SELECT CASE k.kind WHEN 'bgnbd' THEN bgnbd_fit(x, t_x, age) WHEN 'mbgnbd' THEN mbgnbd_fit(x, t_x, age) ELSE paretonbd_fit(x, t_x, age) END AS of_few, gammagamma_fit(x, m) AS spend_of_few FROM few WHERE few.kind = k.kind) f,
	LATERAL (SELECT CASE k.kind WHEN 'bgnbd' THEN bgnbd_fit(x, t_x, age + copy * 1e-9) WHEN 'mbgnbd' THEN mbgnbd_fit(x, t_x, age + copy * 1e-9) ELSE paretonbd_fit(x, t_x, age + copy * 1e-9) END AS of_many, gammagamma_fit(x, m * (1 + copy * 1e-9)) AS spend_of_many FROM few, generate_series(1, 12) copy WHERE few.kind = k.kind) m;
SELECT is((SELECT count(*) FROM both_fits, model_parameters(of_few) a JOIN model_parameters(of_many) b USING (name) WHERE abs(a.estimate / b.estimate - 1) < 1e-5 AND abs(a.std_error / b.std_error / sqrt(12) - 1) < 1e-3), 12::bigint, 'twelve of each customer: the same model, and standard errors by the root of twelve');
SELECT is((SELECT count(*) FROM both_fits, model_parameters(spend_of_few) a JOIN model_parameters(spend_of_many) b USING (name) WHERE abs(a.estimate / b.estimate - 1) < 1e-5 AND abs(a.std_error / b.std_error / sqrt(12) - 1) < 1e-3), 9::bigint, '... of spend, too');

-- ---- errors ----

SELECT throws_ok(format('SELECT %s FROM timeline', call), code, message, call) FROM (VALUES
	('purchase_summary(timeline, NULL)', '22004', 'until must not be null'), ('purchase_summary(timeline, ''infinity'')', '22008', NULL), ('purchase_summary(timeline, ''2012-01-01'', NULL)', '22004', 'period must not be null'),
	('purchase_summary(timeline, ''2012-01-01'', ''decade'')', '22023', 'unknown period: "decade"'), ('purchase_summary(timeline, ''2012-01-01'', ''week:sunday'')', '22023', 'unknown period: "week:sunday"'), ('purchase_summary(timeline, ''2012-01-01'', ''week'', ''Mars'')', '22023', 'unknown time zone "Mars"'),
	('purchase_holdout(timeline, ''2012-01-02'', ''2012-01-01'')', '22023', 'calibrate_until, 2012-01-02, is after until, 2012-01-01'), ('purchase_holdout(timeline, NULL, ''2012-01-01'')', '22004', 'calibrate_until must not be null'), ('purchase_holdout(timeline, ''2012-01-01'', NULL)', '22004', 'until must not be null'),
	('bgnbd_fit(timeline, NULL)', '22004', 'until must not be null'), ('bgnbd_fit(timeline, ''2012-01-01'', NULL)', '22004', 'period must not be null'), ('bgnbd_fit(timeline, ''2012-01-01'', ''fortnight'')', '22023', 'unknown period: "fortnight"'), ('purchase_sample(timeline)', '22004', 'until is missing'),
	('bgnbd_fit(timeline, date ''2012-01-01'' + customer)', '22023', NULL), ('bgnbd_fit(timeline, ''2012-01-01'', (ARRAY[''day'', ''week''])[1 + customer % 2])', '22023', 'period must be the same for all rows of an aggregate'), ('gammagamma_fit(timeline, ''2012-01-01'', (ARRAY[''UTC'', ''Pacific/Apia''])[1 + customer % 2])', '22023', 'zone must be the same for all rows of an aggregate'),
	('p_alive(timeline, NULL, ''2012-01-01'')', '22004', NULL), ('lifetime_value(timeline, NULL, NULL, ''2012-01-01'', 5)', '22004', NULL)) c(call, code, message);
SELECT throws_ok(format('SELECT %s FROM scored', call), code, message, call) FROM (VALUES
	('p_alive(timeline, model, NULL)', '22004', 'until must not be null'), ('p_alive(timeline, model, ''-infinity'')', '22008', NULL), ('expected_purchases(timeline, model, ''2012-06-30'', -1)', '22023', 'the horizon must be from 0 to 100000 of the model''s periods'), ('expected_purchases(timeline, model, ''2012-06-30'', interval ''-1 day'')', '22023', 'the horizon must be from 0 to 100000 of the model''s periods'),
	('purchase_probability(timeline, model, ''2012-06-30'', 1, -1)', '22023', NULL), ('lifetime_value(timeline, model, spend, ''2012-06-30'', 5, -1)', '22023', NULL), ('lifetime_value(timeline, model, NULL, ''2012-06-30'', 5)', '22004', NULL)) c(call, code, message);
SELECT throws_ok(format('SELECT %s', call), code, NULL, call) FROM (VALUES
	('bgnbd_fit((SELECT timelines(customer, at, amount) FROM orders), ''2012-01-01'', NULL)', '22004'), ('bgnbd_fit((SELECT timelines(customer, at, amount) FROM orders), ''infinity'')', '22008'), ('customer_purchase_summaries((SELECT timelines(customer, at, amount) FROM orders), ''2012-01-01'', ''decade'')', '22023'),
	('''{"kind": "bgnbd", "zone": "Mars", "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}''::purchase_model', '22023'), ('''{"kind": "bgnbd", "zone": 3, "parameters": {"r": 1, "alpha": 1, "a": 1, "b": 1}}''::purchase_model', '22P02'),
	('''{"rows": [], "until": "2012-01-01", "rows_without_customer": 3}''::purchase_sample_result', '22P02'), ('''{"rows": [], "until": "never"}''::spend_sample_result', '22P02')) c(call, code);
-- the largest numbers there are
SELECT is((SELECT (x, t_x, age)::text FROM purchase_summary('[{"at": "4713-02-01T00:00Z BC", "value": 1}, {"at": "294276-12-30T00:00Z", "value": 9000000000000000000}]', '5874897-12-31')), format('(1,%s,%s)', date '294276-12-30' - date '4713-02-01 BC', (date '5874897-12-31' - date '2000-01-01')::bigint + (date '2000-01-01' - date '4713-02-01 BC')), 'the longest lives');
SET LOCAL client_min_messages = error;
SELECT is((SELECT count(*) FROM (SELECT bgnbd_fit('[{"at": "4713-02-01T00:00Z BC", "value": 1}, {"at": "294276-12-30T00:00Z", "value": 9000000000000000000}]'::event_timeline, '5874897-12-31') AS m) f WHERE m IS NOT NULL), 1::bigint, '... have a model');
SELECT * FROM finish();
ROLLBACK;
