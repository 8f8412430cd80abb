--
-- What the tables of every_type.sql hold, and what a view answers over them. The extension's schema
-- has to be on the search path.
--
SET timezone = 'UTC';
SELECT * FROM per_customer ORDER BY customer;
SELECT * FROM whole ORDER BY name;
SELECT * FROM dashboard ORDER BY cohort, lag;
SELECT customer FROM per_customer WHERE period = 'quarter:02-01' ORDER BY 1;
