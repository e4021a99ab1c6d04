#!/bin/sh
# Run once by the PostgreSQL image, when its data directory is new. Migrations create the other roles.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\getenv admin_password ADMIN_DB_PASSWORD
\getenv temporal_password TEMPORAL_DB_PASSWORD
create role concert_admin login createrole password :'admin_password';
-- No superuser: it has to be allowed to act as the roles that it creates.
alter role concert_admin set createrole_self_grant to 'set, inherit';
create role temporal login password :'temporal_password';
create database concert owner concert_admin;
create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke all on database temporal, temporal_visibility from public;
SQL
