-- The roles of production: who owns the tables, and who logs in. Run it as a superuser before migrations, and again whenever a
-- password changes; it may be run any number of times. Passwords come from the environment, so that no command line shows them:
--
--   POSTGRES_OWNER_PASSWORD=... psql --file=ops/postgres/roles.sql      (Postgres 15 or newer: \getenv)
--
-- What each may do is in grants.sql, which is run after migrations.

\set ON_ERROR_STOP on
\getenv owner POSTGRES_OWNER_PASSWORD
\getenv collector POSTGRES_COLLECTOR_PASSWORD
\getenv alerts POSTGRES_ALERTS_PASSWORD
\getenv reporter POSTGRES_REPORTER_PASSWORD
\getenv console POSTGRES_CONSOLE_PASSWORD
\getenv exporter POSTGRES_EXPORTER_PASSWORD

-- No password may end up in the server's log, however slow or wrong its statement is.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';

BEGIN;
SELECT pg_advisory_xact_lock(hashtext('sluice.roles'));

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['sluice_owner', 'sluice_collector', 'sluice_alerts', 'sluice_reporter', 'sluice_console', 'sluice_exporter'])
    AS wanted(name)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE sluice_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'owner';
ALTER ROLE sluice_collector LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'collector';
ALTER ROLE sluice_alerts LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'alerts';
ALTER ROLE sluice_reporter LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'reporter';
ALTER ROLE sluice_console LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'console';
ALTER ROLE sluice_exporter LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'exporter';
GRANT pg_monitor TO sluice_exporter;

-- Nobody comes in, or makes anything, for merely being there.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format(
    'GRANT CONNECT ON DATABASE %I TO sluice_owner, sluice_collector, sluice_alerts, sluice_reporter, sluice_console, sluice_exporter',
    current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO sluice_owner;

-- What was made before there was an owner becomes the owner's.
SELECT format('ALTER TABLE %s OWNER TO sluice_owner', oid::regclass)
FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner <> 'sluice_owner'::regrole \gexec
SELECT format('ALTER ROUTINE %s OWNER TO sluice_owner', oid::regprocedure)
FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proowner <> 'sluice_owner'::regrole \gexec

COMMIT;
