#!/bin/sh
# Creates the namespace if there is none. Retention is how long a finished workflow can be looked at; the record
# itself is in PostgreSQL. Server and name come from TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE.
set -eu
temporal operator namespace describe >/dev/null 2>&1 ||
    temporal operator namespace create --retention 30d --description "Concert"
