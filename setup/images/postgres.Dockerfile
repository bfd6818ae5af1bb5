# PostgreSQL for the tests: made anew at each start, so it never needs a volume.
ARG BASE=debian:forky-slim
FROM ${BASE}
RUN apt-get -o Acquire::Check-Valid-Until=false update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends postgresql \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s /usr/lib/postgresql/*/bin /usr/lib/postgresql/bin
COPY postgres-start.sh /usr/local/bin/postgres-start
RUN chmod a+rx /usr/local/bin/postgres-start
USER postgres
ENTRYPOINT ["/usr/local/bin/postgres-start"]
HEALTHCHECK --interval=2s --timeout=3s --retries=30 CMD ["/usr/lib/postgresql/bin/pg_isready", "-h", "127.0.0.1", "-q"]
