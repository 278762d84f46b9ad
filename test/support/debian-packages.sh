#!/bin/sh
# Makes sure that the Debian packages which the tests use are there: real memcached, real Django
# with its three memcached clients, a real browser, real consoles (noVNC, websockify, x11vnc), ip for
# addresses that come and go, the testers of resource agents.
# Installs what is missing where it may (root, or sudo without a password), otherwise says what to
# run. `horizon` adds what test:horizon needs, `bench` is for the peers and loads of the benchmark,
# `fuzz` for what the fuzzer compares with,
# `testssl` for npm run testssl,
# `package` for building packages, `packages` for trying them as well, `ha` for the cluster of test:ha.
# `abuse` for npm run abuse, `package` for building packages, `packages` for trying them as well, `ha` for the cluster of test:ha.
set -eu

packages='memcached python3 python3-django python3-pymemcache python3-memcache python3-pylibmc haproxy nginx-light chromium fonts-dejavu-core openssl novnc websockify x11vnc xvfb xterm prometheus busybox iproute2 systemd python3-seccomp mandoc resource-agents libxml2-utils shellcheck curl procps docker-compose'
if [ "${1:-}" = horizon ]; then
  packages="$packages openstack-dashboard keystone python3-gunicorn"
fi

if [ "${1:-}" = bench ]; then
  packages='memcached haproxy hitch nginx-light wrk'
fi

if [ "${1:-}" = fuzz ]; then
  packages='memcached python3 python3-django'
fi

if [ "${1:-}" = testssl ]; then
  packages='haproxy openssl testssl.sh'
fi

if [ "${1:-}" = abuse ]; then
  packages='memcached haproxy nginx-light slowhttptest'
fi

if [ "${1:-}" = package ] || [ "${1:-}" = packages ]; then
  packages='binutils dpkg git rpm'
fi
if [ "${1:-}" = packages ]; then
  packages="$packages cpio debootstrap lintian python3"
fi

if [ "${1:-}" = ha ]; then
  packages='pacemaker pacemaker-cli-utils corosync crmsh pcs resource-agents haproxy hitch memcached iproute2 libxml2-utils procps curl'
fi

missing=''
for package in $packages; do
  if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
    missing="$missing $package"
  fi
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=''
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root='sudo'
else
  echo "The tests need Debian packages that are not installed:$missing" >&2
  echo "Remedy: sudo apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

# No service may start by itself while its package is installed; the tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod +x "$policy"
  trap '$as_root rm -f "$policy"' EXIT
fi

echo "Installing Debian packages for the tests:$missing" >&2
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
