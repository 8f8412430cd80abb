-- The extension as it is now, and what is stored with it.

SET client_min_messages = warning;
DROP EXTENSION IF EXISTS loyalty CASCADE;
DROP TABLE IF EXISTS stored_activities, stored_timelines;
CREATE SCHEMA IF NOT EXISTS loyalty;
CREATE EXTENSION loyalty SCHEMA loyalty;
ALTER DATABASE postgres SET search_path = public, loyalty;
SET search_path = public, loyalty;

CREATE TABLE stored_activities AS
SELECT customer_id, activity_agg(ordered_at) AS activity FROM orders_indexed GROUP BY customer_id;
CREATE TABLE stored_timelines AS
SELECT customer_id, timeline_agg(ordered_at, amount) AS timeline FROM orders_indexed GROUP BY customer_id;
VACUUM ANALYZE stored_activities;
VACUUM ANALYZE stored_timelines;

CREATE EXTENSION IF NOT EXISTS pg_prewarm;
SELECT pg_prewarm(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i');
