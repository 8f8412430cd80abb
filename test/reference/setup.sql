--
-- What every test starts with: the extensions, one zone, one date style.
--
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pgtap;
CREATE EXTENSION IF NOT EXISTS loyalty;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
SET jit = off;
