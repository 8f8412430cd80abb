--
-- The worked examples of the reference page on points, the differences between
-- engines that are parameters here, and the mistakes seen in ledgers.
--
\ir reference/setup.sql
BEGIN;
SELECT plan(100);

CREATE FUNCTION ledger(VARIADIC events timeline_event[]) RETURNS event_timeline
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(timeline_agg(e), '[]') FROM unnest(events) e $$;

-- What remains of each lot, in the order of earning.
CREATE FUNCTION remains(timeline event_timeline, policy points_policy, as_of date) RETURNS numeric[]
LANGUAGE sql AS $$ SELECT array_agg(trim_scale(l.remaining) ORDER BY l.earned_at, l.ref) FROM points_lots(timeline, policy, as_of) l $$;

-- On which local day the points of a lot are good for the last time.
CREATE FUNCTION last_day(earned text, policy points_policy) RETURNS date
LANGUAGE sql AS $$ SELECT (l.expires_at - interval '1 microsecond')::date FROM points_lots(ledger(make_event(earned::timestamptz, 10)), policy, earned::timestamptz::date) l $$;

CREATE FUNCTION identity_holds(timeline event_timeline, policy points_policy, as_of date) RETURNS boolean
LANGUAGE sql AS $$
	SELECT s.earned + s.reinstated + s.adjusted + s.transferred = s.redeemed + s.returned + s.expired + s.forfeited + s.pending + s.active - s.overdrawn
		AND s.balance = s.active - s.overdrawn AND s.active >= 0 AND s.overdrawn >= 0
		AND s.balance = points_balance(timeline, policy, as_of)
	FROM points_summary(timeline, policy, as_of) s
$$;

-- ---- worked examples ----

-- 1: 10 on 21 Feb, 10 on 15 Mar, 15 spent: 5 left, of the lot of March
CREATE TABLE first AS SELECT ledger(make_event('2024-02-21 10:00Z', 10), make_event('2024-03-15 10:00Z', 10), make_event('2024-03-20 10:00Z', -15)) AS t;
SELECT is(points_balance(t, '{}', '2024-03-20'), 5.0, 'example 1: the balance') FROM first;
SELECT is(remains(t, '{}', '2024-03-20'), '{0,5}', '... is of the lot of March') FROM first;
SELECT results_eq($$SELECT r.earned_at::date, trim_scale(r.points) FROM first, points_redemptions(t, '{}', '2024-03-20') r$$, $$VALUES (date '2024-02-21', 10.0), ('2024-03-15', 5.0)$$, '... and of both lots were spent');
SELECT is(points_balance(t, '{}', '2024-03-19'), 20.0, '... the day before') FROM first;
SELECT is(points_balance(t, '{}', '2024-02-20'), 0.0, '... before the first event') FROM first;
SELECT is(points_balance_at(t, '{}', '2024-03-20 10:00Z'), 5.0, '... an instant is inclusive') FROM first;
SELECT is(points_balance_at(t, '{}', '2024-03-20 09:59:59.999999Z'), 20.0, '... and what is after it is not') FROM first;

-- 3: inactivity of 365 days: activity on 1 Jan, good through 31 Dec; a purchase on 1 Jun, through 31 May
SELECT is(points_balance_at(timeline_agg(at, 10), '{"inactive_after": "365 days"}', '2022-12-31 23:59:59.999999Z'), 10.0, 'example 3: good through 31 December') FROM (VALUES (timestamptz '2022-01-01 10:00Z')) v(at);
SELECT is(points_balance_at(timeline_agg(at, 10), '{"inactive_after": "365 days"}', '2023-01-01 00:00Z'), 0.0, '... and no longer') FROM (VALUES (timestamptz '2022-01-01 10:00Z')) v(at);
SELECT is(points_balance(timeline_agg(at, 10), '{"inactive_after": "365 days"}', '2022-12-30'), 10.0, '... the end of 30 December') FROM (VALUES (timestamptz '2022-01-01 10:00Z')) v(at);
SELECT is(points_balance(timeline_agg(at, 10), '{"inactive_after": "365 days"}', '2022-12-31'), 0.0, '... the end of 31 December') FROM (VALUES (timestamptz '2022-01-01 10:00Z')) v(at);
CREATE TABLE june AS SELECT ledger(make_event('2022-01-01 10:00Z', 10, 'earn'), make_event('2022-06-01 10:00Z', 5, 'earn'), make_event('2022-07-01 10:00Z', 1, 'adjust'), make_event('2022-08-01 10:00Z', 2, 'return')) AS t;
SELECT is(points_balance_at(t, '{"inactive_after": "365 days", "kinds": {"earn": "earn", "adjust": "adjust", "return": "return"}}', '2023-05-31 23:59:59Z'), 14.0, '... a purchase on 1 June: through 31 May; an adjustment or a return is no activity') FROM june;
SELECT is(points_balance(t, '{"inactive_after": "365 days", "kinds": {"earn": "earn", "adjust": "adjust", "return": "return"}}', '2023-05-31'), 0.0, '... and no longer') FROM june;
SELECT is(s.next_expiry_at, '2023-06-01 00:00Z', '... said beforehand') FROM june, points_summary(t, '{"inactive_after": "365 days", "kinds": {"earn": "earn", "adjust": "adjust", "return": "return"}}', '2022-12-31') s;
SELECT is(s.next_expiry_points, 14.0, '... with its points') FROM june, points_summary(t, '{"inactive_after": "365 days", "kinds": {"earn": "earn", "adjust": "adjust", "return": "return"}}', '2022-12-31') s;
SELECT is(points_balance(ledger(make_event('2022-01-01 10:00Z', 10), make_event('2022-06-01 10:00Z', -1)), '{"inactive_after": "365 days", "refreshed_by": ["earn"]}', '2022-12-31'), 0.0, '... where only earning refreshes');
SELECT is(points_balance(ledger(make_event('2022-01-01 10:00Z', 10), make_event('2022-06-01 10:00Z', -1)), '{"inactive_after": "365 days", "refreshed_by": ["redeem"]}', '2022-12-31'), 9.0, '... where only redeeming refreshes');

-- 4: expiry after 90 days: on day 91 the balance is 0
SELECT results_eq($$SELECT points_balance(timeline_agg(timestamptz '2023-01-01 10:00Z', 10), '{"expires_after": "90 days"}', date '2023-01-01' + day)::int FROM unnest('{0,89,91}'::int[]) day GROUP BY day ORDER BY day$$, '{10,10,0}'::int[], 'example 4: on day 91 the balance is 0');
SELECT is(points_balance_at(timeline_agg(timestamptz '2023-01-01 10:00Z', 10), '{"expires_after": "90 days"}', '2023-04-01 23:59:59.999999Z'), 10.0, '... good through the day 90 days later');
SELECT is(points_balance_at(timeline_agg(timestamptz '2023-01-01 10:00Z', 10), '{"expires_after": "90 days"}', '2023-04-02 00:00Z'), 0.0, '... and no longer');

-- 5: orders of 10, 10 and 20 earning 10, 20 and 40: the return of the last takes its own 40
CREATE TABLE returned AS SELECT ledger(make_event('2024-02-21 10:00Z', 10, 'earn', ref => 1), make_event('2024-02-22 10:00Z', 20, 'earn', ref => 2), make_event('2024-02-23 10:00Z', 40, 'earn', ref => 3), make_event('2024-02-24 10:00Z', 40, 'return', ref => 3)) AS t,
	'{"kinds": {"earn": "earn", "return": "return"}}'::points_policy AS p;
SELECT is(remains(t, p, '2024-02-24'), '{10,20,0}', 'example 5: a return takes back its own points') FROM returned;
SELECT is(trim_scale(s.returned), 40.0, '... returned') FROM returned, points_summary(t, p, '2024-02-24') s;
SELECT is(remains(ledger(make_event('2024-02-21 10:00Z', 10, 'earn', ref => 1), make_event('2024-02-22 10:00Z', 20, 'earn', ref => 2), make_event('2024-02-23 10:00Z', 40, 'earn', ref => 3), make_event('2024-02-24 10:00Z', -35, 'return', ref => 1)), p::jsonb || '{"returns_beyond": "take"}', '2024-02-24'),
	'{0,20,15}', '... its own first, then the newest; the sign of a return doesn''t matter') FROM returned;
SELECT is(remains(ledger(make_event('2024-02-21 10:00Z', 10, 'earn', ref => 1), make_event('2024-02-22 10:00Z', 20, 'earn', ref => 2), make_event('2024-02-24 10:00Z', -35, 'return', ref => 1)), p, '2024-02-24'),
	'{0,20}', '... and none but its own, unless the policy says so') FROM returned;

-- ---- mistakes seen in ledgers ----

-- sum(unexpired credits) - sum(all debits): takes twice what was spent before it expired
CREATE TABLE twice AS SELECT ledger(make_event('2023-01-10 10:00Z', 100), make_event('2023-02-10 10:00Z', -100), make_event('2023-12-10 10:00Z', 50)) AS t;
SELECT is(points_balance(t, '{"expires_after": "12 months"}', '2024-03-01'), 50.0, 'what was spent before it would have expired is not taken twice') FROM twice;
SELECT is(trim_scale(s.expired), 0.0, '... nothing has expired') FROM twice, points_summary(t, '{"expires_after": "12 months"}', '2024-03-01') s;

-- min(expires_at) hides the later batches
CREATE TABLE batches AS SELECT ledger(make_event('2023-01-10 10:00Z', 10), make_event('2023-02-10 10:00Z', 20), make_event('2023-02-10 15:00Z', 5), make_event('2023-04-10 10:00Z', 40), make_event('2023-05-10 10:00Z', -3)) AS t;
SELECT results_eq($$SELECT s.expires_at::date, trim_scale(s.points) FROM batches, points_expiry_schedule(t, '{"expires_after": "12 months"}', '2023-12-31') s$$,
	$$VALUES (date '2024-01-11', 7.0), ('2024-02-11', 25.0), ('2024-04-11', 40.0)$$, 'each batch has its day of expiry');
SELECT is((s.next_expiry_at, trim_scale(s.next_expiry_points))::text, (timestamptz '2024-01-11 00:00Z', 7::numeric)::text, '... the next') FROM batches, points_summary(t, '{"expires_after": "12 months"}', '2023-12-31') s;
SELECT is((s.next_expiry_at, trim_scale(s.next_expiry_points))::text, (timestamptz '2024-02-11 00:00Z', 25::numeric)::text, '... the one after') FROM batches, points_summary(t, '{"expires_after": "12 months"}', '2024-01-10') s;

-- what expires next month is not all that expires after this month
SELECT is(points_expiring(t, '{"expires_after": "12 months"}', '2023-12-31', '2024-02-01'), 7.0, 'what expires next month') FROM batches;
SELECT is(points_expiring(t, '{"expires_after": "12 months"}', '2023-12-31', '2024-03-01'), 32.0, '... in the next two') FROM batches;
SELECT is(points_expiring(t, '{"expires_after": "12 months"}', '2023-12-31', '2024-01-01'), 0.0, '... in no time') FROM batches;
SELECT is(points_expiring(t, '{}', '2023-12-31', '2030-01-01'), 0.0, '... without a rule nothing does') FROM batches;

-- points that expired between two redemptions are not spent by the second
CREATE TABLE between_two AS SELECT ledger(make_event('2023-01-10 10:00Z', 100), make_event('2023-06-10 10:00Z', 100), make_event('2023-12-01 10:00Z', -30), make_event('2024-02-01 10:00Z', -50)) AS t;
SELECT is(points_balance(t, '{"expires_after": "12 months"}', '2024-02-01'), 50.0, 'what expired between two redemptions is not spent by the second') FROM between_two;
SELECT is(trim_scale(s.expired), 70.0, '... it expired') FROM between_two, points_summary(t, '{"expires_after": "12 months"}', '2024-02-01') s;
SELECT results_eq($$SELECT r.redeemed_at::date, r.earned_at::date, trim_scale(r.points) FROM between_two, points_redemptions(t, '{"expires_after": "12 months"}', '2024-02-01') r$$,
	$$VALUES (date '2023-12-01', date '2023-01-10', 30.0), ('2024-02-01', '2023-06-10', 50.0)$$, '... which earning each redemption used');
SELECT results_eq($$SELECT s.at, s.role, trim_scale(s.points), trim_scale(s.balance) FROM between_two, points_statement(t, '{"expires_after": "12 months"}', '2023-12-01', '2024-03-01') s OFFSET 1$$,
	$$VALUES (timestamptz '2023-12-01 10:00Z', 'redeem', -30.0, 170.0), ('2024-01-11 00:00Z', 'expire', -70.0, 100.0), ('2024-02-01 10:00Z', 'redeem', -50.0, 50.0)$$, '... the statement shows the expiry when it happened');
SELECT is(trim_scale(s.balance), 200.0, '... after the opening balance') FROM between_two, points_statement(t, '{"expires_after": "12 months"}', '2023-12-01', '2024-03-01') s ORDER BY s.at LIMIT 1;

-- a refund gives the points back to where they came from: it earns nothing, and charges nothing again
CREATE TABLE refund AS SELECT v.sign, ledger(make_event('2023-01-10 10:00Z', 100, 'earn', ref => 1), make_event('2023-06-10 10:00Z', 100, 'earn', ref => 2), make_event('2023-07-01 10:00Z', 150, 'spend', ref => 77), make_event('2023-07-05 10:00Z', v.sign * 60, 'refund', ref => 77)) AS t,
	'{"kinds": {"earn": "earn", "spend": "redeem", "refund": "redeem_refund"}, "expires_after": "12 months"}'::points_policy AS p FROM (VALUES (1), (-1)) v(sign);
SELECT is(remains(t, p, '2023-07-05'), '{10,100}', 'a refund goes back to the lots, what was taken last first; sign ' || sign) FROM refund;
SELECT is(trim_scale(s.earned), 200.0, '... it earns nothing; sign ' || sign) FROM refund, points_summary(t, p, '2023-07-05') s;
SELECT is((trim_scale(s.redeemed), trim_scale(s.reinstated))::text, '(150,60)', '... it is no redemption; sign ' || sign) FROM refund, points_summary(t, p, '2023-07-05') s;
SELECT is(points_balance(t, p, '2024-01-10'), 100.0, '... what was given back keeps its expiry; sign ' || sign) FROM refund;
SELECT is(trim_scale(s.expired), 50.0, 'points given back after their time expire at once')
FROM refund r, points_summary(ledger(make_event('2023-01-10 10:00Z', 100, 'earn'), make_event('2023-07-01 10:00Z', 80, 'spend', ref => 77), make_event('2024-07-05 10:00Z', 30, 'refund', ref => 77)), r.p, '2024-07-05') s WHERE sign = 1;
SELECT is(points_balance(ledger(make_event('2023-07-01 10:00Z', 80, 'spend', ref => 77), make_event('2023-07-05 10:00Z', 80, 'refund', ref => 77)), p, '2023-07-05'), 0.0, 'the refund of an overdraft cancels the debt') FROM refund WHERE sign = 1;
SELECT is(points_balance(ledger(make_event('2023-07-01 10:00Z', 80, 'spend', ref => 77), make_event('2023-07-05 10:00Z', 100, 'refund', ref => 77)), p, '2023-07-05'), 0.0, 'what is refunded beyond the redemption is dropped') FROM refund WHERE sign = 1;
SELECT is(points_balance(ledger(make_event('2023-07-01 10:00Z', 80, 'spend', ref => 77), make_event('2023-07-05 10:00Z', 100, 'refund', ref => 77)), p::jsonb || '{"refunds_beyond": "new_lot"}', '2023-07-05'), 20.0, '... or a new lot') FROM refund WHERE sign = 1;

-- a booked expiry is not taken twice
CREATE TABLE booked AS SELECT '{"kinds": {"earn": "earn", "spend": "redeem", "expiry": "expire"}, "expires_after": "12 months"}'::points_policy AS p,
	make_event('2023-01-10 10:00Z', 100, 'earn', ref => 1) AS earn, make_event('2023-03-10 10:00Z', 30, 'earn', ref => 2) AS later, make_event('2023-05-10 10:00Z', 40, 'spend') AS spend;
SELECT is(points_balance(ledger(earn, later, spend, make_event('2024-01-11 03:00Z', -60, 'expiry')), p, '2024-01-31'), 30.0, 'a booked expiry is not taken twice') FROM booked;
SELECT is(trim_scale(s.expired), 60.0, '... and counts once') FROM booked, points_summary(ledger(earn, later, spend, make_event('2024-01-11 03:00Z', -60, 'expiry')), p, '2024-01-31') s;
SELECT is_empty($$SELECT v.* FROM booked, points_violations(ledger(earn, later, spend, make_event('2024-01-11 03:00Z', -60, 'expiry')), p, '2024-01-31') v$$, '... and is right');
SELECT is(points_balance(ledger(earn, later, spend, make_event('2024-01-10 23:59:59Z', -60, 'expiry')), p, '2024-01-31'), 30.0, '... nor one booked on the last day') FROM booked;
SELECT is_empty($$SELECT v.* FROM booked, points_violations(ledger(earn, later, spend, make_event('2024-01-10 23:59:59Z', -60, 'expiry')), p, '2024-01-31') v$$, '... which is right, too');
SELECT results_eq($$SELECT trim_scale(v.points) FROM booked, points_violations(ledger(earn, later, spend, make_event('2024-01-12 03:00Z', -70, 'expiry')), p, '2024-01-31') v$$, '{10}'::numeric[], '... booking too much is a violation');
SELECT results_eq($$SELECT v.at, trim_scale(v.points) FROM booked, points_violations(ledger(earn, later, spend, make_event('2024-01-12 03:00Z', -55, 'expiry')), p, '2024-01-31') v$$, $$VALUES (timestamptz '2024-01-11 00:00Z', 5.0)$$, '... and booking too little');

-- ---- what engines do differently is a parameter ----

SELECT is(last_day('2023-01-31 10:00Z', '{"expires_after": "1 month"}'), '2023-02-28', '31 Jan + 1 month is the end of 28 Feb');
SELECT is(last_day('2024-01-31 10:00Z', '{"expires_after": "1 month"}'), '2024-02-29', '... or of 29 Feb');
SELECT is(last_day('2023-07-10 10:00Z', '{"expires_after": "1 month", "expires_align": "month"}'), '2023-08-31', '10 Jul + 1 month to the end of the month is 31 Aug');
SELECT is(last_day('2020-07-06 10:00Z', '{"expires_after": "12 months", "expires_align": "month"}'), '2021-07-31', '6 Jul 2020 + 12 months to the end of the month: gone on 1 Aug 2021');
SELECT is(last_day('2023-02-10 10:00Z', '{"expires_after": "1 month", "expires_align": "quarter"}'), '2023-03-31', 'to the end of the quarter');
SELECT is(last_day('2023-02-10 10:00Z', '{"expires_after": "5 months", "expires_align": "half_year"}'), '2023-12-31', 'to the end of the half-year');
SELECT is(last_day('2023-02-10 10:00Z', '{"expires_after": "12 months", "expires_align": "year"}'), '2024-12-31', 'to the end of the year');
SELECT is(last_day('2023-02-10 10:00Z', '{"expires_on": "07-01"}'), '2023-06-30', 'all points earned before a date expire on it');
SELECT is(last_day('2023-07-01 00:00Z', '{"expires_on": "07-01"}'), '2024-06-30', '... what is earned on it has a year');
SELECT is(last_day('2023-02-10 10:00Z', '{}'), NULL, 'without a rule points never expire');
SELECT is(points_balance_at(timeline_agg(timestamptz '2024-02-01 22:30Z', 10), '{"zone": "Europe/Helsinki", "expires_after": "1 day"}', '2024-02-03 21:59:59Z'), 10.0, 'days are those of the zone');
SELECT is(points_balance_at(timeline_agg(timestamptz '2024-02-01 22:30Z', 10), '{"zone": "Europe/Helsinki", "expires_after": "1 day"}', '2024-02-03 22:00Z'), 0.0, '... to the second');
SELECT is(points_balance_at(timeline_agg(timestamptz '2024-01-01 10:00Z', 10), '{"expires_after": "1 day", "expires_align": "none"}', '2024-01-02 10:00Z'), 0.0, 'at the boundary points are gone');
SELECT is(points_balance(ledger(make_event('2024-01-01 10:00Z', 10), make_event('2024-01-02 10:00Z', -10)), '{"expires_after": "1 day", "expires_align": "none", "expiry_boundary": "valid", "overdraft": "clip"}', '2024-01-02'), 0.0, '... or still good');
SELECT is(trim_scale(s.unmet), u, 'a redemption at the boundary, ' || b) FROM (VALUES ('valid', 0.0), ('gone', 10.0)) v(b, u),
	points_summary(ledger(make_event('2024-01-01 10:00Z', 10), make_event('2024-01-02 10:00Z', -10)), ('{"expires_after": "1 day", "expires_align": "none", "overdraft": "clip", "expiry_boundary": "' || b || '"}')::points_policy, '2024-01-02') s;
SELECT is(points_balance(ledger(make_event('2024-01-01 10:00Z', 10, expires_at => '2024-02-01Z'), make_event('2024-01-01 11:00Z', 5, expires_at => 'infinity'), make_event('2024-01-01 12:00Z', 2)), '{"expires_after": "12 months"}', d), b, 'an event''s own expiry wins: ' || d)
FROM (VALUES (date '2024-01-30', 17.0), ('2024-02-01', 7.0), ('2025-06-01', 5.0)) v(d, b);
SELECT is(points_balance(ledger(make_event('2024-01-01 10:00Z', 10, label => 'promo'), make_event('2024-01-01 11:00Z', 5, label => 'gift'), make_event('2024-01-01 12:00Z', 2)), '{"expires_after": "12 months", "by_label": {"promo": {"expires_after": "14 days"}, "gift": {"expires": "never"}}}', d), b, 'expiry by label: ' || d)
FROM (VALUES (date '2024-01-14', 17.0), ('2024-01-16', 7.0), ('2025-06-01', 5.0)) v(d, b);
SELECT is(points_balance(ledger(make_event('2024-06-30 10:00Z', 10), make_event('2024-07-01 10:00Z', 5)), '{"expires_after": "12 months", "versions": [{"from": "2024-07-01", "expires_after": "1 month"}]}', d), b, 'a lot follows the version of its day: ' || d)
FROM (VALUES (date '2024-07-31', 15.0), ('2024-08-02', 10.0), ('2025-07-01', 0.0)) v(d, b);

-- pending
CREATE TABLE pending AS SELECT ledger(make_event('2024-01-01 10:00Z', 10), make_event('2024-01-05 10:00Z', -4)) AS t;
SELECT is((trim_scale(s.pending), trim_scale(s.active), trim_scale(s.overdrawn), trim_scale(s.balance))::text, w, 'pending: ' || d)
FROM pending, (VALUES (date '2024-01-03', '(10,0,0,0)'), ('2024-01-05', '(10,0,4,-4)'), ('2024-01-15', '(0,6,0,6)')) v(d, w), points_summary(t, '{"pending": "14 days"}', d) s;
SELECT results_eq($$SELECT v.problem, trim_scale(v.points) FROM pending, points_violations(t, '{"pending": "14 days"}') v$$, $$VALUES ('redemption of points still pending', 4.0)$$, '... it was spent while pending');

-- redemption order
CREATE TABLE ordered AS SELECT ledger(make_event('2024-01-01 10:00Z', 10), make_event('2024-01-02 10:00Z', 10, expires_at => '2024-06-01Z'), make_event('2024-01-03 10:00Z', 10, expires_at => '2024-12-01Z'), make_event('2024-01-04 10:00Z', -15)) AS t;
SELECT is(remains(t, p::points_policy, '2024-01-04'), w, 'order of redemption: ' || p) FROM ordered,
	(VALUES ('{}', '{10,0,5}'::numeric[]), ('{"redeem_order": "oldest"}', '{0,5,10}'), ('{"redeem_order": "newest"}', '{10,5,0}')) v(p, w);

-- overdraft
SELECT is((trim_scale(s.redeemed), trim_scale(s.overdrawn), trim_scale(s.unmet), trim_scale(s.balance))::text, w, 'overdraft: ' || p)
FROM (VALUES ('{}', '(15,5,0,-5)'), ('{"overdraft": "clip"}', '(10,0,5,0)')) v(p, w), points_summary(ledger(make_event('2024-01-01 10:00Z', 10), make_event('2024-01-02 10:00Z', -15)), p::points_policy, '2024-01-02') s;
SELECT throws_ok($$SELECT points_balance(ledger(make_event('2024-01-01 10:00Z', 10), make_event('2024-01-02 10:00Z', -15)), '{"overdraft": "refuse"}', '2024-01-02')$$, '22023', NULL, '... refused');
SELECT is(points_balance(ledger(make_event('2024-01-01 10:00Z', 10), make_event('2024-01-02 10:00Z', -15)), '{"overdraft": "refuse"}', '2024-01-01'), 10.0, '... but not before it happened');
SELECT throws_ok($$SELECT points_balance(t, '{"overdraft": "refuse"}', '2024-01-02')
	FROM (VALUES (1, ledger(make_event(at => '2024-01-01 10:00Z', value => 10, ref => 'order 1'))), (2, ledger(make_event('2024-01-02 10:00Z', -15)))) v(n, t) ORDER BY n$$,
	'22023', 'redemption of 15 points at 2024-01-02 10:00:00+00 is more than the balance of 0', '... and the error says nothing of another customer');
SELECT is(points_balance(ledger(make_event('2024-01-01 10:00Z', 10, 'earn'), make_event('2024-01-02 10:00Z', 15, 'return')), p::points_policy, '2024-01-02'), b, 'a return: ' || p)
FROM (VALUES ('{"kinds": {"earn": "earn", "return": "return"}}', 0.0), ('{"kinds": {"earn": "earn", "return": "return"}, "returns_beyond": "take"}', -5.0), ('{"kinds": {"earn": "earn", "return": "return"}, "returns_below_zero": false, "returns_beyond": "take"}', 0.0)) v(p, b);
SELECT throws_ok($$SELECT points_balance(ledger(make_event('2024-01-01 10:00Z', 10, 'EARM')), '{"kinds": {"EARN": "earn"}}', '2024-01-02')$$, '22023', NULL, 'an unknown kind');

-- decimals, and the identity over all ledgers of this file
SELECT is(points_balance(ledger(make_event('2024-01-01 10:00Z', 10.10), make_event('2024-01-02 10:00Z', -0.03), make_event('2024-01-03 10:00Z', 0.2)), '{}', '2024-01-03'), 10.27, 'cashback is exact');
SELECT ok(bool_and(identity_holds(t, p::points_policy, d)), 'the identity')
FROM (SELECT t FROM first UNION ALL SELECT t FROM twice UNION ALL SELECT t FROM batches UNION ALL SELECT t FROM between_two UNION ALL SELECT t FROM pending UNION ALL SELECT t FROM ordered) l,
	unnest(ARRAY['{}', '{"expires_after": "1 month"}', '{"expires_after": "12 months", "pending": "3 days"}', '{"overdraft": "clip", "inactive_after": "30 days"}']) p,
	(SELECT generate_series(timestamp '2023-01-01', timestamp '2025-01-01', '13 days')::date AS d) days;
SELECT * FROM finish();
ROLLBACK;
