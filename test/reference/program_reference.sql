--
-- A whole programme, slow and obvious: one customer's events, one instant after the other,
-- each with the seven steps of an instant, in PL/pgSQL and numeric. Nothing of the extension
-- is needed. \ir periods.sql, earn_reference.sql, points_reference.sql and tiers_reference.sql
-- before it: it needs their rules of a day, rounding, caps, calendars and windows. The three
-- walks themselves are written anew here, since each has to stop at every instant.
--
-- events:  a jsonb array of {"at", "value", "kind", "label", "ref", "expires_at"}
-- program: jsonb, as it is written or as program_policy writes it; taken to be valid
--

-- A row of the statement. kind and counts are what the tiers may see of it: the kind of the
-- event, and the points that count for tiers (NULL: none).
CREATE TYPE ref_program_row AS (at timestamptz, role text, label text, ref text, amount numeric, points numeric, balance numeric, tier text, kind text, counts numeric);

-- What spend and orders count; first: the order's first.
CREATE TYPE ref_program_counting AS (at timestamptz, value numeric, kind text, label text, ref text, first boolean);

-- What earning remembers (see earn_reference.sql), and the rows of its last step.
CREATE TYPE ref_program_earning AS (joined boolean, counts earn_ref_count[], orders jsonb, keys text[], bought text[], norders int, rows ref_program_row[]);

-- counts: whether the lot, once it is available, counts for tiers
CREATE TYPE ref_program_lot AS (no int, at timestamptz, kind text, label text, ref text, counts boolean, remaining numeric, available_at timestamptz, expires_at timestamptz, pending boolean);

-- What points remember, and the rows of their last step.
CREATE TYPE ref_program_points AS (lots ref_program_lot[], debt numeric, earned numeric, returned numeric, redeemed numeric, expired numeric, inactive_at timestamptz, rows ref_program_row[]);

-- What tiers remember (see tiers_reference.sql): what never changes; the state of the rules; what holds with the grants.
CREATE TYPE ref_program_tiers AS (policy jsonb, zone text, qualifying_window text, metrics text[], of text[], names text[], starts date[], version_starts timestamptz[], member_since timestamptz,
	grants ref_tier_grant[], counted ref_tier_event[],
	rank int, valid_until timestamptz, grace_until timestamptz, since timestamptz, running int[], rules jsonb,
	now_rank int, now_until timestamptz, history ref_tier_change[]);

-- ---- the programme ----

-- A part's policy: with the programme's zone, and its versions where the programme has them.
CREATE FUNCTION ref_program_part(program jsonb, part text, zone text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT (CASE part WHEN 'tiers' THEN ref_tier_policy(program->'tiers') ELSE coalesce(program->part, '{}') END || jsonb_build_object('zone', zone))
		|| coalesce((SELECT jsonb_build_object('versions', jsonb_agg(v->part || jsonb_build_object('from', v->'from') ORDER BY (v->>'from')::date))
					 FROM jsonb_array_elements(program->'versions') v WHERE v ? part HAVING count(*) > 0), '{}')
$$;

CREATE FUNCTION ref_program_zone(program jsonb) RETURNS text
LANGUAGE sql STABLE AS $$
	SELECT coalesce(program->>'zone', program->'earn'->>'zone', program->'points'->>'zone', ref_tier_policy(program->'tiers')->>'zone', current_setting('timezone'))
$$;

-- The no-expiry tiers of a day.
CREATE FUNCTION ref_program_no_expiry(program jsonb, day date) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce((SELECT v->'no_expiry_tiers' FROM jsonb_array_elements(program->'versions') v
					 WHERE v ? 'no_expiry_tiers' AND (v->>'from')::date <= day ORDER BY (v->>'from')::date DESC LIMIT 1), program->'no_expiry_tiers', '[]')
$$;

-- ---- what counts, whatever the tier is ----

CREATE FUNCTION ref_program_counting(list earn_ref_event[], policy jsonb, zone text, member_since timestamptz) RETURNS SETOF ref_program_counting
LANGUAGE plpgsql AS $$
DECLARE
	orders jsonb := '{}';	-- by key: ref, kind, rules of the first line's day, sum of lines, amount, returned, and lines of this instant
	keys text[] := '{}';	-- in the order of their first lines
	bought text[] := '{}';	-- refs that some purchase had
	here text[];			-- orders with lines at this instant
	now timestamptz;
	rules jsonb;
	e earn_ref_event;
	n int;
	key text;
	other text;
	o jsonb;
	paid numeric;
	amount numeric;
	part numeric;
	r numeric;
BEGIN
	FOR now IN SELECT DISTINCT x.at FROM unnest(list) x ORDER BY 1 LOOP
		rules := earn_ref_rules(policy, (now AT TIME ZONE zone)::date);

		-- purchases: lines to their orders
		here := '{}';
		n := 0;
		FOREACH e IN ARRAY list LOOP
			CONTINUE WHEN e.at <> now OR e.role <> 'purchase';
			n := n + 1;
			bought := bought || e.ref;
			CONTINUE WHEN now < member_since;
			key := CASE WHEN e.ref IS NULL THEN format('%s of %s', n, now) ELSE format('%s %L', e.ref, e.kind) END;
			o := orders->key;
			CONTINUE WHEN coalesce(o->'rules', rules)->'excluded_kinds' @> to_jsonb(e.kind) OR coalesce(o->'rules', rules)->'excluded_labels' @> to_jsonb(e.label);
			IF o IS NULL THEN
				o := jsonb_build_object('ref', e.ref, 'kind', e.kind, 'rules', rules, 'sum', 0, 'amount', 0, 'returned', 0, 'new', true);
				keys := keys || key;
			END IF;
			IF key <> ALL (here) THEN
				o := o || jsonb_build_object('plus', 0, 'labels', '[]'::jsonb);
				here := here || key;
			END IF;
			orders := orders || jsonb_build_object(key, o || jsonb_build_object('plus', (o->>'plus')::numeric + coalesce(e.value, 0), 'labels', (o->'labels') || coalesce(to_jsonb(e.label), 'null')));
		END LOOP;
		-- what each order came to
		FOREACH key IN ARRAY here LOOP
			o := orders->key;
			o := o || jsonb_build_object('sum', (o->>'sum')::numeric + (o->>'plus')::numeric);
			paid := 0;
			IF o->>'ref' IS NOT NULL THEN
				SELECT coalesce(sum(abs(x.value)), 0) INTO paid FROM unnest(list) x WHERE x.role = 'paid_with_points' AND x.ref = o->>'ref' AND x.at <= now;
				FOREACH other IN ARRAY keys LOOP
					EXIT WHEN other = key;
					IF orders->other->>'ref' = o->>'ref' THEN
						paid := greatest(paid - (orders->other->>'sum')::numeric, 0);
					END IF;
				END LOOP;
			END IF;
			amount := greatest((o->>'sum')::numeric - paid, 0);
			RETURN NEXT ROW(now, amount - (o->>'amount')::numeric, o->>'kind',
				CASE WHEN (SELECT count(DISTINCT l) FROM jsonb_array_elements(o->'labels') l) = 1 THEN o->'labels'->>0 END, o->>'ref', (o->>'new')::boolean)::ref_program_counting;
			orders := orders || jsonb_build_object(key, o || jsonb_build_object('amount', amount, 'new', false));
		END LOOP;

		-- returns: of orders at most what is left of them
		FOREACH e IN ARRAY list LOOP
			CONTINUE WHEN e.at <> now OR e.role <> 'return' OR now < member_since OR rules->'excluded_kinds' @> to_jsonb(e.kind) OR rules->'excluded_labels' @> to_jsonb(e.label);
			r := abs(e.value);
			IF e.ref = ANY (bought) THEN
				amount := 0;
				FOREACH key IN ARRAY keys LOOP
					o := orders->key;
					CONTINUE WHEN o->>'ref' IS DISTINCT FROM e.ref;
					part := greatest(least(r - amount, (o->>'amount')::numeric - (o->>'returned')::numeric), 0);
					amount := amount + part;
					orders := orders || jsonb_build_object(key, o || jsonb_build_object('returned', (o->>'returned')::numeric + part));
				END LOOP;
			ELSE
				amount := r;
			END IF;
			RETURN NEXT ROW(now, -amount, e.kind, e.label, e.ref, false)::ref_program_counting;
		END LOOP;
	END LOOP;
END $$;

-- ---- earning at one instant ----

-- of 'days': birthday and anniversary; of 'events': the rest. tier: what multipliers see.
CREATE FUNCTION ref_program_earn(s ref_program_earning, list earn_ref_event[], policy jsonb, zone text, member_since timestamptz, birth date, now timestamptz, of text, tier text) RETURNS ref_program_earning
LANGUAGE plpgsql AS $$
DECLARE
	today date := (now AT TIME ZONE zone)::date;
	started date := (member_since AT TIME ZONE zone)::date;
	rules jsonb;
	qualify boolean;
	y int := extract(year FROM today);
	e earn_ref_event;
	gives jsonb := '[]';
	give jsonb;
	groups jsonb := '[]';
	g jsonb;
	key text;
	o jsonb;
	other text;
	paid numeric;
	lines jsonb;
	total numeric;
	points numeric;
	more numeric;
	granted numeric;
	share jsonb;
	n int;
	fresh boolean;
	r numeric;
	part numeric;
	keeps numeric;
BEGIN
	s.rows := '{}';
	IF of = 'days' AND now <> earn_ref_day_start(today, zone) THEN
		RETURN s;
	END IF;
	rules := earn_ref_rules(policy, today);
	qualify := coalesce((rules->>'bonuses_qualify')::boolean, false);

	-- ---- what days give; joining, referrals ----

	IF of = 'days' THEN
		IF birth IS NOT NULL AND y > extract(year FROM birth) AND now > member_since AND now = earn_ref_day_start(earn_ref_in_year(birth, y), zone) THEN
			gives := gives || jsonb_build_object('sort', 'birthday');
		END IF;
		IF y > extract(year FROM started) AND now = earn_ref_day_start(earn_ref_in_year(started, y), zone) THEN
			gives := gives || jsonb_build_object('sort', 'anniversary');
		END IF;
	ELSE
		FOREACH e IN ARRAY list LOOP
			IF e.at = now AND e.role = 'join' AND NOT s.joined THEN
				s.joined := true;
				gives := gives || jsonb_build_object('sort', 'joining', 'ref', e.ref);
			END IF;
		END LOOP;
		FOREACH e IN ARRAY list LOOP
			IF e.at = now AND e.role = 'referral' AND now >= member_since THEN
				gives := gives || jsonb_build_object('sort', 'referral', 'ref', e.ref);
			END IF;
		END LOOP;
	END IF;
	FOR give IN SELECT x FROM jsonb_array_elements(gives) WITH ORDINALITY q(x, i) ORDER BY i LOOP
		CONTINUE WHEN NOT rules->'bonuses' ? (give->>'sort');
		o := rules->'bonuses'->(give->>'sort');
		points := CASE jsonb_typeof(o) WHEN 'number' THEN o#>>'{}' ELSE o->>'points' END::numeric;
		points := least(points, earn_ref_left(CASE jsonb_typeof(o) WHEN 'number' THEN NULL ELSE o->'cap' END, s.counts, 'bonus ' || (give->>'sort'), today));
		s.counts := s.counts || ROW('bonus ' || (give->>'sort'), today, points)::earn_ref_count;
		points := least(points, earn_ref_left(rules->'caps', s.counts, 'all', today));
		s.counts := s.counts || ROW('all', today, points)::earn_ref_count;
		s.rows := s.rows || ROW(now, 'bonus', give->>'sort', give->>'ref', NULL, points, NULL, NULL, NULL, CASE WHEN qualify THEN points END)::ref_program_row;
	END LOOP;
	IF of = 'days' THEN
		RETURN s;
	END IF;

	-- ---- purchases: those that earn nothing, the others by order ----

	n := 0;
	FOREACH e IN ARRAY list LOOP
		CONTINUE WHEN e.at <> now OR e.role <> 'purchase';
		n := n + 1;
		s.bought := s.bought || e.ref;
		key := CASE WHEN e.ref IS NULL THEN format('%s of %s', n, now) ELSE format('%s %L', e.ref, e.kind) END;
		lines := coalesce(s.orders->key->'rules', rules);
		IF now < member_since OR lines->'excluded_kinds' @> to_jsonb(e.kind) OR lines->'excluded_labels' @> to_jsonb(e.label) THEN
			s.rows := s.rows || ROW(now, 'earn', e.label, e.ref, coalesce(e.value, 0), 0, NULL, NULL, NULL, NULL)::ref_program_row;
			CONTINUE;
		END IF;
		IF NOT groups @> jsonb_build_array(jsonb_build_object('key', key)) THEN
			groups := groups || jsonb_build_object('key', key, 'ref', e.ref, 'kind', e.kind, 'lines', '[]'::jsonb);
			IF NOT s.orders ? key THEN
				s.orders := s.orders || jsonb_build_object(key, jsonb_build_object('rules', rules, 'ref', e.ref, 'lines', '[]'::jsonb, 'sum', 0, 'amount', 0, 'total', 0, 'earned', 0, 'taken', 0, 'returned', 0,
					'shares', '{}'::jsonb, 'new', true));
				s.keys := s.keys || key;
			END IF;
		END IF;
		SELECT jsonb_agg(CASE WHEN x->>'key' = key THEN jsonb_set(x, '{lines}', x->'lines' || jsonb_build_object('value', coalesce(e.value, 0), 'label', e.label, 'at', now AT TIME ZONE zone, 'tier', tier))
			ELSE x END ORDER BY i) INTO groups FROM jsonb_array_elements(groups) WITH ORDINALITY q(x, i);
	END LOOP;

	FOR g IN SELECT x FROM jsonb_array_elements(groups) WITH ORDINALITY q(x, i) ORDER BY i LOOP
		key := g->>'key';
		o := s.orders->key;
		rules := o->'rules';
		fresh := (o->>'new')::boolean;
		lines := (o->'lines') || (g->'lines');
		SELECT sum((x->>'value')::numeric) INTO total FROM jsonb_array_elements(lines) x;
		o := o || jsonb_build_object('new', false, 'lines', lines, 'sum', total);
		-- what was paid with points, less what orders of the same ref before this one took of it
		paid := 0;
		IF g->>'ref' IS NOT NULL THEN
			SELECT coalesce(sum(abs(x.value)), 0) INTO paid FROM unnest(list) x WHERE x.role = 'paid_with_points' AND x.ref = g->>'ref' AND x.at <= now;
			FOREACH other IN ARRAY s.keys LOOP
				EXIT WHEN other = key;
				IF s.orders->other->>'ref' = g->>'ref' THEN
					paid := greatest(paid - (s.orders->other->>'sum')::numeric, 0);
				END IF;
			END LOOP;
		END IF;
		o := o || jsonb_build_object('amount', greatest(total - paid, 0));
		total := earn_ref_points(rules, (o->>'amount')::numeric, lines, jsonb_array_length(rules->'multipliers'), false);
		points := total - (o->>'total')::numeric;
		o := o || jsonb_build_object('total', total);
		-- what each capped multiplier added
		FOR n IN 1 .. jsonb_array_length(rules->'multipliers') LOOP
			CONTINUE WHEN NOT rules->'multipliers'->(n - 1) ? 'cap' AND NOT rules->'multipliers'->(n - 1) ? 'name';
			share := coalesce(o->'shares'->(n::text), '{"added": 0, "granted": 0}');
			more := earn_ref_points(rules, (o->>'amount')::numeric, lines, n, false) - earn_ref_points(rules, (o->>'amount')::numeric, lines, n - 1, false);
			granted := more - (share->>'added')::numeric;
			share := share || jsonb_build_object('added', more);
			IF points > 0 AND granted > 0 THEN
				more := granted;
				granted := least(granted, (rules->'multipliers'->(n - 1)->'cap'->>'order')::numeric - (share->>'granted')::numeric,
					earn_ref_left(rules->'multipliers'->(n - 1)->'cap', s.counts, earn_ref_counter(rules, n), today));
				s.counts := s.counts || ROW(earn_ref_counter(rules, n), today, granted)::earn_ref_count;
				share := share || jsonb_build_object('granted', (share->>'granted')::numeric + granted);
				points := points - least(points, more - granted);
			END IF;
			o := jsonb_set(o, ARRAY['shares', n::text], share);
		END LOOP;
		IF points >= 0 THEN
			points := least(points, earn_ref_left(rules->'caps', s.counts, 'all', today));
			s.counts := s.counts || ROW('all', today, points)::earn_ref_count;
			o := o || jsonb_build_object('earned', (o->>'earned')::numeric + points);
		ELSE
			-- the lines made it earn less: no more than the new total stays
			more := greatest((o->>'earned')::numeric - total, 0);
			points := -least(more, (o->>'earned')::numeric - (o->>'taken')::numeric);
			o := o || jsonb_build_object('earned', (o->>'earned')::numeric - more);
		END IF;
		s.orders := s.orders || jsonb_build_object(key, o);
		s.rows := s.rows || ROW(now, CASE WHEN points < 0 THEN 'return' ELSE 'earn' END,
			(SELECT CASE WHEN count(DISTINCT x->'label') = 1 THEN min(x->>'label') END FROM jsonb_array_elements(g->'lines') x), g->>'ref',
			(SELECT sum((x->>'value')::numeric) FROM jsonb_array_elements(g->'lines') x), points, NULL, NULL, g->>'kind', points)::ref_program_row;
		CONTINUE WHEN NOT fresh;
		s.norders := s.norders + 1;
		gives := CASE WHEN s.norders = 1 AND rules->'bonuses' ? 'first_purchase' THEN jsonb_build_array(CASE jsonb_typeof(rules->'bonuses'->'first_purchase')
			WHEN 'number' THEN jsonb_build_object('points', rules->'bonuses'->'first_purchase') ELSE rules->'bonuses'->'first_purchase' END || '{"sort": "first_purchase", "counter": "first"}') ELSE '[]' END;
		SELECT gives || coalesce(jsonb_agg(x || jsonb_build_object('sort', 'nth_purchase', 'counter', 'nth ' || (x->>'n')) ORDER BY (x->>'n')::int), '[]') INTO gives
		FROM jsonb_array_elements(coalesce(rules->'bonuses'->'nth_purchase', '[]')) x WHERE CASE WHEN (x->>'every')::boolean THEN s.norders % (x->>'n')::int = 0 ELSE s.norders = (x->>'n')::int END;
		FOR give IN SELECT x FROM jsonb_array_elements(gives) WITH ORDINALITY q(x, i) ORDER BY i LOOP
			points := least((give->>'points')::numeric, earn_ref_left(give->'cap', s.counts, give->>'counter', today));
			s.counts := s.counts || ROW(give->>'counter', today, points)::earn_ref_count;
			points := least(points, earn_ref_left(rules->'caps', s.counts, 'all', today));
			s.counts := s.counts || ROW('all', today, points)::earn_ref_count;
			s.rows := s.rows || ROW(now, 'bonus', give->>'sort', g->>'ref', NULL, points, NULL, NULL, NULL, CASE WHEN qualify THEN points END)::ref_program_row;
		END LOOP;
	END LOOP;

	-- ---- returns, redemptions ----

	rules := earn_ref_rules(policy, today);
	FOREACH e IN ARRAY list LOOP
		CONTINUE WHEN e.at <> now OR e.role <> 'return';
		points := 0;
		IF now < member_since OR rules->'excluded_kinds' @> to_jsonb(e.kind) OR rules->'excluded_labels' @> to_jsonb(e.label) THEN
			-- takes nothing back
		ELSIF e.ref = ANY (s.bought) THEN
			r := abs(e.value);
			FOREACH key IN ARRAY s.keys LOOP
				o := s.orders->key;
				CONTINUE WHEN o->>'ref' IS DISTINCT FROM e.ref;
				part := least(r, (o->>'amount')::numeric - (o->>'returned')::numeric);
				CONTINUE WHEN part <= 0;
				r := r - part;
				o := o || jsonb_build_object('returned', (o->>'returned')::numeric + part);
				keeps := earn_ref_round((o->>'earned')::numeric * ((o->>'amount')::numeric - (o->>'returned')::numeric), (o->>'amount')::numeric, o->'rules'->>'rounding', (o->'rules'->>'decimals')::int);
				part := greatest((o->>'earned')::numeric - (o->>'taken')::numeric - keeps, 0);
				points := points - part;
				s.orders := s.orders || jsonb_build_object(key, o || jsonb_build_object('taken', (o->>'taken')::numeric + part));
			END LOOP;
		ELSE
			points := earn_ref_return(rules, abs(e.value), now AT TIME ZONE zone, false, e.label, tier);
		END IF;
		s.rows := s.rows || ROW(now, 'return', e.label, e.ref, -abs(e.value), points, NULL, NULL, e.kind, points)::ref_program_row;
	END LOOP;
	FOREACH e IN ARRAY list LOOP
		IF e.at = now AND e.role = 'redemption' THEN
			s.rows := s.rows || ROW(now, 'redeem', e.label, e.ref, NULL, -abs(e.value), NULL, NULL, NULL, NULL)::ref_program_row;
		END IF;
	END LOOP;
	RETURN s;
END $$;

-- ---- points: what one thing does to them ----

CREATE FUNCTION ref_program_balance(p ref_program_points) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(sum(l.remaining), 0) - p.debt FROM unnest(p.lots) l WHERE NOT l.pending $$;

-- Whatever is due goes: what is due before now, or through now. A row for each label.
CREATE FUNCTION ref_program_expire(p ref_program_points, now timestamptz, through boolean) RETURNS ref_program_points
LANGUAGE plpgsql AS $$
DECLARE
	all_goes boolean := coalesce(p.inactive_at < now OR p.inactive_at = now AND through, false);
	l ref_program_lot;
	gone jsonb := '{}';
BEGIN
	p.rows := '{}';
	IF NOT all_goes AND NOT EXISTS (SELECT FROM unnest(p.lots) x WHERE x.remaining > 0 AND x.expires_at <= now) THEN
		RETURN p;
	END IF;
	FOREACH l IN ARRAY p.lots LOOP
		IF l.remaining > 0 AND (all_goes OR l.expires_at < now OR l.expires_at = now AND through) THEN
			p.lots[l.no].remaining := 0;
			p.expired := p.expired + l.remaining;
			gone := gone || jsonb_build_object(coalesce('=' || l.label, ''), coalesce((gone->>coalesce('=' || l.label, ''))::numeric, 0) + l.remaining);
		END IF;
	END LOOP;
	IF all_goes THEN
		p.inactive_at := NULL;
	END IF;
	SELECT coalesce(array_agg(ROW(now, 'expire', CASE WHEN key <> '' THEN substr(key, 2) END, NULL, NULL, -value::numeric, ref_program_balance(p), NULL, NULL, NULL)::ref_program_row ORDER BY key COLLATE "C"), '{}')
	INTO p.rows FROM jsonb_each_text(gone);
	RETURN p;
END $$;

-- What waited until now can be spent; it pays a debt first, and counts for tiers from now on.
CREATE FUNCTION ref_program_activate(p ref_program_points, now timestamptz) RETURNS ref_program_points
LANGUAGE plpgsql AS $$
DECLARE
	l ref_program_lot;
	paid numeric;
BEGIN
	p.rows := '{}';
	FOREACH l IN ARRAY p.lots LOOP
		IF l.remaining > 0 AND l.pending AND l.available_at = now THEN
			paid := least(p.debt, l.remaining);
			p.debt := p.debt - paid;
			p.lots[l.no].pending := false;
			p.lots[l.no].remaining := l.remaining - paid;
			p.rows := p.rows || ROW(now, 'activate', l.label, l.ref, NULL, l.remaining, ref_program_balance(p), NULL, l.kind, CASE WHEN l.counts THEN l.remaining END)::ref_program_row;
		END IF;
	END LOOP;
	RETURN p;
END $$;

-- A row of earning goes to the points. pending_counts false: what of it counts for tiers at once.
CREATE FUNCTION ref_program_book(p ref_program_points, r ref_program_row, policy jsonb, zone text, pending_counts boolean) RETURNS ref_program_points
LANGUAGE plpgsql AS $$
DECLARE
	role text := CASE r.role WHEN 'bonus' THEN 'earn' ELSE r.role END;
	rules jsonb := ref_rules(policy, (r.at AT TIME ZONE zone)::date);
	redeem_order text := coalesce(policy->>'redeem_order', 'soonest_expiry');
	rest numeric := abs(r.points);
	active numeric := (SELECT coalesce(sum(l.remaining), 0) FROM unnest(p.lots) l WHERE NOT l.pending);
	took_pending numeric := 0;
	queue int[];
	l ref_program_lot;
	part numeric;
	i int;
BEGIN
	p.rows := '{}';
	IF r.points = 0 THEN
		r.balance := ref_program_balance(p);
		p.rows := ARRAY[r];
		RETURN p;
	END IF;

	IF role IN ('earn', 'redeem') AND policy ? 'inactive_after' AND coalesce(policy->'refreshed_by', '["earn", "redeem"]') ? role THEN
		p.inactive_at := ref_inactive(r.at, (policy->>'inactive_after')::interval, zone);
	END IF;

	IF role = 'earn' THEN
		l.no := cardinality(p.lots) + 1;
		l.at := r.at;
		l.kind := r.kind;
		l.label := r.label;
		l.ref := r.ref;
		l.counts := r.counts IS NOT NULL;
		l.available_at := ref_plus(r.at, coalesce(rules->>'pending', '0')::interval, zone);
		l.expires_at := ref_expiry(rules, r.label, NULL, r.at, l.available_at, zone);
		l.pending := l.available_at > r.at;
		part := CASE WHEN l.pending THEN 0 ELSE least(p.debt, r.points) END;
		p.debt := p.debt - part;
		l.remaining := r.points - part;
		p.lots := p.lots || l;
		p.earned := p.earned + r.points;
		IF l.pending AND NOT pending_counts THEN
			r.counts := NULL;
		END IF;

	ELSE
		IF role = 'redeem' AND rest > active AND policy->>'overdraft' = 'refuse' THEN
			RAISE EXCEPTION 'redemption of % points at %, where % are available', rest, r.at, active USING ERRCODE = '22023';
		END IF;
		SELECT coalesce(array_agg(x.no ORDER BY
			-- a return: what was earned under its ref, what waits, the rest; the newest first
			CASE WHEN role = 'return' THEN CASE WHEN x.ref = r.ref THEN 1 WHEN x.pending THEN 2 ELSE 3 END END,
			CASE WHEN role = 'return' OR redeem_order = 'newest' THEN x.no END DESC,
			CASE WHEN redeem_order = 'soonest_expiry' THEN x.expires_at END NULLS LAST,
			x.no), '{}')
		INTO queue FROM unnest(p.lots) x WHERE x.remaining > 0 AND NOT (x.pending AND role = 'redeem');
		FOREACH i IN ARRAY queue LOOP
			part := least(rest, p.lots[i].remaining);
			p.lots[i].remaining := p.lots[i].remaining - part;
			rest := rest - part;
			IF p.lots[i].pending THEN
				took_pending := took_pending + part;
			END IF;
		END LOOP;
		-- what wasn't there is a debt, or is left
		IF (CASE role WHEN 'redeem' THEN coalesce(policy->>'overdraft', 'allow') <> 'clip' ELSE coalesce((policy->>'returns_below_zero')::boolean, true) END) THEN
			p.debt := p.debt + rest;
			rest := 0;
		END IF;
		IF role = 'redeem' THEN
			p.redeemed := p.redeemed - r.points - rest;
		ELSE
			p.returned := p.returned - r.points - rest;
			IF NOT pending_counts THEN
				r.counts := r.points + rest + took_pending;
			END IF;
		END IF;
	END IF;
	r.balance := ref_program_balance(p);
	p.rows := ARRAY[r];
	RETURN p;
END $$;

-- ---- tiers: what happens at one instant ----

-- What counts for tiers from an instant on.
CREATE FUNCTION ref_program_counted(s ref_program_tiers, at timestamptz, value numeric, kind text, label text, ref text) RETURNS ref_tier_event
LANGUAGE sql STABLE AS $$
	SELECT ROW(at, ref, d.day, ref_tier_period(s.starts, d.day),
		CASE WHEN s.qualifying_window NOT IN ('lifetime', 'since tier', 'membership year') AND s.qualifying_window NOT LIKE 'calendar %' THEN ref_plus(at, s.qualifying_window::interval, s.zone) END,
		(SELECT array_agg(CASE
			WHEN m ? 'kinds' AND NOT coalesce(m->'kinds' ? kind, false) OR m ? 'labels' AND NOT coalesce(m->'labels' ? label, false) THEN NULL
			WHEN coalesce(m->>'of', 'sum') <> 'sum' THEN CASE WHEN value < 0 THEN 0 ELSE 1 END
			WHEN m->>'values' = 'positive' THEN greatest(value, 0)
			ELSE value END ORDER BY n)
		 FROM (SELECT coalesce(s.policy->'metrics'->name, '{}'), n FROM unnest(s.metrics) WITH ORDINALITY u(name, n)) m(m, n)))::ref_tier_event
	FROM (SELECT (at AT TIME ZONE s.zone)::date) d(day)
$$;

-- Their values for somebody at an instant, where those up to another have happened.
CREATE FUNCTION ref_program_values(s ref_program_tiers, happened timestamptz, t timestamptz, day date) RETURNS numeric[]
LANGUAGE sql STABLE AS $$ SELECT ref_tier_values(s.counted, s.metrics, s.of, s.qualifying_window, happened, t, ref_tier_period(s.starts, day), s.since) $$;

-- by_event false: joining, and what falls due by time; true: the instant's own grants, and all that counts from it on.
CREATE FUNCTION ref_program_tiers(s ref_program_tiers, clock timestamptz, by_event boolean) RETURNS ref_program_tiers
LANGUAGE plpgsql AS $$
DECLARE
	tick interval := '1 microsecond';
	day date := (clock AT TIME ZONE s.zone)::date;
	base text := coalesce(s.policy->>'base', 'Member');
	at_once boolean := coalesce(s.policy->>'upgrade', 'at_once') = 'at_once';
	steps text[];
	step text;
	metric_values numeric[];
	best int;
	kept boolean;
	lost int;
	renewed timestamptz;
	downgrades boolean;
	reason text;
	condition jsonb;
	decider int;
	ref text;
	raised boolean;
	raised_ref text;
	old_rank int;
	old_until timestamptz;
BEGIN
	IF clock = s.member_since OR clock = ANY (s.version_starts) THEN
		s.rules := ref_tier_rules(s.policy, day);
	END IF;
	steps := CASE WHEN by_event THEN '{grants,8a,8b}' WHEN clock = s.member_since THEN '{joined,grants}' ELSE '{2,3,4,5,6a,6b,grants end}' END;

	WHILE cardinality(steps) > 0 LOOP
		step := steps[1];
		steps := steps[2:];
		CONTINUE WHEN CASE step
			WHEN '2' THEN NOT at_once AND day = ANY (s.starts) AND clock = ref_day_start(day, s.zone)
			WHEN '3' THEN s.rank > 0 AND s.valid_until = clock
			WHEN '4' THEN s.rank > 0 AND s.grace_until = clock
			WHEN '5' THEN at_once AND clock = ANY (s.version_starts)
			WHEN '6a' THEN at_once AND EXISTS (SELECT FROM unnest(s.counted) e WHERE e.leaves = clock)
			WHEN '6b' THEN s.rank > 0 AND s.rules->>'valid' = 'while_qualified'
			WHEN 'grants end' THEN EXISTS (SELECT FROM unnest(s.running) n WHERE s.grants[n].ends = clock)
			WHEN '8a' THEN at_once AND EXISTS (SELECT FROM unnest(s.counted) e WHERE e.at = clock)
			WHEN '8b' THEN s.rank > 0 AND s.rules->>'valid' = 'while_qualified'
			ELSE true END IS NOT TRUE;
		reason := NULL;
		condition := NULL;
		decider := 1;
		ref := NULL;
		downgrades := false;
		old_rank := s.now_rank;
		old_until := s.now_until;

		-- 2, 3 and 4 look at the period that held the microsecond before
		metric_values := ref_program_values(s, CASE WHEN step IN ('8a', '8b') THEN clock ELSE clock - tick END, clock, CASE WHEN step IN ('2', '3', '4') THEN ((clock - tick) AT TIME ZONE s.zone)::date ELSE day END);
		best := ref_tier_reached(s.rules, s.metrics, metric_values, cardinality(s.names));
		kept := ref_tier_kept(s.rules, s.metrics, metric_values, s.rank);

		IF step = 'joined' THEN
			reason := 'joined';

		ELSIF step = '2' THEN
			IF best > s.rank THEN
				reason := 'qualified';
				s.valid_until := ref_tier_validity(s.rules, s.starts, clock, false, s.zone);
			ELSIF s.rank > 0 AND kept THEN
				s.grace_until := NULL;
				renewed := ref_tier_validity(s.rules, s.starts, clock, true, s.zone);
				IF coalesce(renewed, 'infinity') > coalesce(s.valid_until, 'infinity') THEN
					reason := 'requalified';
					s.valid_until := renewed;
				END IF;
			END IF;

		ELSIF step = '3' THEN
			IF kept THEN
				reason := 'requalified';
				s.valid_until := ref_tier_validity(s.rules, s.starts, clock, true, s.zone);
			ELSIF s.rules ? 'grace' THEN
				s.grace_until := ref_plus(clock, (s.rules->>'grace')::interval, s.zone);
			ELSE
				downgrades := true;
				reason := CASE s.rules->>'downgrade' WHEN 'one_level' THEN 'soft landing' ELSE 'lapsed' END;
			END IF;

		ELSIF step = '4' THEN
			downgrades := true;
			reason := 'grace ended';

		ELSIF step = '5' THEN
			IF best > s.rank THEN
				reason := 'qualified';
				s.valid_until := ref_tier_validity(s.rules, s.starts, clock, false, s.zone);
			END IF;

		ELSIF step IN ('6a', '8a') THEN
			IF step = '6a' THEN
				raised := EXISTS (SELECT FROM unnest(s.counted) e WHERE e.leaves = clock AND 0 > ANY (e.counts));
				raised_ref := NULL;
			ELSE
				-- a positive contribution, an event counted, or the first of a day that isn't there yet
				SELECT count(*) > 0, (array_agg(s.counted[n].ref ORDER BY n DESC))[1] INTO raised, raised_ref
				FROM generate_subscripts(s.counted, 1) n
				WHERE s.counted[n].at = clock AND EXISTS (
					SELECT FROM generate_subscripts(s.metrics, 1) m
					WHERE s.counted[n].counts[m] > 0 AND (s.of[m] <> 'days' OR NOT EXISTS (
						SELECT FROM generate_series(1, n - 1) b
						WHERE s.counted[b].day = s.counted[n].day AND s.counted[b].counts[m] > 0
						  AND ref_tier_inside(s.counted[b], s.qualifying_window, clock, clock, ref_tier_period(s.starts, day), s.since))));
			END IF;
			IF raised AND best > s.rank THEN
				reason := 'qualified';
				s.valid_until := ref_tier_validity(s.rules, s.starts, clock, false, s.zone);
				ref := raised_ref;
			ELSIF raised AND s.rank > 0 AND kept THEN
				renewed := ref_tier_validity(s.rules, s.starts, clock, step = '6a', s.zone);
				IF coalesce(renewed, 'infinity') > coalesce(s.valid_until, 'infinity') OR s.grace_until IS NOT NULL THEN
					reason := 'requalified';
					s.valid_until := renewed;
					ref := raised_ref;
				END IF;
				IF s.qualifying_window = 'since tier' THEN
					s.since := clock;
				END IF;
			END IF;

		ELSIF step IN ('6b', '8b') THEN
			IF kept THEN
				s.grace_until := NULL;
			ELSIF NOT s.rules ? 'grace' THEN
				downgrades := true;
				reason := 'lapsed';
				IF step = '8b' THEN
					ref := (SELECT (array_agg(s.counted[n].ref ORDER BY n DESC))[1] FROM generate_subscripts(s.counted, 1) n
							WHERE s.counted[n].at = clock AND num_nonnulls(VARIADIC s.counted[n].counts) > 0);
				END IF;
				steps := step || steps;
			ELSIF s.grace_until IS NULL THEN
				s.grace_until := ref_plus(clock, (s.rules->>'grace')::interval, s.zone);
			END IF;

		ELSIF step = 'grants' THEN
			-- with joining those from before it begin
			steps := coalesce((SELECT array_agg('grant ' || n ORDER BY n) FROM unnest(s.grants) WITH ORDINALITY g(begins, ends, rank, ref, n)
				WHERE CASE WHEN by_event THEN begins = clock ELSE begins < clock END AND coalesce(ends, 'infinity') > clock), '{}') || steps;

		ELSIF step LIKE 'grant _%' THEN
			s.running := s.running || substr(step, 7)::int;
			reason := 'granted';
			ref := s.grants[substr(step, 7)::int].ref;

		ELSIF step = 'grants end' THEN
			s.running := coalesce((SELECT array_agg(n) FROM unnest(s.running) n WHERE coalesce(s.grants[n].ends, 'infinity') > clock), '{}');
			reason := 'grant ended';
		END IF;

		-- ---- what a change of the rule state brings ----

		IF reason = 'qualified' THEN
			s.rank := best;
			condition := s.rules->'levels'->(s.rank - 1)->'reach';
		ELSIF reason = 'requalified' THEN
			condition := s.rules->'levels'->(s.rank - 1)->'keep';
		ELSIF downgrades THEN
			lost := s.rank;
			condition := s.rules->'levels'->(lost - 1)->'keep';
			s.rank := CASE s.rules->>'downgrade' WHEN 'one_level' THEN lost - 1 WHEN 'to_base' THEN 0 ELSE ref_tier_reached(s.rules, s.metrics, metric_values, lost - 1) END;
			s.valid_until := CASE WHEN s.rank > 0 THEN ref_tier_validity(s.rules, s.starts, clock, true, s.zone) END;
		END IF;
		IF reason IN ('qualified', 'requalified') OR downgrades THEN
			s.grace_until := NULL;
			s.since := CASE WHEN by_event THEN clock ELSE clock - tick END;
		END IF;
		IF downgrades AND s.rules->>'valid' = 'while_qualified' AND s.rules ? 'grace' AND NOT ref_tier_kept(s.rules, s.metrics, metric_values, s.rank) THEN
			s.grace_until := ref_plus(clock, (s.rules->>'grace')::interval, s.zone);
		END IF;
		IF condition IS NOT NULL THEN
			-- the first metric that holds its threshold, or, of a tier lost, the first that was asked for
			decider := coalesce(CASE WHEN downgrades
				THEN (SELECT min(n) FROM unnest(ref_tier_met(condition, s.metrics, metric_values, s.rules->>'threshold')) WITH ORDINALITY u(met, n) WHERE met IS NOT NULL)
				ELSE array_position(ref_tier_met(condition, s.metrics, metric_values, s.rules->>'threshold'), true) END, 1);
		END IF;

		-- ---- and with the grants ----

		s.now_rank := greatest(s.rank, (SELECT max(s.grants[n].rank) FROM unnest(s.running) n));
		s.now_until := nullif(greatest(CASE WHEN s.rank = s.now_rank THEN coalesce(s.valid_until, 'infinity') END,
			(SELECT max(coalesce(s.grants[n].ends, 'infinity')) FROM unnest(s.running) n WHERE s.grants[n].rank = s.now_rank)), 'infinity');
		IF step = 'joined' OR s.now_rank <> old_rank OR coalesce(s.now_until, 'infinity') > coalesce(old_until, 'infinity') THEN
			s.history := s.history || ROW(CASE s.now_rank WHEN 0 THEN base ELSE s.names[s.now_rank] END, s.now_rank, CASE old_rank WHEN 0 THEN base ELSE s.names[old_rank] END,
				clock, s.now_until, reason, s.metrics[decider], metric_values[decider], ref)::ref_tier_change;
		END IF;
	END LOOP;
	RETURN s;
END $$;

-- ---- the walk ----

--
-- One customer through the end of a local day. An object with
--   summary  the columns of program_summary
--   history  ref_tier_change, in order: what tier_history would show
--   entries  the rows of the statement
--   instants where something could happen
--
CREATE FUNCTION ref_program(events jsonb, program jsonb, as_of date) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	zone text := ref_program_zone(program);
	day_ends timestamptz := ref_day_start(as_of + 1, zone);
	tick interval := '1 microsecond';
	earn_policy jsonb := ref_program_part(program, 'earn', zone);
	points_policy jsonb := ref_program_part(program, 'points', zone);
	tier_policy jsonb := CASE WHEN program ? 'tiers' THEN ref_program_part(program, 'tiers', zone) END;
	metric text := coalesce(program->>'tier_metric', 'spend');
	pending_counts boolean := coalesce((program->>'pending_counts')::boolean, true);
	through boolean := points_policy->>'expiry_boundary' IS DISTINCT FROM 'valid';	-- at its own instant a point is gone

	-- the customer
	list earn_ref_event[];
	member_since timestamptz;
	birth date;
	started date;
	counting ref_program_counting[];
	fixed timestamptz[];	-- the instants that the timeline and the calendar give
	instants timestamptz[] := '{}';

	-- the state
	now timestamptz;
	day date;
	earning ref_program_earning;
	points ref_program_points;
	tiers ref_program_tiers;
	tier text;
	suspended boolean := false;
	spend numeric := 0;
	norders int := 0;

	-- the instant
	eventful boolean;
	steps text[];
	step text;
	c ref_program_counting;
	r ref_program_row;
	h ref_tier_change;
	changes ref_tier_change[];
	fresh ref_program_row[];			-- rows of a step
	counts ref_tier_event[];			-- what the tiers will count of the instant
	entries ref_program_row[] := '{}';
	metric_values numeric[];
	condition jsonb;
	missing numeric;
	next_tier int;
BEGIN
	-- ---- the customer ----

	SELECT array_agg(ROW(x.at, x.value, x.kind, x.label, x.ref, earn_ref_role(earn_policy, x.kind, x.value))::earn_ref_event ORDER BY x.n) INTO list
	FROM ref_tier_timeline(events) x WHERE x.kind IS DISTINCT FROM coalesce(tier_policy->>'grant_kind', 'tier_grant') OR tier_policy IS NULL;
	list := coalesce(list, '{}');
	SELECT min(x.at) INTO member_since FROM unnest(list) x WHERE x.role = 'join';
	IF member_since IS NULL THEN
		SELECT min(x.at) INTO member_since FROM unnest(list) x WHERE x.role NOT IN ('birth', 'ignore') OR (x.role = 'ignore' AND coalesce(earn_policy->'kinds'->>x.kind, '') <> 'ignore');
	END IF;
	SELECT (min(x.at) AT TIME ZONE zone)::date INTO birth FROM unnest(list) x WHERE x.role = 'birth';
	started := (member_since AT TIME ZONE zone)::date;
	counting := coalesce((SELECT array_agg(x::ref_program_counting) FROM ref_program_counting(list, earn_policy, zone, member_since) x), '{}');

	earning := ROW(false, '{}', '{}', '{}', '{}', 0, '{}');
	points := ROW('{}', 0, 0, 0, 0, 0, NULL, '{}');
	IF tier_policy IS NOT NULL THEN
		tiers.policy := tier_policy;
		tiers.zone := zone;
		tiers.qualifying_window := coalesce(tier_policy->>'qualifying_window', '12 months');
		tiers.metrics := ref_tier_metrics(tier_policy);
		tiers.of := (SELECT array_agg(coalesce(tier_policy->'metrics'->m->>'of', 'sum') ORDER BY n) FROM unnest(tiers.metrics) WITH ORDINALITY u(m, n));
		tiers.names := (SELECT array_agg(l->>'tier' ORDER BY n) FROM jsonb_array_elements(ref_tier_rules(tier_policy, '-infinity')->'levels') WITH ORDINALITY l(l, n));
		tiers.version_starts := (SELECT array_agg(ref_day_start(d, zone)) FROM (SELECT (v->>'from')::date FROM jsonb_array_elements(tier_policy->'versions') v) t(d)
			WHERE ref_tier_rules(tier_policy, d) <> ref_tier_rules(tier_policy, d - 1));
		tiers.starts := CASE WHEN member_since < day_ends THEN ref_tier_starts(tiers.qualifying_window, started, started, as_of) END;
		tiers.member_since := member_since;
		tiers.counted := '{}';
		tiers.rank := 0;
		tiers.since := member_since - tick;
		tiers.running := '{}';
		tiers.rules := ref_tier_rules(tier_policy, as_of);
		tiers.history := '{}';
		SELECT coalesce(array_agg(ROW(e.at, nullif(e.expires_at, 'infinity'), coalesce(array_position(tiers.names, e.label), 0), e.ref)::ref_tier_grant ORDER BY e.n), '{}') INTO tiers.grants
		FROM ref_tier_timeline(events) e WHERE e.kind = coalesce(tier_policy->>'grant_kind', 'tier_grant') AND e.at < day_ends;
		IF EXISTS (SELECT FROM ref_tier_timeline(events) e WHERE e.kind = coalesce(tier_policy->>'grant_kind', 'tier_grant') AND e.at < day_ends
				   AND (e.label = coalesce(tier_policy->>'base', 'Member') OR e.label = ANY (tiers.names)) IS NOT TRUE) THEN
			RAISE EXCEPTION 'unknown tier' USING ERRCODE = '22023';
		END IF;
	END IF;

	fixed := ARRAY(SELECT x.at FROM unnest(list) x
		UNION SELECT earn_ref_day_start(earn_ref_in_year(d, year), zone) FROM unnest(ARRAY[birth, started]) d, generate_series(extract(year FROM started)::int, extract(year FROM as_of)::int + 1) year WHERE d IS NOT NULL
		UNION SELECT begins FROM unnest(tiers.grants) UNION SELECT ends FROM unnest(tiers.grants)
		UNION SELECT unnest(tiers.version_starts)
		UNION SELECT ref_day_start(s, zone) FROM unnest(tiers.starts) s
		UNION SELECT ref_day_start((v->>'from')::date, zone) FROM jsonb_array_elements(program->'versions') v WHERE v ? 'no_expiry_tiers');

	-- ---- one instant after the other ----

	now := '-infinity';
	LOOP
		now := least((SELECT min(f) FROM unnest(fixed) f WHERE f > now),
			(SELECT min(l.expires_at) FROM unnest(points.lots) l WHERE l.remaining > 0 AND l.expires_at > now),
			(SELECT min(l.available_at) FROM unnest(points.lots) l WHERE l.remaining > 0 AND l.available_at > now),
			CASE WHEN points.inactive_at > now THEN points.inactive_at END,
			CASE WHEN tiers.valid_until > now THEN tiers.valid_until END,
			CASE WHEN tiers.grace_until > now THEN tiers.grace_until END,
			(SELECT min(e.leaves) FROM unnest(tiers.counted) e WHERE e.leaves > now));
		EXIT WHEN now IS NULL OR now > day_ends;
		instants := instants || now;
		day := (now AT TIME ZONE zone)::date;
		counts := '{}';

		-- 1 expiry; 2 tiers by time; 3 activation; 4 days; 5 events; 6 tiers by events; 7 expiry where the boundary is valid
		eventful := EXISTS (SELECT FROM unnest(list) x WHERE x.at = now);
		steps := CASE WHEN now = day_ends THEN '{1}' WHEN NOT eventful THEN '{1,2,3,4,6,7}'
			WHEN earn_ref_rules(earn_policy, day)->>'crossing_order' = 'after' THEN '{1,2,3,4,6,5,7}' ELSE '{1,2,3,4,5,6,7}' END;
		FOREACH step IN ARRAY steps LOOP
			fresh := '{}';
			changes := '{}';

			CASE step
			WHEN '1', '7' THEN
				IF NOT suspended AND through = (step = '1') THEN
					points := ref_program_expire(points, now, true);
					fresh := points.rows;
				END IF;

			WHEN '3' THEN
				points := ref_program_activate(points, now);
				fresh := points.rows;
				IF NOT pending_counts THEN
					FOREACH r IN ARRAY fresh LOOP
						IF r.counts <> 0 THEN
							counts := counts || ref_program_counted(tiers, now, r.counts, r.kind, r.label, r.ref);
						END IF;
					END LOOP;
				END IF;

			WHEN '4', '5' THEN
				earning := ref_program_earn(earning, list, earn_policy, zone, member_since, birth, now, CASE step WHEN '4' THEN 'days' ELSE 'events' END, tier);
				FOREACH r IN ARRAY earning.rows LOOP
					points := ref_program_book(points, r, points_policy, zone, pending_counts);
					fresh := fresh || points.rows;
					IF tier_policy IS NOT NULL AND metric = 'points' AND points.rows[1].counts <> 0 THEN
						counts := counts || ref_program_counted(tiers, now, points.rows[1].counts, r.kind, r.label, r.ref);
					END IF;
				END LOOP;

			WHEN '2', '6' THEN
				IF step = '6' THEN
					FOREACH c IN ARRAY counting LOOP
						CONTINUE WHEN c.at <> now;
						spend := spend + c.value;
						norders := norders + c.first::int;
						IF tier_policy IS NULL THEN
							-- nobody counts
						ELSIF metric = 'spend' THEN
							counts := counts || ref_program_counted(tiers, now, c.value, c.kind, c.label, c.ref);
						ELSIF metric = 'orders' AND c.first THEN
							counts := counts || ref_program_counted(tiers, now, 1, c.kind, c.label, c.ref);
						END IF;
					END LOOP;
				END IF;
				IF now >= member_since AND tier_policy IS NOT NULL AND (step = '2' OR counts <> '{}' OR EXISTS (SELECT FROM unnest(tiers.grants) g WHERE g.begins = now)) THEN
					IF step = '6' THEN
						tiers.counted := tiers.counted || counts;
					END IF;
					changes := tiers.history;
					tiers := ref_program_tiers(tiers, now, step = '6');
					changes := tiers.history[cardinality(changes) + 1:];
				END IF;
			END CASE;

			FOREACH r IN ARRAY fresh LOOP
				r.tier := tier;
				entries := entries || r;
			END LOOP;
			-- each change of tier, and last, with 2, a version of no_expiry_tiers: is expiry suspended?
			IF step IN ('2', '6') THEN
				FOREACH h IN ARRAY changes || NULL::ref_tier_change LOOP
					IF h.tier <> tier OR h.tier IS NOT NULL AND tier IS NULL THEN
						tier := h.tier;
						entries := entries || ROW(now, 'tier', NULL, NULL, NULL, NULL, ref_program_balance(points), tier, NULL, NULL)::ref_program_row;
					END IF;
					IF suspended AND NOT ref_program_no_expiry(program, day) ? tier THEN
						points := ref_program_expire(points, now, through);
						FOREACH r IN ARRAY points.rows LOOP
							r.tier := tier;
							entries := entries || r;
						END LOOP;
					END IF;
					suspended := coalesce(ref_program_no_expiry(program, day) ? tier, false);
				END LOOP;
			END IF;
		END LOOP;

		IF eventful AND (points.earned - points.returned <> points.redeemed + points.expired + (SELECT coalesce(sum(l.remaining), 0) FROM unnest(points.lots) l WHERE l.pending) + ref_program_balance(points)
			OR spend <> (SELECT coalesce(sum(x.value), 0) FROM unnest(counting) x WHERE x.at <= now AND x.at < day_ends) OR norders <> earning.norders) THEN
			RAISE EXCEPTION 'identity broken at %: %', now, events;
		END IF;
	END LOOP;

	-- ---- the answer ----

	IF tier_policy IS NOT NULL AND (events = '[]' OR member_since < day_ends) THEN
		metric_values := ref_program_values(tiers, day_ends - tick, day_ends - tick, as_of);
		tiers.rules := ref_tier_rules(tier_policy, as_of);
		next_tier := ref_tier_next_rank(tiers.rules, coalesce(tiers.now_rank, 0));
		condition := tiers.rules->'levels'->(next_tier - 1)->'reach';
		-- of several metrics, where any does the least, where all must the most
		SELECT CASE WHEN condition ? 'any' THEN min(m) ELSE max(m) END INTO missing
		FROM unnest(tiers.metrics, metric_values) u(name, value), LATERAL (SELECT ref_tier_missing(condition, name, value)) x(m);
	END IF;
	RETURN jsonb_build_object(
		'summary', jsonb_build_object('spend', spend, 'orders', norders, 'points_earned', points.earned - points.returned, 'points_redeemed', points.redeemed, 'points_expired', points.expired,
			'points_pending', (SELECT coalesce(sum(l.remaining), 0) FROM unnest(points.lots) l WHERE l.pending), 'balance', ref_program_balance(points),
			'tier', CASE WHEN events = '[]' AND tier_policy IS NOT NULL THEN coalesce(tier_policy->>'base', 'Member') ELSE tier END,
			'rank', CASE WHEN events = '[]' OR member_since < day_ends THEN coalesce(tiers.now_rank, 0) END, 'tier_until', tiers.now_until, 'missing_to_next', missing),
		'history', coalesce(to_jsonb(tiers.history), '[]'),
		'entries', to_jsonb(entries),
		'instants', to_jsonb(instants));
END $$;
