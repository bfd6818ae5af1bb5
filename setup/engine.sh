#!/usr/bin/env bash
# Make sure that a container engine answers, and that it knows `docker compose`.
#
#   engine answers already            nothing to do
#   not root                          say how to get one, and stop
#   installed, not running            start it (systemd, or by hand where there is none)
#   not installed                     install it from the distribution's packages
set -euo pipefail
cd "$(dirname "$0")/.."
. setup/say.sh
mkdir -p var/log
log=$PWD/var/log/engine.log

answers() { timeout 20 docker info >/dev/null 2>&1; }

install_engine() {
  command -v dockerd >/dev/null && command -v iptables >/dev/null && return 0
  command -v apt-get >/dev/null || die "There is no container engine here, and this is not a Debian or Ubuntu machine." \
    "Install Docker (or a compatible engine) with your system's packages, start it, and run the same command again."
  say_start "installing the container engine (docker.io)"
  export DEBIAN_FRONTEND=noninteractive
  quietly "$log" apt-get -o Acquire::Check-Valid-Until=false update -q ||
    die "The package lists cannot be read." "Check this machine's package mirror (apt-get update), then run the same command again."
  quietly "$log" apt-get install -y -q --no-install-recommends docker.io iptables ca-certificates ||
    die "The container engine could not be installed." "See $log; 'apt-get install docker.io' by hand shows the same."
  say_done
}

start_engine() {
  say_start "starting the container engine"
  if [ -d /run/systemd/system ]; then
    quietly "$log" systemctl start docker || true
  else
    forget_dead_engine /var/run/docker.pid dockerd
    forget_dead_engine /run/docker/containerd/containerd.pid containerd
    setsid dockerd >>"$log" 2>&1 </dev/null &
  fi
  for _ in $(seq 60); do
    answers && { say_done; return 0; }
    sleep 1
  done
  tail -n 15 "$log" | sed 's/^/    | /' >&2
  die "The container engine does not answer 60 seconds after its start." \
    "See $log. In a container without privileges no engine can run: use a virtual machine."
}

# An engine that was killed leaves its pid file behind and then refuses to start; a living one keeps its file.
forget_dead_engine() {
  local file=$1 name=$2 pid
  [ -f "$file" ] || return 0
  pid=$(cat "$file")
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ] || rm -f "$file"
}

compose_answers() { docker compose version >/dev/null 2>&1 || docker-compose version >/dev/null 2>&1; }

# Compose is one binary; the base image's distribution packages it, so any machine with an engine can get it.
install_compose() {
  say_start "fetching docker compose"
  local into=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
  mkdir -p "$into"
  setup/base-image.sh >/dev/null
  local fetch='cd /tmp && apt-get -q -o Acquire::Check-Valid-Until=false update >&2 \
    && apt-get -q download docker-compose >&2 && dpkg-deb -x docker-compose_*.deb x \
    && find x -type f -name docker-compose -exec cat {} +'
  docker run --rm --network host --user 0 "${HOTLINE_BASE_IMAGE:-hotline-base:forky}" sh -c "$fetch" \
    >"$into/docker-compose.part" 2>>"$log" ||
    die "docker compose could not be fetched." "Install docker-compose (or the compose plugin) yourself and run the same command again; see $log."
  chmod +x "$into/docker-compose.part"
  mv "$into/docker-compose.part" "$into/docker-compose"
  say_done
}

if ! answers; then
  [ "$(id -u)" = 0 ] || die "No container engine answers, and only root can install or start one." \
    "Either start it (sudo systemctl start docker) and join its group (sudo usermod -aG docker $USER, then log in again), or run this command as root."
  install_engine
  answers || start_engine
fi
compose_answers || install_compose
