--
-- points_accrual() and points_earned() against the slow and obvious walk of
-- reference/earn_reference.sql, on random timelines under random rules. A timeline that
-- fails is shortened and printed with its rules and both answers.
--
-- Longer: psql -v timelines=20000 -v first=5001
--
\ir reference/setup.sql
\if :{?timelines}
\else
	\set timelines 300
\endif
\if :{?first}
\else
	\set first 1
\endif
BEGIN;
SELECT plan(17);
\ir reference/earn_reference.sql
\ir reference/earn_random.sql

-- ---- the two answers ----

-- An error is an answer, too.
CREATE FUNCTION engine_entries(events jsonb, policy jsonb) RETURNS text[]
LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT coalesce(array_agg(line ORDER BY line), '{}') FROM (SELECT format('%s %s %s %s %s %s', e.at, trim_scale(e.value), e.kind, e.label, e.ref, e.expires_at)
		FROM timeline_events(points_accrual(events::text::event_timeline, policy)) e) x(line));
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN '{error}';
END $$;

CREATE FUNCTION reference_entries(events jsonb, policy jsonb) RETURNS text[]
LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT coalesce(array_agg(line ORDER BY line), '{}') FROM (SELECT format('%s %s %s %s %s %s', e.at, trim_scale(e.value), e.kind, e.label, e.ref, e.expires_at) FROM earn_ref(events, policy) e) x(line));
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN '{error}';
END $$;

-- The list with explanations: the same points, in time order; and the violations.
CREATE FUNCTION explained_entries(events jsonb, policy jsonb) RETURNS text[]
LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT coalesce(array_agg(line ORDER BY line), '{}') FROM (SELECT format('%s %s %s', e.at, trim_scale(e.points), e.ref) FROM points_accrual_events(events::text::event_timeline, policy) e WHERE e.points <> 0
		UNION ALL SELECT format('%s %s %s %s', v.at, v.ref, v.problem, trim_scale(v.amount)) FROM points_accrual_violations(events::text::event_timeline, policy) v) x(line));
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN '{error}';
END $$;

CREATE FUNCTION short_entries(events jsonb, policy jsonb) RETURNS text[]
LANGUAGE plpgsql AS $$
BEGIN
	RETURN (SELECT coalesce(array_agg(line ORDER BY line), '{}') FROM (SELECT format('%s %s %s', e.at, trim_scale(e.value), e.ref) FROM earn_ref(events, policy) e
		UNION ALL SELECT format('%s %s %s %s', v.at, v.ref, v.problem, trim_scale(v.amount)) FROM earn_ref_violations(events, policy) v) x(line));
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN '{error}';
END $$;

-- Are they different?
CREATE FUNCTION differs(events jsonb, policy jsonb) RETURNS boolean
LANGUAGE sql AS $$ SELECT engine_entries(events, policy) <> reference_entries(events, policy) OR explained_entries(events, policy) <> short_entries(events, policy) $$;

-- The same case without all that it doesn't need to fail.
CREATE FUNCTION shortened(events jsonb, policy jsonb) RETURNS TABLE (short jsonb, rules jsonb)
LANGUAGE plpgsql AS $$
DECLARE
	i int;
	key text;
BEGIN
	short := events;
	rules := policy;
	FOR i IN REVERSE jsonb_array_length(events) - 1 .. 0 LOOP
		IF jsonb_array_length(short) > 1 AND differs(short - i, rules) THEN
			short := short - i;
		END IF;
	END LOOP;
	FOR key IN SELECT jsonb_object_keys(policy) LOOP
		BEGIN
			IF differs(short, rules - key) THEN
				rules := rules - key;
			END IF;
		EXCEPTION WHEN invalid_parameter_value THEN
		END;
	END LOOP;
	RETURN NEXT;
END $$;

-- ---- trying ----

CREATE TABLE sample (seed bigint, policy jsonb, events jsonb, entries text[], failed boolean);

DO $$
BEGIN
	PERFORM set_config('timezone', 'Europe/Helsinki', true);
END $$;
INSERT INTO sample
SELECT seed, policy, events, reference_entries(events, policy), differs(events, policy)
FROM generate_series(:first::bigint, :first::bigint + :timelines - 1) seed, LATERAL earn_random_policy(seed) policy, LATERAL earn_random_timeline(seed, policy) events;

SELECT is((SELECT count(*)::int FROM sample WHERE failed), 0, 'points_accrual() and its list as the reference has them');

-- The smallest of those that fail.
SELECT diag(format(E'seed %s\nrules %s\nevents %s\nengine %s\nreference %s', f.seed, s.rules, s.short, engine_entries(s.short, s.rules), reference_entries(s.short, s.rules)))
FROM (SELECT * FROM sample WHERE failed ORDER BY jsonb_array_length(events), seed LIMIT 1) f, LATERAL shortened(f.events, f.policy) s;

DELETE FROM sample WHERE entries = '{error}';

-- Orders alone: amounts of the timelines, on their days, at some tier.
CREATE TABLE single AS
SELECT s.seed, s.policy, x.value, x.label, day, tier
FROM sample s, LATERAL ROWS FROM (jsonb_to_recordset(s.events) AS (at timestamptz, value numeric, label text)) WITH ORDINALITY x(at, value, label, n), LATERAL (SELECT x.at::date) d(day),
	LATERAL earn_pick(s.seed, 'tier ' || n, '{Silver,Gold,Bronze,none}') t(tier)
WHERE x.value IS NOT NULL AND n <= 4;
SELECT is_empty($$SELECT seed, value, label, day, tier, points_earned(value, policy, label, day, tier), earn_ref_one(policy, value, label, day, tier)
	FROM single WHERE points_earned(value, policy, label, day, tier) <> earn_ref_one(policy, value, label, day, tier)$$, 'points_earned() as the reference has it');

-- ---- laws ----

-- A full return of a plain order takes back all, whatever the rules are.
SELECT is_empty($$SELECT seed FROM sample, LATERAL (SELECT points_accrual(format('[{"at": "2024-05-04T10:00Z", "value": 45.67, "ref": 5}, {"at": "2024-05-05T11:00Z", "value": -12.34, "ref": 5}, {"at": "2024-05-06T10:00Z", "value": -33.33, "ref": 5}]')::event_timeline, policy - 'kinds' - 'excluded_kinds')) p(points)
	WHERE (SELECT coalesce(sum(value), 0) FROM timeline_events(points) WHERE kind IN ('earn', 'return')) <> 0$$, 'returning everything takes back everything');
-- Written and read again, rules earn the same.
SELECT is_empty('SELECT seed FROM sample WHERE points_accrual(events::text::event_timeline, policy) <> points_accrual(events::text::event_timeline, policy::earn_policy::text::earn_policy)', 'rules earn the same when written and read again');
SELECT is_empty('SELECT seed FROM sample WHERE policy::earn_policy::text::earn_policy::text <> policy::earn_policy::text', '... and their text is the same');
-- Points don't depend on the scale of the amounts.
SELECT is_empty($$SELECT seed FROM sample WHERE points_accrual(events::text::event_timeline, policy) <> points_accrual((events || '[{"at": "1900-01-01T00:00Z", "value": 0.0001, "kind": "nothing"}]')::text::event_timeline, policy || jsonb_build_object('kinds', coalesce(policy->'kinds', '{}') || '{"nothing": "ignore"}'))$$, 'the scale doesn''t matter');

-- ---- the timelines try what there is to try ----

CREATE TABLE entry AS SELECT s.seed, e.* FROM sample s, LATERAL points_accrual_events(s.events::text::event_timeline, s.policy) e;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM entry WHERE explanation LIKE what), '>', :timelines / 100, 'some have: ' || what)
FROM unnest(ARRAY['%capped by % a day%', '%x% capped by %', '%less % before%', '%paid with points%', '%is less than%', 'birthday%', 'anniversary%', '%for purchase%', 'return of % of % taken back%', 'return of % at %']) what;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM entry WHERE explanation LIKE '%less % before%' AND points < 0), '>', :timelines / 200, 'some lines make their order earn less');
SELECT * FROM finish();
ROLLBACK;
