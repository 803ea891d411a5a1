-- What each program may do to each table: as little as it needs. Run it as a superuser after migrations, and after a restore; it
-- may be run any number of times. A table that is new in a migration needs its lines here: the tests run every program with
-- these rights.

\set ON_ERROR_STOP on
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
BEGIN;
SELECT pg_advisory_xact_lock(hashtext('sluice.roles'));

-- From nothing, so that what is no longer written here is no longer granted.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM sluice_collector, sluice_alerts, sluice_reporter, sluice_console, sluice_exporter;
REVOKE ALL ON ALL ROUTINES IN SCHEMA public FROM sluice_collector, sluice_alerts, sluice_reporter, sluice_console, sluice_exporter;

GRANT USAGE ON SCHEMA public TO sluice_collector, sluice_alerts, sluice_reporter, sluice_console;

-- Reports and collectors read what there is; the partitions of `events` are read through it. (`_prisma_migrations`: is the
-- database up to date?)
GRANT SELECT ON ALL TABLES IN SCHEMA public TO sluice_collector, sluice_reporter, sluice_console;

-- Collectors store, and remove what is older than the retention. They make and drop partitions by functions of the owner.
GRANT INSERT ON events, alert_facts TO sluice_collector;
GRANT INSERT, DELETE ON event_ledger, audience_segments, live_updates, notification_outbox TO sluice_collector;
GRANT INSERT, UPDATE ON collector_progress, social_posts, social_comments, social_likes, social_follows, social_users
    TO sluice_collector;
GRANT INSERT, UPDATE, DELETE ON event_rollups, live_epochs, social_post_days, social_post_totals, pipeline_canaries
    TO sluice_collector;
GRANT UPDATE ON notification_outbox, retention_state, live_updates TO sluice_collector;
GRANT DELETE ON events_default, audience_buckets TO sluice_collector;
GRANT EXECUTE ON FUNCTION make_events_partition(date), drop_events_partition(text), social_magnitude(bigint)
    TO sluice_collector;

-- Alerts read the facts that collectors leave for them, the sums by minute, and whose post it was.
GRANT SELECT ON _prisma_migrations, event_rollups, collector_progress, social_posts, social_post_days, social_post_totals,
    social_likes, social_users, alert_facts, social_like_minutes, social_like_quarters, alert_evaluator, alert_states, alerts,
    alert_deliveries
    TO sluice_alerts;
GRANT UPDATE, DELETE ON alert_facts TO sluice_alerts;
GRANT INSERT, UPDATE, DELETE ON social_like_minutes, social_like_quarters TO sluice_alerts;
GRANT UPDATE ON alert_evaluator TO sluice_alerts;
GRANT INSERT, UPDATE, DELETE ON alert_states, alerts, alert_deliveries TO sluice_alerts;

-- The reporter folds audiences: all that it ever writes.
GRANT INSERT, UPDATE ON audience_buckets TO sluice_reporter;
GRANT INSERT, UPDATE, DELETE ON audience_folds TO sluice_reporter;
GRANT UPDATE (folded) ON audience_segments TO sluice_reporter;

-- An operator looks at everything, and has the live counters built anew.
GRANT INSERT, UPDATE, DELETE ON live_epochs TO sluice_console;
GRANT DELETE ON live_updates TO sluice_console;

-- Dashboards read what ops/grafana/reader.sql says.
\getenv password GRAFANA_POSTGRES_PASSWORD
\set role grafana_reader
\ir ../grafana/reader.sql
SELECT format('GRANT CONNECT ON DATABASE %I TO grafana_reader', current_database()) \gexec

COMMIT;
