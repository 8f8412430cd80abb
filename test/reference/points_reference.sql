--
-- The rules of points, slow and obvious: a walk over one customer's events,
-- one thing at a time, in PL/pgSQL. Nothing of the extension is needed.
--
-- events: a jsonb array of {"at", "value", "kind", "label", "ref", "expires_at"}
-- policy: jsonb, as points_policy writes it; taken to be valid
--
\ir days.sql
CREATE TYPE ref_event AS (at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz, role text);

-- points that came in at one event; no is its place in the array of lots, emptied is what took from it last
CREATE TYPE ref_lot AS (no int, earned_at timestamptz, role text, kind text, label text, ref text, points numeric, remaining numeric,
						available_at timestamptz, expires_at timestamptz, pending boolean, emptied text);

-- what a redemption took, from a lot, or (lot NULL) as a debt, and what nothing gave back yet
CREATE TYPE ref_use AS (at timestamptz, ref text, lot int, taken numeric, points numeric);

-- a computed expiry that no booking matched yet
CREATE TYPE ref_unbooked AS (at timestamptz, ref text, points numeric);

-- One effect of one entry of the statement. points is what it does to its role's column of
-- the summary (taken is negative); active, pending and debt are what it does to these.
CREATE TYPE ref_move AS (entry int, at timestamptz, step int, role text, label text, ref text, lot int,
						 points numeric, active numeric, pending numeric, debt numeric);

-- One entry of the statement, be it without effect: an event with its points, or what falls due.
CREATE TYPE ref_entry AS (entry int, at timestamptz, step int, role text, label text, ref text, points numeric);

CREATE TYPE ref_violation AS (at timestamptz, ref text, problem text, points numeric);

-- ---- calendar ----

CREATE FUNCTION ref_zone(policy jsonb) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT coalesce(policy->>'zone', current_setting('timezone')) $$;

CREATE FUNCTION ref_day_start(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT ref_day_begins(day, zone) $$;

-- instant + interval as PostgreSQL does it in a session of that zone
CREATE FUNCTION ref_plus(instant timestamptz, span interval, zone text) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
	session_zone text := current_setting('timezone');
	answer timestamptz;
BEGIN
	PERFORM set_config('timezone', zone, true);
	answer := instant + span;
	PERFORM set_config('timezone', session_zone, true);
	RETURN answer;
END $$;

-- ---- rules ----

-- The rules in force on a day: each version replaces the keys that it names, and what those exclude.
CREATE FUNCTION ref_rules(policy jsonb, day date) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	rules jsonb := policy - 'versions';
	version jsonb;
BEGIN
	FOR version IN SELECT v FROM jsonb_array_elements(policy->'versions') v ORDER BY (v->>'from')::date LOOP
		IF (version->>'from')::date <= day THEN
			IF version ?| '{expires,expires_on}' THEN
				rules := rules - '{expires,expires_on,expires_after,expires_from,expires_align}'::text[];
			ELSIF version ? 'expires_after' THEN
				rules := rules - '{expires,expires_on}'::text[];
			END IF;
			rules := rules || (version - 'from');
		END IF;
	END LOOP;
	RETURN rules;
END $$;

-- When points earned then, and available then, expire; NULL is never.
CREATE FUNCTION ref_expiry(rules jsonb, label text, own timestamptz, earned_at timestamptz, available_at timestamptz, zone text) RETURNS timestamptz
LANGUAGE plpgsql AS $$
DECLARE
	rule jsonb := coalesce(rules->'by_label'->label, rules);
	exactly timestamptz;
	base timestamp;
	year int;
	month int;
	day int;
	candidate timestamptz;
BEGIN
	IF own IS NOT NULL THEN
		RETURN nullif(own, 'infinity');
	ELSIF rule->>'expires' = 'never' THEN
		RETURN NULL;
	ELSIF rule ? 'expires_on' THEN
		month := split_part(rule->>'expires_on', '-', 1);
		day := split_part(rule->>'expires_on', '-', 2);
		year := extract(year FROM earned_at AT TIME ZONE zone);
		LOOP
			-- 02-29 is the last day of February
			candidate := ref_day_start(CASE WHEN month = 2 AND day = 29 THEN make_date(year, 3, 1) - 1 ELSE make_date(year, month, day) END, zone);
			IF candidate > earned_at THEN
				RETURN candidate;
			END IF;
			year := year + 1;
		END LOOP;
	ELSIF rule ? 'expires_after' THEN
		exactly := ref_plus(CASE rule->>'expires_from' WHEN 'activation' THEN available_at ELSE earned_at END, (rule->>'expires_after')::interval, zone);
		IF rule->>'expires_align' = 'none' THEN
			RETURN exactly;
		END IF;
		base := exactly AT TIME ZONE zone;
		RETURN CASE coalesce(rule->>'expires_align', 'day')
			WHEN 'day' THEN date_trunc('day', base) + interval '1 day'
			WHEN 'month' THEN date_trunc('month', base) + interval '1 month'
			WHEN 'quarter' THEN date_trunc('quarter', base) + interval '3 months'
			WHEN 'half_year' THEN date_trunc('year', base) + CASE WHEN extract(month FROM base) <= 6 THEN interval '6 months' ELSE interval '12 months' END
			WHEN 'year' THEN date_trunc('year', base) + interval '1 year'
		END AT TIME ZONE zone;
	END IF;
	RETURN NULL;
END $$;

-- When all points go after this refresh: at the start of a local day, later than its own.
CREATE FUNCTION ref_inactive(refreshed_at timestamptz, inactive_after interval, zone text) RETURNS timestamptz
LANGUAGE sql AS $$
	SELECT ref_day_start(greatest((ref_plus(refreshed_at, inactive_after, zone) AT TIME ZONE zone)::date, (refreshed_at AT TIME ZONE zone)::date + 1), zone)
$$;

-- The role of an event; NULL where it does nothing.
CREATE FUNCTION ref_role(kind text, value numeric, policy jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	role text;
BEGIN
	IF value IS NULL OR value = 0 THEN
		RETURN NULL;
	ELSIF NOT policy ? 'kinds' THEN
		RETURN CASE WHEN value > 0 THEN 'earn' ELSE 'redeem' END;
	END IF;
	role := policy->'kinds'->>kind;
	IF role IS NULL THEN
		RAISE EXCEPTION '%', coalesce('unknown kind "' || kind || '"', 'event without kind') USING ERRCODE = '22023';
	END IF;
	RETURN CASE WHEN role = 'ignore' THEN NULL WHEN role = 'earn' AND value < 0 THEN 'return' ELSE role END;
END $$;

-- The order of refs: absent, numbers, texts. A text written as a bigint is a number.
CREATE FUNCTION ref_number(ref text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT CASE WHEN ref ~ '^(0|-?[1-9][0-9]{0,18})$' AND ref::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN ref::numeric END
$$;

-- Events that do something, in the order in which they do it.
CREATE FUNCTION ref_events(events jsonb, policy jsonb, last_at timestamptz, with_last boolean) RETURNS ref_event[]
LANGUAGE sql STABLE AS $$
	SELECT coalesce(array_agg(ROW(at, value, kind, label, ref, expires_at, role)::ref_event ORDER BY
		at,
		array_position(ARRAY['earn', 'redeem_refund', 'adjust', 'transfer', 'return', 'redeem', 'forfeit', 'expire'], role),
		role IN ('adjust', 'transfer') AND value < 0,
		kind COLLATE "C" NULLS FIRST,
		label COLLATE "C" NULLS FIRST,
		ref IS NOT NULL, ref_number(ref) NULLS LAST, ref COLLATE "C",
		value,
		expires_at NULLS FIRST), '{}')
	FROM (SELECT e.*, ref_role(e.kind, e.value, policy) AS role
		  FROM jsonb_to_recordset(events) AS e(at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz)
		  WHERE at < last_at OR at = last_at AND with_last
		  OFFSET 0) e
	WHERE role IS NOT NULL
$$;

-- ---- the walk ----

--
-- State of one customer at the end of a local day, or at an instant (one of the two). An
-- object with
--   summary      the columns of points_summary
--   lots         in order of making
--   redemptions  what redemptions took (from a lot, or as a debt), and what of it was not given back
--   moves        the effects of all entries, in order
--   entries      the entries themselves
--   schedule     expires_at, points: what expires later if nothing else happens
--   violations   in order of their instants
--
-- At one instant: step 1 expiry where the boundary is exclusive, 2 activation, 3 events,
-- 4 expiry where the boundary is inclusive. The end of a day is between steps 1 and 2 of
-- the next day's start. lenient: overdraft "refuse" is as "clip".
--
CREATE FUNCTION ref_points(events jsonb, policy jsonb, as_of date, instant timestamptz, lenient boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	zone text := ref_zone(policy);
	expiry_step int := CASE WHEN policy->>'expiry_boundary' = 'valid' THEN 4 ELSE 1 END;
	redeem_order text := coalesce(policy->>'redeem_order', 'soonest_expiry');
	overdraft text := coalesce(policy->>'overdraft', 'allow');
	books boolean := jsonb_path_exists(policy, '$.kinds.* ? (@ == "expire")');
	limit_at timestamptz := coalesce(instant, ref_day_start(as_of + 1, zone));
	limit_step int := CASE WHEN instant IS NULL THEN 1 ELSE 4 END;

	todo ref_event[] := ref_events(events, policy, limit_at, limit_step >= 3);
	done int := 0;

	-- state
	clock timestamptz := '-infinity';
	clock_step int := 0;
	lots ref_lot[] := '{}';
	uses ref_use[] := '{}';
	returns ref_use[] := '{}';
	unbooked ref_unbooked[] := '{}';
	moves ref_move[] := '{}';
	entries ref_entry[] := '{}';
	violations ref_violation[] := '{}';
	entry int := 0;
	debt numeric := 0;
	earned numeric := 0;
	adjusted numeric := 0;
	transferred numeric := 0;
	reinstated numeric := 0;
	redeemed numeric := 0;
	unmet numeric := 0;
	returned numeric := 0;
	expired numeric := 0;
	forfeited numeric := 0;
	last_activity_at timestamptz;
	inactive_at timestamptz;

	-- the thing that comes next
	next_at timestamptz;
	next_step int;
	next_expiry_at timestamptz;
	next_activation_at timestamptz;
	e ref_event;
	x numeric;
	rest numeric;
	part numeric;
	paid numeric;
	gain numeric;
	i int;
	lot ref_lot;
	queue int[];
	dead boolean;
	allowed numeric;
	so_far numeric;
	matched numeric;
	unfounded numeric;
	edge timestamptz;
	rules jsonb;
	active numeric;
	pending numeric;

	-- the answer, when the limit is reached
	answer jsonb;
	schedule jsonb := '[]';
BEGIN
	IF num_nonnulls(as_of, instant) <> 1 THEN
		RAISE EXCEPTION 'as_of or instant';
	END IF;
	IF lenient AND overdraft = 'refuse' THEN
		overdraft := 'clip';
	END IF;

	LOOP
		-- ---- the identity ----

		SELECT coalesce(sum(l.remaining) FILTER (WHERE NOT l.pending), 0), coalesce(sum(l.remaining) FILTER (WHERE l.pending), 0)
		INTO active, pending FROM unnest(lots) l;
		IF earned + reinstated + adjusted + transferred <> redeemed + returned + expired + forfeited + pending + active - debt THEN
			RAISE EXCEPTION 'identity broken after % events at %: %', done, clock, events;
		END IF;
		IF debt < 0 OR EXISTS (SELECT FROM unnest(lots) l
							   WHERE l.remaining NOT BETWEEN 0 AND l.points
								  OR l.remaining > 0 AND NOT l.pending AND debt > 0 AND (coalesce(l.expires_at, 'infinity'), expiry_step) > (clock, clock_step)) THEN
			RAISE EXCEPTION 'impossible state after % events at %: %', done, clock, events;
		END IF;

		-- ---- what comes next ----

		SELECT least(min(l.expires_at), inactive_at), min(l.available_at) FILTER (WHERE l.pending)
		INTO next_expiry_at, next_activation_at FROM unnest(lots) l WHERE l.remaining > 0;
		SELECT t.at, t.step INTO next_at, next_step
		FROM (VALUES (next_expiry_at, expiry_step), (next_activation_at, 2), (todo[done + 1].at, 3)) t(at, step)
		WHERE t.at IS NOT NULL ORDER BY t.at, t.step LIMIT 1;

		-- ---- the limit: take the picture, then go on without events for the schedule ----

		IF answer IS NULL AND (next_at IS NULL OR (next_at, next_step) > (limit_at, limit_step)) THEN
			answer := jsonb_build_object(
				'summary', jsonb_build_object(
					'balance', active - debt, 'earned', earned, 'pending', pending, 'active', active, 'redeemed', redeemed,
					'expired', expired, 'returned', returned, 'adjusted', adjusted, 'transferred', transferred,
					'forfeited', forfeited, 'reinstated', reinstated, 'overdrawn', debt, 'unmet', unmet,
					'last_activity_at', last_activity_at),
				'lots', (SELECT coalesce(jsonb_agg(jsonb_build_object(
							'earned_at', l.earned_at, 'kind', l.kind, 'label', l.label, 'ref', l.ref, 'points', l.points, 'remaining', l.remaining,
							'available_at', l.available_at, 'expires_at', l.expires_at,
							'state', CASE WHEN l.remaining > 0 AND l.pending THEN 'pending' WHEN l.remaining > 0 THEN 'active' ELSE l.emptied END) ORDER BY l.no), '[]')
						 FROM unnest(lots) l),
				'redemptions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
							'redeemed_at', u.at, 'redeem_ref', u.ref, 'earned_at', lots[u.lot].earned_at, 'earn_ref', lots[u.lot].ref,
							'label', lots[u.lot].label, 'taken', u.taken, 'points', u.points) ORDER BY u.n), '[]')
						 FROM unnest(uses) WITH ORDINALITY u(at, ref, lot, taken, points, n)),
				'moves', to_jsonb(moves),
				'entries', to_jsonb(entries),
				'violations', (SELECT coalesce(jsonb_agg(to_jsonb(v) ORDER BY v.at), '[]')
						 FROM (SELECT * FROM unnest(violations)
							   UNION ALL
							   SELECT u.at, u.ref, 'computed expiry that was never booked', u.points FROM unnest(unbooked) u WHERE u.points > 0) v));
		END IF;
		EXIT WHEN next_at IS NULL;
		IF (next_at, next_step) > (clock, clock_step) THEN
			clock := next_at;
			clock_step := next_step;
		END IF;

		-- ---- expiry, by the lots' rule or by inactivity ----

		IF next_step = expiry_step THEN
			FOREACH lot IN ARRAY lots LOOP
				CONTINUE WHEN lot.remaining = 0 OR (lot.expires_at IS DISTINCT FROM next_at AND inactive_at IS DISTINCT FROM next_at);
				i := lot.no;
				part := lot.remaining;
				lots[i].remaining := 0;
				lots[i].emptied := 'expired';
				expired := expired + part;
				entry := entry + 1;
				entries := entries || ROW(entry, clock, clock_step, 'expire', lot.label, lot.ref, -part)::ref_entry;
				moves := moves || ROW(entry, clock, clock_step, 'expire', lot.label, lot.ref, i, -part,
									  CASE WHEN lot.pending THEN 0 ELSE -part END, CASE WHEN lot.pending THEN -part ELSE 0 END, 0)::ref_move;
				IF books THEN
					unbooked := unbooked || ROW(clock, lot.ref, part)::ref_unbooked;
				END IF;
				IF answer IS NOT NULL THEN
					schedule := schedule || jsonb_build_object('expires_at', clock, 'points', part);
				END IF;
			END LOOP;
			IF inactive_at = next_at THEN
				inactive_at := NULL;
			END IF;
			CONTINUE;
		END IF;

		-- ---- activation: pays a debt first ----

		IF next_step = 2 THEN
			FOREACH lot IN ARRAY lots LOOP
				CONTINUE WHEN lot.remaining = 0 OR NOT lot.pending OR lot.available_at <> next_at;
				i := lot.no;
				paid := least(debt, lot.remaining);
				debt := debt - paid;
				lots[i].pending := false;
				lots[i].remaining := lot.remaining - paid;
				lots[i].emptied := 'spent';
				entry := entry + 1;
				entries := entries || ROW(entry, clock, 2, 'activate', lot.label, lot.ref, lot.remaining)::ref_entry;
				moves := moves || ROW(entry, clock, 2, 'activate', lot.label, lot.ref, i, 0, lot.remaining - paid, -lot.remaining, -paid)::ref_move;
			END LOOP;
			CONTINUE;
		END IF;

		-- ---- an event ----

		done := done + 1;
		e := todo[done];
		x := abs(e.value);
		entry := entry + 1;
		entries := entries || ROW(entry, clock, 3, e.role, e.label, e.ref,
								  CASE WHEN e.role IN ('earn', 'redeem_refund') THEN x WHEN e.role IN ('adjust', 'transfer') THEN e.value ELSE -x END)::ref_entry;
		rest := x;  -- what is still to be taken or given back
		gain := 0;  -- what becomes a lot

		IF e.role IN ('earn', 'redeem') THEN
			last_activity_at := e.at;
			IF policy ? 'inactive_after' AND coalesce(policy->'refreshed_by', '["earn", "redeem"]') ? e.role THEN
				inactive_at := ref_inactive(e.at, (policy->>'inactive_after')::interval, zone);
			END IF;
		END IF;

		IF e.role = 'earn' OR (e.role IN ('adjust', 'transfer') AND e.value > 0) THEN
			gain := x;
			CASE e.role
				WHEN 'earn' THEN earned := earned + x;
				WHEN 'adjust' THEN adjusted := adjusted + x;
				WHEN 'transfer' THEN transferred := transferred + x;
			END CASE;

		ELSIF e.role = 'redeem_refund' THEN
			reinstated := reinstated + x;
			-- first what became a debt
			FOR i IN SELECT u.n FROM unnest(uses) WITH ORDINALITY u(at, ref, lot, taken, points, n) WHERE u.ref = e.ref AND u.lot IS NULL ORDER BY u.n DESC LOOP
				part := least(rest, debt, uses[i].points);
				CONTINUE WHEN part = 0;
				uses[i].points := uses[i].points - part;
				debt := debt - part;
				rest := rest - part;
				moves := moves || ROW(entry, clock, 3, e.role, e.label, e.ref, NULL, part, 0, 0, -part)::ref_move;
			END LOOP;
			-- then to the lots, what was taken last goes back first
			FOR i IN SELECT u.n FROM unnest(uses) WITH ORDINALITY u(at, ref, lot, taken, points, n) WHERE u.ref = e.ref AND u.lot IS NOT NULL ORDER BY u.n DESC LOOP
				part := least(rest, uses[i].points);
				CONTINUE WHEN part = 0;
				uses[i].points := uses[i].points - part;
				rest := rest - part;
				lot := lots[uses[i].lot];
				-- pays a debt first, unless its time is over: then it expires at once
				dead := (coalesce(lot.expires_at, 'infinity'), expiry_step) < (clock, 3);
				paid := CASE WHEN dead THEN 0 ELSE least(debt, part) END;
				debt := debt - paid;
				lots[lot.no].remaining := lot.remaining + part - paid;
				lots[lot.no].emptied := 'spent';
				moves := moves || ROW(entry, clock, 3, e.role, e.label, e.ref, lot.no, part, part - paid, 0, -paid)::ref_move;
			END LOOP;
			gain := rest;

		ELSE
			-- ---- taking: from which lots, in which order ----
			SELECT coalesce(array_agg(l.no ORDER BY
				CASE WHEN e.role = 'return' THEN CASE WHEN l.role = 'earn' AND l.ref = e.ref THEN 1 WHEN l.pending THEN 2 ELSE 3 END
					 ELSE CASE WHEN l.pending THEN 2 ELSE 1 END END,
				-- newest first
				CASE WHEN e.role = 'return' OR l.pending OR (e.role <> 'expire' AND redeem_order = 'newest') THEN l.no END DESC,
				-- soonest expiry first
				CASE WHEN e.role = 'expire' OR redeem_order = 'soonest_expiry' THEN l.expires_at END NULLS LAST,
				-- oldest first
				l.no), '{}')
			INTO queue FROM unnest(lots) l
			WHERE l.remaining > 0 AND NOT (l.pending AND e.role = 'redeem');

			IF e.role = 'expire' THEN
				-- a booking stands for what has expired already, the oldest first
				matched := 0;
				FOR i IN 1 .. cardinality(unbooked) LOOP
					part := least(rest, unbooked[i].points);
					unbooked[i].points := unbooked[i].points - part;
					rest := rest - part;
					matched := matched + part;
				END LOOP;
				-- and for what will have gone by the end of its day
				unfounded := rest;
				edge := ref_day_start((e.at AT TIME ZONE zone)::date + 1, zone);
				FOREACH i IN ARRAY queue LOOP
					part := least(rest, lots[i].remaining);
					rest := rest - part;
					IF (least(lots[i].expires_at, inactive_at), expiry_step) <= (edge, 1) THEN
						unfounded := unfounded - part;
					END IF;
				END LOOP;
				IF unfounded > 0 THEN
					violations := violations || ROW(e.at, e.ref, 'booked expiry that the rules don''t give', unfounded)::ref_violation;
				END IF;
				rest := x - matched;
			END IF;
			IF e.role = 'redeem' AND x > active THEN
				IF overdraft = 'refuse' THEN
					RAISE EXCEPTION 'redemption of % points at %, ref %, where % are available', x, e.at, coalesce(e.ref, 'absent'), active USING ERRCODE = '22023';
				END IF;
				-- pending points stand for what was owed before first
				part := least(x - active, greatest(pending - debt, 0));
				IF part > 0 THEN
					violations := violations || ROW(e.at, e.ref, 'redemption of points still pending', part)::ref_violation;
				END IF;
				IF x - active > part THEN
					violations := violations || ROW(e.at, e.ref, 'redemption beyond the balance', x - active - part)::ref_violation;
				END IF;
			END IF;

			IF e.role = 'return' THEN
				-- of what was earned under its ref, if something was; else of all; an excess counts once
				allowed := (SELECT sum(l.points) FROM unnest(lots) l WHERE l.role = 'earn' AND l.ref = e.ref);
				so_far := (SELECT coalesce(sum(r.points), 0) FROM unnest(returns) r WHERE allowed IS NULL OR r.ref = e.ref);
				allowed := greatest(0, coalesce(allowed, earned) - so_far);
				returns := returns || ROW(e.at, e.ref, NULL, x, least(x, allowed))::ref_use;
				IF x > allowed THEN
					violations := violations || ROW(e.at, e.ref, 'return of more than was earned', x - allowed)::ref_violation;
				END IF;
			END IF;

			FOREACH i IN ARRAY queue LOOP
				part := least(rest, lots[i].remaining);
				CONTINUE WHEN part = 0;
				lots[i].remaining := lots[i].remaining - part;
				lots[i].emptied := CASE e.role WHEN 'redeem' THEN 'spent' WHEN 'return' THEN 'returned' WHEN 'adjust' THEN 'adjusted'
										WHEN 'transfer' THEN 'transferred' WHEN 'forfeit' THEN 'forfeited' ELSE 'expired' END;
				rest := rest - part;
				moves := moves || ROW(entry, clock, 3, e.role, e.label, e.ref, i, -part,
									  CASE WHEN lots[i].pending THEN 0 ELSE -part END, CASE WHEN lots[i].pending THEN -part ELSE 0 END, 0)::ref_move;
				CASE e.role
					WHEN 'redeem' THEN
						redeemed := redeemed + part;
						uses := uses || ROW(e.at, e.ref, i, part, part)::ref_use;
					WHEN 'return' THEN returned := returned + part;
					WHEN 'adjust' THEN adjusted := adjusted - part;
					WHEN 'transfer' THEN transferred := transferred - part;
					WHEN 'forfeit' THEN forfeited := forfeited + part;
					WHEN 'expire' THEN expired := expired + part;
				END CASE;
			END LOOP;

			-- ---- what the lots didn't cover ----
			IF e.role = 'redeem' AND overdraft = 'clip' THEN
				unmet := unmet + rest;
			ELSIF rest > 0 AND (e.role IN ('redeem', 'adjust', 'transfer') OR e.role = 'return' AND coalesce((policy->>'returns_below_zero')::boolean, true)) THEN
				debt := debt + rest;
				moves := moves || ROW(entry, clock, 3, e.role, e.label, e.ref, NULL, -rest, 0, 0, rest)::ref_move;
				CASE e.role
					WHEN 'redeem' THEN
						redeemed := redeemed + rest;
						uses := uses || ROW(e.at, e.ref, NULL, rest, rest)::ref_use;
					WHEN 'return' THEN returned := returned + rest;
					WHEN 'adjust' THEN adjusted := adjusted - rest;
					WHEN 'transfer' THEN transferred := transferred - rest;
				END CASE;
			END IF;
		END IF;

		-- ---- a new lot ----

		IF gain > 0 THEN
			rules := ref_rules(policy, (e.at AT TIME ZONE zone)::date);
			lot := NULL;
			lot.no := cardinality(lots) + 1;
			lot.earned_at := e.at;
			lot.role := e.role;
			lot.kind := e.kind;
			lot.label := e.label;
			lot.ref := e.ref;
			lot.points := gain;
			lot.available_at := CASE WHEN e.role = 'earn' THEN ref_plus(e.at, coalesce(rules->>'pending', '0')::interval, zone) ELSE e.at END;
			lot.expires_at := ref_expiry(rules, e.label, e.expires_at, e.at, lot.available_at, zone);
			lot.pending := lot.available_at > e.at;
			lot.emptied := 'spent';
			-- pays a debt first, unless it is pending or its time is over: then it expires at once
			dead := (coalesce(lot.expires_at, 'infinity'), expiry_step) < (clock, 3);
			paid := CASE WHEN lot.pending OR dead THEN 0 ELSE least(debt, gain) END;
			debt := debt - paid;
			lot.remaining := gain - paid;
			lots := lots || lot;
			moves := moves || ROW(entry, clock, 3, e.role, e.label, e.ref, lot.no, gain,
								  CASE WHEN lot.pending THEN 0 ELSE lot.remaining END, CASE WHEN lot.pending THEN lot.remaining ELSE 0 END, -paid)::ref_move;
		END IF;
	END LOOP;

	-- ---- later expiries, by instant ----

	SELECT coalesce(jsonb_agg(jsonb_build_object('expires_at', s.expires_at, 'points', s.points) ORDER BY s.expires_at), '[]')
	INTO schedule
	FROM (SELECT r.expires_at, sum(r.points) AS points FROM jsonb_to_recordset(schedule) AS r(expires_at timestamptz, points numeric) GROUP BY 1) s;
	RETURN jsonb_set(answer || jsonb_build_object('schedule', schedule), '{summary}', answer->'summary' || jsonb_build_object(
		'next_expiry_at', schedule->0->'expires_at', 'next_expiry_points', schedule->0->'points'));
END $$;

-- ---- readings of the walk ----

CREATE FUNCTION ref_points_balance(events jsonb, policy jsonb, as_of date) RETURNS numeric
LANGUAGE sql AS $$ SELECT (ref_points(events, policy, as_of, NULL)->'summary'->>'balance')::numeric $$;

CREATE FUNCTION ref_points_balance_at(events jsonb, policy jsonb, instant timestamptz) RETURNS numeric
LANGUAGE sql AS $$ SELECT (ref_points(events, policy, NULL, instant)->'summary'->>'balance')::numeric $$;

CREATE FUNCTION ref_points_summary(events jsonb, policy jsonb, as_of date)
RETURNS TABLE(balance numeric, earned numeric, pending numeric, active numeric, redeemed numeric, expired numeric, returned numeric, adjusted numeric, transferred numeric,
			  forfeited numeric, reinstated numeric, overdrawn numeric, unmet numeric, next_expiry_at timestamptz, next_expiry_points numeric, last_activity_at timestamptz)
LANGUAGE sql AS $$
	SELECT * FROM jsonb_to_record(ref_points(events, policy, as_of, NULL)->'summary')
	AS s(balance numeric, earned numeric, pending numeric, active numeric, redeemed numeric, expired numeric, returned numeric, adjusted numeric, transferred numeric,
		 forfeited numeric, reinstated numeric, overdrawn numeric, unmet numeric, next_expiry_at timestamptz, next_expiry_points numeric, last_activity_at timestamptz)
$$;

CREATE FUNCTION ref_points_lots(events jsonb, policy jsonb, as_of date)
RETURNS TABLE(earned_at timestamptz, kind text, label text, ref text, points numeric, remaining numeric, available_at timestamptz, expires_at timestamptz, state text)
LANGUAGE sql AS $$
	SELECT * FROM jsonb_to_recordset(ref_points(events, policy, as_of, NULL)->'lots')
	AS l(earned_at timestamptz, kind text, label text, ref text, points numeric, remaining numeric, available_at timestamptz, expires_at timestamptz, state text)
$$;

-- What redemptions took, and (net) what of it refunds didn't give back.
CREATE FUNCTION ref_points_redemptions(events jsonb, policy jsonb, as_of date)
RETURNS TABLE(redeemed_at timestamptz, redeem_ref text, earned_at timestamptz, earn_ref text, label text, taken numeric, points numeric)
LANGUAGE sql AS $$
	SELECT * FROM jsonb_to_recordset(ref_points(events, policy, as_of, NULL)->'redemptions')
	AS r(redeemed_at timestamptz, redeem_ref text, earned_at timestamptz, earn_ref text, label text, taken numeric, points numeric)
$$;

-- The entries from the local day since (NULL: the beginning) to the walk's end, with the balance after each, after the opening one.
CREATE FUNCTION ref_statement(walk jsonb, policy jsonb, since date)
RETURNS TABLE(entry int, at timestamptz, role text, label text, ref text, points numeric, balance numeric)
LANGUAGE sql AS $$
	WITH line AS (
		SELECT e.*, (e.at, e.step) > (coalesce(ref_day_start(since, ref_zone(policy)), '-infinity'), 1) AS inside,
			sum((SELECT coalesce(sum(m.active - m.debt), 0) FROM jsonb_populate_recordset(NULL::ref_move, walk->'moves') m WHERE m.entry = e.entry)) OVER (ORDER BY e.entry) AS balance
		FROM jsonb_populate_recordset(NULL::ref_entry, walk->'entries') e)
	SELECT 0, ref_day_start(since, ref_zone(policy)), 'opening', NULL, NULL, NULL::numeric,
		coalesce((SELECT l.balance FROM line l WHERE NOT inside ORDER BY l.entry DESC LIMIT 1), 0)
	UNION ALL
	SELECT entry, at, role, label, ref, points, balance FROM line WHERE inside
	ORDER BY 1
$$;

CREATE FUNCTION ref_points_statement(events jsonb, policy jsonb, since date, until date)
RETURNS TABLE(entry int, at timestamptz, role text, label text, ref text, points numeric, balance numeric)
LANGUAGE sql AS $$ SELECT * FROM ref_statement(ref_points(events, policy, until - 1, NULL), policy, since) $$;

-- What expires from the end of as_of through the end of until, if nothing else happens.
CREATE FUNCTION ref_points_expiry_schedule(events jsonb, policy jsonb, as_of date) RETURNS TABLE(expires_at timestamptz, points numeric)
LANGUAGE sql AS $$ SELECT * FROM jsonb_to_recordset(ref_points(events, policy, as_of, NULL)->'schedule') AS s(expires_at timestamptz, points numeric) $$;

CREATE FUNCTION ref_points_expiring(events jsonb, policy jsonb, as_of date, until date) RETURNS numeric
LANGUAGE sql AS $$
	SELECT coalesce(sum(s.points), 0) FROM ref_points_expiry_schedule(events, policy, as_of) s
	WHERE CASE WHEN policy->>'expiry_boundary' = 'valid' THEN s.expires_at < ref_day_start(until + 1, ref_zone(policy))
			   ELSE s.expires_at <= ref_day_start(until + 1, ref_zone(policy)) END
$$;

CREATE FUNCTION ref_points_violations(events jsonb, policy jsonb, as_of date) RETURNS TABLE(at timestamptz, ref text, problem text, points numeric)
LANGUAGE sql AS $$
	SELECT * FROM jsonb_to_recordset(ref_points(events, policy, as_of, NULL, true)->'violations')
	AS v(at timestamptz, ref text, problem text, points numeric)
$$;

-- One customer's roll-forward by local week, month, quarter or year, from that of the first entry to that of as_of.
CREATE FUNCTION ref_points_rollforward(events jsonb, policy jsonb, period text, as_of date)
RETURNS TABLE(period_start date, period_end date, opening numeric, issued numeric, reinstated numeric, adjusted numeric, transferred numeric,
			  redeemed numeric, returned numeric, expired numeric, forfeited numeric, closing numeric, pending numeric)
LANGUAGE sql AS $$
	WITH move AS MATERIALIZED (
		-- what happens in steps 1 at the start of a day belongs to the day before
		SELECT m.*, CASE WHEN local = date_trunc('day', local) AND m.step = 1 THEN local::date - 1 ELSE local::date END AS day
		FROM (SELECT m.*, m.at AT TIME ZONE ref_zone(policy) AS local
			  FROM jsonb_populate_recordset(NULL::ref_move, ref_points(events, policy, as_of, NULL)->'moves') m) m),
	part AS (
		SELECT p::date AS period_start, (p + ('1 ' || period)::interval)::date AS period_end
		FROM generate_series((SELECT date_trunc(period, min(day)::timestamp) FROM move), date_trunc(period, as_of::timestamp), ('1 ' || period)::interval) p)
	SELECT p.period_start, p.period_end, coalesce(sum(d) FILTER (WHERE before), 0),
		coalesce(sum(m.points) FILTER (WHERE NOT before AND role = 'earn'), 0),
		coalesce(sum(m.points) FILTER (WHERE NOT before AND role = 'redeem_refund'), 0),
		coalesce(sum(m.points) FILTER (WHERE NOT before AND role = 'adjust'), 0),
		coalesce(sum(m.points) FILTER (WHERE NOT before AND role = 'transfer'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'redeem'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'return'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'expire'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'forfeit'), 0),
		sum(d), sum(m.pending)
	FROM part p CROSS JOIN LATERAL (SELECT m.*, m.active + m.pending - m.debt AS d, m.day < p.period_start AS before FROM move m WHERE m.day < p.period_end) m
	GROUP BY 1, 2 ORDER BY 1
$$;

-- ---- everyone's points: each move under a label and in a period ----

--
-- One customer's bookings by local day, week, month, quarter or year, up to the end of as_of.
-- of 'rollforward': amounts of a column in a period, under the label of the lot that the
-- move touches. A debt is booked under no label, and moves to that of the lot that pays
-- it back, the oldest debt first.
-- of 'triangle': the same by the period in which the lot was made (issued_in); a debt
-- is there when a lot pays it back.
--
CREATE TYPE ref_booking AS (of text, label text, issued_in date, period date, col text, points numeric);
CREATE TYPE ref_debt AS (role text, points numeric);

CREATE FUNCTION ref_points_bookings(events jsonb, policy jsonb, unit text, as_of date) RETURNS SETOF ref_booking
LANGUAGE plpgsql AS $$
DECLARE
	walk jsonb := ref_points(events, policy, as_of, NULL);
	zone text := ref_zone(policy);
	m ref_move;
	local timestamp;
	period date;
	issued_in date[] := '{}';  -- by lot
	label text;
	col text;
	sign int;
	debts ref_debt[] := '{}';
	rest numeric;
	part numeric;
	i int;
BEGIN
	FOR m IN SELECT * FROM jsonb_populate_recordset(NULL::ref_move, walk->'moves') LOOP
		-- what expires before the events of a day's first instant belongs to the day before
		local := m.at AT TIME ZONE zone;
		IF m.step = 1 AND local = date_trunc('day', local) THEN
			local := local - interval '1 day';
		END IF;
		period := date_trunc(unit, local)::date;
		label := walk->'lots'->(m.lot - 1)->>'label';
		-- columns that count what goes
		sign := CASE WHEN m.role IN ('redeem', 'return', 'expire', 'forfeit') THEN -1 ELSE 1 END;
		col := CASE m.role WHEN 'earn' THEN 'issued' WHEN 'redeem_refund' THEN 'reinstated' WHEN 'adjust' THEN 'adjusted' WHEN 'transfer' THEN 'transferred'
			WHEN 'redeem' THEN 'redeemed' WHEN 'return' THEN 'returned' WHEN 'expire' THEN 'expired' WHEN 'forfeit' THEN 'forfeited' END;

		IF m.points <> 0 THEN
			RETURN NEXT ROW('rollforward', label, NULL, period, col, sign * m.points)::ref_booking;
		END IF;
		IF m.pending <> 0 THEN
			RETURN NEXT ROW('rollforward', label, NULL, period, 'pending', m.pending)::ref_booking;
		END IF;

		IF m.lot IS NOT NULL THEN
			IF issued_in[m.lot] IS NULL THEN
				issued_in[m.lot] := period;
				RETURN NEXT ROW('triangle', label, period, period, 'issued', m.points)::ref_booking;
			ELSIF m.role = 'redeem_refund' THEN
				RETURN NEXT ROW('triangle', label, issued_in[m.lot], period, 'redeemed', -m.points)::ref_booking;
			ELSIF m.points < 0 THEN
				RETURN NEXT ROW('triangle', label, issued_in[m.lot], period,
					CASE m.role WHEN 'redeem' THEN 'redeemed' WHEN 'expire' THEN 'expired' ELSE 'taken_back' END, -m.points)::ref_booking;
			END IF;
		END IF;

		-- a debt is made
		IF m.debt > 0 THEN
			debts := debts || ROW(m.role, m.debt)::ref_debt;
		END IF;
		-- a refund cancels debts of redemptions, then others, the oldest first
		IF m.debt < 0 AND m.lot IS NULL THEN
			rest := -m.debt;
			FOR i IN SELECT n FROM unnest(debts) WITH ORDINALITY d(role, points, n) ORDER BY d.role <> 'redeem', n LOOP
				part := least(rest, debts[i].points);
				debts[i].points := debts[i].points - part;
				rest := rest - part;
			END LOOP;
		-- a lot pays debts back, the oldest first
		ELSIF m.debt < 0 THEN
			rest := -m.debt;
			FOR i IN 1 .. cardinality(debts) LOOP
				part := least(rest, debts[i].points);
				CONTINUE WHEN part = 0;
				debts[i].points := debts[i].points - part;
				rest := rest - part;
				sign := CASE WHEN debts[i].role IN ('redeem', 'return') THEN 1 ELSE -1 END;
				col := CASE debts[i].role WHEN 'adjust' THEN 'adjusted' WHEN 'transfer' THEN 'transferred' WHEN 'redeem' THEN 'redeemed' WHEN 'return' THEN 'returned' END;
				RETURN NEXT ROW('rollforward', NULL, NULL, period, col, -sign * part)::ref_booking;
				RETURN NEXT ROW('rollforward', label, NULL, period, col, sign * part)::ref_booking;
				RETURN NEXT ROW('triangle', label, issued_in[m.lot], period, CASE debts[i].role WHEN 'redeem' THEN 'redeemed' ELSE 'taken_back' END, part)::ref_booking;
			END LOOP;
			IF rest <> 0 THEN
				RAISE EXCEPTION 'more is paid back than was owed at %: %', m.at, events;
			END IF;
		END IF;
	END LOOP;
END $$;
