#!/usr/bin/env bash
# Make .venv with the locked packages of requirements/<name>.txt, and the `hotline` command in it.
# Does nothing when the lock has not changed since the last time.
set -euo pipefail
cd "$(dirname "$0")/.."
. setup/say.sh
mkdir -p var/log
log=$PWD/var/log/venv.log
want=requirements/${1:-runtime}.txt
mark=.venv/.locked

# The first Python that really runs and is new enough; a name on the path may be an empty shim.
new_enough='import sys; raise SystemExit(sys.version_info < (3, 11))'
python=
for name in python3 python3.14 python3.13 python3.12 python3.11; do
  "$name" -c "$new_enough" >/dev/null 2>&1 && { python=$name; break; }
done
[ -n "$python" ] || die "There is no Python 3.11 or newer here." "Install one (on Debian 12: apt-get install python3 python3-venv)."

# The tests' lock holds all that the runtime's does, so it also serves the demo.
up_to_date() {
  [ -x .venv/bin/hotline ] && [ -f "$mark" ] || return 1
  local has
  has=$(cat "$mark")
  [ "$has" = "$(cat "$want" pyproject.toml | sha256sum)" ] && return 0
  [ "$want" = requirements/runtime.txt ] && [ "$has" = "$(cat requirements/test.txt pyproject.toml | sha256sum)" ]
}

up_to_date && exit 0
say_start "installing the Python packages into .venv"
make_venv() {
  quietly "$log" "$python" -m venv .venv 2>/dev/null && return 0
  # Debian keeps the part that installs pip in a package of its own.
  rm -rf .venv
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  export DEBIAN_FRONTEND=noninteractive
  apt-get -o Acquire::Check-Valid-Until=false update -q >>"$log" 2>&1 || true
  quietly "$log" apt-get install -y -q --no-install-recommends python3-venv && quietly "$log" "$python" -m venv .venv
}
[ -x .venv/bin/python ] || make_venv ||
  die "A virtual environment cannot be made." "On Debian: apt-get install python3-venv; then run the same command again."
quietly "$log" .venv/bin/python -m pip install -q --require-hashes -r "$want" ||
  die "The packages could not be installed." "See $log; usually the package index cannot be reached."
quietly "$log" .venv/bin/python -m pip install -q --no-deps -e . ||
  die "The hotline command could not be installed." "See $log."
cat "$want" pyproject.toml | sha256sum >"$mark"
say_done
