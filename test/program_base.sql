--
-- A programme over everyone: totals, comparison and roll-forward against the summaries of one
-- customer at a time, against each other, and against points of everyone where there are no
-- tiers; every way to collect and to add up gives the same; known answers; text, binary, errors.
--
-- Longer: psql -v groups=400 -v first=1001
--
\ir reference/setup.sql
\if :{?groups}
\else
	\set groups 24
\endif
\if :{?first}
\else
	\set first 1
\endif
BEGIN;
SELECT plan(110);
\ir reference/periods.sql
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/tiers_reference.sql
\ir reference/tiers_random.sql
\ir reference/earn_reference.sql
\ir reference/earn_random.sql
\ir reference/program_reference.sql
\ir reference/program_random.sql

-- ---- random groups of customers, each group under two programmes of its own ----

-- Customers are numbered through; one of a group has no events.
CREATE TABLE ledger (grp int, customer bigint, timeline event_timeline);
-- What is asked of a group: rules name the zone that is settled, the programmes don't always.
CREATE TABLE asked (grp int, program_a program_policy, program_b program_policy, rules_a program_policy, rules_b program_policy, session text, zone text, unit text, period calendar_period, as_of date);
CREATE TABLE answer (grp int, as_of date, totals program_totals_result, totals_b program_totals_result, compare program_compare_result, rollforward program_rollforward_result);
CREATE TABLE summary AS SELECT 0 AS grp, NULL::date AS as_of, 0::bigint AS customer, '' AS program, s.* FROM program_summary('[]', '{}', '2024-01-01') s LIMIT 0;

-- A redemption that is refused stops a walk, and so does an unknown kind; errors have tests of their own.
CREATE FUNCTION without_refusal(program jsonb) RETURNS jsonb
LANGUAGE sql AS $$ SELECT p || jsonb_build_object('earn', coalesce(p->'earn', '{}') || '{"other_kinds": "ignore"}') FROM (SELECT replace(program::text, '"refuse"', '"clip"')::jsonb AS p) x $$;

-- Another programme for the same timelines: richer, with other points, without tiers, or with other members.
CREATE FUNCTION other_program(g int, program jsonb) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT CASE g % 4
		WHEN 0 THEN program || jsonb_build_object('earn', coalesce(program->'earn', '{}') || '{"rate": 3}')
		WHEN 1 THEN program - 'versions' || jsonb_build_object('points', ref_random_program_points(90000 + g) - 'versions')
		WHEN 2 THEN program - '{tiers,tier_metric,pending_counts,no_expiry_tiers,versions}'::text[] || jsonb_build_object('earn', (program->'earn') - '{multipliers,versions}'::text[])
		ELSE '{"earn": {"kinds": {"stay": "ignore", "buy": "ignore", "burn": "redemption"}, "other_kinds": "ignore", "decimals": 2, "rate": 0.05}, "tiers": {"levels": {"Blue": 20}, "grant_kind": "none"}, "tier_metric": "points"}' END
$$;

CREATE FUNCTION fill(first int, groups int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	g int;
	a jsonb;
	b jsonb;
	zoned jsonb;
	session_zone text;
	first_day date;
	last_day date;
	unit text;
	named boolean;
BEGIN
	FOR g IN first .. first + groups - 1 LOOP
		session_zone := ref_pick(g, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}');
		PERFORM set_config('timezone', session_zone, true);
		a := without_refusal(ref_random_program(50000 + g));
		b := without_refusal(other_program(g, a));
		zoned := jsonb_build_object('zone', ref_program_zone(a));
		INSERT INTO ledger SELECT g, 10 * g + i, (CASE WHEN i = 6 THEN '[]' ELSE ref_random_program_timeline(10 * (50000 + g) + i, a) END)::text::event_timeline FROM generate_series(1, 6) i;
		SELECT min(e.at AT TIME ZONE ref_program_zone(a))::date, max(e.at AT TIME ZONE ref_program_zone(a))::date INTO first_day, last_day FROM ledger, timeline_events(timeline) e WHERE grp = g AND e.kind IS DISTINCT FROM 'birth';
		unit := CASE WHEN last_day - first_day > 3000 THEN 'year' WHEN last_day - first_day > 200 THEN ref_pick(g, 'unit', '{week,month,quarter,half_year}') ELSE ref_pick(g, 'unit', '{day,day,week,month}') END;
		named := a->>'zone' IS NOT NULL AND ref_random(g, 'period zone') < 0.3;
		-- within the ledger, at its last day, and long after it
		INSERT INTO asked
		SELECT DISTINCT g, a::program_policy, b::program_policy, (a || zoned)::program_policy, (b || zoned)::program_policy, session_zone, ref_program_zone(a), unit, (unit || CASE WHEN named THEN '@' || (a->>'zone') ELSE '' END)::calendar_period, d
		FROM unnest(ARRAY[first_day, first_day + (ref_random(g, 'day') * (last_day - first_day))::int, last_day - (ref_random(g, 'late day') * 40)::int, last_day, last_day + 300]) d;
		INSERT INTO answer
		SELECT g, q.as_of, program_totals(t, q.program_a, q.as_of), program_totals(t, q.rules_b, q.as_of), program_compare(t, q.program_a, q.program_b, q.as_of), program_rollforward(t, q.program_a, q.period, q.as_of)
		FROM (SELECT timelines(customer, timeline) AS t FROM ledger WHERE grp = g) l CROSS JOIN asked q WHERE q.grp = g;
	END LOOP;
END $$;
SELECT fill(:first, :groups) IS NULL AS void \gset
SET LOCAL timezone = 'UTC';

INSERT INTO summary
SELECT q.grp, q.as_of, l.customer, p.program, s.* FROM asked q JOIN ledger l USING (grp) CROSS JOIN LATERAL (VALUES ('a', q.rules_a), ('b', q.rules_b)) p(program, rules) CROSS JOIN LATERAL program_summary(l.timeline, p.rules, q.as_of) s;

CREATE TABLE totals AS SELECT a.grp, p.program, t.* FROM answer a CROSS JOIN LATERAL (VALUES ('a', totals), ('b', totals_b)) p(program, r) CROSS JOIN LATERAL program_totals_table(p.r) t;
CREATE TABLE compared AS SELECT a.grp, t.* FROM answer a CROSS JOIN LATERAL program_compare_table(a.compare) t;
CREATE TABLE members AS SELECT a.grp, a.as_of, t.* FROM answer a CROSS JOIN LATERAL program_compare_members(a.compare) t;
CREATE TABLE rollforward AS SELECT a.grp, t.* FROM answer a CROSS JOIN LATERAL program_rollforward_table(a.rollforward) t;

-- ---- the summaries, added up ----

SELECT cmp_ok((SELECT count(*)::int FROM answer), '>', 3 * :groups, 'there are answers');
SELECT results_eq($$SELECT grp, program, as_of, rank, tier, members, spend, orders, points_issued, points_redeemed, points_expired, points_pending, points_blocked, balance FROM totals WHERE members > 0 AND rank IS NOT NULL ORDER BY 1, 2, 3, 4$$,
	$$SELECT grp, program, as_of, rank, tier, count(*), sum(spend), sum(orders)::bigint, sum(points_earned), sum(points_redeemed), sum(points_expired), sum(points_pending), sum(points_blocked), sum(balance) FROM summary WHERE rank IS NOT NULL GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4$$,
	'totals are the summaries, added up by tier');
SELECT results_eq($$SELECT grp, program, as_of, members, spend, orders, points_issued, points_redeemed, points_expired, points_pending, points_blocked, balance FROM totals WHERE rank IS NULL AND members > 0 ORDER BY 1, 2, 3$$,
	$$SELECT grp, program, as_of, count(*), sum(spend), sum(orders)::bigint, sum(points_earned), sum(points_redeemed), sum(points_expired), sum(points_pending), sum(points_blocked), sum(balance) FROM summary WHERE rank IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3$$,
	'... and in all');
SELECT is_empty('SELECT * FROM totals WHERE points_issued <> points_redeemed + points_expired + points_pending + points_blocked + balance', 'issued = redeemed + expired + pending + blocked + balance');
SELECT is_empty($$SELECT t.grp, t.as_of, t.program, t.rank FROM (SELECT *, lag(rank, 1, -1) OVER (PARTITION BY grp, program, as_of ORDER BY rank) AS before FROM totals) t WHERE rank IS NOT NULL AND rank <> before + 1$$, 'a row for every rank');
SELECT results_eq($$SELECT grp, as_of, rank_a, tier_a, rank_b, tier_b, members, spend, issued_a, issued_b, balance_a, balance_b FROM compared ORDER BY grp, as_of, rank_a, rank_b$$,
	$$SELECT grp, as_of, coalesce(a.rank, -1), CASE WHEN a.rank IS NULL THEN 'not yet a member' ELSE a.tier END, coalesce(b.rank, -1), CASE WHEN b.rank IS NULL THEN 'not yet a member' ELSE b.tier END, count(*),
		coalesce(sum(a.spend) FILTER (WHERE a.rank IS NOT NULL), 0), coalesce(sum(a.points_earned) FILTER (WHERE a.rank IS NOT NULL), 0), coalesce(sum(b.points_earned) FILTER (WHERE b.rank IS NOT NULL), 0),
		coalesce(sum(a.balance) FILTER (WHERE a.rank IS NOT NULL), 0), coalesce(sum(b.balance) FILTER (WHERE b.rank IS NOT NULL), 0)
	  FROM summary a JOIN summary b USING (grp, as_of, customer) WHERE a.program = 'a' AND b.program = 'b' AND (a.rank IS NOT NULL OR b.rank IS NOT NULL)
	  GROUP BY grp, as_of, a.rank, a.tier, b.rank, b.tier ORDER BY grp, as_of, coalesce(a.rank, -1), coalesce(b.rank, -1)$$,
	'a comparison is two summaries, joined');
SELECT results_eq($$SELECT grp, as_of, outcome, members, points_difference FROM members WHERE members > 0 ORDER BY 1, 2, 3$$,
	$$SELECT grp, as_of, CASE sign(d) WHEN 1 THEN 'winners' WHEN -1 THEN 'losers' ELSE 'unchanged' END AS outcome, count(*), sum(d)
	  FROM (SELECT grp, as_of, CASE WHEN b.rank IS NULL THEN 0 ELSE b.points_pending + b.points_blocked + b.balance END - CASE WHEN a.rank IS NULL THEN 0 ELSE a.points_pending + a.points_blocked + a.balance END AS d
			FROM summary a JOIN summary b USING (grp, as_of, customer) WHERE a.program = 'a' AND b.program = 'b' AND (a.rank IS NOT NULL OR b.rank IS NOT NULL)) q GROUP BY 1, 2, 3 ORDER BY 1, 2, 3$$,
	'who wins and who loses');
SELECT is_empty($$SELECT grp, as_of, count(*) FROM members GROUP BY 1, 2 HAVING string_agg(outcome, ' ' ORDER BY outcome) <> 'losers unchanged winners'$$, 'three rows');
SELECT cmp_ok((SELECT count(DISTINCT outcome)::int FROM members WHERE members > 0), '=', 3, 'there are winners, losers, and unchanged members');
SELECT cmp_ok((SELECT count(*)::int FROM compared WHERE rank_a = -1 OR rank_b = -1), '>', 0, '... and members by one programme only');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM totals WHERE rank > 0 AND members > 0 AND program = 'a'), '>', :groups / 3, 'members have tiers');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM totals WHERE rank IS NULL AND points_expired > 0), '>', :groups / 4, 'points expire');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM totals WHERE rank IS NULL AND points_pending > 0), '>', :groups / 20, '... and are pending');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM totals WHERE rank IS NULL AND points_blocked > 0), '>', :groups / 20, '... and are blocked');

-- ---- laws ----

SELECT is_empty($$SELECT * FROM asked q CROSS JOIN LATERAL (SELECT program_compare(timelines(customer, timeline), q.rules_a, q.rules_a, q.as_of) AS r FROM ledger l WHERE l.grp = q.grp) x CROSS JOIN LATERAL program_compare_members(x.r) t
	WHERE t.points_difference <> 0 OR t.outcome <> 'unchanged' AND t.members > 0$$, 'nobody wins or loses under the same programme');
SELECT is_empty($$SELECT * FROM asked q CROSS JOIN LATERAL (SELECT program_compare(timelines(customer, timeline), q.rules_a, q.rules_a, q.as_of) AS r FROM ledger l WHERE l.grp = q.grp) x CROSS JOIN LATERAL program_compare_table(x.r) t
	WHERE t.rank_a <> t.rank_b OR t.issued_a <> t.issued_b OR t.balance_a <> t.balance_b$$, '... or has another tier');
SELECT is_empty($$SELECT q.grp, q.as_of, a.tier_a, a.rank_a, a.tier_b, a.rank_b, a.members, a.issued_a, a.issued_b, a.balance_a, a.balance_b FROM asked q JOIN answer USING (grp, as_of) CROSS JOIN LATERAL program_compare_table(compare) a
	EXCEPT SELECT q.grp, q.as_of, t.tier_b, t.rank_b, t.tier_a, t.rank_a, t.members, t.issued_b, t.issued_a, t.balance_b, t.balance_a
	FROM asked q CROSS JOIN LATERAL (SELECT program_compare(timelines(customer, timeline), q.rules_b, q.rules_a, q.as_of) AS r FROM ledger l WHERE l.grp = q.grp) x CROSS JOIN LATERAL program_compare_table(x.r) t$$, 'the other way round it is the mirror');
SELECT is_empty('SELECT * FROM rollforward WHERE closing <> opening + issued - redeemed - returned - expired', 'opening to closing: the identity');
SELECT is_empty($$SELECT * FROM (SELECT opening, lag(closing, 1, 0::numeric) OVER w AS before, period_start, lag(period_end, 1, period_start) OVER w AS start FROM rollforward WINDOW w AS (PARTITION BY grp, as_of ORDER BY period_start)) q
	WHERE opening <> before OR period_start <> start$$, 'each closing is the next opening, without gaps');
SELECT is_empty($$SELECT grp, as_of, closing, pending, blocked FROM (SELECT DISTINCT ON (grp, as_of) * FROM rollforward ORDER BY grp, as_of, period_start DESC) r
	EXCEPT SELECT grp, as_of, points_pending + points_blocked + balance, points_pending, points_blocked FROM totals WHERE rank IS NULL AND program = 'a'$$, 'the last closing is that of the totals');
SELECT is_empty($$SELECT grp, as_of, sum(issued - returned), sum(redeemed), sum(expired) FROM rollforward GROUP BY 1, 2
	EXCEPT SELECT grp, as_of, points_issued, points_redeemed, points_expired FROM totals WHERE rank IS NULL AND program = 'a'$$, '... and periods add up to them');
SELECT is_empty($$SELECT grp, as_of, period_end FROM rollforward WHERE complete <> (period_end <= as_of + 1)$$, 'complete is what is over');
-- each closing is what the summaries are at the end of that day, of those who are members in the end
SELECT is_empty($$
	WITH e AS (SELECT r.grp, r.as_of, r.period_end - 1 AS day, r.closing, r.pending, r.blocked, q.rules_a FROM rollforward r JOIN asked q USING (grp, as_of) WHERE r.complete AND r.period_end - r.period_start < 400)
	SELECT grp, as_of, day, closing, pending, blocked FROM e
	EXCEPT
	SELECT e.grp, e.as_of, e.day, sum(s.points_pending + s.points_blocked + s.balance), sum(s.points_pending), sum(s.points_blocked)
	FROM e JOIN ledger l USING (grp) JOIN summary m ON m.grp = e.grp AND m.as_of = e.as_of AND m.customer = l.customer AND m.program = 'a' AND m.rank IS NOT NULL
		CROSS JOIN LATERAL program_summary(l.timeline, e.rules_a, e.day) s GROUP BY 1, 2, 3$$,
	'a closing is what the day''s end gives');

-- Without tiers it is points of everyone over what was accrued, which goes to each one's last event, where no two lots
-- begin together: a timeline of points doesn't say in which order they did.
CREATE TABLE tierless AS
SELECT l.grp, l.customer, q.unit, last.day, (x.p || jsonb_build_object('zone', q.zone))::program_policy AS program,
	points_accrual(l.timeline, (x.p->'earn' || jsonb_build_object('zone', q.zone))::earn_policy) AS points, (x.p->'points' || jsonb_build_object('zone', q.zone, 'kinds', '{"earn": "earn", "bonus": "earn", "return": "return", "redeem": "redeem", "redeem_refund": "redeem_refund", "adjust": "adjust", "transfer": "transfer", "forfeit": "forfeit", "expire": "expire", "activate": "activate", "block": "block", "unblock": "unblock"}'::jsonb))::points_policy AS rules
FROM ledger l JOIN (SELECT DISTINCT ON (grp) * FROM asked ORDER BY grp) q USING (grp)
	CROSS JOIN LATERAL (SELECT jsonb_build_object('earn', regexp_replace(coalesce(q.rules_a::jsonb->'earn', '{}')::text, '"tiers": \[[^]]*\], ', '', 'g')::jsonb, 'points', coalesce(q.rules_a::jsonb->'points', '{}')) AS p) x
	CROSS JOIN LATERAL (SELECT (timeline_last(l.timeline) AT TIME ZONE q.zone)::date AS day) last
WHERE timeline_count(l.timeline) > 0;
DELETE FROM tierless WHERE (SELECT count(*) <> count(DISTINCT e.at) FROM timeline_events(points) e WHERE e.value > 0);
SELECT cmp_ok((SELECT count(*)::int FROM tierless WHERE timeline_count(points) > 3), '>', :groups, 'there are timelines of points');
SELECT is_empty($$SELECT v.grp, v.customer, t.period_start, t.period_end, t.complete, t.opening, t.issued, t.redeemed, t.returned, t.expired, t.closing, t.pending, t.blocked, t.as_of FROM tierless v
		CROSS JOIN LATERAL (SELECT program_rollforward(timeline, v.program, (v.unit || '@' || (v.program::jsonb->>'zone'))::calendar_period, v.day) AS r FROM ledger l WHERE l.customer = v.customer) p CROSS JOIN LATERAL program_rollforward_table(p.r) t
	EXCEPT SELECT v.grp, v.customer, t.period_start, t.period_end, t.complete, t.opening, t.issued + t.adjusted + t.transferred, t.redeemed - t.reinstated, t.returned, t.expired + t.forfeited, t.closing, t.pending, t.blocked, t.as_of FROM tierless v
		CROSS JOIN LATERAL (SELECT points_rollforward(p.points, v.rules, (v.unit || '@' || (v.program::jsonb->>'zone'))::calendar_period, v.day) AS r FROM (SELECT v.points) p) p CROSS JOIN LATERAL points_rollforward_table(p.r) t$$,
	'without tiers, a roll-forward is that of the points accrued');
SELECT is_empty($$SELECT v.grp, v.customer, t.points_issued, t.points_redeemed, t.points_expired, t.points_pending, t.points_blocked, t.balance FROM tierless v
		CROSS JOIN LATERAL (SELECT program_totals(timeline, v.program, v.day) AS r FROM ledger l WHERE l.customer = v.customer) p CROSS JOIN LATERAL program_totals_table(p.r) t WHERE t.rank IS NULL AND t.members > 0
	EXCEPT SELECT v.grp, v.customer, s.earned + s.adjusted + s.transferred - s.returned, s.redeemed - s.reinstated, s.expired + s.forfeited, s.pending, s.blocked, s.active - s.overdrawn FROM tierless v CROSS JOIN LATERAL points_summary(v.points, v.rules, v.day) s$$,
	'... and totals are theirs');

-- ---- known answers ----

CREATE TABLE sale (customer int, at timestamptz, amount numeric, kind text);
INSERT INTO sale VALUES (1, '2024-01-10', 600.00, NULL), (1, '2024-03-01', 100.00, NULL), (2, '2024-01-20', 100.00, NULL), (2, '2024-02-10', 40, 'redeem'), (3, NULL, NULL, NULL), (4, '2025-01-01', 50.00, NULL), (NULL, '2024-01-01', 9, NULL);
CREATE FUNCTION club() RETURNS program_policy IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
	SELECT '{"earn": {"multipliers": [{"times": 2, "tiers": ["Silver", "Gold"]}]}, "points": {"expires_after": "2 months"}, "tiers": {"Silver": 500, "Gold": 2000}}'::program_policy $$;
CREATE VIEW collected AS SELECT timelines(customer, make_event(at => at, value => amount, kind => kind)) AS b FROM sale;
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN LATERAL program_totals_table(program_totals(b, club(), $$2024-02-29$$)) t',
	$$VALUES ('Member', 0, 2::bigint, 100::numeric, 1::bigint, 100::numeric, 40::numeric, 0::numeric, 0::numeric, 0::numeric, 60::numeric, date '2024-02-29'), ('Silver', 1, 1, 600, 1, 600, 0, 0, 0, 0, 600, '2024-02-29'),
		('Gold', 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, '2024-02-29'), (NULL, NULL, 3, 700, 2, 700, 40, 0, 0, 0, 660, '2024-02-29')$$, 'totals by tier and in all; who joins later isn''t there');
SELECT results_eq('SELECT spend::text, points_issued::text, balance::text FROM collected CROSS JOIN LATERAL program_totals_table(program_totals(b, club(), $$2024-02-29$$)) t WHERE rank = 1', $$VALUES ('600.00', '600', '600')$$, 'amounts have their decimals, points theirs');
SELECT results_eq('SELECT points_issued::text, points_redeemed::text, balance::text FROM (SELECT timelines(1, make_event(at => at, value => amount, kind => kind)) AS b FROM (VALUES (timestamptz $$2024-01-01$$, 10.00, NULL), ($$2024-01-02$$, 0.25, $$redeem$$)) v(at, amount, kind)) q CROSS JOIN LATERAL program_totals_table(program_totals(b, $${"earn": {"decimals": 1}}$$)) t WHERE rank = 0',
	$$VALUES ('10.00', '0.25', '9.75')$$, '... and more where a redemption has them');
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, club(), as_of => $$2024-03-15$$)) t',
	$$VALUES (NULL::text, date '2024-01-01', date '2024-02-01', true, 0::numeric, 700::numeric, 0::numeric, 0::numeric, 0::numeric, 700::numeric, 0::numeric, 0::numeric, date '2024-03-15'),
		(NULL, '2024-02-01', '2024-03-01', true, 700, 0, 40, 0, 0, 660, 0, 0, '2024-03-15'), (NULL, '2024-03-01', '2024-04-01', false, 660, 200, 0, 0, 600, 260, 0, 0, '2024-03-15')$$, 'from opening to closing');
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN LATERAL program_compare_table(program_compare(b, club(), $${"earn": {"rate": 2}}$$, $$2024-02-29$$)) t',
	$$VALUES ('Member', 0, NULL, 0, 2::bigint, 100::numeric, 100::numeric, 200::numeric, 60::numeric, 160::numeric, date '2024-02-29'), ('Silver', 1, NULL, 0, 1, 600, 600, 1200, 600, 1200, '2024-02-29')$$, 'two programmes');
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN LATERAL program_compare_members(program_compare(b, club(), $${"earn": {"rate": 2}}$$, $$2024-02-29$$)) t',
	$$VALUES ('winners', 2::bigint, 700::numeric), ('losers', 0, 0), ('unchanged', 1, 0)$$, '... win and lose');
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN LATERAL program_compare_members(program_compare(b, $${"earn": {"rate": 2}}$$, club(), $$2024-02-29$$)) t',
	$$VALUES ('winners', 0::bigint, 0::numeric), ('losers', 2, -700), ('unchanged', 1, 0)$$, '... the other way round');
-- members by one programme only
SELECT results_eq('SELECT tier_a, rank_a, tier_b, rank_b, members, spend, issued_a, issued_b FROM collected CROSS JOIN LATERAL program_compare_table(program_compare(b, $${"earn": {"kinds": {"redeem": "join"}}}$$, club(), $$2024-02-01$$)) t ORDER BY rank_a, rank_b',
	$$VALUES ('not yet a member', -1, 'Member', 0, 1::bigint, 0::numeric, 0::numeric, 100::numeric), (NULL, 0, 'Member', 0, 1, 0, 0, 0), (NULL, 0, 'Silver', 1, 1, 600, 600, 600)$$, 'a member by one of them');
-- who isn't a member yet is nowhere; once he is, all of him is there
CREATE VIEW late AS SELECT timelines(1, make_event(at => at, value => value, kind => kind)) AS b FROM (VALUES (timestamptz '2024-01-05', 40, 'redeem'), ('2024-02-01', NULL, 'join')) v(at, value, kind);
SELECT results_eq('SELECT d, t.members, t.balance FROM late, unnest($${2024-01-31,2024-02-01}$$::date[]) d CROSS JOIN LATERAL program_totals_table(program_totals(b, $${}$$, d)) t WHERE t.rank IS NULL', $$VALUES (date '2024-01-31', 0::bigint, 0::numeric), ('2024-02-01', 1, -40)$$, 'a member from the day on that he joins');
SELECT results_eq('SELECT d, t.period_start, t.redeemed, t.closing FROM late, unnest($${2024-01-31,2024-02-01}$$::date[]) d CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, $${}$$, as_of => d)) t', $$VALUES (date '2024-02-01', date '2024-01-01', 40::numeric, -40::numeric), ('2024-02-01', '2024-02-01', 0, -40)$$, '... with what was before');
-- the day of the last event
SELECT is((SELECT DISTINCT t.as_of FROM collected CROSS JOIN LATERAL program_totals_table(program_totals(b, club())) t), date '2025-01-01', 'as_of is the last event''s day');
SELECT is((SELECT program_rollforward(b, club()) FROM collected), (SELECT program_rollforward(b, club(), 'month', '2025-01-01') FROM collected), '... by month');
SELECT is((SELECT program_compare(b, club(), '{}') FROM collected), (SELECT program_compare(b, club(), '{}', '2025-01-01') FROM collected), '... of a comparison');
SELECT is((SELECT program_totals(b, club())::text::jsonb->'rows_without_customer' FROM collected), '1', 'guests are counted');
-- what a tier has kept expires when it is left: at the start of February, not at the end of January
CREATE FUNCTION kept(boundary text) RETURNS program_policy LANGUAGE sql AS $$
	SELECT ('{"points": {"expires_after": "10 days", "expiry_boundary": "' || boundary || '"}, "tiers": {"levels": {"Silver": 500}, "qualifying_window": "31 days", "valid": "while_qualified"}, "no_expiry_tiers": ["Silver"]}')::program_policy $$;
CREATE VIEW one_order AS SELECT timelines(1, timestamptz '2024-01-01 00:00', 600) AS b;
SELECT results_eq($$SELECT period_start, issued, expired, closing FROM one_order CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, kept('gone'), 'month', '2024-02-15')) t$$,
	$$VALUES (date '2024-01-01', 600::numeric, 0::numeric, 600::numeric), ('2024-02-01', 0, 600, 0)$$, 'what was overdue expires when the tier is left');
SELECT results_eq($$SELECT tier, balance FROM one_order CROSS JOIN LATERAL program_totals_table(program_totals(b, kept('gone'), '2024-01-31')) t WHERE members > 0 AND rank IS NOT NULL$$, $$VALUES ('Silver', 600::numeric)$$, '... as the totals have it');
SELECT results_eq($$SELECT period_start, issued, expired, closing FROM one_order CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, kept('valid'), 'month', '2024-02-15')) t$$,
	$$VALUES (date '2024-01-01', 600::numeric, 0::numeric, 600::numeric), ('2024-02-01', 0, 600, 0)$$, '... with either boundary');
-- without that, on the edge of a period
SELECT results_eq($$SELECT period_start, expired, closing FROM one_order CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, '{"points": {"expires_after": "30 days"}}', 'month', '2024-02-15')) t$$,
	$$VALUES (date '2024-01-01', 600::numeric, 0::numeric), ('2024-02-01', 0, 0)$$, 'what expires on the edge belongs to the period that ends there');
SELECT results_eq($$SELECT period_start, expired, closing FROM one_order CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, '{"points": {"expires_after": "30 days", "expiry_boundary": "valid"}}', 'month', '2024-02-15')) t$$,
	$$VALUES (date '2024-01-01', 0::numeric, 600::numeric), ('2024-02-01', 600, 0)$$, '... or to the one that starts');

-- ---- nobody, nothing ----

CREATE VIEW eventless AS SELECT timelines(c, NULL::timestamptz, NULL::numeric) AS b FROM generate_series(1, 3) c;
SELECT results_eq('SELECT tier, rank, members, balance, as_of FROM eventless CROSS JOIN LATERAL program_totals_table(program_totals(b, club())) t',
	$$VALUES ('Member', 0, 3::bigint, 0::numeric, NULL::date), ('Silver', 1, 0, 0, NULL), ('Gold', 2, 0, 0, NULL), (NULL, NULL, 3, 0, NULL)$$, 'members without events are in the base tier');
SELECT results_eq('SELECT tier, rank, members, as_of FROM eventless CROSS JOIN LATERAL program_totals_table(program_totals(b, $${}$$, $$2024-01-01$$)) t', $$VALUES (NULL, 0, 3::bigint, date '2024-01-01'), (NULL, NULL, 3, '2024-01-01')$$, '... also where there are no tiers');
SELECT results_eq('SELECT tier_a, tier_b, members, balance_b, as_of FROM eventless CROSS JOIN LATERAL program_compare_table(program_compare(b, club(), $${}$$)) t', $$VALUES ('Member', NULL, 3::bigint, 0::numeric, NULL::date)$$, '... in a comparison');
SELECT results_eq('SELECT outcome, members FROM eventless CROSS JOIN LATERAL program_compare_members(program_compare(b, club(), $${}$$)) t', $$VALUES ('winners', 0::bigint), ('losers', 0), ('unchanged', 3)$$, '... unchanged');
SELECT is_empty('SELECT t.* FROM eventless CROSS JOIN LATERAL program_rollforward_table(program_rollforward(b, club())) t', '... and roll nothing forward');
SELECT results_eq('SELECT tier, members FROM (SELECT program_totals(timelines(NULL::int, now(), 1), club()) r) q CROSS JOIN LATERAL program_totals_table(r) t', $$VALUES ('Member', 0::bigint), ('Silver', 0), ('Gold', 0), (NULL, 0)$$, 'a base without anybody');
SELECT results_eq('SELECT outcome, members FROM (SELECT program_compare(timelines(NULL::int, now(), 1), club(), $${}$$) r) q CROSS JOIN LATERAL program_compare_members(r) t', $$VALUES ('winners', 0::bigint), ('losers', 0), ('unchanged', 0)$$, '... has no winners');
SELECT is((SELECT program_totals(NULL::timeline_base, club())), NULL, 'a NULL base');
SELECT is((SELECT program_compare(timeline, club(), club(), '2024-01-01') FROM ledger WHERE false), NULL, 'an aggregate without rows');
SELECT is((SELECT program_totals(t, club(), '2024-01-01') FROM (VALUES (NULL::event_timeline)) v(t))::text::jsonb->'rows', '[]', '... with NULLs only');
SELECT results_eq('SELECT members FROM (SELECT program_totals(t, club(), $$2024-01-01$$) FROM (VALUES (NULL::event_timeline), ($$[]$$)) v(t)) q(r) CROSS JOIN LATERAL program_totals_table(r) t WHERE rank IS NULL', 'VALUES (1::bigint)', 'an empty timeline is a member');
SELECT is_empty($$SELECT program_totals_table(NULL) UNION ALL SELECT program_totals_table('{"rows": []}')$$, 'tables of nothing');
SELECT is_empty($$SELECT program_compare_table(NULL) UNION ALL SELECT program_compare_table('{"rows": []}')$$, '... of a comparison');
SELECT is_empty($$SELECT program_compare_members(NULL) UNION ALL SELECT program_compare_members('{"rows": []}')$$, '... of its members');
SELECT is_empty($$SELECT program_rollforward_table(NULL) UNION ALL SELECT program_rollforward_table('{"rows": []}')$$, '... of a roll-forward');

-- ---- every way to collect and add up ----

SELECT is_empty($$SELECT grp, as_of, program_totals(timeline, program_a, as_of), program_totals(timeline, rules_b, as_of), program_compare(timeline, program_a, program_b, as_of), program_rollforward(timeline, program_a, period, as_of)
	FROM asked JOIN ledger USING (grp) WHERE session = 'UTC' GROUP BY grp, as_of EXCEPT SELECT * FROM answer$$, 'the aggregates over timelines give the same bytes');
SELECT is_empty($$SELECT grp, as_of, rollup(a ORDER BY half), rollup(b), rollup(c ORDER BY half DESC), rollup(r) FROM (
		SELECT grp, as_of, customer % 2 AS half, program_totals(timeline, program_a, as_of) a, program_totals(timeline, rules_b, as_of) b, program_compare(timeline, program_a, program_b, as_of) c, program_rollforward(timeline, program_a, period, as_of) r
		FROM asked JOIN ledger USING (grp) WHERE session = 'UTC' GROUP BY grp, as_of, customer % 2) q GROUP BY grp, as_of
	EXCEPT SELECT * FROM answer$$, 'rollup() of parts is the whole');
SELECT results_eq($$SELECT rollup(totals), rollup(compare), rollup(rollforward) FROM (SELECT * FROM answer ORDER BY grp, as_of LIMIT 1) a$$, $$SELECT totals, compare, rollforward FROM answer ORDER BY grp, as_of LIMIT 1$$, 'rollup() of one is itself');
SELECT is((SELECT rollup(r) FROM (VALUES (NULL::program_totals_result)) v(r)), NULL, 'rollup() of NULLs');
-- the state goes on after a result was taken
SELECT results_eq($$SELECT program_compare(timeline, q.rules_a, q.rules_b, '2030-01-01') OVER (ORDER BY customer) FROM ledger JOIN (SELECT DISTINCT ON (grp) * FROM asked ORDER BY grp) q USING (grp) WHERE grp = (SELECT min(grp) FROM ledger) ORDER BY customer$$,
	$$SELECT (SELECT program_compare(m.timeline, q.rules_a, q.rules_b, '2030-01-01') FROM ledger m WHERE m.customer <= l.customer AND m.grp = l.grp)
	  FROM ledger l JOIN (SELECT DISTINCT ON (grp) * FROM asked ORDER BY grp) q USING (grp) WHERE grp = (SELECT min(grp) FROM ledger) ORDER BY customer$$, 'in a window');

-- a parallel plan
CREATE TABLE entry AS
SELECT n % 997 AS customer, timestamptz '2022-01-01' + n * interval '30 minutes' AS at, (CASE WHEN n % 7 < 6 THEN n % 50 + 1 ELSE -(n % 30) END) * (n % 997 % 5) * 0.5 AS amount FROM generate_series(1, 40000) n;
INSERT INTO entry SELECT NULL, timestamptz '2022-01-01', 1 FROM generate_series(1, 7);
INSERT INTO entry SELECT 5000, NULL, NULL;
ANALYZE entry;
CREATE FUNCTION programme() RETURNS program_policy IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$
	SELECT '{"earn": {"multipliers": [{"times": 2, "tiers": ["Silver"]}, {"times": 3, "tiers": ["Gold"]}]}, "points": {"expires_after": "6 months", "pending": "14 days"}, "tiers": {"levels": {"Silver": 150, "Gold": 400}, "downgrade": "one_level", "valid": "6 months"}, "no_expiry_tiers": ["Gold"]}'::program_policy $$;
CREATE VIEW asked_of_all AS SELECT program_totals(b, programme()) AS totals, program_compare(b, programme(), '{"earn": {"rate": 2}}') AS compare, program_rollforward(b, programme()) AS rollforward
FROM (SELECT timelines(customer, at, amount) AS b FROM entry OFFSET 0) q;
CREATE TABLE serially AS SELECT * FROM asked_of_all;
SELECT cmp_ok((SELECT min(members)::int FROM serially CROSS JOIN LATERAL program_totals_table(totals) t), '>', 20, 'members in every tier');
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 2;
CREATE FUNCTION has_workers(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Parallel Seq Scan%' THEN RETURN true; END IF;
	END LOOP;
	RETURN false;
END $$;
SELECT ok(has_workers('SELECT * FROM asked_of_all'), 'a parallel plan');
SELECT results_eq('SELECT * FROM asked_of_all', 'SELECT * FROM serially', '... gives the same');
CREATE TABLE stored AS SELECT customer, timeline_agg(at, amount) AS timeline FROM entry WHERE customer IS NOT NULL GROUP BY customer;
ANALYZE stored;
CREATE VIEW asked_of_stored AS SELECT program_totals(timeline, programme(), '2024-04-13') AS totals, program_compare(timeline, programme(), '{"earn": {"rate": 2}}', '2024-04-13') AS compare, program_rollforward(timeline, programme(), 'month', '2024-04-13') AS rollforward FROM stored;
SELECT ok(has_workers('SELECT * FROM asked_of_stored'), 'a parallel plan over timelines');
SELECT results_eq('SELECT * FROM asked_of_stored',
	$$SELECT jsonb_set(totals::text::jsonb, '{rows_without_customer}', '0')::text::program_totals_result, jsonb_set(compare::text::jsonb, '{rows_without_customer}', '0')::text::program_compare_result,
		jsonb_set(rollforward::text::jsonb, '{rows_without_customer}', '0')::text::program_rollforward_result FROM serially$$, '... gives the same');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;

-- ---- text and binary ----

SELECT is_empty('SELECT * FROM answer WHERE totals::text::program_totals_result <> totals OR compare::text::program_compare_result <> compare OR rollforward::text::program_rollforward_result <> rollforward', 'text reads back');
CREATE TABLE answer_copy (LIKE answer);
\set file `mktemp -u /tmp/loyalty_program_XXXXXX`
COPY answer TO :'file' (FORMAT binary);
COPY answer_copy FROM :'file' (FORMAT binary);
SELECT is_empty('SELECT * FROM answer EXCEPT SELECT * FROM answer_copy', 'binary reads back');
\! rm -f /tmp/loyalty_program_*
SELECT throws_ok($$SELECT '{"rows": [{"rank": 0, "members": 1}]}'::program_totals_result$$, '22P02', NULL, 'totals by no programme');
SELECT throws_ok($$SELECT '{"program": {"tiers": {"Gold": 5}}, "rows": [{"rank": 2, "members": 1}]}'::program_totals_result$$, '22P02', NULL, 'a rank that the programme doesn''t have');
SELECT throws_ok($$SELECT '{"program": {}, "rows": [{"rank": 1, "members": 1}]}'::program_totals_result$$, '22P02', NULL, '... that has no tiers');
SELECT throws_ok($$SELECT '{"program": {}, "as_of": "2024-01-01", "rows": [{"rank": 0, "spend": 1}]}'::program_totals_result$$, '22P02', NULL, 'spend of nobody');
SELECT throws_ok($$SELECT '{"program": {}, "as_of": "2024-01-01", "rows": [{"rank": 0, "members": -1}]}'::program_totals_result$$, '22P02', NULL, 'fewer members than none');
SELECT throws_ok($$SELECT '{"program": {}, "as_of": "2024-01-01", "rows": [{"rank": 0, "members": 1, "points_issued": 5, "balance": 4}]}'::program_totals_result$$, '22P02', NULL, 'a point that is lost');
SELECT throws_ok($$SELECT '{"program": {}, "as_of": "2024-01-01", "rows": [{"rank": 0, "members": 1, "points_redeemed": -5, "balance": 5}]}'::program_totals_result$$, '22P02', NULL, 'less redeemed than nothing');
SELECT throws_ok($$SELECT '{"program": {}, "rows": [{"rank": 0, "members": 1, "points_issued": 5, "balance": 5}]}'::program_totals_result$$, '22P02', NULL, 'points on no day');
SELECT lives_ok($$SELECT '{"program": {}, "as_of": "2024-01-01", "rows": [{"rank": 0, "members": 1, "spend": -3, "points_issued": -5, "balance": -5}]}'::program_totals_result$$, 'what was taken back may be more than what was earned');
SELECT throws_ok($$SELECT '{"program": {"no": "yes"}}'::program_totals_result$$, '22P02', NULL, 'a programme that is none');
SELECT throws_ok($$SELECT t.members FROM program_totals_table('{"program": {"tiers": {"Gold": 5}}, "rows": [{"rank": 0, "members": 9223372036854775807}, {"rank": 1, "members": 1}]}') t$$, '22003', NULL, 'more members than can be counted');
SELECT throws_ok($$SELECT '{"program_a": {}, "rows": [{"rank_a": 0, "rank_b": 0, "outcome": 0, "members": 1}]}'::program_compare_result$$, '22P02', NULL, 'a comparison with nothing');
SELECT throws_ok($$SELECT '{"program_a": {}, "program_b": {}, "rows": [{"rank_a": 0, "rank_b": 1, "outcome": 0, "members": 1}]}'::program_compare_result$$, '22P02', NULL, 'a rank that the other one doesn''t have');
SELECT throws_ok($$SELECT '{"program_a": {}, "program_b": {}, "rows": [{"rank_a": -1, "rank_b": -1, "outcome": 0, "members": 1}]}'::program_compare_result$$, '22P02', NULL, 'a member by neither');
SELECT throws_ok($$SELECT '{"program_a": {}, "program_b": {}, "as_of": "2024-01-01", "rows": [{"rank_a": -1, "rank_b": 0, "outcome": 0, "members": 1, "spend": 5}]}'::program_compare_result$$, '22P02', NULL, 'who isn''t a member spends');
SELECT throws_ok($$SELECT '{"program_a": {}, "program_b": {}, "as_of": "2024-01-01", "rows": [{"rank_a": 0, "rank_b": 0, "outcome": 1, "members": 1}]}'::program_compare_result$$, '22P02', NULL, 'a winner of nothing');
SELECT throws_ok($$SELECT '{"program_a": {}, "program_b": {}, "as_of": "2024-01-01", "rows": [{"rank_a": 0, "rank_b": 0, "outcome": 2, "members": 1, "points_difference": 5}]}'::program_compare_result$$, '22P02', NULL, 'an outcome that there isn''t');
SELECT throws_ok($$SELECT '{"program": {}, "period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-02-01", "issued": 1}]}'::program_rollforward_result$$, '22P02', NULL, 'a period after as_of');
SELECT throws_ok($$SELECT '{"program": {}, "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "issued": 1}]}'::program_rollforward_result$$, '22P02', NULL, 'no period');
SELECT throws_ok($$SELECT '{"program": {}, "period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "expired": -1}]}'::program_rollforward_result$$, '22P02', NULL, 'less expired than nothing');
SELECT throws_ok($$SELECT '{"program": {}, "period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "pending": -1}]}'::program_rollforward_result$$, '22P02', NULL, 'less pending than nothing');
SELECT throws_ok($$SELECT '{"program": {}, "period": "month", "as_of": "2024-01-31", "rows": [{"period": "2024-01-01", "blocked": -1}]}'::program_rollforward_result$$, '22P02', NULL, 'less blocked than nothing');

-- ---- the catalog ----

SELECT is((SELECT string_agg(DISTINCT provolatile::text, '') FROM pg_proc WHERE proname IN ('program_totals', 'program_compare', 'program_rollforward')), 's', 'what takes days from the session''s zone is stable');

-- ---- errors ----

SELECT throws_ok('SELECT program_totals(b, NULL) FROM collected', '22004', 'program must not be null', 'a NULL programme');
SELECT throws_ok('SELECT program_compare(b, club(), NULL) FROM collected', '22004', 'program_b must not be null', '... the second');
SELECT throws_ok('SELECT program_rollforward(b, club(), NULL) FROM collected', '22004', 'period must not be null', 'a NULL period');
SELECT throws_ok($$SELECT program_totals(b, club(), 'infinity') FROM collected$$, '22008', NULL, 'an infinite as_of');
SELECT throws_ok('SELECT program_totals(timeline, club(), NULL) FROM stored', '22004', 'as_of must not be null', 'a NULL as_of of an aggregate');
SELECT throws_ok('SELECT program_compare(timeline, club(), NULL, $$2024-01-01$$) FROM stored', '22004', 'program_b must not be null', 'a NULL programme of an aggregate');
SELECT throws_ok($$SELECT program_compare(timeline, club(), CASE WHEN customer % 2 = 0 THEN club() ELSE '{}' END, '2024-01-01') FROM stored$$, '22023', 'program_a, program_b and as_of must be the same for all rows of an aggregate', 'a programme that changes');
SELECT throws_ok($$SELECT program_compare(b, '{"zone": "UTC"}', '{"zone": "Europe/Helsinki"}') FROM collected$$, '22023', 'program_a is in zone "UTC", but program_b in "Europe/Helsinki"', 'two zones');
SELECT is((SELECT program_compare(b, '{"zone": "Asia/Tokyo"}', '{}')::text::jsonb->>'zone' FROM collected), 'Asia/Tokyo', '... one of them is that of both');
SELECT is((SELECT program_compare(b, '{}', '{"zone": "Asia/Tokyo"}')::text::jsonb->>'zone' FROM collected), 'Asia/Tokyo', '... either');
SELECT throws_ok($$SELECT program_rollforward(b, '{"zone": "UTC"}', 'month@Europe/Helsinki') FROM collected$$, '22023', 'the policy is in zone "UTC", but the period in "Europe/Helsinki"', 'a period in another zone');
SELECT throws_ok($$SELECT program_rollforward(b, club(), '{2024-02-01}') FROM collected$$, '22008', NULL, 'points before the first period');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT program_totals(b, club()) FROM collected UNION ALL SELECT program_totals(b, '{}') FROM collected) q(r)$$, '22023', NULL, 'rollup() of different programmes');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT program_compare(b, club(), club()) FROM collected UNION ALL SELECT program_compare(b, club(), '{}') FROM collected) q(r)$$, '22023', NULL, '... of different second ones');
-- the customer is named
CREATE FUNCTION context_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	context text;
BEGIN
	EXECUTE query;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RETURN split_part(context, E'\n', 1);
END $$;
SELECT is(context_of($$SELECT program_totals(timelines(c, make_event(at => '2024-01-01', kind => 'tier_grant', label => l)), club()) FROM (VALUES (1, 'Gold'), (77, 'Bronze'), (3, 'Silver')) v(c, l)$$), 'customer 77', 'an unknown tier');
SELECT * FROM finish();
ROLLBACK;
