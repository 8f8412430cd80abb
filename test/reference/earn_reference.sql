--
-- The rules of earning, slow and obvious: a walk over one customer's events, one thing at a
-- time, in PL/pgSQL and numeric. Nothing of the extension is needed.
--
-- events: a jsonb array of {"at", "value", "kind", "label", "ref"}
-- policy: jsonb, as earn_policy takes it; taken to be valid
--
\ir days.sql
CREATE TYPE earn_ref_event AS (at timestamptz, value numeric, kind text, label text, ref text, role text, expires_at timestamptz);

-- what an event, or a day of the year, earned; nothing is kept of what earned nothing
CREATE TYPE earn_ref_entry AS (at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz);

-- points that were counted, by which cap: 'all', a multiplier or a bonus
CREATE TYPE earn_ref_count AS (counter text, day date, points numeric);

-- ---- numbers ----

-- num / den, rounded to so many decimals; nothing is divided before the rounding
CREATE FUNCTION earn_ref_round(num numeric, den numeric, rounding text, decimals int) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	n numeric := num * 10 ^ decimals::numeric * sign(den);
	d numeric := abs(den);
	whole numeric := div(n, d);
	rest numeric := abs(n - whole * d);
	up numeric := CASE WHEN n < 0 THEN -1 ELSE 1 END;
BEGIN
	IF rest <> 0 THEN
		whole := CASE rounding
			WHEN 'truncate' THEN whole
			WHEN 'floor' THEN CASE WHEN n < 0 THEN whole - 1 ELSE whole END
			WHEN 'ceiling' THEN CASE WHEN n > 0 THEN whole + 1 ELSE whole END
			WHEN 'half_up' THEN CASE WHEN 2 * rest >= d THEN whole + up ELSE whole END
			WHEN 'half_down' THEN CASE WHEN 2 * rest > d THEN whole + up ELSE whole END
			WHEN 'half_even' THEN CASE WHEN 2 * rest > d OR (2 * rest = d AND mod(whole, 2) <> 0) THEN whole + up ELSE whole END
			END;
	END IF;
	RETURN whole * 10 ^ -decimals::numeric;
END $$;

-- ---- rules ----

-- the rules of a day: the policy, with what its versions up to that day say instead
CREATE FUNCTION earn_ref_rules(policy jsonb, day date) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	rules jsonb := '{"rate": 1, "per": 1, "full_steps": false, "minimum": 0, "rounding": "truncate", "decimals": 0, "multipliers": [], "combine": "highest", "bonuses": {}, "caps": {},
		"excluded_kinds": [], "excluded_labels": []}'::jsonb || jsonb_strip_nulls(policy - 'versions');
	version jsonb;
BEGIN
	FOR version IN SELECT v FROM jsonb_array_elements(coalesce(policy->'versions', '[]')) WITH ORDINALITY x(v, n) ORDER BY n LOOP
		IF (version->>'from')::date <= day THEN
			rules := rules || (version - 'from');
		END IF;
	END LOOP;
	RETURN rules;
END $$;

-- What an event does: a role, 'nothing' where it lacks the value, 'ignore' where it isn't there for earning.
CREATE FUNCTION earn_ref_role(policy jsonb, kind text, value numeric) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	role text := coalesce(policy->'kinds'->>kind, '{"purchase": "purchase", "return": "return", "join": "join", "birth": "birth", "referral": "referral", "redeem": "redemption", "paid_with_points": "paid_with_points",
		"tier_grant": "ignore"}'::jsonb->>kind);
BEGIN
	IF kind IS NOT NULL AND role IS NULL THEN
		IF NOT coalesce(policy->'excluded_kinds' ? kind OR jsonb_path_query_array(policy, '$.versions[*].excluded_kinds[*]') ? kind, false) THEN
			IF policy->>'other_kinds' = 'ignore' THEN
				RETURN 'ignore';
			END IF;
			RAISE EXCEPTION 'unknown kind "%"', kind USING ERRCODE = '22023';
		END IF;
	END IF;
	RETURN CASE
		WHEN role IS NULL THEN CASE WHEN value >= 0 THEN 'purchase' WHEN value < 0 THEN 'return' ELSE 'nothing' END
		WHEN role = 'purchase' AND value < 0 THEN 'return'
		WHEN role IN ('return', 'redemption', 'redeem', 'paid_with_points', 'earn', 'redeem_refund', 'adjust', 'transfer', 'forfeit', 'expire') AND coalesce(value, 0) = 0 THEN 'nothing'
		-- all that there is to do, where it has no value
		WHEN role IN ('activate', 'reinstate', 'block', 'unblock') AND value = 0 THEN 'nothing'
		WHEN role = 'redeem' THEN 'redemption'
		ELSE role END;
END $$;

-- What passes through at its instant as it is in a ledger of points, and in which order there.
CREATE FUNCTION earn_ref_passing(role text, value numeric, OUT place int, OUT as_role text, OUT points numeric)
LANGUAGE sql IMMUTABLE AS $$
	SELECT array_position('{earn,returned,activate,redeem_refund,reinstate,adjust,transfer,handed,block,unblock,redemption,forfeit,expire}'::text[],
			CASE WHEN role = 'earn' AND value < 0 THEN 'returned' WHEN role = 'transfer' AND value < 0 THEN 'handed' ELSE role END),
		CASE WHEN role = 'earn' AND value < 0 THEN 'return' WHEN role = 'redemption' THEN 'redeem' ELSE role END,
		CASE WHEN role IN ('earn', 'adjust', 'transfer') THEN value WHEN role IN ('redeem_refund', 'reinstate', 'unblock') THEN abs(value) WHEN role <> 'activate' THEN -abs(value) END
	WHERE role IN ('earn', 'activate', 'redeem_refund', 'reinstate', 'adjust', 'transfer', 'block', 'unblock', 'redemption', 'forfeit', 'expire')
$$;

-- The first instant of a local day, where a clock put back over midnight gives two of them.
CREATE FUNCTION earn_ref_day_start(day date, zone text) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT ref_day_begins(day, zone) $$;

-- the same day of another year; 29 February is 28 February where there is none
CREATE FUNCTION earn_ref_in_year(day date, year int) RETURNS date
LANGUAGE sql IMMUTABLE AS $$ SELECT (day + make_interval(years => year - extract(year FROM day)::int))::date $$;

-- Does a multiplier hold? without_time: no time of the day is known
CREATE FUNCTION earn_ref_holds(rule jsonb, at timestamp, without_time boolean, label text, tier text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
	SELECT coalesce((NOT rule ? 'labels' OR rule->'labels' @> to_jsonb(label))
		AND (NOT rule ? 'tiers' OR rule->'tiers' @> to_jsonb(tier))
		AND (NOT rule ? 'from' OR at::date >= (rule->>'from')::date)
		AND (NOT rule ? 'until' OR at::date < (rule->>'until')::date)
		AND (NOT rule ? 'weekdays' OR rule->'weekdays' @> to_jsonb(trim(to_char(at, 'day'))))
		AND (NOT rule ? 'hours' OR (NOT without_time AND CASE WHEN (rule->'hours'->>0)::time < (rule->'hours'->>1)::time
			THEN at::time >= (rule->'hours'->>0)::time AND at::time < (rule->'hours'->>1)::time
			ELSE at::time >= (rule->'hours'->>0)::time OR at::time < (rule->'hours'->>1)::time END)), false)
$$;

-- What the first so many multipliers make of a line: all of them, or those before one.
CREATE FUNCTION earn_ref_multiplier(rules jsonb, first int, at timestamp, without_time boolean, label text, tier text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	answer numeric := 1;
	winner int;
	rule jsonb;
	n int;
BEGIN
	IF rules->>'combine' = 'highest' THEN
		SELECT x.n, x.r INTO winner, rule FROM jsonb_array_elements(rules->'multipliers') WITH ORDINALITY x(r, n)
		WHERE earn_ref_holds(x.r, at, without_time, label, tier) ORDER BY (x.r->>'times')::numeric DESC, x.n LIMIT 1;
		RETURN CASE WHEN winner <= first THEN (rule->>'times')::numeric ELSE 1 END;
	END IF;
	FOR n, rule IN SELECT x.n, x.r FROM jsonb_array_elements(rules->'multipliers') WITH ORDINALITY x(r, n) WHERE x.n <= first AND earn_ref_holds(x.r, at, without_time, label, tier) LOOP
		IF rules->>'combine' = 'multiply' THEN
			answer := answer * (rule->>'times')::numeric;
		ELSE
			answer := answer + (rule->>'times')::numeric - 1;
		END IF;
	END LOOP;
	RETURN greatest(answer, 0);
END $$;

-- Points of an order with the first so many multipliers; lines: array of {"value", "label", "at" (local), "tier"}
CREATE FUNCTION earn_ref_points(rules jsonb, amount numeric, lines jsonb, first int, without_time boolean) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	weighted numeric;
	total numeric;
	num numeric;
	den numeric;
BEGIN
	IF amount < (rules->>'minimum')::numeric THEN
		RETURN 0;
	END IF;
	SELECT sum((l->>'value')::numeric), sum((l->>'value')::numeric * earn_ref_multiplier(rules, first, (l->>'at')::timestamp, without_time, l->>'label', l->>'tier')) INTO total, weighted FROM jsonb_array_elements(lines) l;
	IF total = 0 THEN
		RETURN 0;
	END IF;
	IF (rules->>'full_steps')::boolean THEN
		num := (rules->>'rate')::numeric * div(amount, (rules->>'per')::numeric) * weighted;
		den := total;
	ELSE
		num := (rules->>'rate')::numeric * amount * weighted;
		den := (rules->>'per')::numeric * total;
	END IF;
	RETURN least(earn_ref_round(num, den, rules->>'rounding', (rules->>'decimals')::int), (rules->'caps'->>'order')::numeric);
END $$;

-- The label of a bonus, which is a number or an object: its name, or which it is.
CREATE FUNCTION earn_ref_bonus_label(bonus jsonb, sort text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(CASE jsonb_typeof(bonus) WHEN 'object' THEN bonus->>'name' END, sort) $$;

-- A return of so much at the rate of its own instant.
CREATE FUNCTION earn_ref_return(rules jsonb, amount numeric, at timestamp, without_time boolean, label text, tier text) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT earn_ref_round(-(rules->>'rate')::numeric * CASE WHEN (rules->>'full_steps')::boolean THEN div(amount, (rules->>'per')::numeric) ELSE amount END
			* earn_ref_multiplier(rules, jsonb_array_length(rules->'multipliers'), at, without_time, label, tier),
		CASE WHEN (rules->>'full_steps')::boolean THEN 1 ELSE (rules->>'per')::numeric END, rules->>'rounding', (rules->>'decimals')::int)
$$;

-- What is left of a cap but that of an order; NULL: as much as one likes.
CREATE FUNCTION earn_ref_left(caps jsonb, counts earn_ref_count[], counter text, day date) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
	SELECT min(greatest((caps->>span)::numeric - (SELECT coalesce(sum(c.points), 0) FROM unnest(counts) c
		WHERE c.counter = earn_ref_left.counter AND (span = 'lifetime' OR date_trunc(span, c.day::timestamp) = date_trunc(span, earn_ref_left.day::timestamp))), 0))
	FROM unnest('{day,month,year,lifetime}'::text[]) span WHERE caps ? span
$$;

-- The counter of a multiplier: its name, else its place in the list of its version.
CREATE FUNCTION earn_ref_counter(rules jsonb, n int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce('name ' || (rules->'multipliers'->(n - 1)->>'name'), 'list ' || n || (rules->'multipliers')::text) $$;

-- ---- one order ----

CREATE FUNCTION earn_ref_one(policy jsonb, amount numeric, label text, day date, tier text) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	rules jsonb := earn_ref_rules(policy, day);
	lines jsonb := jsonb_build_array(jsonb_build_object('value', amount, 'label', label, 'at', day::timestamp, 'tier', tier));
	points numeric;
	more numeric;
	n int;
BEGIN
	IF rules->'excluded_labels' @> to_jsonb(label) THEN
		RETURN 0;
	END IF;
	IF amount < 0 THEN
		RETURN earn_ref_return(rules, -amount, day, true, label, tier);
	END IF;
	points := earn_ref_points(rules, amount, lines, jsonb_array_length(rules->'multipliers'), true);
	FOR n IN 1 .. jsonb_array_length(rules->'multipliers') LOOP
		IF rules->'multipliers'->(n - 1) ? 'cap' THEN
			more := earn_ref_points(rules, amount, lines, n, true) - earn_ref_points(rules, amount, lines, n - 1, true);
			points := points - greatest(0, least(points, more - (SELECT min(most::numeric) FROM jsonb_each_text(rules->'multipliers'->(n - 1)->'cap') c(span, most))));
		END IF;
	END LOOP;
	RETURN points;
END $$;

-- ---- orders, and what was paid with points ----

--
-- orders: by key, a ref and kind: {"ref", "kind", "sum" of lines, "paid" with points, "returned", "amount" (sum - paid), "earned", "taken" back, ...};
-- keys: in the order of their first lines; waiting: what was paid under a ref and no order took yet; late: what the last
-- payment took back from orders without a line at its instant, [{"key", "part", "points"}]; total: what lines, payments and
-- returns came to, which is as much as can be returned and paid (bounded), unless the policy says otherwise
--
CREATE TYPE earn_ref_book AS (orders jsonb, keys text[], waiting jsonb, late jsonb, total numeric, bounded boolean);

CREATE FUNCTION earn_ref_book(policy jsonb) RETURNS earn_ref_book
LANGUAGE sql IMMUTABLE AS $$ SELECT ROW('{}', '{}', '{}', '[]', 0, policy->>'returns_beyond' IS DISTINCT FROM 'take')::earn_ref_book $$;

-- So much of an amount, as can come back in all.
CREATE FUNCTION earn_ref_bound(b earn_ref_book, amount numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN b.bounded THEN least(amount, greatest(b.total, 0)) ELSE amount END $$;

-- What an order keeps of its points when so much of it comes back.
CREATE FUNCTION earn_ref_take_back(o jsonb, part numeric) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	keeps numeric;
BEGIN
	o := o || jsonb_build_object('returned', (o->>'returned')::numeric + part);
	keeps := earn_ref_round((o->>'earned')::numeric * ((o->>'amount')::numeric - (o->>'returned')::numeric), (o->>'amount')::numeric, o->'rules'->>'rounding', (o->'rules'->>'decimals')::int);
	RETURN o || jsonb_build_object('taken', (o->>'taken')::numeric + greatest((o->>'earned')::numeric - (o->>'taken')::numeric - keeps, 0));
END $$;

-- A payment of so much under a ref: its orders take what is left of them, those with lines at this instant (here) with
-- these, the others as a return of it. What waits (a payment of 0) waits for lines.
CREATE FUNCTION earn_ref_pay(b earn_ref_book, payment numeric, ref text, here text[]) RETURNS earn_ref_book
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	key text;
	o jsonb;
	part numeric;
	rest numeric := payment;
BEGIN
	IF payment = 0 THEN
		rest := coalesce((b.waiting->>ref)::numeric, 0);
		b.waiting := b.waiting - ref;
	END IF;
	b.late := '[]';
	FOREACH key IN ARRAY b.keys LOOP
		o := b.orders->key;
		CONTINUE WHEN o->>'ref' IS DISTINCT FROM ref OR payment = 0 AND key <> ALL (here);
		part := earn_ref_bound(b, least(rest, (o->>'sum')::numeric - (o->>'paid')::numeric - (o->>'returned')::numeric));
		CONTINUE WHEN part <= 0;
		rest := rest - part;
		b.total := b.total - part;
		IF key = ANY (here) THEN
			b.orders := b.orders || jsonb_build_object(key, o || jsonb_build_object('paid', (o->>'paid')::numeric + part));
		ELSE
			b.orders := b.orders || jsonb_build_object(key, earn_ref_take_back(o, part));
			b.late := b.late || jsonb_build_object('key', key, 'part', part, 'points', (o->>'taken')::numeric - (b.orders->key->>'taken')::numeric,
				'kind', o->>'kind', 'label', (SELECT CASE WHEN count(DISTINCT l->'label') = 1 THEN min(l->>'label') END FROM jsonb_array_elements(o->'lines') l));
		END IF;
	END LOOP;
	b.waiting := b.waiting || jsonb_build_object(ref, coalesce((b.waiting->>ref)::numeric, 0) + rest);
	RETURN b;
END $$;

-- The line of an order: to its order, which it may begin.
CREATE FUNCTION earn_ref_line(b earn_ref_book, key text, ref text, kind text, rules jsonb, line jsonb) RETURNS earn_ref_book
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	o jsonb := b.orders->key;
BEGIN
	IF o IS NULL THEN
		o := jsonb_build_object('ref', ref, 'kind', kind, 'rules', rules, 'lines', '[]'::jsonb, 'sum', 0, 'paid', 0, 'amount', 0, 'total', 0, 'earned', 0, 'taken', 0, 'returned', 0, 'shares', '{}'::jsonb, 'new', true);
		b.keys := b.keys || key;
	END IF;
	o := o || jsonb_build_object('lines', (o->'lines') || line, 'sum', (o->>'sum')::numeric + (line->>'value')::numeric);
	b.orders := b.orders || jsonb_build_object(key, o);
	b.total := b.total + (line->>'value')::numeric;
	RETURN b;
END $$;

-- ---- a customer ----

-- What he earns, and, as kind 'violation' with the problem as label, what doesn't go with what was bought.
CREATE FUNCTION earn_ref_walk(events jsonb, policy jsonb) RETURNS SETOF earn_ref_entry
LANGUAGE plpgsql AS $$
DECLARE
	zone text := coalesce(policy->>'zone', current_setting('timezone'));
	list earn_ref_event[];
	e earn_ref_event;
	member_since timestamptz;
	birth date;
	started date;
	last timestamptz;
	instants timestamptz[];
	now timestamptz;
	today date;
	rules jsonb;
	counts earn_ref_count[] := '{}';
	book earn_ref_book := earn_ref_book(policy);
	late jsonb;					-- rows of payments that came later than their orders
	bought text[] := '{}';		-- refs that some purchase had
	norders int := 0;
	joined boolean := false;
	gives jsonb;				-- bonuses of the instant, or of an order
	give jsonb;
	groups jsonb;				-- lines of the instant by order
	key text;
	g jsonb;
	o jsonb;
	lines jsonb;
	total numeric;
	points numeric;
	more numeric;
	granted numeric;
	share jsonb;
	n int;
	fresh boolean;
	y int;
	r numeric;
	part numeric;
	passing record;
BEGIN
	SELECT array_agg(ROW(x.at, x.value, x.kind, x.label, x.ref, earn_ref_role(policy, x.kind, x.value), x.expires_at)::earn_ref_event
		ORDER BY x.at, x.kind COLLATE "C" NULLS FIRST, x.label COLLATE "C" NULLS FIRST, x.ref IS NOT NULL, NOT x.ref ~ '^-?[0-9]+$', CASE WHEN x.ref ~ '^-?[0-9]+$' THEN x.ref::numeric END, x.ref COLLATE "C", x.value NULLS FIRST, x.expires_at NULLS FIRST)
	INTO list FROM jsonb_to_recordset(events) x(at timestamptz, value numeric, kind text, label text, ref text, expires_at timestamptz);
	SELECT min(x.at) INTO member_since FROM unnest(list) x WHERE x.role = 'join';
	IF member_since IS NULL THEN
		SELECT min(x.at) INTO member_since FROM unnest(list) x WHERE x.role NOT IN ('birth', 'ignore');
	END IF;
	SELECT (min(x.at) AT TIME ZONE zone)::date INTO birth FROM unnest(list) x WHERE x.role = 'birth';
	SELECT max(x.at) INTO last FROM unnest(list) x;
	started := (member_since AT TIME ZONE zone)::date;

	-- every instant of an event, and the starts of birthdays and anniversaries up to the last
	SELECT array_agg(DISTINCT i ORDER BY i) INTO instants FROM (
		SELECT x.at FROM unnest(list) x
		UNION SELECT earn_ref_day_start(earn_ref_in_year(d, year), zone) FROM unnest(ARRAY[birth, started]) d, generate_series(extract(year FROM started)::int, extract(year FROM last)::int + 1) year WHERE d IS NOT NULL) i(i)
	WHERE i <= last;

	FOREACH now IN ARRAY coalesce(instants, '{}') LOOP
		today := (now AT TIME ZONE zone)::date;
		rules := earn_ref_rules(policy, today);

		-- what time gives, joining, referrals
		gives := '[]';
		y := extract(year FROM today);
		IF birth IS NOT NULL AND y > extract(year FROM birth) AND now > member_since AND now = earn_ref_day_start(earn_ref_in_year(birth, y), zone) THEN
			gives := gives || jsonb_build_object('sort', 'birthday');
		END IF;
		IF y > extract(year FROM started) AND now = earn_ref_day_start(earn_ref_in_year(started, y), zone) THEN
			gives := gives || jsonb_build_object('sort', 'anniversary');
		END IF;
		FOREACH e IN ARRAY list LOOP
			IF e.at = now AND e.role = 'join' AND NOT joined THEN
				joined := true;
				gives := gives || jsonb_build_object('sort', 'joining', 'ref', e.ref);
			END IF;
		END LOOP;
		FOREACH e IN ARRAY list LOOP
			IF e.at = now AND e.role = 'referral' AND now >= member_since THEN
				gives := gives || jsonb_build_object('sort', 'referral', 'ref', e.ref);
			END IF;
		END LOOP;
		FOR give IN SELECT x FROM jsonb_array_elements(gives) x LOOP
			CONTINUE WHEN NOT rules->'bonuses' ? (give->>'sort');
			o := rules->'bonuses'->(give->>'sort');
			points := CASE jsonb_typeof(o) WHEN 'number' THEN o#>>'{}' ELSE o->>'points' END::numeric;
			points := least(points, earn_ref_left(CASE jsonb_typeof(o) WHEN 'number' THEN NULL ELSE o->'cap' END, counts, 'bonus ' || (give->>'sort'), today));
			counts := counts || ROW('bonus ' || (give->>'sort'), today, points)::earn_ref_count;
			points := least(points, earn_ref_left(rules->'caps', counts, 'all', today));
			counts := counts || ROW('all', today, points)::earn_ref_count;
			IF points <> 0 THEN
				RETURN NEXT ROW(now, points, 'bonus', earn_ref_bonus_label(o, give->>'sort'), give->>'ref', NULL)::earn_ref_entry;
			END IF;
		END LOOP;

		-- purchases by order
		groups := '[]';
		n := 0;
		FOREACH e IN ARRAY list LOOP
			CONTINUE WHEN e.at <> now OR e.role <> 'purchase';
			n := n + 1;
			key := CASE WHEN e.ref IS NULL THEN format('%s of %s', n, now) ELSE format('%s %L', e.ref, e.kind) END;
			IF e.ref IS NOT NULL THEN
				bought := bought || e.ref;
			END IF;
			CONTINUE WHEN now < member_since;
			lines := coalesce(book.orders->key->'rules', rules);
			CONTINUE WHEN lines->'excluded_kinds' @> to_jsonb(e.kind) OR lines->'excluded_labels' @> to_jsonb(e.label);
			lines := jsonb_build_object('value', coalesce(e.value, 0), 'label', e.label, 'at', now AT TIME ZONE zone);
			book := earn_ref_line(book, key, e.ref, e.kind, rules, lines);
			IF NOT groups @> jsonb_build_array(jsonb_build_object('key', key)) THEN
				groups := groups || jsonb_build_object('key', key, 'ref', e.ref, 'lines', '[]'::jsonb);
			END IF;
			SELECT jsonb_agg(CASE WHEN x->>'key' = key THEN jsonb_set(x, '{lines}', x->'lines' || lines) ELSE x END ORDER BY i)
			INTO groups FROM jsonb_array_elements(groups) WITH ORDINALITY q(x, i);
		END LOOP;

		-- what was paid with points: before, and now
		late := '[]';
		FOR key IN SELECT DISTINCT x->>'ref' FROM jsonb_array_elements(groups) x WHERE x->>'ref' IS NOT NULL LOOP
			book := earn_ref_pay(book, 0, key, (SELECT array_agg(x->>'key') FROM jsonb_array_elements(groups) x));
		END LOOP;
		FOREACH e IN ARRAY list LOOP
			IF e.at = now AND e.role = 'paid_with_points' AND e.ref IS NOT NULL THEN
				book := earn_ref_pay(book, abs(e.value), e.ref, (SELECT coalesce(array_agg(x->>'key'), '{}') FROM jsonb_array_elements(groups) x));
				late := late || (SELECT coalesce(jsonb_agg(x || jsonb_build_object('ref', e.ref) ORDER BY i), '[]') FROM jsonb_array_elements(book.late) WITH ORDINALITY q(x, i));
			END IF;
		END LOOP;

		FOR g IN SELECT x FROM jsonb_array_elements(groups) WITH ORDINALITY q(x, i) ORDER BY i LOOP
			key := g->>'key';
			o := book.orders->key;
			rules := o->'rules';
			fresh := (o->>'new')::boolean;
			lines := o->'lines';
			o := o || jsonb_build_object('new', false, 'amount', (o->>'sum')::numeric - (o->>'paid')::numeric);
			total := earn_ref_points(rules, (o->>'amount')::numeric, lines, jsonb_array_length(rules->'multipliers'), false);
			points := total - (o->>'total')::numeric;
			o := o || jsonb_build_object('total', total);
			-- no more orders may begin to earn
			IF points > 0 AND NOT coalesce((o->>'begun')::boolean, false) AND earn_ref_left(rules->'max_orders', counts, 'orders', today) = 0 THEN
				points := 0;
			END IF;
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
						earn_ref_left(rules->'multipliers'->(n - 1)->'cap', counts, earn_ref_counter(rules, n), today));
					counts := counts || ROW(earn_ref_counter(rules, n), today, granted)::earn_ref_count;
					share := share || jsonb_build_object('granted', (share->>'granted')::numeric + granted);
					points := points - least(points, more - granted);
				END IF;
				o := jsonb_set(o, ARRAY['shares', n::text], share);
			END LOOP;
			IF points >= 0 THEN
				points := least(points, earn_ref_left(rules->'caps', counts, 'all', today));
				counts := counts || ROW('all', today, points)::earn_ref_count;
				o := o || jsonb_build_object('earned', (o->>'earned')::numeric + points);
			ELSE
				-- the lines made it earn less: no more than the new total stays
				more := greatest((o->>'earned')::numeric - total, 0);
				points := -least(more, (o->>'earned')::numeric - (o->>'taken')::numeric);
				o := o || jsonb_build_object('earned', (o->>'earned')::numeric - more);
			END IF;
			IF points > 0 AND NOT coalesce((o->>'begun')::boolean, false) THEN
				o := o || '{"begun": true}';
				counts := counts || ROW('orders', today, 1)::earn_ref_count;
			END IF;
			book.orders := book.orders || jsonb_build_object(key, o);
			IF points <> 0 THEN
				RETURN NEXT ROW(now, points, CASE WHEN points < 0 THEN 'return' ELSE 'earn' END,
					(SELECT CASE WHEN count(DISTINCT coalesce(x->>'label', E'\x01')) = 1 THEN min(x->>'label') END FROM jsonb_array_elements(g->'lines') x), g->>'ref', NULL)::earn_ref_entry;
			END IF;
			CONTINUE WHEN NOT fresh;
			norders := norders + 1;
			gives := CASE WHEN norders = 1 AND rules->'bonuses' ? 'first_purchase' THEN jsonb_build_array(CASE jsonb_typeof(rules->'bonuses'->'first_purchase')
				WHEN 'number' THEN jsonb_build_object('points', rules->'bonuses'->'first_purchase') ELSE rules->'bonuses'->'first_purchase' END || '{"sort": "first_purchase", "counter": "first"}') ELSE '[]' END;
			SELECT gives || coalesce(jsonb_agg(x || jsonb_build_object('sort', 'nth_purchase', 'counter', 'nth ' || (x->>'n')) ORDER BY (x->>'n')::int), '[]') INTO gives
			FROM jsonb_array_elements(coalesce(rules->'bonuses'->'nth_purchase', '[]')) x WHERE CASE WHEN (x->>'every')::boolean THEN norders % (x->>'n')::int = 0 ELSE norders = (x->>'n')::int END;
			FOR give IN SELECT x FROM jsonb_array_elements(gives) WITH ORDINALITY q(x, i) ORDER BY i LOOP
				points := least((give->>'points')::numeric, earn_ref_left(give->'cap', counts, give->>'counter', today));
				counts := counts || ROW(give->>'counter', today, points)::earn_ref_count;
				points := least(points, earn_ref_left(rules->'caps', counts, 'all', today));
				counts := counts || ROW('all', today, points)::earn_ref_count;
				IF points <> 0 THEN
					RETURN NEXT ROW(now, points, 'bonus', earn_ref_bonus_label(give, give->>'sort'), g->>'ref', NULL)::earn_ref_entry;
				END IF;
			END LOOP;
		END LOOP;

		-- payments that came later than their orders, returns
		FOR give IN SELECT x FROM jsonb_array_elements(late) WITH ORDINALITY q(x, i) ORDER BY i LOOP
			IF (give->>'points')::numeric <> 0 THEN
				RETURN NEXT ROW(now, (give->>'points')::numeric, 'return', give->>'label', give->>'ref', NULL)::earn_ref_entry;
			END IF;
		END LOOP;
		rules := earn_ref_rules(policy, today);
		FOREACH e IN ARRAY list LOOP
			CONTINUE WHEN e.at <> now OR e.role <> 'return' OR now < member_since;
			CONTINUE WHEN rules->'excluded_kinds' @> to_jsonb(e.kind) OR rules->'excluded_labels' @> to_jsonb(e.label);
			points := 0;
			IF e.ref = ANY (bought) THEN
				r := abs(e.value);
				FOREACH key IN ARRAY book.keys LOOP
					o := book.orders->key;
					CONTINUE WHEN o->>'ref' IS DISTINCT FROM e.ref;
					part := earn_ref_bound(book, least(r, (o->>'amount')::numeric - (o->>'returned')::numeric));
					CONTINUE WHEN part <= 0;
					r := r - part;
					book.total := book.total - part;
					book.orders := book.orders || jsonb_build_object(key, earn_ref_take_back(o, part));
					points := points + (o->>'taken')::numeric - (book.orders->key->>'taken')::numeric;
				END LOOP;
			ELSE
				part := earn_ref_bound(book, abs(e.value));
				r := abs(e.value) - greatest(least(book.total, abs(e.value)), 0);
				book.total := book.total - part;
				points := CASE WHEN part > 0 THEN earn_ref_return(rules, part, now AT TIME ZONE zone, false, e.label, NULL) ELSE 0 END;
			END IF;
			IF r > 0 THEN
				RETURN NEXT ROW(now, r, 'violation', 'return of more than was bought', e.ref, NULL)::earn_ref_entry;
			END IF;
			IF points <> 0 THEN
				RETURN NEXT ROW(now, points, 'return', e.label, e.ref, NULL)::earn_ref_entry;
			END IF;
		END LOOP;

		-- what passes through
		FOREACH e IN ARRAY list LOOP
			SELECT * INTO passing FROM earn_ref_passing(e.role, e.value);
			IF e.at = now AND passing.as_role IS NOT NULL THEN
				RETURN NEXT ROW(now, passing.points, passing.as_role, e.label, e.ref, CASE WHEN e.role IN ('earn', 'adjust', 'transfer') AND e.value > 0 OR e.role = 'reinstate' THEN e.expires_at END)::earn_ref_entry;
			END IF;
		END LOOP;
	END LOOP;

	-- payments, the last ones first: those for what was never bought, and what no order took
	FOR n IN REVERSE coalesce(cardinality(list), 0) .. 1 LOOP
		e := list[n];
		CONTINUE WHEN e.role <> 'paid_with_points';
		IF e.ref IS NULL OR e.ref <> ALL (bought) THEN
			RETURN NEXT ROW(e.at, abs(e.value), 'violation', 'payment with points for no order', e.ref, NULL)::earn_ref_entry;
		ELSE
			part := least(abs(e.value), coalesce((book.waiting->>e.ref)::numeric, 0));
			book.waiting := book.waiting || jsonb_build_object(e.ref, coalesce((book.waiting->>e.ref)::numeric, 0) - part);
			IF part > 0 THEN
				RETURN NEXT ROW(e.at, part, 'violation', 'payment with points of more than its order', e.ref, NULL)::earn_ref_entry;
			END IF;
		END IF;
	END LOOP;
END $$;

CREATE FUNCTION earn_ref(events jsonb, policy jsonb) RETURNS SETOF earn_ref_entry
LANGUAGE sql AS $$ SELECT * FROM earn_ref_walk(events, policy) WHERE kind <> 'violation' $$;

-- What doesn't go with what was bought.
CREATE FUNCTION earn_ref_violations(events jsonb, policy jsonb) RETURNS TABLE(at timestamptz, ref text, problem text, amount numeric)
LANGUAGE sql AS $$ SELECT at, ref, label, value FROM earn_ref_walk(events, policy) WHERE kind = 'violation' ORDER BY at $$;
