--
-- A whole programme, slow and obvious: one customer's events, one instant after the other,
-- each with the seven steps of an instant, in PL/pgSQL and numeric. Nothing of the extension
-- is needed. \ir periods.sql, earn_reference.sql, points_reference.sql and tiers_reference.sql
-- before it: it needs their rules of a day, orders and their payments, and the steps of points
-- and of tiers.
--
-- events:  a jsonb array of {"at", "value", "kind", "label", "ref", "expires_at"}
-- program: jsonb, as it is written or as program_policy writes it; taken to be valid
--

-- A row of the statement. kind and counts are what the tiers may see of it: the kind of the
-- event, and the points that count for tiers (NULL: none). expires_at: what a lot of it has as its own.
CREATE TYPE ref_program_row AS (at timestamptz, role text, label text, ref text, amount numeric, points numeric, balance numeric, tier text, kind text, counts numeric, expires_at timestamptz);

-- What spend and orders count; first: the order's first.
CREATE TYPE ref_program_counting AS (at timestamptz, value numeric, kind text, label text, ref text, first boolean);

-- What earning remembers (see earn_reference.sql), and the rows of its last step. parts: by the number of a row that is an
-- order which earns, its points by label: [{"label", "points"}].
CREATE TYPE ref_program_earning AS (joined boolean, counts earn_ref_count[], book earn_ref_book, bought text[], norders int, rows ref_program_row[], parts jsonb);

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
	book earn_ref_book := earn_ref_book(policy);
	bought text[] := '{}';	-- refs that some purchase had
	here text[];			-- orders with lines at this instant
	lines jsonb;			-- these: {"key", "label"}
	late jsonb;
	now timestamptz;
	rules jsonb;
	e earn_ref_event;
	n int;
	key text;
	o jsonb;
	x jsonb;
	amount numeric;
	part numeric;
BEGIN
	FOR now IN SELECT DISTINCT l.at FROM unnest(list) l ORDER BY 1 LOOP
		rules := earn_ref_rules(policy, (now AT TIME ZONE zone)::date);

		-- purchases: lines to their orders
		here := '{}';
		lines := '[]';
		n := 0;
		FOREACH e IN ARRAY list LOOP
			CONTINUE WHEN e.at <> now OR e.role <> 'purchase';
			n := n + 1;
			bought := bought || e.ref;
			CONTINUE WHEN now < member_since;
			key := CASE WHEN e.ref IS NULL THEN format('%s of %s', n, now) ELSE format('%s %L', e.ref, e.kind) END;
			o := coalesce(book.orders->key->'rules', rules);
			CONTINUE WHEN o->'excluded_kinds' @> to_jsonb(e.kind) OR o->'excluded_labels' @> to_jsonb(e.label);
			book := earn_ref_line(book, key, e.ref, e.kind, rules, jsonb_build_object('value', coalesce(e.value, 0), 'label', e.label));
			lines := lines || jsonb_build_object('key', key, 'label', e.label);
			IF key <> ALL (here) THEN
				here := here || key;
			END IF;
		END LOOP;

		-- payments
		FOR key IN SELECT DISTINCT book.orders->k->>'ref' FROM unnest(here) k WHERE book.orders->k->>'ref' IS NOT NULL LOOP
			book := earn_ref_pay(book, 0, key, here);
		END LOOP;
		late := '[]';
		FOREACH e IN ARRAY list LOOP
			IF e.at = now AND e.role = 'paid_with_points' AND e.ref IS NOT NULL THEN
				book := earn_ref_pay(book, abs(e.value), e.ref, here);
				late := late || (SELECT coalesce(jsonb_agg(l || jsonb_build_object('ref', e.ref) ORDER BY i), '[]') FROM jsonb_array_elements(book.late) WITH ORDINALITY q(l, i));
			END IF;
		END LOOP;

		-- what each order came to
		FOREACH key IN ARRAY here LOOP
			o := book.orders->key;
			amount := (o->>'sum')::numeric - (o->>'paid')::numeric;
			RETURN NEXT ROW(now, amount - (o->>'amount')::numeric, o->>'kind',
				(SELECT CASE WHEN count(DISTINCT l->'label') = 1 THEN min(l->>'label') END FROM jsonb_array_elements(lines) l WHERE l->>'key' = key), o->>'ref', (o->>'new')::boolean)::ref_program_counting;
			book.orders := book.orders || jsonb_build_object(key, o || jsonb_build_object('amount', amount, 'new', false));
		END LOOP;
		FOR x IN SELECT l FROM jsonb_array_elements(late) WITH ORDINALITY q(l, i) ORDER BY i LOOP
			RETURN NEXT ROW(now, -(x->>'part')::numeric, x->>'kind', x->>'label', x->>'ref', false)::ref_program_counting;
		END LOOP;

		-- returns: of orders at most what is left of them
		FOREACH e IN ARRAY list LOOP
			CONTINUE WHEN e.at <> now OR e.role <> 'return' OR now < member_since OR rules->'excluded_kinds' @> to_jsonb(e.kind) OR rules->'excluded_labels' @> to_jsonb(e.label);
			IF e.ref = ANY (bought) THEN
				amount := 0;
				FOREACH key IN ARRAY book.keys LOOP
					o := book.orders->key;
					CONTINUE WHEN o->>'ref' IS DISTINCT FROM e.ref;
					part := greatest(earn_ref_bound(book, least(abs(e.value) - amount, (o->>'amount')::numeric - (o->>'returned')::numeric)), 0);
					amount := amount + part;
					book.total := book.total - part;
					book.orders := book.orders || jsonb_build_object(key, o || jsonb_build_object('returned', (o->>'returned')::numeric + part));
				END LOOP;
			ELSE
				amount := earn_ref_bound(book, abs(e.value));
				book.total := book.total - amount;
			END IF;
			RETURN NEXT ROW(now, -amount, e.kind, e.label, e.ref, false)::ref_program_counting;
		END LOOP;
	END LOOP;
END $$;

-- ---- points by label ----

-- A whole in proportion to weights, in units, by largest remainder, of equal ones to the first.
CREATE FUNCTION ref_apportion(whole numeric, weights numeric[], unit numeric) RETURNS numeric[]
LANGUAGE sql IMMUTABLE AS $$
	WITH share AS (
		SELECT n, div(whole / unit * w, total) AS units, mod(whole / unit * w, total) AS rest
		FROM unnest(weights) WITH ORDINALITY u(w, n), (SELECT greatest(sum(v), 1e-30) AS total FROM unnest(weights) v) t),
	placed AS (SELECT n, units, row_number() OVER (ORDER BY rest DESC, n) AS place, whole / unit - sum(units) OVER () AS over FROM share)
	SELECT array_agg((units + CASE WHEN place <= over THEN 1 ELSE 0 END) * unit ORDER BY n) FROM placed
$$;

--
-- What an order earns at an instant, by label. adds: what its multipliers with a name added, [{"name", "points"}] in the order of the
-- rules; before, points: what it earns in all, before caps on everything and within them. What is taken away is taken of what was
-- added last. The rest, its own, goes to the labels of its lines as they weigh by the multipliers without a name.
--
CREATE FUNCTION ref_program_parts(rules jsonb, lines jsonb, adds jsonb, before numeric, points numeric, unit numeric) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	own numeric := before - (SELECT coalesce(sum((a->>'points')::numeric), 0) FROM jsonb_array_elements(adds) a);
	kept numeric[];
	left_to_take numeric := 0;
	step numeric;
	labels text[];
	weights numeric[];
	answer jsonb;
BEGIN
	-- one after the other: what is taken away is taken of those before, the last one first, or of those to come
	FOREACH step IN ARRAY ARRAY[own] || ARRAY(SELECT (a->>'points')::numeric FROM jsonb_array_elements(adds) WITH ORDINALITY x(a, n) ORDER BY n) LOOP
		kept := kept || greatest(step, 0);
		left_to_take := left_to_take + greatest(-step, 0);
		FOR i IN REVERSE cardinality(kept) .. 1 LOOP
			step := least(kept[i], left_to_take);
			kept[i] := kept[i] - step;
			left_to_take := left_to_take - step;
		END LOOP;
	END LOOP;
	left_to_take := (SELECT sum(k) FROM unnest(kept) k) - points;
	FOR i IN REVERSE cardinality(kept) .. 1 LOOP
		step := least(kept[i], left_to_take);
		kept[i] := kept[i] - step;
		left_to_take := left_to_take - step;
	END LOOP;

	-- the labels of the lines
	SELECT array_agg(label ORDER BY label COLLATE "C" NULLS FIRST), array_agg(CASE WHEN total > 0 THEN weighs ELSE value END ORDER BY label COLLATE "C" NULLS FIRST) INTO labels, weights
	FROM (SELECT label, sum(value * greatest(times, 0)) AS weighs, sum(value) AS value, sum(sum(value * greatest(times, 0))) OVER () AS total
		  FROM (SELECT l->>'label' AS label, (l->>'value')::numeric AS value,
					1 + (SELECT coalesce(sum(earn_ref_multiplier(rules, n, (l->>'at')::timestamp, false, l->>'label', l->>'tier') - earn_ref_multiplier(rules, n - 1, (l->>'at')::timestamp, false, l->>'label', l->>'tier')), 0)
						 FROM generate_series(1, jsonb_array_length(rules->'multipliers')) n WHERE NOT rules->'multipliers'->(n - 1) ? 'name') AS times
				FROM jsonb_array_elements(lines) l) l GROUP BY label) w;
	SELECT coalesce(jsonb_agg(jsonb_build_object('label', label, 'points', given) ORDER BY label COLLATE "C" NULLS FIRST), '[]') INTO answer
	FROM (SELECT label, sum(given) AS given
		  FROM (SELECT label, given FROM unnest(labels, CASE WHEN (SELECT sum(w) FROM unnest(weights) w) > 0 THEN ref_apportion(kept[1], weights, unit) ELSE ARRAY[kept[1]] END) o(label, given)
				UNION ALL
				SELECT a->>'name', kept[1 + n] FROM jsonb_array_elements(adds) WITH ORDINALITY x(a, n)) p
		  WHERE given > 0 GROUP BY label) q;
	RETURN answer;
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
	lines jsonb;
	late jsonb := '[]';
	here text[];
	total numeric;
	points numeric;
	more numeric;
	granted numeric;
	share jsonb;
	n int;
	fresh boolean;
	r numeric;
	part numeric;
	passing record;
	adds jsonb;
	before numeric;
	unit numeric := 10 ^ -(SELECT coalesce(max(d::text::int), 0) FROM jsonb_path_query(policy, '$.**.decimals') d)::numeric;
BEGIN
	s.rows := '{}';
	s.parts := '{}';
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
		s.rows := s.rows || ROW(now, 'bonus', earn_ref_bonus_label(o, give->>'sort'), give->>'ref', NULL, points, NULL, NULL, NULL, CASE WHEN qualify THEN points END, NULL)::ref_program_row;
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
		lines := coalesce((s.book).orders->key->'rules', rules);
		IF now < member_since OR lines->'excluded_kinds' @> to_jsonb(e.kind) OR lines->'excluded_labels' @> to_jsonb(e.label) THEN
			s.rows := s.rows || ROW(now, 'earn', e.label, e.ref, coalesce(e.value, 0), 0, NULL, NULL, NULL, NULL, NULL)::ref_program_row;
			CONTINUE;
		END IF;
		lines := jsonb_build_object('value', coalesce(e.value, 0), 'label', e.label, 'at', now AT TIME ZONE zone, 'tier', tier);
		s.book := earn_ref_line(s.book, key, e.ref, e.kind, rules, lines);
		IF NOT groups @> jsonb_build_array(jsonb_build_object('key', key)) THEN
			groups := groups || jsonb_build_object('key', key, 'ref', e.ref, 'kind', e.kind, 'lines', '[]'::jsonb);
		END IF;
		SELECT jsonb_agg(CASE WHEN x->>'key' = key THEN jsonb_set(x, '{lines}', x->'lines' || lines) ELSE x END ORDER BY i) INTO groups FROM jsonb_array_elements(groups) WITH ORDINALITY q(x, i);
	END LOOP;

	-- ---- what was paid with points: before, and now ----

	here := ARRAY(SELECT x->>'key' FROM jsonb_array_elements(groups) x);
	FOR key IN SELECT DISTINCT x->>'ref' FROM jsonb_array_elements(groups) x WHERE x->>'ref' IS NOT NULL LOOP
		s.book := earn_ref_pay(s.book, 0, key, here);
	END LOOP;
	FOREACH e IN ARRAY list LOOP
		CONTINUE WHEN e.at <> now OR e.role <> 'paid_with_points';
		s.book.late := '[]';
		IF e.ref IS NOT NULL THEN
			s.book := earn_ref_pay(s.book, abs(e.value), e.ref, here);
		END IF;
		late := late || CASE
			WHEN (s.book).late <> '[]' THEN (SELECT jsonb_agg(x || jsonb_build_object('ref', e.ref) ORDER BY i) FROM jsonb_array_elements((s.book).late) WITH ORDINALITY q(x, i))
			-- for no order, or nothing left of it
			WHEN NOT EXISTS (SELECT FROM unnest(here) k WHERE (s.book).orders->k->>'ref' = e.ref) THEN jsonb_build_array(jsonb_build_object('part', abs(e.value), 'points', 0, 'label', e.label, 'ref', e.ref))
			ELSE '[]' END;
	END LOOP;

	FOR g IN SELECT x FROM jsonb_array_elements(groups) WITH ORDINALITY q(x, i) ORDER BY i LOOP
		key := g->>'key';
		o := (s.book).orders->key;
		rules := o->'rules';
		fresh := (o->>'new')::boolean;
		lines := o->'lines';
		o := o || jsonb_build_object('new', false, 'amount', (o->>'sum')::numeric - (o->>'paid')::numeric);
		total := earn_ref_points(rules, (o->>'amount')::numeric, lines, jsonb_array_length(rules->'multipliers'), false);
		points := total - (o->>'total')::numeric;
		o := o || jsonb_build_object('total', total);
		-- no more orders may begin to earn
		IF points > 0 AND NOT coalesce((o->>'begun')::boolean, false) AND earn_ref_left(rules->'max_orders', s.counts, 'orders', today) = 0 THEN
			points := 0;
		END IF;
		-- what each capped multiplier added
		adds := '[]';
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
				granted := more - least(points, more - granted);
				points := points - (more - granted);
			END IF;
			IF rules->'multipliers'->(n - 1) ? 'name' THEN
				adds := adds || jsonb_build_object('name', rules->'multipliers'->(n - 1)->'name', 'points', granted);
			END IF;
			o := jsonb_set(o, ARRAY['shares', n::text], share);
		END LOOP;
		before := points;
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
		IF points > 0 AND NOT coalesce((o->>'begun')::boolean, false) THEN
			o := o || '{"begun": true}';
			s.counts := s.counts || ROW('orders', today, 1)::earn_ref_count;
		END IF;
		s.book.orders := (s.book).orders || jsonb_build_object(key, o);
		s.rows := s.rows || ROW(now, CASE WHEN points < 0 THEN 'return' ELSE 'earn' END,
			(SELECT CASE WHEN count(DISTINCT x->'label') = 1 THEN min(x->>'label') END FROM jsonb_array_elements(g->'lines') x), g->>'ref',
			(SELECT sum((x->>'value')::numeric) FROM jsonb_array_elements(g->'lines') x), points, NULL, NULL, g->>'kind', points, NULL)::ref_program_row;
		IF points > 0 THEN
			s.parts := s.parts || jsonb_build_object(cardinality(s.rows), ref_program_parts(rules, g->'lines', adds, before, points, unit));
		END IF;
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
			s.rows := s.rows || ROW(now, 'bonus', earn_ref_bonus_label(give, give->>'sort'), g->>'ref', NULL, points, NULL, NULL, NULL, CASE WHEN qualify THEN points END, NULL)::ref_program_row;
		END LOOP;
	END LOOP;

	-- ---- what passes through, payments that came later than their orders, returns ----

	FOREACH e IN ARRAY list LOOP
		IF e.at = now AND e.role = 'earn' AND e.value > 0 THEN
			s.rows := s.rows || ROW(now, 'earn', e.label, e.ref, NULL, e.value, NULL, NULL, e.kind, CASE WHEN now >= member_since THEN e.value END, e.expires_at)::ref_program_row;
		END IF;
	END LOOP;
	-- activations, refunds, adjustments and transfers stand before returns, as in a ledger of points
	FOR passing IN
		SELECT l.*, p.* FROM unnest(list) WITH ORDINALITY l(at, value, kind, label, ref, role, expires_at, i), LATERAL earn_ref_passing(l.role, l.value) p
		WHERE l.at = now AND p.place BETWEEN 3 AND 8 ORDER BY p.place, i
	LOOP
		s.rows := s.rows || ROW(now, passing.as_role, passing.label, passing.ref, NULL, passing.points, NULL, NULL, passing.kind, NULL, CASE WHEN passing.as_role IN ('reinstate', 'adjust', 'transfer') THEN passing.expires_at END)::ref_program_row;
	END LOOP;
	FOR give IN SELECT x FROM jsonb_array_elements(late) WITH ORDINALITY q(x, i) ORDER BY i LOOP
		s.rows := s.rows || ROW(now, 'return', give->>'label', give->>'ref', -(give->>'part')::numeric, (give->>'points')::numeric, NULL, NULL, give->>'kind', (give->>'points')::numeric, NULL)::ref_program_row;
	END LOOP;
	rules := earn_ref_rules(policy, today);
	FOREACH e IN ARRAY list LOOP
		CONTINUE WHEN e.at <> now OR e.role <> 'return';
		points := 0;
		IF now < member_since OR rules->'excluded_kinds' @> to_jsonb(e.kind) OR rules->'excluded_labels' @> to_jsonb(e.label) THEN
			-- takes nothing back
		ELSIF e.ref = ANY (s.bought) THEN
			r := abs(e.value);
			FOREACH key IN ARRAY (s.book).keys LOOP
				o := (s.book).orders->key;
				CONTINUE WHEN o->>'ref' IS DISTINCT FROM e.ref;
				part := earn_ref_bound(s.book, least(r, (o->>'amount')::numeric - (o->>'returned')::numeric));
				CONTINUE WHEN part <= 0;
				r := r - part;
				s.book.total := (s.book).total - part;
				s.book.orders := (s.book).orders || jsonb_build_object(key, earn_ref_take_back(o, part));
				points := points + (o->>'taken')::numeric - ((s.book).orders->key->>'taken')::numeric;
			END LOOP;
		ELSE
			part := earn_ref_bound(s.book, abs(e.value));
			s.book.total := (s.book).total - part;
			points := CASE WHEN part > 0 THEN earn_ref_return(rules, part, now AT TIME ZONE zone, false, e.label, tier) ELSE 0 END;
		END IF;
		s.rows := s.rows || ROW(now, 'return', e.label, e.ref, -abs(e.value), points, NULL, NULL, e.kind, points, NULL)::ref_program_row;
	END LOOP;
	FOR passing IN
		SELECT l.*, p.* FROM unnest(list) WITH ORDINALITY l(at, value, kind, label, ref, role, expires_at, i), LATERAL earn_ref_passing(l.role, l.value) p
		WHERE l.at = now AND (p.place = 2 OR p.place > 8) ORDER BY p.place, i
	LOOP
		s.rows := s.rows || ROW(now, passing.as_role, passing.label, passing.ref, NULL, passing.points, NULL, NULL, passing.kind,
			CASE WHEN passing.as_role = 'return' AND now >= member_since THEN passing.points END, NULL)::ref_program_row;
	END LOOP;
	RETURN s;
END $$;

-- ---- points ----

-- What can be spent after an entry.
CREATE FUNCTION ref_program_balance(p ref_points_state, entry int) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(sum(m.active - m.debt), 0) FROM unnest(p.moves) m WHERE m.entry <= ref_program_balance.entry $$;

-- The rows of entries since: points that expired or became available.
CREATE FUNCTION ref_program_due(p ref_points_state, since int) RETURNS ref_program_row[]
LANGUAGE sql STABLE AS $$
	SELECT coalesce(array_agg(ROW(e.at, e.role, e.label, CASE WHEN e.role = 'activate' THEN e.ref END, NULL, e.points, ref_program_balance(p, e.entry), NULL, p.lots[m.lot].kind,
		NULL, NULL)::ref_program_row ORDER BY e.entry), '{}')
	FROM unnest(p.entries) e JOIN unnest(p.moves) m ON m.entry = e.entry AND m.role = e.role
	WHERE e.entry > since
$$;

-- The lots that need not wait any longer: what counts for tiers of each, blocked or not.
CREATE FUNCTION ref_program_released(before ref_points_state, p ref_points_state, counting boolean[]) RETURNS SETOF ref_lot
LANGUAGE sql STABLE AS $$
	SELECT w.* FROM unnest(before.lots) w WHERE w.pending AND NOT p.lots[w.no].pending AND w.remaining + w.blocked > 0 AND counting[w.no] ORDER BY w.no
$$;

-- A row of earning as an event of the points.
CREATE FUNCTION ref_program_event(r ref_program_row, no int, late boolean) RETURNS ref_event
LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(r.at, r.points, r.kind, r.label, r.ref, r.expires_at, CASE r.role WHEN 'bonus' THEN 'earn' ELSE r.role END, no, late)::ref_event $$;

-- ---- tiers ----

-- What an event that counts adds to each measure: one that names no kinds counts all that earning does.
CREATE FUNCTION ref_program_counts(s ref_tier_machine, value numeric, kind text, label text) RETURNS numeric[]
LANGUAGE sql STABLE AS $$
	SELECT array_agg(CASE
		WHEN m ? 'kinds' AND NOT coalesce(m->'kinds' ? kind, false) OR m ? 'labels' AND NOT coalesce(m->'labels' ? label, false) THEN NULL
		WHEN coalesce(m->>'of', 'sum') <> 'sum' THEN CASE WHEN value < 0 THEN 0 ELSE 1 END
		WHEN m->>'values' = 'positive' THEN greatest(value, 0)
		ELSE value END ORDER BY n)
	FROM (SELECT coalesce(s.policy->'metrics'->name, '{}'), n FROM unnest(s.metrics) WITH ORDINALITY u(name, n)) m(m, n)
$$;

-- ---- the walk ----

--
-- One customer through the end of a local day. An object with
--   summary  the columns of program_summary
--   history  ref_tier_change, in order: what tier_history would show
--   entries  the rows of the statement
--   instants where something could happen
--   violations  ref_violation, of the points; lenient: and of the tiers, whose unknown ones are an error otherwise
--
CREATE FUNCTION ref_program(events jsonb, program jsonb, as_of date, lenient boolean DEFAULT false) RETURNS jsonb
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
	points ref_points_state;
	counting_lots boolean[] := '{}';	-- lots that count for tiers
	tiers ref_tier_machine;
	tier text;
	spend numeric := 0;
	norders int := 0;

	-- the instant
	eventful boolean;
	steps text[];
	step text;
	c ref_program_counting;
	r ref_program_row;
	refunds ref_event[];				-- what is still to be done of them
	late_rows ref_program_row[];  -- of what of them is left
	nevents int := 0;
	since int;
	before ref_points_state;
	lot ref_lot;
	h ref_tier_change;
	changes ref_tier_change[];
	fresh ref_program_row[];			-- rows of a step
	counts ref_tier_event[];			-- what the tiers will count of the instant
	entries ref_program_row[] := '{}';
	row_number int;
	lot_parts jsonb := '{}';	-- by lot, the points of its order by label, which the lots of the same event have together
	resumed int[] := '{}';		-- entries that a tier had kept from expiring
	points_scale int;
	metric_values numeric[];
	condition jsonb;
	missing numeric;
	next_tier int;
	seen jsonb;
BEGIN
	-- ---- the customer ----

	-- the tiers' kind of joining joins, unless the rules of earning call it something else
	IF tier_policy ? 'join_kind' THEN
		earn_policy := earn_policy || jsonb_build_object('kinds', jsonb_build_object(tier_policy->>'join_kind', 'join') || coalesce(earn_policy->'kinds', '{}'));
	END IF;
	SELECT array_agg(ROW(x.at, x.value, x.kind, x.label, x.ref, earn_ref_role(CASE WHEN x.at < day_ends THEN earn_policy ELSE earn_policy || '{"other_kinds": "ignore"}' END, x.kind, x.value), x.expires_at)::earn_ref_event ORDER BY x.n) INTO list
	FROM ref_tier_timeline(events) x WHERE x.kind IS DISTINCT FROM coalesce(tier_policy->>'grant_kind', 'tier_grant') OR tier_policy IS NULL;
	list := coalesce(list, '{}');
	SELECT min(x.at) INTO member_since FROM unnest(list) x WHERE x.role = 'join';
	IF member_since IS NULL THEN
		SELECT min(x.at) INTO member_since FROM unnest(list) x WHERE x.role NOT IN ('birth', 'ignore');
	END IF;
	SELECT (min(x.at) AT TIME ZONE zone)::date INTO birth FROM unnest(list) x WHERE x.role = 'birth';
	started := (member_since AT TIME ZONE zone)::date;
	counting := coalesce((SELECT array_agg(x::ref_program_counting) FROM ref_program_counting(list, earn_policy, zone, member_since) x), '{}');

	earning := ROW(false, '{}', earn_ref_book(earn_policy), '{}', 0, '{}', '{}');
	points := ref_points_begin(points_policy, lenient);
	points.books := jsonb_path_exists(earn_policy, '$.kinds.* ? (@ == "expire")');
	IF tier_policy IS NOT NULL THEN
		tiers := ref_tier_machine(tier_policy, zone, member_since, NULL, as_of);
		tiers.rules := ref_tier_rules(tier_policy, as_of);
		-- the decimals of what tiers see: amounts, points, or orders
		seen := CASE metric WHEN 'spend' THEN events WHEN 'orders' THEN '[{"value": 1}]'
			ELSE jsonb_build_array(jsonb_build_object('value', round(1, (SELECT coalesce(max(d::text::int), 0) FROM jsonb_path_query(earn_policy, '$.**.decimals') d))))
				|| (SELECT coalesce(jsonb_agg(jsonb_build_object('value', trim_scale(value))), '[]') FROM unnest(list) l WHERE l.role <> 'activate' AND earn_ref_passing(l.role, l.value) IS NOT NULL) END;
		tiers.unit := power(10::numeric, -coalesce((SELECT max(scale((e->>'value')::numeric)) FROM jsonb_array_elements(seen) e), 0));
		SELECT coalesce(array_agg(ROW(e.at, nullif(e.expires_at, 'infinity'), coalesce(array_position(tiers.names, e.label), 0), e.ref)::ref_tier_grant ORDER BY e.n), '{}') INTO tiers.grants
		FROM ref_tier_timeline(events) e WHERE e.kind = coalesce(tier_policy->>'grant_kind', 'tier_grant') AND e.at < day_ends
			AND (NOT lenient OR e.label = coalesce(tier_policy->>'base', 'Member') OR e.label = ANY (tiers.names));
		IF NOT lenient AND EXISTS (SELECT FROM ref_tier_timeline(events) e WHERE e.kind = coalesce(tier_policy->>'grant_kind', 'tier_grant') AND e.at < day_ends
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
			(SELECT min(l.expires_at) FROM unnest(points.lots) l WHERE l.remaining + l.blocked > 0 AND l.expires_at > now),
			(SELECT min(l.available_at) FROM unnest(points.lots) l WHERE l.remaining + l.blocked > 0 AND l.available_at > now),
			CASE WHEN points.inactive_at > now THEN points.inactive_at END,
			ref_tier_due(tiers, now),
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

			points.clock := now;
			points.clock_step := CASE step WHEN '1' THEN 1 WHEN '2' THEN 1 WHEN '7' THEN 4 WHEN '3' THEN 2 ELSE 3 END;
			since := points.entry;

			CASE step
			WHEN '1', '7' THEN
				IF NOT points.suspended AND through = (step = '1') THEN
					points := ref_points_expire(points, now, true);
					fresh := ref_program_due(points, since);
				END IF;

			WHEN '3' THEN
				before := points;
				points := ref_points_activate(points, now);
				fresh := ref_program_due(points, since);
				IF NOT pending_counts THEN
					FOR lot IN SELECT * FROM ref_program_released(before, points, counting_lots) LOOP
						counts := counts || ref_tier_counted(tiers, now, lot.ref, ref_program_counts(tiers, lot.remaining + lot.blocked, lot.kind, lot.label));
					END LOOP;
				END IF;

			WHEN '4', '5' THEN
				earning := ref_program_earn(earning, list, earn_policy, zone, member_since, birth, now, CASE step WHEN '4' THEN 'days' ELSE 'events' END, tier);
				refunds := '{}';
				late_rows := '{}';
				row_number := 0;
				FOREACH r IN ARRAY earning.rows || NULL::ref_program_row LOOP
					row_number := row_number + 1;
					-- the rest of the refunds: of what was redeemed at this instant, and beyond
					IF r.role IN ('forfeit', 'expire') OR r.role IS NULL THEN
						FOR i IN 1 .. cardinality(refunds) LOOP
							points := ref_points_event(points, refunds[i]);
							late_rows[i].balance := ref_program_balance(points, points.entry);
							IF late_rows[i].points > 0 THEN
								fresh := fresh || late_rows[i];
							END IF;
							IF NOT points.suspended AND EXISTS (SELECT FROM unnest(points.lots) l WHERE l.remaining + l.blocked > 0 AND (l.expires_at, points.expiry_step) < (now, 3)) THEN
								since := points.entry;
								points := ref_points_expire(points, now, through);
								fresh := fresh || ref_program_due(points, since);
							END IF;
						END LOOP;
						refunds := '{}';
						late_rows := '{}';
					END IF;
					CONTINUE WHEN r.role IS NULL;
					IF r.points <> 0 OR r.points IS NULL THEN
						before := points;
						nevents := nevents + 1;
						since := points.entry;
						points := ref_points_event(points, ref_program_event(r, nevents, false));
						-- further lines of an order, and bonuses, stand under its ref by right
						IF r.role = 'bonus' OR r.amount IS NOT NULL THEN
							points.violations := before.violations || ARRAY(SELECT v FROM unnest(points.violations[cardinality(before.violations) + 1:]) v WHERE v.problem <> 'document earned more than once');
						END IF;
						IF r.role = 'activate' THEN
							-- a row for each lot, none for the event
							fresh := fresh || ref_program_due(points, since);
							IF NOT pending_counts THEN
								FOR lot IN SELECT * FROM ref_program_released(before, points, counting_lots) LOOP
									counts := counts || ref_tier_counted(tiers, now, lot.ref, ref_program_counts(tiers, lot.remaining + lot.blocked, lot.kind, lot.label));
								END LOOP;
							END IF;
							CONTINUE;
						ELSIF r.points IS NULL THEN
							r.points := points.entries[cardinality(before.entries) + 1].points;
						END IF;
						IF r.role = 'redeem_refund' THEN
							-- a row for what it gave back at once, one for the rest
							refunds := refunds || ref_program_event(r, nevents, true);
							late_rows := late_rows || r;
							late_rows[cardinality(late_rows)].points := r.points - (points.reinstated - before.reinstated);
							r.points := points.reinstated - before.reinstated;
							CONTINUE WHEN r.points = 0;
						END IF;
						-- points of a lot that waits count when it is available; what is taken of such doesn't
						IF cardinality(points.lots) > cardinality(before.lots) THEN
							FOR i IN cardinality(before.lots) + 1 .. cardinality(points.lots) LOOP
								counting_lots[i] := r.counts IS NOT NULL;
								lot_parts := lot_parts || CASE WHEN earning.parts ? (row_number::text) THEN jsonb_build_object(i, jsonb_build_object('event', nevents, 'parts', earning.parts->(row_number::text))) ELSE '{}' END;
							END LOOP;
							IF points.lots[cardinality(points.lots)].pending AND NOT pending_counts THEN
								r.counts := NULL;
							END IF;
						ELSIF r.role IN ('return', 'earn') AND r.counts IS NOT NULL AND NOT pending_counts THEN
							r.counts := before.returned - points.returned
								- (SELECT coalesce(sum(m.pending + CASE WHEN before.lots[m.lot].pending THEN m.blocked ELSE 0 END), 0) FROM unnest(points.moves) m WHERE m.entry > before.entry);
						END IF;
					END IF;
					r.balance := ref_program_balance(points, points.entry);
					fresh := fresh || r;
					-- what has come in too late
					IF NOT points.suspended AND EXISTS (SELECT FROM unnest(points.lots) l WHERE l.remaining + l.blocked > 0 AND (l.expires_at, points.expiry_step) < (now, 3)) THEN
						since := points.entry;
						points := ref_points_expire(points, now, through);
						fresh := fresh || ref_program_due(points, since);
					END IF;
					IF tier_policy IS NOT NULL AND metric = 'points' AND r.counts <> 0 THEN
						counts := counts || ref_tier_counted(tiers, now, r.ref, ref_program_counts(tiers, r.counts, r.kind, r.label));
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
							counts := counts || ref_tier_counted(tiers, now, c.ref, ref_program_counts(tiers, c.value, c.kind, c.label));
						ELSIF metric = 'orders' AND c.first THEN
							counts := counts || ref_tier_counted(tiers, now, c.ref, ref_program_counts(tiers, 1, c.kind, c.label));
						END IF;
					END LOOP;
				END IF;
				IF now >= member_since AND tier_policy IS NOT NULL AND (step = '2' OR counts <> '{}' OR EXISTS (SELECT FROM unnest(tiers.grants) g WHERE g.begins = now)) THEN
					IF step = '6' THEN
						tiers.counted := tiers.counted || counts;
					END IF;
					changes := tiers.history;
					tiers := ref_tier_step(tiers, now, CASE WHEN step = '6' THEN '{grants,8a,8b}' WHEN now = member_since THEN '{joined,old grants}' ELSE '{2,3,4,rollover,5,5r,6a,6b,grants end}' END::text[]);
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
						entries := entries || ROW(now, 'tier', NULL, NULL, NULL, NULL, ref_program_balance(points, points.entry), tier, NULL, NULL, NULL)::ref_program_row;
					END IF;
					IF points.suspended AND NOT ref_program_no_expiry(program, day) ? tier THEN
						points.suspended := false;
						since := points.entry;
						points := ref_points_expire(points, now, through);
						resumed := resumed || ARRAY(SELECT generate_series(since + 1, points.entry));
						FOREACH r IN ARRAY ref_program_due(points, since) LOOP
							r.tier := tier;
							entries := entries || r;
						END LOOP;
					END IF;
					points.suspended := coalesce(ref_program_no_expiry(program, day) ? tier, false);
				END LOOP;
			END IF;
		END LOOP;

		IF eventful AND (spend <> (SELECT coalesce(sum(x.value), 0) FROM unnest(counting) x WHERE x.at <= now AND x.at < day_ends) OR norders <> earning.norders) THEN
			RAISE EXCEPTION 'identity broken at %: %', now, events;
		END IF;
	END LOOP;

	-- ---- the answer ----

	IF tier_policy IS NOT NULL AND (events = '[]' OR member_since < day_ends) THEN
		metric_values := ref_tier_measured(tiers, tiers.held, day_ends - tick, day_ends - tick, as_of);
		tiers.rules := ref_tier_rules(tier_policy, as_of);
		next_tier := ref_tier_next_rank(tiers.rules, coalesce(tiers.now_rank, 0));
		condition := tiers.rules->'levels'->(next_tier - 1)->'reach';
		-- of each set the most, of several sets the least
		SELECT min(most) INTO missing
		FROM (SELECT max(l.missing) FROM unnest(ref_tier_lacks(condition, tiers.metrics, tiers.of, metric_values, seen, tiers.rules->>'threshold', 0)) l GROUP BY l.way) w(most);
	END IF;
	SELECT greatest((SELECT coalesce(max(d::text::int), 0) FROM jsonb_path_query(earn_policy, '$.**.decimals') d),
		(SELECT coalesce(max(scale(trim_scale(l.value))), 0) FROM unnest(list) l WHERE l.role <> 'activate' AND earn_ref_passing(l.role, l.value) IS NOT NULL)) INTO points_scale;
	RETURN jsonb_build_object(
		'violations', (SELECT coalesce(jsonb_agg(to_jsonb(v) ORDER BY v.at), '[]')
			FROM (SELECT v.at, v.ref, v.problem, v.points, 'points' AS part FROM unnest(points.violations) v
				  UNION ALL
				  SELECT u.at, u.ref, 'computed expiry that was never booked', u.points, 'points' FROM unnest(points.unbooked) u WHERE u.points > 0
				  UNION ALL
				  SELECT e.at, e.ref, CASE WHEN e.label IS NULL THEN 'grant that names no tier' WHEN e.label = coalesce(tier_policy->>'base', 'Member') OR e.label = ANY (tiers.names) THEN 'grant that ends before it begins'
						ELSE 'grant of a tier that isn''t there' END, NULL, 'tiers'
				  FROM ref_tier_timeline(events) e
				  WHERE tier_policy IS NOT NULL AND e.kind = coalesce(tier_policy->>'grant_kind', 'tier_grant') AND e.at < day_ends
					AND ((e.label = coalesce(tier_policy->>'base', 'Member') OR e.label = ANY (tiers.names)) IS NOT TRUE OR e.expires_at <= e.at)) v),
		'moves', to_jsonb(points.moves), 'lots', to_jsonb(points.lots), 'parts', lot_parts, 'resumed', to_jsonb(resumed), 'points_scale', points_scale,
		'is_member', events = '[]' OR coalesce(member_since < day_ends, false), 'zone', zone,
		'summary', jsonb_build_object('spend', spend, 'orders', norders, 'points_earned', points.earned + points.adjusted + points.transferred - points.returned,
			'points_redeemed', points.redeemed - points.reinstated, 'points_expired', points.expired + points.forfeited, 'points_pending', points.pending, 'points_blocked', points.blocked, 'balance', points.active - points.debt,
			'tier', CASE WHEN events = '[]' AND tier_policy IS NOT NULL THEN coalesce(tier_policy->>'base', 'Member') ELSE tier END,
			'rank', CASE WHEN events = '[]' OR member_since < day_ends THEN coalesce(tiers.now_rank, 0) END, 'tier_until', tiers.now_until, 'missing_to_next', missing),
		'history', coalesce(to_jsonb(tiers.history), '[]'),
		'entries', to_jsonb(entries),
		'instants', to_jsonb(instants));
END $$;

-- ---- each move under labels and in a period ----

--
-- One customer's bookings of a walk, as ref_points_bookings() has them, but a lot's points stand under the labels of its order: what takes of
-- it takes of each in proportion to what is free there, or blocked, what a refund gives back goes to each in proportion to what redemptions took. What a tier
-- had kept from expiring goes in the period in which the tier is left. of: 'rollforward', 'triangle', and 'lot', 'lot blocked': what is left, with its number as the column.
--
CREATE FUNCTION ref_program_bookings(walk jsonb, unit text) RETURNS SETOF ref_booking
LANGUAGE plpgsql AS $$
DECLARE
	m ref_move;
	local timestamp;
	period date;
	issued_in date[] := '{}';
	shares jsonb := '{}';	-- by lot, [{"label", "left", "blocked", "redeemed"}]
	mine jsonb;
	of_event jsonb := '{}';	-- by event, what of its order's points is in no lot yet
	order_event text;
	parts jsonb;
	label text;
	split numeric[];
	weights numeric[];
	blocks numeric[];		-- what is blocked more, by label
	all_goes boolean;
	of_role text;
	col text;
	size numeric;		-- of the move
	points numeric;		-- in its column
	way numeric;		-- 1: to the lot, -1: from it
	fresh boolean;
	grain numeric := 10 ^ -(walk->>'points_scale')::numeric;
BEGIN
	FOR m IN SELECT * FROM jsonb_populate_recordset(NULL::ref_move, walk->'moves') LOOP
		local := m.at AT TIME ZONE (walk->>'zone');
		IF m.step = 1 AND local = date_trunc('day', local) AND NOT walk->'resumed' @> to_jsonb(m.entry) THEN
			local := local - interval '1 day';
		END IF;
		period := date_trunc(unit, local)::date;
		of_role := coalesce(m.pays, m.role);
		points := CASE WHEN m.pays IS NULL THEN m.points ELSE m.debt END;
		IF of_role IN ('redeem', 'return', 'expire', 'forfeit') THEN
			points := -points;
		END IF;
		col := CASE of_role WHEN 'earn' THEN 'issued' WHEN 'redeem_refund' THEN 'reinstated' WHEN 'adjust' THEN 'adjusted' WHEN 'transfer' THEN 'transferred'
			WHEN 'redeem' THEN 'redeemed' WHEN 'return' THEN 'returned' WHEN 'expire' THEN 'expired' WHEN 'forfeit' THEN 'forfeited' END;
		IF m.pays IS NOT NULL THEN
			RETURN NEXT ROW('rollforward', NULL, NULL, period, col, -points)::ref_booking;
		END IF;
		IF m.lot IS NULL THEN
			RETURN NEXT ROW('rollforward', NULL, NULL, period, col, points)::ref_booking;
			CONTINUE;
		END IF;

		fresh := NOT shares ? (m.lot::text);
		IF fresh THEN
			issued_in[m.lot] := period;
			order_event := coalesce(walk->'parts'->(m.lot::text)->>'event', 'lot ' || m.lot);
			parts := coalesce(of_event->order_event, walk->'parts'->(m.lot::text)->'parts', jsonb_build_array(jsonb_build_object('label', walk->'lots'->(m.lot - 1)->'label', 'points', m.points)));
			-- of several lots each has its share of what is in none yet
			split := ref_apportion(m.points, ARRAY(SELECT (p->>'points')::numeric FROM jsonb_array_elements(parts) WITH ORDINALITY x(p, n) ORDER BY n), grain);
			SELECT jsonb_agg(jsonb_build_object('label', p->'label', 'left', split[n], 'blocked', 0, 'redeemed', 0) ORDER BY n) FILTER (WHERE split[n] > 0),
				of_event || jsonb_build_object(order_event, jsonb_agg(p || jsonb_build_object('points', (p->>'points')::numeric - split[n]) ORDER BY n)) INTO mine, of_event
			FROM jsonb_array_elements(parts) WITH ORDINALITY x(p, n);
		ELSE
			mine := shares->(m.lot::text);
		END IF;
		size := abs(m.active) + abs(m.pending) + abs(m.blocked);
		IF m.role IN ('activate', 'block', 'unblock') THEN
			size := greatest(abs(m.active), abs(m.pending), abs(m.blocked));
		END IF;
		-- what is free or blocked goes by what is free or blocked; all goes that there is
		all_goes := NOT fresh AND m.role = 'expire' AND m.blocked < 0 AND m.active + m.pending < 0;
		weights := ARRAY(SELECT CASE WHEN fresh OR all_goes THEN (s->>'left')::numeric WHEN m.role = 'redeem_refund' THEN (s->>'redeemed')::numeric
				WHEN m.blocked < 0 THEN (s->>'blocked')::numeric ELSE (s->>'left')::numeric - (s->>'blocked')::numeric END
			FROM jsonb_array_elements(mine) WITH ORDINALITY x(s, n) ORDER BY n);
		split := ref_apportion(size, weights, grain);
		blocks := ARRAY(SELECT CASE WHEN all_goes THEN -(s->>'blocked')::numeric ELSE sign(m.blocked) * split[n] END FROM jsonb_array_elements(mine) WITH ORDINALITY x(s, n) ORDER BY n);
		way := CASE WHEN fresh OR m.role IN ('activate', 'block', 'unblock') THEN 0 WHEN m.role = 'redeem_refund' THEN 1 ELSE -1 END;
		SELECT jsonb_agg(jsonb_build_object('label', s->'label', 'left', (s->>'left')::numeric + way * split[n], 'blocked', (s->>'blocked')::numeric + blocks[n],
			'redeemed', (s->>'redeemed')::numeric - CASE WHEN of_role IN ('redeem', 'redeem_refund') THEN way * split[n] ELSE 0 END) ORDER BY n) INTO mine
		FROM jsonb_array_elements(mine) WITH ORDINALITY x(s, n);
		shares := shares || jsonb_build_object(m.lot, mine);
		IF jsonb_path_exists(mine, '$[*] ? (@.left < 0 || @.redeemed < 0 || @.blocked < 0 || @.blocked > @.left)') THEN
			RAISE EXCEPTION 'less than nothing under a label at %: %', m.at, mine;
		END IF;

		FOR i IN 1 .. cardinality(split) LOOP
			CONTINUE WHEN split[i] = 0;
			label := mine->(i - 1)->>'label';
			IF points <> 0 THEN
				RETURN NEXT ROW('rollforward', label, NULL, period, col, sign(points) * split[i])::ref_booking;
			END IF;
			IF m.pending <> 0 THEN
				RETURN NEXT ROW('rollforward', label, NULL, period, 'pending', sign(m.pending) * (split[i] - CASE WHEN all_goes THEN -blocks[i] ELSE 0 END))::ref_booking;
			END IF;
			IF blocks[i] <> 0 THEN
				RETURN NEXT ROW('rollforward', label, NULL, period, 'blocked', blocks[i])::ref_booking;
			END IF;
			IF points <> 0 AND fresh THEN
				RETURN NEXT ROW('triangle', label, period, period, 'issued', split[i])::ref_booking;
			ELSIF points <> 0 THEN
				RETURN NEXT ROW('triangle', label, issued_in[m.lot], period,
					CASE WHEN of_role IN ('redeem', 'redeem_refund') THEN 'redeemed' WHEN of_role = 'expire' THEN 'expired' ELSE 'taken_back' END, -way * split[i])::ref_booking;
			END IF;
		END LOOP;
	END LOOP;

	-- what is left
	RETURN QUERY SELECT o.of, s->>'label', NULL::date, NULL::date, lot, (s->>o.key)::numeric FROM jsonb_each(shares) l(lot, list), jsonb_array_elements(list) s, (VALUES ('lot', 'left'), ('lot blocked', 'blocked')) o(of, key);
END $$;
