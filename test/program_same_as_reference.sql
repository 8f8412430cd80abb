--
-- program_summary(), program_statement() and program_violations() against the slow and obvious walk of
-- reference/program_reference.sql, on random timelines under random programmes, on the last
-- day and, every other, on one in between. A timeline that fails is shortened and printed with its programme
-- and both answers.
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
SELECT plan(35);
\ir reference/periods.sql
\ir reference/earn_reference.sql
\ir reference/earn_random.sql
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/tiers_reference.sql
\ir reference/tiers_random.sql
\ir reference/program_reference.sql
\ir reference/program_random.sql

-- ---- the two answers to one case ----

CREATE TYPE asked AS (events jsonb, program jsonb, as_of date);

-- Numbers without the zeros at their end, so that equal answers have equal texts.
CREATE FUNCTION plain(answer jsonb) RETURNS jsonb
LANGUAGE sql AS $$ SELECT coalesce(jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(trim_scale(value::text::numeric)) ELSE value END), '{}') FROM jsonb_each(answer) $$;

-- A statement's rows: the expiries of one moment by label, with the balance after all of them; no texts.
CREATE FUNCTION plain_rows(list jsonb) RETURNS jsonb
LANGUAGE sql AS $$
	WITH moment AS (
		SELECT r, n, count(*) FILTER (WHERE NOT same) OVER (ORDER BY n) AS m
		FROM (SELECT r, n, r->>'role' = 'expire' AND (lag(r->>'role') OVER (ORDER BY n), lag(r->>'at') OVER (ORDER BY n)) IS NOT DISTINCT FROM (r->>'role', r->>'at') AS same
			  FROM jsonb_array_elements(list) WITH ORDINALITY x(r, n)) x),
	line AS (
		SELECT m, min(n) AS n, plain((array_agg(r ORDER BY n))[1] - '{explanation,kind,counts,expires_at}'::text[] || jsonb_build_object('points', sum((r->>'points')::numeric))
			|| CASE WHEN r->>'role' IN ('expire', 'tier') THEN '{"ref": null}' ELSE '{}' END::jsonb
			|| jsonb_build_object('balance', (SELECT l.r->'balance' FROM moment l WHERE l.m = moment.m ORDER BY l.n DESC LIMIT 1))) AS r
		FROM moment GROUP BY m, CASE WHEN r->>'role' = 'expire' THEN r->>'label' END, r->>'role')
	SELECT coalesce(jsonb_agg(r ORDER BY m, r->>'label' COLLATE "C"), '[]') FROM line
$$;

-- Violations, in an order of their own: those of one instant and part in any.
CREATE FUNCTION plain_violations(list jsonb) RETURNS jsonb
LANGUAGE sql AS $$ SELECT coalesce(jsonb_agg(plain(v) ORDER BY (v->>'at')::timestamptz, v->>'part', v->>'problem', v->>'ref', (v->>'amount')::numeric), '[]') FROM jsonb_array_elements(list) v $$;

CREATE FUNCTION engine_violations(c asked, parts text[]) RETURNS jsonb
LANGUAGE sql AS $$ SELECT plain_violations(jsonb_agg(to_jsonb(v))) FROM program_violations(c.events::text::event_timeline, c.program::text::program_policy, c.as_of) v WHERE part = ANY (parts) $$;

CREATE FUNCTION reference_violations(walk jsonb) RETURNS jsonb
LANGUAGE sql AS $$ SELECT plain_violations(jsonb_agg(v - 'points' || jsonb_build_object('amount', v->'points'))) FROM jsonb_array_elements(walk->'violations') v $$;

-- Those of earning, of all events.
CREATE FUNCTION reference_earn_violations(c asked) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	tiers jsonb := CASE WHEN c.program ? 'tiers' THEN ref_tier_policy(c.program->'tiers') END;
	policy jsonb := ref_program_part(c.program, 'earn', ref_program_zone(c.program));
BEGIN
	IF tiers ? 'join_kind' THEN
		policy := policy || jsonb_build_object('kinds', jsonb_build_object(tiers->>'join_kind', 'join') || coalesce(policy->'kinds', '{}'));
	END IF;
	RETURN (SELECT plain_violations(jsonb_agg(to_jsonb(v) || '{"part": "earn"}'))
		FROM earn_ref_violations((SELECT coalesce(jsonb_agg(e), '[]') FROM jsonb_array_elements(c.events) e WHERE tiers IS NULL OR e->>'kind' IS DISTINCT FROM coalesce(tiers->>'grant_kind', 'tier_grant')), policy) v);
END $$;

CREATE FUNCTION engine_answer(c asked) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	timeline event_timeline := c.events::text;
	program program_policy := c.program::text;
BEGIN
	RETURN jsonb_build_object('summary', (SELECT plain(to_jsonb(s)) FROM program_summary(timeline, program, c.as_of) s),
		'statement', (SELECT plain_rows(jsonb_agg(to_jsonb(s) - 'ordinality' ORDER BY ordinality)) FROM program_statement(timeline, program, c.as_of) WITH ORDINALITY s),
		'violations', engine_violations(c, '{points,tiers}'));
EXCEPTION WHEN OTHERS THEN
	RETURN jsonb_build_object('error', SQLSTATE, 'message', SQLERRM);
END $$;

CREATE FUNCTION reference_answer(c asked) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	walk jsonb := ref_program(c.events, c.program, c.as_of);
BEGIN
	RETURN jsonb_build_object('summary', plain(walk->'summary'), 'statement', plain_rows(walk->'entries'), 'violations', reference_violations(walk));
END $$;

CREATE FUNCTION reference_answer_or_error(c asked) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	RETURN reference_answer(c);
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN jsonb_build_object('error', SQLSTATE);
END $$;

-- Which questions have different answers.
CREATE FUNCTION differences(engine jsonb, reference jsonb) RETURNS SETOF text
LANGUAGE sql AS $$
	SELECT q FROM unnest(CASE WHEN engine ? 'error' OR reference ? 'error' THEN '{error}' ELSE '{summary,statement,violations}' END::text[]) q WHERE engine->q IS DISTINCT FROM reference->q
$$;

CREATE FUNCTION differ(c asked, question text) RETURNS boolean
LANGUAGE sql AS $$ SELECT question IN (SELECT differences(engine_answer(c), reference_answer_or_error(c))) $$;

-- ---- shortening ----

-- Where something can be left out of a programme, the larger things first.
CREATE FUNCTION paths(value jsonb) RETURNS SETOF text[]
LANGUAGE sql AS $$
	WITH RECURSIVE part(path, value) AS (
		SELECT '{}'::text[], value
		UNION ALL
		SELECT p.path || x.key, x.value
		FROM part p, LATERAL (
			SELECT key, e.value FROM jsonb_each(CASE jsonb_typeof(p.value) WHEN 'object' THEN p.value END) e
			UNION ALL
			SELECT (n - 1)::text, e.value FROM jsonb_array_elements(CASE jsonb_typeof(p.value) WHEN 'array' THEN p.value END) WITH ORDINALITY e(value, n)) x)
	SELECT path FROM part WHERE path <> '{}' ORDER BY cardinality(path), path
$$;

CREATE FUNCTION is_program(program jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM program::text::program_policy;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $$;

-- Drops events, their columns, and parts of the programme, as long as the answers still differ and neither becomes an error.
CREATE FUNCTION shortest(failing asked, question text) RETURNS asked
LANGUAGE plpgsql AS $$
DECLARE
	c asked := failing;
	before asked;
	trial asked;
	path text[];
	key text;
BEGIN
	LOOP
		before := c;
		FOR i IN REVERSE jsonb_array_length(c.events) - 1 .. 0 LOOP
			trial := c;
			trial.events := c.events - i;
			IF differ(trial, question) THEN
				c := trial;
			ELSE
				FOREACH key IN ARRAY '{expires_at,label,ref,kind,value}'::text[] LOOP
					CONTINUE WHEN NOT c.events->i ? key;
					trial := c;
					trial.events := c.events #- ARRAY[i::text, key];
					IF differ(trial, question) THEN
						c := trial;
					END IF;
				END LOOP;
			END IF;
		END LOOP;
		FOR path IN SELECT paths(c.program) LOOP
			trial := c;
			trial.program := c.program #- path;
			IF trial.program <> c.program AND is_program(trial.program) AND differ(trial, question) THEN
				c := trial;
			END IF;
		END LOOP;
		EXIT WHEN c IS NOT DISTINCT FROM before;
	END LOOP;
	RETURN c;
END $$;

CREATE FUNCTION lines(answer jsonb) RETURNS text
LANGUAGE sql AS $$
	SELECT CASE jsonb_typeof(answer) WHEN 'array'
		THEN (SELECT string_agg((SELECT string_agg(key || ' ' || value, ', ') FROM jsonb_each_text(row) WHERE value IS NOT NULL), E'\n            ' ORDER BY n) FROM jsonb_array_elements(answer) WITH ORDINALITY r(row, n))
		ELSE coalesce(answer::text, 'NULL') END
$$;

CREATE FUNCTION report(seed bigint, failing asked, question text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	c asked;
	engine jsonb;
BEGIN
	PERFORM set_config('timezone', ref_pick(seed, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}'), true);
	c := shortest(failing, question);
	engine := engine_answer(c);
	RETURN format(E'seed %s, %s, session zone %s\nevents:    %s\nprogramme: %s\nas of:     %s\nengine:    %s\nreference: %s', seed, question, current_setting('timezone'),
		(SELECT coalesce('[' || string_agg(e::text, E',\n            ' ORDER BY (e->>'at')::timestamptz) || ']', '[]') FROM jsonb_array_elements(c.events) e), c.program, c.as_of,
		lines(CASE WHEN engine ? 'error' THEN engine ELSE engine->question END), lines(reference_answer_or_error(c)->question));
END $$;

-- ---- the cases ----

CREATE TABLE sample (seed bigint, program jsonb, events jsonb, walk jsonb);
CREATE TABLE failure (seed bigint, c asked, question text);
CREATE TABLE tally (cases bigint, errors bigint, refused bigint);

-- How long after the last event a programme is looked at.
CREATE FUNCTION aftermath(seed bigint) RETURNS interval
LANGUAGE sql AS $$ SELECT CASE ref_pace(seed) WHEN 'hours' THEN interval '6 days' WHEN 'days' THEN '3 months' WHEN 'months' THEN '14 months' ELSE '3 years' END $$;

CREATE FUNCTION try_programs(first bigint, timelines bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	seed bigint;
	c asked;
	walk jsonb;
	reference jsonb;
	errors bigint := 0;
	refused bigint := 0;
BEGIN
	FOR seed IN first .. first + timelines - 1 LOOP
		PERFORM set_config('timezone', ref_pick(seed, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}'), true);
		c.program := ref_random_program(seed);
		c.events := ref_random_program_timeline(seed, c.program);
		IF NOT is_program(c.program) THEN
			INSERT INTO failure VALUES (seed, c, 'policy');
			CONTINUE;
		END IF;
		c.as_of := ((coalesce((SELECT max((e->>'at')::timestamptz) FROM jsonb_array_elements(c.events) e), '2024-06-01Z') + aftermath(seed)) AT TIME ZONE ref_program_zone(c.program))::date;
		walk := NULL;
		BEGIN
			walk := ref_program(c.events, c.program, c.as_of);
			reference := jsonb_build_object('summary', plain(walk->'summary'), 'statement', plain_rows(walk->'entries'), 'violations', reference_violations(walk));
			IF engine_violations(c, '{earn}') <> reference_earn_violations(c) THEN
				INSERT INTO failure VALUES (seed, c, 'those of earning');
			END IF;
			INSERT INTO sample VALUES (seed, c.program, c.events, walk);
			-- as it is written is as it was read
			IF seed % 6 = 0 AND ref_program(c.events, c.program::text::program_policy::text::jsonb, c.as_of) - 'instants' <> walk - 'instants' THEN
				INSERT INTO failure VALUES (seed, c, 'written');
			END IF;
		EXCEPTION WHEN invalid_parameter_value THEN
			reference := jsonb_build_object('error', SQLSTATE);
			errors := errors + 1;
			-- what an overdraft refuses is listed all the same
			IF c.program->'points'->>'overdraft' = 'refuse' THEN
				BEGIN
					IF engine_violations(c, '{points,tiers}') <> reference_violations(ref_program(c.events, c.program, c.as_of, true)) THEN
						INSERT INTO failure VALUES (seed, c, 'those refused');
					END IF;
					refused := refused + 1;
				EXCEPTION WHEN invalid_parameter_value THEN
					-- for another reason
				END;
			END IF;
		END;
		INSERT INTO failure SELECT seed, c, q FROM differences(engine_answer(c), reference) q;

		-- a day on which something can happen, or the day before
		CONTINUE WHEN seed % 2 = 0;
		c.as_of := (SELECT (i::timestamptz AT TIME ZONE ref_program_zone(c.program))::date - back FROM jsonb_array_elements_text(walk->'instants') i, unnest('{0,1}'::int[]) back
					WHERE i::timestamptz > '2023-01-01' ORDER BY ref_random(seed, i || back), i, back LIMIT 1);
		IF c.as_of IS NOT NULL THEN
			INSERT INTO failure SELECT seed, c, q FROM differences(engine_answer(c), reference_answer_or_error(c)) q;
		END IF;
	END LOOP;
	INSERT INTO tally VALUES (timelines, errors, refused);
END $$;

SELECT try_programs(:first, :timelines) IS NULL AS void \gset
SET LOCAL timezone = 'UTC';

SELECT cmp_ok((SELECT count(*)::int FROM sample), '>=', :timelines * 9 / 10, 'there are timelines');
SELECT diag((SELECT cases || ' timelines, ' || errors || ' of them errors, of which ' || refused || ' by overdraft' FROM tally));

-- ---- no difference ----

SELECT is((SELECT count(DISTINCT seed)::int FROM failure WHERE question = q), 0, q || ' as the reference has it')
FROM unnest('{policy,written,error,summary,statement,violations,those of earning,those refused}'::text[]) q;

-- The shortest timeline of some that fail, for each question.
SELECT diag(CASE WHEN question IN ('policy', 'written', 'those of earning', 'those refused') THEN 'seed ' || f.seed || ', ' || question || ': ' || (f.c).program ELSE report(f.seed, f.c, f.question) END)
FROM (SELECT DISTINCT ON (question) * FROM failure ORDER BY question, jsonb_array_length((c).events), seed) f;

-- ---- the timelines try what there is to try ----

CREATE TABLE happened AS SELECT s.seed, s.program, e.* FROM sample s, ROWS FROM (jsonb_populate_recordset(NULL::ref_program_row, s.walk->'entries')) WITH ORDINALITY e(at, role, label, ref, amount, points, balance, tier, kind, counts, expires_at, n);
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened WHERE role = r AND points IS DISTINCT FROM 0), '>', :timelines / 10, r || ' occurs')
FROM unnest('{earn,return,bonus,redeem,activate,expire,tier}'::text[]) r;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM sample WHERE (walk->'history')::text LIKE format('%%"%s"%%', r)), '>', :timelines / 60, r || ' occurs')
FROM unnest('{qualified,requalified,lapsed,soft landing,grace ended,granted,grant ended}'::text[]) r;
SELECT cmp_ok((SELECT count(DISTINCT h.seed)::int FROM happened h WHERE role = 'tier' AND program->>'tier_metric' = 'points' AND program->>'pending_counts' = 'false'
	AND (SELECT count(*) FROM happened b WHERE b.seed = h.seed AND b.role = 'tier') > 1), '>', :timelines / 60, 'points that wait lift tiers');
SELECT cmp_ok((SELECT count(DISTINCT h.seed)::int FROM happened h JOIN happened t ON t.seed = h.seed AND t.at = h.at AND t.role = 'tier' AND t.n < h.n
	WHERE h.role = 'expire' AND h.program ? 'no_expiry_tiers'), '>', :timelines / 100, 'points expire when a tier without expiry is left');
SELECT cmp_ok((SELECT count(DISTINCT h.seed)::int FROM happened h JOIN happened t ON t.seed = h.seed AND t.at = h.at AND t.role = 'tier' AND t.n < h.n
	WHERE h.role = 'earn' AND h.program::text LIKE '%"crossing_order": "after"%' AND t.tier <> coalesce(h.program->'tiers'->>'base', 'Member')), '>', :timelines / 100, 'orders earn at the tier that they reach');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM sample WHERE program ? 'versions'), '>', :timelines / 10, 'programmes change');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened WHERE role = r AND points <> 0), '>', :timelines / 50, r || ' occurs') FROM unnest('{block,unblock}'::text[]) r;
SELECT cmp_ok((SELECT count(DISTINCT h.seed)::int FROM happened h, jsonb_array_elements((SELECT s.events FROM sample s WHERE s.seed = h.seed)) e
	WHERE h.role = 'activate' AND e->>'kind' = 'conf' AND (e->>'at')::timestamptz = h.at), '>', :timelines / 50, 'events activate');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM sample, jsonb_array_elements(walk->'violations') v WHERE v->>'problem' = p), '>', :timelines / 150, p || ' occurs')
FROM unnest('{redemption of blocked points,activation without an earning,block of more than there is,unblock of more than is blocked,grant that ends before it begins}'::text[]) p;
SELECT * FROM finish();
ROLLBACK;
