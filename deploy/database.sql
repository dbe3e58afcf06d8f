-- Once, as superuser, on an empty server: the product's role owns its database, and nothing else.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/database_password`
CREATE ROLE plumbing LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
CREATE DATABASE plumbing OWNER plumbing ENCODING 'UTF8' TEMPLATE template0; -- whatever the server's own are
REVOKE ALL ON DATABASE plumbing, postgres, template1 FROM PUBLIC;
