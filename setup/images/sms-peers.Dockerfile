# The tests' peers for SMS: gammu-smsd with a modem that is a folder, Kannel's gateway with its pretend centre.
ARG BASE=debian:forky-slim
FROM ${BASE}
RUN apt-get -o Acquire::Check-Valid-Until=false update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      gammu-smsd libdbd-sqlite3 sqlite3 kannel kannel-extras \
 && rm -rf /var/lib/apt/lists/*
COPY sms-modem.sh sms-gateway.sh /usr/local/bin/
RUN chmod a+rx /usr/local/bin/sms-modem.sh /usr/local/bin/sms-gateway.sh
WORKDIR /tmp
