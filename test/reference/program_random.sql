--
-- Random programmes and timelines of amounts, the same for the same seed everywhere; \ir
-- points_reference.sql, points_random.sql, tiers_reference.sql, tiers_random.sql,
-- earn_random.sql and program_reference.sql before it: the parts are theirs, made to fit
-- each other and the amounts.
--

-- Every number in it times so much.
CREATE FUNCTION ref_program_scale(value jsonb, factor numeric) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE jsonb_typeof(value)
		WHEN 'number' THEN to_jsonb(value::numeric * factor)
		WHEN 'array' THEN (SELECT jsonb_agg(ref_program_scale(v, factor) ORDER BY n) FROM jsonb_array_elements(value) WITH ORDINALITY x(v, n))
		WHEN 'object' THEN (SELECT jsonb_object_agg(k, ref_program_scale(v, factor)) FROM jsonb_each(value) x(k, v))
		ELSE value END;
END $$;

-- Random rules of points for a programme. activates: some event does activate points, without which they can't wait for one.
CREATE FUNCTION ref_random_program_points(seed bigint, activates boolean DEFAULT false) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN activates AND ref_random(seed, 'waits') < 0.4 THEN points - 'pending' || '{"pending_until": "activated"}'
		WHEN activates THEN points ELSE replace(points::text, '"pending_until": "activated"', '"pending": "3 days"')::jsonb END
	FROM (SELECT ref_random_policy(seed) - 'zone' - 'kinds') p(points)
$$;

CREATE FUNCTION ref_random_program_earn(seed bigint, metric text, tiers text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	policy jsonb := earn_random_policy(seed) - 'zone' - 'kinds';
	rule jsonb;
	i int;
BEGIN
	-- points are of the size of amounts more often than not
	IF ref_random(seed, 'plain rate') < 0.5 THEN
		policy := policy - 'rate' - 'per' - 'full_steps' - 'minimum';
	END IF;
	IF ref_random(seed, 'plain caps') < 0.6 THEN
		policy := policy - 'caps';
	END IF;
	policy := policy || '{"kinds": {"stay": "purchase", "buy": "purchase", "delivery": "purchase", "back": "return"}}';
	IF ref_random(seed, 'earn kinds?') < 0.5 THEN
		policy := jsonb_set(policy, '{kinds}', policy->'kinds' || '{"burn": "redemption", "note": "ignore", "friend": "referral"}');
		-- roles of a ledger of points
		IF ref_random(seed, 'ledger?') < 0.5 THEN
			policy := jsonb_set(policy, '{kinds}', policy->'kinds' || '{"gave": "earn", "undo": "redeem_refund", "corr": "adjust", "xfer": "transfer", "close": "forfeit"}');
			IF ref_random(seed, 'books?') < 0.4 THEN
				policy := jsonb_set(policy, '{kinds,gone}', '"expire"');
			END IF;
		END IF;
	END IF;
	-- points wait until an event, and are blocked
	IF ref_random(seed, 'activates?') < 0.35 THEN
		policy := jsonb_set(policy, '{kinds,conf}', '"activate"');
	END IF;
	IF ref_random(seed, 'blocks?') < 0.35 THEN
		policy := jsonb_set(policy, '{kinds}', policy->'kinds' || '{"hold": "block", "free": "unblock"}');
	END IF;
	-- the tiers that there are
	IF ref_random(seed, 'tier multipliers?') < 0.7 THEN
		policy := policy || jsonb_build_object('multipliers', (SELECT jsonb_agg(r ORDER BY n) FROM (
			SELECT r, n FROM jsonb_array_elements(policy->'multipliers') WITH ORDINALITY x(r, n) WHERE n <= 2
			UNION ALL
			SELECT jsonb_build_object('times', ref_pick(seed, t || 'times', '{2,2,3,1.5,1.25,0.5}')::numeric, 'tiers', jsonb_build_array(t))
				|| CASE WHEN ref_random(seed, t || 'tier cap') < 0.2 THEN jsonb_build_object('cap', earn_random_caps(seed, t || 'tier cap', '{order,day,month}')) ELSE '{}' END, 100 + k
			FROM unnest(tiers) WITH ORDINALITY u(t, k) WHERE ref_random(seed, t || 'multiplied') < 0.6 OR k = 1) m));
	END IF;
	IF metric <> 'points' AND ref_random(seed, 'crossing?') < 0.5 THEN
		policy := policy || jsonb_build_object('crossing_order', ref_pick(seed, 'crossing', '{after,after,before}'));
	END IF;
	IF ref_random(seed, 'bonuses_qualify?') < 0.4 THEN
		policy := policy || jsonb_build_object('bonuses_qualify', ref_random(seed, 'bonuses_qualify') < 0.8);
	END IF;
	FOR i IN 0 .. coalesce(jsonb_array_length(policy->'versions'), 0) - 1 LOOP
		IF metric <> 'points' AND ref_random(seed, i || 'new crossing') < 0.3 THEN
			policy := jsonb_set(policy, ARRAY['versions', i::text, 'crossing_order'], to_jsonb(ref_pick(seed, i || 'new crossing', '{after,before}')));
		END IF;
		IF ref_random(seed, i || 'new qualify') < 0.3 THEN
			policy := jsonb_set(policy, ARRAY['versions', i::text, 'bonuses_qualify'], to_jsonb(ref_random(seed, i || 'new qualify?') < 0.5));
		END IF;
	END LOOP;
	RETURN CASE WHEN policy->'versions' = '[]' THEN policy - 'versions' ELSE policy END;
END $$;

CREATE FUNCTION ref_random_program(seed bigint) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	program jsonb := '{}';
	metric text := ref_pick(seed, 'tier_metric', '{spend,spend,points,points,points,orders}');
	factor numeric := CASE metric WHEN 'orders' THEN 1 ELSE ref_pick(seed, 'factor', '{5,10,10,20}')::numeric END;
	zone text := ref_pick(seed, 'program zone', '{UTC,Europe/Helsinki,Europe/Helsinki,America/New_York,America/New_York,America/Sao_Paulo,Asia/Beirut}');
	earn jsonb;
	points jsonb;
	tiers jsonb := ref_random_tier_policy(seed);
	names text[];
	with_tiers boolean := ref_random(seed, 'tiers?') < 0.9;
	versions jsonb := '[]';
	part text;
	day date;
	i int;
BEGIN
	-- tiers of the size of what they count
	IF tiers ? 'levels' THEN
		tiers := tiers - 'zone' || jsonb_build_object('levels', ref_program_scale(tiers->'levels', factor));
		IF tiers ? 'qualifying_window' THEN
			tiers := tiers || jsonb_build_object('qualifying_window', regexp_replace(tiers->>'qualifying_window', '@.*', ''));
		END IF;
		IF tiers ? 'metrics' THEN
			tiers := tiers || jsonb_build_object('metrics', regexp_replace(tiers->>'metrics', '@[^"]*"', '"', 'g')::jsonb);
		END IF;
		FOR i IN 0 .. coalesce(jsonb_array_length(tiers->'versions'), 0) - 1 LOOP
			IF tiers->'versions'->i ? 'levels' THEN
				tiers := jsonb_set(tiers, ARRAY['versions', i::text, 'levels'], ref_program_scale(tiers->'versions'->i->'levels', factor));
			END IF;
		END LOOP;
	ELSE
		tiers := ref_program_scale(tiers, factor);
	END IF;
	names := ARRAY(SELECT l->>'tier' FROM jsonb_array_elements(ref_tier_rules(ref_tier_policy(tiers), '-infinity')->'levels') WITH ORDINALITY l(l, n) ORDER BY n) || coalesce(tiers->>'base', 'Member');
	earn := ref_random_program_earn(seed, metric, names);
	points := ref_random_program_points(seed, earn->'kinds' ? 'conf');
	-- points of bonuses, and of food, for labels
	-- tiers that there aren't multiply nothing
	FOR i IN -1 .. coalesce(jsonb_array_length(earn->'versions'), 0) - 1 LOOP
		IF (CASE WHEN i < 0 THEN earn ELSE earn->'versions'->i END) ? 'multipliers' THEN
			earn := jsonb_set(earn, CASE WHEN i < 0 THEN '{multipliers}' ELSE ARRAY['versions', i::text, 'multipliers'] END, (
				SELECT coalesce(jsonb_agg(CASE WHEN r ? 'tiers' AND EXISTS (SELECT FROM jsonb_array_elements_text(r->'tiers') t WHERE t <> ALL (names)) OR NOT with_tiers THEN r - 'tiers' ELSE r END ORDER BY n), '[]')
				FROM jsonb_array_elements(CASE WHEN i < 0 THEN earn->'multipliers' ELSE earn->'versions'->i->'multipliers' END) WITH ORDINALITY x(r, n)));
		END IF;
	END LOOP;
	points := replace(replace(points::text, '"promo"', '"first_purchase"'), '"partner"', '"food"')::jsonb;

	IF with_tiers THEN
		program := program || jsonb_build_object('tiers', tiers);
		IF metric <> 'spend' OR ref_random(seed, 'metric?') < 0.2 THEN
			program := program || jsonb_build_object('tier_metric', metric);
		END IF;
		IF metric = 'points' AND ref_random(seed, 'pending_counts?') < 0.6 THEN
			program := program || jsonb_build_object('pending_counts', ref_random(seed, 'pending_counts') < 0.1);
			IF NOT points ?| '{pending,pending_until}' AND ref_random(seed, 'pends') < 0.8 THEN
				points := points || jsonb_build_object('pending', ref_random_span(seed, 'pending'));
			END IF;
		END IF;
		IF ref_random(seed, 'no_expiry?') < 0.5 THEN
			program := program || jsonb_build_object('no_expiry_tiers', earn_some(seed, 'no_expiry', names));
			IF NOT points ?| '{expires_after,expires_on,inactive_after}' THEN
				points := points || jsonb_build_object('expires_after', ref_random_span(seed, 'expires_after'));
			END IF;
			-- often at the instant at which a tier ends
			IF NOT points ? 'expires_on' AND coalesce(tiers->>'valid', tiers->>'qualifying_window', '12 months') ~ '^\d' AND ref_random(seed, 'expires with tiers') < 0.5 THEN
				points := points - 'by_label' - 'expires_from' || jsonb_build_object('expires_after', coalesce(tiers->>'valid', tiers->>'qualifying_window', '12 months'), 'expires_align', 'none');
			END IF;
		END IF;
		IF ref_random(seed, 'no_expiry versions?') < 0.15 THEN
			day := ref_pick(seed, 'no_expiry since', '{2024-02-29,2024-03-10,2024-03-31,2024-05-01,2024-07-01}')::date;
			FOR i IN 1 .. 1 + floor(ref_random(seed, 'no_expiry versions') * 3)::int LOOP
				versions := versions || jsonb_build_object('from', day, 'no_expiry_tiers', CASE WHEN ref_random(seed, i || 'none') < 0.4 THEN '[]'::jsonb ELSE earn_some(seed, i || 'no_expiry', names) END);
				day := day + 1 + floor(ref_random(seed, i || 'no_expiry later') * 60)::int;
			END LOOP;
		END IF;
	END IF;
	IF earn <> '{}' OR ref_random(seed, 'empty earn') < 0.5 THEN
		program := program || jsonb_build_object('earn', earn);
	END IF;
	IF points <> '{}' OR ref_random(seed, 'empty points') < 0.5 THEN
		program := program || jsonb_build_object('points', points);
	END IF;

	-- versions of a part, or of the programme
	FOREACH part IN ARRAY '{earn,points,tiers}'::text[] LOOP
		IF program->part ? 'versions' AND ref_random(seed, part || ' hoisted') < 0.6 THEN
			SELECT versions || jsonb_agg(jsonb_build_object('from', v->'from', part, v - 'from')) INTO versions FROM jsonb_array_elements(program->part->'versions') v;
			program := jsonb_set(program, ARRAY[part], (program->part) - 'versions');
		END IF;
	END LOOP;
	IF versions <> '[]' THEN
		-- one object for each day
		program := program || jsonb_build_object('versions', (SELECT jsonb_agg(v ORDER BY d) FROM (
			SELECT (v->>'from')::date AS d, jsonb_object_agg(e.key, e.value) AS v FROM jsonb_array_elements(versions) v, jsonb_each(v) e GROUP BY 1) x));
	END IF;

	-- the zone: the programme's, a part's, both, or none
	CASE ref_pick(seed, 'whose zone', '{program,program,program,earn,tiers,both,none}')
		WHEN 'program' THEN program := program || jsonb_build_object('zone', zone);
		WHEN 'earn' THEN program := program || jsonb_build_object('earn', coalesce(program->'earn', '{}') || jsonb_build_object('zone', zone));
		WHEN 'tiers' THEN
			IF program->'tiers' ? 'levels' THEN
				program := jsonb_set(program, '{tiers,zone}', to_jsonb(zone));
			END IF;
		WHEN 'both' THEN program := program || jsonb_build_object('zone', zone, 'points', coalesce(program->'points', '{}') || jsonb_build_object('zone', zone));
		ELSE
	END CASE;
	RETURN program;
END $$;

-- A timeline that suits the programme.
CREATE FUNCTION ref_random_program_timeline(seed bigint, program jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	zone jsonb := jsonb_build_object('zone', ref_program_zone(program));
	points jsonb := coalesce(program->'points', '{}') || zone;
	tiers jsonb := CASE WHEN program ? 'tiers' THEN ref_tier_policy(program->'tiers') ELSE '{}' END || zone;
	names text[] := CASE WHEN program ? 'tiers' THEN ARRAY(SELECT l->>'tier' FROM jsonb_array_elements(ref_tier_rules(ref_tier_policy(program->'tiers'), '-infinity')->'levels') WITH ORDINALITY l(l, n) ORDER BY n) END;
	kinds boolean := coalesce(program->'earn'->'kinds' ? 'burn', false);
	ledger boolean := coalesce(program->'earn'->'kinds' ? 'gave', false);
	states text[] := ARRAY(SELECT k FROM unnest('{conf,conf,hold,hold,free}'::text[]) k WHERE program->'earn'->'kinds' ? k);	-- kinds that activate and block
	size numeric := CASE program->>'tier_metric' WHEN 'orders' THEN 10 ELSE ref_pick(seed, 'size', '{10,10,20,50}')::numeric END;
	decimals int := ref_pick(seed, 'decimals', '{0,0,1,2,2,3}')::int;
	refs boolean := ref_random(seed, 'refs?') < 0.8;
	labels boolean := ref_random(seed, 'labels?') < 0.7;
	grants boolean := program ? 'tiers' AND ref_random(seed, 'grants') < 0.35;
	midnights boolean := ref_random(seed, 'midnights') < 0.15;	-- everything happens at the start of a day, with all that falls due
	events jsonb := '[]';
	event jsonb;
	instants timestamptz[];
	at timestamptz;
	what text;
	value numeric;
	expires_at timestamptz;
	i int;
BEGIN
	IF ref_random(seed, 'nothing at all') < 0.01 THEN
		RETURN '[]';
	END IF;
	instants := ARRAY[ref_pick(seed, 'start', ARRAY['2024-01-31 10:00Z', '2024-02-28 15:00Z', '2024-02-29 00:00Z', '2024-02-29 12:00Z', '2024-03-09 12:00Z', '2024-03-29 22:00Z', '2024-10-26 12:00Z', '2024-11-02 12:00Z',
		'2023-11-30 23:00Z', '2024-01-01 00:00Z', '2024-05-15 08:30:15.123456Z'])::timestamptz];
	IF ref_random(seed, 'birth?') < 0.4 THEN
		events := events || jsonb_build_object('at', ref_pick(seed, 'birth', ARRAY['1992-02-29 12:00Z', '1990-03-31 00:30Z', '2000-01-01 00:00Z', '1985-06-15 10:00Z', '2024-03-01 05:00Z', '1999-10-27 00:00Z'])::timestamptz, 'kind', 'birth');
	END IF;
	FOR i IN 1 .. 1 + floor(ref_random(seed, 'events') * CASE WHEN ref_random(seed, 'many') < 0.05 THEN 32 ELSE 16 END)::int LOOP
		-- after one of the last few, by what the points or the tiers make fall due
		at := instants[greatest(1, cardinality(instants) - floor(ref_random(seed, i || 'near') * 3)::int)];
		IF ref_random(seed, i || 'by points') < 0.5 THEN
			at := ref_random_instant(seed, 'at ' || i, at, points);
		ELSE
			at := ref_random_tier_instant(seed, 'at ' || i, at, instants[1], tiers);
		END IF;
		IF midnights THEN
			at := ref_day_start((at AT TIME ZONE (zone->>'zone'))::date, zone->>'zone');
		END IF;
		instants := instants || at;
		what := ref_pick(seed, i || 'what', '{buy,buy,buy,buy,buy,buy,buy,buy,buy,buy,back,back,back,pay,burn,burn,burn,burn,friend,join,note,nothing}');
		IF i = 1 AND ref_random(seed, 'joins?') < 0.3 THEN
			what := 'join';
		ELSIF what = 'join' AND ref_random(seed, i || 'late') < 0.8 THEN
			what := 'buy';
		ELSIF grants AND ref_random(seed, i || 'grant') < 0.2 THEN
			what := 'grant';
		END IF;
		value := CASE WHEN ref_random(seed, i || 'round') < 0.6 THEN size * ref_pick(seed, i || 'value', '{0,0.5,1,1,1,2,2,3,5,10}')::numeric ELSE round((size * 6 * ref_random(seed, i || 'value'))::numeric, decimals) END;
		expires_at := NULL;
		IF what = 'grant' THEN
			expires_at := CASE WHEN ref_random(seed, i || 'for ever') < 0.15 THEN NULL WHEN ref_random(seed, i || 'at once') < 0.1 THEN at
				ELSE ref_random_tier_instant(seed, 'until ' || i, ref_plus(at, ref_tier_span(seed, i || 'granted for')::interval, zone->>'zone'), instants[1], tiers) END;
			IF midnights AND expires_at > at THEN
				expires_at := ref_day_start((expires_at AT TIME ZONE (zone->>'zone'))::date + 1, zone->>'zone');
			END IF;
			-- something may happen when it ends
			IF expires_at BETWEEN at AND at + interval '3 years' AND ref_random(seed, i || 'ends') < 0.5 THEN
				instants := instants || expires_at;
			END IF;
		END IF;
		event := jsonb_strip_nulls(jsonb_build_object('at', at,
			'value', CASE what WHEN 'buy' THEN value WHEN 'back' THEN CASE WHEN kinds AND ref_random(seed, i || 'sign') < 0.5 THEN value ELSE -value END WHEN 'pay' THEN round(value * 0.75, 1)
				WHEN 'burn' THEN CASE WHEN ref_random(seed, i || 'sign') < 0.5 THEN value ELSE -value END WHEN 'note' THEN value END,
			'kind', CASE what WHEN 'buy' THEN nullif(ref_pick(seed, i || 'kind', '{stay,stay,stay,buy,none,none,delivery}'), 'none')
				WHEN 'back' THEN CASE WHEN kinds THEN 'back' ELSE nullif(ref_pick(seed, i || 'kind', '{stay,back,buy,none,delivery}'), 'none') END
				WHEN 'pay' THEN 'paid_with_points' WHEN 'burn' THEN CASE WHEN kinds THEN 'burn' ELSE 'redeem' END WHEN 'friend' THEN CASE WHEN kinds THEN 'friend' ELSE 'referral' END
				WHEN 'join' THEN CASE WHEN ref_random(seed, i || 'join kind') < 0.5 THEN coalesce(tiers->>'join_kind', 'join') ELSE 'join' END WHEN 'note' THEN CASE WHEN kinds THEN 'note' ELSE 'redeem' END WHEN 'grant' THEN coalesce(tiers->>'grant_kind', 'tier_grant')
				ELSE CASE WHEN kinds THEN 'stay' END END,
			'label', CASE WHEN what = 'grant' THEN ref_pick(seed, i || 'granted', names || names[cardinality(names)] || coalesce(tiers->>'base', 'Member'))
				WHEN labels AND ref_random(seed, i || 'label?') < 0.7 THEN ref_pick(seed, i || 'label', '{food,food,toys,gift,fuel,air,hotel,Gold}') END,
			'ref', CASE WHEN what = 'grant' OR refs AND ref_random(seed, i || 'ref?') < 0.8 THEN ref_pick(seed, i || 'ref', CASE WHEN what = 'pay' THEN '{1,2}' ELSE '{1,1,1,2,2,10,o4}' END::text[]) END,
			'expires_at', expires_at));
		-- what passes through, and what nobody knows
		IF ledger AND what IN ('back', 'burn', 'note', 'nothing') AND ref_random(seed, i || 'ledger') < 0.6 THEN
			event := event || jsonb_build_object('kind', ref_pick(seed, i || 'ledger kind', CASE WHEN program->'earn'->'kinds' ? 'gone' THEN '{gave,undo,corr,xfer,close,gone,gone}' ELSE '{gave,undo,undo,corr,xfer,close}' END::text[]),
				'value', CASE WHEN ref_random(seed, i || 'ledger sign') < 0.4 THEN -value ELSE value END);
			IF ref_random(seed, i || 'own expiry') < 0.3 THEN
				event := event || jsonb_build_object('expires_at', ref_random_instant(seed, 'own ' || i, at, points));
			END IF;
		ELSIF ref_random(seed, i || 'odd kind') < (CASE WHEN program->'earn'->>'other_kinds' = 'ignore' THEN 0.1 ELSE 0.001 END) THEN
			event := event || jsonb_build_object('kind', ref_pick(seed, i || 'odd name', '{page_view,REDEMPTION}'));
		END IF;
		events := events || event;
		-- it is confirmed, blocked, freed: now, later or before; so much of it, all of it, everything
		IF states <> '{}' AND ref_random(seed, i || 'state?') < 0.35 THEN
			events := events || jsonb_strip_nulls(jsonb_build_object('kind', ref_pick(seed, i || 'state', states),
				'at', CASE WHEN ref_random(seed, i || 'state at once') < 0.3 THEN at ELSE ref_random_instant(seed, 'state ' || i, at, points) END,
				'value', CASE WHEN ref_random(seed, i || 'states all') < 0.45 THEN round(value * ref_pick(seed, i || 'states', '{-1,0.3,0.5,1,3}')::numeric, decimals) END,
				'ref', CASE WHEN ref_random(seed, i || 'state of') < 0.75 THEN ref_pick(seed, i || 'state ref', '{1,1,2,2,10,o4}') END));
		END IF;
		IF ref_random(seed, i || 'twice') < 0.04 THEN
			events := events || event;
		END IF;
		-- paid with points: before, at or after it
		IF what = 'buy' AND ref_random(seed, i || 'paid?') < 0.15 THEN
			events := events || jsonb_strip_nulls(jsonb_build_object('kind', 'paid_with_points', 'value', round(value * ref_pick(seed, i || 'share', '{0.25,0.5,0.5,1,1.5}')::numeric, 1), 'ref', event->>'ref', 'label', ref_pick(seed, i || 'label of payment', '{food,points}'),
				'at', CASE ref_pick(seed, i || 'when paid', '{same,before,after,after,after}') WHEN 'same' THEN at WHEN 'before' THEN at - interval '1 day' * ref_random(seed, i || 'before') ELSE ref_random_instant(seed, 'paid ' || i, at, points) END));
		END IF;
	END LOOP;
	RETURN events;
END $$;
