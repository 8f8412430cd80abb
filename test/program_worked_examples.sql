--
-- A programme on worked examples: tiers that earn and are earned, before and after the order that
-- reaches them; what counts for tiers; tiers in which nothing expires; versions; what a statement
-- says. Then laws: without tiers it is points_balance(points_accrual()), its tiers are
-- those of what counts, its summary is the end of its statement.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(116);

-- Rows of a statement, without zeros, as 'day role label points balance tier'.
CREATE FUNCTION told(timeline event_timeline, program program_policy, as_of date) RETURNS text[]
LANGUAGE sql STABLE AS $$
	SELECT coalesce(array_agg(concat_ws(' ', to_char(at, 'MM-DD'), role, label, trim_scale(points), '=', trim_scale(balance), tier) ORDER BY n), '{}')
	FROM program_statement(timeline, program, as_of) WITH ORDINALITY s(at, role, label, ref, amount, points, balance, tier, explanation, n)
$$;
CREATE FUNCTION stands(timeline event_timeline, program program_policy, as_of date) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT concat_ws(' ', trim_scale(spend), orders, '|', trim_scale(points_earned), trim_scale(points_redeemed), trim_scale(points_expired), trim_scale(points_pending), trim_scale(balance), '|', tier, rank, to_char(tier_until, 'YYYY-MM-DD'), trim_scale(missing_to_next))
	FROM program_summary(timeline, program, as_of)
$$;
CREATE TABLE case_of (name text PRIMARY KEY, t event_timeline, p program_policy);

-- ---- tiers that earn, and are earned ----

INSERT INTO case_of VALUES ('loop', '[{"at": "2024-01-01T10:00Z", "value": 60}, {"at": "2024-01-02T10:00Z", "value": 50}, {"at": "2024-01-03T10:00Z", "value": 10}]',
	'{"earn": {"multipliers": [{"times": 2, "tiers": ["Gold"]}]}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime"}}');
-- 60 and 50 earn as Member, though the second one makes 110 and Gold; 10 earn twice
SELECT is(told(t, p, '2024-12-31'), '{01-01 tier = 0 Member,01-01 earn 60 = 60 Member,01-02 earn 50 = 110 Member,01-02 tier = 110 Gold,01-03 earn 20 = 130 Gold}', 'the order that reaches a tier earns at the one before') FROM case_of WHERE name = 'loop';
SELECT is(stands(t, p, '2024-12-31'), '120 3 | 130 0 0 0 130 | Gold 1', '... and the summary') FROM case_of WHERE name = 'loop';
SELECT is(stands(t, p, '2024-01-01'), '60 1 | 60 0 0 0 60 | Member 0 40', '... on the first day') FROM case_of WHERE name = 'loop';
SELECT is(stands(t, p, '2023-12-31'), '0 0 | 0 0 0 0 0 |', '... before it: not a member') FROM case_of WHERE name = 'loop';
SELECT is((SELECT (s.tier, s.rank, s.tier_until, s.missing_to_next) IS NULL FROM program_summary(t, p, '2023-12-31') s), true, '... has neither tier nor rank') FROM case_of WHERE name = 'loop';
SELECT is(told(t, (p::jsonb || '{"earn": {"multipliers": [{"times": 2, "tiers": ["Gold"]}], "crossing_order": "after"}}')::program_policy, '2024-12-31'),
	'{01-01 tier = 0 Member,01-01 earn 60 = 60 Member,01-02 tier = 60 Gold,01-02 earn 100 = 160 Gold,01-03 earn 20 = 180 Gold}', '... or at the one after it') FROM case_of WHERE name = 'loop';
-- after it from 2024-01-03 on only
SELECT is(told(t, (p::jsonb || '{"versions": [{"from": "2024-01-03", "earn": {"crossing_order": "after"}}]}')::program_policy, '2024-12-31'), told(t, p, '2024-12-31'), '... by the version of the day') FROM case_of WHERE name = 'loop';
SELECT is((program_summary(t, (p::jsonb || '{"versions": [{"from": "2024-01-02", "earn": {"crossing_order": "after"}}]}')::program_policy, '2024-12-31')).balance, 180::numeric, '... by the version of the day') FROM case_of WHERE name = 'loop';
-- three orders: the third one of 10
SELECT is(told(t, (p::jsonb || '{"tiers": {"levels": {"Gold": 3}, "qualifying_window": "lifetime"}, "tier_metric": "orders", "earn": {"multipliers": [{"times": 2, "tiers": ["Gold"]}], "crossing_order": "after"}}')::program_policy, '2024-12-31'),
	'{01-01 tier = 0 Member,01-01 earn 60 = 60 Member,01-02 earn 50 = 110 Member,01-03 tier = 110 Gold,01-03 earn 20 = 130 Gold}', 'tiers by orders') FROM case_of WHERE name = 'loop';
SELECT is(stands(t, (p::jsonb || '{"tiers": {"Gold": 4}, "tier_metric": "orders"}')::program_policy, '2024-01-31'), '120 3 | 120 0 0 0 120 | Member 0 1', '... one is missing') FROM case_of WHERE name = 'loop';
-- the base tier earns from the first order on
SELECT is((program_summary(t, (p::jsonb || '{"earn": {"multipliers": [{"times": 3, "tiers": ["Member"]}]}}')::program_policy, '2024-01-01')).balance, 180::numeric, 'the first order earns at the base tier') FROM case_of WHERE name = 'loop';

-- by points: 60 x 2 = 120 would be Gold; what Gold earns counts twice for Platinum: 60 + 50 + 2 x 10 = 130
SELECT is(told(t, (p::jsonb || '{"tiers": {"levels": {"Gold": 100, "Platinum": 130}, "qualifying_window": "lifetime"}, "tier_metric": "points"}')::program_policy, '2024-12-31'),
	'{01-01 tier = 0 Member,01-01 earn 60 = 60 Member,01-02 earn 50 = 110 Member,01-02 tier = 110 Gold,01-03 earn 20 = 130 Gold,01-03 tier = 130 Platinum}', 'tiers by points that tiers multiply') FROM case_of WHERE name = 'loop';

-- ---- what counts ----

-- two lines of an order are one event; a return takes off at most what is left; excluded labels don't count
INSERT INTO case_of VALUES ('lines', '[{"at": "2024-01-01T10:00Z", "value": 60, "label": "food", "ref": 1}, {"at": "2024-01-01T10:00Z", "value": 50, "label": "food", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 500, "label": "gift card", "ref": 2},
	{"at": "2024-01-03T10:00Z", "value": 30, "label": "toys", "ref": 1}, {"at": "2024-01-04T10:00Z", "value": -200, "ref": 1}, {"at": "2024-01-05T10:00Z", "value": -5}]', '{"earn": {"excluded_labels": ["gift card"]}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime"}}');
SELECT is(stands(t, p, '2024-01-01'), '110 1 | 110 0 0 0 110 | Gold 1 2025-01-01', 'lines of an order are one event') FROM (SELECT t, (p::jsonb || '{"tiers": {"levels": {"Gold": 100}}}')::program_policy AS p FROM case_of WHERE name = 'lines') c;
SELECT is(stands(t, p, '2024-01-02'), '110 1 | 110 0 0 0 110 | Gold 1', 'what is excluded doesn''t count') FROM case_of WHERE name = 'lines';
SELECT is(stands(t, p, '2024-01-03'), '140 1 | 140 0 0 0 140 | Gold 1', 'a later line adds to its order, and is no other') FROM case_of WHERE name = 'lines';
SELECT is(stands(t, p, '2024-01-04'), '0 1 | 0 0 0 0 0 | Gold 1', 'a return of more than there was takes off what there was') FROM case_of WHERE name = 'lines';
SELECT is(stands(t, p, '2024-01-05'), '0 1 | 0 0 0 0 0 | Gold 1', '... one of no order at most what was bought in all') FROM case_of WHERE name = 'lines';
SELECT is(stands(t, (jsonb_set(p::jsonb, '{earn,returns_beyond}', '"take"') || '{"points": {"returns_beyond": "take"}}')::program_policy, '2024-01-05'), '-5 1 | -5 0 0 0 -5 | Gold 1', '... or all of it') FROM case_of WHERE name = 'lines';
SELECT is((program_summary(t, jsonb_set(p::jsonb, '{tiers}', '{"levels": [{"tier": "Gold", "at": 2}], "metrics": {"n": {"of": "events", "labels": ["food", "toys"]}}}')::program_policy, as_of)).missing_to_next, want, 'labels of what counts: ' || as_of)
FROM case_of, (VALUES (date '2024-01-01', 1.0), ('2024-01-02', 1), ('2024-01-03', NULL)) v (as_of, want) WHERE name = 'lines';
-- paid with points: 100 less 30
SELECT is(stands('[{"at": "2024-01-01T10:00Z", "value": 100, "ref": "a"}, {"at": "2024-01-01T10:00Z", "value": 30, "kind": "paid_with_points", "ref": "a"}]', '{"tiers": {"Gold": 100}}', '2024-01-01'), '70 1 | 70 0 0 0 70 | Member 0 30', 'what is paid with points doesn''t count');
-- nothing counts before membership
SELECT is(stands('[{"at": "2024-01-01T10:00Z", "value": 100}, {"at": "2024-01-02T10:00Z", "kind": "join"}, {"at": "2024-01-03T10:00Z", "value": 7}]', '{"earn": {"bonuses": {"joining": 50}}, "tiers": {"Gold": 100}}', '2024-01-03'), '7 1 | 57 0 0 0 57 | Member 0 93', 'what is before membership doesn''t count');
-- bonuses
INSERT INTO case_of VALUES ('bonus', '[{"at": "2024-01-01T10:00Z", "kind": "join"}, {"at": "2024-01-02T10:00Z", "value": 60, "label": "food"}]', '{"earn": {"bonuses": {"joining": 50}}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime"}, "tier_metric": "points"}');
SELECT is(stands(t, p, '2024-01-31'), '60 1 | 110 0 0 0 110 | Member 0 40', 'bonuses don''t count for tiers') FROM case_of WHERE name = 'bonus';
SELECT is(stands(t, jsonb_set(p::jsonb, '{earn,bonuses_qualify}', 'true')::program_policy, '2024-01-31'), '60 1 | 110 0 0 0 110 | Gold 1', '... unless they qualify') FROM case_of WHERE name = 'bonus';
SELECT is(stands(t, (p::jsonb || '{"versions": [{"from": "2024-01-02", "earn": {"bonuses_qualify": true}}]}')::program_policy, '2024-01-31'), '60 1 | 110 0 0 0 110 | Member 0 40', '... on the day of the bonus') FROM case_of WHERE name = 'bonus';
SELECT is(stands(t, jsonb_set(jsonb_set(p::jsonb, '{earn,bonuses_qualify}', 'true'), '{tiers}', '{"levels": {"Gold": 50}, "qualifying_window": "lifetime", "metrics": {"m": {"labels": ["joining"]}}}')::program_policy, '2024-01-31'), '60 1 | 110 0 0 0 110 | Gold 1', '... by the label that is their sort') FROM case_of WHERE name = 'bonus';
SELECT is(stands(t, jsonb_set(p::jsonb, '{tiers}', '{"levels": {"Gold": 60}, "qualifying_window": "lifetime", "metrics": {"m": {"labels": ["food"]}}}')::program_policy, '2024-01-31'), '60 1 | 110 0 0 0 110 | Gold 1', 'points count with the label of their order') FROM case_of WHERE name = 'bonus';

-- points that wait: earned on the 10th, available on the 24th
INSERT INTO case_of VALUES ('waiting', '[{"at": "2024-01-10T12:00Z", "value": 150}, {"at": "2024-01-20T12:00Z", "value": -20}]', '{"points": {"pending": "14 days"}, "tiers": {"levels": {"Gold": 140}, "qualifying_window": "lifetime"}, "tier_metric": "points"}');
SELECT is(told(t, p, '2024-02-29'), '{01-10 tier = 0 Member,01-10 earn 150 = 0 Member,01-10 tier = 0 Gold,01-20 return -20 = 0 Gold,01-24 activate 130 = 130 Gold}', 'points count when they are earned') FROM case_of WHERE name = 'waiting';
SELECT is(told(t, (p::jsonb || '{"pending_counts": false}')::program_policy, '2024-02-29'), '{01-10 tier = 0 Member,01-10 earn 150 = 0 Member,01-20 return -20 = 0 Member,01-24 activate 130 = 130 Member}', '... or what is left when they are available') FROM case_of WHERE name = 'waiting';
SELECT is(told(t, (p::jsonb || '{"pending_counts": false, "tiers": {"levels": {"Gold": 130}, "qualifying_window": "lifetime"}}')::program_policy, '2024-02-29'), '{01-10 tier = 0 Member,01-10 earn 150 = 0 Member,01-20 return -20 = 0 Member,01-24 activate 130 = 130 Member,01-24 tier = 130 Gold}', '... and that is when the tier is reached') FROM case_of WHERE name = 'waiting';
-- a return of 200: 150 wait, so 50 are a debt that counts
SELECT is(stands('[{"at": "2024-01-10T12:00Z", "value": 150}, {"at": "2024-01-20T12:00Z", "value": -200}]', (p::jsonb || '{"pending_counts": false, "earn": {"returns_beyond": "take"}, "points": {"pending": "14 days", "returns_beyond": "take"}}')::program_policy, '2024-02-29'), '-50 1 | -50 0 0 0 -50 | Member 0 190', '... of a return what it doesn''t take from those that wait') FROM case_of WHERE name = 'waiting';
SELECT is(stands(t, (p::jsonb || '{"pending_counts": false, "points": {}}')::program_policy, '2024-01-10'), '150 1 | 150 0 0 0 150 | Gold 1', '... at once where they don''t wait') FROM case_of WHERE name = 'waiting';
-- the order at the instant at which they become available earns before it
SELECT is(told('[{"at": "2024-01-10T12:00Z", "value": 150}, {"at": "2024-01-24T12:00Z", "value": 10}, {"at": "2024-01-25T12:00Z", "value": 10}]', '{"earn": {"multipliers": [{"times": 2, "tiers": ["Gold"]}]}, "points": {"pending": "14 days"}, "tiers": {"levels": {"Gold": 140}, "qualifying_window": "lifetime"}, "tier_metric": "points", "pending_counts": false}', '2024-01-31'),
	'{01-10 tier = 0 Member,01-10 earn 150 = 0 Member,01-24 activate 150 = 150 Member,01-24 earn 10 = 150 Member,01-24 tier = 150 Gold,01-25 earn 20 = 150 Gold}', '... with the events of that instant');

-- grants
SELECT is(told('[{"at": "2024-01-05T10:00Z", "kind": "tier_grant", "label": "Gold", "expires_at": "2024-01-07T10:00Z"}, {"at": "2024-01-05T10:00Z", "value": 5}, {"at": "2024-01-06T10:00Z", "value": 5}, {"at": "2024-01-07T10:00Z", "value": 5}]',
	'{"earn": {"multipliers": [{"times": 2, "tiers": ["Gold"]}]}, "tiers": {"Gold": 100}}', '2024-01-31'), '{01-05 tier = 0 Member,01-05 earn 5 = 5 Member,01-05 tier = 5 Gold,01-06 earn 10 = 15 Gold,01-07 tier = 15 Member,01-07 earn 5 = 20 Member}', 'a grant begins after the events of its instant, and ends before them');
SELECT is(stands('[{"at": "2024-01-05T10:00Z", "kind": "tier_grant", "label": "Gold"}]', '{"tiers": {"Gold": 100}}', '2024-01-31'), '0 0 | 0 0 0 0 0 |', 'with a grant alone nobody is a member');
SELECT is(stands('[{"at": "2024-01-05T10:00Z", "kind": "tier_grant", "label": "Gold"}, {"at": "2024-01-06T10:00Z", "value": 5}]', '{"tiers": {"Gold": 100}}', '2024-01-31'), '5 1 | 5 0 0 0 5 | Gold 1', '... it waits for membership');
SELECT is(stands('[{"at": "2024-01-05T10:00Z", "kind": "tier_grant", "value": 5, "label": "Gold"}]', '{}', '2024-01-31'), '0 0 | 0 0 0 0 0 |', '... without tiers it is nothing');
SELECT throws_ok($$SELECT program_summary('[{"at": "2024-01-05T10:00Z", "value": 1}, {"at": "2024-01-05T10:00Z", "kind": "tier_grant", "label": "Silver"}]', '{"tiers": {"Gold": 100}}', '2024-01-31')$$, '22023', 'a grant is of a tier that isn''t in the policy: "Silver"', 'a grant of no tier');

-- ---- kinds, and what a points ledger has ----

SELECT throws_ok(format('SELECT program_summary(%L, %L, %L)', jsonb_build_array(jsonb_build_object('at', '2024-01-01T10:00Z', 'value', 10), jsonb_build_object('at', '2024-01-02T10:00Z', 'value', 20, 'kind', kind)), '{"tiers": {"Gold": 20}}', '2024-01-31'), '22023', format('kind "%s" has no role in the earn_policy', kind), 'a kind that nobody names: ' || kind)
FROM unnest('{forfeit,adjust,transfer,redeem_refund,REDEMPTION,page_view}'::text[]) kind;
SELECT is(stands('[{"at": "2024-01-01T10:00Z", "value": 10}, {"at": "2024-01-02T10:00Z", "value": 20, "kind": "page_view"}]', '{"tiers": {"Gold": 20}}', '2024-01-01'), '10 1 | 10 0 0 0 10 | Member 0 10', '... is none of the days before it');
SELECT is(stands('[{"at": "2024-01-01T10:00Z", "value": 10}, {"at": "2024-01-02T10:00Z", "value": 20, "kind": "page_view"}]', '{"earn": {"other_kinds": "ignore"}, "tiers": {"Gold": 20}}', '2024-01-02'), '10 1 | 10 0 0 0 10 | Member 0 10', '... or is ignored');
SELECT is(told('[{"at": "2024-01-01T10:00Z", "value": 10}, {"at": "2024-01-03T10:00Z", "kind": "enrol"}, {"at": "2024-01-04T10:00Z", "value": 5}]', '{"tiers": {"levels": {"Gold": 20}, "join_kind": "enrol"}, "earn": {"bonuses": {"joining": 3}}}', '2024-01-31'),
	'{01-01 earn 0 = 0,01-03 tier = 0 Member,01-03 bonus joining 3 = 3 Member,01-04 earn 5 = 8 Member}', 'the tiers'' kind of joining joins');
SELECT throws_ok($$SELECT program_summary('[{"at": "2024-01-03T10:00Z", "kind": "enrol"}]', '{"tiers": {"Gold": 20}}', '2024-01-31')$$, '22023', 'kind "enrol" has no role in the earn_policy', '... without tiers'' word it is unknown');

INSERT INTO case_of VALUES ('ledger', '[{"at": "2024-01-01T10:00Z", "value": 100}, {"at": "2024-01-02T10:00Z", "value": 50, "kind": "partner", "label": "hotel", "ref": "h", "expires_at": "2024-02-01T00:00Z"}, {"at": "2024-01-03T10:00Z", "value": 60, "kind": "redeem", "ref": "r"},
	{"at": "2024-01-04T10:00Z", "value": 60, "kind": "undo", "ref": "r"}, {"at": "2024-01-05T10:00Z", "value": -10, "kind": "fix"}, {"at": "2024-01-06T10:00Z", "value": 15.5, "kind": "from"}, {"at": "2024-01-07T10:00Z", "value": 5, "kind": "lost"}]',
	'{"earn": {"kinds": {"partner": "earn", "undo": "redeem_refund", "fix": "adjust", "from": "transfer", "lost": "forfeit"}}, "tiers": {"levels": {"Gold": 150}, "qualifying_window": "lifetime"}}');
-- those that expire first are spent and adjusted first: of the hotel's 50 are 50 - 10 - 5 = 35 left when they expire
SELECT is(told(t, p, '2024-12-31'), '{01-01 tier = 0 Member,01-01 earn 100 = 100 Member,01-02 earn hotel 50 = 150 Member,01-03 redeem -60 = 90 Member,01-04 redeem_refund 60 = 150 Member,01-05 adjust -10 = 140 Member,01-06 transfer 15.5 = 155.5 Member,01-07 forfeit -5 = 150.5 Member,02-01 expire hotel -35 = 115.5 Member}', 'a points ledger''s entries in a programme') FROM case_of WHERE name = 'ledger';
-- 100 + 50 - 10 + 15.5 = 155.5 = 0 redeemed + 40 gone + 115.5
SELECT is(stands(t, p, '2024-12-31'), '100 1 | 155.5 0 40 0 115.5 | Member 0 50', '... come to the balance; they are no spend') FROM case_of WHERE name = 'ledger';
SELECT is(stands(t, (p::jsonb || '{"tier_metric": "points"}')::program_policy, '2024-12-31'), '100 1 | 155.5 0 40 0 115.5 | Gold 1', '... and what was earned elsewhere counts for tiers by points') FROM case_of WHERE name = 'ledger';
SELECT is(stands(t, (p::jsonb || '{"tier_metric": "points", "tiers": {"levels": {"Gold": 60}, "metrics": {"n": {"kinds": ["partner"]}}}}')::program_policy, '2024-12-31'), '100 1 | 155.5 0 40 0 115.5 | Member 0 10', '... with its kind') FROM case_of WHERE name = 'ledger';
SELECT results_eq($$SELECT tier, trim_scale(points_issued), trim_scale(points_redeemed), trim_scale(points_expired), trim_scale(balance) FROM case_of, program_totals_table((SELECT program_totals(t, p, '2024-12-31') FROM case_of WHERE name = 'ledger')) WHERE name = 'ledger' AND rank IS NULL$$, $$VALUES (NULL::text, 155.5, 0::numeric, 40::numeric, 115.5)$$, '... of everyone');
SELECT results_eq($$SELECT period_start, trim_scale(opening), trim_scale(issued), trim_scale(redeemed), trim_scale(returned), trim_scale(expired), trim_scale(closing) FROM program_rollforward_table((SELECT program_rollforward(t, p || '{"zone": "UTC"}', 'day', '2024-01-07') FROM (SELECT t, p::jsonb AS p FROM case_of WHERE name = 'ledger') c))$$,
	$$VALUES (date '2024-01-01', 0::numeric, 100::numeric, 0::numeric, 0::numeric, 0::numeric, 100::numeric), ('2024-01-02', 100, 50, 0, 0, 0, 150), ('2024-01-03', 150, 0, 60, 0, 0, 90), ('2024-01-04', 90, 0, -60, 0, 0, 150), ('2024-01-05', 150, -10, 0, 0, 0, 140), ('2024-01-06', 140, 15.5, 0, 0, 0, 155.5), ('2024-01-07', 155.5, 0, 0, 0, 5, 150.5)$$, '... from opening to closing');
SELECT is(r::text::program_rollforward_result, r, '... as text and back') FROM (SELECT program_rollforward(t, p, 'day', '2024-01-07') AS r FROM case_of WHERE name = 'ledger') c;
SELECT is(r::text::program_totals_result, r, '... both') FROM (SELECT program_totals(t, p, '2024-12-31') AS r FROM case_of WHERE name = 'ledger') c;
-- computed expiries that the ledger books, too, go once
SELECT is(told('[{"at": "2024-01-01T10:00Z", "value": 10}, {"at": "2024-02-02T10:00Z", "value": 10, "kind": "gone"}]', '{"earn": {"kinds": {"gone": "expire"}}, "points": {"expires_after": "1 month"}}', '2024-12-31'), '{01-01 earn 10 = 10,02-02 expire -10 = 0,02-02 expire -10 = 0}', 'an expiry that is booked is that which was computed');

SELECT is(told('[{"at": "2024-01-01T10:00Z", "value": 5, "kind": "partner", "expires_at": "2024-01-01T10:00Z"}, {"at": "2024-01-01T10:00Z", "value": 7}]', '{"earn": {"kinds": {"partner": "earn"}}}', '2024-12-31'), '{01-01 earn 7 = 7,01-01 earn 5 = 12,01-01 expire -5 = 7}', 'what comes in expired goes after it has come');

-- ---- payments with points that come later ----

-- the loop's first two orders make Gold; of the second one 30 are paid with points a second later
INSERT INTO case_of VALUES ('late', '[{"at": "2024-01-01T10:00Z", "value": 60}, {"at": "2024-01-02T10:00Z", "value": 50, "label": "food", "kind": "stay", "ref": 1}, {"at": "2024-01-02T10:00:01Z", "value": 30, "kind": "paid_with_points", "ref": 1}]',
	'{"earn": {"kinds": {"stay": "purchase"}}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime", "valid": "while_qualified"}}');
SELECT is(told(t, p, '2024-12-31'), '{01-01 tier = 0 Member,01-01 earn 60 = 60 Member,01-02 earn food 50 = 110 Member,01-02 tier = 110 Gold,01-02 return food -30 = 80 Gold,01-02 tier = 80 Member}', 'a later payment takes back points, spend, and the tier') FROM case_of WHERE name = 'late';
SELECT is(stands(t, p, '2024-12-31'), '80 2 | 80 0 0 0 80 | Member 0 20', '... in the summary') FROM case_of WHERE name = 'late';
SELECT is(stands(t, (p::jsonb || format('{"tier_metric": "%s", "tiers": {"levels": {"Gold": 25}, "qualifying_window": "lifetime", "valid": "while_qualified", "metrics": {"n": {"kinds": ["stay"], "labels": ["food"]}}}}', metric)::jsonb)::program_policy, '2024-12-31'), '80 2 | 80 0 0 0 80 | Member 0 5', '... by ' || metric || ' of the order''s kind and label') FROM case_of, unnest('{spend,points}'::text[]) metric WHERE name = 'late';
SELECT is(stands(t, (p::jsonb || '{"tier_metric": "points", "pending_counts": false, "points": {"pending": "1 day"}}')::program_policy, '2024-12-31'), '80 2 | 80 0 0 0 80 | Member 0 20', '... of points that wait') FROM case_of WHERE name = 'late';
SELECT is((SELECT array_agg(v) FROM program_violations('[{"at": "2024-01-01T10:00Z", "value": 30, "kind": "paid_with_points", "ref": "A"}, {"at": "2024-01-03T00:00Z", "value": 20, "ref": "A"}]', '{"zone": "UTC"}', as_of) v)::text, want, 'violations by the end of ' || as_of)
FROM (VALUES (date '2023-12-31', NULL), ('2024-01-02', '{"(\"2024-01-01 10:00:00+00\",A,\"payment with points for no order\",30,earn)"}'), ('2024-01-03', '{"(\"2024-01-01 10:00:00+00\",A,\"payment with points of more than its order\",10,earn)"}')) v (as_of, want);
SELECT is_empty($$SELECT * FROM program_violations(NULL, '{}', '2024-01-01')$$, 'no timeline, no rows');
SELECT throws_ok(format('SELECT * FROM program_violations(%s)', call), state::char(5), NULL, call) FROM (VALUES ($$'[]', NULL$$, '22004'), ($$'[]', '{}', NULL$$, '22004'), ($$'[]', '{}', 'infinity'$$, '22008')) f (call, state);

-- ---- tiers in which nothing expires ----

-- 150 on 10 January: Gold for two months; points live one month
INSERT INTO case_of VALUES ('kept', '[{"at": "2024-01-10T12:00Z", "value": 150}, {"at": "2024-03-01T12:00Z", "kind": "redeem", "value": 20}]', '{"points": {"expires_after": "1 month"}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "1 month", "valid": "2 months"}, "no_expiry_tiers": ["Gold"], "zone": "UTC"}');
SELECT is(told(t, (p::jsonb - 'no_expiry_tiers')::program_policy, '2024-03-31'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,02-11 expire -150 = 0 Gold,03-01 redeem -20 = -20 Gold,03-10 tier = -20 Member}', 'points expire') FROM case_of WHERE name = 'kept';
SELECT is(told(t, p, '2024-03-31'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-01 redeem -20 = 130 Gold,03-10 tier = 130 Member,03-10 expire -130 = 0 Member}', '... not in this tier, and all at once when it is left') FROM case_of WHERE name = 'kept';
SELECT is(stands(t, p, '2024-03-09'), '150 1 | 150 20 0 0 130 | Gold 1 2024-03-10', '... the day before') FROM case_of WHERE name = 'kept';
SELECT is(stands(t, p, '2024-03-10'), '150 1 | 150 20 130 0 0 | Member 0 100', '... the same day') FROM case_of WHERE name = 'kept';
SELECT is((program_summary(t, (p::jsonb || '{"points": {"inactive_after": "1 month"}}')::program_policy, '2024-03-09')).balance, 130::numeric, '... nor for want of activity') FROM case_of WHERE name = 'kept';
-- redeemed on 1 March: a month later they are gone
SELECT is(told(t, (p::jsonb || '{"points": {"inactive_after": "1 month"}}')::program_policy, '2024-04-30'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-01 redeem -20 = 130 Gold,03-10 tier = 130 Member,04-01 expire -130 = 0 Member}', '... refreshed in time') FROM case_of WHERE name = 'kept';
SELECT is(told(t, (p::jsonb || '{"points": {"inactive_after": "1 month", "refreshed_by": ["earn"]}}')::program_policy, '2024-04-30'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-01 redeem -20 = 130 Gold,03-10 tier = 130 Member,03-10 expire -130 = 0 Member}', '... or overdue when it is left') FROM case_of WHERE name = 'kept';
-- what isn't overdue yet stays
SELECT is(told('[{"at": "2024-01-10T12:00Z", "value": 150}, {"at": "2024-02-20T12:00Z", "value": 7}]', p, '2024-04-30'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,02-20 earn 7 = 157 Gold,03-10 tier = 157 Member,03-10 expire -150 = 7 Member,03-21 expire -7 = 0 Member}', 'what isn''t overdue stays') FROM case_of WHERE name = 'kept';

-- the instant of leaving is that of the expiry, 10 March 12:00, and so is that of a redemption
INSERT INTO case_of VALUES ('boundary', '[{"at": "2024-01-10T12:00Z", "value": 150}, {"at": "2024-03-10T12:00Z", "kind": "redeem", "value": 20}]', '{"points": {"expires_after": "2 months", "expires_align": "none"}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "1 month", "valid": "2 months"}, "no_expiry_tiers": ["Gold"], "zone": "UTC"}');
SELECT is(told(t, p, '2024-03-31'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-10 tier = 150 Member,03-10 expire -150 = 0 Member,03-10 redeem -20 = -20 Member}', 'left and overdue at one instant: gone before its events') FROM case_of WHERE name = 'boundary';
SELECT is(told(t, jsonb_set(p::jsonb, '{points,expiry_boundary}', '"valid"')::program_policy, '2024-03-31'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-10 tier = 150 Member,03-10 redeem -20 = 130 Member,03-10 expire -130 = 0 Member}', '... after them, where points are valid at their expiry') FROM case_of WHERE name = 'boundary';
-- an hour earlier they are overdue either way
SELECT is(told(t, jsonb_set(p::jsonb, '{points}', '{"expires_after": "59 days 23:00:00", "expires_align": "none", "expiry_boundary": "valid"}')::program_policy, '2024-03-31'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-10 tier = 150 Member,03-10 expire -150 = 0 Member,03-10 redeem -20 = -20 Member}', '... but what was overdue before') FROM case_of WHERE name = 'boundary';
-- entered at the very instant of the expiry: 10 February 12:00
SELECT is(told('[{"at": "2024-01-10T12:00Z", "value": 50}, {"at": "2024-02-10T12:00Z", "value": 100}]', '{"points": {"expires_after": "1 month", "expires_align": "none"}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime"}, "no_expiry_tiers": ["Gold"], "zone": "UTC"}', '2024-12-31'),
	'{01-10 tier = 0 Member,01-10 earn 50 = 50 Member,02-10 expire -50 = 0 Member,02-10 earn 100 = 100 Member,02-10 tier = 100 Gold}', 'entered at the instant of an expiry: too late');
SELECT is(told('[{"at": "2024-01-10T12:00Z", "value": 50}, {"at": "2024-02-10T12:00Z", "value": 100}]', '{"points": {"expires_after": "1 month", "expires_align": "none", "expiry_boundary": "valid"}, "tiers": {"levels": {"Gold": 100}, "qualifying_window": "lifetime"}, "no_expiry_tiers": ["Gold"], "zone": "UTC"}', '2024-12-31'),
	'{01-10 tier = 0 Member,01-10 earn 50 = 50 Member,02-10 earn 100 = 150 Member,02-10 tier = 150 Gold}', '... in time, where points are valid at it');
-- points that wait go on waiting; base tier
SELECT is(told('[{"at": "2024-01-10T12:00Z", "value": 50}]', '{"points": {"expires_after": "1 month", "pending": "14 days"}, "tiers": {"Gold": 100}, "no_expiry_tiers": ["Member"], "zone": "UTC"}', '2024-12-31'), '{01-10 tier = 0 Member,01-10 earn 50 = 0 Member,01-24 activate 50 = 50 Member}', 'the base tier may be one');

-- ---- versions ----

-- the list of tiers changes at the start of a day, and what is overdue goes there
SELECT is(told(t, (p::jsonb || '{"versions": [{"from": "2024-03-05", "no_expiry_tiers": []}]}')::program_policy, '2024-03-31'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-01 redeem -20 = 130 Gold,03-05 expire -130 = 0 Gold,03-10 tier = 0 Member}', 'a version ends that a tier keeps points') FROM case_of WHERE name = 'kept';
SELECT is(stands(t, (p::jsonb || '{"versions": [{"from": "2024-03-05", "no_expiry_tiers": []}]}')::program_policy, as_of), want, '... ' || as_of) FROM case_of, (VALUES (date '2024-03-04', '150 1 | 150 20 0 0 130 | Gold 1 2024-03-10'), ('2024-03-05', '150 1 | 150 20 130 0 0 | Gold 1 2024-03-10')) v (as_of, want) WHERE name = 'kept';
SELECT is(told(t, (p::jsonb || '{"no_expiry_tiers": [], "versions": [{"from": "2024-02-01", "no_expiry_tiers": ["Gold"]}, {"from": "2024-03-01", "no_expiry_tiers": ["Member", "Gold"]}]}')::program_policy, '2024-12-31'), '{01-10 tier = 0 Member,01-10 earn 150 = 150 Member,01-10 tier = 150 Gold,03-01 redeem -20 = 130 Gold,03-10 tier = 130 Member}', '... or begins it') FROM case_of WHERE name = 'kept';
-- rate, expiry and threshold from 1 July on: 80 at 1 is no Gold; then 75 at 2 and Gold at 150
INSERT INTO case_of VALUES ('versions', '[{"at": "2024-06-30T12:00Z", "value": 80}, {"at": "2024-07-01T12:00Z", "value": 75}, {"at": "2024-07-02T12:00Z", "value": 10}]',
	'{"earn": {"multipliers": [{"times": 10, "tiers": ["Gold"]}]}, "points": {"expires_after": "1 month"}, "tiers": {"levels": {"Gold": 200}, "qualifying_window": "lifetime"}, "zone": "UTC", "versions": [{"from": "2024-07-01", "earn": {"rate": 2}, "points": {"expires_after": "2 months"}, "tiers": {"levels": {"Gold": 150}}}]}');
SELECT is(told(t, p, '2024-12-31'), '{06-30 tier = 0 Member,06-30 earn 80 = 80 Member,07-01 earn 150 = 230 Member,07-01 tier = 230 Gold,07-02 earn 200 = 430 Gold,07-31 expire -80 = 350 Gold,09-02 expire -150 = 200 Gold,09-03 expire -200 = 0 Gold}', 'rate, expiry and threshold of the day') FROM case_of WHERE name = 'versions';
SELECT is(told(t, (p::jsonb - 'versions' || '{"earn": {"multipliers": [{"times": 10, "tiers": ["Gold"]}], "versions": [{"from": "2024-07-01", "rate": 2}]}, "points": {"expires_after": "1 month", "versions": [{"from": "2024-07-01", "expires_after": "2 months"}]}, "tiers": {"levels": {"Gold": 200}, "qualifying_window": "lifetime", "versions": [{"from": "2024-07-01", "levels": {"Gold": 150}}]}}')::program_policy, '2024-12-31'), told(t, p, '2024-12-31'), '... wherever they stand') FROM case_of WHERE name = 'versions';

-- ---- days, zones, decimals ----

SELECT is(told('[{"at": "2024-01-31T23:30Z", "value": 10}]', '{"points": {"expires_after": "1 month"}, "zone": "Europe/Helsinki"}', '2024-02-29'), '{01-31 earn 10 = 10}', 'a day of the zone');
SELECT is(told('[{"at": "2024-01-31T23:30Z", "value": 10}]', '{"points": {"expires_after": "1 month"}, "zone": "Europe/Helsinki"}', '2024-03-01'), '{01-31 earn 10 = 10,03-01 expire -10 = 0}', '... ends when it ends there');
SELECT is(told('[{"at": "2023-02-28T12:00Z", "kind": "join"}]', '{"earn": {"bonuses": {"anniversary": 7}}, "tiers": {"Gold": 5}, "tier_metric": "points"}', '2025-02-28'), '{02-28 tier = 0 Member,02-28 bonus anniversary 7 = 7 Member,02-28 bonus anniversary 7 = 14 Member}', 'what time gives, up to the day');
SELECT is(told('[{"at": "2023-02-28T12:00Z", "kind": "join"}]', '{"earn": {"bonuses": {"anniversary": 7}, "bonuses_qualify": true}, "tiers": {"Gold": 5}, "tier_metric": "points"}', '2024-03-31'), '{02-28 tier = 0 Member,02-28 bonus anniversary 7 = 7 Member,02-28 tier = 7 Gold}', '... which may reach a tier');
SELECT is((SELECT (s.spend, s.points_earned, s.points_redeemed, s.balance)::text FROM program_summary('[{"at": "2024-01-01T12:00Z", "value": 10.50}, {"at": "2024-01-02T12:00Z", "value": 2.50, "kind": "redeem"}]', '{}', '2024-12-31') s), '(10.50,10.0,2.5,7.5)', 'a redemption with more decimals than the rules');
SELECT is((SELECT (s.spend, s.points_earned, s.balance)::text FROM program_summary('[{"at": "2024-01-01T12:00Z", "value": 10.50}]', '{"earn": {"decimals": 3}}', '2024-12-31') s), '(10.50,10.500,10.500)', '... and those of the rules');
SELECT is(stands('[{"at": "2024-01-01T12:00Z", "value": 10}, {"at": "2024-01-02T12:00Z", "value": 25, "kind": "redeem"}]', '{"points": {"overdraft": "clip"}}', '2024-12-31'), '10 1 | 10 10 0 0 0 | 0', 'a redemption that is clipped');
SELECT throws_ok($$SELECT program_summary('[{"at": "2024-01-01T12:00Z", "value": 10}, {"at": "2024-01-02T12:00Z", "value": 25, "kind": "redeem"}]', '{"points": {"overdraft": "refuse"}}', '2024-12-31')$$, '22023', NULL, '... or refused');
SELECT throws_ok($$SELECT program_summary('[{"at": "2024-01-01T12:00Z", "value": 9000000000000000000}]', '{"earn": {"rate": 2}}', '2024-12-31')$$, '22003', NULL, 'points that don''t fit');
SELECT throws_ok($$SELECT program_summary('[{"at": "2024-01-01T12:00Z", "value": 9000000000000000000}, {"at": "2024-01-02T12:00Z", "value": 0.5, "kind": "redeem"}]', '{}', '2024-12-31')$$, '22003', NULL, '... with the decimals of a redemption');

-- ---- who has nothing ----

SELECT is(stands('[]', '{"tiers": {"Gold": 100}}', '2024-12-31'), '0 0 | 0 0 0 0 0 | Member 0 100', 'an empty timeline is in the base tier');
SELECT is(stands('[]', '{}', '2024-12-31'), '0 0 | 0 0 0 0 0 | 0', '... without tiers');
SELECT is(told('[]', '{"tiers": {"Gold": 100}}', '2024-12-31'), '{}', '... and has no statement');
SELECT is((SELECT s.tier FROM program_summary('[{"at": "2024-01-01T12:00Z", "value": 10}]', '{}', '2024-12-31') s), NULL, 'without tiers there is no name');
SELECT is(stands('[{"at": "1990-01-01T12:00Z", "kind": "birth"}]', '{"earn": {"bonuses": {"birthday": 5}}, "tiers": {"Gold": 100}}', '2024-12-31'), '0 0 | 0 0 0 0 0 |', 'just born: no member');

-- ---- the statement ----

SELECT results_eq($$SELECT at::date, role, label, ref, amount, points, balance, tier, explanation FROM program_statement('[{"at": "2024-01-01T09:00Z", "kind": "join", "ref": "web"}, {"at": "2024-01-02T10:00Z", "value": 60.00, "label": "food", "ref": 1}, {"at": "2024-01-02T10:00Z", "value": 50.00, "label": "toys", "ref": 1},
	{"at": "2024-01-03T10:00Z", "value": 7.00, "label": "gift"}, {"at": "2024-01-04T10:00Z", "value": -50.00, "label": "toys", "ref": 1}, {"at": "2024-01-05T10:00Z", "value": 30, "kind": "redeem", "ref": "r1"}]',
	'{"earn": {"bonuses": {"joining": 10}, "excluded_labels": ["gift"]}, "points": {"expires_after": "1 month"}, "tiers": {"levels": {"Gold": 100}, "valid": "2 months"}, "zone": "UTC"}', '2024-03-31')$$,
	$$VALUES (date '2024-01-01', 'tier', NULL, NULL, NULL::numeric, NULL::numeric, 0::numeric, 'Member', 'joined'), ('2024-01-01', 'bonus', 'joining', 'web', NULL, 10, 10, 'Member', 'joining bonus of 10'),
	('2024-01-02', 'earn', NULL, '1', 110.00, 110, 120, 'Member', '110.00 at 1 per 1.00'), ('2024-01-02', 'tier', NULL, NULL, NULL, NULL, 120, 'Gold', 'Member to Gold, qualified'),
	('2024-01-03', 'earn', 'gift', NULL, 7.00, 0, 120, 'Gold', 'label gift earns nothing'), ('2024-01-04', 'return', 'toys', '1', -50.00, -50, 70, 'Gold', 'return of 50.00 of 110.00, 50 of 110 taken back'),
	('2024-01-05', 'redeem', NULL, 'r1', NULL, -30, 40, 'Gold', 'redemption'), ('2024-02-03', 'expire', NULL, NULL, NULL, -40, 0, 'Gold', NULL),
	('2024-03-02', 'tier', NULL, NULL, NULL, NULL, 0, 'Member', 'Gold to Member, lapsed')$$, 'row by row');
-- what expires at one instant is added up by label, each row with its balance
SELECT is(told('[{"at": "2024-01-01T10:00Z", "value": 5, "label": "a"}, {"at": "2024-01-01T11:00Z", "value": 6, "label": "b"}, {"at": "2024-01-01T12:00Z", "value": 7, "label": "a"}, {"at": "2024-01-02T12:00Z", "value": 1}]', '{"points": {"expires_after": "1 month"}}', '2024-12-31'),
	'{01-01 earn a 5 = 5,01-01 earn b 6 = 11,01-01 earn a 7 = 18,01-02 earn 1 = 19,02-02 expire a -12 = 7,02-02 expire b -6 = 1,02-03 expire -1 = 0}', 'what expires together');
-- points that wait expire without having been in the balance
SELECT is(told('[{"at": "2024-01-01T10:00Z", "value": 5, "label": "a"}, {"at": "2024-01-01T11:00Z", "value": 6}]', '{"points": {"pending": "2 months", "by_label": {"a": {"expires_after": "1 month"}}, "expires_after": "6 months"}}', '2024-03-31'),
	'{01-01 earn a 5 = 0,01-01 earn 6 = 0,02-02 expire a -5 = 0,03-01 activate 6 = 6}', '... that nobody could spend');

-- ---- laws ----

\ir reference/periods.sql
\ir reference/earn_reference.sql
\ir reference/earn_random.sql
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/tiers_reference.sql
\ir reference/tiers_random.sql
\ir reference/program_reference.sql
\ir reference/program_random.sql

-- without tiers: points_balance(points_accrual()). Of one instant a programme has what was earned before bonuses, a timeline goes by kinds: where the oldest or newest
-- are redeemed first, and points expire share by share, other shares are left.
CREATE TABLE flat AS
SELECT seed, earn, points, t, (SELECT (max(at) AT TIME ZONE 'Europe/Helsinki')::date FROM timeline_events(t)) AS as_of
FROM generate_series(1, 200) seed, LATERAL (SELECT regexp_replace(earn_random_policy(seed)::text, '"tiers": \[[^]]*\], ', '', 'g')::jsonb || '{"zone": "Europe/Helsinki", "other_kinds": "ignore"}' AS earn, ref_random_program_points(seed) || '{"zone": "Europe/Helsinki"}' AS points) p,
	LATERAL (SELECT earn_random_timeline(seed, earn)::text::event_timeline AS t) q;
SELECT is_empty($$
	SELECT seed, earn, points, t, ours, theirs
	FROM flat, LATERAL (SELECT trim_scale((program_summary(t, jsonb_build_object('earn', earn, 'points', points), as_of)).balance) AS ours,
		trim_scale(points_balance(points_accrual(t, earn), points || '{"kinds": {"earn": "earn", "bonus": "earn", "return": "return", "redeem": "redeem", "redeem_refund": "redeem_refund", "adjust": "adjust", "transfer": "transfer", "forfeit": "forfeit", "expire": "expire", "activate": "activate", "block": "block", "unblock": "unblock"}}', as_of)) AS theirs) x
	WHERE as_of IS NOT NULL AND points->>'overdraft' IS DISTINCT FROM 'refuse' AND NOT (points ? 'expires_shares' AND points ? 'redeem_order') AND ours <> theirs$$, 'without tiers: points_balance(points_accrual())');

-- tiers by spend: those of the same events, where every event counts with its value
CREATE TABLE ladder AS
-- a metric without kinds knows none but its own, so that events have some only where all have
SELECT seed, tiers, (SELECT jsonb_agg(CASE WHEN e->>'kind' IN ('join', 'tier_grant') THEN e ELSE e - 'ref' - CASE WHEN jsonb_path_exists(tiers, '$.metrics.* ? (!exists(@.kinds))') OR NOT tiers ? 'metrics' THEN 'kind' ELSE 'ref' END END) FROM jsonb_array_elements(ref_random_tier_events(seed, tiers)) e 
	WHERE CASE e->>'kind' WHEN 'join' THEN true WHEN 'tier_grant' THEN tiers::text LIKE format('%%"%s"%%', e->>'label') ELSE e ? 'value' END)::text::event_timeline AS t
FROM generate_series(1, 200) seed, LATERAL (SELECT ref_random_tier_policy(seed) - 'join_kind' - 'grant_kind' AS tiers) p;
SELECT is_empty($$
	SELECT seed, tiers, t, day
	FROM ladder, LATERAL (SELECT DISTINCT (at AT TIME ZONE 'UTC')::date + back AS day FROM timeline_events(t), unnest('{0,30,400}'::int[]) back) d
	WHERE EXISTS (SELECT FROM timeline_events(t) WHERE kind = 'join') AND tier(t, tiers, day) IS DISTINCT FROM (program_summary(t, jsonb_build_object('tiers', tiers, 'earn', '{"kinds": {"birth": "purchase", "redeem": "purchase", "referral": "purchase", "paid_with_points": "purchase", "buy": "purchase", "stay": "purchase", "other": "purchase", "back": "purchase"}}'::jsonb), day)).tier$$, 'tiers by spend are those of what counts');

-- the summary is the end of the statement, and the statement of a day the beginning of that of a later one
CREATE TABLE whole AS
SELECT seed, p, t, first + (days * part / 2) AS as_of
FROM generate_series(1, 150) seed, LATERAL (SELECT ref_random_program(seed) - 'versions' AS program) r, LATERAL (SELECT program || jsonb_build_object('earn', coalesce(program->'earn', '{}') || '{"other_kinds": "ignore"}') AS p) x, LATERAL (SELECT ref_random_program_timeline(seed, p)::text::event_timeline AS t) y,
	LATERAL (SELECT min(at)::date AS first, max(at)::date - min(at)::date + 400 AS days FROM timeline_events(t) WHERE kind IS DISTINCT FROM 'birth') z, generate_series(0, 2) part
WHERE p->'points'->>'overdraft' IS DISTINCT FROM 'refuse' AND p->'points'->>'returns_below_zero' IS DISTINCT FROM 'false' AND first IS NOT NULL;
CREATE TABLE row_of AS SELECT w.seed, w.as_of, s.* FROM whole w, ROWS FROM (program_statement(w.t, w.p, w.as_of)) WITH ORDINALITY s(at, role, label, ref, amount, points, balance, tier, explanation, n);
SELECT cmp_ok((SELECT count(*)::int FROM row_of), '>', 2000, 'rows of random statements');
SELECT is_empty($$
	SELECT w.* FROM whole w, program_summary(t, p, as_of) s, LATERAL (
		SELECT coalesce(sum(points) FILTER (WHERE role IN ('earn', 'bonus', 'return')), 0) AS earned, bool_or(explanation LIKE 'return of % at %') AS no_order, bool_or(role IN ('redeem_refund', 'adjust', 'transfer', 'forfeit') OR explanation IN ('earned elsewhere', 'booked expiry')) AS ledger, coalesce(-sum(points) FILTER (WHERE role = 'expire'), 0) AS expired, coalesce(-sum(points) FILTER (WHERE role = 'redeem'), 0) AS redeemed,
			(array_agg(balance ORDER BY n DESC))[1] AS balance, (array_agg(tier ORDER BY n DESC))[1] AS tier
		FROM row_of r WHERE (r.seed, r.as_of) = (w.seed, w.as_of)) e
	-- rows have points as they are booked: a ledger's, and returns of no order, may find less
	WHERE NOT coalesce(ledger, false) AND ((s.points_earned <> earned AND NOT coalesce(no_order, false)) OR s.points_earned < earned OR s.points_expired <> expired OR (s.points_redeemed <> redeemed AND p->'points'->>'overdraft' IS DISTINCT FROM 'clip')) OR s.balance <> coalesce(e.balance, 0) OR s.tier IS DISTINCT FROM e.tier
		OR s.points_earned <> s.points_redeemed + s.points_expired + s.points_pending + s.points_blocked + s.balance$$, 'the summary is the end of the statement, and adds up');
SELECT is_empty($$
	SELECT a.seed, a.as_of, a.n FROM row_of a JOIN row_of b ON b.seed = a.seed AND b.as_of > a.as_of AND b.n = a.n WHERE (a.at, a.role, a.label, a.points, a.balance, a.tier, a.explanation) IS DISTINCT FROM (b.at, b.role, b.label, b.points, b.balance, b.tier, b.explanation)$$,
	'a statement begins as that of an earlier day');
-- timelines of just instants and values take a shorter way: a note that nobody looks at sends them the long one
CREATE TABLE plain AS
SELECT seed, jsonb_set(coalesce(p, '{}') || CASE WHEN p ? 'earn' THEN '{}' ELSE '{"earn": {}}' END::jsonb, '{earn,kinds}', coalesce(p->'earn'->'kinds', '{}') || '{"note": "ignore"}') AS p, as_of,
	(SELECT timeline_agg(at, value) FROM timeline_events(t) WHERE value IS NOT NULL AND kind IS DISTINCT FROM 'birth') AS t
FROM whole;
SELECT is_empty($$
	SELECT seed, as_of FROM plain, LATERAL (SELECT t + '[{"at": "2030-01-01T00:00Z", "kind": "note"}]'::event_timeline AS noted) n
	WHERE t IS NOT NULL AND program_summary(t, p, as_of) IS DISTINCT FROM program_summary(noted, p, as_of)$$, 'the short way leads where the long one does');
SELECT cmp_ok((SELECT count(*)::int FROM plain WHERE (program_summary(t, p, as_of)).rank > 0), '>', 30, '... with tiers');
SELECT * FROM finish();
ROLLBACK;
