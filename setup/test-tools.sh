#!/usr/bin/env bash
# What the tests need beside Python and containers: the built-in voice, a Redis and a browser, as programs of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
. setup/say.sh
mkdir -p var/log
log=$PWD/var/log/test-tools.log

missing=()
command -v espeak-ng >/dev/null || missing+=(espeak-ng)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)
[ ${#missing[@]} = 0 ] && exit 0

[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null ||
  die "The tests need ${missing[*]}." "Install them with your system's packages (on Debian: sudo apt-get install ${missing[*]}) and run the same command again."
say_start "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
quietly "$log" apt-get -o Acquire::Check-Valid-Until=false update -q || true
quietly "$log" apt-get install -y -q --no-install-recommends "${missing[@]}" ||
  die "${missing[*]} could not be installed." "See $log."
say_done
