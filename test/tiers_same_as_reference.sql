--
-- The tier engine against the slow and obvious walk of reference/tiers_reference.sql, on
-- random histories under random policies: the history, the tier at every instant at which
-- something could happen and a microsecond to either side, progress on random days.
-- A history that fails is shortened and printed with its policy and both answers.
--
-- Longer: psql -v histories=20000 -v first=5001
--
\ir reference/setup.sql
\if :{?histories}
\else
	\set histories 200
\endif
\if :{?first}
\else
	\set first 1
\endif
BEGIN;
SELECT plan(25);
\ir reference/periods.sql
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/tiers_reference.sql
\ir reference/tiers_random.sql

-- ---- the two answers to one case ----

-- A case is a history, a policy, and an instant or a day.
CREATE TYPE asked AS (events jsonb, policy jsonb, instant timestamptz, as_of date);

-- Numbers without the zeros at their end, so that equal answers have equal texts.
CREATE FUNCTION plain(answer anyelement) RETURNS jsonb
LANGUAGE sql AS $$ SELECT coalesce(jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(trim_scale(value::text::numeric)) ELSE value END), '{}') FROM jsonb_each(to_jsonb(answer)) $$;

CREATE FUNCTION engine_answer(c asked, question text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	timeline event_timeline := c.events::text;
	policy tier_policy := c.policy::text;
BEGIN
	RETURN CASE question
		WHEN 'tier_at' THEN to_jsonb(tier_at(timeline, policy, c.instant))
		WHEN 'tier' THEN jsonb_build_array(tier(timeline, policy, c.as_of), tier_rank(timeline, policy, c.as_of))
		WHEN 'history' THEN (SELECT jsonb_agg(plain(h)) FROM tier_history(timeline, policy, c.as_of, requalifications => true) h)
		WHEN 'spells' THEN (SELECT jsonb_agg(plain(h)) FROM tier_history(timeline, policy, c.as_of) h)
		WHEN 'progress' THEN (SELECT jsonb_agg(plain(p)) FROM tier_progress(timeline, policy, c.as_of) p)
		WHEN 'ways' THEN (SELECT jsonb_agg(plain(w)) FROM tier_ways(timeline, policy, c.as_of) w)
		WHEN 'rollover' THEN (SELECT jsonb_agg(plain(r)) FROM tier_rollover(timeline, policy, c.as_of) r) END;
EXCEPTION WHEN OTHERS THEN
	RETURN jsonb_build_object('error', SQLSTATE);
END $$;

CREATE FUNCTION reference_answer(c asked, question text) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	rank int;
BEGIN
	CASE question
		WHEN 'tier_at' THEN RETURN to_jsonb(ref_tier_at(c.events, c.policy, c.instant));
		WHEN 'tier' THEN
			rank := ref_tier_walk(c.events, c.policy, ref_tier_day_end(c.policy, c.as_of), ref_tier_day_end(c.policy, c.as_of))->'rank';
			RETURN jsonb_build_array(ref_tier_name(c.policy, rank), rank);
		WHEN 'history' THEN RETURN (SELECT jsonb_agg(plain(h)) FROM ref_tier_history(c.events, c.policy, ref_tier_day_end(c.policy, c.as_of), true) h);
		WHEN 'spells' THEN RETURN (SELECT jsonb_agg(plain(h)) FROM ref_tier_history(c.events, c.policy, ref_tier_day_end(c.policy, c.as_of), false) h);
		WHEN 'progress' THEN RETURN (SELECT jsonb_agg(plain(p)) FROM ref_tier_progress(c.events, c.policy, c.as_of) p);
		WHEN 'ways' THEN RETURN (SELECT jsonb_agg(plain(w)) FROM ref_tier_ways(c.events, c.policy, c.as_of) w);
		WHEN 'rollover' THEN RETURN (SELECT jsonb_agg(plain(r)) FROM ref_tier_rollover(c.events, c.policy, c.as_of) r);
	END CASE;
EXCEPTION WHEN invalid_parameter_value THEN
	RETURN jsonb_build_object('error', SQLSTATE);
END $$;

CREATE FUNCTION differ(c asked, question text) RETURNS boolean
LANGUAGE sql AS $$ SELECT engine_answer(c, question) IS DISTINCT FROM reference_answer(c, question) $$;

-- ---- shortening ----

-- The policies that lack one thing of this one.
CREATE FUNCTION simpler(policy jsonb) RETURNS SETOF jsonb
LANGUAGE sql AS $$
	SELECT policy - key FROM jsonb_object_keys(policy) key WHERE policy ? 'levels' AND key <> 'levels'
	UNION ALL
	SELECT policy #- ARRAY['versions', (n - 1)::text] FROM jsonb_array_elements(policy->'versions') WITH ORDINALITY v(v, n) WHERE jsonb_array_length(policy->'versions') > 1
	UNION ALL
	SELECT policy #- ARRAY['versions', (n - 1)::text, key] FROM jsonb_array_elements(policy->'versions') WITH ORDINALITY v(v, n), jsonb_object_keys(v) key WHERE key <> 'from'
	UNION ALL
	SELECT policy #- ARRAY['metrics', m, key] FROM jsonb_each(policy->'metrics') e(m, of), jsonb_object_keys(of) key
	UNION ALL
	SELECT policy #- ARRAY['metrics', m] FROM jsonb_object_keys(policy->'metrics') m
	UNION ALL
	SELECT policy #- ARRAY['levels', (n - 1)::text, 'keep'] FROM jsonb_array_elements(CASE jsonb_typeof(policy->'levels') WHEN 'array' THEN policy->'levels' END) WITH ORDINALITY l(l, n) WHERE l ? 'keep'
	UNION ALL
	SELECT policy #- ARRAY['levels', (n - 1)::text] FROM jsonb_array_elements(CASE jsonb_typeof(policy->'levels') WHEN 'array' THEN policy->'levels' END) WITH ORDINALITY l(l, n)
	UNION ALL
	SELECT policy #- ARRAY['levels', l] FROM jsonb_object_keys(CASE jsonb_typeof(policy->'levels') WHEN 'object' THEN policy->'levels' END) l
$$;

CREATE FUNCTION is_policy(policy jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM policy::text::tier_policy;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $$;

-- Drops events, their columns, and keys of the policy, as long as the answers still differ and neither becomes an error.
CREATE FUNCTION shortest(failing asked, question text) RETURNS asked
LANGUAGE plpgsql AS $$
DECLARE
	c asked := failing;
	before asked;
	trial asked;
	candidate jsonb;
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
				FOREACH key IN ARRAY '{expires_at,label,kind,value}'::text[] LOOP
					CONTINUE WHEN NOT c.events->i ? key;
					trial := c;
					trial.events := c.events #- ARRAY[i::text, key];
					IF NOT engine_answer(trial, question) @> '{"error": "22023"}' AND differ(trial, question) THEN
						c := trial;
					END IF;
				END LOOP;
			END IF;
		END LOOP;
		FOR candidate IN SELECT simpler(c.policy) LOOP
			trial := c;
			trial.policy := candidate;
			IF is_policy(candidate) AND NOT engine_answer(trial, question) @> '{"error": "22023"}' AND differ(trial, question) THEN
				c := trial;
				EXIT;
			END IF;
		END LOOP;
		EXIT WHEN c IS NOT DISTINCT FROM before;
	END LOOP;
	RETURN c;
END $$;

CREATE FUNCTION lines(answer jsonb) RETURNS text
LANGUAGE sql AS $$
	SELECT CASE WHEN jsonb_typeof(answer) = 'array' AND jsonb_typeof(answer->0) = 'object'
		THEN (SELECT string_agg((SELECT string_agg(key || ' ' || value, ', ') FROM jsonb_each_text(row)), E'\n            ' ORDER BY n) FROM jsonb_array_elements(answer) WITH ORDINALITY r(row, n))
		ELSE coalesce(answer::text, 'NULL') END
$$;

CREATE FUNCTION report(seed bigint, failing asked, question text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	c asked;
BEGIN
	PERFORM set_config('timezone', ref_pick(seed, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}'), true);
	c := shortest(failing, question);
	RETURN format(E'seed %s, %s, session zone %s\nevents:    %s\npolicy:    %s\n%s\nengine:    %s\nreference: %s', seed, question, current_setting('timezone'),
		(SELECT coalesce('[' || string_agg(e::text, E',\n            ' ORDER BY (e->>'at')::timestamptz) || ']', '[]') FROM jsonb_array_elements(c.events) e), c.policy,
		coalesce('instant:   ' || c.instant, 'as of:     ' || c.as_of), lines(engine_answer(c, question)), lines(reference_answer(c, question)));
END $$;

-- ---- the cases ----

CREATE TABLE sample (seed bigint, policy jsonb, events jsonb, walk jsonb);
CREATE TABLE failure (seed bigint, c asked, question text);
CREATE TABLE tally (seed bigint, question text, cases bigint);

-- The row of a longer walk's history that holds at an instant.
CREATE FUNCTION held_at(walk jsonb, instant timestamptz) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT h FROM jsonb_array_elements(walk->'history') WITH ORDINALITY h(h, n) WHERE (h->>'valid_from')::timestamptz <= instant ORDER BY n DESC LIMIT 1
$$;

-- The reference's answer at the end of a day, read from a longer walk's history: what comes later changes nothing before.
CREATE FUNCTION as_walked(c asked, walk jsonb, question text) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT CASE question
		WHEN 'history' THEN (SELECT jsonb_agg(plain(h)) FROM ref_tier_rows(until_then, true) h)
		WHEN 'tier' THEN CASE WHEN c.events = '[]' THEN jsonb_build_array(ref_tier_name(c.policy, 0), 0) ELSE jsonb_build_array(held_at(walk, day_end)->>'tier', (held_at(walk, day_end)->'rank')::int) END END
	FROM (SELECT ref_tier_day_end(c.policy, c.as_of)) d(day_end),
		LATERAL (SELECT jsonb_build_object('history', (SELECT coalesce(jsonb_agg(h ORDER BY n), '[]') FROM jsonb_array_elements(walk->'history') WITH ORDINALITY h(h, n) WHERE (h->>'valid_from')::timestamptz <= day_end))) t(until_then)
$$;

-- How long after the last event a history is looked at.
CREATE FUNCTION aftermath(seed bigint) RETURNS interval
LANGUAGE sql AS $$ SELECT CASE ref_pace(seed) WHEN 'hours' THEN interval '6 days' WHEN 'days' THEN '3 months' WHEN 'months' THEN '18 months' ELSE '4 years' END $$;

CREATE FUNCTION try_histories(first bigint, histories bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	seed bigint;
	c asked;
	timeline event_timeline;
	policy tier_policy;
	last timestamptz;
	walk jsonb;
	question text;
BEGIN
	FOR seed IN first .. first + histories - 1 LOOP
		PERFORM set_config('timezone', ref_pick(seed, 'session', '{UTC,UTC,Europe/Helsinki,America/New_York}'), true);
		c := NULL;
		c.policy := ref_random_tier_policy(seed);
		c.events := ref_random_tier_events(seed, c.policy);
		IF NOT is_policy(c.policy) THEN
			INSERT INTO failure VALUES (seed, c, 'policy');
			CONTINUE;
		END IF;
		last := coalesce((SELECT max((e->>'at')::timestamptz) FROM jsonb_array_elements(c.events) e), '2024-06-01Z');
		c.as_of := ((last + aftermath(seed)) AT TIME ZONE ref_zone(c.policy))::date;
		BEGIN
			walk := ref_tier_walk(c.events, c.policy, last, ref_tier_day_end(c.policy, c.as_of));
			INSERT INTO sample VALUES (seed, c.policy, c.events, walk);
			INSERT INTO failure SELECT seed, c, 'history' WHERE engine_answer(c, 'history') IS DISTINCT FROM as_walked(c, walk, 'history');
			INSERT INTO failure SELECT seed, c, 'spells' WHERE engine_answer(c, 'spells') IS DISTINCT FROM (SELECT jsonb_agg(plain(h)) FROM ref_tier_rows(walk, false) h);

			timeline := c.events::text;
			policy := c.policy::text;
			INSERT INTO failure SELECT seed, ROW(c.events, c.policy, m + nudge, NULL)::asked, 'tier_at'
				FROM jsonb_array_elements_text(walk->'moments') m(text), LATERAL (SELECT text::timestamptz) t(m), unnest('{-1 microsecond,0,1 microsecond}'::interval[]) nudge
				WHERE tier_at(timeline, policy, m + nudge) IS DISTINCT FROM held_at(walk, m + nudge)->>'tier';
			INSERT INTO tally VALUES (seed, 'history', 1), (seed, 'tier_at', 3 * jsonb_array_length(walk->'moments'));

			-- as it is written is as it was read
			IF seed % 4 = 0 AND ref_tier_walk(c.events, policy::text::jsonb, last, ref_tier_day_end(c.policy, c.as_of))->'history' IS DISTINCT FROM walk->'history' THEN
				INSERT INTO failure VALUES (seed, c, 'policy');
			END IF;
		EXCEPTION WHEN invalid_parameter_value THEN
			INSERT INTO failure SELECT seed, c, 'history' WHERE differ(c, 'history');
			walk := NULL;
		END;

		FOR c.as_of, question IN
			SELECT day, q
			FROM (SELECT (m::timestamptz AT TIME ZONE ref_zone(c.policy))::date - back
				  FROM (SELECT jsonb_array_elements_text(walk->'moments') UNION SELECT e->>'at' FROM jsonb_array_elements(c.events) e) t(m), unnest('{0,1}'::int[]) back
				  ORDER BY ref_random(seed, m || back), m, back LIMIT 1) d(day), unnest('{history,spells,tier,progress,ways,rollover}'::text[]) q
		LOOP
			IF (CASE WHEN question IN ('progress', 'spells', 'ways', 'rollover') OR walk IS NULL THEN differ(c, question)
				ELSE engine_answer(c, question) IS DISTINCT FROM as_walked(c, walk, question) END) THEN
				INSERT INTO failure VALUES (seed, c, question);
			END IF;
			INSERT INTO tally VALUES (seed, question, 1);
		END LOOP;
	END LOOP;
END $$;

SELECT try_histories(:first, :histories) IS NULL AS void \gset
SET LOCAL timezone = 'UTC';

SELECT cmp_ok((SELECT count(*)::int FROM sample), '>=', :histories * 9 / 10, 'there are histories');
SELECT diag((SELECT string_agg(cases || ' x ' || question, ', ' ORDER BY question) FROM (SELECT question, sum(cases) AS cases FROM tally GROUP BY 1) t));

-- ---- no difference ----

SELECT is((SELECT count(DISTINCT seed)::int FROM failure WHERE question = q), 0, q || ' as the reference has it')
FROM unnest('{policy,history,spells,tier_at,tier,progress,ways,rollover}'::text[]) q;

SELECT is_empty($$
	SELECT s.seed, v, tier_for(v, s.policy), ref_tier_for(v, s.policy, day)
	FROM sample s, LATERAL (SELECT (now() AT TIME ZONE ref_zone(s.policy))::date) d(day), unnest('{-1,0,1,2.999,3,5.5,6,8,16.25,1000}'::numeric[]) v
	WHERE cardinality(ref_tier_metrics(ref_tier_policy(s.policy))) = 1 AND tier_for(v, s.policy) IS DISTINCT FROM ref_tier_for(v, s.policy, day)$$,
	'tier_for as the reference has it');

-- The shortest history of some that fail, for each question.
SELECT diag(CASE question WHEN 'policy' THEN 'seed ' || f.seed || ': ' || (f.c).policy ELSE report(f.seed, f.c, f.question) END)
FROM (SELECT DISTINCT ON (question) * FROM failure ORDER BY question, jsonb_array_length((c).events), seed) f;

-- ---- the histories try what there is to try ----

CREATE TABLE happened AS SELECT s.seed, s.policy, h.* FROM sample s, LATERAL jsonb_populate_recordset(NULL::ref_tier_change, s.walk->'history') h;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened WHERE reason = r), '>', :histories / 25, r || ' occurs')
FROM unnest('{qualified,requalified,lapsed,soft landing,grace ended,granted,grant ended}'::text[]) r;
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened WHERE reason IN ('qualified', 'requalified') AND ref IS NULL), '>', :histories / 20, 'time alone raises');
SELECT cmp_ok((SELECT count(DISTINCT a.seed)::int FROM happened a JOIN happened b USING (seed, valid_from) WHERE a.rank > b.rank AND b.reason <> 'joined'), '>', :histories / 100, 'there is up and down at one instant');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened WHERE reason IN ('qualified', 'requalified') AND policy->'versions' IS NOT NULL), '>', :histories / 20, 'policies change');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened WHERE reason = 'qualified' AND rank > 2), '>', :histories / 20, 'high tiers are reached');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM sample, jsonb_array_elements(walk->'rollovers') r WHERE (r->>'rolled_in')::numeric > 0), '>', :histories / 100, 'something rolls over');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened h, jsonb_array_elements(ref_tier_levels(ref_tier_policy(policy)->'levels', 'value', NULL)) l WHERE l->>'tier' = tier AND h.reason = 'qualified' AND jsonb_array_length(nullif(l->'reach', 'null')) > 1), '>', :histories / 20, 'several sets are tried');
SELECT cmp_ok((SELECT count(DISTINCT seed)::int FROM happened WHERE policy @? '$.metrics.*.qualifying_window' AND reason IN ('qualified', 'requalified')), '>', :histories / 40, 'metrics have windows of their own');
SELECT cmp_ok((SELECT count(DISTINCT h.seed)::int FROM happened h JOIN sample s USING (seed), jsonb_array_elements(s.walk->'rollovers') r
	WHERE h.reason = 'qualified' AND (r->>'rolls_over')::numeric > 0 AND h.valid_from = ref_day_start((r->>'next')::date, ref_zone(s.policy))), '>', 0, 'what rolls over raises');
SELECT * FROM finish();
ROLLBACK;
