--
-- Random tier policies and histories, the same for the same seed everywhere; \ir
-- points_random.sql and tiers_reference.sql before it (it needs the one's choices, the
-- other's reading of policies).
--
-- A policy and its history share a pace (hours, days, months or years). Thresholds and values
-- are small, so that they are often met exactly; instants often coincide with each other, with
-- the edges of periods, and with what the policy makes fall due.
--

CREATE FUNCTION ref_tier_span(seed bigint, what text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT ref_pick(seed, what, CASE ref_pace(seed)
		WHEN 'hours' THEN '{6 hours,12 hours,24 hours,24 hours,1 day,1 day,36 hours,2 days,1 day 1 hour}'
		WHEN 'days' THEN '{1 day,3 days,1 week,1 week,10 days,14 days,14 days,30 days,1 month}'
		WHEN 'months' THEN '{14 days,1 month,1 month,2 months,3 months,3 months,90 days,1 month 15 days,6 months}'
		ELSE '{3 months,6 months,12 months,12 months,12 months,1 year,365 days,18 months,24 months}' END::text[])
$$;

-- Some policies are about what rolls over: calendar periods, whose thresholds are low.
CREATE FUNCTION ref_random_rolls(seed bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT ref_random(seed, 'rolls?') < 0.2 $$;

CREATE FUNCTION ref_random_calendar(seed bigint, zone text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT 'calendar ' || ref_pick(seed, 'calendar', CASE ref_pace(seed)
			WHEN 'hours' THEN ARRAY['day', 'day', 'day', 'week']
			WHEN 'days' THEN ARRAY['week', 'week:sunday', 'week:wednesday', 'month', 'month:15', 'month:31']
			WHEN 'months' THEN ARRAY['month', 'month:31', 'quarter', 'quarter:02-01', 'half_year', 'quarter:02-29', '{2023-01-01,2023-12-25,2024-02-29,2024-03-31,2024-05-01,2024-06-26,2024-10-27,2024-11-03}']
			ELSE ARRAY['quarter', 'half_year', 'half_year:03-31', 'year', 'year', 'year:04-01', 'year:02-29', 'year:03-31', '{2023-01-01,2024-02-29,2025-02-24,2026-03-02}'] END)
		|| CASE WHEN zone IS NOT NULL AND ref_random(seed, 'calendar zone') < 0.2 THEN '@' || zone ELSE '' END
$$;

CREATE FUNCTION ref_random_window(seed bigint, zone text) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF ref_random_rolls(seed) THEN
		RETURN ref_random_calendar(seed, zone);
	END IF;
	CASE ref_pick(seed, 'window', '{rolling,rolling,rolling,calendar,calendar,calendar,membership,since,lifetime}')
		WHEN 'rolling' THEN RETURN ref_tier_span(seed, 'rolling');
		WHEN 'since' THEN RETURN 'since tier';
		WHEN 'lifetime' THEN RETURN 'lifetime';
		WHEN 'membership' THEN RETURN 'membership year';
		ELSE RETURN ref_random_calendar(seed, zone);
	END CASE;
END $$;

-- A threshold of the level number n, in steps of the values that occur.
CREATE FUNCTION ref_random_threshold(seed bigint, what text, n int) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT n * ref_pick(seed, what || 'step', CASE WHEN ref_random_rolls(seed) THEN '{1,1,2,2,3}' ELSE '{1,2,3,3,5,5,8}' END::text[])::numeric + ref_pick(seed, what || 'above', '{0,0,0,0,0.5,0.25,0.001}')::numeric
$$;

-- A condition over several metrics; at least one of them.
CREATE FUNCTION ref_random_plain_condition(seed bigint, what text, metrics text[], n int) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object(ref_pick(seed, what || 'quantifier', '{any,any,all}'), jsonb_object_agg(m, ref_random_threshold(seed, what || m, n)))
	FROM unnest(metrics) WITH ORDINALITY u(m, k)
	WHERE ref_random(seed, what || 'asks ' || m) < 0.7 OR k = 1 + floor(ref_random(seed, what || 'always') * cardinality(metrics))::int
$$;

-- The same, or several sets, each of which does; none that asks for as much of all that another asks for.
CREATE FUNCTION ref_random_condition(seed bigint, what text, metrics text[], n int) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	WITH drawn AS (
		SELECT k, (ref_random_plain_condition(seed, what || 'set ' || k, metrics, n)) AS c FROM generate_series(1, 2 + floor(ref_random(seed, what || 'sets') * 3)::int) k),
	needs AS (SELECT k, coalesce(c->'any', c->'all') AS needs FROM drawn),
	useful AS (
		SELECT k, needs FROM needs a
		WHERE NOT EXISTS (SELECT FROM needs b WHERE b.k <> a.k
			AND NOT EXISTS (SELECT FROM jsonb_each_text(b.needs) e(m, t) WHERE NOT a.needs ? m OR (a.needs->>m)::numeric < t::numeric)
			-- of equals the first stays
			AND (b.k < a.k OR a.needs <> b.needs)))
	SELECT CASE WHEN ref_random(seed, what || 'sets?') < 0.3 AND (SELECT count(*) > 1 AND NOT bool_and((SELECT count(*) = 1 FROM jsonb_object_keys(needs))) FROM useful)
		THEN (SELECT jsonb_build_object('any', jsonb_agg(jsonb_build_object('all', needs) ORDER BY k)) FROM useful)
		ELSE ref_random_plain_condition(seed, what, metrics, n) END
$$;

-- Levels as a policy or a version has them: array, or an object where a level is just a number. level: what to draw from.
CREATE FUNCTION ref_random_levels(seed bigint, level text, metrics text[], tiers text[], nulls boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	answer jsonb := '[]';
	entry jsonb;
	plain jsonb := '{}';
	is_plain boolean := true;
	n int;
BEGIN
	FOR n IN 1 .. cardinality(tiers) LOOP
		entry := jsonb_build_object('tier', tiers[n]);
		IF nulls AND ref_random(seed, level || n || 'null') < 0.25 THEN
			entry := entry || '{"at": null}';
			plain := plain || jsonb_build_object(tiers[n], NULL);
		ELSIF cardinality(metrics) = 1 THEN
			entry := entry || jsonb_build_object('at', ref_random_threshold(seed, level, n));
			plain := plain || jsonb_build_object(tiers[n], entry->'at');
		ELSE
			entry := entry || ref_random_condition(seed, level, metrics, n);
			is_plain := false;
		END IF;
		IF ref_random(seed, level || 'keeps') < 0.4 AND ref_random(seed, level || n || 'keep') < 0.7 THEN
			entry := entry || jsonb_build_object('keep', CASE WHEN cardinality(metrics) = 1 AND ref_random(seed, level || n || 'keep form') < 0.8
				THEN to_jsonb(greatest(0.5, ref_random_threshold(seed, level, n) * ref_pick(seed, level || n || 'keep factor', '{0.5,0.5,0.8,1,1.5}')::numeric))
				ELSE ref_random_condition(seed, level || 'keep' || CASE WHEN cardinality(metrics) > 1 AND ref_random(seed, level || 'keep other') < 0.5 THEN 'other' ELSE '' END, metrics, n) END);
			is_plain := false;
		END IF;
		answer := answer || entry;
	END LOOP;
	RETURN CASE WHEN is_plain AND ref_random(seed, level || 'plain') < 0.6 THEN plain ELSE answer END;
END $$;

-- What doesn't go together is left out.
CREATE FUNCTION ref_random_valid(seed bigint, what text, qualifying_window text, upgrade text, may_while_qualified boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	choices text[] := ARRAY['interval', 'interval', 'forever'];
	choice text;
BEGIN
	IF qualifying_window LIKE 'calendar %' OR qualifying_window = 'membership year' THEN
		choices := choices || '{period_end,period_end,next_period_end,next_period_end}';
	END IF;
	IF may_while_qualified AND qualifying_window <> 'since tier' AND upgrade <> 'period_end' THEN
		choices := choices || '{while_qualified,while_qualified,while_qualified}';
	END IF;
	choice := ref_pick(seed, what || 'valid', choices);
	IF choice LIKE '%period_end' AND ref_random(seed, what || 'and more') < 0.25 THEN
		RETURN choice || ' + ' || ref_tier_span(seed, what || 'more');
	END IF;
	RETURN CASE choice WHEN 'interval' THEN ref_tier_span(seed, what || 'valid for') ELSE choice END;
END $$;

CREATE FUNCTION ref_random_tier_policy(seed bigint) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	policy jsonb := '{}';
	rules jsonb;
	version jsonb;
	versions jsonb := '[]';
	metrics text[] := '{value}';
	metric jsonb;
	name text;
	tiers text[] := (string_to_array(ref_pick(seed, 'tiers', ARRAY['Silver', 'Silver,Gold', 'Silver,Gold', 'Silver,Gold,Platinum', 'Silver,Gold,Platinum', 'A,B,C,D', 'z,é 1,a']), ','));
	with_versions boolean := ref_random(seed, 'versions?') < 0.3;
	with_nulls boolean;
	zone text;
	qualifying_window text;
	upgrade text := 'at_once';
	own text[];
	day date;
	i int;
BEGIN
	IF ref_random(seed, 'zone?') < 0.75 THEN
		zone := ref_pick(seed, 'zone', '{UTC,Europe/Helsinki,Europe/Helsinki,America/New_York,Asia/Beirut}');
		policy := policy || jsonb_build_object('zone', zone);
	END IF;

	-- metrics
	IF ref_random_rolls(seed) OR ref_random(seed, 'metrics?') < 0.45 THEN
		metrics := '{}';
		FOREACH name IN ARRAY '{points,nights,visits,"spend, net"}'::text[] LOOP
			CONTINUE WHEN ref_random(seed, 'metric ' || name) < 0.5 AND NOT (name = 'visits' AND metrics = '{}');
			metrics := metrics || name;
			metric := jsonb_build_object('of', CASE name WHEN 'points' THEN 'sum' WHEN 'nights' THEN ref_pick(seed, 'nights of', '{sum,events,days}') WHEN 'visits' THEN ref_pick(seed, 'visits of', '{events,days}')
				ELSE 'sum' END);
			IF metric->>'of' = 'sum' AND ref_random(seed, name || 'values?') < 0.4 THEN
				metric := metric || jsonb_build_object('values', ref_pick(seed, name || 'values', '{net,positive,positive}'));
			ELSIF metric->>'of' = 'sum' AND ref_random(seed, name || 'of?') < 0.5 THEN
				metric := metric - 'of';
			END IF;
			IF ref_random(seed, name || 'kinds?') < (CASE WHEN ref_random_rolls(seed) THEN 0.2 ELSE 0.5 END) THEN
				metric := metric || jsonb_build_object('kinds', ref_pick(seed, name || 'kinds', ARRAY['["stay"]', '["buy", "stay"]', '["buy", "back"]'])::jsonb);
			END IF;
			IF ref_random(seed, name || 'labels?') < 0.25 AND NOT ref_random_rolls(seed) THEN
				metric := metric || jsonb_build_object('labels', ref_pick(seed, name || 'labels', ARRAY['["air"]', '["air", "hotel"]', '["Gold", "hotel"]'])::jsonb);
			END IF;
			policy := jsonb_set(policy, '{metrics}', coalesce(policy->'metrics', '{}') || jsonb_build_object(name, metric));
		END LOOP;
		metrics := ref_tier_metrics(policy);
	END IF;

	-- levels
	with_nulls := with_versions AND ref_random(seed, 'nulls?') < 0.4;
	policy := policy || jsonb_build_object('levels', ref_random_levels(seed, '', metrics, tiers, with_nulls AND ref_random(seed, 'nulls first') < 0.3));
	IF jsonb_typeof(policy->'levels') = 'object' AND policy->'levels' @? '$.* ? (@ == null)' THEN
		policy := policy || jsonb_build_object('levels', (SELECT jsonb_agg(jsonb_build_object('tier', t, 'at', policy->'levels'->t) ORDER BY n) FROM unnest(tiers) WITH ORDINALITY u(t, n)));
	END IF;
	IF ref_random(seed, 'bare') < 0.04 AND metrics = '{value}' AND jsonb_typeof(policy->'levels') = 'object' THEN
		RETURN policy->'levels';
	END IF;
	IF ref_random(seed, 'base?') < 0.2 THEN
		policy := policy || '{"base": "Basic"}';
	END IF;
	IF ref_random(seed, 'kinds?') < 0.2 THEN
		policy := policy || '{"join_kind": "enrol", "grant_kind": "gift"}';
	END IF;
	IF ref_random(seed, 'other kinds?') < 0.4 THEN
		policy := policy || jsonb_build_object('other_kinds', ref_pick(seed, 'other kinds', '{ignore,ignore,error}'));
	END IF;
	IF ref_random(seed, 'threshold?') < 0.4 THEN
		policy := policy || jsonb_build_object('threshold', ref_pick(seed, 'threshold', '{reached,exceeded,exceeded}'));
	END IF;

	-- window, upgrade, validity
	qualifying_window := '12 months';
	IF ref_random(seed, 'window?') < 0.95 OR ref_pace(seed) <> 'years' THEN
		qualifying_window := ref_random_window(seed, zone);
		policy := policy || jsonb_build_object('qualifying_window', qualifying_window);
	END IF;
	IF qualifying_window LIKE 'calendar %' OR qualifying_window = 'membership year' THEN
		upgrade := ref_pick(seed, 'upgrade', '{at_once,at_once,period_end}');
		IF upgrade = 'period_end' OR ref_random(seed, 'upgrade?') < 0.3 THEN
			policy := policy || jsonb_build_object('upgrade', upgrade);
		END IF;
	END IF;
	IF ref_random(seed, 'grace?') < 0.35 THEN
		policy := policy || jsonb_build_object('grace', ref_tier_span(seed, 'grace'));
	END IF;
	IF ref_random(seed, 'downgrade?') < 0.7 THEN
		policy := policy || jsonb_build_object('downgrade', ref_pick(seed, 'downgrade', '{to_metric,one_level,one_level,to_base}'));
	END IF;
	IF ref_random(seed, 'valid?') < 0.85 OR qualifying_window = 'since tier' OR qualifying_window LIKE '%{%' THEN
		policy := policy || jsonb_build_object('valid', ref_random_valid(seed, '', qualifying_window, upgrade, policy->>'downgrade' IS DISTINCT FROM 'one_level' OR policy ? 'grace'));
	END IF;

	-- metrics with windows of their own, and what rolls over
	IF policy ? 'metrics' AND qualifying_window <> 'since tier' THEN
		own := ARRAY['lifetime', CASE WHEN ref_tier_rolls(qualifying_window) THEN qualifying_window ELSE ref_tier_span(seed, 'own rolling') END,
			CASE WHEN ref_tier_has_periods(qualifying_window) THEN qualifying_window WHEN ref_random(seed, 'own membership') < 0.2 THEN 'membership year' ELSE ref_random_calendar(seed, zone) END];
		FOREACH name IN ARRAY metrics LOOP
			IF ref_random(seed, name || 'own?') < 0.3 THEN
				policy := jsonb_set(policy, ARRAY['metrics', name, 'qualifying_window'], to_jsonb(ref_pick(seed, name || 'own', own)));
			END IF;
			IF coalesce(policy->'metrics'->name->>'qualifying_window', qualifying_window) LIKE 'calendar %' AND ref_random(seed, name || 'rollover?') < (CASE WHEN ref_random_rolls(seed) THEN 0.9 ELSE 0.5 END) THEN
				policy := jsonb_set(policy, ARRAY['metrics', name, 'rollover'], ref_pick(seed, name || 'rollover', '{true,true,1,2,2.5,5,0.001,false}')::jsonb);
			END IF;
		END LOOP;
	END IF;

	-- versions
	IF with_versions THEN
		day := ref_pick(seed, 'since', '{2024-01-31,2024-02-29,2024-03-10,2024-03-31,2024-05-01,2024-07-01}')::date;
		rules := policy;
		FOR i IN 1 .. 1 + floor(ref_random(seed, 'versions') * 3)::int LOOP
			-- often with a period
			IF ref_random(seed, i || 'with period') < 0.5 THEN
				day := coalesce(ref_tier_next_period(ref_tier_starts(qualifying_window, '2024-02-29', day - 1, day + 800), day - 1), day);
			END IF;
			version := jsonb_build_object('from', day);
			IF ref_random(seed, i || 'new levels') < 0.6 THEN
				version := version || jsonb_build_object('levels', ref_random_levels(seed, i || 'level', metrics, tiers, with_nulls));
			END IF;
			IF ref_random(seed, i || 'new threshold') < 0.2 THEN
				version := version || jsonb_build_object('threshold', ref_pick(seed, i || 'threshold', '{reached,exceeded}'));
			END IF;
			IF ref_random(seed, i || 'new downgrade') < 0.3 THEN
				version := version || jsonb_build_object('downgrade', ref_pick(seed, i || 'downgrade', '{to_metric,one_level,to_base}'));
			END IF;
			IF ref_random(seed, i || 'new grace') < 0.3 THEN
				version := version || jsonb_build_object('grace', CASE WHEN ref_random(seed, i || 'no grace') < 0.3 THEN 'none' ELSE ref_tier_span(seed, i || 'grace') END);
			END IF;
			IF ref_random(seed, i || 'new valid') < 0.4 OR version - 'from' = '{}' THEN
				version := version || jsonb_build_object('valid', ref_random_valid(seed, i::text, qualifying_window, upgrade, true));
			END IF;
			rules := rules || (version - 'from');
			IF rules->>'valid' = 'while_qualified' AND rules->>'downgrade' = 'one_level' AND coalesce(rules->>'grace', 'none') = 'none' THEN
				version := version || '{"downgrade": "to_metric"}';
				rules := rules || '{"downgrade": "to_metric"}';
			END IF;
			versions := versions || version;
			day := day + 1 + floor(ref_random(seed, i || 'later') * CASE ref_pace(seed) WHEN 'hours' THEN 2 WHEN 'days' THEN 10 WHEN 'months' THEN 60 ELSE 300 END)::int;
		END LOOP;
		policy := policy || jsonb_build_object('versions', versions);
	END IF;
	RETURN policy;
END $$;

-- An instant near another: as it is, at its local midnight, one of the policy's intervals later, on the edge of a period, a step at the history's pace.
CREATE FUNCTION ref_random_tier_instant(seed bigint, what text, near timestamptz, first timestamptz, policy jsonb) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
	zone text := ref_zone(policy);
	qualifying_window text := coalesce(policy->>'qualifying_window', '12 months');
	period_window text := ref_tier_period_window(ref_tier_policy(policy));
	day date := (near AT TIME ZONE zone)::date;
	spans text[];
	starts date[];
	answer timestamptz := near;
BEGIN
	CASE ref_pick(seed, what || ' way', '{same,same,midnight,due,due,due,due at midnight,edge,edge,step,step,step,step,step,step,step,step,turn}')
		WHEN 'same' THEN
		WHEN 'midnight' THEN
			answer := ref_day_start(day + ref_pick(seed, what || ' days', '{0,1,1,2}')::int, zone);
		WHEN 'due', 'due at midnight' THEN
			spans := (SELECT array_agg(s ORDER BY s) FROM unnest(ref_tier_windows(ref_tier_policy(policy)) || ARRAY[qualifying_window, policy->>'valid', policy->>'grace', ref_tier_span(seed, what || ' span')]) s WHERE s ~ '^\d');
			answer := ref_plus(near, ref_pick(seed, what || ' due', spans)::interval, zone);
			IF ref_random(seed, what || ' midnight') < 0.3 THEN
				answer := ref_day_start((answer AT TIME ZONE zone)::date + ref_pick(seed, what || ' days', '{0,1}')::int, zone);
			END IF;
		WHEN 'edge' THEN
			starts := ref_tier_starts(period_window, (first AT TIME ZONE zone)::date, day, day + 800);
			answer := coalesce(ref_day_start(ref_tier_next_period(starts, day), zone), ref_plus(near, ref_tier_span(seed, what || ' span')::interval, zone));
		WHEN 'turn' THEN
			-- month ends, the leap day, the changes of the clock in Helsinki, New York and Beirut
			answer := ref_pick(seed, what || ' turn', ARRAY['2023-12-31 23:59:59.999999Z', '2024-01-31 12:00Z', '2024-02-29 05:00Z', '2024-02-28 22:00Z', '2024-03-31 01:00Z', '2024-03-31 00:30Z',
				'2024-03-30 22:00Z', '2024-10-27 00:30Z', '2024-10-27 01:00Z', '2024-10-26 21:00Z', '2024-03-10 07:00Z', '2024-03-10 05:00Z', '2024-11-03 05:30Z', '2024-11-03 06:30Z', '2024-11-03 04:00Z'])::timestamptz;
		ELSE
			answer := near + ref_random(seed, what || ' step') * CASE ref_pace(seed) WHEN 'hours' THEN interval '10 hours' WHEN 'days' THEN interval '5 days'
				WHEN 'months' THEN interval '30 days' ELSE interval '180 days' END;
			answer := date_trunc(ref_pick(seed, what || ' unit', '{microsecond,second,hour,day}'), answer, 'UTC');
	END CASE;
	IF ref_random(seed, what || 'next to') < 0.08 THEN
		answer := answer + ref_pick(seed, what || ' nudge', '{-1 microsecond,1 microsecond}')::interval;
	END IF;
	RETURN answer;
END $$;

-- A history that suits the policy.
CREATE FUNCTION ref_random_tier_events(seed bigint, written jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	policy jsonb := ref_tier_policy(written);
	join_kind text := coalesce(policy->>'join_kind', 'join');
	grant_kind text := coalesce(policy->>'grant_kind', 'tier_grant');
	tiers text[] := (SELECT array_agg(l->>'tier' ORDER BY n) FROM jsonb_array_elements(ref_tier_rules(policy, '-infinity')->'levels') WITH ORDINALITY l(l, n));
	events jsonb := '[]';
	event jsonb;
	instants timestamptz[];
	at timestamptz;
	value numeric;
	kind text;
	label text;
	expires_at timestamptz;
	kinds boolean := policy ? 'metrics' OR ref_random(seed, 'with kinds') < 0.3;
	joins boolean := ref_random(seed, 'joins') < 0.3;
	grants boolean := ref_random(seed, 'grants') < 0.35;
	decimals boolean := ref_random(seed, 'decimals') < 0.3;
	returns float8 := ref_pick(seed, 'returns', '{0,0.1,0.1,0.3}')::float8;
	i int;
BEGIN
	IF ref_random(seed, 'nothing at all') < 0.005 THEN
		RETURN '[]';
	END IF;
	instants := ARRAY[ref_pick(seed, 'start', CASE WHEN policy->>'qualifying_window' = 'membership year' AND ref_random(seed, 'leap day') < 0.4 THEN ARRAY['2020-02-29 12:00Z', '2020-02-29 22:30Z', '2020-03-01 01:00Z'] ELSE ARRAY['2024-01-31 10:00Z', '2024-02-28 15:00Z', '2024-02-29 00:00Z', '2024-02-29 12:00Z', '2024-03-09 12:00Z', '2024-03-29 22:00Z', '2024-10-26 12:00Z', '2024-11-02 12:00Z',
		'2023-11-30 23:00Z', '2024-01-01 00:00Z', '2024-05-15 08:30:15.123456Z'] END)::timestamptz];
	FOR i IN 1 .. 1 + floor(ref_random(seed, 'events') * CASE WHEN ref_random(seed, 'many') < 0.015 THEN 90 ELSE 18 END)::int LOOP
		-- after one of the last few
		at := ref_random_tier_instant(seed, 'at ' || i, instants[greatest(1, cardinality(instants) - floor(ref_random(seed, i || 'near') * 3)::int)], instants[1], policy);
		instants := instants || at;
		value := ref_pick(seed, i || 'value', '{1,1,2,2,3,3,5,5,8,10}')::numeric;
		IF decimals THEN
			value := value + ref_pick(seed, i || 'decimals', '{0,0,0.5,-0.5,0.25,0.001,-0.001}')::numeric;
		END IF;
		IF ref_random(seed, i || 'return') < returns THEN
			value := -value;
		ELSIF ref_random(seed, i || 'nothing') < 0.06 THEN
			value := CASE WHEN ref_random(seed, i || 'zero') < 0.5 THEN 0 END;
		END IF;
		kind := CASE WHEN kinds THEN ref_pick(seed, i || 'kind', CASE WHEN value < 0 THEN '{back,back,stay,buy}' ELSE '{buy,buy,stay,stay,stay,NULL,other}' END::text[]) END;
		-- what a measure counts that names no kinds; a return is booked with either sign
		IF kinds AND ref_random(seed, i || 'plain kind') < 0.4 OR kind IS NOT NULL AND NOT ref_tier_known_kind(policy, kind) AND ref_random(seed, i || 'unknown kind') > 0.01 THEN
			kind := ref_pick(seed, i || 'plain', CASE WHEN value < 0 THEN '{return,return,return,purchase,NULL}' ELSE '{purchase,purchase,purchase,NULL,NULL}' END::text[]);
			IF kind = 'return' AND ref_random(seed, i || 'sign') < 0.5 THEN
				value := -value;
			END IF;
		END IF;
		label := CASE WHEN kinds AND ref_random(seed, i || 'label?') < 0.7 THEN ref_pick(seed, i || 'label', '{air,air,hotel,Gold}') END;
		expires_at := NULL;
		IF joins AND ref_random(seed, i || 'join') < (CASE WHEN i <= 3 THEN 0.4 ELSE 0.05 END) THEN
			kind := join_kind;
		ELSIF grants AND ref_random(seed, i || 'grant') < 0.25 THEN
			kind := grant_kind;
			label := ref_pick(seed, i || 'granted', tiers || tiers[cardinality(tiers)] || coalesce(policy->>'base', 'Member'));
			IF ref_random(seed, i || 'unknown') < 0.01 THEN
				label := CASE WHEN ref_random(seed, i || 'none') < 0.5 THEN 'Bronze' END;
			END IF;
			expires_at := CASE WHEN ref_random(seed, i || 'for ever') < 0.15 THEN NULL
				WHEN ref_random(seed, i || 'at once') < 0.1 THEN at
				WHEN ref_random(seed, i || 'infinity') < 0.05 THEN 'infinity'
				ELSE ref_random_tier_instant(seed, 'until ' || i, ref_plus(at, ref_tier_span(seed, i || 'granted for')::interval, ref_zone(policy)), instants[1], policy) END;
		ELSIF ref_random(seed, i || 'odd expiry') < 0.05 THEN
			expires_at := at + interval '10 days';
		END IF;
		-- something may happen when a grant ends
		IF expires_at BETWEEN at AND at + interval '3 years' AND ref_random(seed, i || 'ends') < 0.5 THEN
			instants := instants || expires_at;
		END IF;
		event := jsonb_strip_nulls(jsonb_build_object('at', at, 'value', value, 'kind', kind, 'label', label,
			'ref', CASE WHEN ref_random(seed, i || 'ref?') < 0.9 THEN ref_pick(seed, i || 'ref', ARRAY[i::text, i::text, 'o' || i, (-i)::text, '9007199254740993']) END,
			'expires_at', CASE WHEN expires_at = 'infinity' THEN 'infinity' ELSE to_jsonb(expires_at)#>>'{}' END));
		events := events || event;
		-- the same again
		IF ref_random(seed, i || 'twice') < 0.04 THEN
			events := events || event;
		END IF;
	END LOOP;
	RETURN events;
END $$;
