-- Advocacy: who brought whom, how far it goes, and what it is worth.
--
-- As for bases, there is one type of results for each type of customers, so that customers come out
-- as they went in.

\expand advocacy/referrals_type.sql CUSTOMER=bigint CUSTOMERS=numbers
\expand advocacy/referrals_type.sql CUSTOMER=uuid CUSTOMERS=uuids
\expand advocacy/referrals_type.sql CUSTOMER=text CUSTOMERS=texts

\expand advocacy/referrals_of.sql CUSTOMER=smallint OF=bigint
\expand advocacy/referrals_of.sql CUSTOMER=integer OF=bigint
\expand advocacy/referrals_of.sql CUSTOMER=bigint OF=bigint
\expand advocacy/referrals_of.sql CUSTOMER=numeric OF=bigint
\expand advocacy/referrals_of.sql CUSTOMER=uuid OF=uuid
\expand advocacy/referrals_of.sql CUSTOMER=text OF=text
