--
-- The worked examples of the reference page on tiers, and what programmes differ in: windows,
-- validity, downgrades, grace, several metrics, member facts, versions, clocks, edges.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(177);

-- Events as [day or instant, value] pairs, in the session's zone.
CREATE FUNCTION bought(VARIADIC pairs text[]) RETURNS event_timeline
LANGUAGE sql STABLE AS $$ SELECT coalesce(timeline_agg(make_event(at => split_part(p, '=', 1)::timestamptz, value => split_part(p, '=', 2)::numeric)), '[]') FROM unnest(pairs) p $$;

-- A history in one line: when, which tier, why, until when it is promised; also where it is only promised for longer.
CREATE FUNCTION told(timeline event_timeline, policy tier_policy, as_of date) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT string_agg(CASE WHEN valid_from = date_trunc('day', valid_from) THEN to_char(valid_from, 'YYYY-MM-DD') ELSE to_char(valid_from, 'YYYY-MM-DD HH24:MI') END || ' ' || tier || ' ' || reason
		|| coalesce(' until ' || CASE WHEN promised_until = date_trunc('day', promised_until) THEN to_char(promised_until, 'YYYY-MM-DD') ELSE to_char(promised_until, 'YYYY-MM-DD HH24:MI') END, ''), E'\n' ORDER BY n)
	FROM tier_history(timeline, policy, as_of, true) WITH ORDINALITY h(tier, rank, from_tier, valid_from, valid_to, promised_until, reason, metric, value, ref, n)
$$;

-- ---- worked examples ----

-- 2: tiers at 100 and 500 that follow the balance: +100 Silver, -50 base, +500 Gold
SELECT is(told(bought('2024-01-10=100', '2024-02-10=-50', '2024-03-10=500'), '{"levels": {"Silver": 100, "Gold": 500}, "qualifying_window": "lifetime", "valid": "while_qualified"}', '2024-12-31'),
	E'2024-01-10 Member joined\n2024-01-10 Silver qualified\n2024-02-10 Member lapsed\n2024-03-10 Gold qualified', 'example 2: tiers that follow the balance');
SELECT results_eq($$SELECT metric, value, ref FROM tier_history('[{"at": "2024-01-10T00:00Z", "value": 100, "ref": "a"}, {"at": "2024-02-10T00:00Z", "value": -50, "ref": "b"}, {"at": "2024-03-10T00:00Z", "value": 500, "ref": "c"}]', '{"levels": {"Silver": 100, "Gold": 500}, "qualifying_window": "lifetime", "valid": "while_qualified"}', '2024-12-31')$$,
	$$VALUES ('value', 0::numeric, 'a'), ('value', 100, 'a'), ('value', 50, 'b'), ('value', 550, 'c')$$, '... the metric at that moment, and the event');

-- 8: soft landing: Gold without activity -> Silver a year later -> Bronze a year after that
SELECT is(told(bought('2020-03-15 10:00=1200'), '{"levels": {"Bronze": 100, "Silver": 400, "Gold": 1000}, "downgrade": "one_level"}', '2024-12-31'),
	E'2020-03-15 10:00 Member joined\n2020-03-15 10:00 Gold qualified until 2021-03-15 10:00\n2021-03-15 10:00 Silver soft landing until 2022-03-15 10:00\n2022-03-15 10:00 Bronze soft landing until 2023-03-15 10:00\n2023-03-15 10:00 Member soft landing', 'example 8: soft landing');
SELECT is(told(bought('2020-03-15 10:00=1200'), '{"levels": {"Bronze": 100, "Silver": 400, "Gold": 1000}, "downgrade": "to_base"}', '2024-12-31'),
	E'2020-03-15 10:00 Member joined\n2020-03-15 10:00 Gold qualified until 2021-03-15 10:00\n2021-03-15 10:00 Member lapsed', '... or all at once');
SELECT is(told(bought('2020-03-15=1200', '2020-09-01=500'), '{"levels": {"Bronze": 100, "Silver": 400, "Gold": 1000}}', '2024-12-31'),
	E'2020-03-15 Member joined\n2020-03-15 Gold qualified until 2021-03-15\n2020-09-01 Gold requalified until 2021-09-01\n2021-09-01 Member lapsed', '... to what the metric gives: all of it has left by then');
SELECT is(told(bought('2020-03-15=1200', '2021-01-10=-50', '2021-02-01=500'), '{"levels": {"Bronze": 100, "Silver": 400, "Gold": 1000}, "valid": "1 year", "qualifying_window": "6 months"}', '2021-12-31'),
	E'2020-03-15 Member joined\n2020-03-15 Gold qualified until 2021-03-15\n2021-03-15 Silver lapsed until 2022-03-15\n2021-07-10 Silver requalified until 2022-07-10', '... which here is Silver; the return that leaves the window renews it');

-- ---- a retail club, with the thresholds met to the cent ----

SELECT is(tier(bought('2024-05-01 12:00=499.99'), '{"Silver": 500, "Gold": 2000}', '2024-05-01'), 'Member', 'a cent below the threshold');
SELECT is(tier(bought('2024-05-01 12:00=499.99', '2024-05-01 12:00=0.01'), '{"Silver": 500, "Gold": 2000}', '2024-05-01'), 'Silver', 'exactly the threshold, at one instant');
SELECT is(tier(bought('2024-05-01 12:00=500.00'), '{"levels": {"Silver": 500, "Gold": 2000}, "threshold": "exceeded"}', '2024-05-01'), 'Member', 'which isn''t more than it');
SELECT is(tier(bought('2024-05-01 12:00=500.01'), '{"levels": {"Silver": 500, "Gold": 2000}, "threshold": "exceeded"}', '2024-05-01'), 'Silver', '... as a cent more is');
SELECT is(tier(bought('2024-05-01 12:00=' || v), p, '2024-05-01'), t, v || ' under ' || p::text) FROM (VALUES ('5', '{"S": 5.001}'::tier_policy, 'Member'), ('6', '{"S": 5.001}', 'S'), ('5', '{"levels": {"S": 5.001}, "threshold": "exceeded"}', 'Member'), ('6', '{"levels": {"S": 5.001}, "threshold": "exceeded"}', 'S'),
	('5.001', '{"S": 5.001}', 'S'), ('5.001', '{"levels": {"S": 5.001}, "threshold": "exceeded"}', 'Member'), ('5.0011', '{"levels": {"S": 5.001}, "threshold": "exceeded"}', 'S'), ('5.0009', '{"S": 5.001}', 'Member'), ('5', '{"levels": {"S": 4.999}, "threshold": "exceeded"}', 'S')) v (v, p, t);

-- A rolling window counts an event at t while t + w > now.
SELECT is(tier_at(bought('2023-01-15 10:00=300', '2024-01-15 10:00=200'), '{"Silver": 500}', '2024-01-15 10:00'), 'Member', 'what is 12 months old to the instant has left');
SELECT is(tier_at(bought('2023-01-15 10:00:00.000001=300', '2024-01-15 10:00=200'), '{"Silver": 500}', '2024-01-15 10:00'), 'Silver', 'a microsecond younger, it counts');
SELECT is(tier_at(bought('2024-01-15 10:00=500'), '{"Silver": 500}', i), t, 'at ' || i) FROM (VALUES (timestamptz '2024-01-15 09:59:59.999999', NULL), ('2024-01-15 10:00', 'Silver'), ('2025-01-15 09:59:59.999999', 'Silver'), ('2025-01-15 10:00', 'Member')) v (i, t);
SELECT is(tier(bought('2024-01-15=500'), '{"Silver": 500}', d), t, 'valid until 2025-01-15 00:00: on ' || d) FROM (VALUES (date '2024-01-14', NULL), ('2024-01-15', 'Silver'), ('2025-01-13', 'Silver'), ('2025-01-14', 'Silver'), ('2025-01-15', 'Member')) v (d, t);

-- A return lowers the metric, but demotes only when validity ends.
SELECT is(told(bought('2024-01-10=600', '2024-02-01=-200'), '{"Silver": 500}', '2026-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-01-10\n2025-01-10 Member lapsed', 'a return demotes when validity ends');
SELECT is(told(bought('2024-01-10=600', '2024-02-01=-200', '2024-03-01=50', '2024-04-01=100'), '{"Silver": 500}', '2024-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-01-10\n2024-04-01 Silver requalified until 2025-04-01', '... and renews nothing until the threshold is met again');
SELECT is(told(bought('2024-01-10=600', '2024-02-01=-200'), '{"levels": {"Silver": 500}, "metrics": {"bought": {"values": "positive"}}, "valid": "18 months"}', '2024-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-07-10', 'sums of purchases alone');
-- An upgrade restarts the clock; a return that leaves the window raises.
SELECT is(told(bought('2024-01-10=600', '2024-06-10=1400'), '{"Silver": 500, "Gold": 2000}', '2024-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-01-10\n2024-06-10 Gold qualified until 2025-06-10', 'an upgrade restarts the clock');
SELECT is(told(bought('2024-01-10=-100', '2024-03-10=550'), '{"levels": {"Silver": 500}, "qualifying_window": "6 months"}', '2024-12-31'), E'2024-01-10 Member joined\n2024-07-10 Silver qualified until 2025-01-10', 'a return that leaves the window raises');
SELECT is((SELECT ref FROM tier_history(bought('2024-01-10=-100', '2024-03-10=550'), '{"levels": {"Silver": 500}, "qualifying_window": "6 months"}', '2024-12-31') WHERE reason = 'qualified'), NULL, '... by time alone');

-- Keeping needs less than reaching.
SELECT is(told(bought('2024-01-10=2000', '2024-12-01=1500'), '{"levels": [{"tier": "Silver", "at": 500}, {"tier": "Gold", "at": 2000, "keep": 1500}], "qualifying_window": "calendar year", "valid": "next_period_end"}', '2027-12-31'),
	E'2024-01-10 Member joined\n2024-01-10 Gold qualified until 2026-01-01\n2026-01-01 Member lapsed', 'kept within the year already');
SELECT is(told(bought('2024-01-10=2000', '2025-12-01=1500'), '{"levels": [{"tier": "Silver", "at": 500}, {"tier": "Gold", "at": 2000, "keep": 1500}], "qualifying_window": "calendar year", "valid": "next_period_end"}', '2027-12-31'),
	E'2024-01-10 Member joined\n2024-01-10 Gold qualified until 2026-01-01\n2025-12-01 Gold requalified until 2027-01-01\n2027-01-01 Member lapsed', 'Gold is kept by 1500');
SELECT is(told(bought('2024-01-10=2000', '2025-12-01=1499'), '{"levels": [{"tier": "Silver", "at": 500}, {"tier": "Gold", "at": 2000, "keep": 1500}], "qualifying_window": "calendar year", "valid": "next_period_end"}', '2027-12-31'),
	E'2024-01-10 Member joined\n2024-01-10 Gold qualified until 2026-01-01\n2026-01-01 Silver lapsed until 2027-01-01\n2027-01-01 Member lapsed', '... and not by less: the year that ended gives Silver');

-- Grace: three months to catch up.
SELECT is(told(bought('2024-01-10=600'), '{"levels": {"Silver": 500}, "grace": "3 months"}', '2026-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-01-10\n2025-04-10 Member grace ended', 'grace puts the downgrade off');
SELECT is(told(bought('2024-01-10=600', '2025-03-01=500'), '{"levels": {"Silver": 500}, "grace": "3 months"}', '2025-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-01-10\n2025-03-01 Silver requalified until 2026-03-01', '... and in it the tier can be kept');
SELECT is(tier(bought('2024-01-10=600'), '{"levels": {"Silver": 500}, "grace": "3 months"}', d), t, 'in grace on ' || d) FROM (VALUES (date '2025-01-10', 'Silver'), ('2025-04-09', 'Silver'), ('2025-04-10', 'Member')) v (d, t);

-- ---- a hotel: nights or points ----

CREATE TABLE hotel AS SELECT tier_policy '{"metrics": {"nights": {"of": "sum", "kinds": ["stay"], "labels": ["night"]}, "points": {"of": "sum", "kinds": ["earn"]}}, "base": "Blue",
	"levels": [{"tier": "Silver", "any": {"nights": 10, "points": 5000}}, {"tier": "Gold", "any": {"nights": 25, "points": 15000}, "keep": {"any": {"nights": 20}}}, {"tier": "Diamond", "all": {"nights": 50, "points": 30000}}], "qualifying_window": "calendar year", "valid": "next_period_end", "zone": "UTC"}' AS rules;
CREATE FUNCTION stay(day text, nights int, points int) RETURNS SETOF timeline_event
LANGUAGE sql AS $$ SELECT make_event(at => (day || ' 12:00Z')::timestamptz, value => nights, kind => 'stay', label => 'night', ref => 'S' || day) UNION ALL SELECT make_event(at => (day || ' 12:00Z')::timestamptz, value => points, kind => 'earn', ref => 'P' || day) $$;
SELECT results_eq($$SELECT h.valid_from::date, h.tier, h.reason, h.metric, h.value, h.ref FROM hotel, (SELECT timeline_agg(e) AS t FROM (SELECT stay('2024-01-10', 9, 4000) UNION ALL SELECT stay('2024-02-10', 1, 500) UNION ALL SELECT stay('2024-03-10', 3, 12000) UNION ALL SELECT stay('2025-05-10', 20, 1000)) x(e)) q, LATERAL tier_history(t, rules, '2026-12-31', true) h$$,
	$$VALUES (date '2024-01-10', 'Blue', 'joined', 'nights', 0::numeric, 'P2024-01-10'), ('2024-02-10', 'Silver', 'qualified', 'nights', 10, 'S2024-02-10'), ('2024-03-10', 'Gold', 'qualified', 'points', 16500, 'S2024-03-10'), ('2025-05-10', 'Gold', 'requalified', 'nights', 20, 'S2025-05-10')$$, 'a hotel: nights or points reach, nights keep');
SELECT results_eq($$SELECT p.tier, p.rank, p.next_tier, p.metric, p.value, p.missing_to_next, p.valid_until::date, p.missing_to_keep, p.missing_as_of, p.projected_tier FROM hotel, (SELECT timeline_agg(e) AS t FROM (SELECT stay('2024-01-10', 9, 4000) UNION ALL SELECT stay('2024-03-10', 18, 12000)) x(e)) q, LATERAL tier_progress(t, rules, '2024-12-31') p$$,
	$$VALUES ('Gold', 2, 'Diamond', 'nights', 27::numeric, 23::numeric, date '2026-01-01', 20::numeric, 0::numeric, 'Blue'), ('Gold', 2, 'Diamond', 'points', 16000, 14000, '2026-01-01', NULL, NULL, 'Blue')$$, 'progress of each metric: what keeps Gold are nights of the year that begins');

-- ---- an airline year from April ----

CREATE TABLE airline AS SELECT tier_policy '{"levels": {"Silver": 25000, "Gold": 50000}, "qualifying_window": "calendar year:04-01", "valid": "next_period_end", "downgrade": "one_level"}' AS rules;
SELECT is(told(bought('2023-05-01=50000', '2024-06-01=24999'), rules, '2027-12-31'), E'2023-05-01 Member joined\n2023-05-01 Gold qualified until 2025-04-01\n2025-04-01 Silver soft landing until 2026-04-01\n2026-04-01 Member soft landing', 'an airline year: Gold to the end of the next year, then one level at a time') FROM airline;
SELECT is(told(bought('2024-03-31 23:59:59=25000', '2024-04-01 00:00=25000'), rules, '2024-12-31'), E'2024-03-31 23:59 Member joined\n2024-03-31 23:59 Silver qualified until 2025-04-01\n2024-04-01 Silver requalified until 2026-04-01', '... what is earned on the edge belongs to the new year') FROM airline;
SELECT is(told(bought('2023-05-01=30000', '2023-06-01=30000', '2024-08-01=26000'), '{"levels": {"Silver": 25000, "Gold": 50000}, "qualifying_window": "calendar year:04-01", "upgrade": "period_end", "valid": "period_end", "downgrade": "one_level"}', '2027-12-31'),
	E'2023-05-01 Member joined\n2024-04-01 Gold qualified until 2025-04-01\n2025-04-01 Silver soft landing until 2026-04-01\n2026-04-01 Member soft landing', 'an upgrade at the end of the year; Silver is what the next year gives, too');
SELECT results_eq($$SELECT valid_from::date, metric, value, ref FROM tier_history(bought('2023-05-01=30000', '2023-06-01=30000'), '{"levels": {"Gold": 50000}, "qualifying_window": "calendar year:04-01", "upgrade": "period_end", "valid": "period_end"}', '2025-12-31') WHERE rank > 0 OR from_tier = 'Gold'$$,
	$$VALUES (date '2024-04-01', 'value', 60000::numeric, NULL), ('2025-04-01', 'value', 0, NULL)$$, '... with the value of the year that ended');
SELECT is(told(bought('2024-01-08=10', '2024-02-01=25'), '{"levels": {"S": 20}, "qualifying_window": "calendar {2024-01-01,2024-01-29,2024-02-26}", "valid": "period_end"}', '2024-12-31'), E'2024-01-08 Member joined\n2024-02-01 S qualified until 2024-02-26\n2024-02-26 S requalified', 'periods that are spelled out: kept by the one that ended');
SELECT is(told(bought('2024-03-01=25'), '{"levels": {"S": 20}, "qualifying_window": "calendar {2024-01-01,2024-01-29,2024-02-26}", "valid": "period_end"}', '2034-12-31'), E'2024-03-01 Member joined\n2024-03-01 S qualified', '... the last of which has no end');
SELECT throws_ok($$SELECT tier(bought('2023-03-01=25'), '{"levels": {"S": 20}, "qualifying_window": "calendar {2024-01-01,2024-01-29}", "valid": "period_end"}', '2024-12-31')$$, '22008', 'day 2023-03-01 is before the first period, which starts on 2024-01-01', '... and nothing may be before the first');

-- ---- membership years ----

SELECT is(told(bought('2020-02-29 12:00=40', '2021-02-27=60', '2021-02-28=50', '2024-02-28=60', '2024-02-29=60'), '{"levels": {"S": 100}, "qualifying_window": "membership year", "valid": "period_end"}', '2025-12-31'),
	E'2020-02-29 12:00 Member joined\n2021-02-27 S qualified until 2021-02-28\n2021-02-28 S requalified until 2022-02-28\n2022-02-28 Member lapsed', 'joined on 29 February: the second year begins on the 28th, the fifth on the 29th again');
SELECT is(told(bought('2020-02-29 12:00=40', '2024-02-28=60', '2024-02-28 23:59=40', '2024-02-29=60'), '{"levels": {"S": 100}, "qualifying_window": "membership year", "valid": "period_end"}', '2025-12-31'),
	E'2020-02-29 12:00 Member joined\n2024-02-28 23:59 S qualified until 2024-02-29\n2024-02-29 S requalified until 2025-02-28\n2025-02-28 Member lapsed', '... a year that ends with 28 February');
SELECT is(told('[{"at": "2024-01-05T00:00Z", "value": 70}, {"at": "2024-02-10T15:00Z", "kind": "join"}, {"at": "2024-02-10T18:00Z", "value": 70}, {"at": "2025-02-09T23:00Z", "value": 30}, {"at": "2025-02-10T00:00Z", "value": 70}]', '{"levels": {"S": 100}, "qualifying_window": "membership year"}', '2025-06-30'),
	E'2024-02-10 15:00 Member joined\n2025-02-09 23:00 S qualified until 2026-02-09 23:00', 'years from the join event; what was before it doesn''t count');

-- ---- since the tier began ----

SELECT is(told(bought('2024-01-10=100', '2024-02-10=60', '2024-03-10=60', '2024-04-10=30'), '{"levels": {"S": 100, "G": 200}, "qualifying_window": "since tier", "valid": "1 year"}', '2026-12-31'),
	E'2024-01-10 Member joined\n2024-01-10 S qualified until 2025-01-10\n2024-03-10 S requalified until 2025-03-10\n2025-03-10 Member lapsed', 'the event that earned the tier doesn''t count again; requalifying starts over');
SELECT is(told(bought('2024-01-10=100', '2024-02-10=90', '2024-02-10=110'), '{"levels": {"S": 100, "G": 200}, "qualifying_window": "since tier", "valid": "1 year"}', '2024-12-31'), E'2024-01-10 Member joined\n2024-01-10 S qualified until 2025-01-10\n2024-02-10 G qualified until 2025-02-10', '... all of an instant together');

-- ---- forever, lifetime, while it holds ----

SELECT is(told(bought('2000-01-10=400', '2020-01-10=100'), '{"levels": {"S": 500}, "qualifying_window": "lifetime"}', '2099-12-31'), E'2000-01-10 Member joined\n2020-01-10 S qualified', 'a lifetime tier is kept for ever');
SELECT is(told(bought('2024-01-10=500', '2024-06-10=100'), '{"levels": {"S": 500}, "valid": "while_qualified"}', '2026-12-31'), E'2024-01-10 Member joined\n2024-01-10 S qualified\n2025-01-10 Member lapsed', 'while the metric holds');
SELECT is(told(bought('2024-01-10=500', '2024-06-10=-100'), '{"levels": {"S": 500}, "valid": "while_qualified", "grace": "1 month"}', '2026-12-31'), E'2024-01-10 Member joined\n2024-01-10 S qualified\n2024-07-10 Member grace ended', '... with grace');
SELECT is(told(bought('2024-01-10=500', '2024-06-10=-100', '2024-07-01=100'), '{"levels": {"S": 500}, "valid": "while_qualified", "grace": "1 month"}', '2024-12-31'), E'2024-01-10 Member joined\n2024-01-10 S qualified', '... in which it holds again');
SELECT is(told(bought('2024-01-10=500', '2024-02-10=100'), '{"levels": {"S": 500}, "qualifying_window": "calendar month", "valid": "while_qualified"}', '2024-12-31'), E'2024-01-10 Member joined\n2024-01-10 S qualified\n2024-02-01 Member lapsed', '... in a month, which ends');
SELECT is(told(bought('2024-01-10=500'), '{"levels": {"S": 500}, "qualifying_window": "lifetime", "valid": "1 month"}', '2024-03-31'), E'2024-01-10 Member joined\n2024-01-10 S qualified until 2024-02-10\n2024-02-10 S requalified until 2024-03-10\n2024-03-10 S requalified until 2024-04-10', 'a validity that time renews');

-- ---- events and days ----

SELECT is(told(bought('2024-01-10 10:00=5', '2024-01-10 18:00=0', '2024-01-11 10:00=-5', '2024-01-12 10:00=1'), '{"levels": {"S": 3}, "metrics": {"orders": {"of": "events"}}}', '2024-12-31'), E'2024-01-10 10:00 Member joined\n2024-01-12 10:00 S qualified until 2025-01-12 10:00', 'orders: a return is none');
SELECT is(told(bought('2024-01-10 10:00=5', '2024-01-10 18:00=0', '2024-01-11 10:00=-5', '2024-01-12 10:00=1'), '{"levels": {"S": 2}, "metrics": {"days": {"of": "days"}}}', '2024-12-31'), E'2024-01-10 10:00 Member joined\n2024-01-12 10:00 S qualified until 2025-01-12 10:00', 'active days');
SELECT is(told(bought('2024-01-10 10:00=5', '2024-01-10 18:00=5', '2024-01-20 10:00=5'), '{"levels": {"S": 2}, "metrics": {"days": {"of": "days"}}, "qualifying_window": "1 month", "valid": "while_qualified"}', '2024-12-31'), E'2024-01-10 10:00 Member joined\n2024-01-20 10:00 S qualified\n2024-02-10 18:00 Member lapsed', '... a day counts as long as one of its events does');

-- ---- member facts ----

SELECT is(tier('[{"at": "2024-01-05T00:00Z", "value": 700}, {"at": "2024-02-10T00:00Z", "kind": "join"}]', '{"S": 500}', d), t, 'before and after joining: ' || d) FROM (VALUES (date '2024-01-31', NULL), ('2024-02-09', NULL), ('2024-02-10', 'Member')) v (d, t);
SELECT is(tier('[]', '{"S": 500}', '2024-01-01'), 'Member', 'nothing at all is the base tier');
SELECT is((SELECT count(*) FROM tier_history('[]', '{"S": 500}', '2024-01-01')), 0::bigint, '... without a history');
SELECT results_eq($$SELECT tier, rank, next_tier, metric, value, missing_to_next, valid_until, missing_to_keep, projected_tier FROM tier_progress('[]', '{"S": 500}', '2024-01-01')$$, $$VALUES ('Member', 0, 'S', 'value', 0::numeric, 500::numeric, NULL::timestamptz, NULL::numeric, 'Member')$$, '... and all is missing');
SELECT is(told('[{"at": "2024-01-05T00:00Z", "kind": "enrol", "value": 900}, {"at": "2024-01-06T00:00Z", "kind": "purchase", "value": 500}]', '{"levels": {"S": 500}, "join_kind": "enrol"}', '2024-12-31'), E'2024-01-05 Member joined\n2024-01-06 S qualified until 2025-01-06', 'the kinds'' names are the policy''s; joining counts for nothing');

CREATE TABLE matched AS SELECT '[{"at": "2024-01-10T00:00Z", "value": 100, "ref": "o1"}, {"at": "2024-02-01T00:00Z", "kind": "tier_grant", "label": "Gold", "expires_at": "2024-08-01T00:00Z", "ref": "g1"}, {"at": "2024-06-10T00:00Z", "value": 450, "ref": "o2"}]'::event_timeline AS t;
SELECT is(told(t, '{"Silver": 500, "Gold": 2000}', '2025-12-31'), E'2024-01-10 Member joined\n2024-02-01 Gold granted until 2024-08-01\n2024-08-01 Silver grant ended until 2025-06-10\n2025-06-10 Member lapsed', 'a status match: the rules go on beneath it') FROM matched;
SELECT is((SELECT array_agg(ref) FROM tier_history(t, '{"Silver": 500, "Gold": 2000}', '2025-12-31')), '{o1,g1,NULL,NULL}', '... refs') FROM matched;
SELECT results_eq($$SELECT p.tier, p.next_tier, p.value, p.missing_to_next, p.valid_until::date, p.missing_to_keep, p.projected_tier FROM matched, tier_progress(t, '{"Silver": 500, "Gold": 2000}', '2024-07-01') p$$, $$VALUES ('Gold', NULL, 550::numeric, NULL::numeric, date '2024-08-01', 1450::numeric, 'Silver')$$, '... progress: what reaching the granted tier would take');
SELECT is(told('[{"at": "2024-01-10T00:00Z", "value": 2500}, {"at": "2024-02-01T00:00Z", "kind": "tier_grant", "label": "Silver"}]', '{"Silver": 500, "Gold": 2000}', '2025-12-31'), E'2024-01-10 Member joined\n2024-01-10 Gold qualified until 2025-01-10\n2025-01-10 Silver lapsed', 'a grant below is a floor');
SELECT is(told('[{"at": "2024-01-01T00:00Z", "kind": "tier_grant", "label": "Gold", "expires_at": "2024-06-01T00:00Z"}, {"at": "2024-01-02T00:00Z", "kind": "tier_grant", "label": "Silver", "expires_at": "2024-01-20T00:00Z"}, {"at": "2024-02-01T00:00Z", "kind": "join"}]', '{"Silver": 500, "Gold": 2000}', '2024-12-31'), E'2024-02-01 Member joined\n2024-02-01 Gold granted until 2024-06-01\n2024-06-01 Member grant ended', 'a grant from before joining counts from joining on');
SELECT is(told('[{"at": "2024-01-01T00:00Z", "kind": "tier_grant", "label": "Gold", "expires_at": "2024-06-01T00:00Z"}, {"at": "2024-06-01T00:00Z", "kind": "tier_grant", "label": "Gold", "expires_at": "2025-01-01T00:00Z"}]', '{"Gold": 2000}', '2025-12-31'), E'2024-01-01 Member joined\n2024-01-01 Gold granted until 2024-06-01\n2024-06-01 Gold granted until 2025-01-01\n2025-01-01 Member grant ended', 'a grant that follows another');
SELECT throws_ok($$SELECT tier('[{"at": "2024-01-01T00:00Z", "kind": "tier_grant", "label": "Platinum"}]', '{"Gold": 2000}', '2024-12-31')$$, '22023', 'a grant is of a tier that isn''t in the policy: "Platinum"', 'a grant of an unknown tier');
SELECT throws_ok($$SELECT tier('[{"at": "2024-01-01T00:00Z", "kind": "tier_grant"}]', '{"Gold": 2000}', '2024-12-31')$$, '22023', 'a grant has no label, which names its tier', '... of none');
SELECT lives_ok($$SELECT tier('[{"at": "2024-01-01T00:00Z", "kind": "tier_grant", "label": "Platinum"}]', '{"Gold": 2000}', '2023-12-31')$$, 'a grant after as_of isn''t there');
-- Gold was open while it qualified; on 10 March it doesn't any more, and the grant holds it, to 13 June
SELECT is((SELECT promised_until FROM tier_history('[{"at": "2025-01-10T00:00Z", "value": 8}, {"at": "2025-02-21T00:00Z", "kind": "tier_grant", "label": "Gold", "expires_at": "2025-06-13T00:00Z"}]', '{"levels": {"Gold": 4}, "valid": "while_qualified", "qualifying_window": "2 months"}', '2025-05-16', requals) WHERE rank = 1),
	promised, 'what is promised at the end, and what was then: ' || requals) FROM (VALUES (false, timestamptz '2025-06-13'), (true, NULL)) v(requals, promised);

-- ---- grace takes nothing away that is there without it ----

SELECT is(told(bought('2022-06-01=80', '2023-06-01=30'), '{"levels": {"Silver": 25, "Gold": 50, "Platinum": 75}, "qualifying_window": "calendar year", "valid": "next_period_end", "grace": "2 months"}', '2025-12-31'),
	E'2022-06-01 Member joined\n2022-06-01 Platinum qualified until 2024-01-01\n2024-03-01 Silver grace ended until 2025-01-01\n2025-03-01 Member grace ended', 'after grace comes what the year that ended gives, as without it');
SELECT is(told(bought('2022-06-01=80', '2023-06-01=30', '2024-02-10=55'), '{"levels": {"Silver": 25, "Gold": 50, "Platinum": 75}, "qualifying_window": "calendar year", "valid": "next_period_end", "grace": "2 months"}', '2024-12-31'),
	E'2022-06-01 Member joined\n2022-06-01 Platinum qualified until 2024-01-01\n2024-03-01 Gold grace ended until 2026-01-01', '... or more, which was earned since');
SELECT is(told(bought('2022-06-01=80', '2023-06-01=30', '2024-02-10=75'), '{"levels": {"Silver": 25, "Gold": 50, "Platinum": 75}, "qualifying_window": "calendar year", "valid": "next_period_end", "grace": "2 months"}', '2024-12-31'),
	E'2022-06-01 Member joined\n2022-06-01 Platinum qualified until 2024-01-01\n2024-02-10 Platinum requalified until 2026-01-01', '... and in it the tier can be kept');
SELECT is(told(bought('2023-01-10=300', '2023-12-01=100'), '{"levels": {"Silver": 100, "Gold": 300}, "qualifying_window": "6 months", "valid": "1 year", "grace": "3 months"}', '2025-12-31'),
	E'2023-01-10 Member joined\n2023-01-10 Gold qualified until 2024-01-10\n2024-04-10 Silver grace ended until 2025-04-10\n2025-07-10 Member grace ended', 'a rolling window may give the same then, for longer');
SELECT is(told(bought('2023-01-10=300', '2023-08-01=100'), '{"levels": {"Silver": 100, "Gold": 300}, "qualifying_window": "6 months", "valid": "1 year", "grace": "3 months"}', '2025-12-31'),
	E'2023-01-10 Member joined\n2023-01-10 Gold qualified until 2024-01-10\n2024-04-10 Silver grace ended until 2025-01-10\n2025-04-10 Member grace ended', '... or no longer, and what it gave before holds');
SELECT is(told(bought('2023-01-10=300', '2024-01-20=100'), '{"levels": {"Silver": 100, "Gold": 300}, "qualifying_window": "6 months", "valid": "1 year", "grace": "1 month", "downgrade": "to_base"}', '2024-12-31'),
	E'2023-01-10 Member joined\n2023-01-10 Gold qualified until 2024-01-10\n2024-02-10 Silver grace ended until 2025-01-20', 'who falls to the base tier, and rises from there while grace runs, has that at its end');
SELECT is(told(bought('2022-06-01=80', '2023-06-01=30'), '{"levels": {"Silver": 25, "Gold": 50, "Platinum": 75}, "qualifying_window": "calendar year", "valid": "next_period_end", "downgrade": "one_level", "grace": "2 months"}', '2026-12-31'),
	E'2022-06-01 Member joined\n2022-06-01 Platinum qualified until 2024-01-01\n2024-03-01 Gold grace ended until 2025-01-01\n2025-03-01 Silver grace ended until 2026-01-01\n2026-03-01 Member grace ended', 'soft landing with grace');

-- ---- status to the end of March ----

SELECT is(told(bought('2023-05-01=60', '2024-06-01=30'), '{"levels": {"B": 25, "S": 50}, "qualifying_window": "calendar year", "valid": "next_period_end + 3 months"}', '2026-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 S qualified until 2025-04-01\n2025-04-01 B lapsed until 2026-04-01\n2026-04-01 Member lapsed', 'to 31 March: what the year that ended gives, not its first three months');
SELECT is(told(bought('2023-05-01=60', '2024-06-01=30', '2025-03-31=50'), '{"levels": {"B": 25, "S": 50}, "qualifying_window": "calendar year", "valid": "next_period_end + 3 months"}', '2025-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 S qualified until 2025-04-01\n2025-03-31 S requalified until 2027-04-01', '... and the year that runs, if it gives more');
SELECT is(told(bought('2023-05-01=60'), '{"levels": {"S": 50}, "qualifying_window": "calendar year", "valid": "period_end + 3 months"}', '2025-12-31'),
	E'2023-05-01 Member joined\n2023-05-01 S qualified until 2024-04-01\n2024-04-01 S requalified until 2025-04-01\n2025-04-01 Member lapsed', 'the year that ended keeps it, too');

-- ---- from which period validity counts ----

SELECT is(told(bought('2023-05-01=60'), ('{"levels": {"S": 50}, "qualifying_window": "calendar year", "valid": "next_period_end", "upgrade": "' || u || '"}')::tier_policy, '2026-12-31'),
	E'2023-05-01 Member joined\n' || begins || E' S qualified until 2025-01-01\n2025-01-01 Member lapsed', 'earned in 2023, held through 2024, with upgrade ' || u) FROM (VALUES ('at_once', '2023-05-01'), ('period_end', '2024-01-01')) v(u, begins);
SELECT is(told(bought('2023-05-01=60', '2024-05-01=50'), '{"levels": {"S": 50}, "qualifying_window": "calendar year", "valid": "next_period_end", "upgrade": "period_end"}', '2026-12-31'),
	E'2023-05-01 Member joined\n2024-01-01 S qualified until 2025-01-01\n2025-01-01 S requalified until 2026-01-01\n2026-01-01 Member lapsed', '... and requalified for the next');

-- ---- what must still be earned ----

CREATE FUNCTION missing(timeline event_timeline, policy tier_policy, as_of date) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT string_agg(concat_ws(' ', p.value, coalesce(p.missing_to_keep::text, '-'), coalesce(p.missing_as_of::text, '-'), p.projected_tier), ', ' ORDER BY n) FROM tier_progress(timeline, policy, as_of) WITH ORDINALITY p(tier, rank, next_tier, metric, value, missing_to_next, valid_until, missing_to_keep, missing_as_of, projected_tier, n) $$;
SELECT is(missing(bought('2023-11-30=300.00'), '{"Silver": 300}', '2024-10-31'), '300.00 0.01 0.00 Member', 'what earned the tier is there until its last day: any purchase by then renews it');
SELECT is(missing(bought('2023-10-15=200', '2023-11-30=100'), '{"Silver": 300}', '2024-10-01'), '300 200 0 Member', '... but what leaves before must be earned again');
SELECT is(missing(bought('2023-10-15=200', '2023-11-30=100', '2024-07-01=150'), '{"Silver": 300}', '2024-08-01'), '450 150 0 Member', '... renewed until July 2025: half of it was bought then, and is there on the last day');
SELECT is(missing(bought('2023-05-01=80'), '{"levels": {"Silver": 50}, "qualifying_window": "calendar year", "valid": "next_period_end"}', d), m, 'to the end of the next year, that year counts: on ' || d) FROM (VALUES (date '2023-12-31', '80 50 0 Member'), ('2024-01-01', '0 50 50 Member')) v(d, m);
SELECT is(missing(bought('2023-05-01=80', '2024-03-01=20'), '{"levels": {"Silver": 50}, "qualifying_window": "calendar year", "valid": "next_period_end"}', '2024-06-30'), '20 30 30 Member', '... and what is earned in it');
SELECT is(missing(bought('2024-05-01=80'), '{"levels": {"Silver": 50}, "qualifying_window": "calendar year", "valid": "period_end"}', '2024-06-30'), '80 0 0 Silver', 'what is there already');
SELECT is(missing(bought('2024-01-10=600'), '{"levels": {"Silver": 500}, "grace": "3 months"}', '2025-02-01'), '0 500 500 Member', 'in grace: by its end');
SELECT is(missing(bought('2024-01-10=600', '2024-02-20=-150'), '{"levels": {"Silver": 500}}', '2024-03-01'), '450 50 50 Member', 'a return is made good for');
SELECT is(missing(bought('2024-01-10=600', '2024-01-10=-150'), '{"levels": {"Silver": 400}, "qualifying_window": "1 month", "valid": "45 days"}', '2024-01-31'), '450 400 0 Member', 'nothing is left in a short window');
SELECT is(missing(bought('2024-01-10=500'), '{"levels": {"S": 500}, "valid": "while_qualified"}', '2024-03-01'), '500 - 0 S', 'an open end needs nothing');
SELECT is((SELECT missing_to_next FROM tier_progress(bought('2024-01-10=' || v), '{"levels": {"S": 500}, "threshold": "exceeded"}', '2024-03-01')), m::numeric, 'what exceeds the threshold: of ' || v) FROM (VALUES ('500', '0.01'), ('500.00', '0.01'), ('499.99', '0.02'), ('499.999', '0.002')) v(v, m);
SELECT is((SELECT missing_to_next FROM tier_progress(bought('2024-01-10=5'), '{"levels": {"S": 2.5}, "metrics": {"orders": {"of": "events"}}}', '2024-03-01')), 2::numeric, 'orders are whole');
SELECT is(missing('[{"at": "2024-01-10T00:00Z", "value": 100}, {"at": "2024-02-01T00:00Z", "kind": "tier_grant", "label": "Gold", "expires_at": "2024-08-01T00:00Z"}]', '{"levels": {"Silver": 500, "Gold": 2000}, "qualifying_window": "calendar year", "valid": "next_period_end", "upgrade": "period_end"}', '2024-03-01'), '100 - 1900 Member', 'what a grant gave, and no amount reaches before it ends');
-- near goes by it: the one lacks 200, the other any purchase
SELECT is((SELECT t.near_keep FROM (SELECT timelines(c, at::timestamptz, v) b FROM (VALUES (1, '2023-10-15', 200), (1, '2023-11-30', 100), (2, '2024-01-10', 400), (3, '2023-11-30', 100)) v(c, at, v)) q CROSS JOIN LATERAL tier_near_table(tier_near(b, '{"Silver": 300}', '2024-10-01', w)) t WHERE rank = 1), n::bigint, 'near keeping, within ' || w) FROM (VALUES (0.01, 0), (1, 1), (200, 1), (201, 2)) v(w, n);

-- ---- a history that orders are joined to ----

SELECT results_eq($$SELECT tier, valid_from::date, valid_to::date, promised_until::date, reason FROM tier_history(bought('2024-01-10=600', '2024-06-10=100', '2024-09-01=1400'), '{"Silver": 500, "Gold": 2000}', '2024-12-31')$$,
	$$VALUES ('Member', date '2024-01-10', date '2024-01-10', NULL::date, 'joined'), ('Silver', '2024-01-10', '2024-09-01', '2025-06-10', 'qualified'), ('Gold', '2024-09-01', NULL, '2025-09-01', 'qualified')$$, 'a row for each tier that he had');
SELECT results_eq($$SELECT tier, valid_from::date, valid_to::date, promised_until::date, reason FROM tier_history(bought('2024-01-10=600', '2024-06-10=100', '2024-09-01=1400'), '{"Silver": 500, "Gold": 2000}', '2024-12-31', requalifications => true)$$,
	$$VALUES ('Member', date '2024-01-10', date '2024-01-10', NULL::date, 'joined'), ('Silver', '2024-01-10', '2024-06-10', '2025-01-10', 'qualified'), ('Silver', '2024-06-10', '2024-09-01', '2025-06-10', 'requalified'), ('Gold', '2024-09-01', NULL, '2025-09-01', 'qualified')$$, '... and for each promise');
SELECT results_eq($$SELECT e.at::date, h.tier FROM (SELECT bought('2024-01-10=600', '2024-06-10=100', '2024-09-01=1400') AS t) t, timeline_events(t) e, tier_history(t, '{"Silver": 500, "Gold": 2000}', '2024-12-31') h WHERE e.at >= h.valid_from AND (h.valid_to IS NULL OR e.at < h.valid_to) ORDER BY 1$$,
	$$VALUES (date '2024-01-10', 'Silver'), ('2024-06-10', 'Silver'), ('2024-09-01', 'Gold')$$, '... each order in one');
SELECT is((SELECT promised_until FROM tier_history('[{"at": "2024-01-10T00:00Z", "value": 500}, {"at": "2024-02-01T00:00Z", "kind": "tier_grant", "label": "S", "expires_at": "2024-08-01T00:00Z"}, {"at": "2024-03-01T00:00Z", "kind": "return", "value": 100}]', '{"levels": {"S": 500}, "valid": "while_qualified"}', '2024-12-31') WHERE tier = 'S'), '2024-08-01Z', 'the promise at the end: of the grant that outlived the rules');
SELECT throws_ok($$SELECT * FROM tier_history('[]', '{"S": 500}', '2024-12-31', NULL)$$, '22004', 'requalifications must not be null', 'with or without');

-- ---- kinds ----

CREATE FUNCTION of_kind(kind text) RETURNS event_timeline
LANGUAGE sql AS $$ SELECT timeline_agg(e) FROM (VALUES (make_event(at => '2024-01-10', value => 300)), (make_event(at => '2024-01-11', value => 300, kind => 'purchase')), (make_event(at => '2024-02-10', value => 500, kind => of_kind.kind))) v(e) $$;
SELECT throws_ok(format('SELECT tier(of_kind(%L), %L, %L)', kind, p, '2024-12-31'), '22023', 'kind "' || kind || '" is not in the tier policy', kind || ' is no purchase, under ' || p)
FROM (VALUES ('redeem', '{"S": 500}'), ('page_view', '{"S": 500}'), ('REDEMPTION', '{"levels": {"S": 500}, "metrics": {"visits": {"of": "days"}}}'), ('forfeit', '{"levels": {"S": 500}, "metrics": {"nights": {"labels": ["night"]}}}'),
	('adjust', '{"levels": [{"tier": "S", "any": {"a": 1, "b": 500}}], "metrics": {"a": {"kinds": ["stay"]}, "b": {}}}')) v(kind, p);
SELECT is(tier(of_kind('redeem'), '{"S": 500}', '2024-02-09'), 'S', '... from its day on');
SELECT throws_ok($$SELECT tier(of_kind('redeem'), '{"levels": {"S": 500}, "join_kind": "enrol"}', '2024-02-10')$$, '22023', NULL, '... be he a member or not');
SELECT is((SELECT value FROM tier_progress(of_kind(kind), p::tier_policy, '2024-12-31')), v::numeric, what) FROM (VALUES
	('redeem', '{"levels": {"S": 500}, "other_kinds": "ignore"}', 600, 'unless they are ignored'), ('purchase', '{"S": 500}', 1100, 'purchases count'), ('return', '{"S": 500}', 100, 'a return lowers, whatever its sign'),
	('return', '{"levels": {"S": 500}, "metrics": {"orders": {"of": "events"}}}', 2, '... and is no order'), ('return', '{"levels": {"S": 500}, "metrics": {"days": {"of": "days"}}}', 2, '... nor a day'),
	('return', '{"levels": {"S": 500}, "metrics": {"gross": {"values": "positive"}}}', 600, '... nor bought'), ('return', '{"levels": {"S": 500}, "metrics": {"all": {"kinds": ["purchase", "return"]}}}', 800, 'where kinds are named, values count as they are'),
	('redeem', '{"levels": {"S": 500}, "metrics": {"all": {"kinds": ["purchase"]}}}', 300, '... and others don''t')) v(kind, p, v, what);
SELECT is(tier('[{"at": "2024-01-10T00:00Z", "value": 100, "kind": "return"}, {"at": "2024-01-10T00:00Z", "value": -100, "kind": "return"}, {"at": "2024-01-10T00:00Z", "kind": "return"}, {"at": "2024-01-10T00:00Z", "value": 700}]', '{"S": 500}', '2024-12-31'), 'S', 'returns with either sign, and without a value');
SELECT results_eq($$SELECT metric, value FROM tier_progress('[{"at": "2024-01-10T00:00Z", "value": 100, "kind": "stay"}, {"at": "2024-01-10T00:00Z", "value": 30}]', '{"levels": [{"tier": "S", "any": {"a": 1, "b": 500}}], "metrics": {"a": {"kinds": ["stay"]}, "b": {}}}', '2024-12-31')$$, $$VALUES ('a', 100::numeric), ('b', 30)$$, 'a kind that another metric names is known');
SELECT is(tier('[{"at": "2024-01-10T00:00Z", "kind": "page_view"}, {"at": "2024-02-10T00:00Z", "value": 5}]', '{"levels": {"S": 5}, "other_kinds": "ignore"}', d), t, 'what is ignored is no beginning: on ' || d) FROM (VALUES (date '2024-02-09', NULL), ('2024-02-10', 'S')) v(d, t);
SELECT is(tier('[{"at": "2024-01-10T00:00Z", "kind": "page_view"}]', '{"levels": {"S": 5}, "other_kinds": "ignore"}', d), 'Member', 'nothing else is nothing: on ' || d) FROM (VALUES (date '2023-12-31'), ('2024-12-31')) v(d);

-- ---- versions ----

SELECT is(told(bought('2024-01-10=600', '2024-08-10=100'), '{"levels": {"Silver": 500}, "versions": [{"from": "2024-07-01", "levels": {"Silver": 800}}]}', '2025-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-01-10\n2025-01-10 Member lapsed', 'what is reached stays until it ends; the new threshold decides then');
SELECT is(told(bought('2024-01-10=600'), '{"levels": {"Silver": 800}, "versions": [{"from": "2024-07-01", "levels": {"Silver": 500}}]}', '2024-12-31'), E'2024-01-10 Member joined\n2024-07-01 Silver qualified until 2025-07-01', 'a lower threshold lifts on its first day');
SELECT is(told(bought('2024-01-10=900'), '{"levels": {"Silver": 500, "Top": null}, "versions": [{"from": "2024-07-01", "levels": {"Silver": 500, "Top": 900}, "valid": "6 months"}]}', '2025-12-31'), E'2024-01-10 Member joined\n2024-01-10 Silver qualified until 2025-01-10\n2024-07-01 Top qualified until 2025-01-01\n2025-01-01 Top requalified until 2025-07-01\n2025-07-01 Member lapsed', 'a tier that is new');
SELECT is((SELECT next_tier FROM tier_progress(bought('2024-01-10=900'), '{"levels": {"Silver": 500, "Top": null}, "versions": [{"from": "2024-07-01", "levels": {"Silver": 500, "Top": 9000}}]}', d)), t, 'the next tier on ' || d) FROM (VALUES (date '2024-06-30', NULL), ('2024-07-01', 'Top')) v (d, t);

-- ---- clocks ----

SET LOCAL timezone = 'Europe/Helsinki';
-- 30 March 2024 has 03:30; 31 March doesn't
SELECT is(told(bought('2024-02-29 03:30=10'), '{"levels": {"S": 10}, "qualifying_window": "1 month", "valid": "31 days"}', '2024-12-31'), E'2024-02-29 03:30 Member joined\n2024-02-29 03:30 S qualified until 2024-03-31 04:30\n2024-03-31 04:30 Member lapsed', 'an hour that isn''t there');
SELECT is(told(bought('2024-03-30 12:00=10'), '{"levels": {"S": 10}, "qualifying_window": "1 day", "valid": "24 hours"}', '2024-12-31'), E'2024-03-30 12:00 Member joined\n2024-03-30 12:00 S qualified until 2024-03-31 13:00\n2024-03-31 13:00 Member lapsed', 'a day isn''t 24 hours');
-- 01:50 summer time, 01:10 winter time 20 minutes later: the later event leaves first
SET LOCAL timezone = 'America/New_York';
SELECT is(told('[{"at": "2023-11-05T01:50-04:00", "value": 10}, {"at": "2023-11-05T01:10-05:00", "value": 10}]', '{"levels": {"S": 10, "G": 20}, "qualifying_window": "1 month", "valid": "while_qualified"}', '2024-12-31'),
	E'2023-11-05 01:50 Member joined\n2023-11-05 01:50 S qualified\n2023-11-05 01:10 G qualified\n2023-12-05 01:10 S lapsed\n2023-12-05 01:50 Member lapsed', 'an hour that comes twice');
SELECT is(tier('[{"at": "2024-03-31T23:30-04:00", "value": 10}]', '{"levels": {"S": 10}, "qualifying_window": "calendar month", "valid": "period_end"}', '2024-03-31'), 'S', 'days are the session''s');
SELECT is(tier('[{"at": "2024-03-31T23:30-04:00", "value": 10}]', '{"levels": {"S": 10}, "qualifying_window": "calendar month", "valid": "period_end", "zone": "UTC"}', '2024-03-31'), NULL, '... or the policy''s');
SET LOCAL timezone = 'UTC';

-- ---- arguments ----

SELECT is(tier(NULL, '{"S": 5}'), NULL, 'a NULL timeline');
SELECT is(tier_rank(NULL, '{"S": 5}'), NULL, '... for each');
SELECT is(tier_at(NULL, '{"S": 5}'), NULL, '... of them');
SELECT is((SELECT count(*) FROM tier_history(NULL, '{"S": 5}')) + (SELECT count(*) FROM tier_progress(NULL, '{"S": 5}')), 0::bigint, '... no rows');
SELECT throws_ok('SELECT ' || call, state, message, call) FROM (VALUES
	($$tier('[]', NULL)$$, '22004', 'policy must not be null'), ($$tier('[]', '{"S": 5}', NULL)$$, '22004', 'as_of must not be null'), ($$tier('[]', '{"S": 5}', 'infinity')$$, '22008', 'as_of must be finite, not ''infinity'''), ($$tier_rank('[]', '{"S": 5}', '-infinity')$$, '22008', 'as_of must be finite, not ''-infinity'''),
	($$tier_at('[]', '{"S": 5}', NULL)$$, '22004', 'at must not be null'), ($$tier_at('[]', '{"S": 5}', 'infinity')$$, '22008', 'at must be finite, not ''infinity'''), ($$tier(NULL, NULL)$$, '22004', 'policy must not be null'),
	($$count(*) FROM tier_history('[]', NULL)$$, '22004', 'policy must not be null'), ($$count(*) FROM tier_progress('[]', '{"S": 5}', NULL)$$, '22004', 'as_of must not be null')) v (call, state, message);
SELECT is((SELECT count(*) FROM tier_progress('[{"at": "2024-01-05T00:00Z", "value": 5}]', '{"S": 5}', '2024-01-04')), 0::bigint, 'who isn''t a member has no progress');
-- the largest values and days
SELECT is(tier_rank(timeline_agg(make_event(at => at, value => 9223372036854775807)), '{"S": 9223372036854775807}', '2024-12-31'), 1, 'sums go beyond int64') FROM generate_series(timestamptz '2024-01-01', '2024-01-09', '1 day') at;
SELECT is((SELECT value FROM tier_progress(timeline_agg(make_event(at => at, value => -92233720368547758.07)), '{"S": 5}', '2024-12-31')), -9 * 92233720368547758.07, '... and below') FROM generate_series(timestamptz '2024-01-01', '2024-01-09', '1 day') at;
SELECT is(told('[{"at": "2024-01-05T00:00Z", "value": 5}]', '{"levels": {"S": 5}, "valid": "178000000 years", "qualifying_window": "178000000 years"}', '5000-01-01'), E'2024-01-05 Member joined\n2024-01-05 S qualified', 'what ends beyond all time doesn''t');
SELECT is(tier('[{"at": "294276-12-30T00:00Z", "value": 5}]', '{"S": 5}', '294276-12-30'), 'S', 'the last days there are');
SELECT is(tier('[{"at": "4713-01-02T00:00Z BC", "value": 5}]', '{"S": 5}', d), t, 'the first ones: ' || d) FROM (VALUES (date '4713-01-02 BC', 'S'), ('4712-01-01 BC', 'S'), ('4712-01-02 BC', 'Member')) v (d, t);
SELECT is(told('[{"at": "0044-03-15T00:00Z BC", "value": 5}, {"at": "0043-03-15T00:00Z BC", "value": 5}, {"at": "0043-03-14T00:00Z BC", "value": 1}]', '{"levels": {"S": 6}, "qualifying_window": "membership year", "valid": "period_end"}', '0042-12-31 BC'), E'0044-03-15 Member joined\n0043-03-14 S qualified until 0043-03-15\n0043-03-15 S requalified until 0042-03-15\n0042-03-15 Member lapsed', 'years before Christ');

SELECT * FROM finish();
ROLLBACK;
