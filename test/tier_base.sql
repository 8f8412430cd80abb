--
-- Tiers of everyone: census, migration, flow, tenure and near against the reference's walks, one
-- customer at a time, and against each other; every way to collect and to add up gives the
-- same; known answers; text, binary, errors.
--
-- Longer: psql -v groups=400 -v first=1001
--
\ir reference/setup.sql
\if :{?groups}
\else
	\set groups 14
\endif
\if :{?first}
\else
	\set first 1
\endif
BEGIN;
SELECT plan(93);
\ir reference/periods.sql
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/tiers_reference.sql
\ir reference/tiers_random.sql
\ir reference/tiers_base_reference.sql

-- ---- random groups of customers, each group under a policy of its own ----

-- Customers are numbered through; one of a group has no events.
CREATE TABLE ledger (grp int, customer bigint, events jsonb, timeline event_timeline);
-- What is asked of a group: rules name the zone that the period does, policy doesn't always.
CREATE TABLE asked (grp int, policy tier_policy, rules tier_policy, session text, unit text, zone text, period calendar_period, before date, as_of date, within numeric);

CREATE TABLE answer (grp int, as_of date, census tier_census_result, migration tier_migration_result, flow tier_flow_result, tenure tier_tenure_result, near tier_near_result);
CREATE TABLE ref_census AS SELECT 0 AS grp, r.* FROM ref_tier_census('[]', '{"A": 1}', '2024-01-01') r LIMIT 0;
CREATE TABLE ref_migration AS SELECT 0 AS grp, NULL::date AS as_of_day, r.* FROM ref_tier_migration('[]', '{"A": 1}', '2024-01-01', '2024-01-01') r LIMIT 0;
CREATE TABLE ref_flow AS SELECT 0 AS grp, r.* FROM ref_tier_flow('[]', '{"A": 1}', 'month', '2024-01-01') r LIMIT 0;
CREATE TABLE ref_tenure AS SELECT 0 AS grp, r.* FROM ref_tier_tenure('[]', '{"A": 1}', '2024-01-01') r LIMIT 0;
CREATE TABLE ref_near AS SELECT 0 AS grp, r.* FROM ref_tier_near('[]', '{"A": 1}', '2024-01-01', 1) r LIMIT 0;

-- The reference's walks to a day are made once for all questions.
CREATE TABLE walked (as_of date, customer int, walk jsonb);
CREATE OR REPLACE FUNCTION ref_tier_customers(customers jsonb, policy jsonb, as_of date) RETURNS TABLE(customer int, walk jsonb)
LANGUAGE sql AS $$ SELECT w.customer, w.walk FROM walked w WHERE w.as_of = ref_tier_customers.as_of $$;

-- How long after the last event a group is looked at.
CREATE FUNCTION aftermath(seed bigint) RETURNS int
LANGUAGE sql AS $$ SELECT CASE ref_pace(seed) WHEN 'hours' THEN 6 WHEN 'days' THEN 90 WHEN 'months' THEN 500 ELSE 1400 END $$;

-- Grants of tiers that aren't in the policy stop a walk, and so do kinds; errors have tests of their own.
CREATE FUNCTION without_unknown_grants(events jsonb, policy jsonb) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT coalesce(jsonb_agg(e ORDER BY n), '[]') FROM jsonb_array_elements(events) WITH ORDINALITY x(e, n)
	WHERE e->>'kind' IS DISTINCT FROM coalesce(ref_tier_policy(policy)->>'grant_kind', 'tier_grant') OR e->>'label' IN (SELECT tier FROM ref_tiers(policy))
$$;

CREATE FUNCTION fill(first int, groups int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	g int;
	p jsonb; -- as it is given with the period
	r jsonb; -- with the zone, where the period names it
	period_zone text;
	session_zone text;
	everyone jsonb;
	first_day date;
	last_day date;
	days date[];
	u text;
	a asked;
BEGIN
	FOR g IN first .. first + groups - 1 LOOP
		p := ref_tier_policy(ref_random_tier_policy(70000 + g)) || '{"other_kinds": "ignore"}';
		session_zone := ref_pick(g, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}');
		PERFORM set_config('timezone', session_zone, true);
		period_zone := CASE WHEN ref_random(g, 'period zone') < 0.3 THEN coalesce(p->>'zone', ref_pick(g, 'period zone', '{UTC,Europe/Helsinki,America/New_York}')) END;
		r := p || CASE WHEN period_zone IS NULL THEN '{}' ELSE jsonb_build_object('zone', period_zone) END;
		everyone := (SELECT jsonb_agg(without_unknown_grants(CASE WHEN i = 6 THEN '[]' ELSE ref_random_tier_events(10 * (70000 + g) + i, p) END, p) ORDER BY i) FROM generate_series(1, 6) i);
		INSERT INTO ledger SELECT g, 10 * g + n, e, e::text::event_timeline FROM jsonb_array_elements(everyone) WITH ORDINALITY x(e, n);
		first_day := (SELECT (min((e->>'at')::timestamptz) AT TIME ZONE ref_zone(r))::date FROM jsonb_array_elements(everyone) c, jsonb_array_elements(c) e);
		last_day := ref_tier_last_day(everyone, r);
		-- within the ledger, at its last day, and long after it
		days := ARRAY(SELECT DISTINCT d FROM unnest(ARRAY[first_day + (ref_random(g, 'day') * (last_day - first_day))::int, last_day, last_day + aftermath(70000 + g)]) d ORDER BY d);
		TRUNCATE walked;
		INSERT INTO walked SELECT d, n, ref_tier_walk(e, r, ref_tier_day_end(r, d), ref_tier_day_end(r, d)) FROM unnest(days) d, jsonb_array_elements(everyone) WITH ORDINALITY x(e, n);
		u := CASE WHEN days[cardinality(days)] - first_day < 60 THEN ref_pick(g, 'unit', '{day,day,week,month}') WHEN last_day - first_day < 500 THEN ref_pick(g, 'unit', '{week,month,month:15,quarter,list}')
			ELSE ref_pick(g, 'unit', '{quarter,quarter:02-01,half_year,year,year:04-01,list}') END;
		u := CASE u WHEN 'list' THEN '{' || array_to_string(ARRAY[first_day - 3, first_day + 9, first_day + 40, first_day + 41, first_day + 200], ',') || '}' ELSE u END;
		FOR i IN 1 .. cardinality(days) LOOP
			a := (g, p::text, r::text, session_zone, u, ref_zone(r), u || coalesce('@' || period_zone, ''), days[greatest(1, i - 1)], days[i], ref_pick(g, 'within' || i, '{0.5,1,1.5,2,3,5}'));
			INSERT INTO asked SELECT a.*;
			INSERT INTO ref_census SELECT g, x.* FROM ref_tier_census(everyone, r, a.as_of) x;
			INSERT INTO ref_migration SELECT g, a.as_of, x.* FROM ref_tier_migration(everyone, r, a.before, a.as_of) x;
			INSERT INTO ref_flow SELECT g, x.* FROM ref_tier_flow(everyone, r, u, a.as_of) x;
			INSERT INTO ref_tenure SELECT g, x.* FROM ref_tier_tenure(everyone, r, a.as_of) x;
			INSERT INTO ref_near SELECT g, x.* FROM ref_tier_near(everyone, r, a.as_of, a.within) x;
		END LOOP;
		INSERT INTO answer
		SELECT g, q.as_of, tier_census(b, q.rules, q.as_of), tier_migration(b, q.rules, q.before, q.as_of), tier_flow(b, q.policy, q.period, q.as_of), tier_tenure(b, q.rules, q.as_of), tier_near(b, q.rules, q.as_of, q.within)
		FROM (SELECT timelines(customer, timeline) AS b FROM ledger WHERE grp = g) l CROSS JOIN asked q WHERE q.grp = g;
	END LOOP;
END $$;
SELECT fill(:first, :groups) IS NULL AS void \gset
SET LOCAL timezone = 'UTC';

CREATE TABLE census AS SELECT a.grp, t.* FROM answer a CROSS JOIN LATERAL tier_census_table(a.census) t;
CREATE TABLE migration AS SELECT a.grp, a.as_of, t.* FROM answer a CROSS JOIN LATERAL tier_migration_table(a.migration) t;
CREATE TABLE flow AS SELECT a.grp, t.* FROM answer a CROSS JOIN LATERAL tier_flow_table(a.flow) t;
CREATE TABLE tenure AS SELECT a.grp, t.* FROM answer a CROSS JOIN LATERAL tier_tenure_table(a.tenure) t;
CREATE TABLE near AS SELECT a.grp, t.* FROM answer a CROSS JOIN LATERAL tier_near_table(a.near) t;

-- ---- the same as the reference ----

SELECT cmp_ok((SELECT count(*)::int FROM answer), '>', 2 * :groups, 'there are answers');
SELECT results_eq('SELECT grp, as_of, rank, tier, members, share, value FROM census ORDER BY 1, 2, 3',
	'SELECT grp, as_of_day, rank, tier, members, share, value FROM ref_census ORDER BY 1, 2, 3', 'census as the reference has it');
SELECT results_eq('SELECT grp, as_of, from_rank, to_rank, from_tier, to_tier, members, share FROM migration ORDER BY 1, 2, 3, 4',
	'SELECT grp, as_of_day, from_rank, to_rank, from_tier, to_tier, members, share FROM ref_migration ORDER BY 1, 2, 3, 4', 'migration');
SELECT results_eq('SELECT grp, as_of, period_start, rank, tier, period_end, complete, members_at_start, joined, upgraded_in, upgraded_out, downgraded_in, downgraded_out, members_at_end FROM flow ORDER BY 1, 2, 3, 4',
	'SELECT grp, as_of_day, period_start, rank, tier, period_end, complete, members_at_start, joined, upgraded_in, upgraded_out, downgraded_in, downgraded_out, members_at_end FROM ref_flow ORDER BY 1, 2, 3, 4', 'flow');
SELECT results_eq('SELECT grp, as_of, rank, tier, spells, ended, median_days, round(mean_days::numeric, 6) FROM tenure ORDER BY 1, 2, 3',
	'SELECT grp, as_of_day, rank, tier, spells, ended, median_days, round(mean_days::numeric, 6) FROM ref_tenure ORDER BY 1, 2, 3', 'tenure');
SELECT results_eq('SELECT grp, as_of, rank, tier, members, near_next, near_keep FROM near ORDER BY 1, 2, 3',
	'SELECT grp, as_of_day, rank, tier, members, near_next, near_keep FROM ref_near ORDER BY 1, 2, 3', 'near');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM migration WHERE from_rank <> to_rank), '>', :groups / 2, 'members move');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM migration WHERE from_rank < 0), '>', :groups / 5, '... and join');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM flow WHERE upgraded_in > 0), '>', :groups / 2, '... rise');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM flow WHERE downgraded_in > 0 AND rank > 0), '>', 0, '... fall, also by a level');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM tenure WHERE ended BETWEEN 1 AND spells - 1), '>', :groups / 3, 'spells end, and run');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM near WHERE near_next > 0), '>', :groups / 5, 'some are near the next tier');
SELECT cmp_ok((SELECT count(DISTINCT grp)::int FROM near WHERE near_keep > 0), '>', 0, '... and keeping theirs');

-- ---- laws ----

SELECT is_empty($$SELECT * FROM flow WHERE members_at_end <> members_at_start + joined + upgraded_in - upgraded_out + downgraded_in - downgraded_out$$, 'from start to end: the identity');
SELECT is_empty($$SELECT * FROM (SELECT members_at_start, lag(members_at_end) OVER w AS before, period_start, lag(period_end) OVER w AS start FROM flow WINDOW w AS (PARTITION BY grp, as_of, rank ORDER BY period_start)) q
	WHERE members_at_start <> before OR period_start <> start$$, 'each end is the next start, without gaps');
SELECT is_empty($$SELECT grp, as_of, period_start FROM flow GROUP BY 1, 2, 3 HAVING sum(upgraded_in) <> sum(upgraded_out) OR sum(downgraded_in) <> sum(downgraded_out)$$, 'who leaves a tier comes into another');
SELECT is_empty($$SELECT * FROM (SELECT DISTINCT ON (grp, as_of, rank) grp, as_of, rank, members_at_end FROM flow ORDER BY grp, as_of, rank, period_start DESC) f EXCEPT SELECT grp, as_of, rank, members FROM census$$, 'the last end is the census');
SELECT is_empty($$SELECT grp, as_of FROM flow WHERE complete <> (period_end <= as_of + 1)$$, 'complete is what is over');
SELECT is_empty($$SELECT grp, as_of, to_rank, sum(members) FROM migration GROUP BY 1, 2, 3 EXCEPT SELECT grp, as_of, rank, members FROM census$$, 'columns of the migration are the census of to_day');
SELECT is_empty($$SELECT a.grp, a.as_of, m.from_rank, sum(m.members) FROM migration m JOIN asked a USING (grp, as_of) WHERE from_rank >= 0 GROUP BY 1, 2, 3
	EXCEPT SELECT a.grp, a.as_of, c.rank, c.members FROM asked a JOIN census c ON c.grp = a.grp AND c.as_of = a.before$$, 'rows of the migration are the census of from_day');
SELECT is_empty($$SELECT grp, as_of, from_rank FROM migration GROUP BY 1, 2, 3 HAVING abs(sum(share) - 1) > 1e-12$$, '... whose shares add up');
SELECT is_empty($$SELECT c.grp, c.as_of, rank FROM census c JOIN near n USING (grp, as_of, rank) WHERE c.members <> n.members$$, 'near has the census''s members');
SELECT is_empty($$SELECT c.grp, c.as_of, rank FROM census c JOIN tenure t USING (grp, as_of, rank) WHERE c.members - CASE rank WHEN 0 THEN (SELECT count(*) FROM ledger l WHERE l.grp = c.grp AND l.events = '[]') ELSE 0 END <> t.spells - t.ended$$, 'spells that run are members, but for those without events');
CREATE FUNCTION in_zone(zone text) RETURNS boolean LANGUAGE sql AS $$ SELECT set_config('timezone', zone, true) IS NOT NULL $$;
SELECT is_empty($$
	SELECT grp, as_of, tier, members FROM census c WHERE members > 0
	EXCEPT
	SELECT a.grp, a.as_of, tier(l.timeline, (a.rules::jsonb || jsonb_build_object('zone', a.zone))::tier_policy, a.as_of), count(*) FROM asked a JOIN ledger l USING (grp) GROUP BY 1, 2, 3$$,
	'the census is tier() of everyone, counted');
SELECT results_eq(
	$$SELECT n.grp, n.as_of, n.rank, members, near_next, near_keep FROM near n JOIN asked a USING (grp, as_of) WHERE NOT a.rules::jsonb ? 'metrics' AND members > 0 ORDER BY 1, 2, 3$$,
	$$SELECT a.grp, a.as_of, p.rank, count(*), count(*) FILTER (WHERE missing_to_next > 0 AND missing_to_next < a.within), count(*) FILTER (WHERE missing_to_keep > 0 AND missing_to_keep < a.within)
	  FROM asked a JOIN ledger l USING (grp) CROSS JOIN LATERAL tier_progress(l.timeline, (a.rules::jsonb || jsonb_build_object('zone', a.zone))::tier_policy, a.as_of) p
	  WHERE NOT a.rules::jsonb ? 'metrics' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3$$,
	'with one metric, near is a query on tier_progress()');

-- ---- known answers ----

CREATE TABLE visit (customer int, at timestamptz, amount numeric);
INSERT INTO visit VALUES (1, '2024-01-10', 600), (2, '2024-01-20', 300), (2, '2024-03-05', 250), (3, '2024-02-01', 100), (4, '2024-02-29', 2500), (4, '2025-06-01', 1), (NULL, '2024-05-01', 9), (5, NULL, NULL);
CREATE FUNCTION club() RETURNS tier_policy LANGUAGE sql AS $$ SELECT '{"levels": {"Silver": 500, "Gold": 2000}, "downgrade": "one_level"}'::tier_policy $$;
CREATE VIEW collected AS SELECT timelines(customer, at, amount) AS b FROM visit;
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN LATERAL tier_census_table(tier_census(b, club(), $$2024-03-31$$)) t',
	$$VALUES ('Member', 0, 2::bigint, 0.4::float8, 100::numeric, date '2024-03-31'), ('Silver', 1, 2, 0.4, 1150, '2024-03-31'), ('Gold', 2, 1, 0.2, 2500, '2024-03-31')$$, 'a census');
SELECT results_eq('SELECT t.* FROM collected CROSS JOIN LATERAL tier_migration_table(tier_migration(b, club(), $$2024-01-31$$, $$2024-03-31$$)) t',
	$$VALUES ('not yet a member', -1, 'Member', 0, 1::bigint, 0.5::float8, date '2024-01-31', date '2024-03-31'), ('not yet a member', -1, 'Gold', 2, 1, 0.5, '2024-01-31', '2024-03-31'),
		('Member', 0, 'Member', 0, 1, 0.5, '2024-01-31', '2024-03-31'), ('Member', 0, 'Silver', 1, 1, 0.5, '2024-01-31', '2024-03-31'), ('Silver', 1, 'Silver', 1, 1, 1, '2024-01-31', '2024-03-31')$$, 'a migration');
SELECT results_eq('SELECT period_start, complete, tier, members_at_start, joined, upgraded_in, upgraded_out, downgraded_in, downgraded_out, members_at_end FROM collected CROSS JOIN LATERAL tier_flow_table(tier_flow(b, club(), $$quarter$$, $$2024-04-15$$)) t',
	$$VALUES (date '2024-01-01', true, 'Member', 1::bigint, 4::bigint, 0::bigint, 3::bigint, 0::bigint, 0::bigint, 2::bigint), ('2024-01-01', true, 'Silver', 0, 0, 2, 0, 0, 0, 2), ('2024-01-01', true, 'Gold', 0, 0, 1, 0, 0, 0, 1),
		('2024-04-01', false, 'Member', 2, 0, 0, 0, 0, 0, 2), ('2024-04-01', false, 'Silver', 2, 0, 0, 0, 0, 0, 2), ('2024-04-01', false, 'Gold', 1, 0, 0, 0, 0, 0, 1)$$, 'a flow');
-- validity ends at an instant of the first day of the next period, and counts there
SELECT results_eq('SELECT period_start, tier, members_at_start, downgraded_in, downgraded_out, members_at_end FROM collected CROSS JOIN LATERAL tier_flow_table(tier_flow(b, club(), $$year$$, $$2026-12-31$$)) t WHERE period_start > $$2024-01-01$$ AND (downgraded_in > 0 OR downgraded_out > 0)',
	$$VALUES (date '2025-01-01', 'Member', 2::bigint, 2::bigint, 0::bigint, 4::bigint), ('2025-01-01', 'Silver', 2, 1, 2, 1), ('2025-01-01', 'Gold', 1, 0, 1, 0), ('2026-01-01', 'Member', 4, 1, 0, 5), ('2026-01-01', 'Silver', 1, 0, 1, 0)$$, 'soft landing, floor by floor');
-- Silver of 1: 366 days, of 2: 365, of 4: since 2025-02-28; Gold of 4: 365, 29 February to the 28th
SELECT results_eq('SELECT tier, spells, ended, median_days, round(mean_days::numeric, 9) FROM collected CROSS JOIN LATERAL tier_tenure_table(tier_tenure(b, club(), $$2025-06-30$$)) t WHERE rank > 0',
	$$VALUES ('Silver', 3::bigint, 2::bigint, 365, 365.5), ('Gold', 1, 1, 365, 365)$$, 'tenure: what runs is censored, not dropped');
SELECT results_eq('SELECT tier, members, near_next, near_keep FROM collected CROSS JOIN LATERAL tier_near_table(tier_near(b, club(), $$2024-02-15$$, 200.5)) t',
	$$VALUES ('Member', 3::bigint, 1::bigint, 0::bigint), ('Silver', 1, 0, 1), ('Gold', 0, 0, 0)$$, 'near: less than within; any purchase by its end keeps Silver, which the 600 gave: they are there until then');
SELECT results_eq('SELECT tier, near_next FROM collected CROSS JOIN LATERAL tier_near_table(tier_near(b, club(), $$2024-02-15$$, 200)) t WHERE rank = 0', $$VALUES ('Member', 0::bigint)$$, '... not as much');
-- the day of the last event
SELECT is((SELECT DISTINCT t.as_of FROM collected CROSS JOIN LATERAL tier_census_table(tier_census(b, club())) t), date '2025-06-01', 'as_of is the last event''s day');
SELECT is((SELECT DISTINCT t.to_day FROM collected CROSS JOIN LATERAL tier_migration_table(tier_migration(b, club(), '2024-02-01')) t), date '2025-06-01', '... of a migration, to_day');
SELECT is((SELECT tier_flow(b, club()) FROM collected), (SELECT tier_flow(b, club(), 'month', '2025-06-01') FROM collected), '... by month');
SELECT is((SELECT tier_near(b, club(), within => 100) FROM collected), (SELECT tier_near(b, club(), '2025-06-01', 100.00) FROM collected), '... and 100 is 100.00');
SELECT is((SELECT tier_census(b, club())::text::jsonb->'rows_without_customer' FROM collected), '1', 'guests are counted');

-- ---- nobody, nothing ----

CREATE VIEW eventless AS SELECT timelines(c, NULL::timestamptz, NULL::numeric) AS b FROM generate_series(1, 3) c;
SELECT results_eq('SELECT t.* FROM eventless CROSS JOIN LATERAL tier_census_table(tier_census(b, club())) t',
	$$VALUES ('Member', 0, 3::bigint, 1::float8, 0::numeric, NULL::date), ('Silver', 1, 0, 0, 0, NULL), ('Gold', 2, 0, 0, 0, NULL)$$, 'members without events are in the base tier');
SELECT results_eq('SELECT from_tier, to_tier, members, to_day FROM eventless CROSS JOIN LATERAL tier_migration_table(tier_migration(b, club(), $$2024-01-01$$)) t', $$VALUES ('Member', 'Member', 3::bigint, NULL::date)$$, '... and stay there');
SELECT is_empty('SELECT t.* FROM eventless CROSS JOIN LATERAL tier_flow_table(tier_flow(b, club())) t', '... nobody joins');
SELECT is_empty('SELECT t.* FROM eventless CROSS JOIN LATERAL tier_flow_table(tier_flow(b, club(), as_of => $$2024-01-01$$)) t', '... by any day');
SELECT results_eq('SELECT spells, ended, median_days, mean_days FROM eventless CROSS JOIN LATERAL tier_tenure_table(tier_tenure(b, club(), $$2024-01-01$$)) t WHERE rank = 0', 'VALUES (0::bigint, 0::bigint, NULL::int, NULL::float8)', '... it isn''t known since when');
SELECT results_eq('SELECT members, near_next FROM eventless CROSS JOIN LATERAL tier_near_table(tier_near(b, club(), $$2024-01-01$$, 501)) t WHERE rank = 0', 'VALUES (3::bigint, 3::bigint)', '... and lack 500');
SELECT results_eq('SELECT members, near_next, t.as_of FROM eventless CROSS JOIN LATERAL tier_near_table(tier_near(b, club(), within => 501)) t WHERE rank = 0', 'VALUES (3::bigint, 0::bigint, NULL::date)', '... but on no day');
SELECT results_eq('SELECT tier, members, share FROM (SELECT tier_census(timelines(NULL::int, now(), 1), club()) r) q CROSS JOIN LATERAL tier_census_table(r) t', $$VALUES ('Member', 0::bigint, NULL::float8), ('Silver', 0, NULL), ('Gold', 0, NULL)$$, 'a base without anybody');
SELECT is((SELECT tier_census(NULL::timeline_base, club())), NULL, 'a NULL base');
SELECT is((SELECT tier_flow(timeline, club(), 'month', '2024-01-01') FROM ledger WHERE false), NULL, 'an aggregate without rows');
SELECT is((SELECT tier_census(t, club(), '2024-01-01') FROM (VALUES (NULL::event_timeline)) v(t))::text::jsonb->'rows', '[]', '... with NULLs only');
SELECT is_empty($$SELECT tier_census_table(NULL) UNION ALL SELECT tier_census_table('{"rows": []}')$$, 'tables of nothing');
SELECT is_empty($$SELECT tier_migration_table('{"rows": []}')$$, '... of a migration');
SELECT is_empty($$SELECT tier_flow_table('{"rows": []}')$$, '... of a flow');

-- ---- every way to collect and add up ----

SELECT is_empty($$SELECT grp, as_of, tier_census(timeline, rules, as_of), tier_migration(timeline, rules, before, as_of), tier_flow(timeline, policy, period, as_of), tier_tenure(timeline, rules, as_of), tier_near(timeline, rules, as_of, within)
	FROM asked JOIN ledger USING (grp) WHERE session = 'UTC' GROUP BY grp, as_of EXCEPT SELECT * FROM answer$$, 'the aggregates over timelines give the same bytes');
SELECT is_empty($$SELECT grp, as_of, rollup(c ORDER BY half), rollup(m ORDER BY half DESC), rollup(f), rollup(t), rollup(n) FROM (
		SELECT grp, as_of, customer % 2 AS half, tier_census(timeline, rules, as_of) c, tier_migration(timeline, rules, before, as_of) m, tier_flow(timeline, policy, period, as_of) f, tier_tenure(timeline, rules, as_of) t, tier_near(timeline, rules, as_of, within) n
		FROM asked JOIN ledger USING (grp) WHERE session = 'UTC' GROUP BY grp, as_of, customer % 2) q GROUP BY grp, as_of
	EXCEPT SELECT * FROM answer$$, 'rollup() of parts is the whole');
SELECT results_eq($$SELECT rollup(census), rollup(migration), rollup(flow), rollup(tenure), rollup(near) FROM (SELECT * FROM answer ORDER BY grp, as_of LIMIT 1) a$$,
	$$SELECT census, migration, flow, tenure, near FROM answer ORDER BY grp, as_of LIMIT 1$$, 'rollup() of one is itself');
SELECT is((SELECT rollup(r) FROM (VALUES (NULL::tier_census_result)) v(r)), NULL, 'rollup() of NULLs');
-- the state goes on after a result was taken
SELECT results_eq($$SELECT tier_flow(timeline, a.rules, 'year', '2030-01-01') OVER (ORDER BY customer) FROM ledger JOIN (SELECT DISTINCT ON (grp) * FROM asked ORDER BY grp) a USING (grp) WHERE grp = (SELECT min(grp) FROM ledger) ORDER BY customer$$,
	$$SELECT (SELECT tier_flow(m.timeline, a.rules, 'year', '2030-01-01') FROM ledger m WHERE m.customer <= l.customer AND m.grp = l.grp)
	  FROM ledger l JOIN (SELECT DISTINCT ON (grp) * FROM asked ORDER BY grp) a USING (grp) WHERE grp = (SELECT min(grp) FROM ledger) ORDER BY customer$$, 'in a window');

-- a parallel plan
CREATE TABLE entry AS
SELECT n % 997 AS customer, timestamptz '2022-01-01' + n * interval '30 minutes' AS at, (CASE WHEN n % 7 < 6 THEN n % 50 + 1 ELSE -(n % 30) END) * (n % 997 % 5) * 0.5 AS amount FROM generate_series(1, 40000) n;
INSERT INTO entry SELECT NULL, timestamptz '2022-01-01', 1 FROM generate_series(1, 7);
INSERT INTO entry SELECT 5000, NULL, NULL;
ANALYZE entry;
CREATE FUNCTION programme() RETURNS tier_policy IMMUTABLE PARALLEL SAFE LANGUAGE sql AS $$ SELECT '{"levels": {"Silver": 150, "Gold": 400, "Platinum": 600}, "downgrade": "one_level", "valid": "6 months"}'::tier_policy $$;
CREATE VIEW asked_of_all AS SELECT tier_census(b, programme()) AS census, tier_migration(b, programme(), '2023-01-31') AS migration, tier_flow(b, programme()) AS flow, tier_tenure(b, programme()) AS tenure, tier_near(b, programme(), within => 50) AS near
FROM (SELECT timelines(customer, at, amount) AS b FROM entry OFFSET 0) q;
CREATE TABLE serially AS SELECT * FROM asked_of_all;
SELECT cmp_ok((SELECT min(members)::int FROM serially CROSS JOIN LATERAL tier_census_table(census) t), '>', 20, 'members in every tier');
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
CREATE VIEW asked_of_stored AS SELECT tier_census(timeline, programme(), '2024-04-13') AS census, tier_migration(timeline, programme(), '2023-01-31', '2024-04-13') AS migration, tier_flow(timeline, programme(), 'month', '2024-04-13') AS flow,
	tier_tenure(timeline, programme(), '2024-04-13') AS tenure, tier_near(timeline, programme(), '2024-04-13', 50) AS near FROM stored;
SELECT ok(has_workers('SELECT * FROM asked_of_stored'), 'a parallel plan over timelines');
SELECT results_eq('SELECT * FROM asked_of_stored',
	$$SELECT jsonb_set(census::text::jsonb, '{rows_without_customer}', '0')::text::tier_census_result, jsonb_set(migration::text::jsonb, '{rows_without_customer}', '0')::text::tier_migration_result, jsonb_set(flow::text::jsonb, '{rows_without_customer}', '0')::text::tier_flow_result,
		jsonb_set(tenure::text::jsonb, '{rows_without_customer}', '0')::text::tier_tenure_result, jsonb_set(near::text::jsonb, '{rows_without_customer}', '0')::text::tier_near_result FROM serially$$, '... gives the same');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;

-- ---- text and binary ----

SELECT is_empty('SELECT * FROM answer WHERE census::text::tier_census_result <> census OR migration::text::tier_migration_result <> migration OR flow::text::tier_flow_result <> flow OR tenure::text::tier_tenure_result <> tenure OR near::text::tier_near_result <> near', 'text reads back');
CREATE TABLE answer_copy (LIKE answer);
\set file `mktemp -u /tmp/loyalty_tiers_XXXXXX`
COPY answer TO :'file' (FORMAT binary);
COPY answer_copy FROM :'file' (FORMAT binary);
SELECT is_empty('SELECT * FROM answer EXCEPT SELECT * FROM answer_copy', 'binary reads back');
\! rm -f /tmp/loyalty_tiers_*
SELECT throws_ok($$SELECT '{"rows": [{"rank": 0, "members": 1}]}'::tier_census_result$$, '22P02', NULL, 'a census by no policy');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "rows": [{"rank": 2, "members": 1}]}'::tier_census_result$$, '22P02', NULL, 'a rank that the policy doesn''t have');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "rows": [{"rank": 1, "value": 1}]}'::tier_census_result$$, '22P02', NULL, 'a value of nobody');
SELECT throws_ok($$SELECT '{"policy": {"no": "yes"}}'::tier_census_result$$, '22023', NULL, 'a policy that is none');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "from_day": "2024-01-02", "to_day": "2024-01-01", "rows": [{"from_rank": 0, "to_rank": 0, "members": 1}]}'::tier_migration_result$$, '22P02', NULL, 'days the wrong way round');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "from_day": "2024-01-01", "to_day": "2024-01-01", "rows": [{"from_rank": -2, "to_rank": 0, "members": 1}]}'::tier_migration_result$$, '22P02', NULL, 'a rank below not yet a member');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "to_day": "2024-01-01", "rows": [{"from_rank": 0, "to_rank": 0, "members": 1}]}'::tier_migration_result$$, '22P02', NULL, 'from no day');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "as_of": "2024-01-31", "period": "month", "rows": [{"period": "2024-02-01", "rank": 0, "joined": 1}]}'::tier_flow_result$$, '22P02', NULL, 'a period after as_of');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "as_of": "2024-01-31", "period": "month", "rows": [{"period": "2024-01-01", "rank": 0, "joined": 1, "upgraded_out": 1}]}'::tier_flow_result$$, '22P02', NULL, 'who leaves and comes nowhere');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "as_of": "2024-01-31", "period": "month", "rows": [{"period": "2024-01-01", "rank": 0, "joined": 1, "upgraded_out": 2}, {"period": "2024-01-01", "rank": 1, "upgraded_in": 2}]}'::tier_flow_result$$, '22P02', NULL, 'fewer members than none');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "as_of": "2024-01-31", "rows": [{"rank": 0, "days": -1, "ended": 1}]}'::tier_tenure_result$$, '22P02', NULL, 'fewer days than none');
SELECT throws_ok($$SELECT '{"policy": {"Gold": 5}, "as_of": "2024-01-31", "within": 5, "rows": [{"rank": 0, "members": 1, "near_next": 2}]}'::tier_near_result$$, '22P02', NULL, 'more near than there are');

-- ---- the catalog ----

SELECT is((SELECT string_agg(DISTINCT provolatile::text, '') FROM pg_proc WHERE proname IN ('tier_census', 'tier_migration', 'tier_flow', 'tier_tenure', 'tier_near')), 's', 'what takes days from the session''s zone is stable');

-- ---- errors ----

SELECT throws_ok('SELECT tier_census(b, NULL) FROM collected', '22004', NULL, 'a NULL policy');
SELECT throws_ok('SELECT tier_flow(b, club(), NULL) FROM collected', '22004', NULL, 'a NULL period');
SELECT throws_ok('SELECT tier_migration(b, club(), NULL) FROM collected', '22004', 'from_day must not be null', 'a NULL from_day');
SELECT throws_ok('SELECT tier_near(b, club()) FROM collected', '22004', 'within must not be null', 'no within');
SELECT throws_ok('SELECT tier_near(b, club(), within => 0) FROM collected', '22023', 'within must be above zero, not 0', 'a within of 0');
SELECT throws_ok($$SELECT tier_near(b, club(), within => 'NaN') FROM collected$$, '22003', NULL, 'a within that is no number');
SELECT throws_ok($$SELECT tier_tenure(b, club(), 'infinity') FROM collected$$, '22008', NULL, 'an infinite as_of');
SELECT throws_ok($$SELECT tier_migration(b, club(), '2024-03-02', '2024-03-01') FROM collected$$, '22023', 'from_day, 2024-03-02, is after to_day, 2024-03-01', 'days the wrong way round');
SELECT throws_ok($$SELECT tier_census(timeline, club(), NULL) FROM stored$$, '22004', 'as_of must not be null', 'a NULL as_of of an aggregate');
SELECT throws_ok($$SELECT tier_migration(timeline, club(), '2024-01-01', NULL) FROM stored$$, '22004', 'to_day must not be null', '... to_day');
SELECT throws_ok($$SELECT tier_near(timeline, club(), '2024-01-01', 1 + customer % 2) FROM stored$$, '22023', 'policy, as_of and within must be the same for all rows of an aggregate', 'within that changes');
SELECT throws_ok($$SELECT tier_flow(b, '{"levels": {"Gold": 5}, "zone": "UTC"}', 'month@Europe/Helsinki') FROM collected$$, '22023', 'the policy is in zone "UTC", but the period in "Europe/Helsinki"', 'two zones');
SELECT throws_ok($$SELECT tier_flow(b, club(), '{2024-02-01}') FROM collected$$, '22008', NULL, 'membership before the first period');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT tier_census(b, club()) FROM collected UNION ALL SELECT tier_census(b, '{"Gold": 5}') FROM collected) q(r)$$, '22023', NULL, 'rollup() of different policies');
SELECT throws_ok($$SELECT rollup(r) FROM (SELECT tier_near(b, club(), within => 1) FROM collected UNION ALL SELECT tier_near(b, club(), within => 2) FROM collected) q(r)$$, '22023', NULL, '... of different within');
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
SELECT is(context_of($$SELECT tier_census(timelines(c, make_event(at => '2024-01-01', kind => 'tier_grant', label => l)), club()) FROM (VALUES (1, 'Gold'), (77, 'Bronze'), (3, 'Silver')) v(c, l)$$), 'customer 77', 'an unknown tier');
SELECT is(context_of($$SELECT tier_census(timelines(c, make_event(at => '2024-01-01', kind => k)), club()) FROM (VALUES (1, 'purchase'), (77, 'redeem'), (3, 'return')) v(c, k)$$), 'customer 77', '... an unknown kind');
SELECT * FROM finish();
ROLLBACK;
