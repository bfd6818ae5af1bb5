#!/bin/sh
# A fresh cluster with the given password, reachable over TCP.
set -eu
data=/tmp/cluster
rm -rf "$data"
printf '%s' "${POSTGRES_PASSWORD:?}" >/tmp/password
/usr/lib/postgresql/bin/initdb -D "$data" -U hotline --pwfile=/tmp/password -A scram-sha-256 -E UTF8 >/dev/null
rm /tmp/password
printf 'host all all all scram-sha-256\n' >>"$data/pg_hba.conf"
exec /usr/lib/postgresql/bin/postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
