# Redis, the blackboard: it holds only what can be rebuilt.
ARG BASE=debian:forky-slim
FROM ${BASE}
ARG HOTLINE_UID=10001
RUN apt-get -o Acquire::Check-Valid-Until=false update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server redis-tools \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /srv/redis && chown ${HOTLINE_UID}:${HOTLINE_UID} /srv/redis
USER ${HOTLINE_UID}
CMD ["redis-server", "/etc/redis-site/redis.conf"]
