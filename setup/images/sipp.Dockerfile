# SIPp for the tests: a caller who says in SIP whatever he likes.
ARG BASE=debian:forky-slim
FROM ${BASE}
RUN apt-get -o Acquire::Check-Valid-Until=false update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends sip-tester \
 && rm -rf /var/lib/apt/lists/*
USER nobody
WORKDIR /tmp
ENTRYPOINT ["sipp"]
