-- Everyone's timelines, by customer: timeline_base and its collector, timelines().
-- As for activity_base, there is one type of base for each type of customers.

\expand collect/base_type.sql TYPE=timeline_base COMMENT="timelines of many customers, as timelines() collects them: what metric functions take. Lives in memory for one query"
\expand collect/base_type.sql TYPE=timeline_base_bigint COMMENT="a timeline_base whose customers are numbers"
\expand collect/base_type.sql TYPE=timeline_base_uuid COMMENT="a timeline_base whose customers are uuids"
\expand collect/base_type.sql TYPE=timeline_base_text COMMENT="a timeline_base whose customers are texts"

-- Bases of every type of customers compare by these, as they are timeline_bases too.
\expand core/comparison.sql TYPE=timeline_base VALUE=base FUNCTIONS=base SAME="the same: the same customers, each with equal timelines, and as many rows without customer, in the same zone" ORDER="by what they hold"

\expand collect/base_of_customers.sql BASE=timeline_base CUSTOMER=bigint COLLECTOR=timelines LIST=customer_timelines SUMMARY="timeline event_timeline" COMMENT="a row for each customer of a base, with his timeline; members without events have an empty one"
\expand collect/base_of_customers.sql BASE=timeline_base CUSTOMER=uuid COLLECTOR=timelines LIST=customer_timelines SUMMARY="timeline event_timeline" COMMENT="a row for each customer of a base, with his timeline; members without events have an empty one"
\expand collect/base_of_customers.sql BASE=timeline_base CUSTOMER=text COLLECTOR=timelines LIST=customer_timelines SUMMARY="timeline event_timeline" COMMENT="a row for each customer of a base, with his timeline; members without events have an empty one"

-- timelines(customer, at), (customer, at, value), (customer, at, kind), (customer, event),
-- (customer, timeline)

\expand collect/collector.sql COLLECTOR=timelines FORM=at ARGUMENTS="at timestamptz" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=numeric ARGUMENTS="at timestamptz, value numeric" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=smallint ARGUMENTS="at timestamptz, value smallint" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=integer ARGUMENTS="at timestamptz, value integer" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=bigint ARGUMENTS="at timestamptz, value bigint" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and values, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=kind ARGUMENTS="at timestamptz, kind text" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s instants and kinds of events, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=event ARGUMENTS="event timeline_event" VOLATILITY=IMMUTABLE SSPACE=65536 \
	COMMENT="collects everyone''s events, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
\expand collect/collector.sql COLLECTOR=timelines FORM=timeline ARGUMENTS="timeline event_timeline" VOLATILITY=IMMUTABLE SSPACE=262144 \
	COMMENT="collects everyone''s stored timelines, by customer, for metric functions and customer_timelines(). A row whose instant, event or timeline is NULL makes its customer a member without events; rows with a NULL customer are only counted. NULL without rows"
