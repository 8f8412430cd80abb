--
-- Earning on worked examples: rates and rounding, orders of several lines, returns, parts
-- paid with points, multipliers, bonuses, caps, versions, local days and hours, explanations.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(132);

-- What a timeline earns, as 'points kind label ref' in time order.
CREATE FUNCTION earned(timeline event_timeline, policy earn_policy) RETURNS text[]
LANGUAGE sql STABLE AS $$
	SELECT coalesce(array_agg(concat_ws(' ', trim_scale(value), kind, label, ref) ORDER BY n), '{}') FROM timeline_events(points_accrual(timeline, policy)) WITH ORDINALITY e(at, value, kind, label, ref, expires_at, n)
$$;
CREATE FUNCTION explained(timeline event_timeline, policy earn_policy) RETURNS text[]
LANGUAGE sql STABLE AS $$
	SELECT coalesce(array_agg(trim_scale(points) || ': ' || explanation ORDER BY n), '{}') FROM points_accrual_events(timeline, policy) WITH ORDINALITY e(at, ref, amount, points, explanation, n)
$$;

-- ---- rates and rounding ----

SELECT is(points_earned(450, '{"rate": 10, "per": 200, "full_steps": true}'), 20::numeric, '10 per full 200: 450 earns 20');
SELECT is(points_earned(450, '{"rate": 10, "per": 200}'), 22::numeric, '... in proportion 22.5, cut');
SELECT is(points_earned(450, '{"rate": 10, "per": 200, "decimals": 1}'), 22.5, '... or kept');
SELECT is(points_earned(399.99, '{"rate": 10, "per": 200, "full_steps": true}'), 10::numeric, 'a cent short of a step');
SELECT is(points_earned(2.50, '{"rate": 2}'), 5::numeric, '2 per $1: 2.50 earns 5');
SELECT is(points_earned(3.00, '{"rate": 2}'), 6::numeric, '... 3.00 earns 6');
SELECT is(points_earned(3030, '{"rate": 0.03, "decimals": 2}'), 90.90, '3030 at 0.03 is 90.90 exactly');
SELECT is(points_earned(3030, '{"rate": 0.03}'), 90::numeric, '... 90 whole ones');
SELECT is(points_earned(1.1, '{"rate": 3, "per": 1.1}'), 3::numeric, 'what a float makes 2.9999');
SELECT is(points_earned(0.7, '{"rate": 10, "multipliers": [{"times": 0.1}], "decimals": 1}'), 0.7, '... or 0.7000000001');
SELECT is(points_earned(100, '{"per": 3}'), 33::numeric, 'a third');
SELECT is(points_earned(99, '{"per": 3}'), 33::numeric, '... exactly');
SELECT is((SELECT array_agg(points_earned(a, format('{"rounding": "%s"}', r)::jsonb) ORDER BY n) FROM unnest('{2.4,2.5,2.6,3.5,-2.4,-2.5,-2.6,-3.5}'::numeric[]) WITH ORDINALITY x(a, n)), want::numeric[], r || ' of 2.4, 2.5, 2.6, 3.5, and of returns')
FROM (VALUES ('truncate', '{2,2,2,3,-2,-2,-2,-3}'), ('floor', '{2,2,2,3,-3,-3,-3,-4}'), ('ceiling', '{3,3,3,4,-2,-2,-2,-3}'), ('half_up', '{2,3,3,4,-2,-3,-3,-4}'), ('half_down', '{2,2,3,3,-2,-2,-3,-3}'), ('half_even', '{2,2,3,4,-2,-2,-3,-4}')) v (r, want);
SELECT is(points_earned(19.99, '{"minimum": 20}'), 0::numeric, 'less than the minimum');
SELECT is(points_earned(20, '{"minimum": 20}'), 20::numeric, '... and just that');
SELECT is(points_earned(20.004, '{"minimum": 20.005}'), 0::numeric, '... with more decimals than the amount');
SELECT is(points_earned(NULL, '{}'), NULL, 'nothing bought');
SELECT is(points_earned(0, '{"rounding": "ceiling"}'), 0::numeric, 'bought for nothing');
SELECT throws_ok($$SELECT points_earned('NaN', '{}')$$, '22003', NULL, 'NaN');
SELECT throws_ok($$SELECT points_earned(9e17, '{"rate": 1000}')$$, '22003', 'points are out of range', 'more than can be counted');
SELECT is(points_earned(9e17, '{"rate": 10}'), 9000000000000000000::numeric, '... and what just can');
SELECT throws_ok($$SELECT points_earned(5, '{}', on_date => 'infinity')$$, '22008', NULL, 'no such day');

-- ---- labels, days, tiers of one order ----

SELECT is(points_earned(10, '{"multipliers": [{"times": 3, "labels": ["food"]}]}', label), points::numeric, 'a multiplier for a label: ' || coalesce(label, 'none')) FROM (VALUES ('food', 30), ('toys', 10), (NULL, 10)) v (label, points);
SELECT is(points_earned(10, '{"multipliers": [{"times": 2, "tiers": ["Silver", "Gold"]}, {"times": 3, "tiers": ["Gold"]}]}', tier => tier), points::numeric, 'tiers: ' || coalesce(tier, 'none')) FROM (VALUES ('Silver', 20), ('Gold', 30), ('Bronze', 10), (NULL, 10)) v (tier, points);
SELECT is(points_earned(10, '{"multipliers": [{"times": 2, "from": "2024-06-01", "until": "2024-07-01"}]}', on_date => day), points::numeric, 'a promotion in June, on ' || day) FROM (VALUES (date '2024-05-31', 10), ('2024-06-01', 20), ('2024-06-30', 20), ('2024-07-01', 10)) v (day, points);
SELECT is(points_earned(10, '{"multipliers": [{"times": 2, "weekdays": ["saturday"]}]}', on_date => '2024-06-01'), 20::numeric, 'a Saturday');
SELECT is(points_earned(10, '{"multipliers": [{"times": 2, "weekdays": ["saturday"]}]}', on_date => '1999-12-31'), 10::numeric, 'a Friday before 2000');
SELECT is(points_earned(10, '{"multipliers": [{"times": 2, "hours": ["00:00", "12:00"]}]}'), 10::numeric, 'hours are not known of a day');
SELECT is(points_earned(10, ('{"multipliers": [{"times": 2, "labels": ["a"]}, {"times": 3}, {"times": 1.5}], "combine": "' || combine || '"}')::earn_policy, 'a'), points::numeric, combine) FROM (VALUES ('highest', 30), ('multiply', 90), ('add', 45)) v (combine, points);
SELECT is(points_earned(100, '{"multipliers": [{"times": 3, "cap": {"order": 50, "month": 40}}], "caps": {"order": 120, "day": 1}}'), 120::numeric, 'caps of an order and of a multiplier, not of a day');
SELECT is(points_earned(10, '{"excluded_labels": ["gift card"]}', 'gift card'), 0::numeric, 'what earns nothing');

-- ---- orders, lines, returns ----

-- Example 5: orders of 10, 10 and 20 earning 10, 20 and 40.
\set lines '{"multipliers": [{"times": 2, "labels": ["b", "c"]}]}'
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 10, "label": "a", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 10, "label": "b", "ref": 2}, {"at": "2024-01-03T10:00Z", "value": 20, "label": "c", "ref": 3}, {"at": "2024-01-09T10:00Z", "value": -20, "ref": 3}]', :'lines'),
	'{10 earn a 1,20 earn b 2,40 earn c 3,-40 return 3}', 'by line: the return takes back its own 40');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 10, "label": "a", "ref": 1}, {"at": "2024-01-01T10:00Z", "value": 10, "label": "b", "ref": 1}, {"at": "2024-01-01T10:00Z", "value": 20, "label": "c", "ref": 1}, {"at": "2024-01-09T10:00Z", "value": -20, "ref": 1}]', :'lines'),
	'{70 earn 1,-35 return 1}', 'by amount, of one order: half of 70');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 0.6, "ref": 1}, {"at": "2024-01-01T10:00Z", "value": 0.6, "ref": 1}, {"at": "2024-01-01T10:00Z", "value": 0.6, "ref": 2}, {"at": "2024-01-01T10:00Z", "value": 0.6}, {"at": "2024-01-01T10:00Z", "value": 0.6}]', '{}'), '{1 earn 1}', 'an order is rounded once; those without a ref are orders of their own');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 1.5, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 1.5, "ref": 1}, {"at": "2024-01-03T10:00Z", "value": 1.5, "ref": 1, "kind": "other"}]', '{"kinds": {"other": "purchase"}}'), '{1 earn 1,2 earn 1,1 earn 1}', 'later lines earn the difference; another kind is another order');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 15, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 15, "ref": 1}]', '{"minimum": 20}'), '{30 earn 1}', 'below the minimum until further lines bring it there');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 42.50, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -20, "ref": 1}, {"at": "2024-01-03T10:00Z", "value": -30, "ref": 1}, {"at": "2024-01-04T10:00Z", "value": -5, "ref": 1}]', '{}'), '{42 earn 1,-20 return 1,-22 return 1}', 'returning all takes back all; beyond it nothing');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 42.50, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -42.50, "ref": 7}, {"at": "2024-01-02T10:00Z", "value": -42.50}]', '{"rounding": "half_up", "returns_beyond": "take"}'), '{43 earn 1,-43 return,-43 return 7}', 'a return of no order, at the rate of its day');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 42.50, "label": "gift", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 10, "ref": 2}, {"at": "2024-01-03T10:00Z", "value": -42.50, "ref": 1}, {"at": "2024-01-03T10:00Z", "value": -42.50, "label": "gift"}, {"at": "2024-01-04T10:00Z", "value": -10, "ref": 2}]', '{"excluded_labels": ["gift"], "minimum": 20}'), '{}', 'returns of what earned nothing take nothing back');
SELECT is(earned('[{"at": "2024-06-30T10:00Z", "value": 10, "ref": 1}, {"at": "2024-07-02T10:00Z", "value": 10, "ref": 1}, {"at": "2024-07-02T10:00Z", "value": 10, "ref": 2}, {"at": "2024-07-03T10:00Z", "value": -20, "ref": 1}, {"at": "2024-07-03T11:00Z", "value": -20}]', '{"versions": [{"from": "2024-07-01", "rate": 5}], "returns_beyond": "take"}'),
	'{10 earn 1,10 earn 1,50 earn 2,-20 return 1,-100 return}', 'an order and its returns follow the version of its first line');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-01T10:00Z", "value": -40, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 30, "ref": 2}, {"at": "2024-01-02T10:00Z", "value": 50, "kind": "paid_with_points", "ref": 2}, {"at": "2024-01-03T10:00Z", "value": -30, "ref": 1}]', '{}'), '{60 earn 1,-30 return 1}', 'what was paid with points earns nothing');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 60, "ref": 1, "label": "a"}, {"at": "2024-01-01T10:00Z", "value": 40, "ref": 1, "label": "b"}, {"at": "2024-01-01T10:00Z", "value": 50, "kind": "paid_with_points", "ref": 1}]', '{"multipliers": [{"times": 2, "labels": ["a"]}]}'), '{80 earn 1}', '... spread over the lines');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 80, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-03T10:00Z", "value": 10, "ref": 1}]', '{}'), '{100 earn 1,-80 return 1,10 earn 1}', '... and a payment that comes late takes back at once what it paid');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -60, "ref": 1}, {"at": "2024-01-02T11:00Z", "value": 80, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-03T10:00Z", "value": 0, "ref": 1}]', '{}'), '{100 earn 1,-60 return 1,-40 return 1}', '... but takes back no more than is left');
SELECT is(earned('[{"at": "2024-06-30T10:00Z", "value": 10, "ref": 1}, {"at": "2024-07-02T10:00Z", "value": 10, "label": "gift", "ref": 1}, {"at": "2024-07-02T10:00Z", "value": 10, "label": "gift", "ref": 2}]', '{"versions": [{"from": "2024-07-01", "excluded_labels": ["gift"]}]}'), '{10 earn 1,10 earn gift 1}', 'what is excluded later counts in an order that began before');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "kind": "SALE"}, {"at": "2024-01-02T10:00Z", "value": 10, "kind": "BACK"}, {"at": "2024-01-03T10:00Z", "value": -10, "kind": "SALE"}, {"at": "2024-01-04T10:00Z", "value": 25, "kind": "BURN"}, {"at": "2024-01-05T10:00Z", "value": -5.5, "kind": "redeem", "label": "shop", "ref": "r"}, {"at": "2024-01-06T10:00Z", "value": 7, "kind": "note"}]',
	'{"kinds": {"SALE": "purchase", "BACK": "return", "BURN": "redemption", "note": "ignore"}}'), '{100 earn,-10 return,-10 return,-25 redeem,-5.5 redeem shop r}', 'kinds');
SELECT is(points_accrual(NULL, '{}'), NULL, 'no timeline');
SELECT is(points_accrual('[]', '{}'), '[]', 'an empty one');
SELECT is(points_balance(points_accrual('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-05T10:00Z", "value": -25, "ref": 1}, {"at": "2024-01-09T10:00Z", "value": 30, "kind": "redeem"}]', '{"rate": 2, "bonuses": {"first_purchase": 15}}'),
	'{"kinds": {"earn": "earn", "bonus": "earn", "return": "return", "redeem": "redeem"}, "by_label": {"first_purchase": {"expires_after": "1 month"}}}', '2024-06-30'), 135::numeric, 'the balance of what was earned; the bonus was redeemed first');

-- ---- bonuses ----

\set bonuses '{"bonuses": {"joining": 100, "first_purchase": 50, "birthday": 200, "anniversary": 10, "referral": 25, "nth_purchase": [{"n": 2, "points": 5, "every": true}, {"n": 3, "points": 7}]}, "zone": "UTC"}'
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "kind": "join", "ref": 7}, {"at": "2024-01-02T10:00Z", "kind": "join"}, {"at": "2024-01-03T10:00Z", "value": 1, "ref": 8}, {"at": "2024-01-04T10:00Z", "value": 1, "ref": 9}, {"at": "2024-01-05T10:00Z", "value": 1}, {"at": "2024-01-06T10:00Z", "kind": "referral", "ref": "friend"}, {"at": "2024-01-07T10:00Z", "value": 1}, {"at": "2024-01-08T10:00Z", "value": 1, "ref": 9}]', :'bonuses'),
	'{100 bonus joining 7,50 bonus first_purchase 8,1 earn 8,5 bonus nth_purchase 9,1 earn 9,7 bonus nth_purchase,1 earn,25 bonus referral friend,5 bonus nth_purchase,1 earn,1 earn 9}', 'joining, purchases and referrals');
SELECT is(earned('[{"at": "2023-12-31T10:00Z", "value": 50}, {"at": "2023-12-31T10:00Z", "kind": "referral"}, {"at": "2024-01-01T10:00Z", "kind": "join"}, {"at": "2024-01-03T10:00Z", "value": 1}]', :'bonuses'), '{100 bonus joining,50 bonus first_purchase,1 earn}', 'what is earlier than membership earns nothing');
SELECT is((SELECT array_agg(format('%s %s', to_char(at, 'YYYY-MM-DD HH24:MI'), label)) FROM timeline_events(points_accrual('[{"at": "1992-02-29T12:00Z", "kind": "birth"}, {"at": "2023-02-28T10:00Z", "kind": "join"}, {"at": "2026-03-01T00:00Z", "kind": "note"}]', :'bonuses'::jsonb || '{"other_kinds": "ignore"}')) WHERE label <> 'joining'),
	'{"2024-02-28 00:00 anniversary","2024-02-29 00:00 birthday","2025-02-28 00:00 anniversary","2025-02-28 00:00 birthday","2026-02-28 00:00 anniversary","2026-02-28 00:00 birthday"}', 'born on 29 February: 28 February in other years; not on the day of joining, which began before');
SELECT is((SELECT array_agg(to_char(at, 'YYYY-MM-DD')) FROM timeline_events(points_accrual('[{"at": "2024-02-29T12:00Z", "kind": "join"}, {"at": "2028-12-01T00:00Z", "value": 0}]', :'bonuses')) WHERE label = 'anniversary'), '{2025-02-28,2026-02-28,2027-02-28,2028-02-29}', 'joined on 29 February: it comes back');
SELECT is((SELECT array_agg(at) FROM timeline_events(points_accrual('[{"at": "1990-10-26T22:30Z", "kind": "birth"}, {"at": "2023-05-01T00:00Z", "value": 1}, {"at": "2024-10-26T21:00Z", "value": 1}]', '{"zone": "Europe/Helsinki", "bonuses": {"birthday": 5}}')) WHERE kind = 'bonus'), '{2023-10-26 21:00Z,2024-10-26 21:00Z}', 'born on a local day, celebrated at its start');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "kind": "referral"}, {"at": "2024-01-01T11:00Z", "kind": "referral"}, {"at": "2024-12-31T11:00Z", "kind": "referral"}, {"at": "2025-01-01T11:00Z", "kind": "referral"}]', '{"bonuses": {"referral": {"points": 50, "cap": {"year": 80}}}, "zone": "UTC"}'), '{50 bonus referral,30 bonus referral,50 bonus referral}', 'a bonus with a cap of its own');

-- ---- kinds ----

-- what each kind that nobody names was: a purchase, which made points
SELECT throws_ok(format('SELECT points_accrual(%L, %L)', jsonb_build_array(jsonb_build_object('at', '2024-01-01T10:00Z', 'value', 10), jsonb_build_object('at', '2024-01-02T10:00Z', 'value', 20, 'kind', kind)), '{}'), '22023', format('kind "%s" has no role in the earn_policy', kind), 'a kind that nobody names: ' || kind)
FROM unnest('{forfeit,adjust,transfer,redeem_refund,earn,expire,REDEMPTION,redemption,page_view}'::text[]) kind;
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 10}, {"at": "2024-01-02T10:00Z", "value": 20, "kind": "page_view"}, {"at": "2024-01-03T10:00Z", "value": -4}]', '{"other_kinds": "ignore"}'), '{10 earn,-4 return}', '... is ignored where the rules say so');
SELECT is(earned('[{"at": "2023-01-01T10:00Z", "kind": "page_view"}, {"at": "2024-01-02T10:00Z", "value": 1}, {"at": "2024-03-01T10:00Z", "value": 1}]', '{"other_kinds": "ignore", "bonuses": {"anniversary": 5}}'), '{1 earn,1 earn}', '... and doesn''t begin membership');
SELECT throws_ok($$SELECT points_accrual('[{"at": "2024-01-02T10:00Z", "kind": "page_view"}]', '{}')$$, '22023', 'kind "page_view" has no role in the earn_policy', '... nor may it be there without a value');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 10, "kind": "purchase"}, {"at": "2024-01-02T10:00Z", "value": 4, "kind": "return"}, {"at": "2024-01-03T10:00Z", "value": -1, "kind": "return"}, {"at": "2024-01-04T10:00Z", "value": -2, "kind": "purchase"}, {"at": "2024-01-05T10:00Z", "value": 5, "kind": "tier_grant", "label": "Gold"}]', '{}'),
	'{10 earn,-4 return,-1 return,-2 return}', 'a return takes back whatever its sign is; a grant earns nothing');
SELECT is(earned('[{"at": "2024-06-30T10:00Z", "value": 10, "kind": "fee"}, {"at": "2024-06-30T11:00Z", "kind": "fee"}, {"at": "2024-07-01T10:00Z", "value": 10, "kind": "fee"}, {"at": "2024-07-02T10:00Z", "value": -10, "kind": "fee"}]', '{"versions": [{"from": "2024-07-01", "excluded_kinds": ["fee"]}]}'), '{10 earn}', 'a kind that is excluded at some time is known at all times');
-- what a points ledger has
\set ledger '{"kinds": {"G": "earn", "R": "redeem_refund", "A": "adjust", "T": "transfer", "F": "forfeit", "X": "expire", "B": "redeem"}}'
SELECT results_eq(format($$SELECT kind, trim_scale(value), label, ref, expires_at FROM timeline_events(points_accrual(%L, %L))$$, '[{"at": "2024-01-01T10:00Z", "value": 10}, {"at": "2024-01-01T10:00Z", "value": 7.5, "kind": "G", "label": "hotel", "ref": 1, "expires_at": "2025-01-01T00:00Z"}, {"at": "2024-01-02T10:00Z", "value": -3, "kind": "G"},
	{"at": "2024-01-03T10:00Z", "value": 4, "kind": "B", "ref": "b"}, {"at": "2024-01-04T10:00Z", "value": -4, "kind": "R", "ref": "b", "expires_at": "2025-01-01T00:00Z"}, {"at": "2024-01-05T10:00Z", "value": -1, "kind": "A"}, {"at": "2024-01-06T10:00Z", "value": 2, "kind": "T", "expires_at": "infinity"}, {"at": "2024-01-07T10:00Z", "value": 1, "kind": "F"}, {"at": "2024-01-08T10:00Z", "value": 1, "kind": "X"}, {"at": "2024-01-09T10:00Z", "kind": "A"}, {"at": "2024-01-09T10:00Z", "value": 0, "kind": "X"}]', :'ledger'),
	$$VALUES ('earn', 10::numeric, NULL, NULL, NULL::timestamptz), ('earn', 7.5, 'hotel', '1', '2025-01-01Z'), ('return', -3, NULL, NULL, NULL), ('redeem', -4, NULL, 'b', NULL), ('redeem_refund', 4, NULL, 'b', NULL), ('adjust', -1, NULL, NULL, NULL), ('transfer', 2, NULL, NULL, 'infinity'), ('forfeit', -1, NULL, NULL, NULL), ('expire', -1, NULL, NULL, NULL)$$, 'what a points ledger has passes through');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 10, "kind": "G"}, {"at": "2024-01-02T10:00Z", "value": 5, "kind": "A"}, {"at": "2024-01-03T10:00Z", "value": 100}]', :'ledger'::jsonb || '{"bonuses": {"first_purchase": 7}, "caps": {"month": 20}}'), '{10 earn,5 adjust,20 earn}', '... beside caps and orders');
-- 100 + 20 booked elsewhere - 50 + 50 given back - 10 = 110
SELECT is(points_balance(points_accrual('[{"at": "2024-01-01T10:00Z", "value": 100}, {"at": "2024-01-02T10:00Z", "value": 20, "kind": "G"}, {"at": "2024-01-03T10:00Z", "value": 50, "kind": "B", "ref": 9}, {"at": "2024-01-04T10:00Z", "value": 50, "kind": "R", "ref": 9}, {"at": "2024-01-05T10:00Z", "value": 10, "kind": "F"}]', :'ledger'),
	'{"kinds": {"earn": "earn", "redeem": "redeem", "redeem_refund": "redeem_refund", "forfeit": "forfeit"}}', '2024-12-31'), 110::numeric, '... for the points'' rules');

-- ---- payments with points, whenever they come ----

-- the order of 100 is worth 70 however its 30 come: before it, with it, a second or a year later
SELECT is((SELECT sum(value) FROM timeline_events(points_accrual(format('[{"at": "2024-01-02T10:00Z", "value": 100, "ref": "A"}, {"at": "%s", "value": 30, "kind": "paid_with_points", "ref": "A"}]', at)::event_timeline, '{}'))), 70::numeric, 'paid at ' || at)
FROM unnest('{2023-01-01T10:00Z,2024-01-02T09:59:59Z,2024-01-02T10:00Z,2024-01-02T10:00:01Z,2025-01-02T10:00Z}'::text[]) at;
SELECT is(explained('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": "A"}, {"at": "2024-01-01T10:00:01Z", "value": 30, "kind": "paid_with_points", "ref": "A"}]', '{}'), ARRAY['100: 100 at 1 per 1', '-30: payment with points of 30 of 100, 30 of 100 taken back'], 'a later payment takes back what it paid');
SELECT results_eq($$SELECT at, ref, amount, points FROM points_accrual_events('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": "A"}, {"at": "2024-01-01T10:00:01Z", "value": -30, "kind": "paid_with_points", "ref": "A"}]', '{}')$$,
	$$VALUES (timestamptz '2024-01-01 10:00Z', 'A', 100::numeric, 100::numeric), ('2024-01-01 10:00:01Z', 'A', -30, -30)$$, '... in a row of its own');
-- in proportion, as a return: of 30 within the cap 3/10 go, and below the minimum nothing but that
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 30, "kind": "paid_with_points", "ref": 1}]', '{"caps": {"order": 30}}'), '{30 earn 1,-9 return 1}', '... in proportion, as a return does');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 30, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-03T10:00Z", "value": -100, "ref": 1}]', '{}'), '{100 earn 1,-30 return 1,-70 return 1}', '... and what it paid can''t be returned');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -100, "ref": 1}, {"at": "2024-01-03T10:00Z", "value": 30, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-04T10:00Z", "value": 50, "ref": 1}]', '{}'), '{100 earn 1,-100 return 1,20 earn 1}', 'what was returned isn''t paid again: it waits for a further line');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "label": "food", "ref": 1, "kind": "A"}, {"at": "2024-01-02T10:00Z", "value": 50, "label": "toys", "ref": 1, "kind": "B"}, {"at": "2024-01-03T10:00Z", "value": 120, "kind": "paid_with_points", "label": "card", "ref": 1}]', '{"kinds": {"A": "purchase", "B": "purchase"}}'), '{100 earn food 1,50 earn toys 1,-100 return food 1,-20 return toys 1}', 'orders of one ref in turn, each with its label');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 30, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 20, "ref": 1}]', '{}'), '{100 earn 1,-10 return 1}', 'with a further line at its instant: 120 less 30');
SELECT is(explained('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 30, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 20, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -70, "ref": 1}]', '{}'),
	ARRAY['100: 100 at 1 per 1', '-20: payment with points of 20 of 100, 20 of 100 taken back', '-30: payment with points of 30 of 100, 30 of 100 taken back', '-50: return of 50 of 100, 50 of 100 taken back'], 'payments of an instant come before its returns');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 30, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 20, "label": "toys"}, {"at": "2024-01-02T10:00Z", "value": 10, "label": "food"}]', '{}'), '{100 earn 1,10 earn food,20 earn toys,-30 return 1}', 'other orders of the instant keep their labels');
-- payments without an order
SELECT is(explained('[{"at": "2024-01-01T10:00Z", "value": 30, "kind": "paid_with_points", "ref": "A"}, {"at": "2024-01-02T10:00Z", "value": 20.00, "kind": "paid_with_points"}, {"at": "2024-01-03T10:00Z", "value": 100, "ref": "A"}]', '{}'),
	ARRAY['0: 30.00 paid with points, for no order so far', '0: 20.00 paid with points, for no order so far', '70: 70.00 at 1 per 1.00, 30.00 paid with points'], 'a payment without an order is a row');
SELECT is(explained('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": "A", "label": "gift"}, {"at": "2024-01-02T10:00Z", "value": 20, "kind": "paid_with_points", "ref": "A"}]', '{"excluded_labels": ["gift"]}'), ARRAY['0: label gift earns nothing', '0: nothing left of the order to pay'], '... and one for what earned nothing');

-- ---- returns of more than was bought ----

SELECT is(explained('[{"at": "2024-01-01T10:00Z", "value": 30, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -20}, {"at": "2024-01-03T10:00Z", "value": -20}, {"at": "2024-01-04T10:00Z", "value": -5}, {"at": "2024-01-05T10:00Z", "value": -30, "ref": 1}, {"at": "2024-01-06T10:00Z", "value": 7}, {"at": "2024-01-07T10:00Z", "value": -5, "ref": 1}]', '{"rate": 2}'),
	ARRAY['60: 30 at 2 per 1', '-40: return of 20 at 2 per 1', '-20: return of 10 at 2 per 1', '0: nothing bought that could be returned', '0: nothing left of the order to return', '14: 7 at 2 per 1', '-10: return of 5 of 30, 10 of 60 taken back'], 'returns take back at most what was bought, in all');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 30, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -20}, {"at": "2024-01-03T10:00Z", "value": 30, "kind": "paid_with_points", "ref": 1}, {"at": "2024-01-04T10:00Z", "value": 8, "ref": 1}, {"at": "2024-01-05T10:00Z", "value": 50, "ref": 2}]', '{}'), '{30 earn 1,-20 return,-10 return 1,50 earn 2}', '... and so do payments: 10 of the 30 are left, 8 of the next line');
SELECT is(earned('[{"at": "2024-01-02T10:00Z", "value": -20}, {"at": "2024-01-03T10:00Z", "value": 5}]', policy::earn_policy), want::text[], policy) FROM (VALUES ('{}', '{5 earn}'), ('{"returns_beyond": "take"}', '{-20 return,5 earn}')) v (policy, want);

-- ---- violations ----

CREATE FUNCTION violations(timeline event_timeline, policy earn_policy) RETURNS text[]
LANGUAGE sql STABLE AS $$ SELECT coalesce(array_agg(concat_ws(' ', to_char(at, 'MM-DD'), ref, problem, trim_scale(amount)) ORDER BY n), '{}') FROM points_accrual_violations(timeline, policy) WITH ORDINALITY v(at, ref, problem, amount, n) $$;
SELECT is(violations('[{"at": "2024-01-01T10:00Z", "value": 30, "kind": "paid_with_points", "ref": "A"}, {"at": "2024-01-02T10:00Z", "value": 20, "kind": "paid_with_points"}, {"at": "2024-01-03T10:00Z", "value": 100, "ref": "A"}, {"at": "2024-01-04T10:00Z", "value": -5, "kind": "paid_with_points", "ref": "B"}]', '{}'),
	'{"01-02 payment with points for no order 20","01-04 B payment with points for no order 5"}', 'payments without an order');
SELECT is(violations('[{"at": "2024-01-01T10:00Z", "value": 30, "kind": "paid_with_points", "ref": "A"}, {"at": "2024-01-01T10:00Z", "value": 60, "ref": "A"}, {"at": "2024-01-02T10:00Z", "value": 40, "kind": "paid_with_points", "ref": "A"}, {"at": "2024-01-03T10:00Z", "value": 5, "kind": "paid_with_points", "ref": "A"}]', '{}'),
	'{"01-02 A payment with points of more than its order 10","01-03 A payment with points of more than its order 5"}', 'payments of more than the order: the last ones');
SELECT is(violations('[{"at": "2024-01-01T10:00Z", "value": 30, "ref": "A"}, {"at": "2024-01-02T10:00Z", "value": -20, "ref": "A"}, {"at": "2024-01-03T10:00Z", "value": -20, "ref": "A"}, {"at": "2024-01-04T10:00Z", "value": -1}, {"at": "2024-01-05T10:00Z", "value": 5}, {"at": "2024-01-06T10:00Z", "value": -5}]', '{}'),
	'{"01-03 A return of more than was bought 10","01-04 return of more than was bought 1"}', 'returns of more than was bought, under the ref or in all');
SELECT is(violations('[{"at": "2024-01-01T10:00Z", "value": 30}, {"at": "2024-01-04T10:00Z", "value": -31}, {"at": "2024-01-05T10:00Z", "value": 5}, {"at": "2024-01-06T10:00Z", "value": -5}]', '{"returns_beyond": "take"}'), '{"01-04 return of more than was bought 1","01-06 return of more than was bought 1"}', '... taken all the same');
SELECT is(violations('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": "A"}, {"at": "2024-01-02T10:00Z", "value": -20, "ref": "A"}, {"at": "2024-01-03T10:00Z", "value": 80, "kind": "paid_with_points", "ref": "A"}]', '{}'), '{}', 'nothing is wrong');
SELECT is_empty($$SELECT * FROM points_accrual_violations(NULL, '{}')$$, 'no timeline, no rows');
SELECT throws_ok($$SELECT * FROM points_accrual_violations('[]', NULL)$$, '22004', 'policy must not be null', 'no policy');

-- ---- caps ----

SELECT is(earned('[{"at": "2024-01-31T10:00Z", "value": 25}, {"at": "2024-01-31T11:00Z", "value": 25}, {"at": "2024-02-01T10:00Z", "value": 25}, {"at": "2024-02-02T10:00Z", "value": 25}, {"at": "2024-02-03T10:00Z", "value": 25}, {"at": "2025-01-01T00:00Z", "value": 25}, {"at": "2025-06-01T00:00Z", "value": 25}]', '{"caps": {"order": 20, "day": 30, "month": 45, "year": 70, "lifetime": 100}, "zone": "UTC"}'),
	'{20 earn,10 earn,20 earn,20 earn,20 earn,10 earn}', 'order, day, month, year, lifetime');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 25, "ref": 1}, {"at": "2024-01-01T11:00Z", "value": -25, "ref": 1}, {"at": "2024-01-01T12:00Z", "value": 25, "ref": 2}]', '{"caps": {"day": 30}}'), '{25 earn 1,-25 return 1,5 earn 2}', 'a return gives nothing back to a cap');
SELECT is(earned('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": 1}, {"at": "2024-01-02T10:00Z", "value": -50, "ref": 1}, {"at": "2024-01-02T11:00Z", "value": -50, "ref": 1}]', '{"caps": {"day": 30}}'), '{30 earn 1,-15 return 1,-15 return 1}', 'a return takes back its part of what was earned within caps');
SELECT is(earned('[{"at": "2024-06-01T10:00Z", "value": 50}, {"at": "2024-06-08T10:00Z", "value": 50}, {"at": "2024-06-15T10:00Z", "value": 50}, {"at": "2024-07-06T10:00Z", "value": 50}]', '{"multipliers": [{"times": 2, "weekdays": ["saturday"], "cap": {"month": 70}}]}'), '{100 earn,70 earn,50 earn,100 earn}', 'a multiplier adds no more than its cap');
SELECT is(earned('[{"at": "2024-06-01T10:00Z", "value": 50}, {"at": "2024-06-08T10:00Z", "value": 50}]', '{"multipliers": [{"times": 2, "name": "p", "cap": {"month": 70}}], "versions": [{"from": "2024-06-05", "multipliers": [{"times": 3, "name": "p", "cap": {"month": 70}}]}]}'), '{100 earn,70 earn}', '... of its name, whatever the version');
SELECT is(earned('[{"at": "2024-06-01T10:00Z", "value": 20, "ref": 1}, {"at": "2024-06-08T10:00Z", "value": 20, "ref": 1}]', '{"multipliers": [{"times": 3, "cap": {"order": 10}}]}'), '{30 earn 1,20 earn 1}', '... of an order, with all its lines');
SELECT is(earned('[{"at": "2024-06-01T10:00Z", "value": 20}]', '{"combine": "multiply", "multipliers": [{"times": 2, "name": "a", "cap": {"day": 10}}, {"times": 2, "name": "b", "cap": {"day": 30}}]}'), '{60 earn}', '... each its own: 20 and 40 of 80 are added, 10 and 30 of them stay');

-- ---- local days and hours ----

SELECT is(earned('[{"at": "2024-06-01T13:59:59.999999Z", "value": 1}, {"at": "2024-06-01T14:00Z", "value": 2}, {"at": "2024-06-01T15:59Z", "value": 3}, {"at": "2024-06-01T16:00Z", "value": 4}, {"at": "2024-12-01T14:30Z", "value": 5}, {"at": "2024-12-01T15:00Z", "value": 6}]', '{"multipliers": [{"times": 10, "hours": ["17:00", "19:00"]}], "zone": "Europe/Helsinki"}'),
	'{1 earn,20 earn,30 earn,4 earn,5 earn,60 earn}', 'from 17:00 to 19:00 by the local clock');
SELECT is(earned('[{"at": "2024-06-01T21:59Z", "value": 1}, {"at": "2024-06-01T22:00Z", "value": 2}, {"at": "2024-06-02T01:59Z", "value": 3}, {"at": "2024-06-02T02:00Z", "value": 4}]', '{"multipliers": [{"times": 10, "hours": ["22:00", "02:00"]}], "zone": "UTC"}'), '{1 earn,20 earn,30 earn,4 earn}', 'past midnight');
SELECT is(earned('[{"at": "2024-03-31T00:30Z", "value": 1}, {"at": "2024-03-31T01:00Z", "value": 2}, {"at": "2024-10-27T00:30Z", "value": 3}, {"at": "2024-10-27T01:30Z", "value": 4}, {"at": "2024-10-27T02:00Z", "value": 5}]', '{"multipliers": [{"times": 10, "hours": ["03:00", "04:00"]}], "zone": "Europe/Helsinki"}'), '{1 earn,2 earn,30 earn,40 earn,5 earn}', 'an hour that the clock skips, and one that it shows twice');
SELECT is(earned('[{"at": "2024-06-01T20:30Z", "value": 20}, {"at": "2024-06-01T21:30Z", "value": 20}]', '{"caps": {"day": 25}, "zone": "Europe/Helsinki"}'), '{20 earn,20 earn}', 'two local days');
SELECT is(earned('[{"at": "2005-10-30T02:30:30Z", "value": 20}, {"at": "2005-10-30T02:31:30Z", "value": 20}, {"at": "2005-10-30T03:40Z", "value": 20}]', '{"caps": {"day": 25}, "zone": "America/St_Johns"}'), '{20 earn,20 earn,5 earn}', 'a clock that is set back over midnight');
SET LOCAL timezone = 'America/New_York';
SELECT is(earned('[{"at": "2024-06-02T03:00Z", "value": 20}]', '{"multipliers": [{"times": 2, "weekdays": ["saturday"]}]}'), '{40 earn}', 'the session''s zone');
SET LOCAL timezone = 'UTC';
SELECT is(earned('[{"at": "2024-06-02T03:00Z", "value": 20}]', '{"multipliers": [{"times": 2, "weekdays": ["saturday"]}]}'), '{20 earn}', '... as it is now');

-- ---- explanations ----

SELECT is(explained('[{"at": "2024-06-01T10:00Z", "value": 42.50, "ref": 1}]', '{"multipliers": [{"times": 2, "name": "saturday", "weekdays": ["saturday"]}], "caps": {"day": 30}}'), '{"30: 42.50 at 1 per 1.00, x2 saturday, capped by 30 a day"}', 'a rate, a multiplier, a cap');
SELECT is(explained('[{"at": "2023-06-01T10:00Z", "value": 5}, {"at": "2024-06-01T10:00Z", "kind": "join"}, {"at": "2024-06-03T10:00Z", "value": 15.00, "ref": 1, "label": "food"}, {"at": "2024-06-03T10:00Z", "value": 20.00, "ref": 1, "label": "toys"}, {"at": "2024-06-04T10:00Z", "value": 4.50, "ref": 2}, {"at": "2024-06-05T10:00Z", "value": 30, "ref": 1}, {"at": "2024-06-06T10:00Z", "value": -13.00, "ref": 1}, {"at": "2024-06-07T10:00Z", "value": -7}, {"at": "2024-06-08T10:00Z", "value": 50, "label": "gift card"}, {"at": "2024-06-09T10:00Z", "value": 12, "kind": "redeem"}]',
	'{"multipliers": [{"times": 2, "labels": ["food"]}], "minimum": 10, "excluded_labels": ["gift card"], "bonuses": {"joining": 100, "first_purchase": 5}}'),
	ARRAY['0: before membership', '100: joining bonus of 100', '50: 35.00 at 1 per 1.00, x2 food on 15.00', '5: first purchase bonus of 5', '0: 4.50 is less than 10.00', '30: 65.00 at 1 per 1.00, less 50 before', '-16: return of 13.00 of 65.00, 16 of 80 taken back', '-7: return of 7.00 at 1 per 1.00', '0: label gift card earns nothing', '-12: redemption'], 'what an entry is, also where it is nothing');
SELECT results_eq($$SELECT at, ref, amount, points FROM points_accrual_events('[{"at": "2024-06-03T10:00Z", "value": 15.00, "ref": "A1"}, {"at": "2024-06-03T10:00Z", "value": 5.25, "ref": "A1"}, {"at": "2024-06-04T10:00Z", "value": -5.25, "ref": "A1"}]', '{"bonuses": {"first_purchase": 5}}')$$,
	$$VALUES (timestamptz '2024-06-03 10:00Z', 'A1', 20.25, 20::numeric), ('2024-06-03 10:00Z', 'A1', NULL, 5), ('2024-06-04 10:00Z', 'A1', -5.25, -6)$$, 'the columns');
SELECT is_empty($$SELECT * FROM points_accrual_events(NULL, '{}')$$, 'no timeline, no rows');

SELECT * FROM finish();
ROLLBACK;
