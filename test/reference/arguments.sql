--
-- Arguments to call the extension's aggregates with, and its metrics over a base; \ir. Where a new
-- function has an argument of a type and a name that no other has, tests fail until it has a sample here.
--
-- A sample may be about r, the rows k = 0, 1 ...; c, a customer of 20 events, of whom there are 100; and b, a base.
CREATE TABLE customer AS
SELECT k, activity_agg(at) AS activity, timeline_agg(make_event(at => at, value => 5 + n * 7 % 90, kind => CASE WHEN n % 5 = 4 THEN 'redeem' ELSE 'earn' END, label => 'shop ' || n % 3)) AS timeline
FROM (SELECT k, n, timestamptz '2023-01-01' + (k * 2 + n * (20 + k % 9)) * interval '1 day' + n * interval '1 second' AS at FROM generate_series(0, 99) k, generate_series(0, 19) n) e GROUP BY k;

-- Of a type and a name: the usual value, and the one that takes most, where that is another.
CREATE TABLE sample (type regtype, name text, usual text, largest text);
INSERT INTO sample VALUES
	('smallint', 'customer', 'r.k % 100', NULL), ('integer', 'customer', 'r.k % 100', NULL), ('bigint', 'customer', 'r.k % 100', NULL), ('numeric', 'customer', 'r.k % 100', NULL),
	('uuid', 'customer', 'md5((r.k % 100)::text)::uuid', NULL), ('text', 'customer', '(r.k % 100)::text', NULL),
	('smallint', 'referrer', 'r.k % 100 / 3', NULL), ('integer', 'referrer', 'r.k % 100 / 3', NULL), ('bigint', 'referrer', 'r.k % 100 / 3', NULL), ('numeric', 'referrer', 'r.k % 100 / 3', NULL),
	('uuid', 'referrer', 'md5((r.k % 100 / 3)::text)::uuid', NULL), ('text', 'referrer', '(r.k % 100 / 3)::text', NULL),
	('smallint', 'value', '5 + r.k * 7 % 90', NULL), ('integer', 'value', '5 + r.k * 7 % 90', NULL), ('bigint', 'value', '5 + r.k * 7 % 90', NULL), ('numeric', 'value', '5 + r.k * 7 % 90 + 0.25', NULL),
	('timestamptz', 'at', 'timestamptz ''2023-01-01'' + r.k * 35 % 700 * interval ''1 day'' + r.k * interval ''1 second''', NULL),
	('date', 'day', 'date ''2023-01-01'' + r.k * 35 % 700', NULL),
	('text', 'kind', '''kind '' || r.k % 3', NULL), ('"any"', 'kind', '''kind '' || r.k % 3', NULL),
	('"any"', 'value', '(5 + r.k * 7 % 90)::float8', NULL), ('anycompatible', 'value', '5 + r.k * 7 % 90', NULL), ('"any"', 'kind_or_value', '(5 + r.k * 7 % 90)::float8', NULL),
	('timeline_event', 'event', 'make_event(at => timestamptz ''2023-01-01'' + r.k * 35 % 700 * interval ''1 day'' + r.k * interval ''1 second'', value => 5 + r.k * 7 % 90, kind => ''kind '' || r.k % 3)', NULL),
	('activity_base', 'base', 'b.activities', NULL), ('activity_base', 'starts', 'b.activities', NULL), ('activity_base', 'returns', 'b.activities', NULL), ('timeline_base', 'base', 'b.timelines', NULL),
	('activity_set', 'activity', 'c.activity', NULL), ('activity_set', 'starts', 'c.activity', NULL), ('activity_set', 'returns', 'c.activity', NULL),
	('event_timeline', 'timeline', 'c.timeline', NULL),
	('calendar_period', 'period', '''month''', '''day'''), ('calendar_period', 'within', '''day''', NULL),
	('date', 'as_of', '''2024-12-31''', NULL), ('date', 'until', '''2024-12-31''', NULL), ('date', 'from_day', '''2023-12-31''', NULL), ('date', 'to_day', '''2024-12-31''', NULL),
	('integer', 'days', '30', '36525'), ('integer', 'up_to', '5', '36525'), ('integer', 'within', '90', '36525'), ('integer', 'dormant_after', '3', '36525'),
	('jsonb', 'options', '''{"rolling": 30}''', '''{"rolling": 36525}'''),
	('text[]', 'steps', 'ARRAY[''earn'', ''redeem'']', NULL), ('interval', 'within', '''90 days''', NULL), ('text', 'within', '''90 days''', NULL), ('interval[]', 'step_within', 'ARRAY[interval ''30 days'']', NULL),
	('text', 'mode', '''in_order''', NULL), ('text', 'by', '''kind''', NULL), ('text', 'hold', '''label''', NULL), ('text', 'count', '''conversions''', NULL),
	('interval', 'elapsed', '''1 day''', NULL), ('integer[]', 'horizons', '''{30,60,90,180,365}''', NULL), ('text', 'cost_kind', '''earn''', NULL),
	('text', 'from_step', '''redeem''', NULL), ('text', 'until_step', 'NULL', NULL), ('integer', 'steps', '3', '100'), ('text', 'occurrence', '''each''', NULL), ('boolean', 'collapse', 'false', NULL),
	('smallint', 'amount', '5 + r.k * 7 % 90', NULL), ('integer', 'amount', '5 + r.k * 7 % 90', NULL), ('bigint', 'amount', '5 + r.k * 7 % 90', NULL), ('numeric', 'amount', '5 + r.k * 7 % 90 + 0.25', NULL), ('real', 'amount', '5 + r.k * 7 % 90', NULL), ('double precision', 'amount', '5 + r.k * 7 % 90', NULL),
	('interval', 'new_within', '''3 months''', '''100 years'''), ('text', 'label', '''shop 1''', NULL),
	('text', 'zone', '''Europe/Helsinki''', NULL), ('anycompatiblenonarray', 'segment', '''segment '' || r.k % 3', NULL),
	('anynonarray', 'score', '1 + r.k % 5', NULL), ('boolean', 'strict', 'false', NULL), ('integer', 'top', '2', NULL), ('integer', 'scale', '5', '100'),
	('boolean', 'treated', 'r.k % 2 = 0', NULL), ('boolean', 'converted', 'r.k % 3 = 0', NULL), ('anynonarray', 'value', '5 + r.k * 7 % 90', NULL), ('anycompatiblenonarray', 'before', '5 + r.k * 11 % 70 + 0.25', NULL), ('anycompatiblenonarray', 'stratum', '''stratum '' || r.k % 3', NULL),
	('anynonarray', 'duration', '1 + r.k * 7 % 90', NULL), ('boolean', 'event', 'r.k % 3 > 0', NULL),
	('anycompatiblenonarray', 'duration', '1 + r.k * 7 % 90', NULL), ('anycompatiblenonarray', 'entry', 'r.k * 7 % 90 / 2', NULL), ('anynonarray', 'segment', '''segment '' || r.k % 3', NULL),
	('anynonarray', 'cause', 'CASE WHEN r.k % 3 > 0 THEN ''cause '' || r.k % 3 END', NULL), ('anycompatiblenonarray', 'cause', 'CASE WHEN r.k % 3 > 0 THEN ''cause '' || r.k % 3 END', NULL),
	('bigint', 'x', 'r.k % 5', NULL), ('double precision', 't_x', 'sign(r.k % 5) * (r.k % 7)', NULL), ('double precision', 'age', '7 + r.k % 9', NULL), ('text', 'period', '''week''', NULL), ('double precision', 'm', '5 + r.k * 7 % 90', NULL), ('bigint', 'periods', 'r.k % 6', NULL), ('boolean', 'lost', 'r.k % 3 = 0', NULL),
	('numeric', 'within', '100', NULL), ('boolean', 'by_label', 'true', NULL),
	('redemption_method', 'method', '''{"by": "cape_cod", "tail": "exponential"}''', NULL), ('numeric', 'value_per_point', '0.01', NULL),
	('rfm_scale', 'scale', 'make_rfm_scale(''{365,180,90,30}'', ''{2,4,8,16}'', ''{50,100,250.50,1000}'')', NULL), ('rfm_rules', 'rules', '''{}''', NULL), ('integer', 'bins', '5', '36525'),
	('points_policy', 'policy', '''{"expires_after": "6 months"}''', NULL), ('tier_policy', 'policy', '''{"levels": {"Silver": 100, "Gold": 400}, "metrics": {"points": {"kinds": ["earn", "redeem"]}}}''', NULL);
INSERT INTO sample VALUES
	('date', 'calibrate_until', '''2023-12-31''', NULL), ('purchase_model', 'model', '''{"kind": "paretonbd", "period": "week", "parameters": {"r": 0.55, "alpha": 10.6, "s": 0.6, "beta": 11.7}}''', NULL);
INSERT INTO sample
SELECT 'program_policy', name, '''{"earn": {"kinds": {"earn": "purchase"}, "multipliers": [{"times": 2, "tiers": ["Silver", "Gold"]}]}, "points": {"expires_after": "6 months"}, "tiers": {"Silver": 100, "Gold": 400}}''', NULL FROM unnest(ARRAY['program', 'program_a', 'program_b']) name;

-- The routines of the extension, an argument a row.
CREATE VIEW every_argument AS
SELECT p.oid, p.proname AS name, p.prokind AS kind, p.prorettype::regtype AS returns, x.type, x.argument, x.n, x.n > p.pronargs - p.pronargdefaults AS has_default
FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'loyalty'
CROSS JOIN LATERAL unnest(p.proargtypes::oid[]::regtype[], p.proargnames[1:p.pronargs]) WITH ORDINALITY x(type, argument, n);

-- The call of a routine; what has a default is left out. A polymorphic argument is of its sample's type.
CREATE FUNCTION call(wanted oid, at_most boolean) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s(%s)', wanted::regproc, string_agg(format(CASE WHEN o.type::text ~ '^"?any' THEN '(%s)' ELSE '(%s)::%s' END, CASE WHEN at_most THEN coalesce(s.largest, s.usual) ELSE s.usual END, o.type), ', ' ORDER BY o.n))
	FROM every_argument o LEFT JOIN sample s ON s.type = o.type AND s.name = o.argument WHERE o.oid = wanted AND NOT has_default
$$;

-- Without the aggregates that refuse to count without as_of.
CREATE TABLE refused (oid oid);
DO $$
DECLARE
	asked oid;
BEGIN
	FOR asked IN SELECT DISTINCT oid FROM every_argument WHERE kind = 'a' AND obj_description(oid, 'pg_proc') LIKE '%() without as_of%' LOOP
		BEGIN
			EXECUTE format('SELECT %s FROM generate_series(0, 0) r(k) JOIN customer c USING (k)', call(asked, false));
		EXCEPTION WHEN null_value_not_allowed THEN
			INSERT INTO refused VALUES (asked);
		END;
	END LOOP;
END $$;
CREATE VIEW own_argument AS SELECT * FROM every_argument e WHERE NOT EXISTS (SELECT FROM refused r WHERE r.oid = e.oid);
