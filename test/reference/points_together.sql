--
-- Accounts that become one at an instant, slow and obvious: each is walked up to there, the states are
-- put side by side, and one walk goes on from there. \ir points_reference.sql before it.
--

-- Goes on to a limit with these events, and tells the state there; and what expires later if nothing else happens.
CREATE FUNCTION ref_points_go(INOUT s ref_points_state, todo ref_event[], limit_at timestamptz, limit_step int, OUT schedule jsonb)
LANGUAGE plpgsql AS $$
DECLARE
	stands ref_points_state;
	stood boolean := false;
	done int := 0;
	next_at timestamptz;
	next_step int;
	next_expiry_at timestamptz;
	next_activation_at timestamptz;
	gone numeric;
	list jsonb := '[]';
BEGIN
	LOOP
		SELECT least(min(l.expires_at), s.inactive_at), min(l.available_at) FILTER (WHERE l.pending)
		INTO next_expiry_at, next_activation_at FROM unnest(s.lots) l WHERE l.remaining + l.blocked > 0;
		SELECT t.at, t.step INTO next_at, next_step
		FROM (VALUES (next_expiry_at, s.expiry_step), (next_activation_at, 2), (todo[done + 1].at, 3)) t(at, step)
		WHERE t.at IS NOT NULL ORDER BY t.at, t.step LIMIT 1;
		IF NOT stood AND (next_at IS NULL OR (next_at, next_step) > (limit_at, limit_step)) THEN
			stands := s;
			stood := true;
		END IF;
		EXIT WHEN next_at IS NULL;
		IF (next_at, next_step) > (s.clock, s.clock_step) THEN
			s.clock := next_at;
			s.clock_step := next_step;
		END IF;
		IF next_step = s.expiry_step THEN
			gone := s.expired;
			s := ref_points_expire(s, next_at, true);
			IF stood THEN
				list := list || jsonb_build_object('expires_at', s.clock, 'points', s.expired - gone);
			END IF;
		ELSIF next_step = 2 THEN
			s := ref_points_activate(s, next_at);
		ELSE
			done := done + 1;
			s := ref_points_event(s, todo[done]);
		END IF;
	END LOOP;
	SELECT coalesce(jsonb_agg(jsonb_build_object('expires_at', d.expires_at, 'points', d.points) ORDER BY d.expires_at), '[]')
	INTO schedule
	FROM (SELECT r.expires_at, sum(r.points) AS points FROM jsonb_to_recordset(list) AS r(expires_at timestamptz, points numeric) GROUP BY 1) d;
	s := stands;
END $$;

-- An account as it stands before the events of an instant: what expires there by an exclusive boundary is gone.
CREATE FUNCTION ref_points_before(events jsonb, policy jsonb, instant timestamptz) RETURNS ref_points_state
LANGUAGE sql AS $$ SELECT (ref_points_go(ref_points_begin(policy, true), ref_events(events, policy, instant, false), instant, 1)).s $$;

-- A lot that comes in, in the sum of its role.
CREATE FUNCTION ref_points_add_up(s ref_points_state, lot ref_lot) RETURNS ref_points_state
LANGUAGE plpgsql AS $$
BEGIN
	CASE lot.role
		WHEN 'earn' THEN s.earned := s.earned + lot.points;
		WHEN 'adjust' THEN s.adjusted := s.adjusted + lot.points;
		WHEN 'transfer' THEN s.transferred := s.transferred + lot.points;
		ELSE s.reinstated := s.reinstated + lot.points;
	END CASE;
	s.lots := s.lots || lot;
	RETURN s;
END $$;

-- Both side by side from that instant on: lots with what is left of them, debts with what is owed, expiries that aren't booked, the
-- later activity unless all lapsed for want of another. Debts are paid, the oldest one first, by lots in the order of redemption.
CREATE FUNCTION ref_points_together(a ref_points_state, b ref_points_state, instant timestamptz) RETURNS ref_points_state
LANGUAGE plpgsql AS $$
DECLARE
	s ref_points_state := ref_points_begin(a.policy, true);
	lot ref_lot;
	r timestamptz;
	gone record;
BEGIN
	s.clock := instant;
	s.clock_step := 3;
	-- what has expired and may be brought back
	IF s.policy ? 'grace_after_expiry' THEN
		FOR gone IN SELECT p.* FROM (SELECT p.at, p.points, a.lots[p.lot] AS lot FROM unnest(a.pieces) p UNION ALL SELECT p.at, p.points, b.lots[p.lot] FROM unnest(b.pieces) p) p
					WHERE p.points > 0 AND (ref_plus(p.at, (s.policy->>'grace_after_expiry')::interval, s.zone) > instant
						OR ref_plus(p.at, (s.policy->>'grace_after_expiry')::interval, s.zone) = instant AND s.policy->>'expiry_boundary' = 'valid')
					ORDER BY p.at, (p.lot).earned_at, (p.lot).kind COLLATE "C" NULLS FIRST, (p.lot).label COLLATE "C" NULLS FIRST, (p.lot).ref IS NOT NULL, ref_number((p.lot).ref) NULLS LAST, (p.lot).ref COLLATE "C", p.points LOOP
			lot := gone.lot;
			lot.no := cardinality(s.lots) + 1;
			lot.points := gone.points;
			lot.remaining := 0;
			lot.blocked := 0;
			lot.expires_at := gone.at;
			lot.pending := false;
			lot.emptied := 'expired';
			s := ref_points_add_up(s, lot);
			s.expired := s.expired + lot.points;
			s.pieces := s.pieces || ROW(gone.at, lot.no, gone.points)::ref_piece;
		END LOOP;
	END IF;
	FOR lot IN SELECT l.* FROM unnest(a.lots || b.lots) l WHERE l.remaining + l.blocked > 0
			   ORDER BY l.earned_at, l.role = 'redeem_refund', array_position(ARRAY['earn', 'adjust', 'transfer', 'redeem_refund'], l.role),
				   l.kind COLLATE "C" NULLS FIRST, l.label COLLATE "C" NULLS FIRST, l.ref IS NOT NULL, ref_number(l.ref) NULLS LAST, l.ref COLLATE "C", l.expires_at NULLS LAST, l.remaining LOOP
		lot.no := cardinality(s.lots) + 1;
		lot.points := lot.remaining + lot.blocked;
		-- NULL: until an event says so
		lot.pending := coalesce(lot.available_at > instant, true);
		s := ref_points_add_up(s, lot);
	END LOOP;
	SELECT coalesce(array_agg(ROW(d.at, d.role, d.label, d.ref, d.owed, d.owed)::ref_debt ORDER BY d.at, array_position(ARRAY['adjust', 'transfer', 'return', 'redeem'], d.role), d.account, d.n), '{}')
	INTO s.debts
	FROM (SELECT 1 AS account, * FROM unnest(a.debts) WITH ORDINALITY d(at, role, label, ref, points, owed, n)
		  UNION ALL SELECT 2, * FROM unnest(b.debts) WITH ORDINALITY d(at, role, label, ref, points, owed, n)) d
	WHERE d.owed > 0;
	SELECT coalesce(sum(d.owed) FILTER (WHERE d.role = 'redeem'), 0), coalesce(sum(d.owed) FILTER (WHERE d.role = 'return'), 0),
		s.adjusted - coalesce(sum(d.owed) FILTER (WHERE d.role = 'adjust'), 0), s.transferred - coalesce(sum(d.owed) FILTER (WHERE d.role = 'transfer'), 0)
	INTO s.redeemed, s.returned, s.adjusted, s.transferred FROM unnest(s.debts) d;
	SELECT coalesce(array_agg(u ORDER BY u.at), '{}') INTO s.unbooked FROM unnest(a.unbooked || b.unbooked) u WHERE u.points > 0;
	s.last_activity_at := greatest(a.last_activity_at, b.last_activity_at);
	FOREACH r IN ARRAY ARRAY[a.refreshed_at, b.refreshed_at] LOOP
		IF s.policy ? 'inactive_after' AND (ref_inactive(r, (s.policy->>'inactive_after')::interval, s.zone), s.expiry_step) > (instant, 1) THEN
			s.refreshed_at := greatest(s.refreshed_at, r);
		END IF;
	END LOOP;
	s.overdrawn_since := least(a.overdrawn_since, b.overdrawn_since);
	SELECT coalesce(array_agg(l.no ORDER BY CASE WHEN s.policy->>'redeem_order' = 'newest' THEN -l.no END,
		CASE WHEN coalesce(s.policy->>'redeem_order', 'soonest_expiry') = 'soonest_expiry' THEN l.expires_at END NULLS LAST, l.no), '{}')
	INTO s.arrived FROM unnest(s.lots) l WHERE NOT l.pending;
	s := ref_points_settle(s);
	s.frozen := a.frozen OR b.frozen;
	RETURN s;
END $$;
