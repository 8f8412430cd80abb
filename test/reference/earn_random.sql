--
-- Random rules of earning and timelines of amounts, the same for the same seed everywhere.
--
-- Instants are often the same, or at local midnights, month ends and changes of the clock;
-- amounts are often such that they come to halves, thresholds and caps.
--

-- Uniform in [0, 1), by seed and by what it is for.
CREATE FUNCTION earn_random(seed bigint, what text) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || substr(md5(seed || ' ' || what), 1, 8))::bit(32)::bigint / 4294967296.0 $$;

CREATE FUNCTION earn_pick(seed bigint, what text, choices text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT choices[1 + floor(earn_random(seed, what) * cardinality(choices))::int] $$;

-- Some of the choices, at least one.
CREATE FUNCTION earn_some(seed bigint, what text, choices text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT to_jsonb(array_agg(c)) FROM unnest(choices) c WHERE earn_random(seed, what || c) < 0.5 OR c = earn_pick(seed, what, choices)
$$;

CREATE FUNCTION earn_random_caps(seed bigint, what text, spans text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_object_agg(span, earn_pick(seed, what || span, '{0,5,10,30,50,100,200,400}')::int)
	FROM unnest(spans) span WHERE earn_random(seed, what || span || '?') < 0.25 OR span = earn_pick(seed, what || 'span', spans)
$$;

CREATE FUNCTION earn_random_bonus(seed bigint, what text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN earn_random(seed, what || 'cap?') < 0.6 AND name IS NULL THEN points
		ELSE jsonb_build_object('points', points) || CASE WHEN earn_random(seed, what || 'cap?') < 0.6 THEN '{}' ELSE jsonb_build_object('cap', earn_random_caps(seed, what || 'cap', '{day,month,year,lifetime}')) END
			|| jsonb_strip_nulls(jsonb_build_object('name', name)) END
	FROM (SELECT CASE WHEN earn_random(seed, what || 'named?') < 0.2 THEN earn_pick(seed, what || 'name', '{welcome,thanks,food,first_purchase}') END AS name) n, (SELECT to_jsonb(earn_pick(seed, what || 'points', '{5,10,25,50,100}')::int) AS points) p
$$;

CREATE FUNCTION earn_random_rule(seed bigint, what text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	rule jsonb := jsonb_build_object('times', earn_pick(seed, what || 'times', '{2,2,3,1.5,1.25,0.5,0,1,10,0.1}')::numeric);
BEGIN
	IF earn_random(seed, what || 'labels?') < 0.4 THEN
		rule := rule || jsonb_build_object('labels', earn_some(seed, what || 'labels', '{food,toys,gift,fuel}'));
	END IF;
	IF earn_random(seed, what || 'tiers?') < 0.15 THEN
		rule := rule || jsonb_build_object('tiers', earn_some(seed, what || 'tiers', '{Silver,Gold}'));
	END IF;
	IF earn_random(seed, what || 'from?') < 0.2 THEN
		rule := rule || jsonb_build_object('from', earn_pick(seed, what || 'from', '{2023-12-31,2024-02-29,2024-03-10,2024-03-31}'));
	END IF;
	IF earn_random(seed, what || 'until?') < 0.2 THEN
		rule := rule || jsonb_build_object('until', earn_pick(seed, what || 'until', '{2024-04-01,2024-10-27,2024-11-03,2025-03-01}'));
	END IF;
	IF earn_random(seed, what || 'weekdays?') < 0.25 THEN
		rule := rule || jsonb_build_object('weekdays', earn_some(seed, what || 'weekdays', '{monday,tuesday,wednesday,thursday,friday,saturday,sunday}'));
	END IF;
	IF earn_random(seed, what || 'hours?') < 0.25 THEN
		rule := rule || jsonb_build_object('hours', earn_pick(seed, what || 'hours', ARRAY['["17:00", "19:00"]', '["22:00", "02:30"]', '["00:00", "12:00"]', '["12:00", "24:00"]', '["01:00", "02:00:30"]', '["10:00", "10:01"]'])::jsonb);
	END IF;
	IF earn_random(seed, what || 'cap?') < 0.4 THEN
		rule := rule || jsonb_build_object('cap', earn_random_caps(seed, what || 'cap', '{order,day,month,year,lifetime}'));
	END IF;
	RETURN rule;
END $$;

CREATE FUNCTION earn_random_rules(seed bigint, what text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_agg(earn_random_rule(seed, what || n) || CASE WHEN earn_random(seed, what || n || 'name?') < 0.5 THEN jsonb_build_object('name', 'rule ' || n) ELSE '{}' END ORDER BY n)
	FROM generate_series(1, 1 + floor(earn_random(seed, what || 'rules') * 4)::int) n
$$;

CREATE FUNCTION earn_random_bonuses(seed bigint, what text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	bonuses jsonb := '{}';
	sort text;
BEGIN
	FOREACH sort IN ARRAY '{joining,first_purchase,birthday,anniversary,referral}'::text[] LOOP
		IF earn_random(seed, what || sort || '?') < 0.6 THEN
			bonuses := bonuses || jsonb_build_object(sort, earn_random_bonus(seed, what || sort));
		END IF;
	END LOOP;
	IF earn_random(seed, what || 'nth?') < 0.6 THEN
		bonuses := bonuses || jsonb_build_object('nth_purchase', (SELECT jsonb_agg(CASE jsonb_typeof(b) WHEN 'number' THEN jsonb_build_object('points', b) ELSE b END
				|| jsonb_build_object('n', n, 'every', earn_random(seed, what || n || 'every') < 0.5) ORDER BY n DESC)
			FROM unnest(CASE WHEN earn_random(seed, what || 'two') < 0.5 THEN '{2,4}' ELSE '{3}' END::int[]) n, LATERAL earn_random_bonus(seed, what || n) b));
	END IF;
	RETURN bonuses;
END $$;

-- What a version, and the policy, may say, each with some likelihood.
CREATE FUNCTION earn_random_keys(seed bigint, what text, likely float8) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	rules jsonb := '{}';
BEGIN
	IF earn_random(seed, what || 'rate?') < 0.6 * likely THEN
		rules := rules || jsonb_build_object('rate', earn_pick(seed, what || 'rate', '{1,2,10,0.5,0.03,1.25,0,3}')::numeric);
	END IF;
	IF earn_random(seed, what || 'per?') < 0.6 * likely THEN
		rules := rules || jsonb_build_object('per', earn_pick(seed, what || 'per', '{1,2,3,7,10,0.5,4.99}')::numeric);
	END IF;
	IF earn_random(seed, what || 'full_steps?') < 0.3 * likely THEN
		rules := rules || jsonb_build_object('full_steps', earn_random(seed, what || 'full_steps') < 0.7);
	END IF;
	IF earn_random(seed, what || 'minimum?') < 0.3 * likely THEN
		rules := rules || jsonb_build_object('minimum', earn_pick(seed, what || 'minimum', '{0,5,20,20.005,50}')::numeric);
	END IF;
	IF earn_random(seed, what || 'rounding?') < 0.8 * likely THEN
		rules := rules || jsonb_build_object('rounding', earn_pick(seed, what || 'rounding', '{truncate,floor,ceiling,half_up,half_down,half_even}'));
	END IF;
	IF earn_random(seed, what || 'decimals?') < 0.3 * likely THEN
		rules := rules || jsonb_build_object('decimals', earn_pick(seed, what || 'decimals', '{0,1,2,6}')::int);
	END IF;
	IF earn_random(seed, what || 'multipliers?') < 0.7 * likely THEN
		rules := rules || jsonb_build_object('multipliers', earn_random_rules(seed, what));
	END IF;
	IF earn_random(seed, what || 'combine?') < 0.8 * likely THEN
		rules := rules || jsonb_build_object('combine', earn_pick(seed, what || 'combine', '{highest,multiply,add}'));
	END IF;
	IF earn_random(seed, what || 'bonuses?') < 0.6 * likely THEN
		rules := rules || jsonb_build_object('bonuses', earn_random_bonuses(seed, what));
	END IF;
	IF earn_random(seed, what || 'caps?') < 0.5 * likely THEN
		rules := rules || jsonb_build_object('caps', earn_random_caps(seed, what || 'caps', '{order,day,month,year,lifetime}'));
	END IF;
	IF earn_random(seed, what || 'max_orders?') < 0.3 * likely THEN
		rules := rules || jsonb_build_object('max_orders', CASE WHEN what <> '' AND earn_random(seed, what || 'no max_orders') < 0.3 THEN '{}'
			ELSE (SELECT jsonb_object_agg(span, earn_pick(seed, what || 'orders' || span, '{0,1,1,2,3}')::int)
				  FROM unnest('{day,month,year,lifetime}'::text[]) span WHERE earn_random(seed, what || 'orders' || span || '?') < 0.2 OR span = earn_pick(seed, what || 'orders', '{day,month,year,lifetime}')) END);
	END IF;
	IF earn_random(seed, what || 'excluded_kinds?') < 0.15 * likely THEN
		rules := rules || '{"excluded_kinds": ["delivery"]}';
	END IF;
	IF earn_random(seed, what || 'excluded_labels?') < 0.25 * likely THEN
		rules := rules || jsonb_build_object('excluded_labels', earn_some(seed, what || 'excluded_labels', '{gift,fuel}'));
	END IF;
	RETURN rules;
END $$;

CREATE FUNCTION earn_random_policy(seed bigint) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	policy jsonb := earn_random_keys(seed, '', 1);
	version jsonb;
	versions jsonb := '[]';
	i int;
BEGIN
	IF earn_random(seed, 'zone?') < 0.75 THEN
		policy := policy || jsonb_build_object('zone', earn_pick(seed, 'zone', '{UTC,Europe/Helsinki,Europe/Helsinki,America/New_York,America/Sao_Paulo,America/St_Johns}'));
	END IF;
	IF earn_random(seed, 'kinds?') < 0.4 THEN
		policy := policy || '{"kinds": {"SALE": "purchase", "delivery": "purchase", "back": "return", "burn": "redemption", "note": "ignore", "friend": "referral"}}';
		-- roles of a ledger of points
		IF earn_random(seed, 'ledger?') < 0.5 THEN
			policy := jsonb_set(policy, '{kinds}', policy->'kinds' || '{"gave": "earn", "undo": "redeem_refund", "corr": "adjust", "xfer": "transfer", "close": "forfeit", "gone": "expire"}');
		END IF;
	END IF;
	IF earn_random(seed, 'returns beyond?') < 0.4 THEN
		policy := policy || jsonb_build_object('returns_beyond', earn_pick(seed, 'returns beyond', '{take,take,drop}'));
	END IF;
	IF earn_random(seed, 'other kinds?') < 0.3 THEN
		policy := policy || jsonb_build_object('other_kinds', earn_pick(seed, 'other kinds', '{ignore,ignore,error}'));
	END IF;
	IF earn_random(seed, 'versions?') < 0.35 THEN
		FOR i IN 1 .. 1 + floor(earn_random(seed, 'versions') * 2)::int LOOP
			version := earn_random_keys(seed, 'version ' || i, 0.5);
			IF version <> '{}' THEN
				versions := versions || (version || jsonb_build_object('from', (earn_pick(seed, 'since', '{2024-01-15,2024-02-29,2024-03-10,2024-03-31}')::date + (i - 1) * 40)));
			END IF;
		END LOOP;
		policy := policy || jsonb_build_object('versions', versions);
	END IF;
	RETURN policy;
END $$;

CREATE FUNCTION earn_random_instant(seed bigint, what text, near timestamptz, zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $$
BEGIN
	RETURN CASE earn_pick(seed, what || 'way', '{same,same,same,midnight,midnight,step,step,step,step,leap,turn}')
		WHEN 'same' THEN near
		WHEN 'midnight' THEN ((near AT TIME ZONE zone)::date + earn_pick(seed, what || 'days', '{0,1,1,2}')::int)::timestamp AT TIME ZONE zone + earn_pick(seed, what || 'nudge', '{0,0,-1 microsecond,10 hours,17 hours}')::interval
		WHEN 'step' THEN date_trunc(earn_pick(seed, what || 'unit', '{microsecond,minute,hour}'), near + earn_random(seed, what || 'step') * earn_pick(seed, what || 'pace', '{5 hours,3 days,40 days}')::interval)
		WHEN 'leap' THEN near + interval '11 months' * earn_random(seed, what || 'leap')
		-- month ends, the leap day, the changes of the clock
		ELSE earn_pick(seed, what || 'turn', ARRAY['2023-12-31 23:59:59.999999Z', '2024-01-31 12:00Z', '2024-02-29 05:00Z', '2024-02-28 22:00Z', '2024-03-31 01:00Z', '2024-03-31 00:30Z', '2024-10-27 00:30Z', '2024-10-27 01:00Z',
			'2024-03-10 07:00Z', '2024-11-03 05:30Z', '2024-11-03 06:30Z', '2018-02-18 01:59:30Z', '2018-02-18 02:30Z', '2005-10-30 02:30:30Z', '2005-10-30 02:31:30Z', '2005-10-30 03:00Z'])::timestamptz
		END;
END $$;

-- A timeline that suits the policy.
CREATE FUNCTION earn_random_timeline(seed bigint, policy jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $$
DECLARE
	zone text := coalesce(policy->>'zone', current_setting('timezone'));
	events jsonb := '[]';
	instants timestamptz[] := ARRAY[earn_pick(seed, 'start', ARRAY['2024-01-06 10:00Z', '2024-02-28 15:00Z', '2024-02-29 00:00Z', '2024-03-09 12:00Z', '2024-10-26 12:00Z', '2023-12-31 22:00Z', '2005-10-29 20:00Z', '2018-02-17 22:00Z'])::timestamptz];
	at timestamptz;
	what text;
	ref text;
	value numeric;
	i int;
	paid int;
	event jsonb;
BEGIN
	IF earn_random(seed, 'birth?') < 0.5 THEN
		events := events || jsonb_build_object('at', earn_pick(seed, 'birth', ARRAY['1992-02-29 12:00Z', '1990-03-31 00:30Z', '2000-01-01 00:00Z', '1985-06-15 10:00Z', '2024-02-29 05:00Z', '1999-10-27 00:00Z'])::timestamptz, 'kind', 'birth');
	END IF;
	FOR i IN 1 .. 1 + floor(earn_random(seed, 'events') * 16)::int LOOP
		at := earn_random_instant(seed, 'at ' || i, instants[greatest(1, cardinality(instants) - floor(earn_random(seed, i || 'near') * 3)::int)], zone);
		instants := instants || at;
		what := earn_pick(seed, i || 'what', '{buy,buy,buy,buy,buy,buy,buy,buy,buy,buy,back,back,back,pay,pay,pay,burn,friend,join,note,odd}');
		IF i = 1 AND earn_random(seed, 'joins?') < 0.3 THEN
			what := 'join';
		ELSIF what = 'join' AND earn_random(seed, i || 'late') < 0.7 THEN
			what := 'buy';
		END IF;
		ref := CASE WHEN earn_random(seed, i || 'ref?') < 0.25 THEN NULL WHEN what = 'pay' THEN '1' ELSE earn_pick(seed, i || 'ref', '{1,1,1,2,10,o4}') END;
		value := CASE WHEN earn_random(seed, i || 'round') < 0.5 THEN earn_pick(seed, i || 'value', '{0,0.5,1,1.5,2.5,5,10,20,30,50,100,450,4.99}')::numeric ELSE round((120 * earn_random(seed, i || 'value'))::numeric, earn_pick(seed, 'decimals', '{0,1,2,2,2,3}')::int) END;
		event := jsonb_strip_nulls(jsonb_build_object('at', at,
			'value', CASE what WHEN 'buy' THEN value WHEN 'back' THEN CASE WHEN policy ? 'kinds' AND earn_random(seed, i || 'sign') < 0.5 THEN value ELSE -value END
				WHEN 'pay' THEN round(value * 0.75, 1) WHEN 'burn' THEN CASE WHEN earn_random(seed, i || 'sign') < 0.5 THEN value ELSE -value END WHEN 'note' THEN value END,
			'kind', CASE what WHEN 'buy' THEN CASE WHEN policy ? 'kinds' THEN earn_pick(seed, i || 'kind', '{SALE,SALE,delivery}') ELSE earn_pick(seed, i || 'kind', '{NULL,NULL,NULL,delivery}') END
				WHEN 'back' THEN CASE WHEN policy ? 'kinds' THEN 'back' END WHEN 'pay' THEN 'paid_with_points' WHEN 'burn' THEN CASE WHEN policy ? 'kinds' THEN 'burn' ELSE 'redeem' END
				WHEN 'friend' THEN CASE WHEN policy ? 'kinds' THEN 'friend' ELSE 'referral' END WHEN 'join' THEN 'join' WHEN 'note' THEN CASE WHEN policy ? 'kinds' THEN 'note' ELSE 'redeem' END
				ELSE CASE WHEN policy ? 'kinds' THEN 'SALE' END END,
			'label', CASE WHEN what IN ('buy', 'back') AND earn_random(seed, i || 'label?') < 0.7 THEN earn_pick(seed, i || 'label', '{food,toys,gift,fuel,books}') END,
			'ref', ref));
		-- what passes through, and what nobody knows
		IF policy->'kinds' ? 'gave' AND earn_random(seed, i || 'ledger') < 0.25 THEN
			event := event || jsonb_build_object('kind', earn_pick(seed, i || 'ledger kind', '{gave,gave,undo,corr,corr,xfer,close,gone}'), 'value', CASE WHEN earn_random(seed, i || 'ledger sign') < 0.5 THEN -value ELSE value END,
				'expires_at', at + interval '40 days');
		ELSIF earn_random(seed, i || 'odd kind') < (CASE WHEN policy->>'other_kinds' = 'ignore' THEN 0.15 ELSE 0.002 END) THEN
			event := event || jsonb_build_object('kind', earn_pick(seed, i || 'odd name', '{page_view,REDEMPTION,Sale}'));
		ELSIF event->>'kind' IS NULL AND earn_random(seed, i || 'named') < 0.2 AND what IN ('buy', 'back') THEN
			event := event || jsonb_build_object('kind', CASE WHEN what = 'buy' THEN 'purchase' ELSE 'return' END);
		END IF;
		-- deliveries are known where the rules name them
		IF event->>'kind' = 'delivery' AND NOT coalesce(policy->'kinds' ? 'delivery' OR policy->'excluded_kinds' ? 'delivery' OR policy @? '$.versions[*].excluded_kinds' OR policy->>'other_kinds' = 'ignore', false) THEN
			event := event || '{"kind": "purchase"}';
		END IF;
		events := events || event;
		-- a purchase that was paid with points: before, at or after it, in one or more payments, for a part of it or for more
		IF what = 'buy' AND earn_random(seed, i || 'paid?') < 0.3 THEN
			FOR paid IN 1 .. 1 + floor(earn_random(seed, i || 'payments') * 2)::int LOOP
				events := events || jsonb_strip_nulls(jsonb_build_object('kind', 'paid_with_points', 'at', CASE earn_pick(seed, i || 'when paid' || paid, '{same,same,same,before,after,after}') WHEN 'same' THEN at
					WHEN 'before' THEN at - interval '1 day' * earn_random(seed, i || 'before' || paid) ELSE earn_random_instant(seed, i || 'after' || paid, at + interval '1 second', zone) END,
					'value', round(value * earn_pick(seed, i || 'share' || paid, '{0.25,0.5,0.5,1,1.5,4}')::numeric, 2), 'ref', ref, 'label', earn_pick(seed, i || 'label of' || paid, '{food,points}')));
			END LOOP;
		END IF;
	END LOOP;
	-- 'NULL' among the choices of an array is no text
	RETURN (SELECT jsonb_agg(CASE WHEN e->>'kind' = 'NULL' THEN e - 'kind' ELSE e END) FROM jsonb_array_elements(events) e);
END $$;
