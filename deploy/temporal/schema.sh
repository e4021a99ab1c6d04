#!/bin/sh
# Brings Temporal's two databases to the schema of this version; a repeat changes nothing. Server, user and
# password come from SQL_* variables. The databases exist: deploy/postgres/logins.sh made them.
set -eu
versioned=/etc/temporal/schema/postgresql/v12
for pair in temporal:temporal temporal_visibility:visibility; do
    database=${pair%%:*}
    temporal-sql-tool --database "$database" setup-schema --version 0.0
    temporal-sql-tool --database "$database" update-schema --schema-dir "$versioned/${pair##*:}/versioned"
done
