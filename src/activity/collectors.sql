-- Everyone's activity sets, by customer: activity_base and its collector, activities().
--
-- There is one base type for each type of customers, so that customers come out as
-- they went in; all of them count as activity_base, which metric functions take.

\expand collect/base_type.sql TYPE=activity_base COMMENT="active days of many customers, as activities() collects them: what metric functions take. Lives in memory for one query"
\expand collect/base_type.sql TYPE=activity_base_bigint COMMENT="an activity_base whose customers are numbers"
\expand collect/base_type.sql TYPE=activity_base_uuid COMMENT="an activity_base whose customers are uuids"
\expand collect/base_type.sql TYPE=activity_base_text COMMENT="an activity_base whose customers are texts"

-- Bases of every type of customers compare by these, as they are activity_bases too.
\expand core/comparison.sql TYPE=activity_base VALUE=base FUNCTIONS=base SAME="the same: the same customers, each with the same active days, and as many rows without customer, in the same zone" ORDER="by what they hold"

-- What all collectors share; timelines() uses these too.

CREATE FUNCTION customers_support(request internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_base_customers_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION customer_list_support(request internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_base_list_support' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION collect_combine(state internal, other internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_collect_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE SUPPORT customers_support;
CREATE FUNCTION collect_serialize(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'loyalty_collect_serialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION collect_deserialize(bytes bytea, dummy internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'loyalty_collect_deserialize' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION collect_combine(internal, internal) IS 'part of the collecting aggregates';
COMMENT ON FUNCTION collect_serialize(internal) IS 'part of the collecting aggregates';
COMMENT ON FUNCTION collect_deserialize(bytea, internal) IS 'part of the collecting aggregates';
COMMENT ON FUNCTION customers_support(internal) IS 'tells the planner how many customers a base will have';
COMMENT ON FUNCTION customer_list_support(internal) IS
	'the same for functions that list customers one by one: what the plan node for lists of customers knows them by';

\expand collect/base_of_customers.sql BASE=activity_base CUSTOMER=bigint COLLECTOR=activities LIST=customer_activities SUMMARY="activity activity_set" COMMENT="a row for each customer of a base, with his active days; members without events have an empty set"
\expand collect/base_of_customers.sql BASE=activity_base CUSTOMER=uuid COLLECTOR=activities LIST=customer_activities SUMMARY="activity activity_set" COMMENT="a row for each customer of a base, with his active days; members without events have an empty set"
\expand collect/base_of_customers.sql BASE=activity_base CUSTOMER=text COLLECTOR=activities LIST=customer_activities SUMMARY="activity activity_set" COMMENT="a row for each customer of a base, with his active days; members without events have an empty set"

-- activities(customer, at), (customer, day), (customer, at, zone), (customer, day, zone),
-- (customer, activity)

\expand collect/collector.sql COLLECTOR=activities FORM=at ARGUMENTS="at timestamptz" VOLATILITY=STABLE SSPACE=32768 \
	COMMENT="collects everyone''s active days in the session''s time zone, by customer, for metric functions such as retention(). A row whose instant or set is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=activities FORM=day ARGUMENTS="day date" VOLATILITY=IMMUTABLE SSPACE=32768 \
	COMMENT="collects everyone''s active days, by customer, for metric functions such as retention(). A row whose instant or set is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=activities FORM=zone ARGUMENTS="at timestamptz, zone text" VOLATILITY=IMMUTABLE SSPACE=32768 \
	COMMENT="collects everyone''s active days in a time zone, by customer, for metric functions such as retention(). A row whose instant or set is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=activities FORM=day_zone ARGUMENTS="day date, zone text" VOLATILITY=IMMUTABLE SSPACE=32768 \
	COMMENT="collects everyone''s active days, which are local days of a time zone, by customer, for metric functions such as retention(). A row whose day is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=activities FORM=set ARGUMENTS="activity activity_set" VOLATILITY=IMMUTABLE SSPACE=49152 \
	COMMENT="collects everyone''s active days of stored activity sets, by customer, for metric functions such as retention(). A row whose instant or set is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
