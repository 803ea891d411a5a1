-- The role by which Grafana reads Postgres: it can read what dashboards read, and nothing else. Run it as the owner of the
-- database once its tables are there, and again whenever the password or this file changes; it may be run any number of times.
--
--   psql "$DATABASE_URL" --set=role=grafana_reader --set=password="$GRAFANA_POSTGRES_PASSWORD" --file=ops/grafana/reader.sql

SELECT format('CREATE ROLE %I LOGIN', :'role')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec

ALTER ROLE :"role" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 10 PASSWORD :'password';
ALTER ROLE :"role" SET default_transaction_read_only = on;
ALTER ROLE :"role" SET statement_timeout = '30s';
GRANT USAGE ON SCHEMA public TO :"role";
GRANT SELECT ON event_rollups, collector_progress, social_posts, social_post_totals, alerts TO :"role";
