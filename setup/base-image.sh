#!/usr/bin/env bash
# Make the image that ours are built on: Debian forky (it packages Asterisk 22), with this company's root certificates.
#
# From a registry where one can be reached, else from the machine's own Debian mirror: the result is the same to us.
set -euo pipefail
cd "$(dirname "$0")/.."
. setup/say.sh
mkdir -p var/log
log=$PWD/var/log/base-image.log
upstream=debian:forky-slim
ours=hotline-base:forky

exists() { docker image inspect "$1" >/dev/null 2>&1; }

pull_upstream() {
  say_start "fetching $upstream from the registry"
  quietly /dev/null timeout 120 docker pull -q "$upstream" 2>/dev/null && say_done
}

bootstrap_upstream() {
  printf '    no registry can be reached: making %s from the package mirror\n' "$upstream"
  [ "$(id -u)" = 0 ] || die "The registry cannot be reached, and only root can make the base image from packages." \
    "Run this command once as root, or load the image: docker load < debian-forky-slim.tar"
  command -v mmdebstrap >/dev/null || install_mmdebstrap
  say_start "making $upstream with mmdebstrap"
  local tar=var/forky.tar
  rm -f "$tar"
  quietly "$log" mmdebstrap --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' forky "$tar" ||
    die "The base image could not be made." "See $log; usually the package mirror cannot be reached or lacks Debian forky."
  docker import "$tar" "$upstream" >>"$log"
  rm -f "$tar"
  say_done
}

install_mmdebstrap() {
  command -v apt-get >/dev/null || die "No registry can be reached and there is no mmdebstrap." "Install mmdebstrap, or give the machine a way to a container registry."
  say_start "installing mmdebstrap"
  export DEBIAN_FRONTEND=noninteractive
  quietly "$log" apt-get -o Acquire::Check-Valid-Until=false update -q || true
  quietly "$log" apt-get install -y -q --no-install-recommends mmdebstrap ||
    die "mmdebstrap could not be installed." "See $log."
  say_done
}

# A company's own root certificates go where the ca-certificates package picks them up;
# an out-of-date mirror is accepted, and no package may start a service or keep its archive.
add_our_layer() {
  say_start "adding this machine's root certificates"
  local context
  context=$(mktemp -d)
  mkdir -p "$context/certificates"
  cp /usr/local/share/ca-certificates/*.crt "$context/certificates/" 2>/dev/null || true
  cat >"$context/Dockerfile" <<END
FROM $upstream
COPY certificates/ /usr/local/share/ca-certificates/
RUN echo 'Acquire::Check-Valid-Until "false";' > /etc/apt/apt.conf.d/90hotline
END
  quietly "$log" docker build -q --network host -t "$ours" "$context" ||
    die "The base image could not be made." "See $log."
  rm -rf "$context"
  say_done
}

exists "$ours" && exit 0
exists "$upstream" || pull_upstream || bootstrap_upstream
add_our_layer
