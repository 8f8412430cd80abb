--
-- A programme over everyone: an example that can be checked by hand, with all columns.
--
-- customer  Jan          Feb          Mar
-- 1         10: 600.00                1: 100.00   Silver from 10 January on: March earns double
-- 2         20: 100.00   10: redeems 40
-- 3         a member without events; a guest
-- 4                                   20: 50.00   (joins after as_of)
--
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\pset format unaligned
\pset null '(null)'

CREATE TABLE entry (customer int, at timestamptz, amount numeric, kind text);
INSERT INTO entry VALUES (1, '2024-01-10', 600.00, NULL), (1, '2024-03-01', 100.00, NULL), (2, '2024-01-20', 100.00, NULL), (2, '2024-02-10', 40, 'redeem'),
	(3, NULL, NULL, NULL), (4, '2024-03-20', 50.00, NULL), (NULL, '2024-01-01', 9.00, NULL);
CREATE TABLE programme (name text, rules program_policy);
INSERT INTO programme VALUES
	('now', '{"earn": {"multipliers": [{"times": 2, "tiers": ["Silver", "Gold"]}]}, "points": {"expires_after": "2 months"}, "tiers": {"Silver": 500, "Gold": 2000}}'),
	('flat', '{"earn": {"rate": 1.5, "decimals": 1}, "points": {"expires_after": "2 months"}}');
CREATE VIEW everyone AS SELECT timelines(customer, make_event(at => at, value => amount, kind => kind)) AS base FROM entry;

-- by tier, and in all
SELECT t.* FROM everyone CROSS JOIN programme p CROSS JOIN LATERAL program_totals_table(program_totals(base, p.rules, '2024-03-15')) t WHERE p.name = 'now';
SELECT t.* FROM everyone CROSS JOIN programme p CROSS JOIN LATERAL program_totals_table(program_totals(base, p.rules, '2024-03-15')) t WHERE p.name = 'flat';
SELECT t.tier, t.members, t.as_of FROM everyone CROSS JOIN programme p CROSS JOIN LATERAL program_totals_table(program_totals(base, p.rules)) t WHERE p.name = 'now';

-- period by period
SELECT t.* FROM everyone CROSS JOIN programme p CROSS JOIN LATERAL program_rollforward_table(program_rollforward(base, p.rules, as_of => '2024-03-15')) t WHERE p.name = 'now';

-- one programme and another
SELECT t.* FROM everyone CROSS JOIN programme a CROSS JOIN programme b CROSS JOIN LATERAL program_compare_table(program_compare(base, a.rules, b.rules, '2024-03-15')) t WHERE a.name = 'now' AND b.name = 'flat';
SELECT t.* FROM everyone CROSS JOIN programme a CROSS JOIN programme b CROSS JOIN LATERAL program_compare_members(program_compare(base, a.rules, b.rules, '2024-03-15')) t WHERE a.name = 'now' AND b.name = 'flat';

-- results as they are stored, and the same of stored timelines
SELECT program_totals(base, p.rules, '2024-03-15') AS totals FROM everyone CROSS JOIN programme p WHERE p.name = 'now';
SELECT program_compare(base, a.rules, b.rules, '2024-03-15') AS compare FROM everyone CROSS JOIN programme a CROSS JOIN programme b WHERE a.name = 'now' AND b.name = 'flat';
SELECT program_rollforward(base, p.rules, 'quarter', '2024-03-15') AS rollforward FROM everyone CROSS JOIN programme p WHERE p.name = 'now';
CREATE TABLE stored AS SELECT c.customer, c.timeline FROM everyone CROSS JOIN LATERAL customer_timelines(base) c;
SELECT program_totals(s.timeline, p.rules, '2024-03-15') AS totals FROM stored s, programme p WHERE p.name = 'now';
SELECT rollup(r) AS in_two_parts FROM (SELECT program_totals(s.timeline, p.rules, '2024-03-15') AS r FROM stored s, programme p WHERE p.name = 'now' GROUP BY s.customer % 2) q;

-- errors
SELECT attempt($$SELECT program_totals(base, NULL) FROM everyone$$) AS no_programme;
SELECT attempt($$SELECT program_totals(timeline, '{}', NULL) FROM stored$$) AS no_day;
SELECT attempt($$SELECT program_compare(base, '{"zone": "UTC"}', '{"zone": "Europe/Helsinki"}') FROM everyone$$) AS two_zones;
SELECT attempt($$SELECT program_compare(timeline, '{}', CASE WHEN customer < 3 THEN '{}' ELSE '{"zone": "UTC"}' END::program_policy, '2024-03-15') FROM stored$$) AS two_programmes;
SELECT attempt($$SELECT rollup(r) FROM (SELECT program_totals(base, p.rules) AS r FROM everyone, programme p) q$$) AS different;
SELECT attempt($$SELECT '{"program": {}, "as_of": "2024-01-01", "rows": [{"rank": 0, "members": 1, "points_issued": 5, "balance": 4}]}'::program_totals_result$$) AS lost_point;
SELECT attempt($$SELECT program_totals(timelines(77, make_event(at => '2024-01-01', kind => 'tier_grant', label => 'Bronze')), '{"tiers": {"Gold": 5}}')$$) AS unknown_tier;
DROP VIEW everyone;
DROP TABLE entry, programme, stored;
