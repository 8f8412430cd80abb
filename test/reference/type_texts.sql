--
-- Texts of every type of the extension, as its output writes them or as people do.
--
CREATE TABLE seed (type text, written text);
INSERT INTO seed VALUES
	('activity_set', '{}'), ('activity_set', '{2024-01-05}'), ('activity_set', '{2024-01-05,2024-01-09,2024-02-29}'), ('activity_set', '{"0044-03-15 BC",2024-01-09}'),
	('calendar_period', 'month'), ('calendar_period', 'week:sunday@Europe/Helsinki'), ('calendar_period', 'quarter:02-01'), ('calendar_period', '{2024-01-01,2024-01-29}@UTC'), ('calendar_period', 'month:15'),
	('timeline_event', '{"at": "2024-01-05T10:00:00+00:00", "value": 12.50, "kind": "earn", "label": "x", "ref": 42, "expires_at": "2025-01-05T10:00:00+00:00"}'), ('timeline_event', '{"at": "2024-01-05T10:00:00.5Z", "ref": "A\u00e4"}'),
	('points_policy', '{}'), ('points_policy', '{"zone": "Europe/Helsinki", "kinds": {"EARN": "earn", "SPEND": "redeem"}, "expires_after": "1 year", "expires_align": "month", "pending": "14 days"}'),
	('points_policy', '{"expires_on": "12-31", "by_label": {"promo": {"expires": "never"}}, "overdraft": "clip", "versions": [{"from": "2024-07-01", "pending": "1 day"}]}'),
	('lifecycle_census_result', '{"period": "week", "dormant_after": 12, "as_of": "2024-12-31", "rows_without_customer": 3, "rows": [{"stage": "at risk", "members": 3}, {"stage": "never", "members": 1}]}'),
	('active_days_histogram_result', '{"days": 28, "as_of": "2024-12-31", "rows": [{"active_days": 0, "customers": 3}, {"active_days": 7, "customers": 1}]}'),
	('earn_policy', '{"rate": 2, "multipliers": [{"times": 2, "weekdays": ["saturday"]}], "caps": {"day": 100}, "bonuses": {"birthday": 50}}'), ('earn_policy', '{"full_steps": true, "per": 200, "versions": [{"from": "2024-07-01", "rate": 3}]}'),
	('program_policy', '{"earn": {"rate": 2}, "points": {"expires_after": "1 year"}, "tiers": {"Silver": 5, "Gold": 20}, "tier_metric": "points", "pending_counts": false, "no_expiry_tiers": ["Gold"], "zone": "UTC"}'),
	('program_policy', '{"tiers": {"Gold": 500}, "versions": [{"from": "2024-07-01", "earn": {"rate": 3}, "points": {"pending": "1 day"}, "tiers": {"grace": "1 day"}, "no_expiry_tiers": ["Gold"]}]}'),
	('tier_policy', '{"Silver": 500, "Gold": 2000.5}'), ('tier_policy', '{"levels": {"Silver": 5}, "grace": "1 month", "downgrade": "one_level", "versions": [{"from": "2024-07-01", "levels": {"Silver": 6}}]}'),
	('tier_policy', '{"levels": [{"tier": "Gold", "any": {"nights": 25, "points": 15000}, "keep": {"all": {"nights": 20}}}], "metrics": {"nights": {"of": "days", "labels": ["night"]}, "points": {"kinds": ["earn"]}}, "qualifying_window": "calendar year", "valid": "next_period_end"}'),
	('event_timeline', '[]'), ('event_timeline', '[{"at": "2024-01-05T10:00:00+00:00", "value": 12.50}, {"at": "2024-01-06T10:00:00+00:00", "kind": "earn", "ref": "A"}]');
INSERT INTO seed
SELECT 'activity_base_bigint', activities(c, date '2024-01-05' + c)::text FROM generate_series(-1, 1) c
UNION ALL SELECT 'activity_base_uuid', activities(md5(c::text)::uuid, date '2024-01-05' + c)::text FROM generate_series(1, 2) c
UNION ALL SELECT 'activity_base_text', activities(c::text, date '2024-01-05' + c)::text FROM generate_series(1, 2) c
UNION ALL SELECT 'timeline_base_bigint', timelines(c, timestamptz '2024-01-05' , c)::text FROM generate_series(-1, 1) c
UNION ALL SELECT 'timeline_base_uuid', timelines(md5(c::text)::uuid, timestamptz '2024-01-05', c)::text FROM generate_series(1, 2) c
UNION ALL SELECT 'timeline_base_text', timelines(c::text, timestamptz '2024-01-05', c)::text FROM generate_series(1, 2) c
UNION ALL SELECT 'activity_base', activities(c, date '2024-01-05' + c)::text FROM generate_series(-1, 1) c
UNION ALL SELECT 'timeline_base', timelines(c, timestamptz '2024-01-05', c)::text FROM generate_series(-1, 1) c
UNION ALL SELECT 'funnel_totals_result', funnel_totals(timelines(c % 7, make_event(at => timestamptz '2024-01-05' + c * interval '1 hour', kind => 'k' || c % 3)), '{k0,k1,k2}', '1 day', 'strict_order', step_within => '{02:30,NULL}', as_of => '2024-02-01')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'points_totals_result', points_totals(timelines(c, timestamptz '2024-01-05', c - 9.5), '{"pending": "1 day"}')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'points_rollforward_result', points_rollforward(timelines(c, make_event(at => timestamptz '2024-01-05' + c * interval '1 day', value => c - 1.5, label => nullif('l' || c % 3, 'l0'))), by_label => true)::text FROM generate_series(1, 60) c
UNION ALL SELECT 'points_triangle_result', points_triangle(timelines(c % 7, timestamptz '2024-01-05' + c * interval '1 day', c - 20), '{"expires_after": "14 days"}', 'week')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'growth_result', growth(activities(c, date '2024-01-05' + c % 40), 'week')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'growth_money_result', growth(timelines(c % 20, date '2024-01-05' + c % 40, c - 3.75), 'month@UTC')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'stickiness_result', stickiness(activities(c % 20, date '2024-01-05' + c % 40), within => 'week')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'retention_result', retention(activities(c, date '2024-01-05' + c % 40), 'week')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'retention_result', retention(activities(c % 9, date '2024-01-05' + c), activities(c % 7, date '2024-01-09' + c), 'week', '2024-02-20', 'recurring', rolling => 2)::text FROM generate_series(1, 40) c
UNION ALL SELECT 'retention_result', retention(timelines(c % 9, timestamptz '2024-01-05' + c * interval '1 day'), 'month@UTC', elapsed => '36 hours', brackets => '{{1,7},{2,3}}')::text FROM generate_series(1, 40) c
UNION ALL SELECT 'tier_census_result', tier_census(timelines(c, timestamptz '2024-01-05', c - 9.5), '{"Silver": 20, "Gold": 40}')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'tier_migration_result', tier_migration(timelines(c, timestamptz '2024-01-05' + c * interval '1 day', c), '{"Silver": 20, "Gold": 40}', '2024-02-10')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'tier_flow_result', tier_flow(timelines(c % 9, timestamptz '2024-01-05' + c * interval '1 day', c), '{"levels": {"Silver": 20, "Gold": 60}, "valid": "5 days", "qualifying_window": "20 days"}')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'tier_tenure_result', tier_tenure(timelines(c % 3, timestamptz '2024-01-05' + c * interval '1 day', c), '{"levels": {"Silver": 50, "Gold": 100}, "valid": "5 days", "qualifying_window": "7 days"}')::text FROM generate_series(1, 30) c
UNION ALL SELECT 'tier_near_result', tier_near(timelines(c, timestamptz '2024-01-05', c - 9.5), '{"Silver": 20, "Gold": 40}', within => 3.5)::text FROM generate_series(1, 60) c
UNION ALL SELECT 'program_totals_result', program_totals(timelines(c % 20, timestamptz '2024-01-05' + c * interval '1 day', c - 9.5), '{"points": {"expires_after": "14 days"}, "tiers": {"Silver": 20, "Gold": 60}}')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'program_compare_result', program_compare(timelines(c % 20, timestamptz '2024-01-05' + c * interval '1 day', c - 9.5), '{"tiers": {"Silver": 20}}', '{"earn": {"rate": 0.75, "decimals": 2}, "tiers": {"Silver": 20, "Gold": 60}}')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'program_rollforward_result', program_rollforward(timelines(c % 7, timestamptz '2024-01-05' + c * interval '1 day', c - 9.5), '{"points": {"expires_after": "14 days", "pending": "2 days"}}', 'week')::text FROM generate_series(1, 60) c
UNION ALL SELECT 'survival_result', survival(c % 20 + 0.25, c % 3 = 0)::text FROM generate_series(1, 60) c
UNION ALL SELECT 'logrank_result', logrank(c % 20, c % 3 = 0, 's' || c % 2)::text FROM generate_series(1, 60) c
UNION ALL SELECT 'repeat_rate_result', repeat_rate(timelines(c % 20, date '2024-01-05' + c % 40, c - 3.75), within => 7)::text FROM generate_series(1, 60) c
UNION ALL SELECT 'purchase_intervals_result', purchase_intervals(activities(c % 20, date '2024-01-05' + c % 40), up_to => 3)::text FROM generate_series(1, 60) c;
