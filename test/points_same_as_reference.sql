--
-- The points engine against the slow and obvious walk of reference/points_reference.sql,
-- on random ledgers under random policies, at instants and days where something happens.
-- A ledger that fails is shortened and printed with its policy and both answers.
--
-- Longer: psql -v ledgers=20000 -v first=5001
--
\ir reference/setup.sql
\if :{?ledgers}
\else
	\set ledgers 600
\endif
\if :{?first}
\else
	\set first 1
\endif
BEGIN;
SELECT plan(23);
\ir reference/points_reference.sql
\ir reference/points_random.sql

-- ---- the two answers to one case ----

-- A case is a ledger, a policy, and an instant, or two days: the first of the statement, and as_of.
CREATE TYPE asked AS (events jsonb, policy jsonb, instant timestamptz, since date, as_of date);

-- Rows that are compared in part, or added up; refunds are rows of their own in the one, and taken off in the other. Of debts
-- just what is still owed counts: what refunds cancelled may be shown, or not.
CREATE TYPE gross AS (redeemed_at timestamptz, redeem_ref text, earned_at timestamptz, earn_ref text, label text, points numeric);
-- Entries of a statement, alike ones of an instant added up, as violations are: given back pieces that are too old expire one by one in the one, by lot in the other.
CREATE TYPE booked_line AS (at timestamptz, role text, label text, ref text, points numeric);

-- Numbers without the zeros at their end, so that equal answers have equal texts.
CREATE FUNCTION plain(answer anyelement) RETURNS jsonb
LANGUAGE sql AS $$ SELECT coalesce(jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(trim_scale(value::text::numeric)) ELSE value END), '{}') FROM jsonb_each(to_jsonb(answer)) $$;

CREATE FUNCTION engine_answers(c asked) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	timeline event_timeline;
	policy points_policy;
BEGIN
	timeline := c.events::text;
	policy := c.policy::text;
	IF c.instant IS NOT NULL THEN
		RETURN jsonb_build_object('balance_at', trim_scale(points_balance_at(timeline, policy, c.instant)));
	END IF;
	RETURN jsonb_build_object(
		'balance', trim_scale(points_balance(timeline, policy, c.as_of)),
		'summary', (SELECT plain(s) FROM points_summary(timeline, policy, c.as_of) s),
		'lots', (SELECT coalesce(jsonb_agg(plain(l)), '[]') FROM points_lots(timeline, policy, c.as_of) l),
		'redeemed', (SELECT coalesce(jsonb_agg(g ORDER BY g::text), '[]') FROM (SELECT plain((r.redeemed_at, r.redeem_ref, r.earned_at, r.earn_ref, r.label, sum(r.points))::gross) AS g
			FROM points_redemptions(timeline, policy, c.as_of) r WHERE r.points > 0 AND r.earned_at IS NOT NULL GROUP BY r.redeemed_at, r.redeem_ref, r.earned_at, r.earn_ref, r.label) g),
		'redeemed_net', (SELECT coalesce(jsonb_agg(g ORDER BY g::text), '[]') FROM (SELECT plain((NULL, r.redeem_ref, r.earned_at, r.earn_ref, r.label, sum(r.points))::gross) AS g
			FROM points_redemptions(timeline, policy, c.as_of) r GROUP BY r.redeem_ref, r.earned_at, r.earn_ref, r.label HAVING sum(r.points) <> 0) g),
		'statement', (SELECT jsonb_agg(g ORDER BY g::text) FROM (SELECT plain((l.at, l.role, l.label, l.ref, sum(l.points))::booked_line) AS g FROM points_statement(timeline, policy, c.since, c.as_of + 1) l GROUP BY l.at, l.role, l.label, l.ref) g),
		'statement_balance', (SELECT jsonb_agg(jsonb_build_array(at, trim_scale(balance)) ORDER BY n) FROM (SELECT DISTINCT ON (at, l.role = 'opening') l.at, l.balance, n
			FROM points_statement(timeline, policy, c.since, c.as_of + 1) WITH ORDINALITY l(at, role, label, ref, points, balance, n) ORDER BY at, l.role = 'opening', n DESC) g),
		'expiring', trim_scale(points_expiring(timeline, policy, c.as_of, c.as_of + (c.as_of - c.since))),
		'schedule', (SELECT coalesce(jsonb_agg(plain(s)), '[]') FROM points_expiry_schedule(timeline, policy, c.as_of) s),
		'violations', (SELECT coalesce(jsonb_agg(v ORDER BY v::text), '[]') FROM (SELECT plain((v.at, v.ref, v.problem, sum(v.points))::ref_violation) AS v FROM points_violations(timeline, policy, c.as_of) v GROUP BY v.at, v.ref, v.problem) v));
EXCEPTION WHEN OTHERS THEN
	RETURN jsonb_build_object('error', SQLSTATE, 'message', SQLERRM);
END $$;

CREATE FUNCTION reference_answers(c asked) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	walk jsonb;
BEGIN
	walk := ref_points(c.events, c.policy, c.as_of, c.instant);
	IF c.instant IS NOT NULL THEN
		RETURN jsonb_build_object('balance_at', trim_scale((walk->'summary'->>'balance')::numeric));
	END IF;
	RETURN jsonb_build_object(
		'balance', trim_scale((walk->'summary'->>'balance')::numeric),
		'summary', plain(walk->'summary'),
		'lots', (SELECT coalesce(jsonb_agg(plain(l) ORDER BY n), '[]') FROM jsonb_array_elements(walk->'lots') WITH ORDINALITY l(l, n)),
		'redeemed', (SELECT coalesce(jsonb_agg(g ORDER BY g::text), '[]') FROM (SELECT plain((r.redeemed_at, r.redeem_ref, r.earned_at, r.earn_ref, r.label, sum(r.taken))::gross) AS g
			FROM jsonb_to_recordset(walk->'redemptions') AS r(redeemed_at timestamptz, redeem_ref text, earned_at timestamptz, earn_ref text, label text, taken numeric)
			WHERE r.taken > 0 AND r.earned_at IS NOT NULL
			GROUP BY r.redeemed_at, r.redeem_ref, r.earned_at, r.earn_ref, r.label) g),
		'redeemed_net', (SELECT coalesce(jsonb_agg(g ORDER BY g::text), '[]') FROM (SELECT plain((NULL, r.redeem_ref, r.earned_at, r.earn_ref, r.label, sum(r.points))::gross) AS g
			FROM jsonb_to_recordset(walk->'redemptions') AS r(redeem_ref text, earned_at timestamptz, earn_ref text, label text, points numeric)
			GROUP BY r.redeem_ref, r.earned_at, r.earn_ref, r.label HAVING sum(r.points) <> 0) g),
		'statement', (SELECT jsonb_agg(g ORDER BY g::text) FROM (SELECT plain((l.at, l.role, l.label, l.ref, sum(l.points))::booked_line) AS g FROM ref_statement(walk, c.policy, c.since) l GROUP BY l.at, l.role, l.label, l.ref) g),
		'statement_balance', (SELECT jsonb_agg(jsonb_build_array(at, trim_scale(balance)) ORDER BY entry) FROM (SELECT DISTINCT ON (l.at, l.role = 'opening') l.at, l.balance, l.entry
			FROM ref_statement(walk, c.policy, c.since) l ORDER BY l.at, l.role = 'opening', l.entry DESC) g),
		'expiring', (SELECT coalesce(trim_scale(sum(s.points)), 0) FROM jsonb_to_recordset(walk->'schedule') AS s(expires_at timestamptz, points numeric)
			WHERE (s.expires_at, CASE WHEN c.policy->>'expiry_boundary' = 'valid' THEN 4 ELSE 1 END) <= (ref_day_start(c.as_of + (c.as_of - c.since) + 1, ref_zone(c.policy)), 1)),
		'schedule', (SELECT coalesce(jsonb_agg(plain(s) ORDER BY n), '[]') FROM jsonb_array_elements(walk->'schedule') WITH ORDINALITY s(s, n)),
		'violations', (SELECT coalesce(jsonb_agg(v ORDER BY v::text), '[]') FROM (SELECT plain((v.at, v.ref, v.problem, sum(v.points))::ref_violation) AS v FROM ref_points_violations(c.events, c.policy, c.as_of) v GROUP BY v.at, v.ref, v.problem) v));
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN jsonb_build_object('error', SQLSTATE, 'message', SQLERRM);
END $$;

-- What differs: question, both answers. Where one is an error just its state counts.
CREATE FUNCTION differences(c asked) RETURNS TABLE(question text, engine jsonb, reference jsonb)
LANGUAGE sql AS $$
	WITH answer AS MATERIALIZED (SELECT engine_answers(c) AS engine, reference_answers(c) AS reference)
	SELECT key, a.engine->key, a.reference->key
	FROM answer a, unnest(CASE WHEN a.engine ? 'error' OR a.reference ? 'error' THEN '{error}'
							   ELSE '{balance,balance_at,summary,lots,redeemed,redeemed_net,statement,statement_balance,schedule,expiring,violations}' END::text[]) key
	WHERE a.engine->key IS DISTINCT FROM a.reference->key
$$;

-- ---- shortening ----

-- The policies that lack one thing of this one.
CREATE FUNCTION simpler(policy jsonb) RETURNS SETOF jsonb
LANGUAGE sql AS $$
	SELECT policy - key FROM jsonb_object_keys(policy) key
	UNION ALL
	SELECT policy #- ARRAY['versions', (n - 1)::text] FROM jsonb_array_elements(policy->'versions') WITH ORDINALITY v(v, n) WHERE jsonb_array_length(policy->'versions') > 1
	UNION ALL
	SELECT policy #- ARRAY['by_label', label] FROM jsonb_object_keys(policy->'by_label') label WHERE (policy->'by_label') - label <> '{}'
$$;

CREATE FUNCTION is_policy(policy jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM policy::text::points_policy;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $$;

-- Drops events, then keys of the policy, as long as the answers to the question still differ and neither becomes an error.
CREATE FUNCTION shortest(failing asked, asked_for text) RETURNS asked
LANGUAGE plpgsql AS $$
DECLARE
	c asked := failing;
	before asked;
	trial asked;
	candidate jsonb;
BEGIN
	LOOP
		before := c;
		FOR i IN REVERSE jsonb_array_length(c.events) - 1 .. 0 LOOP
			trial := c;
			trial.events := c.events - i;
			IF EXISTS (SELECT FROM differences(trial) d WHERE d.question = asked_for) THEN
				c := trial;
			END IF;
		END LOOP;
		FOR candidate IN SELECT simpler(c.policy) LOOP
			trial := c;
			trial.policy := candidate;
			IF is_policy(candidate) AND EXISTS (SELECT FROM differences(trial) d WHERE d.question = asked_for) THEN
				c := trial;
				EXIT;
			END IF;
		END LOOP;
		EXIT WHEN c IS NOT DISTINCT FROM before;
	END LOOP;
	RETURN c;
END $$;

CREATE FUNCTION report(seed bigint, failing asked, asked_for text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	c asked;
BEGIN
	PERFORM set_config('timezone', ref_pick(seed, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}'), true);
	c := shortest(failing, asked_for);
	RETURN format(E'seed %s, %s, session zone %s\nevents:    %s\npolicy:    %s\n%s', seed, asked_for, current_setting('timezone'),
			(SELECT coalesce('[' || string_agg(e::text, E',\n            ') || ']', '[]') FROM jsonb_array_elements(c.events) e), c.policy,
			CASE WHEN c.instant IS NOT NULL THEN 'instant:   ' || c.instant ELSE 'as of:     ' || c.as_of || ', statement since ' || c.since END)
		|| (SELECT format(E'\nengine:    %s\nreference: %s', d.engine, d.reference) FROM differences(c) d WHERE d.question = asked_for)
		|| coalesce(E'\nmessage:   ' || (engine_answers(c)->>'message'), '');
END $$;

-- ---- the cases ----

CREATE TABLE sample (seed bigint, policy jsonb, events jsonb, walk jsonb);
CREATE TABLE failure (seed bigint, c asked, question text);
CREATE TABLE tally (cases bigint, errors bigint);

-- The instants at which something happens, or what is due next would.
CREATE FUNCTION moments(events jsonb, walk jsonb) RETURNS SETOF timestamptz
LANGUAGE sql AS $$
	SELECT (e->>'at')::timestamptz FROM jsonb_array_elements(events) e
	UNION SELECT (m->>'at')::timestamptz FROM jsonb_array_elements(walk->'moves') m
	UNION SELECT (l->>'available_at')::timestamptz FROM jsonb_array_elements(walk->'lots') l
	UNION SELECT (l->>'expires_at')::timestamptz FROM jsonb_array_elements(walk->'lots') l WHERE l->>'expires_at' IS NOT NULL
$$;

CREATE FUNCTION try_ledgers(first bigint, ledgers bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	seed bigint;
	policy jsonb;
	events jsonb;
	walk jsonb;
	c asked;
	cases bigint := 0;
	errors bigint := 0;
BEGIN
	FOR seed IN first .. first + ledgers - 1 LOOP
		PERFORM set_config('timezone', ref_pick(seed, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}'), true);
		policy := ref_random_policy(seed);
		events := ref_random_ledger(seed, policy);
		BEGIN
			walk := ref_points(events, policy, '2030-12-31', NULL, true);
		EXCEPTION WHEN invalid_parameter_value THEN
			walk := '{}';
		END;
		INSERT INTO sample VALUES (seed, policy, events, walk);
		FOR c IN
			SELECT events, policy, a.*
			FROM ((SELECT m + nudge AS instant, NULL::date AS since, NULL::date AS as_of
				   FROM moments(events, walk) m, unnest('{-1 microsecond,0,0,1 microsecond}'::interval[]) WITH ORDINALITY n(nudge, k) ORDER BY ref_random(seed, m || ' ' || k), m, k LIMIT 4)
				  UNION ALL
				  (SELECT NULL, day - floor(ref_random(seed, day || 'since') * 60)::int, day
				   FROM (SELECT DISTINCT (m AT TIME ZONE ref_zone(policy))::date - back AS day FROM moments(events, walk) m, unnest('{0,1}'::int[]) back) d
				   ORDER BY ref_random(seed, day::text), day LIMIT 3)) a
		LOOP
			cases := cases + 1;
			INSERT INTO failure SELECT seed, c, d.question FROM differences(c) d;
			IF c.as_of IS NOT NULL AND reference_error(c) THEN
				errors := errors + 1;
			END IF;
		END LOOP;
	END LOOP;
	INSERT INTO tally VALUES (cases, errors);
END $$;

CREATE FUNCTION reference_error(c asked) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	RETURN ref_events(c.events, c.policy, ref_day_start(c.as_of + 1, ref_zone(c.policy)), false) IS NULL;
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN true;
END $$;

SELECT try_ledgers(:first, :ledgers) IS NULL AS void \gset
SET LOCAL timezone = 'UTC';

SELECT cmp_ok((SELECT cases FROM tally), '>=', 5 * :ledgers::bigint, 'there are cases');
SELECT diag((SELECT cases || ' cases of ' || :ledgers || ' ledgers' FROM tally));

-- ---- no difference ----

SELECT is((SELECT count(*)::int FROM failure WHERE question = q), 0, 'points_' || q || ' as the reference has it')
FROM unnest('{balance,balance_at,summary,lots,redeemed,redeemed_net,statement,statement_balance,schedule,expiring,violations,error}'::text[]) q;

-- The shortest ledger of some that fail, for each question.
SELECT diag(report(f.seed, f.c, f.question))
FROM (SELECT DISTINCT ON (question) * FROM failure ORDER BY question, jsonb_array_length((c).events), seed) f;

-- ---- the ledgers try what there is to try ----

CREATE TABLE move AS SELECT s.seed, m.* FROM sample s, LATERAL jsonb_populate_recordset(NULL::ref_move, s.walk->'moves') m;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM move WHERE role = 'pay' AND step = 2), '>', :ledgers / 20, 'points that activate pay a debt');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM move WHERE role = 'expire' AND step IN (1, 4) AND pending < 0), '>', :ledgers / 20, 'points expire while pending');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM move WHERE role = 'redeem_refund' AND debt < 0 AND lot IS NULL), '>', :ledgers / 100, 'refunds cancel a debt');
SELECT cmp_ok((SELECT count(DISTINCT m.seed)::int FROM move m WHERE m.role = 'redeem_refund' AND EXISTS (SELECT FROM move n WHERE n.seed = m.seed AND n.lot = m.lot AND n.entry < m.entry)), '>', :ledgers / 50,
	'refunds go back to a lot');
SELECT cmp_ok((SELECT count(DISTINCT m.seed)::int FROM move m JOIN sample s USING (seed) WHERE m.role = 'expire' AND s.policy ? 'inactive_after'
		AND (s.walk->'lots'->(m.lot - 1)->>'expires_at')::timestamptz IS DISTINCT FROM m.at AND m.step IN (1, 4)), '>', :ledgers / 20, 'balances lapse by inactivity');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM move WHERE role = 'expire' AND entry IN (SELECT x.entry FROM move x WHERE x.seed = move.seed AND x.step = 3)), '>', :ledgers / 20, 'expiries are booked, or at once');
SELECT cmp_ok((SELECT count(DISTINCT m.seed)::int FROM move m WHERE m.role = 'activate' AND m.step = 3), '>', :ledgers / 200, 'events activate');
SELECT cmp_ok((SELECT count(DISTINCT m.seed)::int FROM move m WHERE m.role = 'expire' AND m.blocked < 0), '>', :ledgers / 100, 'blocked points expire');
SELECT cmp_ok((SELECT count(DISTINCT m.seed)::int FROM move m WHERE m.role = 'unblock'), '>', :ledgers / 100, 'points are unblocked');
SELECT cmp_ok((SELECT count(DISTINCT m.seed)::int FROM move m WHERE m.role NOT IN ('block', 'unblock') AND m.blocked > 0), '>', :ledgers / 200, 'points come into a frozen account');
SELECT * FROM finish();
ROLLBACK;
