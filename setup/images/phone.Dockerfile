# For the tests: a softphone of another make than Asterisk, steered over TCP.
ARG BASE=debian:forky-slim
FROM ${BASE}
RUN apt-get -o Acquire::Check-Valid-Until=false update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends baresip-core \
 && rm -rf /var/lib/apt/lists/*
ENTRYPOINT ["baresip", "-f", "/srv/phone"]
