#!/bin/sh
# Installs what is missing before an npm script runs, says what it installs, and does nothing when nothing is missing.
#   setup.sh serve   npm packages, redis-server
#   setup.sh test    npm packages, redis-server, and the other servers that the tests run against
#   setup.sh bench   npm packages, redis-server, and a C compiler for the load generator
#   setup.sh check   npm packages only
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

# npm writes node_modules/.package-lock.json last, so without it, or with a newer lock file, packages are missing.
# vitest is missing when only the packages for production were installed.
npm_packages() {
  if [ -e node_modules/.package-lock.json ] && ! [ package-lock.json -nt node_modules/.package-lock.json ]; then
    if [ "$1" = serve ] || [ -e node_modules/.bin/vitest ]; then return 0; fi
  fi
  command -v npm >/dev/null || fail 'npm is missing; install Node.js 20 or newer together with npm'
  say 'installing npm packages (npm ci)'
  if [ "$1" = serve ]; then set --; else set -- --include=dev; fi
  # Without the warnings, because npm compares what packages need with the Node it runs on, and they run on Node 24.
  npm ci "$@" --no-audit --no-fund --no-update-notifier --loglevel=error >&2 ||
    fail 'npm ci failed; see above, and repeat the command once that is mended'
}

# The project brings Node 24 as a package, which npm puts first on the PATH of its scripts.
node_24() {
  # npm 10 removes the link again when it drops the package of the same name for the other processor.
  for program in node_modules/node-linux-*/bin/node; do
    [ -e node_modules/.bin/node ] || [ ! -x "$program" ] || ln -s "../${program#node_modules/}" node_modules/.bin/node
  done
  version=$(node --version 2>/dev/null || echo none)
  major=${version#v} && major=${major%%.*}
  minor=${version#*.} && minor=${minor%%.*}
  case $major$minor in *[!0-9]*) major=0 minor=0 ;; esac
  [ "$major" -gt 24 ] || { [ "$major" -eq 24 ] && [ "$minor" -ge 12 ]; } ||
    fail "Node.js 24.12 or newer is needed and this is $version; there is no package of it for $(uname -sm), so install it from nodejs.org"
}

installed() {
  case $1 in
    redis-server) command -v redis-server ;;
    postgresql) ls /usr/lib/postgresql/*/bin/postgres ;;
    freeradius) command -v freeradius ;;
    freeradius-utils) command -v radclient ;;
    openssl) command -v openssl ;;
    curl) command -v curl ;;
    iproute2) command -v ip ;;
    dnsmasq-base) command -v dnsmasq ;;
    udhcpc) command -v udhcpc ;;
    faketime) ls /usr/lib/*/faketime/libfaketimeMT.so.1 ;;
    gcc) command -v gcc ;;
    libc6-dev) ls /usr/include/stdio.h ;;
  esac >/dev/null 2>&1
}

debian_packages() {
  missing=
  for package in "$@"; do installed "$package" || missing="$missing $package"; done
  [ -n "$missing" ] || return 0
  if ! command -v apt-get >/dev/null; then fail "please install these programs and repeat the command:$missing"; fi
  if [ "$(id -u)" -eq 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root='sudo -n'; else
    say "missing, and this user may not install them:$missing"
    fail "run: sudo apt-get update && sudo apt-get install --no-install-recommends$missing"
  fi
  say "installing Debian packages with apt-get:$missing"
  say 'their services are neither started nor enabled; Rollcall starts what it needs itself'
  log=$(mktemp)
  trap 'rm -f "$log"; remove_policy' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  forbid_starting
  # Lists may be absent or outdated; without a network, the packages may still be at hand.
  $as_root apt-get update -qq >"$log" 2>&1 || say 'the package lists could not be refreshed; trying with what is there'
  # shellcheck disable=SC2086 # $missing is a list of names.
  if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 $missing >>"$log" 2>&1; then
    tail -n 15 "$log" >&2
    fail "apt-get failed; see above. By hand: sudo apt-get update && sudo apt-get install --no-install-recommends$missing"
  fi
  for package in $missing; do
    installed "$package" || fail "$package was installed and is still not found; please report it"
  done
  keep_from_booting
}

# invoke-rc.d asks this file, and 101 means no. One that is already there is somebody's decision, and stays.
policy=/usr/sbin/policy-rc.d
own_policy=
forbid_starting() {
  if [ -e $policy ]; then return 0; fi
  own_policy=yes
  printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
  $as_root chmod 755 $policy
}
remove_policy() {
  if [ -n "$own_policy" ]; then $as_root rm -f $policy; fi
  own_policy=
}

# Debian enables services when it installs them, so they would start with the machine.
keep_from_booting() {
  [ -d /run/systemd/system ] || return 0
  for service in $missing; do
    case $service in
      redis-server | postgresql | freeradius) $as_root systemctl --quiet disable "$service" >/dev/null 2>&1 || true ;;
    esac
  done
}

case ${1:-} in
  serve) set -- serve redis-server ;;
  test) set -- test redis-server postgresql freeradius freeradius-utils openssl faketime curl iproute2 dnsmasq-base udhcpc ;;
  bench) set -- bench redis-server gcc libc6-dev ;;
  check) set -- check ;;
  *) fail 'usage: setup.sh serve|test|bench|check' ;;
esac
purpose=$1
shift
npm_packages "$purpose"
node_24
debian_packages "$@"
