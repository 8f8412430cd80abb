--
-- Random policies and ledgers, the same for the same seed everywhere; \ir
-- points_reference.sql before it (it needs its calendar).
--
-- A policy and its ledger share a pace (hours, days, months or years), so that points
-- expire, activate and lapse while the ledger goes on; instants are often made to
-- coincide with each other and with what the policy makes fall due. Some ledgers know days
-- only; many refund a redemption twice, at its own instant or before it, take more than
-- there is, or begin with a balance that was brought along.
--

-- Uniform in [0, 1), by seed and by what it is for.
CREATE FUNCTION ref_random(seed bigint, what text) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT ('x' || substr(md5(seed::text || ' ' || what), 1, 8))::bit(32)::bigint / 4294967296.0 $$;

CREATE FUNCTION ref_pick(seed bigint, what text, choices text[]) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT choices[1 + floor(ref_random(seed, what) * cardinality(choices))::int] $$;

CREATE FUNCTION ref_pace(seed bigint) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT ref_pick(seed, 'pace', '{hours,days,days,months,months,months,years}') $$;

CREATE FUNCTION ref_random_span(seed bigint, what text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
	SELECT ref_pick(seed, what, CASE ref_pace(seed)
		WHEN 'hours' THEN '{30 minutes,1 hour,6 hours,12 hours,24 hours,36 hours,1 day,1 day 1 hour}'
		WHEN 'days' THEN '{1 day,2 days,3 days,1 week,14 days,1 day 12 hours,30 days,1 microsecond}'
		WHEN 'months' THEN '{14 days,30 days,1 month,1 month,2 months,3 months,90 days,1 month 15 days,6 months}'
		ELSE '{3 months,6 months,12 months,12 months,1 year,365 days,18 months,24 months}' END::text[])
$$;

-- The rules for the expiry of lots: of the policy (level ''), of a label, of a version.
CREATE FUNCTION ref_random_expiry(seed bigint, level text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	rule jsonb := '{}';
BEGIN
	CASE ref_pick(seed, level || 'expiry', '{none,after,after,after,on}')
		WHEN 'after' THEN
			rule := jsonb_build_object('expires_after', ref_random_span(seed, level || 'expires_after'));
			IF ref_random(seed, level || 'align?') < 0.7 THEN
				rule := rule || jsonb_build_object('expires_align', ref_pick(seed, level || 'align', '{none,none,day,month,quarter,half_year,year}'));
			END IF;
			IF ref_random(seed, level || 'from?') < 0.5 THEN
				rule := rule || jsonb_build_object('expires_from', ref_pick(seed, level || 'from', '{earning,activation,activation}'));
			END IF;
			IF ref_random(seed, level || 'shares?') < 0.25 THEN
				rule := rule || jsonb_build_object('expires_shares', ref_pick(seed, level || 'shares', '{2,3,3,4,12}')::int, 'expires_every', ref_random_span(seed, level || 'every'));
			END IF;
		WHEN 'on' THEN
			rule := jsonb_build_object('expires_on', ref_pick(seed, level || 'on', '{12-31,01-01,02-28,02-29,03-01,03-31,06-30,10-27}'));
		ELSE
	END CASE;
	RETURN rule;
END $$;

CREATE FUNCTION ref_random_by_label(seed bigint, level text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	by_label jsonb := '{}';
	label text;
	rule jsonb;
BEGIN
	FOREACH label IN ARRAY '{promo,partner,gift}'::text[] LOOP
		IF ref_random(seed, level || label || '?') < 0.6 THEN
			rule := ref_random_expiry(seed, level || label);
			by_label := by_label || jsonb_build_object(label, CASE WHEN rule = '{}' THEN '{"expires": "never"}' ELSE rule END);
		END IF;
	END LOOP;
	RETURN CASE WHEN by_label = '{}' THEN '{"promo": {"expires": "never"}}' ELSE by_label END;
END $$;

CREATE FUNCTION ref_random_policy(seed bigint) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	policy jsonb := '{}';
	version jsonb;
	versions jsonb := '[]';
	day date;
	i int;
BEGIN
	IF ref_random(seed, 'zone?') < 0.75 THEN
		policy := policy || jsonb_build_object('zone', ref_pick(seed, 'zone', '{UTC,Europe/Helsinki,Europe/Helsinki,America/New_York,America/New_York}'));
	END IF;
	IF ref_random(seed, 'kinds?') < 0.7 THEN
		policy := policy || jsonb_build_object('kinds', jsonb_build_object(
			'EARN', 'earn', 'bonus', 'earn', 'SPEND', 'redeem', 'burn', 'redeem', 'back', 'return', 'refund', 'redeem_refund', 'corr', 'adjust', 'xfer', 'transfer',
			'close', 'forfeit', 'note', 'ignore'));
		IF ref_random(seed, 'books?') < 0.4 THEN
			policy := jsonb_set(policy, '{kinds,EXP}', '"expire"');
		END IF;
		IF ref_random(seed, 'activates?') < 0.4 THEN
			policy := jsonb_set(policy, '{kinds,conf}', '"activate"');
		END IF;
		IF ref_random(seed, 'blocks?') < 0.5 THEN
			policy := jsonb_set(policy, '{kinds}', policy->'kinds' || '{"hold": "block", "free": "unblock"}');
		END IF;
		IF ref_random(seed, 'grace?') < 0.4 THEN
			policy := jsonb_set(policy, '{kinds,again}', '"reinstate"') || jsonb_build_object('grace_after_expiry', ref_random_span(seed, 'grace'));
		END IF;
	END IF;
	policy := policy || ref_random_expiry(seed, '');
	IF ref_random(seed, 'inactive?') < 0.3 THEN
		policy := policy || jsonb_build_object('inactive_after', CASE WHEN ref_pace(seed) IN ('hours', 'days')
			THEN ref_pick(seed, 'inactive', '{1 day,2 days,24 hours,24 hours,36 hours,1 week}') ELSE ref_pick(seed, 'inactive', '{14 days,1 month,90 days,6 months,365 days,12 months}') END);
		IF ref_random(seed, 'refreshed?') < 0.5 THEN
			policy := policy || jsonb_build_object('refreshed_by', ref_pick(seed, 'refreshed', ARRAY['["earn"]', '["redeem"]', '["redeem"]', '["earn", "redeem"]'])::jsonb);
		END IF;
	END IF;
	IF ref_random(seed, 'boundary?') < 0.5 THEN
		policy := policy || jsonb_build_object('expiry_boundary', ref_pick(seed, 'boundary', '{gone,valid,valid}'));
	END IF;
	IF ref_random(seed, 'by_label?') < 0.35 THEN
		policy := policy || jsonb_build_object('by_label', ref_random_by_label(seed, ''));
	END IF;
	IF ref_random(seed, 'pending?') < 0.5 THEN
		policy := policy || jsonb_build_object('pending', CASE WHEN ref_random(seed, 'no pending') < 0.1 THEN '0' ELSE ref_random_span(seed, 'pending') END);
	END IF;
	IF policy->'kinds' ? 'conf' AND ref_random(seed, 'until?') < 0.4 THEN
		policy := policy - 'pending' || '{"pending_until": "activated"}';
	END IF;
	IF ref_random(seed, 'order?') < 0.7 THEN
		policy := policy || jsonb_build_object('redeem_order', ref_pick(seed, 'order', '{soonest_expiry,oldest,newest}'));
	END IF;
	IF ref_random(seed, 'floor?') < 0.4 THEN
		policy := policy || jsonb_build_object('returns_below_zero', ref_random(seed, 'floor') < 0.3);
	END IF;
	IF ref_random(seed, 'overdraft?') < 0.5 THEN
		policy := policy || jsonb_build_object('overdraft', ref_pick(seed, 'overdraft', '{allow,clip,clip,clip,refuse}'));
	END IF;
	IF ref_random(seed, 'refunds?') < 0.5 THEN
		policy := policy || jsonb_build_object('refunds_beyond', ref_pick(seed, 'refunds', '{drop,new_lot,new_lot}'));
	END IF;
	IF ref_random(seed, 'returns?') < 0.5 THEN
		policy := policy || jsonb_build_object('returns_beyond', ref_pick(seed, 'returns', '{drop,take,take}'));
	END IF;
	IF ref_random(seed, 'versions?') < 0.3 THEN
		day := ref_pick(seed, 'since', '{2024-01-31,2024-02-29,2024-03-10,2024-03-31,2024-07-01}')::date;
		FOR i IN 1 .. 1 + floor(ref_random(seed, 'versions') * 3)::int LOOP
			version := jsonb_build_object('from', day);
			-- a version mostly keeps to the sort of expiry that is in force
			IF ref_random(seed, i || 'other expiry') < 0.15 THEN
				version := version || ref_random_expiry(seed, i || 'other');
				IF version - 'from' = '{}' THEN
					version := version || '{"expires": "never"}';
				END IF;
			ELSIF ref_random(seed, i || 'new expiry') < 0.6 THEN
				IF policy ? 'expires_on' THEN
					version := version || jsonb_build_object('expires_on', ref_pick(seed, i || 'on', '{12-31,04-01,02-29,09-30}'));
				ELSIF policy ? 'expires_after' THEN
					version := version || jsonb_build_object('expires_after', ref_random_span(seed, i || 'after'));
					IF ref_random(seed, i || 'new align') < 0.5 THEN
						version := version || jsonb_build_object('expires_align', ref_pick(seed, i || 'align', '{none,day,month}'));
					END IF;
					IF ref_random(seed, i || 'new shares') < 0.3 THEN
						version := version || CASE WHEN ref_random(seed, i || 'no shares') < 0.3 THEN '{"expires_shares": 1}'
							ELSE jsonb_build_object('expires_shares', ref_pick(seed, i || 'shares', '{2,3,5}')::int, 'expires_every', ref_random_span(seed, i || 'every')) END;
					END IF;
				ELSE
					version := version || jsonb_build_object('expires_after', ref_random_span(seed, i || 'after'), 'expires_align', ref_pick(seed, i || 'align', '{none,day,month}'));
				END IF;
			END IF;
			IF ref_random(seed, i || 'new pending') < 0.4 OR version - 'from' = '{}' THEN
				version := version || jsonb_build_object('pending', CASE WHEN ref_random(seed, i || 'no pending') < 0.3 THEN '0' ELSE ref_random_span(seed, i || 'pending') END);
			END IF;
			IF policy->'kinds' ? 'conf' AND ref_random(seed, i || 'until') < 0.3 THEN
				version := version - 'pending' || '{"pending_until": "activated"}';
			END IF;
			IF ref_random(seed, i || 'new by_label') < 0.3 THEN
				version := version || jsonb_build_object('by_label', ref_random_by_label(seed, i::text));
			END IF;
			versions := versions || version;
			day := day + 1 + floor(ref_random(seed, i || 'later') * CASE ref_pace(seed) WHEN 'hours' THEN 2 WHEN 'days' THEN 10 WHEN 'months' THEN 60 ELSE 300 END)::int;
		END LOOP;
		policy := policy || jsonb_build_object('versions', versions);
	END IF;
	RETURN policy;
END $$;

-- An instant near another: as it is, at its local midnight, one of the policy's intervals later, a step at the ledger's pace.
CREATE FUNCTION ref_random_instant(seed bigint, what text, near timestamptz, policy jsonb) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
	zone text := ref_zone(policy);
	answer timestamptz := near;
	span text;
BEGIN
	CASE ref_pick(seed, what || ' way', '{same,same,midnight,midnight,due,due,due,due at midnight,step,step,step,step,step,step,step,step,turn}')
		WHEN 'same' THEN
		WHEN 'midnight' THEN
			answer := ref_day_start((near AT TIME ZONE zone)::date + ref_pick(seed, what || ' days', '{0,1,1,2}')::int, zone);
		WHEN 'due', 'due at midnight' THEN
			span := coalesce(policy->>ref_pick(seed, what || ' due', '{expires_after,inactive_after,pending}'), policy->>'expires_after', ref_random_span(seed, what || ' span'));
			IF ref_random(seed, what || 'midnight') < 0.5 THEN
				answer := ref_plus(near, span::interval, zone);
			ELSE
				answer := ref_day_start((ref_plus(near, span::interval, zone) AT TIME ZONE zone)::date + ref_pick(seed, what || ' days', '{0,1,1}')::int, zone);
			END IF;
		WHEN 'turn' THEN
			-- month ends, the leap day, the changes of the clock in Helsinki and New York
			answer := ref_pick(seed, what || ' turn', ARRAY['2023-12-31 23:59:59.999999Z', '2024-01-31 12:00Z', '2024-02-29 05:00Z', '2024-02-28 22:00Z', '2024-03-31 01:00Z', '2024-03-31 00:30Z',
				'2024-03-30 22:00Z', '2024-10-27 00:30Z', '2024-10-27 01:00Z', '2024-10-26 21:00Z', '2024-03-10 07:00Z', '2024-03-10 05:00Z', '2024-11-03 05:30Z', '2024-11-03 06:30Z', '2024-11-03 04:00Z'])::timestamptz;
		ELSE
			answer := near + ref_random(seed, what || ' step') * CASE ref_pace(seed) WHEN 'hours' THEN interval '12 hours' WHEN 'days' THEN interval '5 days'
				WHEN 'months' THEN interval '40 days' ELSE interval '250 days' END;
			answer := date_trunc(ref_pick(seed, what || ' unit', '{microsecond,second,hour,day}'), answer, 'UTC');
	END CASE;
	IF ref_random(seed, what || 'next to') < 0.1 THEN
		answer := answer + ref_pick(seed, what || ' nudge', '{-1 microsecond,1 microsecond}')::interval;
	END IF;
	RETURN answer;
END $$;

-- A ledger that suits the policy.
CREATE FUNCTION ref_random_ledger(seed bigint, policy jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	events jsonb := '[]';
	event jsonb;
	instants timestamptz[];
	at timestamptz;
	value numeric;
	kind text;
	role text;
	ref text;
	expires_at text;
	decimals int := ref_pick(seed, 'decimals', '{0,0,0,1,2,4}')::int;
	size numeric := ref_pick(seed, 'size', '{10,100,1000}')::numeric;
	refs boolean := ref_random(seed, 'refs?') < 0.8;
	labels boolean := ref_random(seed, 'labels?') < 0.7;
	days_only boolean := ref_random(seed, 'days only?') < 0.25;
	brought boolean := ref_random(seed, 'brought?') < 0.2;
	greed numeric := ref_pick(seed, 'greed', '{0.3,0.6,0.6,1.5}')::numeric;
	again jsonb;
	last_at timestamptz;
	i int;
BEGIN
	instants := ARRAY[ref_pick(seed, 'start', ARRAY['2024-01-31 10:00Z', '2024-02-28 15:00Z', '2024-02-29 00:00Z', '2024-03-09 12:00Z', '2024-03-29 22:00Z', '2024-10-26 12:00Z', '2024-11-02 12:00Z',
		'2023-11-30 23:00Z', '2024-01-01 00:00Z', '2024-05-15 08:30:15.123456Z'])::timestamptz];
	FOR i IN 1 .. 1 + floor(ref_random(seed, 'events') * 25)::int LOOP
		-- after one of the last few
		at := ref_random_instant(seed, 'at ' || i, instants[greatest(1, cardinality(instants) - floor(ref_random(seed, i || 'near') * 4)::int)], policy);
		IF days_only THEN
			at := ref_day_start((at AT TIME ZONE ref_zone(policy))::date, ref_zone(policy));
		END IF;
		instants := instants || at;
		value := greatest(round((size * ref_random(seed, i || 'value'))::numeric, decimals), power(10::numeric, -decimals));
		role := ref_pick(seed, i || 'role', '{EARN,EARN,EARN,EARN,EARN,bonus,bonus,SPEND,SPEND,SPEND,burn,back,back,refund,refund,refund,corr,xfer,close,note,EXP,again,again,conf,conf,hold,hold,free}');
		IF i <= 2 AND ref_random(seed, 'starts by earning') < 0.8 THEN
			role := 'EARN';
		ELSIF role NOT IN ('EARN', 'bonus') THEN
			value := greatest(round(value * greed, decimals), power(10::numeric, -decimals));
		END IF;
		IF i = 1 AND brought THEN
			role := ref_pick(seed, 'brought', '{corr,xfer}');
		END IF;
		kind := NULL;
		IF policy ? 'kinds' THEN
			kind := CASE WHEN policy->'kinds' ? role THEN role ELSE 'EARN' END;
			IF (kind IN ('corr', 'xfer') AND ref_random(seed, i || 'sign') < 0.5 AND NOT (i = 1 AND brought)) OR (kind NOT IN ('EARN', 'bonus', 'corr', 'xfer') AND ref_random(seed, i || 'sign') < 0.3)
				OR (kind IN ('EARN', 'bonus') AND ref_random(seed, i || 'sign') < 0.06) THEN
				value := -value;
			END IF;
		ELSE
			kind := CASE WHEN ref_random(seed, i || 'kind') < 0.3 THEN role END;
			IF role NOT IN ('EARN', 'bonus', 'refund', 'xfer', 'note', 'EXP') THEN
				value := -value;
			END IF;
		END IF;
		-- what has expired comes back, all of it or so much
		IF kind IN ('again', 'conf', 'hold', 'free') AND ref_random(seed, i || 'all again') < 0.5 THEN
			value := NULL;
		END IF;
		-- earnings and their returns, redemptions and their refunds share refs
		ref := CASE WHEN NOT refs OR ref_random(seed, i || 'ref?') < 0.2 THEN NULL
			WHEN role IN ('SPEND', 'burn', 'refund') THEN ref_pick(seed, i || 'ref', '{r1,r1,r1,-7,9007199254740993}')
			ELSE ref_pick(seed, i || 'ref', '{1,2,3,10,o4,o5}') END;
		expires_at := CASE WHEN ref_random(seed, i || 'own?') < 0.85 THEN NULL
			WHEN ref_random(seed, i || 'own') < 0.2 THEN 'infinity'
			WHEN ref_random(seed, i || 'own') < 0.35 THEN (at - interval '1 day')::text
			WHEN ref_random(seed, i || 'own') < 0.5 THEN at::text
			ELSE ref_random_instant(seed, 'own ' || i, at, policy)::text END;
		IF policy ? 'kinds' AND ref_random(seed, i || 'odd') < 0.001 THEN
			kind := ref_pick(seed, i || 'odd kind', '{odd,NULL}');
		END IF;
		IF ref_random(seed, i || 'nothing') < 0.04 THEN
			value := CASE WHEN ref_random(seed, i || 'zero') < 0.5 THEN 0 END;
		END IF;
		event := jsonb_strip_nulls(jsonb_build_object('at', at, 'value', value, 'kind', kind,
			'label', CASE WHEN labels AND ref_random(seed, i || 'label?') < 0.7 THEN ref_pick(seed, i || 'label', '{promo,promo,partner,gift,shop}') END,
			'ref', ref, 'expires_at', CASE WHEN expires_at = 'infinity' THEN 'infinity' ELSE to_jsonb(expires_at::timestamptz)#>>'{}' END));
		events := events || event;
		-- the same again, or the like at the same instant
		IF ref_random(seed, i || 'twice') < 0.05 THEN
			events := events || event;
		END IF;
		-- refunds of a redemption, returns of an earning, the document of an earning again: at the same instant, before or after it, for more or less
		IF kind IS NOT NULL AND policy ? 'kinds' AND value <> 0 AND (kind IN ('SPEND', 'burn') AND ref_random(seed, i || 'follow') < 0.5 OR kind IN ('EARN', 'bonus') AND ref_random(seed, i || 'follow') < 0.1) THEN
			FOR k IN 1 .. 1 + floor(ref_random(seed, i || 'follows') * 2)::int LOOP
				last_at := CASE ref_pick(seed, i || 'when' || k, '{same,same,before,after,after}') WHEN 'same' THEN at
					WHEN 'before' THEN at - ref_pick(seed, i || 'how long' || k, '{1 microsecond,1 day,10 days}')::interval
					ELSE ref_random_instant(seed, i || 'later' || k, at, policy) END;
				again := event || jsonb_build_object('at', CASE WHEN days_only THEN ref_day_start((last_at AT TIME ZONE ref_zone(policy))::date, ref_zone(policy)) ELSE last_at END,
					'kind', CASE WHEN kind IN ('SPEND', 'burn') THEN 'refund' ELSE ref_pick(seed, i || 'what' || k, ARRAY['back', 'back', kind]) END,
					'value', CASE ref_pick(seed, i || 'much' || k, '{all,all,part,part,more}') WHEN 'all' THEN abs(value) WHEN 'more' THEN 2 * abs(value)
						ELSE greatest(round(abs(value) / 3, decimals), power(10::numeric, -decimals)) END);
				events := events || (again - ref_pick(seed, i || 'lacks' || k, '{nothing,nothing,nothing,label,ref}'));
			END LOOP;
		END IF;
	END LOOP;
	RETURN events;
END $$;
