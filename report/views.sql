-- Views for a BI tool, in a schema of their own: dates, numbers and texts, and none of the extension's types.
--
--	psql -d shop -f report/views.sql
--	psql -d shop -v orders=sales -v orders_customer=buyer -v zone=Europe/Helsinki -f report/views.sql
--
-- Three layers: a summary of each customer, from which results are made, which are small, and which the views read. So a dashboard reads no orders.
-- CALL loyalty_bi.refresh() brings the two below up to date, in one pass over each table; whoever is reading goes on with what was there before.
--
-- Variables, each with what it is without being set:
--
--	orders, orders_customer, orders_at, orders_amount	the table and its columns (orders: customer_id, ordered_at, amount)
--	ledger				the table of points; without it there are none of their views
--	ledger_customer		its customer (customer_id),
--	ledger_event		and a row of it as an event (make_event(at => booked_at, value => points))
--	points_policy, value_per_point, tier_policy		the rules ({}, 0.01; Silver from 100, Gold from 300)
--	period, zone		a calendar_period, and the zone of its days (month, UTC)
--	acquisition_cost	what a customer costs to win (0)
--	reader				a role that may read the views
--
-- Run again, it makes everything anew. The extension's schema has to be on the search path here; of those who read it needn't be.

\set ON_ERROR_STOP on
\if :{?orders} \else
	\set orders orders
\endif
\if :{?orders_customer} \else
	\set orders_customer customer_id
\endif
\if :{?orders_at} \else
	\set orders_at ordered_at
\endif
\if :{?orders_amount} \else
	\set orders_amount amount
\endif
\if :{?ledger_customer} \else
	\set ledger_customer customer_id
\endif
\if :{?ledger_event} \else
	\set ledger_event 'make_event(at => booked_at, value => points)'
\endif
\if :{?points_policy} \else
	\set points_policy '{}'
\endif
\if :{?value_per_point} \else
	\set value_per_point 0.01
\endif
\if :{?tier_policy} \else
	\set tier_policy '{"Silver": 100, "Gold": 300}'
\endif
\if :{?period} \else
	\set period month
\endif
\if :{?zone} \else
	\set zone UTC
\endif
\if :{?acquisition_cost} \else
	\set acquisition_cost 0
\endif

BEGIN;
SET LOCAL client_min_messages = warning;
DROP SCHEMA IF EXISTS loyalty_bi CASCADE;
CREATE SCHEMA loyalty_bi;
COMMENT ON SCHEMA loyalty_bi IS 'loyalty as plain columns, for BI tools: made by report/views.sql';

-- Days, and the rules by which they become periods, are those of one zone, whoever refreshes.
CREATE VIEW loyalty_bi.rules AS
SELECT (:'period' || '@' || :'zone')::calendar_period AS period, :'zone'::text AS zone, :'tier_policy'::tier_policy AS tier_policy,
	:'points_policy'::points_policy AS points_policy, :value_per_point::numeric AS value_per_point, :acquisition_cost::numeric AS acquisition_cost;
COMMENT ON VIEW loyalty_bi.rules IS 'what the variables of report/views.sql said';

-- ---- a summary of each customer ----

CREATE MATERIALIZED VIEW loyalty_bi.customer AS
SELECT :"orders_customer" AS customer, timeline_agg(:"orders_at", :"orders_amount") AS timeline, activity_agg(:"orders_at", :'zone') AS activity
FROM :orders WHERE :"orders_customer" IS NOT NULL GROUP BY :"orders_customer";
CREATE UNIQUE INDEX ON loyalty_bi.customer (customer);
COMMENT ON MATERIALIZED VIEW loyalty_bi.customer IS 'orders and active days of each customer, in the extension''s types';

-- The last day with an order, as long as it isn't in the future.
CREATE VIEW loyalty_bi.today AS
SELECT least(max(activity_last(activity)), current_date) AS as_of FROM loyalty_bi.customer;
COMMENT ON VIEW loyalty_bi.today IS 'the last day that counts: that of the last order, no later than today';

-- ---- results ----

CREATE MATERIALIZED VIEW loyalty_bi.result AS
SELECT 1 AS id, t.as_of,
	retention(c.activity, r.period, t.as_of) AS retention,
	growth(c.timeline, r.period, t.as_of) AS growth,
	lifecycle_census(c.activity, r.period, t.as_of) AS lifecycle,
	tier_flow(c.timeline, r.tier_policy, r.period, t.as_of) AS tier_flow,
	tier_migration(c.timeline, r.tier_policy, (t.as_of - interval '1 year')::date, t.as_of) AS tier_migration,
	cohort_value(c.timeline, r.period, t.as_of) AS cohort_value,
	concentration(c.timeline, t.as_of, r.zone) AS concentration,
	rfm_distribution(c.timeline, t.as_of, r.zone) AS rfm_distribution
FROM loyalty_bi.customer c CROSS JOIN loyalty_bi.rules r CROSS JOIN loyalty_bi.today t
GROUP BY t.as_of;
CREATE UNIQUE INDEX ON loyalty_bi.result (id);
COMMENT ON MATERIALIZED VIEW loyalty_bi.result IS 'the results that the views read: one row';

-- Its cut points are those of all customers, so it is counted when these are known.
CREATE MATERIALIZED VIEW loyalty_bi.rfm AS
SELECT 1 AS id, rfm_census(c.timeline, s.scale, '{}', r.as_of, u.zone) AS census
FROM loyalty_bi.customer c CROSS JOIN loyalty_bi.rules u CROSS JOIN loyalty_bi.result r CROSS JOIN LATERAL rfm_scale(r.rfm_distribution, 5) s(scale)
GROUP BY s.scale;
CREATE UNIQUE INDEX ON loyalty_bi.rfm (id);
COMMENT ON MATERIALIZED VIEW loyalty_bi.rfm IS 'RFM segments: one row';

-- ---- views ----

CREATE VIEW loyalty_bi.retention_cells AS
SELECT t.cohort, to_char(t.cohort, 'YYYY-MM-DD') AS cohort_label, t.cohort_size, t.lag, t.period_start, t.retained, t.rate, t.lower, t.upper, t.complete, t.as_of
FROM loyalty_bi.result CROSS JOIN LATERAL retention_table(retention) t;
COMMENT ON VIEW loyalty_bi.retention_cells IS 'a row for each cohort and each period after it: who came back';

CREATE VIEW loyalty_bi.retention_curve AS
SELECT t.lag, t.eligible, t.retained, t.rate, t.lower, t.upper
FROM loyalty_bi.result CROSS JOIN LATERAL retention_curve(retention) t;
COMMENT ON VIEW loyalty_bi.retention_curve IS 'all cohorts together, by periods since the first order';

CREATE VIEW loyalty_bi.growth AS
SELECT t.period_start, t.complete, t.active, t.new, t.retained, t.resurrected, t.churned, t.quick_ratio, t.revenue, t.gross_retention, t.net_retention, t.as_of
FROM loyalty_bi.result CROSS JOIN LATERAL growth_table(growth) t;
COMMENT ON VIEW loyalty_bi.growth IS 'a row for each period: who came and who went, and revenue';

CREATE VIEW loyalty_bi.growth_movements AS
SELECT g.period_start, g.complete, v.rank, v.movement, v.customers
FROM loyalty_bi.growth g CROSS JOIN LATERAL (VALUES (1, 'new', g.new), (2, 'came back', g.resurrected), (3, 'gone', -g.churned)) v(rank, movement, customers);
COMMENT ON VIEW loyalty_bi.growth_movements IS 'the same as bars: a row for each period and movement, who left is below zero';

CREATE VIEW loyalty_bi.lifecycle AS
SELECT t.stage, t.rank, t.members, t.share, t.as_of FROM loyalty_bi.result CROSS JOIN LATERAL lifecycle_census_table(lifecycle) t;
COMMENT ON VIEW loyalty_bi.lifecycle IS 'a row for each stage of a customer''s life';

CREATE VIEW loyalty_bi.tiers AS
SELECT t.period_start, t.complete, t.tier, t.rank, t.members_at_end AS members, t.joined, t.upgraded_in, t.downgraded_in, t.as_of
FROM loyalty_bi.result CROSS JOIN LATERAL tier_flow_table(tier_flow) t;
COMMENT ON VIEW loyalty_bi.tiers IS 'a row for each period and tier: members at its end, and who came in';

CREATE VIEW loyalty_bi.tier_links AS
SELECT t.step, t.source, t.target, t.value, t.source_name, t.target_name
FROM loyalty_bi.result CROSS JOIN LATERAL tier_migration_links(tier_migration) t;
COMMENT ON VIEW loyalty_bi.tier_links IS 'from the tiers of a year ago to those of now, as links: names are unique on each side';

CREATE VIEW loyalty_bi.growth_links AS
SELECT t.period_start, t.complete, t.step, t.source, t.target, t.value, t.source_name, t.target_name
FROM loyalty_bi.result CROSS JOIN LATERAL growth_links(growth) t;
COMMENT ON VIEW loyalty_bi.growth_links IS 'what became of the revenue of the period before, as links';

CREATE VIEW loyalty_bi.cohort_value AS
SELECT t.lag, t.customers, t.cumulative_per_acquired, t.lower, t.upper, r.acquisition_cost
FROM loyalty_bi.result CROSS JOIN loyalty_bi.rules r CROSS JOIN LATERAL cohort_value_curve(cohort_value) t;
COMMENT ON VIEW loyalty_bi.cohort_value IS 'what a customer has brought by the end of each period after the first, beside what he cost';

CREATE VIEW loyalty_bi.concentration AS
SELECT t.point, 1 - t.customer_share AS customer_share, 1 - t.revenue_share AS revenue_share
FROM loyalty_bi.result CROSS JOIN LATERAL concentration_lorenz(concentration, 100) t;
COMMENT ON VIEW loyalty_bi.concentration IS 'what share of revenue the best customers bring together, the best first';

CREATE VIEW loyalty_bi.rfm_segments AS
SELECT t.segment, t.rank, t.members, t.share, t.revenue, t.share_of_revenue, t.mean_recency, t.mean_frequency, t.mean_monetary, t.as_of
FROM loyalty_bi.rfm CROSS JOIN LATERAL rfm_census_table(census) t;
COMMENT ON VIEW loyalty_bi.rfm_segments IS 'a row for each RFM segment';

-- ---- points ----

\if :{?ledger}
CREATE MATERIALIZED VIEW loyalty_bi.customer_points AS
SELECT :"ledger_customer" AS customer, timeline_agg(:ledger_event) AS timeline FROM :ledger WHERE :"ledger_customer" IS NOT NULL GROUP BY :"ledger_customer";
CREATE UNIQUE INDEX ON loyalty_bi.customer_points (customer);
COMMENT ON MATERIALIZED VIEW loyalty_bi.customer_points IS 'the points of each customer, in the extension''s types';

CREATE MATERIALIZED VIEW loyalty_bi.points_result AS
SELECT 1 AS id, t.as_of,
	points_rollforward(c.timeline, r.points_policy, r.period, t.as_of) AS rollforward,
	points_triangle(c.timeline, r.points_policy, r.period, t.as_of) AS triangle
FROM loyalty_bi.customer_points c CROSS JOIN loyalty_bi.rules r CROSS JOIN loyalty_bi.today t
GROUP BY t.as_of;
CREATE UNIQUE INDEX ON loyalty_bi.points_result (id);
COMMENT ON MATERIALIZED VIEW loyalty_bi.points_result IS 'the results of points: one row';

CREATE MATERIALIZED VIEW loyalty_bi.points_expiry_result AS
SELECT date_trunc('week', s.expires_at AT TIME ZONE r.zone - interval '1 microsecond')::date AS week, count(DISTINCT c.customer) AS members, sum(s.points) AS points
FROM loyalty_bi.customer_points c CROSS JOIN loyalty_bi.rules r CROSS JOIN loyalty_bi.today t
CROSS JOIN LATERAL points_expiry_schedule(c.timeline, r.points_policy, t.as_of) s
GROUP BY week;
CREATE UNIQUE INDEX ON loyalty_bi.points_expiry_result (week);
COMMENT ON MATERIALIZED VIEW loyalty_bi.points_expiry_result IS 'points that expire, by week';

CREATE VIEW loyalty_bi.points_rollforward AS
SELECT t.period_start, t.complete, t.opening, t.issued, t.reinstated, t.adjusted, t.transferred, t.redeemed, t.returned, t.expired, t.forfeited, t.closing, t.as_of
FROM loyalty_bi.points_result CROSS JOIN LATERAL points_rollforward_table(rollforward) t;
COMMENT ON VIEW loyalty_bi.points_rollforward IS 'a row for each period: what became of the points';

CREATE VIEW loyalty_bi.points_movements AS
SELECT p.period_start, p.complete, v.rank, v.movement, v.points
FROM loyalty_bi.points_rollforward p CROSS JOIN LATERAL (VALUES (1, 'issued', p.issued), (2, 'other', p.reinstated + p.adjusted + p.transferred - p.returned - p.forfeited),
	(3, 'redeemed', -p.redeemed), (4, 'expired', -p.expired)) v(rank, movement, points);
COMMENT ON VIEW loyalty_bi.points_movements IS 'the same as bars: a row for each period and movement, what is taken is below zero';

CREATE VIEW loyalty_bi.points_liability AS
SELECT t.period_start, t.complete, t.outstanding, t.expected, t.breakage_of_outstanding, t.liability, t.liability_lower, t.liability_upper, t.day
FROM loyalty_bi.points_result CROSS JOIN loyalty_bi.rules r CROSS JOIN LATERAL points_liability_by_period(triangle, r.value_per_point) t;
COMMENT ON VIEW loyalty_bi.points_liability IS 'what is owed at the end of each period, with its interval';

CREATE VIEW loyalty_bi.points_expiry AS
SELECT week, members, points FROM loyalty_bi.points_expiry_result;
COMMENT ON VIEW loyalty_bi.points_expiry IS 'a row for each week in which points expire, if nothing else happens';
\endif

-- ---- refresh ----

CREATE PROCEDURE loyalty_bi.refresh() LANGUAGE plpgsql AS $$
DECLARE
	summary text;
BEGIN
	-- in the order in which they read each other
	FOREACH summary IN ARRAY '{customer,result,rfm,customer_points,points_result,points_expiry_result}'::text[] LOOP
		IF to_regclass('loyalty_bi.' || summary) IS NOT NULL THEN
			EXECUTE format('REFRESH MATERIALIZED VIEW CONCURRENTLY loyalty_bi.%I', summary);
		END IF;
	END LOOP;
END $$;
COMMENT ON PROCEDURE loyalty_bi.refresh() IS 'brings summaries and results up to date; whoever reads meanwhile has what was there before';

\if :{?reader}
GRANT USAGE ON SCHEMA loyalty_bi TO :"reader";
GRANT SELECT ON ALL TABLES IN SCHEMA loyalty_bi TO :"reader";
\endif
COMMIT;
