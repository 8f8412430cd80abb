--
-- points_carry_over(): what is carried over answers every later question as the account would have, and
-- several together as reference/points_together.sql has it, on random ledgers under random policies.
-- Then worked examples, what else is refused, and what the reference page says doesn't hold.
--
-- Longer: psql -v ledgers=20000 -v first=5001
--
\ir reference/setup.sql
\if :{?ledgers}
\else
	\set ledgers 250
\endif
\if :{?first}
\else
	\set first 1
\endif
BEGIN;
SELECT no_plan();
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/points_together.sql

-- ---- what is asked ----

-- A policy that knows what is carried over.
CREATE FUNCTION with_carry(policy jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT policy || jsonb_build_object('kinds', coalesce(policy->'kinds', '{}') || '{"CARRY": "carry_over"}') $$;

-- The reference has no such kind, and where no other has a role the sign decides.
CREATE FUNCTION without_carry(policy jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN (policy->'kinds') - 'CARRY' = '{}' THEN policy - 'kinds' ELSE policy #- '{kinds,CARRY}' END $$;

CREATE FUNCTION plain(answer jsonb) RETURNS jsonb
LANGUAGE sql AS $$ SELECT coalesce(jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(trim_scale(value::text::numeric)) ELSE value END), '{}') FROM jsonb_each(answer) $$;

-- What lives at the end of a day, and what becomes of it if nothing else happens.
CREATE FUNCTION standing(timeline event_timeline, policy points_policy, as_of date) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'balance', trim_scale(points_balance(timeline, policy, as_of)),
		'summary', (SELECT plain(to_jsonb(s) - '{earned,reinstated,adjusted,transferred,redeemed,returned,expired,forfeited,unmet}'::text[]) FROM points_summary(timeline, policy, as_of) s),
		'lots', (SELECT coalesce(jsonb_agg(l ORDER BY l::text), '[]') FROM (SELECT plain(jsonb_build_object('earned_at', l.earned_at, 'kind', l.kind, 'label', l.label, 'ref', l.ref,
				'remaining', sum(l.remaining), 'blocked', sum(l.blocked), 'available_at', l.available_at, 'expires_at', l.expires_at)) AS l
			FROM points_lots(timeline, policy, as_of) l WHERE l.remaining > 0 GROUP BY l.earned_at, l.kind, l.label, l.ref, l.available_at, l.expires_at) l),
		'schedule', (SELECT coalesce(jsonb_agg(plain(to_jsonb(s)) ORDER BY s.expires_at), '[]') FROM points_expiry_schedule(timeline, policy, as_of) s),
		-- what refunds cancelled is no debt any more
		'debts', (SELECT coalesce(jsonb_agg(d ORDER BY d::text), '[]') FROM (SELECT plain(jsonb_build_object('at', CASE WHEN m.role !~ '^redeem' THEN m.at END, 'role', regexp_replace(m.role, '_.*', ''), 'ref', m.ref, 'points', sum(m.points))) AS d
			FROM points_movements(timeline, policy, as_of) m WHERE m.earned_at IS NULL GROUP BY CASE WHEN m.role !~ '^redeem' THEN m.at END, regexp_replace(m.role, '_.*', ''), m.ref HAVING sum(m.points) <> 0) d))
$$;

-- What moved since another day: what the summaries differ by, the entries, the roll-forward; what redemptions used.
CREATE FUNCTION moved(timeline event_timeline, policy points_policy, since date, as_of date) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_build_object(
		'flows', (SELECT plain((SELECT jsonb_object_agg(n.key, n.value::text::numeric - b.value::text::numeric) FROM jsonb_each(to_jsonb(n)) n JOIN jsonb_each(to_jsonb(b)) b USING (key)
				WHERE key IN ('earned', 'reinstated', 'adjusted', 'transferred', 'redeemed', 'returned', 'expired', 'forfeited', 'unmet')))
			FROM points_summary(timeline, policy, as_of) n, points_summary(timeline, policy, since) b),
		'days', (SELECT coalesce(jsonb_agg(plain(to_jsonb(d)) ORDER BY d.day), '[]') FROM points_daily(timeline, policy, since + 1, as_of + 1) d),
		'statement', (SELECT jsonb_agg(g ORDER BY g::text) FROM (SELECT plain(jsonb_build_object('at', l.at, 'role', l.role, 'label', l.label, 'ref', l.ref, 'points', sum(l.points))) AS g
			FROM points_statement(timeline, policy, since + 1, as_of + 1) l GROUP BY l.at, l.role, l.label, l.ref) g),
		'redeemed', (SELECT coalesce(jsonb_agg(g ORDER BY g::text), '[]') FROM (SELECT plain(jsonb_build_object('at', r.redeemed_at, 'ref', r.redeem_ref, 'earned_at', r.earned_at, 'earn_ref', r.earn_ref, 'label', r.label, 'points', sum(r.points))) AS g
			FROM points_redemptions(timeline, policy, as_of) r WHERE (r.redeemed_at AT TIME ZONE coalesce(policy::jsonb->>'zone', current_setting('timezone')))::date > since
			GROUP BY r.redeemed_at, r.redeem_ref, r.earned_at, r.earn_ref, r.label) g),
		'violations', (SELECT coalesce(jsonb_agg(g ORDER BY g::text), '[]') FROM (SELECT plain(jsonb_build_object('at', v.at, 'ref', v.ref, 'problem', v.problem, 'points', sum(v.points))) AS g
			FROM points_violations(timeline, policy, as_of) v WHERE v.problem NOT IN ('document earned more than once', 'activation without an earning') AND (v.problem ~ '^computed' OR (v.at AT TIME ZONE coalesce(policy::jsonb->>'zone', current_setting('timezone')))::date > since)
			GROUP BY v.at, v.ref, v.problem) g),
		'rollforward', (SELECT coalesce(jsonb_agg(plain(to_jsonb(t) - 'complete') ORDER BY t.label, t.period_start), '[]')
			FROM points_rollforward_table((SELECT points_rollforward(timeline, policy, 'day', as_of, true))) t WHERE t.period_start > since AND (t.opening, t.closing, t.issued) IS DISTINCT FROM (0, 0, 0)),
		'outstanding', (SELECT coalesce(jsonb_agg(jsonb_build_array(t.label, t.issue_period, trim_scale(t.outstanding)) ORDER BY t.label, t.issue_period), '[]')
			FROM (SELECT t.label, t.issue_period, sum(t.issued - t.redeemed - t.expired - t.taken_back) AS outstanding
				  FROM points_triangle_table((SELECT points_triangle(timeline, policy, 'month', as_of, true))) t GROUP BY 1, 2) t WHERE t.outstanding <> 0))
$$;

-- ---- random accounts ----

-- instant is when they are carried over; a and b are their events before, later those from then on.
CREATE TABLE account AS
SELECT seed, policy, zone, instant, a, b, later, (instant AT TIME ZONE zone)::date AS day
FROM (SELECT seed, with_carry(CASE WHEN p->>'overdraft' = 'refuse' THEN p || '{"overdraft": "clip"}' ELSE p END) AS policy, ref_zone(p) AS zone FROM generate_series(:first, :first + :ledgers - 1) seed, ref_random_policy(seed) p) s,
	LATERAL (SELECT ref_random_ledger(seed, without_carry(policy)) AS whole, ref_random_ledger(seed + 1000000000, without_carry(policy)) AS other) w,
	LATERAL (SELECT CASE WHEN ref_random(seed, 'midnight?') < 0.6 THEN ref_day_start((m AT TIME ZONE zone)::date, zone) ELSE m END AS instant
			 FROM (SELECT (e->>'at')::timestamptz + ref_pick(seed, 'nudge', '{0,0,1 microsecond,3 days,40 days}')::interval AS m, n FROM jsonb_array_elements(whole) WITH ORDINALITY e(e, n)) e ORDER BY ref_random(seed, 'when' || n) LIMIT 1) i,
	LATERAL (SELECT coalesce(jsonb_agg(e) FILTER (WHERE (e->>'at')::timestamptz < instant), '[]') AS a, coalesce(jsonb_agg(e) FILTER (WHERE (e->>'at')::timestamptz >= instant), '[]') AS later FROM jsonb_array_elements(whole) e) l,
	LATERAL (SELECT coalesce(jsonb_agg(e) FILTER (WHERE (e->>'at')::timestamptz < instant), '[]') AS b FROM jsonb_array_elements(other) e) o;
-- a kind that the policy doesn't know stops any walk
DELETE FROM account WHERE policy->'kinds' <> '{"CARRY": "carry_over"}' AND EXISTS (SELECT FROM jsonb_array_elements(a || b || later) e WHERE e->>'value' IS NOT NULL AND (e->>'value')::numeric <> 0 AND NOT policy->'kinds' ? coalesce(e->>'kind', ''));

-- ---- one account: as if it had gone on ----

-- Some programmes bring back what has expired, all of it or so much, a while after the instant.
CREATE VIEW reviving AS
SELECT seed, zone, instant, a, b, day, CASE WHEN revives THEN policy || jsonb_build_object('kinds', policy->'kinds' || '{"revive": "reinstate"}', 'grace_after_expiry', span) ELSE policy END AS policy,
	CASE WHEN revives THEN later || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('at', instant + floor(ref_random(seed, 'revive at') * 20)::int * interval '1 day', 'kind', 'revive',
		'value', CASE WHEN ref_random(seed, 'revive all') < 0.5 THEN 10 END))) ELSE later END AS later
FROM account, LATERAL (SELECT policy->'kinds' ? 'EARN' AND NOT policy ? 'grace_after_expiry' AND ref_random(seed, 'revives?') < 0.4 AS revives, ref_pick(seed, 'grace', '{1 day,10 days,30 days,6 months,2 years}') AS span) r;

-- What is returned or refunded after the instant was earned or redeemed after it: of what came before just what is left is known.
CREATE TABLE one AS
SELECT *, a::text::event_timeline AS before, kept::text::event_timeline AS behind, points_carry_over(a::text::event_timeline + later::text::event_timeline, policy::text::points_policy, instant) AS carried
FROM (SELECT *, (SELECT coalesce(jsonb_agg(e), '[]') FROM jsonb_array_elements(later) e
		WHERE policy->'kinds'->>(e->>'kind') = 'reinstate' AND NOT EXISTS (SELECT FROM jsonb_array_elements(a) x WHERE x->>'ref' = e->>'ref')
			OR NOT (policy->'kinds'->>(e->>'kind') IN ('return', 'redeem_refund', 'reinstate') OR policy->'kinds'->>(e->>'kind') = 'earn' AND (e->>'value')::numeric < 0)
			OR policy->'kinds'->>(e->>'kind') <> 'reinstate' AND e->>'ref' IS NOT NULL AND NOT EXISTS (SELECT FROM jsonb_array_elements(a) x WHERE x->>'ref' = e->>'ref')
				AND EXISTS (SELECT FROM jsonb_array_elements(later) x WHERE x->>'ref' = e->>'ref' AND (x->>'at')::timestamptz < (e->>'at')::timestamptz
					AND policy->'kinds'->>(x->>'kind') = CASE policy->'kinds'->>(e->>'kind') WHEN 'redeem_refund' THEN 'redeem' ELSE 'earn' END AND (x->>'value')::numeric > 0)) AS kept FROM reviving) q;
SELECT cmp_ok((SELECT count(*)::int FROM one WHERE carried <> '[]'), '>=', :ledgers / 2, 'accounts');
SELECT is_empty($$SELECT seed FROM one WHERE (points_summary(carried, policy::text::points_policy, day - 1)) IS DISTINCT FROM (points_summary('[]', policy::text::points_policy, day - 1))$$, 'nothing is there before');

CREATE TABLE asked AS
SELECT seed, as_of, standing(before + behind, policy::text::points_policy, as_of) AS was, standing(carried + behind, policy::text::points_policy, as_of) AS is
FROM one, LATERAL (SELECT DISTINCT greatest(day, (m AT TIME ZONE zone)::date - back) AS as_of FROM (SELECT (e->>'at')::timestamptz AS m FROM jsonb_array_elements(kept) e UNION SELECT instant + interval '200 days'
		UNION SELECT s.expires_at FROM points_expiry_schedule(carried, policy::text::points_policy, day) s) m, unnest('{0,1}'::int[]) back ORDER BY 1 LIMIT 6) d;
SELECT is_empty(format($$SELECT a.seed, a.as_of, a.was->%1$L AS was, a.is->%1$L AS is FROM asked a WHERE a.was->%1$L IS DISTINCT FROM a.is->%1$L LIMIT 3$$, q), 'one account: ' || q)
FROM unnest('{balance,summary,lots,schedule,debts}'::text[]) q;

CREATE TABLE flow AS
SELECT seed, as_of, moved(before + behind, policy::text::points_policy, day, as_of) AS was, moved(carried + behind, policy::text::points_policy, day, as_of) AS is
FROM one, LATERAL (SELECT day + floor(ref_random(seed, 'far') * 300)::int AS as_of) d;
SELECT is_empty(format($$SELECT f.seed, f.as_of, f.was->%1$L AS was, f.is->%1$L AS is FROM flow f WHERE f.was->%1$L IS DISTINCT FROM f.is->%1$L LIMIT 3$$, q), 'one account: ' || q)
FROM unnest('{flows,days,statement,redeemed,violations,rollforward,outstanding}'::text[]) q;
-- What was carried over is carried over again as it would have been at once.
CREATE TABLE again AS
SELECT seed, points_carry_over(carried + timeline_slice(behind, NULL, later_on), policy::text, later_on) AS twice, points_carry_over(before + behind, policy::text, later_on) AS once
FROM one, LATERAL (SELECT instant + floor(ref_random(seed, 'again') * 100)::int * interval '1 day' AS later_on) l;
-- Lots that are alike in all but their points are taken together.
CREATE FUNCTION summed(timeline event_timeline) RETURNS jsonb
LANGUAGE sql AS $$ SELECT jsonb_agg(e ORDER BY e::text) FROM (SELECT jsonb_build_array(at, kind, label, ref, expires_at, trim_scale(sum(value))) AS e FROM timeline_events(timeline) GROUP BY at, kind, label, ref, expires_at) e $$;
SELECT is_empty('SELECT seed, once, twice FROM again WHERE summed(once) <> summed(twice) LIMIT 3', 'carried over again');

-- ---- two accounts: as the reference has them together ----

CREATE FUNCTION together(a jsonb, b jsonb, later jsonb, policy jsonb, instant timestamptz, as_of date, at timestamptz) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	zone text := ref_zone(policy);
	edge timestamptz := coalesce(at, ref_day_start(as_of + 1, zone));
	step int := CASE WHEN at IS NULL THEN 1 ELSE 4 END;
	s ref_points_state;
	schedule jsonb;
	went record;
BEGIN
	s := ref_points_together(ref_points_before(a, policy, instant), ref_points_before(b, policy, instant), instant);
	went := ref_points_go(s, ref_events(later, policy, edge, step >= 3), edge, step);
	s := went.s;
	schedule := went.schedule;
	RETURN jsonb_build_object(
		'balance', trim_scale(s.active - s.debt),
		'summary', plain(jsonb_build_object('balance', s.active - s.debt, 'earned', s.earned, 'pending', s.pending, 'active', s.active, 'blocked', s.blocked, 'redeemed', s.redeemed,
			'expired', s.expired, 'returned', s.returned, 'adjusted', s.adjusted, 'transferred', s.transferred, 'forfeited', s.forfeited, 'reinstated', s.reinstated,
			'overdrawn', s.debt, 'overdrawn_since', s.overdrawn_since, 'unmet', s.unmet, 'last_activity_at', s.last_activity_at,
			'next_expiry_at', schedule->0->'expires_at', 'next_expiry_points', schedule->0->'points')),
		'lots', (SELECT coalesce(jsonb_agg(l ORDER BY l::text), '[]') FROM (SELECT plain(jsonb_build_object('earned_at', l.earned_at, 'kind', l.kind, 'label', l.label, 'ref', l.ref,
				'remaining', sum(l.remaining + l.blocked), 'blocked', sum(l.blocked), 'available_at', l.available_at, 'expires_at', l.expires_at)) AS l
			FROM unnest(s.lots) l WHERE l.remaining + l.blocked > 0 GROUP BY l.earned_at, l.kind, l.label, l.ref, l.available_at, l.expires_at) l),
		'schedule', (SELECT coalesce(jsonb_agg(plain(g) ORDER BY n), '[]') FROM jsonb_array_elements(schedule) WITH ORDINALITY g(g, n)),
		'debts', (SELECT coalesce(jsonb_agg(d ORDER BY d::text), '[]') FROM (SELECT plain(jsonb_build_object('at', CASE WHEN d.role <> 'redeem' THEN d.at END, 'role', d.role, 'ref', d.ref, 'points', sum(d.owed))) AS d
			FROM unnest(s.debts) d GROUP BY CASE WHEN d.role <> 'redeem' THEN d.at END, d.role, d.ref HAVING sum(d.owed) > 0) d));
END $$;

CREATE TABLE pair AS
SELECT account.*, points_carry_over(a::text::event_timeline, policy::text, instant) + points_carry_over(b::text::event_timeline, policy::text, instant) + later::text::event_timeline AS merged FROM account;
CREATE TABLE paired AS
SELECT seed, as_of, at, together(a, b, later, without_carry(policy), instant, as_of, at) AS was,
	CASE WHEN at IS NULL THEN standing(merged, policy::text, as_of) || jsonb_build_object('summary', (SELECT plain(to_jsonb(s)) FROM points_summary(merged, policy::text, as_of) s))
		 ELSE jsonb_build_object('balance', trim_scale(points_balance_at(merged, policy::text, at))) END AS is
FROM pair, LATERAL ((SELECT DISTINCT greatest(day, (m AT TIME ZONE zone)::date - back) AS as_of, NULL::timestamptz AS at FROM (SELECT (e->>'at')::timestamptz AS m FROM jsonb_array_elements(later) e UNION SELECT instant + interval '100 days'
			UNION SELECT s.expires_at FROM points_expiry_schedule(merged, policy::text, day) s) m, unnest('{0,1}'::int[]) back ORDER BY 1 LIMIT 4)
		UNION ALL SELECT NULL, instant
		UNION ALL (SELECT NULL, (e->>'at')::timestamptz FROM jsonb_array_elements(later) e ORDER BY 2 LIMIT 2)) d;
SELECT is_empty(format($$SELECT p.seed, p.as_of, p.at, p.was->%1$L AS was, p.is->%1$L AS is FROM paired p WHERE p.is ? %1$L AND p.was->%1$L IS DISTINCT FROM p.is->%1$L LIMIT 3$$, q), 'two accounts: ' || q)
FROM unnest('{balance,summary,lots,schedule,debts}'::text[]) q;

-- ---- the ledgers try what there is to try ----

CREATE TABLE state AS
SELECT one.*, s.*, EXISTS (SELECT FROM timeline_events(carried) e WHERE policy->'kinds'->>e.kind = 'expire') AS unbooked
FROM one, points_summary(carried, policy::text, greatest(day, (instant AT TIME ZONE zone)::date)) s;
SELECT cmp_ok((SELECT count(*)::int FROM state WHERE overdrawn > 0), '>', :ledgers / 20, 'debts are carried over');
SELECT cmp_ok((SELECT count(*)::int FROM state WHERE pending > 0), '>', :ledgers / 20, 'points that wait');
SELECT cmp_ok((SELECT count(*)::int FROM state WHERE unbooked), '>', :ledgers / 50, 'expiries that are not booked');
SELECT cmp_ok((SELECT count(*)::int FROM one WHERE policy ? 'grace_after_expiry' AND EXISTS (SELECT FROM timeline_events(carried) e WHERE e.expires_at < instant AND policy->'kinds'->>e.kind = 'earn')), '>', :ledgers / 50, 'what has expired and may come back');
SELECT cmp_ok((SELECT count(*)::int FROM one, points_movements(carried + behind, policy::text, day + 300) m WHERE m.role = 'reinstate' AND m.earned_at < instant), '>', :ledgers / 100, '... which comes back');
SELECT cmp_ok((SELECT count(*)::int FROM state WHERE blocked > 0), '>', :ledgers / 50, 'points that are blocked');
SELECT cmp_ok((SELECT count(*)::int FROM one WHERE EXISTS (SELECT FROM timeline_events(carried) e WHERE e.label = 'available since')), '>', :ledgers / 100, 'points that an event activated');
SELECT cmp_ok((SELECT count(*)::int FROM state WHERE active > 0 AND policy ? 'inactive_after'), '>', :ledgers / 20, 'points that may lapse');
SELECT cmp_ok((SELECT count(*)::int FROM asked WHERE was->'summary'->>'overdrawn_since' < (SELECT instant FROM one WHERE one.seed = asked.seed)::text), '>', :ledgers / 20, 'debts that are older');
SELECT cmp_ok((SELECT count(*)::int FROM pair, points_summary(points_carry_over(a::text::event_timeline, policy::text, instant), policy::text, day) a, points_summary(points_carry_over(b::text::event_timeline, policy::text, instant), policy::text, day) b
	WHERE a.overdrawn > 0 AND b.active > 0 OR b.overdrawn > 0 AND a.active > 0), '>', :ledgers / 50, 'one account pays what the other owes');

-- ---- worked examples ----

CREATE FUNCTION rules(more jsonb DEFAULT '{}') RETURNS points_policy
LANGUAGE sql IMMUTABLE AS $$
	SELECT points_policy('{"zone": "UTC", "kinds": {"E": "earn", "S": "redeem", "B": "return", "R": "redeem_refund", "A": "adjust", "T": "transfer", "F": "forfeit", "X": "expire", "C": "carry_over"}}'::jsonb || more)
$$;
CREATE FUNCTION entries(VARIADIC list text[]) RETURNS event_timeline
LANGUAGE sql IMMUTABLE AS $$
	SELECT timeline_agg(make_event(at => p[1]::timestamptz, kind => p[2], value => p[3]::numeric, ref => p[4], label => p[5], expires_at => p[6]::timestamptz))
	FROM unnest(list) e, string_to_array(e, ' ', '-') p
$$;

SELECT is(points_carry_over(entries('2024-01-10T10:00Z E 100 P-1 web', '2024-02-10T10:00Z E 50', '2024-03-01T10:00Z S -60 O-1', '2024-05-01T00:00Z E 7'), rules('{"expires_after": "6 months"}'), '2024-05-01'), entries(
	'2024-01-10T10:00Z E 40 P-1 web 2024-07-11T00:00Z', '2024-02-10T10:00Z E 50 - - 2024-08-11T00:00Z', '2024-05-01T00:00Z C 90')
	+ timeline_agg(make_event(at => v.at, kind => 'C', label => v.label)), 'lots, each with its own expiry, the last activity, the sum; nothing of the instant itself')
FROM (VALUES (timestamptz '2024-02-10 10:00Z', 'last earned'), ('2024-03-01 10:00Z', 'last redeemed')) v (at, label);
SELECT is(points_carry_over('[]', rules(), '2024-05-01'), entries('2024-05-01T00:00Z C 0'), 'an account without events');
SELECT is(points_carry_over(entries('2024-05-01T00:00Z E 7'), rules(), '2024-01-01'), entries('2024-01-01T00:00Z C 0'), 'one that begins later');
SELECT is(points_carry_over(NULL, rules(), '2024-05-01'), NULL, 'of NULL');
SELECT is(points_balance(points_carry_over('[{"at": "2024-01-01T10:00:00Z", "value": 5}, {"at": "2024-01-02T10:00:00Z", "value": -7}]', '{"kinds": {"C": "carry_over"}}', '2024-05-01') + '[{"at": "2024-06-01T10:00:00Z", "value": 3}]',
	'{"kinds": {"C": "carry_over"}}', '2024-06-01'), 1::numeric, 'where no other kind has a role the sign decides');

-- Card 1 owes 30 and then 20 more, card 2 has 40 that expire in May and 40 in April: the debts take those first.
SELECT is((SELECT array_agg(format('%s %s %s', ref, remaining, expires_at::date) ORDER BY expires_at) FROM points_lots(merged, rules(), '2024-03-01')), '{"P-1 40 2024-04-01","P-2 40 2024-05-01"}', 'lots side by side')
FROM (SELECT points_carry_over(entries('2024-01-01T10:00Z E 40 P-1 - 2024-04-01T00:00Z', '2024-01-02T10:00Z E 40 P-2 - 2024-05-01T00:00Z'), rules(), '2024-03-01') AS merged) m;
CREATE TABLE debtor AS
SELECT points_carry_over(entries('2024-01-01T10:00Z E 40 P-1 - 2024-05-01T00:00Z', '2024-01-02T10:00Z E 40 P-2 - 2024-04-01T00:00Z'), rules(), '2024-03-01')
	+ points_carry_over(entries('2024-02-01T10:00Z S -30 O-1', '2024-02-02T10:00Z S -20 O-2'), rules(), '2024-03-01') AS t;
SELECT is((SELECT array_agg(format('%s %s %s', earn_ref, ref, points) ORDER BY at, earn_ref DESC) FROM debtor, points_movements(t, rules(), '2024-03-01')), '{"P-2 O-1 30","P-2 O-2 10","P-1 O-2 10"}', 'debts are paid, the oldest first, by lots in the order of redemption');
SELECT is((SELECT (balance, redeemed, overdrawn, overdrawn_since)::text FROM debtor, points_summary(t, rules(), '2024-03-01')), '(30,50,0,)', '... and nothing is owed then');
SELECT is((SELECT array_agg(format('%s %s', ref, remaining) ORDER BY ref) FROM debtor, points_lots(t + entries('2024-03-05T10:00Z R 50 O-2'), rules(), '2024-03-05') WHERE remaining > 0), '{"P-1 40","P-2 10"}',
	'a refund gives back what paid the debt of its redemption, and no more');
SELECT is((SELECT array_agg(problem || ' ' || points) FROM debtor, points_violations(t + entries('2024-03-05T10:00Z R 50 O-2'), rules(), '2024-03-05')), '{refund of more than was redeemed 30}', '... the debts of before are no new violation');

-- Debts that no overdraft made are owed under any.
SELECT is((SELECT (s.balance, s.returned, s.overdrawn, s.overdrawn_since)::text FROM points_summary(points_carry_over(entries('2024-01-01T10:00Z E 40 P-1', '2024-01-02T10:00Z S -40', '2024-01-03T10:00Z B -25 P-1'), rules(p), '2024-02-01'), rules(p), '2024-02-01') s),
	'(-25,25,25,"2024-01-03 10:00:00+00")', 'a return that is owed, with ' || p::text)
FROM unnest(ARRAY['{"overdraft": "clip"}', '{"overdraft": "refuse"}']::jsonb[]) p;

-- Of 6 months without activity: card 1 has lapsed when cards merge, card 2 lives on by its own activity.
CREATE TABLE idle AS SELECT rules('{"inactive_after": "6 months"}') AS p, entries('2024-01-10T10:00Z E 300', '2024-02-05T10:00Z S -100') AS one, entries('2024-03-20T10:00Z E 120', '2024-08-01T10:00Z E 80') AS two;
SELECT is((SELECT (points_balance(one + two, p, '2024-09-01'), points_balance(points_carry_over(one, p, '2024-09-01') + points_carry_over(two, p, '2024-09-01'), p, '2024-09-01'))::text FROM idle), '(400,200)', 'adding ledgers revives what has lapsed; what is carried over has lapsed');
SELECT is((SELECT array_agg(format('%s %s', s.expires_at, s.points)) FROM idle, points_expiry_schedule(points_carry_over(one, p, '2024-07-01') + points_carry_over(two, p, '2024-07-01'), p, '2024-07-01') s), '{"2024-09-20 00:00:00+00 320"}',
	'before that, the later activity keeps the points of both');
SELECT is((SELECT array_agg(format('%s %s', state, available_at::date)) FROM points_lots(points_carry_over(entries('2024-01-10T10:00Z E 300', '2024-02-20T10:00Z E 40'), rules('{"pending": "14 days"}'), '2024-03-01'), rules('{"pending": "14 days"}'), '2024-03-01')),
	'{"active 2024-01-24","pending 2024-03-05"}', 'what waits waits as long as it would have');

-- 80 have expired, of which 50 are booked: the other 30 are booked later, and take nothing.
CREATE TABLE booked AS SELECT rules('{"expires_after": "1 month", "expires_align": "none"}') AS p, entries('2024-01-10T10:00Z E 80 P-1', '2024-02-10T11:00Z X -50', '2024-02-15T10:00Z E 100 P-2') AS t;
SELECT is((SELECT points_balance(points_carry_over(t, p, '2024-03-01') + entries('2024-03-01T11:00Z X -30'), p, '2024-03-01') FROM booked), 100::numeric, 'expiries that are booked later take nothing');
SELECT is((SELECT array_agg(format('%s %s %s %s', v.at, v.ref, v.problem, v.points)) FROM booked, points_violations(points_carry_over(t, p, '2024-03-01') + entries('2024-03-01T11:00Z X -10'), p, '2024-03-01') v),
	'{"2024-02-10 10:00:00+00 P-1 computed expiry that was never booked 20"}', '... and what is not booked then is still a violation');

-- What a return, and a refund, of before find.
SELECT is((SELECT (s.balance, s.returned)::text FROM points_summary(points_carry_over(entries('2024-01-01T10:00Z E 100 P-1', '2024-01-02T10:00Z S -60 O-1', '2024-01-03T10:00Z E 500 P-2'), p, '2024-02-01') + entries('2024-02-05T10:00Z B -100 P-1'), p, '2024-02-05') s),
	answer, 'a return of before: ' || p::text)
FROM (VALUES (rules(), '(500,40)'), (rules('{"returns_beyond": "take"}'), '(440,100)')) v (p, answer);
SELECT is(points_balance(points_carry_over(entries('2024-01-01T10:00Z E 100 P-1', '2024-01-02T10:00Z S -60 O-1'), p, '2024-02-01') + entries('2024-02-05T10:00Z R 60 O-1'), p, '2024-02-05'), answer, 'a refund of before: ' || p::text)
FROM (VALUES (rules(), 40::numeric), (rules('{"refunds_beyond": "new_lot"}'), 100)) v (p, answer);

-- What expired on 11 February may be brought back until 12 March; of 90 that came in shares 60 are left.
CREATE TABLE graced AS SELECT rules('{"kinds": {"E": "earn", "S": "redeem", "I": "reinstate", "C": "carry_over"}, "grace_after_expiry": "30 days", "expires_after": "1 month", "expires_align": "none"}') AS p;
SELECT is((SELECT array_agg(format('%s %s', day, points_balance(points_carry_over(entries('2024-01-11T10:00Z E 80 P-1', '2024-03-01T10:00Z E 5'), p, '2024-03-05') + timeline_agg, p, day)) ORDER BY day) FROM graced,
	(SELECT day, timeline_agg(make_event(at => day, kind => 'I')) FROM unnest('{2024-03-10,2024-03-13}'::date[]) day GROUP BY day) d), '{"2024-03-10 85","2024-03-13 5"}', 'what has expired comes back as long as it would have');
SELECT is((SELECT array_agg(format('%s %s', remaining, expires_at::date) ORDER BY expires_at) FROM points_lots(points_carry_over(entries('2024-01-10T10:00Z E 90 P-1'), p, '2024-02-20'), p, '2024-02-20') l), '{"30 2024-03-11","30 2024-04-11"}', 'shares expire one after another')
FROM (SELECT rules('{"expires_after": "1 month", "expires_shares": 3, "expires_every": "1 month"}')) v (p);

-- P-1 has waited for its activation, P-2 still does; 30 of P-1 are blocked; card 2 is frozen.
CREATE TABLE held AS SELECT rules('{"kinds": {"E": "earn", "S": "redeem", "V": "activate", "K": "block", "U": "unblock", "C": "carry_over"}, "pending_until": "activated"}') AS p;
CREATE TABLE merged AS
SELECT p, points_carry_over(entries('2024-01-10T10:00Z E 80 P-1', '2024-01-11T10:00Z E 40 P-2', '2024-01-12T10:00Z V - P-1', '2024-01-13T10:00Z K 30 P-1'), p, '2024-02-01') AS one,
	points_carry_over(entries('2024-01-10T11:00Z E 5 P-3', '2024-01-12T10:00Z V - P-3', '2024-01-14T10:00Z K'), p, '2024-02-01') AS two FROM held;
SELECT is((SELECT (balance, pending, active, blocked)::text FROM merged, points_summary(one, p, '2024-02-01')), '(50,40,50,30)', 'what waits for an event, what one activated, what is blocked');
SELECT is((SELECT array_agg(format('%s %s %s', ref, state, available_at) ORDER BY ref) FROM merged, points_lots(one, p, '2024-02-01')), '{"P-1 active 2024-01-12 10:00:00+00","P-2 pending "}', '... lot by lot');
SELECT is((SELECT (balance, pending, active, blocked)::text FROM merged, points_summary(one + entries('2024-02-02T10:00Z V - P-2', '2024-02-02T10:00Z U - P-1'), p, '2024-02-02')), '(120,0,120,0)', '... until events say otherwise');
SELECT is((SELECT (balance, pending, active, blocked)::text FROM merged, points_summary(one + two, p, '2024-02-01')), '(50,40,50,35)', 'a frozen account beside another');
SELECT is((SELECT (balance, pending, active, blocked)::text FROM merged, points_summary(one + two + entries('2024-02-02T10:00Z E 7 P-4'), p, '2024-02-02')), '(50,40,50,42)', '... what comes in later is blocked');
SELECT is((SELECT (balance, pending, active, blocked)::text FROM merged, points_summary(one + two + entries('2024-02-02T10:00Z U'), p, '2024-02-02')), '(85,40,85,0)', '... until both are freed');

-- Sums of everyone, and cents beside whole points.
SELECT is((SELECT (members, active, overdrawn::int)::text FROM (SELECT points_totals(t, rules(), '2024-03-01') AS r FROM (SELECT t FROM debtor UNION ALL SELECT points_carry_over(entries('2024-01-01T10:00Z E 0.25'), rules(), '2024-03-01')
	+ points_carry_over(entries('2024-01-01T10:00Z E 3'), rules(), '2024-03-01')) q) q CROSS JOIN LATERAL points_totals_table(q.r)), '(2,33.25,0)', 'everyone''s totals');
SELECT is(points_balance(points_carry_over('[{"at": "2024-01-01T10:00:00Z", "value": 999999999999999999}, {"at": "2024-01-02T10:00:00Z", "value": 999999999999999999}]', p, '2024-05-01'), p, '2024-05-01'), 1999999999999999998::numeric, 'a sum of more than a value holds')
FROM (SELECT points_policy '{"kinds": {"C": "carry_over"}}' AS p) p;
SELECT is(points_balance_at(points_carry_over('[{"at": "2024-01-01T10:00:00Z", "value": 5}]', p, at), p, at), 5::numeric, 'at ' || at)
FROM (SELECT points_policy '{"kinds": {"C": "carry_over"}}' AS p) p, unnest('{2024-01-01 10:00:00.000001Z,294276-12-31 23:59:59.999999Z}'::timestamptz[]) at;

-- ---- what is refused ----

SELECT throws_ok($$SELECT points_carry_over('[]', '{}', '2024-05-01')$$, '22023', 'the points policy has no kind of role "carry_over"', 'a policy without such a kind');
SELECT throws_ok($$SELECT points_carry_over('[]', NULL, '2024-05-01')$$, '22004', 'policy must not be null', 'NULL policy');
SELECT throws_ok($$SELECT points_carry_over('[]', rules(), NULL)$$, '22004', 'at must not be null', 'NULL instant');
SELECT throws_ok(format($$SELECT points_carry_over('[]', rules(), %L)$$, at), '22008', NULL, at) FROM unnest('{infinity,-infinity}'::text[]) at;
SELECT throws_ok($$SELECT points_carry_over(entries('2024-01-01T10:00Z odd 5'), rules(), '2024-05-01')$$, '22023', 'kind "odd" is not in the points policy', 'a kind that the policy does not know');
SELECT throws_ok($$SELECT points_carry_over(entries('2024-01-01T10:00Z S -5'), rules('{"overdraft": "refuse"}'), '2024-05-01')$$, '22023', NULL, 'what the policy refuses');
SELECT throws_ok($$SELECT points_balance(points_carry_over(entries('2024-01-01T10:00Z E 5'), rules(), '2024-05-01') + entries('2024-04-30T10:00Z E 3'), rules(), '2024-05-01')$$, '22023', '5 points were carried over at 2024-05-01 00:00:00+00, but 8 stand before',
	'an event of before that was not carried over');
SELECT throws_ok($$SELECT points_balance(points_carry_over(entries('2024-01-01T10:00Z E 5'), rules(), '2024-05-01') + entries('2024-04-30T10:00Z F 3'), rules(), '2024-05-01')$$, '22023', NULL, '... which takes');
SELECT throws_ok($$SELECT points_balance(points_carry_over(entries('2024-01-01T10:00Z E 5'), rules(), '2024-05-01') + points_carry_over(entries('2024-01-01T10:00Z E 3'), rules(), '2024-06-01'), rules(), '2024-05-01')$$, '22023',
	'points were carried over at 2024-05-01 00:00:00+00 and at 2024-06-01 00:00:00+00', 'two instants');
SELECT throws_ok($$SELECT points_carry_over(points_carry_over(entries('2024-01-01T10:00Z E 5'), rules(), '2024-05-01'), rules(), '2024-04-30')$$, '22023', 'points were carried over at 2024-05-01 00:00:00+00 already, which is after 2024-04-30 00:00:00+00', 'before it was carried over');
SELECT throws_ok($$SELECT points_balance(points_carry_over(entries('2024-01-01T10:00Z E 5'), rules(), '2024-05-01'), rules('{"kinds": {"E": "ignore", "C": "carry_over"}}'), '2024-05-01')$$, '22023', '5 points were carried over at 2024-05-01 00:00:00+00, but 0 stand before',
	'other rules');
SELECT throws_ok($$SELECT points_balance(entries('2024-01-01T10:00Z E 5', '2024-02-01T10:00Z C 500'), rules(), '2024-05-01')$$, '22023', NULL, 'a ledger that has such a kind itself');
SELECT throws_ok($$SELECT points_balance(points_carry_over('[]', rules(), '2024-05-01') + entries('2024-01-01T10:00Z C - - odd'), rules(), '2024-05-01')$$, '22023', 'event of role "carry_over" at 2024-01-01 10:00:00+00 without points, and without a label that says what it is',
	'a label that says nothing');
SELECT throws_ok($$SELECT points_totals(timelines(c, t), rules(), '2024-06-01') FROM (VALUES (7, points_carry_over(entries('2024-01-01T10:00Z E 5'), rules(), '2024-05-01') + entries('2024-04-30T10:00Z E 3'))) v (c, t)$$, '22023', NULL, 'over everyone');
SELECT is(points_balance(entries('2024-01-01T10:00Z E 5', '2024-02-01T10:00Z C'), rules(), '2024-05-01'), 5::numeric, 'without a sum nothing was carried over');
SELECT * FROM finish();
ROLLBACK;
