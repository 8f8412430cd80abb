--
-- The reference's walk over tiers (reference/tiers_reference.sql) by itself, without the
-- extension: against numbers worked out by hand from the rules, and by laws on random
-- histories under random policies.
--
-- More: psql -v histories=2000
--
\ir reference/setup.sql
\if :{?histories}
\else
	\set histories 150
\endif
BEGIN;
SELECT plan(44);
\ir reference/periods.sql
\ir reference/points_reference.sql
\ir reference/points_random.sql
\ir reference/tiers_reference.sql
\ir reference/tiers_random.sql

-- A history of days, written short: {"2024-01-01 80 kind", …}.
CREATE FUNCTION events(VARIADIC entries text[]) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('at', w[1] || ' 00:00Z', 'value', w[2]::numeric, 'kind', w[3])) ORDER BY n)
	FROM unnest(entries) WITH ORDINALITY u(entry, n), LATERAL (SELECT string_to_array(entry, ' ') AS w) s
$$;

CREATE FUNCTION rules(more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$ SELECT '{"zone": "UTC", "levels": {"Silver": 25, "Gold": 50, "Platinum": 75}, "qualifying_window": "calendar year", "valid": "next_period_end"}'::jsonb || more $$;

CREATE FUNCTION tier(events jsonb, policy jsonb, day date) RETURNS text
LANGUAGE sql AS $$ SELECT ref_tier_at(events, policy, ref_tier_day_end(policy, day)) $$;

-- The history as 'tier from..to (promised)', oldest first, without what lasts no time.
CREATE FUNCTION history(events jsonb, policy jsonb, as_of date, requalifications boolean DEFAULT false) RETURNS text
LANGUAGE sql AS $$
	SELECT string_agg(tier || ' ' || valid_from::date || '..' || coalesce(valid_to::date::text, '') || ' (' || coalesce(promised_until::date::text, '') || ')', ', ' ORDER BY n)
	FROM ref_tier_history(events, policy, ref_tier_day_end(policy, as_of), requalifications) WITH ORDINALITY h(tier, rank, from_tier, valid_from, valid_to, promised_until, reason, metric, value, ref, n)
	WHERE valid_to IS DISTINCT FROM valid_from
$$;

CREATE FUNCTION missing(events jsonb, policy jsonb, as_of date) RETURNS numeric[]
LANGUAGE sql AS $$ SELECT array[missing_to_keep, missing_as_of] FROM ref_tier_progress(events, policy, as_of) LIMIT 1 $$;

-- ---- grace ----

-- 80 in 2022: Platinum to the end of 2023; 30 in 2023: Silver for 2024, which the end of grace doesn't take away
CREATE TABLE graced AS SELECT events('2022-05-01 80', '2023-05-01 30') AS e;
SELECT is(history(e, rules(), '2025-06-30'), 'Platinum 2022-05-01..2024-01-01 (2024-01-01), Silver 2024-01-01..2025-01-01 (2025-01-01), Member 2025-01-01.. ()', 'without grace') FROM graced;
SELECT is(history(e, rules('{"grace": "2 months"}'), '2024-12-31'), 'Platinum 2022-05-01..2024-03-01 (2024-01-01), Silver 2024-03-01.. (2025-01-01)', 'with it: what the ended period gives is not lost') FROM graced;
SELECT is(tier(e, rules('{"grace": "2 months"}'), '2024-02-29'), 'Platinum', '... held through grace') FROM graced;
SELECT is(history(e || events('2024-02-10 60'), rules('{"grace": "2 months"}'), '2025-12-31'), 'Platinum 2022-05-01..2024-03-01 (2024-01-01), Gold 2024-03-01.. (2026-01-01)',
	'the running period gives more: as without grace, to the end of the next') FROM graced;
SELECT is(history(e || events('2024-02-10 60', '2024-02-20 -60'), rules('{"grace": "2 months"}'), '2025-12-31'), 'Platinum 2022-05-01..2024-03-01 (2024-01-01), Gold 2024-03-01.. (2026-01-01)',
	'... be it returned within grace: without grace it would be Gold, too') FROM graced;
SELECT is(history(e || events('2024-02-10 80'), rules('{"grace": "2 months"}'), '2025-12-31'), 'Platinum 2022-05-01.. (2026-01-01)', 'kept in grace') FROM graced;
SELECT is(history(e, rules('{"grace": "2 months", "downgrade": "to_base"}'), '2024-12-31'), 'Platinum 2022-05-01..2024-03-01 (2024-01-01), Member 2024-03-01.. ()', 'to_base: to the base') FROM graced;
SELECT is(history(e, rules('{"grace": "2 months", "downgrade": "one_level"}'), '2024-12-31'), 'Platinum 2022-05-01..2024-03-01 (2024-01-01), Gold 2024-03-01.. (2025-01-01)', 'one_level: one') FROM graced;
-- what it would fall to is valid for 100 days from 10 April, and grace lasts for 200
SELECT is(history(events('2024-01-01 80', '2024-04-02 30'), '{"zone": "UTC", "levels": {"Silver": 25, "Gold": 75}, "qualifying_window": "90 days", "valid": "100 days", "grace": "200 days"}', '2024-12-31'),
	'Gold 2024-01-01..2024-10-27 (2024-04-10), Member 2024-10-27.. ()', 'what has ended within grace is no more');

-- ---- to 31 March ----

CREATE TABLE march AS SELECT events('2023-05-01 80', '2024-05-01 30') AS e;
SELECT is(history(e, rules('{"valid": "next_period_end + 3 months"}'), '2025-12-31'), 'Platinum 2023-05-01..2025-04-01 (2025-04-01), Silver 2025-04-01.. (2026-04-01)', 'next_period_end + 3 months: to 31 March, and then what the last year gives') FROM march;
SELECT is(history(e || events('2025-02-01 60'), rules('{"valid": "next_period_end + 3 months"}'), '2025-12-31'), 'Platinum 2023-05-01..2025-04-01 (2025-04-01), Gold 2025-04-01.. (2026-04-01)', '... or this one') FROM march;
SELECT is(history(events('2023-05-01 80'), rules('{"valid": "period_end + 3 months"}'), '2026-12-31'), 'Platinum 2023-05-01..2025-04-01 (2025-04-01), Member 2025-04-01.. ()', 'period_end + 3 months: to 31 March 2024, renewed by the year that had ended');
SELECT is(missing(events('2023-05-01 80'), rules('{"valid": "next_period_end + 3 months"}'), '2024-06-30'), '{75,75}'::numeric[], '... on the last day it takes all of it');

-- ---- what is missing ----

CREATE FUNCTION silver(more jsonb DEFAULT '{}') RETURNS jsonb
LANGUAGE sql AS $$ SELECT '{"zone": "UTC", "levels": {"Silver": 300}}'::jsonb || more $$;
-- reached on 10 January to the next; after 10 July nothing of it is in the window
SELECT is(missing(events('2024-01-10 300'), silver('{"qualifying_window": "6 months", "valid": "12 months"}'), '2024-03-01'), '{300,0}'::numeric[], 'when validity ends all has left the window');
SELECT is(missing(events('2024-01-10 300', '2024-08-01 40', '2024-11-01 50.5'), silver('{"qualifying_window": "3 months", "valid": "12 months"}'), '2024-12-31'), '{249.5,249.5}'::numeric[], '... but for what came later');
SELECT is(missing(events('2024-01-10 300', '2024-08-01 40', '2024-11-01 50.5'), silver('{"qualifying_window": "3 months", "valid": "12 months"}'), '2024-10-31'), '{300,260}'::numeric[], '... as far as it is known');
-- window and validity of a year: the day before it ends the 300 are still there, and any purchase, if of a cent, promises Silver for another year
SELECT is(missing(events('2023-11-30 300'), silver(), '2024-10-31'), '{0.01,0}'::numeric[], 'who buys something, be it on the last day, keeps it; who buys nothing doesn''t');
SELECT is(tier(events('2023-11-30 300', '2024-11-29 0.01'), silver(), '2024-12-31') || ' ' || tier(events('2023-11-30 300'), silver(), '2024-12-31'), 'Silver Member', '... indeed');
-- the 200 of March have left, the 150 not yet on the last day
SELECT is(missing(events('2023-03-01 200', '2023-11-30 150', '2024-06-01 120'), silver(), '2024-10-31'), '{30,30}'::numeric[], 'what leaves later is still there');
SELECT is(missing(events('2024-01-10 300'), silver('{"qualifying_window": "6 months", "valid": "12 months", "threshold": "exceeded", "levels": {"Silver": 299}}'), '2024-03-01'), '{299.01,0}'::numeric[], 'exceeded: a cent more');
SELECT is(missing(events('2024-05-01 60'), rules(), '2024-06-30'), '{50,0}'::numeric[], 'to the end of the next year: all of it, in that year');
SELECT is(missing(events('2024-05-01 60', '2025-02-01 20'), rules(), '2025-06-30'), '{30,30}'::numeric[], '... in that year: what is missing now');
SELECT is(missing(events('2024-05-01 60'), rules('{"valid": "forever"}'), '2024-06-30'), '{NULL,0}'::numeric[], 'open validity: nothing to keep');
SELECT is(missing(events('2024-05-01 6'), rules(), '2024-06-30'), '{NULL,NULL}'::numeric[], 'so it is in the base tier');
SELECT is(missing(events('2024-05-01 60'), rules('{"versions": [{"from": "2026-01-01", "levels": {"Silver": 25, "Gold": 40, "Platinum": 75}}]}'), '2024-06-30'), '{40,0}'::numeric[], 'by the rules of the day on which validity ends');
SELECT is(missing(events('2022-05-01 80', '2023-05-01 30', '2024-01-20 10'), rules('{"grace": "2 months"}'), '2024-01-31'), '{65,65}'::numeric[], 'in grace: by its end');

-- ---- the history ----

CREATE TABLE spent AS SELECT events('2022-05-01 60', '2023-05-01 60', '2024-05-01 30') AS e;
SELECT is(history(e, rules(), '2026-12-31'), 'Gold 2022-05-01..2025-01-01 (2025-01-01), Silver 2025-01-01..2026-01-01 (2026-01-01), Member 2026-01-01.. ()', 'a requalification is no new spell') FROM spent;
SELECT is(history(e, rules(), '2026-12-31', true), 'Gold 2022-05-01..2023-05-01 (2024-01-01), Gold 2023-05-01..2025-01-01 (2025-01-01), Silver 2025-01-01..2026-01-01 (2026-01-01), Member 2026-01-01.. ()', '... unless asked for') FROM spent;
SELECT is(history(e, rules('{"upgrade": "period_end"}'), '2023-12-31'), 'Member 2022-05-01..2023-01-01 (), Gold 2023-01-01.. (2024-01-01)', 'upgrade at the end of the year: reached in 2022 only, held through 2023') FROM spent;
SELECT is(history(events('2023-05-01 60'), rules('{"upgrade": "period_end"}'), '2026-12-31'), 'Member 2023-05-01..2024-01-01 (), Gold 2024-01-01..2025-01-01 (2025-01-01), Member 2025-01-01.. ()', '... reached in 2023 only: to 2025-01-01');
SELECT is(history(events('2023-05-01 60'), rules(), '2026-12-31'), 'Gold 2023-05-01..2025-01-01 (2025-01-01), Member 2025-01-01.. ()', '... at once: to 2025-01-01, too');

-- ---- kinds ----

SELECT is(tier(events('2024-01-01 30 purchase', '2024-01-02 25', '2024-01-03 4 return'), rules(), '2024-01-31'), 'Gold', 'purchases, what has no kind, less returns of either sign: 51');
SELECT is(tier(events('2024-01-01 30 purchase', '2024-01-02 25', '2024-01-03 6 return'), rules(), '2024-01-31'), 'Gold', '... 49 would not reach it, but takes nothing back');
SELECT is(tier(events('2024-01-01 30 purchase', '2024-01-03 6 return', '2024-01-04 25'), rules(), '2024-01-31'), 'Silver', '... 30 - 6 + 25');
SELECT throws_ok($$SELECT tier(events('2024-01-01 30 page_view'), rules(), '2024-01-31')$$, '22023', NULL, 'any other kind is an error');
SELECT is(tier(events('2024-01-01 30 page_view', '2024-01-02 30 purchase'), rules('{"other_kinds": "ignore"}'), '2024-01-31'), 'Silver', '... unless others are to be ignored');
SELECT is(tier(events('2024-01-01 30 page_view', '2024-01-02 30 stay'), rules('{"metrics": {"spend": {"kinds": ["stay"]}}}'), '2024-01-31'), 'Silver', '... or kinds are named');

-- ---- on random histories ----

-- without a grant of a tier that isn't one, and without an unknown kind
CREATE TABLE sample AS
SELECT seed, policy, events, (max_at + CASE ref_pace(seed) WHEN 'hours' THEN interval '6 days' WHEN 'days' THEN '3 months' WHEN 'months' THEN '18 months' ELSE '4 years' END) AS until
FROM generate_series(1, :histories) seed, LATERAL (SELECT ref_tier_policy(ref_random_tier_policy(seed)) || '{"zone": "UTC"}' AS policy) p,
	LATERAL (SELECT jsonb_agg(e) AS events, max((e->>'at')::timestamptz) AS max_at FROM jsonb_array_elements(ref_random_tier_events(seed, policy)) e WHERE ref_tier_known_kind(policy, e->>'kind')
		AND (e->>'kind' IS DISTINCT FROM coalesce(policy->>'grant_kind', 'tier_grant') OR EXISTS (SELECT FROM jsonb_array_elements(ref_tier_rules(policy, '-infinity')->'levels') l WHERE l->>'tier' = e->>'label'))) x
WHERE events IS NOT NULL;
ALTER TABLE sample ADD walk jsonb;
UPDATE sample SET walk = ref_tier_walk(events, policy, until, until);

CREATE FUNCTION rank_at(walk jsonb, instant timestamptz) RETURNS int
LANGUAGE sql AS $$ SELECT (h->'rank')::int FROM jsonb_array_elements(walk->'history') WITH ORDINALITY h(h, n) WHERE (h->>'valid_from')::timestamptz <= instant ORDER BY n DESC LIMIT 1 $$;

-- a tier with grace is never below that without it
CREATE FUNCTION without_grace(policy jsonb) RETURNS jsonb
LANGUAGE sql AS $$
	SELECT policy - 'grace' || CASE WHEN policy ? 'versions' THEN jsonb_build_object('versions', (SELECT jsonb_agg(v - 'grace' ORDER BY n) FROM jsonb_array_elements(policy->'versions') WITH ORDINALITY v(v, n))) ELSE '{}' END
$$;
CREATE TABLE compared AS
SELECT s.*, ref_tier_walk(events, without_grace(policy), until, until) AS plain FROM sample s
WHERE walk->>'history' ~ 'grace ended';
SELECT cmp_ok((SELECT count(*)::int FROM compared), '>', 3, 'grace ends');
SELECT is_empty($$
	SELECT seed, m, rank_at(walk, m), rank_at(plain, m), policy, events
	FROM compared, LATERAL (SELECT jsonb_array_elements_text(walk->'moments')::timestamptz UNION SELECT jsonb_array_elements_text(plain->'moments')::timestamptz) t(m)
	WHERE rank_at(walk, m) < rank_at(plain, m)$$, 'a tier with grace is never below that without it');

-- the rows of a history follow each other
SELECT is_empty($$
	SELECT seed, r FROM sample, unnest('{true,false}'::boolean[]) r, LATERAL (SELECT h.*, lag(valid_to) OVER (ORDER BY n) AS before, lead(n) OVER (ORDER BY n) AS next, lag(rank) OVER (ORDER BY n) AS rank_before
		FROM ref_tier_rows(walk, r) WITH ORDINALITY h(tier, rank, from_tier, valid_from, valid_to, promised_until, reason, metric, value, ref, n)) h
	WHERE n > 1 AND before IS DISTINCT FROM valid_from OR (valid_to IS NULL) <> (next IS NULL) OR valid_to < valid_from OR NOT r AND rank = rank_before$$, 'the rows of a history leave no hole and don''t overlap');

-- who earns what is missing in the last microsecond of validity, or of grace, keeps the tier; who earns a unit less doesn't
CREATE FUNCTION kept(events jsonb, policy jsonb, state jsonb, amount numeric) RETURNS boolean
LANGUAGE sql AS $$
	SELECT (w->'rank')::int >= (state->'rank')::int AND ((w->'rank')::int > (state->'rank')::int OR w->>'grace_until' IS NULL)
	FROM (SELECT (state->>'ends')::timestamptz AS ends) e, LATERAL ref_tier_walk(events || jsonb_build_object('at', ends - interval '1 microsecond', 'value', amount), policy, ends, ends) w
$$;
CREATE TABLE asked AS
SELECT s.seed, policy, e.events, day, state, (ref_tier_missing_to_keep(e.events, policy, ref_tier_day_end(policy, day), state))[1].missing AS missing,
	ref_tier_unit('sum', e.events, (ref_tier_keeping(ref_tier_rules(policy, day), (state->'rank')::int, (state->'rank')::int)#>>'{0,value}')::numeric) AS unit
FROM sample s, LATERAL (SELECT (m::timestamptz AT TIME ZONE 'UTC')::date AS day FROM jsonb_array_elements_text(walk->'moments') m ORDER BY ref_random(seed, m) LIMIT 2) d,
	LATERAL (SELECT jsonb_agg(e) AS events FROM jsonb_array_elements(s.events) e WHERE (e->>'at')::timestamptz <= ref_tier_day_end(policy, day) AND e->>'kind' IS DISTINCT FROM coalesce(policy->>'grant_kind', 'tier_grant')) e,
	LATERAL (SELECT ref_tier_walk(e.events, policy, ref_tier_day_end(policy, day), ref_tier_day_end(policy, day)) AS state) w
WHERE ref_tier_metrics(policy) = '{value}' AND NOT policy ? 'metrics' AND NOT policy ? 'versions' AND e.events IS NOT NULL AND state->>'ends' IS NOT NULL;
SELECT cmp_ok((SELECT count(*)::int FROM asked WHERE missing > 0), '>', :histories / 20, 'something is missing');
SELECT is_empty($$SELECT seed, day, missing, policy, events FROM asked WHERE missing > 0 AND NOT kept(events, policy, state, missing)$$, 'who earns what is missing keeps the tier');
SELECT is_empty($$SELECT seed, day, missing, policy, events FROM asked WHERE missing > 0 AND kept(events, policy, state, missing - unit)$$, 'who earns less doesn''t');
SELECT is_empty($$SELECT seed, day, missing, policy, events FROM asked WHERE missing = 0 AND NOT kept(events, policy, state, 0)$$, 'where nothing is missing it is kept');
SELECT * FROM finish();
ROLLBACK;
