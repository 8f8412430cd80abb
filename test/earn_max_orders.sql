--
-- A cap on the number of orders that earn: worked examples, all by hand.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(29);
SET LOCAL timezone = 'UTC';

-- what each order earns, in order: points, and why if a cap of orders cut
CREATE FUNCTION earned(timeline event_timeline, policy earn_policy) RETURNS text[]
LANGUAGE sql AS $$
	SELECT array_agg(concat_ws(' ', trim_scale(e.points), substring(e.explanation FROM 'capped by [0-9]+ orders? .*')) ORDER BY n)
	FROM points_accrual_events(timeline, policy) WITH ORDINALITY e(at, ref, amount, points, explanation, n)
$$;

-- Points that the timeline of points comes to.
CREATE FUNCTION total(timeline event_timeline, policy earn_policy) RETURNS int
LANGUAGE sql AS $$ SELECT coalesce(sum(e.value), 0)::int FROM timeline_events(points_accrual(timeline, policy)) e $$;

-- visits of 10, 20, 40 and 80 on one day, 160 on the next, 320 in the next month, 640 in the next year
CREATE TABLE visits AS SELECT timeline_agg(make_event(at => at, value => value)) AS t
FROM (VALUES (timestamptz '2024-01-30 09:00Z', 10), ('2024-01-30 10:00Z', 20), ('2024-01-30 11:00Z', 40), ('2024-01-30 12:00Z', 80), ('2024-01-31 09:00Z', 160), ('2024-02-01 09:00Z', 320), ('2025-01-01 09:00Z', 640)) v(at, value);
SELECT is(earned(t, '{"max_orders": {"day": 3}}'), '{10,20,40,"0 capped by 3 orders a day",160,320,640}', 'the first three of a day') FROM visits;
SELECT is(earned(t, '{"max_orders": {"day": 1}}'), '{10,"0 capped by 1 order a day","0 capped by 1 order a day","0 capped by 1 order a day",160,320,640}', '... the first one') FROM visits;
SELECT is(earned(t, '{"max_orders": {"month": 4}}'), '{10,20,40,80,"0 capped by 4 orders a month",320,640}', '... of a month') FROM visits;
SELECT is(earned(t, '{"max_orders": {"year": 5}}'), '{10,20,40,80,160,"0 capped by 5 orders a year",640}', '... of a year') FROM visits;
SELECT is(earned(t, '{"max_orders": {"lifetime": 6}}'), '{10,20,40,80,160,320,"0 capped by 6 orders in all"}', '... in all') FROM visits;
SELECT is(earned(t, '{"max_orders": {"day": 2, "month": 2}}'), '{10,20,"0 capped by 2 orders a day","0 capped by 2 orders a day","0 capped by 2 orders a month",320,640}', 'several: the first of them that is reached') FROM visits;
SELECT is(earned(t, '{"max_orders": {"lifetime": 0}}'), array_fill('0 capped by 0 orders in all'::text, '{7}'), 'none at all') FROM visits;
SELECT is(total(t, '{"max_orders": {"day": 3}}'), 10 + 20 + 40 + 160 + 320 + 640, 'the points alone') FROM visits;
-- in Helsinki 2024-01-30 22:30Z is the next day
SELECT is(earned('[{"at": "2024-01-30T20:00Z", "value": 1}, {"at": "2024-01-30T22:30Z", "value": 2}, {"at": "2024-01-30T23:30Z", "value": 4}]', '{"max_orders": {"day": 1}, "zone": "Europe/Helsinki"}'), '{1,2,"0 capped by 1 order a day"}', 'of the local day');

-- ---- which orders count ----

SELECT is(earned('[{"at": "2024-01-30T09:00Z", "value": 5}, {"at": "2024-01-30T10:00Z", "value": 20}, {"at": "2024-01-30T11:00Z", "value": 40}]', '{"minimum": 10, "max_orders": {"day": 1}}'), '{0,20,"0 capped by 1 order a day"}', 'an order that earns nothing doesn''t count');
SELECT is(earned('[{"at": "2024-01-30T09:00Z", "value": 5, "label": "gift"}, {"at": "2024-01-30T10:00Z", "value": 20}, {"at": "2024-01-30T11:00Z", "value": 40}]', '{"excluded_labels": ["gift"], "max_orders": {"day": 1}}'), '{0,20,"0 capped by 1 order a day"}', '... nor one that is excluded');
SELECT is(earned('[{"at": "2024-01-30T09:00Z", "value": 30}, {"at": "2024-01-30T10:00Z", "value": 20}, {"at": "2024-01-31T11:00Z", "value": 40}]', '{"caps": {"day": 30}, "max_orders": {"month": 2}}'), '{30,0,30}', '... nor one that another cap leaves nothing');
SELECT is(earned('[{"at": "2024-01-30T09:00Z", "value": 5, "ref": 1}, {"at": "2024-01-30T09:00Z", "value": 6, "ref": 1}, {"at": "2024-01-30T10:00Z", "value": 20, "ref": 1}, {"at": "2024-01-30T11:00Z", "value": 40, "ref": 2}]', '{"max_orders": {"day": 1}}'), '{11,20,"0 capped by 1 order a day"}', 'the lines of an order are one, later ones, too');
SELECT is(earned('[{"at": "2024-01-30T09:00Z", "value": 5, "ref": 1}, {"at": "2024-01-30T10:00Z", "value": 20, "ref": 2}, {"at": "2024-01-31T10:00Z", "value": 40, "ref": 2}]', '{"max_orders": {"day": 1}}'), '{5,"0 capped by 1 order a day",40}', 'what was cut is gone: a line on another day earns for itself');
SELECT is(earned('[{"at": "2024-01-30T09:00Z", "value": 5, "ref": 1}, {"at": "2024-01-31T09:00Z", "value": 20, "ref": 2}, {"at": "2024-01-31T10:00Z", "value": 40, "ref": 1}, {"at": "2024-01-31T11:00Z", "value": 80}]', '{"max_orders": {"day": 1}}'), '{5,20,40,"0 capped by 1 order a day"}', 'an order that has begun goes on, and counts on its first day only');
SELECT is(total('[{"at": "2024-01-30T09:00Z", "value": 5, "ref": 1}, {"at": "2024-01-30T10:00Z", "value": -5, "ref": 1}, {"at": "2024-01-30T11:00Z", "value": 40, "ref": 2}]', '{"max_orders": {"day": 1}}'), 0, 'a return gives nothing back to the cap');
SELECT is(total('[{"at": "2024-01-30T09:00Z", "value": 5, "ref": 1}, {"at": "2024-01-30T10:00Z", "value": 20, "ref": 2}, {"at": "2024-01-30T11:00Z", "value": -20, "ref": 2}]', '{"max_orders": {"day": 1}}'), 5, 'what earned nothing gives nothing back');
SELECT is(total('[{"at": "2024-01-30T09:00Z", "value": 5}, {"at": "2024-01-30T10:00Z", "value": 20}, {"at": "2024-01-30T11:00Z", "value": 40}]', '{"max_orders": {"day": 1}, "bonuses": {"nth_purchase": [{"n": 3, "points": 100}]}}'), 105, 'bonuses come all the same');
SELECT is(earned('[{"at": "2024-01-30T09:00Z", "value": 5}, {"at": "2024-01-30T10:00Z", "value": 20}, {"at": "2024-02-01T10:00Z", "value": 20}]', '{"max_orders": {"day": 1}, "multipliers": [{"times": 3, "cap": {"lifetime": 50}}]}'), '{15,"0 capped by 1 order a day",60}', 'a multiplier''s cap isn''t used up by what was cut: 10, then 40');
SELECT is(earned(t, '{"max_orders": {"month": 2}, "versions": [{"from": "2024-01-31", "max_orders": {"month": 3}}, {"from": "2024-02-01", "max_orders": {}}]}'), '{10,20,"0 capped by 2 orders a month","0 capped by 2 orders a month",160,320,640}', 'versions go on counting') FROM visits;
SELECT is(points_earned(100, '{"max_orders": {"day": 0}}'), 100.0, 'one order alone isn''t cut');

-- ---- in a programme ----

SELECT is(s.points_earned, 1190.0, 'a programme''s orders, on the quick way') FROM visits, program_summary(t, '{"earn": {"max_orders": {"day": 3}}}', '2025-02-01') s;
SELECT is((SELECT array_agg(s.points::int ORDER BY s.at) FROM visits, program_statement(t, '{"earn": {"max_orders": {"day": 3}}}', '2025-02-01') s), '{10,20,40,0,160,320,640}', '... and on the other');

-- ---- the rules' text ----

SELECT is('{"max_orders": {"lifetime": 100, "day": 3.0, "month": null}}'::earn_policy::text, '{"max_orders": {"day": 3, "lifetime": 100}}', 'the text');
SELECT is('{"max_orders": {}}'::earn_policy::text, '{}', 'none is the default');
SELECT throws_ok($$SELECT '{"max_orders": {"day": 2.5}}'::earn_policy$$, '22P02', '"max_orders.day" of an earn_policy is not a whole number, 0 or more', 'a part of an order');
SELECT throws_ok($$SELECT '{"max_orders": {"order": 2}}'::earn_policy$$, '22P02', 'unknown key "order" in an earn_policy at "max_orders"', 'orders of an order');
SELECT throws_ok($$SELECT '{"max_orders": 3}'::earn_policy$$, '22P02', '"max_orders" of an earn_policy is not an object', 'of what');
SELECT is(make_earn_policy(max_orders => '{"day": 3}'), '{"max_orders": {"day": 3}}', 'from arguments');

SELECT * FROM finish();
ROLLBACK;
