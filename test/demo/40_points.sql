-- Orders know no points. So: each order earns a point per 1.00, and with every third order a
-- customer redeems what the order before it earned. Points are good for 12 months, to the end
-- of that month.
CREATE TEMP TABLE ledger AS
SELECT customer_id, ordered_at AS at, trunc(amount) AS points FROM orders WHERE amount >= 1
UNION ALL
SELECT customer_id, ordered_at, -before
FROM (
	SELECT customer_id, ordered_at,
		lag(trunc(amount)) OVER in_order AS before,
		row_number() OVER in_order AS n
	FROM orders WHERE amount >= 1
	WINDOW in_order AS (PARTITION BY customer_id ORDER BY ordered_at, amount)
) numbered
WHERE n % 3 = 0;

SELECT max(at)::date AS today, (date_trunc('month', max(at)) + interval '2 months')::date - 1 AS next_month_end FROM ledger \gset
\set policy '{"expires_after": "12 months", "expires_align": "month"}'

-- Everything below reads these two.
CREATE TEMP TABLE balances AS
SELECT c.customer AS customer_id, c.timeline
FROM (SELECT timelines(customer_id, at, points) AS base FROM ledger) q CROSS JOIN LATERAL customer_timelines(q.base) c;
CREATE TEMP TABLE monthly_points AS
SELECT points_rollforward(timelines(customer_id, at, points), :'policy', 'month', :'today') AS rollforward FROM ledger;

\echo
\echo Points: the largest balances, and what expires of them by the end of next month
\echo
SELECT b.customer_id, s.earned, s.redeemed, s.expired, s.balance,
	points_expiring(b.timeline, :'policy', :'today', :'next_month_end') AS expires_by_next_month,
	s.next_expiry_at::date, s.next_expiry_points
FROM balances b CROSS JOIN LATERAL points_summary(b.timeline, :'policy', :'today') s
ORDER BY s.balance DESC, b.customer_id LIMIT 5;

\echo
\echo Points: what all members hold, and how much of it expires by the end of next month
\echo
SELECT count(*) AS members, sum(balance) AS points, sum(expiring) AS expire_by_next_month,
	to_char(100 * sum(expiring) / nullif(sum(balance), 0), 'FM990.0') AS percent
FROM (
	SELECT points_balance(timeline, :'policy', :'today') AS balance,
		points_expiring(timeline, :'policy', :'today', :'next_month_end') AS expiring
	FROM balances
) b
WHERE balance > 0;

\echo
\echo Points: the roll-forward of the last 12 months (* the month is still running)
\echo
SELECT to_char(r.period_start, 'YYYY-MM') || CASE WHEN r.complete THEN '' ELSE '*' END AS month,
	r.opening, r.issued, r.redeemed, r.expired, r.closing
FROM monthly_points CROSS JOIN LATERAL points_rollforward_table(rollforward) r
WHERE r.period_start > (:'today'::date - interval '12 months')
ORDER BY r.period_start;
