-- The role by which Grafana reads Postgres: it can read what dashboards read, and nothing else. Run it by the owner of the
-- database once its tables are there, and again whenever the password or this file changes; it may be run any number of times.
--
--   GRAFANA_POSTGRES_PASSWORD=... psql "$DATABASE_URL" --file=ops/grafana/reader.sql      (psql 15 or newer: \getenv)

\set ON_ERROR_STOP on
\if :{?role}
\else
  \set role grafana_reader
\endif
\if :{?password}
\else
  \getenv password GRAFANA_POSTGRES_PASSWORD
\endif

SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

ALTER ROLE :"role" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 10 PASSWORD :'password';
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '30s';

SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role') \gexec
-- From nothing, so that what is no longer written here is no longer granted.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM :"role";
GRANT USAGE ON SCHEMA public TO :"role";
GRANT SELECT ON event_rollups, collector_progress, social_post_totals, alerts TO :"role";
GRANT SELECT (post_id, user_id, created_at) ON social_posts TO :"role"; -- not what it says
GRANT EXECUTE ON FUNCTION social_magnitude(bigint) TO :"role";
