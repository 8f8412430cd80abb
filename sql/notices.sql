--
-- What a question goes by and no event has: a NOTICE, once for a statement, since 0 looks like an answer.
--
SET timezone = 'UTC';
\pset format unaligned
\pset tuples_only on

CREATE TABLE visit (customer int, at timestamptz, value numeric, kind text, label text, region text);
INSERT INTO visit VALUES
	(1, '2024-01-01', 10, 'visit', 'web', 'north'), (1, '2024-01-02', 20, 'order', 'web', 'north'),
	(2, '2024-01-01', 30, 'visit', 'app', 'south'), (2, '2024-01-05', 40, 'cart', 'web', 'south'), (3, NULL, NULL, NULL, NULL, 'south');
CREATE TABLE stored AS SELECT customer, region, timeline_agg(make_event(at => at, value => value, kind => kind, label => label)) AS timeline FROM visit GROUP BY customer, region;
CREATE FUNCTION everyone() RETURNS timeline_base LANGUAGE sql AS $$ SELECT timelines(customer, make_event(at => at, value => value, kind => kind, label => label)) FROM visit $$;

-- a step, over a base: told with the answer, and not again by the table
SELECT count(*) FROM funnel_totals_table((SELECT funnel_totals(everyone(), '{visit,crat,order}')));
-- several; by label
SELECT funnel_totals(everyone(), '{vist,cart,ordr,vist}') IS NULL;
SELECT funnel_totals(everyone(), '{web,shop}', by => 'label') IS NULL;
-- all of them are there
SELECT funnel_totals(everyone(), '{visit,cart,order}') IS NULL;
-- once for a statement, however many ask: bases by region, of which the north has no cart, and the south no order
SELECT region, (funnel_totals_scope(funnel_totals(timelines(customer, make_event(at => at, kind => kind)), '{visit,cart}'))).steps_without_events FROM visit GROUP BY region ORDER BY region;
SELECT count(funnel_totals(everyone(), ARRAY['visit', 'nothing'])) FROM generate_series(1, 3);
-- no event has a kind; nobody is there
SELECT funnel_totals(timelines(customer, at, value), '{visit}') IS NULL FROM visit;
SELECT funnel_totals(timelines(customer, at, value), '{visit}') IS NULL FROM visit WHERE false;

-- the aggregate over timelines knows it when its result is read
SELECT funnel_totals(timeline, '{visit,crat}') IS NULL FROM stored;
SELECT step, reached FROM funnel_totals_table((SELECT funnel_totals(timeline, '{visit,crat}') FROM stored));
SELECT count(*) FROM funnel_totals_table((SELECT funnel_totals(timeline, '{visit,cart}') FROM stored));

-- rules of policies
SELECT points_totals(everyone(), '{"kinds": {"visit": "earn", "cart": "earn", "order": "earn", "redemption": "redeem"}, "by_label": {"web": {"expires_after": "1 year"}, "aap": {"expires_after": "1 month"}}}') IS NULL;
SELECT tier_census(everyone(), '{"metrics": {"nights": {"kinds": ["visit", "nihgt"]}, "web": {"kinds": ["order"], "labels": ["wbe"]}}, "levels": [{"tier": "Gold", "any": {"nights": 1, "web": 1}}]}') IS NULL;
SELECT program_totals(everyone(), '{"earn": {"kinds": {"visit": "purchase", "cart": "purchase", "order": "purchase", "refund": "return"}, "multipliers": [{"times": 2, "labels": ["web", "promo"]}]}, "points": {"by_label": {"joining": {"expires_after": "3 months"}}}}') IS NULL;
-- what a programme calls by itself needn't be there: kinds by default, and the sorts of bonuses
SELECT program_totals(everyone(), '{"earn": {"kinds": {"visit": "purchase", "cart": "purchase", "order": "purchase"}, "bonuses": {"joining": 5}}, "points": {"by_label": {"joining": {"expires_after": "3 months"}}}}') IS NULL;
-- two policies are asked about together
SELECT program_compare(everyone(), '{"earn": {"kinds": {"visit": "purchase", "cart": "purchase", "order": "purchase"}, "excluded_labels": ["gift"]}}', '{"earn": {"kinds": {"visit": "purchase", "cart": "purchase", "order": "purchase"}, "excluded_labels": ["voucher"]}}') IS NULL;
-- many, and long ones
SELECT funnel_totals(everyone(), ARRAY(SELECT 'step ' || n FROM generate_series(10, 30) n)) IS NULL;
SELECT funnel_totals(everyone(), ARRAY[repeat('ä', 100)]) IS NULL;

DROP FUNCTION everyone();
DROP TABLE visit, stored;

-- Survival is 0 for good where all at risk have ended before others enter.
SELECT survival_at(survival(d, true, entry), 9) FROM (VALUES (2, 0), (3, 0), (9, 5), (10, 6)) v(d, entry);
SELECT survival_at(survival(d, true, entry), 9) FROM (VALUES (2, 0), (6, 0), (9, 5), (10, 5)) v(d, entry);
