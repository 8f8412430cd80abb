SELECT max(ordered_at)::date AS today FROM orders \gset
\set programme '{"earn": {"bonuses": {"first_purchase": 25}}, "points": {"expires_after": "12 months"}, "tiers": {"Silver": 100, "Gold": 300, "Platinum": 1000}}'
\set proposal '{"earn": {"bonuses": {"first_purchase": 25}, "multipliers": [{"times": 2, "tiers": ["Gold", "Platinum"]}]}, "points": {"expires_after": "12 months"}, "tiers": {"Silver": 100, "Gold": 400, "Platinum": 1000}, "no_expiry_tiers": ["Platinum"]}'

CREATE TEMP TABLE comparison AS
SELECT program_compare(timelines(customer_id, ordered_at, amount), :'programme', :'proposal', :'today') AS result FROM orders;

\echo
\echo 'What would it cost: double points from Gold on, which asks for 400 instead of 300; Platinum''s points stay'
\echo
SELECT t.tier_a AS today, t.tier_b AS then, t.members, t.issued_a AS issued, t.issued_b AS issued_then,
	t.balance_a AS balance, t.balance_b AS balance_then
FROM comparison CROSS JOIN LATERAL program_compare_table(result) t
ORDER BY t.rank_a, t.rank_b;

\echo
SELECT t.outcome, t.members, t.points_difference AS points
FROM comparison CROSS JOIN LATERAL program_compare_members(result) t;
