--
-- The rules of points, slow and obvious: a walk over one customer's events,
-- one thing at a time, in PL/pgSQL. Nothing of the extension is needed.
--
-- events: a jsonb array of {"at", "value", "kind", "label", "ref", "expires_at"}
-- policy: jsonb, as points_policy writes it; taken to be valid
--
\ir days.sql
-- An event that does something; no is its place among them, late whether it comes after the redemptions of its instant.
CREATE TYPE ref_event AS (at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz, role text, no int, late boolean);

-- Points that came in at one event; no is its place in the array of lots, emptied is what took from it last, held_since when it was last filled.
CREATE TYPE ref_lot AS (no int, earned_at timestamptz, role text, kind text, label text, ref text, points numeric, remaining numeric,
						available_at timestamptz, expires_at timestamptz, pending boolean, emptied text, held_since timestamptz, event_points numeric, source int,
						blocked numeric, own timestamptz, share int);

-- What one expiry took from a lot, and nothing brought back: when its time was over.
CREATE TYPE ref_piece AS (at timestamptz, lot int, points numeric);

-- What a redemption took from a lot, at once or when the lot paid its debt, and what nothing gave back yet.
CREATE TYPE ref_use AS (at timestamptz, ref text, lot int, taken numeric, points numeric);

-- What was taken and wasn't there: by what, how much of it no lot has paid (be it cancelled), and what is still owed.
CREATE TYPE ref_debt AS (at timestamptz, role text, label text, ref text, points numeric, owed numeric);

-- What a return under a ref took back, as far as it had been earned.
CREATE TYPE ref_return AS (ref text, points numeric);

-- A computed expiry that no booking matched yet.
CREATE TYPE ref_unbooked AS (at timestamptz, ref text, points numeric);

-- One effect of one entry of the statement. points is what it does to its role's column of
-- the summary (taken is negative); active, pending and debt are what it does to these. Where
-- a lot pays a debt (role 'pay'), pays is the role of what made the debt.
CREATE TYPE ref_move AS (entry int, at timestamptz, step int, role text, label text, ref text, lot int,
						 points numeric, active numeric, pending numeric, debt numeric, pays text, blocked numeric);

-- One entry of the statement, be it without effect: an event with its points, or what falls due.
CREATE TYPE ref_entry AS (entry int, at timestamptz, step int, role text, label text, ref text, points numeric);

-- What had been earned under a ref, or without one in all, when it was activated last.
CREATE TYPE ref_activation AS (ref text, earned numeric);

CREATE TYPE ref_violation AS (at timestamptz, ref text, problem text, points numeric);

-- ---- calendar ----

CREATE FUNCTION ref_zone(policy jsonb) RETURNS text
LANGUAGE sql STABLE AS $$ SELECT coalesce(policy->>'zone', current_setting('timezone')) $$;

-- The first instant of a local day. PostgreSQL takes the second of two midnights, and the
-- one that a clock put forward over it passed by for half an hour later.
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
				rules := rules - '{expires,expires_on,expires_after,expires_from,expires_align,expires_shares,expires_every}'::text[];
			ELSIF version ? 'expires_after' THEN
				rules := rules - '{expires,expires_on}'::text[];
			END IF;
			IF version ? 'pending' THEN
				rules := rules - 'pending_until';
			ELSIF version ? 'pending_until' THEN
				rules := rules - 'pending';
			END IF;
			rules := rules || (version - 'from');
		END IF;
	END LOOP;
	RETURN rules;
END $$;

-- Into how many shares points with a label, of an event that may say itself when they expire, fall.
CREATE FUNCTION ref_shares(rules jsonb, label text, own timestamptz) RETURNS int
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN own IS NULL THEN coalesce((coalesce(rules->'by_label'->label, rules)->>'expires_shares')::int, 1) ELSE 1 END $$;

-- Points of a share of so many, from 0 on: whole units of the last decimal that the points have.
CREATE FUNCTION ref_share(points numeric, share int, shares int) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	unit numeric := power(10::numeric, scale(trim_scale(points)));
BEGIN
	RETURN (floor(points * unit * (share + 1) / shares) - floor(points * unit * share / shares)) / unit;
END $$;

-- When points earned then, and available then, expire, of a share the points; NULL is never.
CREATE FUNCTION ref_expiry(rules jsonb, label text, own timestamptz, earned_at timestamptz, available_at timestamptz, zone text, share int DEFAULT 0) RETURNS timestamptz
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
		exactly := ref_plus(CASE rule->>'expires_from' WHEN 'activation' THEN available_at ELSE earned_at END,
							(rule->>'expires_after')::interval + share * coalesce(rule->>'expires_every', '0')::interval, zone);
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
	role text := CASE WHEN value IS NULL THEN policy->'kinds'->>kind END;
BEGIN
	IF role IN ('activate', 'reinstate', 'block', 'unblock') THEN
		RETURN role;
	ELSIF value IS NULL OR value = 0 THEN
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

-- Events that do something, in the order in which they do it. A refund is there twice: what
-- redemptions of earlier instants took comes back before new ones take, the rest after them.
CREATE FUNCTION ref_events(events jsonb, policy jsonb, last_at timestamptz, with_last boolean) RETURNS ref_event[]
LANGUAGE sql STABLE AS $$
	WITH done AS (
		SELECT e.*, row_number() OVER (ORDER BY
			at,
			array_position(ARRAY['earn', 'activate', 'redeem_refund', 'reinstate', 'adjust', 'transfer', 'return', 'block', 'unblock', 'redeem', 'forfeit', 'expire'], role),
			role IN ('adjust', 'transfer') AND value < 0,
			kind COLLATE "C" NULLS FIRST,
			label COLLATE "C" NULLS FIRST,
			ref IS NOT NULL, ref_number(ref) NULLS LAST, ref COLLATE "C",
			value NULLS FIRST,
			expires_at NULLS FIRST) AS no
		FROM (SELECT e.*, ref_role(e.kind, e.value, policy) AS role
			  FROM jsonb_to_recordset(events) AS e(at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz)
			  WHERE at < last_at OR at = last_at AND with_last
			  OFFSET 0) e
		WHERE role IS NOT NULL)
	SELECT coalesce(array_agg(ROW(at, value, kind, label, ref, expires_at, role, no, late)::ref_event ORDER BY at, late, no), '{}')
	FROM (SELECT d.*, role IN ('forfeit', 'expire') AS late FROM done d
		  UNION ALL
		  SELECT d.*, true FROM done d WHERE role = 'redeem_refund') e
$$;

-- ---- the walk, thing by thing ----

--
-- A customer's points at a moment: the rules; lots, what redemptions took of them, debts; what was done so far; the sums
-- of the summary. At one instant: step 1 expiry where the boundary is exclusive, 2 activation, 3 events, 4 expiry where the
-- boundary is inclusive. suspended: nothing expires for now.
--
CREATE TYPE ref_points_state AS (policy jsonb, zone text, expiry_step int, overdraft text, books boolean, suspended boolean,
	clock timestamptz, clock_step int, entry int,
	lots ref_lot[], uses ref_use[], anew ref_use[], debts ref_debt[], returns ref_return[], unbooked ref_unbooked[], pieces ref_piece[], noted numeric[], given numeric[], arrived int[],
	moves ref_move[], entries ref_entry[], violations ref_violation[],
	earned numeric, adjusted numeric, transferred numeric, reinstated numeric, redeemed numeric, unmet numeric, returned numeric, expired numeric, forfeited numeric,
	active numeric, pending numeric, blocked numeric, debt numeric, frozen boolean, activations ref_activation[],
	last_activity_at timestamptz, refreshed_at timestamptz, overdrawn_since timestamptz, inactive_at timestamptz);

-- lenient: overdraft "refuse" is as "clip".
CREATE FUNCTION ref_points_begin(policy jsonb, lenient boolean) RETURNS ref_points_state
LANGUAGE plpgsql AS $$
DECLARE
	s ref_points_state;
BEGIN
	s.policy := policy;
	s.zone := ref_zone(policy);
	s.expiry_step := CASE WHEN policy->>'expiry_boundary' = 'valid' THEN 4 ELSE 1 END;
	s.overdraft := coalesce(policy->>'overdraft', 'allow');
	IF lenient AND s.overdraft = 'refuse' THEN
		s.overdraft := 'clip';
	END IF;
	s.books := jsonb_path_exists(policy, '$.kinds.* ? (@ == "expire")');
	s.suspended := false;
	s.clock := '-infinity';
	s.clock_step := 0;
	s.entry := 0;
	s.lots := '{}';
	s.uses := '{}';      -- what redemptions took
	s.anew := '{}';      -- what refunds gave that nobody had taken
	s.debts := '{}';
	s.returns := '{}';
	s.unbooked := '{}';
	s.pieces := '{}';    -- what has expired
	s.noted := '{}';     -- by lot: what a refund gave back and is among these already
	s.given := '{}';     -- by event: what of a refund has been given back
	s.arrived := '{}';   -- lots in which points have just become available
	s.moves := '{}';
	s.entries := '{}';
	s.violations := '{}';
	s.earned := 0;
	s.adjusted := 0;
	s.transferred := 0;
	s.reinstated := 0;
	s.redeemed := 0;
	s.unmet := 0;
	s.returned := 0;
	s.expired := 0;
	s.forfeited := 0;
	s.active := 0;
	s.pending := 0;
	s.blocked := 0;
	s.debt := 0;
	s.frozen := false;   -- whatever comes in is blocked
	s.activations := '{}';
	RETURN s;
END $$;

-- After each thing: points that have become available pay what is owed, the oldest debt first; and it must add up.
CREATE FUNCTION ref_points_settle(s ref_points_state) RETURNS ref_points_state
LANGUAGE plpgsql AS $$
DECLARE
	i int;
	d int;
	part numeric;
	held_since timestamptz;
BEGIN
	FOREACH i IN ARRAY s.arrived LOOP
		-- those whose time is over expire at once
		CONTINUE WHEN (coalesce(s.lots[i].expires_at, 'infinity'), s.expiry_step) < (s.clock, 3) AND NOT s.suspended;
		FOR d IN 1 .. cardinality(s.debts) LOOP
			part := least(s.lots[i].remaining, s.debts[d].owed);
			CONTINUE WHEN part = 0;
			s.lots[i].remaining := s.lots[i].remaining - part;
			s.lots[i].emptied := 'spent';
			s.debts[d].owed := s.debts[d].owed - part;
			s.moves := s.moves || ROW(s.entry, s.clock, s.clock_step, 'pay', s.debts[d].label, s.debts[d].ref, i, 0, -part, 0, -part, s.debts[d].role, 0)::ref_move;
			-- what pays for a redemption has been redeemed
			IF s.debts[d].role = 'redeem' THEN
				s.debts[d].points := s.debts[d].points - part;
				s.uses := s.uses || ROW(s.debts[d].at, s.debts[d].ref, i, part, part)::ref_use;
			END IF;
		END LOOP;
	END LOOP;
	s.arrived := '{}';

	-- ---- the identity ----

	SELECT coalesce(sum(l.remaining) FILTER (WHERE NOT l.pending), 0), coalesce(sum(l.remaining) FILTER (WHERE l.pending), 0), coalesce(sum(l.blocked), 0)
	INTO s.active, s.pending, s.blocked FROM unnest(s.lots) l;
	s.debt := (SELECT coalesce(sum(o.owed), 0) FROM unnest(s.debts) o);
	IF s.earned + s.reinstated + s.adjusted + s.transferred <> s.redeemed + s.returned + s.expired + s.forfeited + s.pending + s.active + s.blocked - s.debt THEN
		RAISE EXCEPTION 'identity broken at %: %', s.clock, s.policy;
	END IF;
	IF EXISTS (SELECT FROM unnest(s.debts) o WHERE o.owed < 0 OR o.points < o.owed)
		OR EXISTS (SELECT FROM unnest(s.uses) u WHERE u.points NOT BETWEEN 0 AND u.taken)
		OR EXISTS (SELECT FROM unnest(s.lots) l
				   WHERE l.remaining < 0 OR l.blocked < 0 OR l.remaining + l.blocked > l.points
					  OR l.remaining > 0 AND NOT l.pending AND s.debt > 0 AND NOT s.suspended AND (coalesce(l.expires_at, 'infinity'), s.expiry_step) > (s.clock, s.clock_step)) THEN
		RAISE EXCEPTION 'impossible state at %: %', s.clock, s.policy;
	END IF;
	IF s.debt = 0 THEN
		s.overdrawn_since := NULL;
	ELSIF s.overdrawn_since IS NULL THEN
		s.overdrawn_since := s.clock;
	END IF;

	-- ---- when inactivity ends it all: counted from the last refresh, or from when the oldest of the points came in where that is too long ago ----

	s.inactive_at := NULL;
	held_since := (SELECT min(l.held_since) FROM unnest(s.lots) l WHERE l.remaining + l.blocked > 0);
	IF s.policy ? 'inactive_after' AND held_since IS NOT NULL THEN
		s.inactive_at := ref_inactive(s.refreshed_at, (s.policy->>'inactive_after')::interval, s.zone);
		IF s.inactive_at IS NULL OR (s.inactive_at, s.expiry_step) < (held_since, 3) THEN
			s.inactive_at := ref_inactive(held_since, (s.policy->>'inactive_after')::interval, s.zone);
		END IF;
	END IF;
	RETURN s;
END $$;

-- What is due goes, by the lots' rule or by inactivity: before an instant, or with it.
CREATE FUNCTION ref_points_expire(s ref_points_state, due timestamptz, inclusive boolean) RETURNS ref_points_state
LANGUAGE plpgsql AS $$
DECLARE
	lot ref_lot;
	i int;
	part numeric;
BEGIN
	-- what is due first goes first
	FOR lot IN SELECT * FROM unnest(s.lots) l ORDER BY least(l.expires_at, s.inactive_at), l.no LOOP
		CONTINUE WHEN lot.remaining + lot.blocked = 0 OR NOT coalesce(least(lot.expires_at, s.inactive_at) < due OR least(lot.expires_at, s.inactive_at) = due AND inclusive, false);
		i := lot.no;
		part := lot.remaining + lot.blocked;
		s.lots[i].remaining := 0;
		s.lots[i].blocked := 0;
		s.lots[i].emptied := 'expired';
		s.expired := s.expired + part;
		s.entry := s.entry + 1;
		s.entries := s.entries || ROW(s.entry, s.clock, s.clock_step, 'expire', lot.label, lot.ref, -part)::ref_entry;
		s.moves := s.moves || ROW(s.entry, s.clock, s.clock_step, 'expire', lot.label, lot.ref, i, -part,
							  CASE WHEN lot.pending THEN 0 ELSE -lot.remaining END, CASE WHEN lot.pending THEN -lot.remaining ELSE 0 END, 0, NULL, -lot.blocked)::ref_move;
		-- what came in too old was over before
		IF part > coalesce(s.noted[i], 0) THEN
			s.pieces := s.pieces || ROW(CASE WHEN lot.expires_at < lot.held_since THEN lot.expires_at ELSE s.clock END, i, part - coalesce(s.noted[i], 0))::ref_piece;
		END IF;
		s.noted[i] := 0;
		IF s.books THEN
			s.unbooked := s.unbooked || ROW(s.clock, lot.ref, part)::ref_unbooked;
		END IF;
	END LOOP;
	RETURN ref_points_settle(s);
END $$;

-- What waited until an instant becomes available.
CREATE FUNCTION ref_points_activate(s ref_points_state, due timestamptz) RETURNS ref_points_state
LANGUAGE plpgsql AS $$
DECLARE
	lot ref_lot;
	i int;
BEGIN
	FOREACH lot IN ARRAY s.lots LOOP
		CONTINUE WHEN lot.remaining + lot.blocked = 0 OR NOT lot.pending OR lot.available_at IS DISTINCT FROM due;
		i := lot.no;
		s.lots[i].pending := false;
		CONTINUE WHEN lot.remaining = 0;
		s.entry := s.entry + 1;
		s.entries := s.entries || ROW(s.entry, s.clock, 2, 'activate', lot.label, lot.ref, lot.remaining)::ref_entry;
		s.moves := s.moves || ROW(s.entry, s.clock, 2, 'activate', lot.label, lot.ref, i, 0, lot.remaining, -lot.remaining, 0, NULL, 0)::ref_move;
		s.arrived := s.arrived || i;
	END LOOP;
	RETURN ref_points_settle(s);
END $$;

-- An event.
CREATE FUNCTION ref_points_event(s ref_points_state, e ref_event) RETURNS ref_points_state
LANGUAGE plpgsql AS $$
DECLARE
	redeem_order text := coalesce(s.policy->>'redeem_order', 'soonest_expiry');
	x numeric;
	rest numeric;
	part numeric;
	gain numeric;
	i int;
	d int;
	lot ref_lot;
	queue int[];
	allowed numeric;
	matched numeric;
	unfounded numeric;
	edge timestamptz;
	rules jsonb;
	back ref_piece[] := '{}';  -- what comes back, piece by piece
	shares int;
	k int;
	q int;
BEGIN
	x := abs(e.value);
	rest := x;  -- what is still to be taken or given back
	gain := 0;  -- what becomes a lot

	IF e.role IN ('earn', 'redeem') THEN
		s.last_activity_at := e.at;
		IF coalesce(s.policy->'refreshed_by', '["earn", "redeem"]') ? e.role THEN
			s.refreshed_at := e.at;
		END IF;
	END IF;

	-- ---- a refund gives back what redemptions under its ref took: before new redemptions those of earlier instants, after them those of this one ----

	IF e.role = 'redeem_refund' THEN
		rest := x - coalesce(s.given[e.no], 0);
		IF rest = 0 THEN
			RETURN s;
		END IF;
		s.entry := s.entry + 1;
		-- first what is still owed, the last one first
		FOR i IN SELECT o.n FROM (SELECT o.*, row_number() OVER () AS n FROM unnest(s.debts) o) o
				 WHERE o.role = 'redeem' AND o.ref IS NOT DISTINCT FROM e.ref AND (e.late OR o.at < e.at) ORDER BY o.n DESC LOOP
			part := least(rest, s.debts[i].owed);
			CONTINUE WHEN part = 0;
			s.debts[i].owed := s.debts[i].owed - part;
			rest := rest - part;
			s.moves := s.moves || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, NULL, part, 0, 0, -part, NULL, 0)::ref_move;
		END LOOP;
		-- then the pieces, the last one first, to the lots that they came from
		FOR i IN SELECT u.n FROM (SELECT u.*, row_number() OVER () AS n FROM unnest(s.uses) u) u
				 WHERE u.ref IS NOT DISTINCT FROM e.ref AND (e.late OR u.at < e.at) ORDER BY u.n DESC LOOP
			part := least(rest, s.uses[i].points);
			CONTINUE WHEN part = 0;
			s.uses[i].points := s.uses[i].points - part;
			rest := rest - part;
			d := s.uses[i].lot;
			IF s.lots[d].remaining + s.lots[d].blocked = 0 THEN
				s.lots[d].held_since := e.at;
			END IF;
			IF s.frozen THEN
				s.lots[d].blocked := s.lots[d].blocked + part;
			ELSE
				s.lots[d].remaining := s.lots[d].remaining + part;
				s.arrived := s.arrived || d;
			END IF;
			-- what comes back to a lot that is over expires at once, each time
			IF s.lots[d].expires_at < e.at AND NOT s.suspended THEN
				s.pieces := s.pieces || ROW(s.lots[d].expires_at, d, part)::ref_piece;
				s.noted[d] := coalesce(s.noted[d], 0) + part;
			ELSIF s.lots[d].expires_at = e.at AND s.expiry_step = 1 AND NOT s.suspended THEN
				s.pieces := s.pieces || ROW(e.at, d, part)::ref_piece;
				s.noted[d] := coalesce(s.noted[d], 0) + part;
			END IF;
			s.moves := s.moves || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, d, part, CASE WHEN s.frozen THEN 0 ELSE part END, 0, 0, NULL, CASE WHEN s.frozen THEN part ELSE 0 END)::ref_move;
		END LOOP;
		part := x - coalesce(s.given[e.no], 0) - rest;
		s.reinstated := s.reinstated + part;
		s.given[e.no] := x - rest;
		-- what goes beyond
		IF e.late AND rest > 0 THEN
			s.violations := s.violations || ROW(e.at, e.ref, 'refund of more than was redeemed', rest)::ref_violation;
			IF s.policy->>'refunds_beyond' = 'new_lot' THEN
				gain := rest;
				s.reinstated := s.reinstated + gain;
			END IF;
		END IF;
		-- the two places together show what is booked
		IF e.late OR part > 0 THEN
			s.entries := s.entries || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, CASE WHEN e.late THEN part + rest ELSE part END)::ref_entry;
		END IF;

	ELSIF e.role = 'activate' THEN
		-- ---- what was earned under its ref, or everything, needn't wait any longer ----
		part := CASE WHEN e.ref IS NULL THEN s.earned ELSE (SELECT coalesce(sum(l.points), 0) FROM unnest(s.lots) l WHERE l.role = 'earn' AND l.ref = e.ref) END;
		IF part = coalesce((SELECT max(a.earned) FROM unnest(s.activations) a WHERE a.ref IS NOT DISTINCT FROM e.ref), 0) THEN
			s.violations := s.violations || ROW(e.at, e.ref, 'activation without an earning', 0)::ref_violation;
		END IF;
		s.activations := s.activations || ROW(e.ref, part)::ref_activation;
		FOREACH lot IN ARRAY s.lots LOOP
			CONTINUE WHEN NOT lot.pending OR lot.remaining + lot.blocked = 0 OR NOT coalesce(e.ref IS NULL OR lot.role = 'earn' AND lot.ref = e.ref, false);
			i := lot.no;
			s.lots[i].pending := false;
			s.lots[i].available_at := e.at;
			s.lots[i].expires_at := ref_expiry(ref_rules(s.policy, (lot.earned_at AT TIME ZONE s.zone)::date), lot.label, lot.own, lot.earned_at, e.at, s.zone, lot.share);
			CONTINUE WHEN lot.remaining = 0;
			s.entry := s.entry + 1;
			s.entries := s.entries || ROW(s.entry, s.clock, 3, 'activate', lot.label, lot.ref, lot.remaining)::ref_entry;
			s.moves := s.moves || ROW(s.entry, s.clock, 3, 'activate', lot.label, lot.ref, i, 0, lot.remaining, -lot.remaining, 0, NULL, 0)::ref_move;
			s.arrived := s.arrived || i;
		END LOOP;

	ELSIF e.role IN ('block', 'unblock') THEN
		-- ---- points can't be spent any more, or again: of a ref, so many, all ----
		s.entry := s.entry + 1;
		gain := 0;
		matched := CASE WHEN s.frozen THEN 1 ELSE 0 END;
		IF e.ref IS NULL AND x IS NULL THEN
			s.frozen := e.role = 'block';
		END IF;
		FOR i IN SELECT l.no FROM unnest(s.lots) l
				 WHERE CASE e.role WHEN 'block' THEN l.remaining ELSE l.blocked END > 0 AND (e.ref IS NULL OR l.role = 'earn' AND l.ref = e.ref)
				 ORDER BY CASE WHEN e.role = 'block' AND e.ref IS NULL AND l.pending THEN 2 ELSE 1 END,
					CASE WHEN e.role = 'unblock' OR e.ref IS NOT NULL OR l.pending OR redeem_order = 'newest' THEN l.no END DESC,
					CASE WHEN redeem_order = 'soonest_expiry' THEN l.expires_at END NULLS LAST,
					l.no LOOP
			part := least(rest, CASE e.role WHEN 'block' THEN s.lots[i].remaining ELSE s.lots[i].blocked END);
			EXIT WHEN part = 0;
			rest := rest - part;
			gain := gain + part;
			IF e.role = 'unblock' AND NOT s.lots[i].pending THEN
				s.arrived := s.arrived || i;
			END IF;
			IF e.role = 'unblock' THEN
				part := -part;
			END IF;
			s.lots[i].remaining := s.lots[i].remaining - part;
			s.lots[i].blocked := s.lots[i].blocked + part;
			s.moves := s.moves || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, i, 0, CASE WHEN s.lots[i].pending THEN 0 ELSE -part END, CASE WHEN s.lots[i].pending THEN -part ELSE 0 END, 0, NULL, part)::ref_move;
		END LOOP;
		IF rest > 0 OR x IS NULL AND gain = 0 AND (e.ref IS NOT NULL OR e.role = 'unblock' AND matched = 0) THEN
			s.violations := s.violations || ROW(e.at, e.ref, CASE e.role WHEN 'block' THEN 'block of more than there is' ELSE 'unblock of more than is blocked' END, coalesce(rest, 0))::ref_violation;
		END IF;
		s.entries := s.entries || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, CASE e.role WHEN 'block' THEN -1 ELSE 1 END * coalesce(x, gain))::ref_entry;
		gain := 0;

	ELSIF e.role = 'reinstate' THEN
		-- ---- what has expired within the time of grace comes back, the last first: of the ref, where something was earned under it ----
		FOR i IN SELECT p.n FROM (SELECT p.*, row_number() OVER () AS n FROM unnest(s.pieces) p) p
				 WHERE p.points > 0
				   AND (ref_plus(p.at, (s.policy->>'grace_after_expiry')::interval, s.zone) > e.at
						OR ref_plus(p.at, (s.policy->>'grace_after_expiry')::interval, s.zone) = e.at AND s.policy->>'expiry_boundary' = 'valid')
				   AND (NOT EXISTS (SELECT FROM unnest(s.lots) l WHERE l.role = 'earn' AND l.ref = e.ref) OR s.lots[p.lot].role = 'earn' AND s.lots[p.lot].ref = e.ref)
				 ORDER BY p.n DESC LOOP
			part := least(rest, s.pieces[i].points);
			EXIT WHEN part = 0;
			rest := rest - part;
			s.pieces[i].points := s.pieces[i].points - part;
			s.lots[s.pieces[i].lot].points := s.lots[s.pieces[i].lot].points - part;
			back := back || ROW(s.pieces[i].at, s.pieces[i].lot, part)::ref_piece;
		END LOOP;
		part := (SELECT coalesce(sum(b.points), 0) FROM unnest(back) b);
		s.reinstated := s.reinstated + part;
		IF rest > 0 OR x IS NULL AND part = 0 THEN
			s.violations := s.violations || ROW(e.at, e.ref, 'reinstatement of more than can be brought back', coalesce(rest, 0))::ref_violation;
		END IF;
		s.entry := s.entry + 1;
		s.entries := s.entries || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, coalesce(x, part))::ref_entry;
		FOR d IN 1 .. cardinality(back) LOOP
			-- as if earned now, but for what the lot says of where its points are from
			lot := s.lots[back[d].lot];
			rules := ref_rules(s.policy, (e.at AT TIME ZONE s.zone)::date);
			shares := ref_shares(rules, lot.label, e.expires_at);
			FOR k IN 0 .. shares - 1 LOOP
				lot.points := ref_share(back[d].points, k, shares);
				CONTINUE WHEN lot.points = 0;
				lot.no := cardinality(s.lots) + 1;
				lot.remaining := CASE WHEN s.frozen THEN 0 ELSE lot.points END;
				lot.blocked := lot.points - lot.remaining;
				lot.held_since := e.at;
				lot.available_at := e.at;
				lot.expires_at := ref_expiry(rules, lot.label, e.expires_at, e.at, e.at, s.zone, k);
				lot.pending := false;
				lot.emptied := 'spent';
				lot.source := back[d].lot;
				s.lots := s.lots || lot;
				s.arrived := s.arrived || lot.no;
				s.moves := s.moves || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, lot.no, lot.points, lot.remaining, 0, 0, NULL, lot.blocked)::ref_move;
			END LOOP;
		END LOOP;

	ELSE
		s.entry := s.entry + 1;
		s.entries := s.entries || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref,
								  CASE WHEN e.role = 'earn' THEN x WHEN e.role IN ('adjust', 'transfer') THEN e.value ELSE -x END)::ref_entry;
	END IF;

	IF e.role = 'earn' OR (e.role IN ('adjust', 'transfer') AND e.value > 0) THEN
		gain := x;
		CASE e.role
			WHEN 'earn' THEN s.earned := s.earned + x;
			WHEN 'adjust' THEN s.adjusted := s.adjusted + x;
			WHEN 'transfer' THEN s.transferred := s.transferred + x;
		END CASE;
		-- the same document again: unless it is another line of it, or all of it was returned
		IF e.role = 'earn'
			AND EXISTS (SELECT FROM unnest(s.lots) l WHERE l.role = 'earn' AND l.ref = e.ref AND l.kind IS NOT DISTINCT FROM e.kind
						AND (l.earned_at <> e.at OR l.label IS NOT DISTINCT FROM e.label AND l.event_points = e.value))
			AND (SELECT sum(l.points) FROM unnest(s.lots) l WHERE l.role = 'earn' AND l.ref = e.ref)
				> (SELECT coalesce(sum(r.points), 0) FROM unnest(s.returns) r WHERE r.ref = e.ref) THEN
			s.violations := s.violations || ROW(e.at, e.ref, 'document earned more than once', x)::ref_violation;
		END IF;

	ELSIF e.role NOT IN ('activate', 'redeem_refund', 'reinstate', 'block', 'unblock') THEN
		-- ---- taking: from which lots, in which order; below zero: of what is blocked of the lot ----
		SELECT coalesce(array_agg(CASE WHEN held THEN -l.no ELSE l.no END ORDER BY
			CASE WHEN e.role = 'return' AND l.role = 'earn' AND l.ref = e.ref THEN CASE WHEN held THEN 2 ELSE 1 END
				 WHEN held THEN 5
				 WHEN e.role = 'return' THEN CASE WHEN l.pending THEN 3 ELSE 4 END
				 ELSE CASE WHEN l.pending THEN 4 ELSE 3 END END,
			-- newest first
			CASE WHEN e.role = 'return' OR held OR l.pending OR (e.role <> 'expire' AND redeem_order = 'newest') THEN l.no END DESC,
			-- soonest expiry first
			CASE WHEN e.role = 'expire' OR redeem_order = 'soonest_expiry' THEN l.expires_at END NULLS LAST,
			-- oldest first
			l.no), '{}')
		INTO queue FROM unnest(s.lots) l, unnest('{f,t}'::boolean[]) held
		WHERE CASE WHEN held THEN l.blocked > 0 AND e.role IN ('return', 'forfeit', 'expire') ELSE l.remaining > 0 AND NOT (l.pending AND e.role = 'redeem') END;

		IF e.role = 'expire' THEN
			-- a booking stands for what has expired already, the oldest first
			matched := 0;
			FOR i IN 1 .. cardinality(s.unbooked) LOOP
				part := least(rest, s.unbooked[i].points);
				s.unbooked[i].points := s.unbooked[i].points - part;
				rest := rest - part;
				matched := matched + part;
			END LOOP;
			-- and for what will have gone by the end of its day
			unfounded := rest;
			edge := ref_day_start((e.at AT TIME ZONE s.zone)::date + 1, s.zone);
			FOREACH q IN ARRAY queue LOOP
				i := abs(q);
				part := least(rest, CASE WHEN q < 0 THEN s.lots[i].blocked ELSE s.lots[i].remaining END);
				rest := rest - part;
				IF (least(s.lots[i].expires_at, s.inactive_at), s.expiry_step) <= (edge, 1) THEN
					unfounded := unfounded - part;
				END IF;
			END LOOP;
			IF unfounded > 0 THEN
				s.violations := s.violations || ROW(e.at, e.ref, 'booked expiry that the rules don''t give', unfounded)::ref_violation;
			END IF;
			rest := x - matched;
		END IF;

		IF e.role = 'redeem' AND x > s.active THEN
			IF s.overdraft = 'refuse' THEN
				RAISE EXCEPTION 'redemption of % points at %, ref %, where % are available', x, e.at, coalesce(e.ref, 'absent'), s.active USING ERRCODE = '22023';
			END IF;
			-- pending points stand for what was owed before first
			part := least(x - s.active, greatest(s.pending - s.debt, 0));
			IF part > 0 THEN
				s.violations := s.violations || ROW(e.at, e.ref, 'redemption of points still pending', part)::ref_violation;
			END IF;
			-- then blocked ones
			gain := least(x - s.active, greatest(s.pending + s.blocked - s.debt, 0)) - part;
			IF gain > 0 THEN
				s.violations := s.violations || ROW(e.at, e.ref, 'redemption of blocked points', gain)::ref_violation;
			END IF;
			IF x - s.active > part + gain THEN
				s.violations := s.violations || ROW(e.at, e.ref, 'redemption beyond the balance', x - s.active - part - gain)::ref_violation;
			END IF;
			gain := 0;
		END IF;

		IF e.role IN ('adjust', 'transfer') AND x > s.active + s.pending THEN
			IF s.overdraft = 'refuse' THEN
				RAISE EXCEPTION '% of % points at %, ref %, where there are %', e.role, e.value, e.at, coalesce(e.ref, 'absent'), s.active + s.pending USING ERRCODE = '22023';
			END IF;
			s.violations := s.violations || ROW(e.at, e.ref, CASE e.role WHEN 'adjust' THEN 'adjustment' ELSE 'transfer' END || ' of more than there is', x - s.active - s.pending)::ref_violation;
		END IF;

		IF e.role = 'return' THEN
			-- of what was earned under its ref, if something was, and of all; what went beyond counts for no ref
			allowed := s.earned - (SELECT coalesce(sum(r.points), 0) FROM unnest(s.returns) r);
			IF EXISTS (SELECT FROM unnest(s.lots) l WHERE l.role = 'earn' AND l.ref = e.ref) THEN
				allowed := greatest(least(allowed, (SELECT sum(l.points) FROM unnest(s.lots) l WHERE l.role = 'earn' AND l.ref = e.ref)
										  - (SELECT coalesce(sum(r.points), 0) FROM unnest(s.returns) r WHERE r.ref = e.ref)), 0);
			END IF;
			s.returns := s.returns || ROW(e.ref, least(x, allowed))::ref_return;
			IF x > allowed THEN
				s.violations := s.violations || ROW(e.at, e.ref, 'return of more than was earned', x - allowed)::ref_violation;
				IF coalesce(s.policy->>'returns_beyond', 'drop') = 'drop' THEN
					rest := allowed;
				END IF;
			END IF;
		END IF;

		FOREACH q IN ARRAY queue LOOP
			i := abs(q);
			part := least(rest, CASE WHEN q < 0 THEN s.lots[i].blocked ELSE s.lots[i].remaining END);
			CONTINUE WHEN part = 0;
			IF q < 0 THEN
				s.lots[i].blocked := s.lots[i].blocked - part;
			ELSE
				s.lots[i].remaining := s.lots[i].remaining - part;
			END IF;
			s.lots[i].emptied := CASE e.role WHEN 'redeem' THEN 'spent' WHEN 'return' THEN 'returned' WHEN 'adjust' THEN 'adjusted'
									WHEN 'transfer' THEN 'transferred' WHEN 'forfeit' THEN 'forfeited' ELSE 'expired' END;
			rest := rest - part;
			s.moves := s.moves || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, i, -part,
								  CASE WHEN q < 0 OR s.lots[i].pending THEN 0 ELSE -part END, CASE WHEN q > 0 AND s.lots[i].pending THEN -part ELSE 0 END, 0, NULL, CASE WHEN q < 0 THEN -part ELSE 0 END)::ref_move;
			CASE e.role
				WHEN 'redeem' THEN
					s.redeemed := s.redeemed + part;
					s.uses := s.uses || ROW(e.at, e.ref, i, part, part)::ref_use;
				WHEN 'return' THEN s.returned := s.returned + part;
				WHEN 'adjust' THEN s.adjusted := s.adjusted - part;
				WHEN 'transfer' THEN s.transferred := s.transferred - part;
				WHEN 'forfeit' THEN s.forfeited := s.forfeited + part;
				WHEN 'expire' THEN
					s.expired := s.expired + part;
					s.pieces := s.pieces || ROW(e.at, i, part)::ref_piece;
			END CASE;
		END LOOP;

		-- ---- what no lot covered: cut, dropped, or owed ----
		IF e.role = 'redeem' AND s.overdraft = 'clip' THEN
			s.unmet := s.unmet + rest;
		ELSIF rest > 0 AND (e.role IN ('redeem', 'adjust', 'transfer') AND s.overdraft = 'allow'
							OR e.role = 'return' AND coalesce((s.policy->>'returns_below_zero')::boolean, true)) THEN
			s.debts := s.debts || ROW(e.at, e.role, e.label, e.ref, rest, rest)::ref_debt;
			s.moves := s.moves || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, NULL, -rest, 0, 0, rest, NULL, 0)::ref_move;
			CASE e.role
				WHEN 'redeem' THEN s.redeemed := s.redeemed + rest;
				WHEN 'return' THEN s.returned := s.returned + rest;
				WHEN 'adjust' THEN s.adjusted := s.adjusted - rest;
				WHEN 'transfer' THEN s.transferred := s.transferred - rest;
			END CASE;
		END IF;
	END IF;

	-- ---- a new lot ----

	IF gain > 0 THEN
		rules := ref_rules(s.policy, (e.at AT TIME ZONE s.zone)::date);
		shares := ref_shares(rules, e.label, e.expires_at);
		FOR k IN 0 .. shares - 1 LOOP
			lot := NULL;
			lot.points := ref_share(gain, k, shares);
			CONTINUE WHEN lot.points = 0;
			lot.no := cardinality(s.lots) + 1;
			lot.earned_at := e.at;
			lot.held_since := e.at;
			lot.role := e.role;
			lot.kind := e.kind;
			lot.label := e.label;
			lot.ref := e.ref;
			lot.event_points := gain;
			lot.own := e.expires_at;
			lot.share := k;
			lot.remaining := CASE WHEN s.frozen THEN 0 ELSE lot.points END;
			lot.blocked := lot.points - lot.remaining;
			lot.available_at := CASE WHEN e.role = 'earn' AND rules ? 'pending_until' THEN NULL WHEN e.role = 'earn' THEN ref_plus(e.at, coalesce(rules->>'pending', '0')::interval, s.zone) ELSE e.at END;
			lot.expires_at := ref_expiry(rules, e.label, e.expires_at, e.at, lot.available_at, s.zone, k);
			lot.pending := coalesce(lot.available_at > e.at, true);
			lot.emptied := 'spent';
			s.lots := s.lots || lot;
			s.moves := s.moves || ROW(s.entry, s.clock, 3, e.role, e.label, e.ref, lot.no, lot.points,
								  CASE WHEN lot.pending THEN 0 ELSE lot.remaining END, CASE WHEN lot.pending THEN lot.remaining ELSE 0 END, 0, NULL, lot.blocked)::ref_move;
			IF NOT lot.pending THEN
				s.arrived := s.arrived || lot.no;
			END IF;
			-- a refund that makes points anew: given back of none that were taken
			IF e.role = 'redeem_refund' THEN
				s.anew := s.anew || ROW(e.at, e.ref, lot.no, 0, -lot.points)::ref_use;
			END IF;
		END LOOP;
	END IF;
	RETURN ref_points_settle(s);
END $$;

-- ---- the walk ----

--
-- State of one customer at the end of a local day, or at an instant (one of the two). An
-- object with
--   summary      the columns of points_summary
--   lots         in order of making, without those that came back wholly
--   made         of all lots, in that order: label, and the lot from which they came back (from)
--   redemptions  what redemptions took (from a lot, or as a debt), and what of it was not given back
--   moves        the effects of all entries, in order
--   entries      the entries themselves
--   schedule     expires_at, points: what expires later if nothing else happens
--   violations   in order of their instants
--
-- The end of a day is between steps 1 and 2 of the next day's start.
--
CREATE FUNCTION ref_points(events jsonb, policy jsonb, as_of date, instant timestamptz, lenient boolean DEFAULT false) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	s ref_points_state := ref_points_begin(policy, lenient);
	limit_at timestamptz := coalesce(instant, ref_day_start(as_of + 1, s.zone));
	limit_step int := CASE WHEN instant IS NULL THEN 1 ELSE 4 END;
	todo ref_event[] := ref_events(events, policy, limit_at, limit_step >= 3);
	done int := 0;
	next_at timestamptz;
	next_step int;
	next_expiry_at timestamptz;
	next_activation_at timestamptz;
	gone numeric;
	answer jsonb;
	schedule jsonb := '[]';
BEGIN
	IF num_nonnulls(as_of, instant) <> 1 THEN
		RAISE EXCEPTION 'as_of or instant';
	END IF;
	LOOP
		-- ---- what comes next ----

		SELECT least(min(l.expires_at), s.inactive_at), min(l.available_at) FILTER (WHERE l.pending)
		INTO next_expiry_at, next_activation_at FROM unnest(s.lots) l WHERE l.remaining + l.blocked > 0;
		SELECT t.at, t.step INTO next_at, next_step
		FROM (VALUES (next_expiry_at, s.expiry_step), (next_activation_at, 2), (todo[done + 1].at, 3)) t(at, step)
		WHERE t.at IS NOT NULL ORDER BY t.at, t.step LIMIT 1;

		-- ---- the limit: take the picture, then go on without events for the schedule ----

		IF answer IS NULL AND (next_at IS NULL OR (next_at, next_step) > (limit_at, limit_step)) THEN
			answer := jsonb_build_object(
				'summary', jsonb_build_object(
					'balance', s.active - s.debt, 'earned', s.earned, 'pending', s.pending, 'active', s.active, 'blocked', s.blocked, 'redeemed', s.redeemed,
					'expired', s.expired, 'returned', s.returned, 'adjusted', s.adjusted, 'transferred', s.transferred,
					'forfeited', s.forfeited, 'reinstated', s.reinstated, 'overdrawn', s.debt, 'overdrawn_since', s.overdrawn_since, 'unmet', s.unmet,
					'last_activity_at', s.last_activity_at),
				'lots', (SELECT coalesce(jsonb_agg(jsonb_build_object(
							'earned_at', l.earned_at, 'kind', l.kind, 'label', l.label, 'ref', l.ref, 'points', l.points, 'remaining', l.remaining + l.blocked, 'blocked', l.blocked,
							'available_at', l.available_at, 'expires_at', l.expires_at,
							'state', CASE WHEN l.remaining > 0 AND l.pending THEN 'pending' WHEN l.remaining > 0 THEN 'active' WHEN l.blocked > 0 THEN 'blocked' ELSE l.emptied END) ORDER BY l.no), '[]')
						 FROM unnest(s.lots) l WHERE l.points > 0),
				'made', (SELECT coalesce(jsonb_agg(jsonb_build_object('label', l.label, 'from', l.source) ORDER BY l.no), '[]') FROM unnest(s.lots) l),
				'redemptions', (SELECT coalesce(jsonb_agg(jsonb_build_object(
							'redeemed_at', u.at, 'redeem_ref', u.ref, 'earned_at', s.lots[u.lot].earned_at, 'earn_ref', s.lots[u.lot].ref,
							'label', s.lots[u.lot].label, 'taken', u.taken, 'points', u.points) ORDER BY u.n), '[]')
						 FROM (SELECT u.*, row_number() OVER () AS n FROM unnest(s.uses || s.anew) u
							   UNION ALL
							   SELECT o.at, o.ref, NULL, o.points, o.owed, NULL FROM unnest(s.debts) o WHERE o.role = 'redeem' AND o.points > 0) u),
				'moves', to_jsonb(s.moves),
				'entries', to_jsonb(s.entries),
				'violations', (SELECT coalesce(jsonb_agg(to_jsonb(v) ORDER BY v.at), '[]')
						 FROM (SELECT * FROM unnest(s.violations)
							   UNION ALL
							   SELECT u.at, u.ref, 'computed expiry that was never booked', u.points FROM unnest(s.unbooked) u WHERE u.points > 0) v));
		END IF;
		EXIT WHEN next_at IS NULL;
		IF (next_at, next_step) > (s.clock, s.clock_step) THEN
			s.clock := next_at;
			s.clock_step := next_step;
		END IF;

		IF next_step = s.expiry_step THEN
			gone := s.expired;
			s := ref_points_expire(s, next_at, true);
			IF answer IS NOT NULL THEN
				schedule := schedule || jsonb_build_object('expires_at', s.clock, 'points', s.expired - gone);
			END IF;
		ELSIF next_step = 2 THEN
			s := ref_points_activate(s, next_at);
		ELSE
			done := done + 1;
			s := ref_points_event(s, todo[done]);
		END IF;
	END LOOP;

	-- ---- later expiries, by instant ----

	SELECT coalesce(jsonb_agg(jsonb_build_object('expires_at', d.expires_at, 'points', d.points) ORDER BY d.expires_at), '[]')
	INTO schedule
	FROM (SELECT r.expires_at, sum(r.points) AS points FROM jsonb_to_recordset(schedule) AS r(expires_at timestamptz, points numeric) GROUP BY 1) d;
	RETURN jsonb_set(answer || jsonb_build_object('schedule', schedule), '{summary}', answer->'summary' || jsonb_build_object(
		'next_expiry_at', schedule->0->'expires_at', 'next_expiry_points', schedule->0->'points'));
END $$;

-- ---- readings of the walk ----

CREATE FUNCTION ref_points_balance(events jsonb, policy jsonb, as_of date) RETURNS numeric
LANGUAGE sql AS $$ SELECT (ref_points(events, policy, as_of, NULL)->'summary'->>'balance')::numeric $$;

CREATE FUNCTION ref_points_balance_at(events jsonb, policy jsonb, instant timestamptz) RETURNS numeric
LANGUAGE sql AS $$ SELECT (ref_points(events, policy, NULL, instant)->'summary'->>'balance')::numeric $$;

CREATE FUNCTION ref_points_summary(events jsonb, policy jsonb, as_of date)
RETURNS TABLE(balance numeric, earned numeric, pending numeric, active numeric, blocked numeric, redeemed numeric, expired numeric, returned numeric, adjusted numeric, transferred numeric,
			  forfeited numeric, reinstated numeric, overdrawn numeric, overdrawn_since timestamptz, unmet numeric, next_expiry_at timestamptz, next_expiry_points numeric, last_activity_at timestamptz)
LANGUAGE sql AS $$
	SELECT * FROM jsonb_to_record(ref_points(events, policy, as_of, NULL)->'summary')
	AS s(balance numeric, earned numeric, pending numeric, active numeric, blocked numeric, redeemed numeric, expired numeric, returned numeric, adjusted numeric, transferred numeric,
		 forfeited numeric, reinstated numeric, overdrawn numeric, overdrawn_since timestamptz, unmet numeric, next_expiry_at timestamptz, next_expiry_points numeric, last_activity_at timestamptz)
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
		coalesce(sum(m.points) FILTER (WHERE NOT before AND role IN ('redeem_refund', 'reinstate')), 0),
		coalesce(sum(m.points) FILTER (WHERE NOT before AND role = 'adjust'), 0),
		coalesce(sum(m.points) FILTER (WHERE NOT before AND role = 'transfer'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'redeem'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'return'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'expire'), 0),
		coalesce(-sum(m.points) FILTER (WHERE NOT before AND role = 'forfeit'), 0),
		sum(d), sum(m.pending)
	FROM part p CROSS JOIN LATERAL (SELECT m.*, m.active + m.pending + m.blocked - m.debt AS d, m.day < p.period_start AS before FROM move m WHERE m.day < p.period_end) m
	GROUP BY 1, 2 ORDER BY 1
$$;

-- ---- everyone's points: each move under a label and in a period ----

--
-- One customer's bookings by local day, week, month, quarter or year, up to the end of as_of.
-- of 'rollforward': amounts of a column in a period, under the label of the lot that the
-- move touches. A debt is booked under no label, and moves to that of the lot that pays it.
-- of 'triangle': the same by the period in which the lot was made (issued_in); a debt
-- is there when a lot pays it.
--
CREATE TYPE ref_booking AS (of text, label text, issued_in date, period date, col text, points numeric);

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
	of_role text;
	col text;
	points numeric;
BEGIN
	FOR m IN SELECT * FROM jsonb_populate_recordset(NULL::ref_move, walk->'moves') LOOP
		-- what expires before the events of a day's first instant belongs to the day before
		local := m.at AT TIME ZONE zone;
		IF m.step = 1 AND local = date_trunc('day', local) THEN
			local := local - interval '1 day';
		END IF;
		period := date_trunc(unit, local)::date;
		label := walk->'made'->(m.lot - 1)->>'label';
		-- a lot that pays is taken from as by what made the debt
		of_role := coalesce(m.pays, m.role);
		points := CASE WHEN m.pays IS NULL THEN m.points ELSE m.debt END;
		-- columns that count what goes
		IF of_role IN ('redeem', 'return', 'expire', 'forfeit') THEN
			points := -points;
		END IF;
		col := CASE of_role WHEN 'earn' THEN 'issued' WHEN 'redeem_refund' THEN 'reinstated' WHEN 'reinstate' THEN 'reinstated' WHEN 'adjust' THEN 'adjusted' WHEN 'transfer' THEN 'transferred'
			WHEN 'redeem' THEN 'redeemed' WHEN 'return' THEN 'returned' WHEN 'expire' THEN 'expired' WHEN 'forfeit' THEN 'forfeited' END;

		IF points <> 0 THEN
			RETURN NEXT ROW('rollforward', label, NULL, period, col, points)::ref_booking;
		END IF;
		IF m.pays IS NOT NULL THEN
			RETURN NEXT ROW('rollforward', NULL, NULL, period, col, -points)::ref_booking;
		END IF;
		IF m.pending <> 0 THEN
			RETURN NEXT ROW('rollforward', label, NULL, period, 'pending', m.pending)::ref_booking;
		END IF;
		IF m.blocked <> 0 THEN
			RETURN NEXT ROW('rollforward', label, NULL, period, 'blocked', m.blocked)::ref_booking;
		END IF;

		IF m.lot IS NOT NULL AND points <> 0 THEN
			IF of_role = 'reinstate' THEN
				-- of the period of the lot that it was taken from
				issued_in[m.lot] := issued_in[(walk->'made'->(m.lot - 1)->>'from')::int];
				RETURN NEXT ROW('triangle', label, issued_in[m.lot], period, 'expired', -points)::ref_booking;
			ELSIF issued_in[m.lot] IS NULL THEN
				issued_in[m.lot] := period;
				RETURN NEXT ROW('triangle', label, period, period, 'issued', points)::ref_booking;
			ELSE
				RETURN NEXT ROW('triangle', label, issued_in[m.lot], period,
					CASE WHEN of_role IN ('redeem', 'redeem_refund') THEN 'redeemed' WHEN of_role = 'expire' THEN 'expired' ELSE 'taken_back' END,
					CASE WHEN of_role IN ('redeem_refund', 'adjust', 'transfer') THEN -points ELSE points END)::ref_booking;
			END IF;
		END IF;
	END LOOP;
END $$;
