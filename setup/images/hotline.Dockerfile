# Our server: Python and the built-in voice, as an unprivileged user.
ARG BASE=debian:forky-slim
FROM ${BASE}

RUN apt-get -o Acquire::Check-Valid-Until=false update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      python3 python3-venv espeak-ng ca-certificates \
 && rm -rf /var/lib/apt/lists/*

# The locked packages first: they change less often than our code, so their layer is kept.
COPY requirements/runtime.txt /opt/hotline/requirements.txt
RUN python3 -m venv /opt/hotline/venv \
 && /opt/hotline/venv/bin/pip install --no-cache-dir -q --cert /etc/ssl/certs/ca-certificates.crt \
      --require-hashes -r /opt/hotline/requirements.txt

ARG HOTLINE_UID=10001
RUN groupadd --gid ${HOTLINE_UID} hotline \
 && useradd --uid ${HOTLINE_UID} --gid ${HOTLINE_UID} --home-dir /srv/data --shell /usr/sbin/nologin hotline \
 && mkdir -p /srv/sounds /srv/recordings /srv/messages /srv/data \
 && chown -R hotline:hotline /srv

COPY pyproject.toml README.md /opt/hotline/
COPY ivr /opt/hotline/ivr
COPY prompts /opt/hotline/prompts
COPY storage /opt/hotline/storage
COPY routing /opt/hotline/routing
COPY casework /opt/hotline/casework
COPY desk /opt/hotline/desk
COPY hotline /opt/hotline/hotline
RUN chmod -R a+rX /opt/hotline && python3 -m compileall -q /opt/hotline/ivr /opt/hotline/prompts /opt/hotline/storage /opt/hotline/routing /opt/hotline/casework /opt/hotline/desk /opt/hotline/hotline
ENV PYTHONPATH=/opt/hotline PYTHONUNBUFFERED=1 PATH=/opt/hotline/venv/bin:/usr/local/bin:/usr/bin:/bin
USER hotline
WORKDIR /srv/data
ENTRYPOINT ["python", "-m", "hotline"]
CMD ["serve"]
