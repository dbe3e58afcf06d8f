-- Once, as `plumbing`, where that role is PostgreSQL's superuser (docs/operations.md, "Upgrading"): what it was is called
-- `postgres` from then on, and `plumbing` is a role that owns its database and nothing else, as in database.sql. All of
-- it or nothing; harmless when run again.
\set ON_ERROR_STOP on
\set superuser_password `cat /run/secrets/postgres_password`
\set password `cat /run/secrets/database_password`
SELECT NOT rolsuper AS is_done, '' IN (:'superuser_password', :'password') AS has_no_secrets
FROM pg_roles WHERE rolname = 'plumbing' \gset
\if :is_done
    \echo 'Nothing to do: plumbing is no superuser.'
    \quit
\endif
\if :has_no_secrets
    DO $$ BEGIN RAISE 'No passwords in /run/secrets: run deploy/make-secrets, then start db from the new docker-compose.yml.'; END $$;
\endif

BEGIN;
CREATE ROLE renaming SUPERUSER; -- nobody can rename the role that he is
SET SESSION AUTHORIZATION renaming;
ALTER ROLE plumbing RENAME TO postgres;
SET SESSION AUTHORIZATION postgres;
DROP ROLE renaming;
ALTER ROLE postgres PASSWORD :'superuser_password';

CREATE ROLE plumbing LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
ALTER DATABASE plumbing OWNER TO plumbing;
REVOKE ALL ON DATABASE plumbing, postgres, template1 FROM PUBLIC;

-- REASSIGN OWNED refuses what the first superuser owns. A sequence of a column follows its table.
SELECT format('ALTER TABLE %s OWNER TO plumbing', oid::regclass) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'i', 'e'))
\gexec
SELECT format('ALTER ROUTINE %s OWNER TO plumbing', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
\gexec
COMMIT;
