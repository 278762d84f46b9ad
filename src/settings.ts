import { ACCESS_LOG_FORMATS } from './access-log/access-log.ts';
import { parseLogDestination } from './access-log/destination.ts';
import type { FileReader } from './config-files.ts';
import {
  cookieName,
  duration,
  flag,
  headerFields,
  hostHeader,
  hsts,
  integer,
  listenAddress,
  oneOf,
  urlPath,
} from './config-values.ts';
import { readCertificate, readKey } from './listener/certificate.ts';
import { readCertificates, readKeys } from './listener/key-pairs.ts';
import { LOG_LEVELS } from './log.ts';
import { PLACEMENTS } from './memcached/placement.ts';
import {
  adminPassword,
  adminToken,
  backends,
  consoleBackends,
  deniedPaths,
  ejection,
  gatewayName,
  keyPrefix,
  networks,
  nodes,
  origins,
  rateLimits,
  rootRedirect,
  sharedSecret,
  ticketSecret,
  workers,
} from './setting-readers.ts';
import { CHECK_KINDS } from './upstream/health-check.ts';
import { BALANCES } from './upstream/selection.ts';
import { parseExpectation } from './upstream/status-set.ts';

/** One setting: how its text is read, what holds where it is unset, and what it means. */
export interface Setting<T> {
  readonly read: (text: string, files: FileReader) => T;
  /** Undefined: there is no default, so it has to be set. */
  readonly initial: string | undefined;
  /** Set to nothing, it is off. */
  readonly optional: boolean;
  /** It is never shown, not even where it is wrong. */
  readonly secret?: boolean;
  /** One line for .env.example and error messages. */
  readonly meaning: string;
}

function required<T>(read: Setting<T>['read'], meaning: string): Setting<T> {
  return { read, initial: undefined, optional: false, meaning };
}

function preset<T>(read: Setting<T>['read'], initial: string, meaning: string): Setting<T> {
  return { read, initial, optional: false, meaning };
}

function optional<T>(
  read: Setting<T>['read'],
  initial: string,
  meaning: string,
): Setting<T | undefined> {
  return { read, initial, optional: true, meaning };
}

function secret<T>(
  read: (text: string) => T,
  initial: string,
  meaning: string,
): Setting<T | undefined> {
  return { read, initial, optional: true, secret: true, meaning };
}

/** Every setting of Dashgate, in the order in which they are explained. */
export const SETTINGS = {
  PORTAL_LISTEN: preset(
    listenAddress,
    ':443',
    'Address of the portal (HTTPS): host:port or :port.',
  ),
  PORTAL_BACKENDS: required(
    backends,
    'Dashboards: http://host:port or https://host:port, comma-separated, each with options: weight=2 maxconn=200 backup name=one send-proxy send-proxy-v2, with https:// also ca=FILE sni=NAME verify=off.',
  ),
  PORTAL_PLAIN_LISTEN: optional(
    listenAddress,
    '',
    'Address where the portal is served without TLS too, for a proxy in front that has it; empty: off.',
  ),
  PORTAL_REDIRECT_LISTEN: optional(
    listenAddress,
    '',
    'Address of plain HTTP that only redirects to the portal, such as :80; empty: off.',
  ),
  PORTAL_ROOT_REDIRECT: optional(
    rootRedirect,
    '/dashboard/',
    'Where a request for / is sent; empty where the dashboard itself lives at /.',
  ),
  PORTAL_BALANCE: preset(
    oneOf(BALANCES),
    'roundrobin',
    'How a dashboard is chosen: roundrobin, leastconn, random (the less busy of two) or hash (of the address of the client); by weight.',
  ),
  PORTAL_EJECTION: optional(
    ejection,
    'failures=5 time=30s max=5m percent=50',
    'When requests that fail have a dashboard left out: failures in a row, for how long, at most, how many of them; empty: never.',
  ),
  PORTAL_AFFINITY: preset(
    oneOf(['none', 'cookie']),
    'none',
    "none, or cookie: as HAProxy's 'cookie SERVERID insert indirect nocache'.",
  ),
  PORTAL_AFFINITY_COOKIE: preset(cookieName, 'SERVERID', 'Name of the affinity cookie.'),
  PORTAL_DENY: preset(
    deniedPaths,
    '/server-status,/server-info',
    'Paths that are closed to the outside, with all below them, on the console as well; comma-separated.',
  ),
  RATE_LIMITS: preset(
    rateLimits,
    '',
    'Most requests of one address (of IPv6: a /64) for a path and all below it, over all gateways; one more is answered 429. Such as 20/10s on POST /dashboard/auth/, with a method or without; comma-separated.',
  ),
  PORTAL_HEALTH_CHECK: preset(
    oneOf(CHECK_KINDS),
    'http',
    'What the health check of a dashboard is: http, websocket (a handshake) or tcp (a connection).',
  ),
  PORTAL_HEALTH_METHOD: preset(
    oneOf(['GET', 'HEAD', 'OPTIONS']),
    'GET',
    'Method of the health check of a dashboard.',
  ),
  PORTAL_HEALTH_PATH: preset(
    urlPath,
    '/dashboard/auth/login/',
    'Path of the health check of a dashboard.',
  ),
  PORTAL_HEALTH_EXPECT: preset(
    parseExpectation,
    '200',
    'Good answers to it, such as 200 or 200-399.',
  ),
  PORTAL_HEALTH_HOST: optional(
    hostHeader,
    '',
    "Host header of it, one of Django's ALLOWED_HOSTS; empty: the backend's own address.",
  ),
  PORTAL_HEALTH_HEADERS: secret(
    headerFields,
    '',
    'Further headers of it: Name: value, parted by |.',
  ),
  CONSOLE_LISTEN: optional(
    listenAddress,
    ':6080',
    'Address of the console (HTTPS, WSS); empty: off.',
  ),
  CONSOLE_BACKENDS: optional(
    consoleBackends,
    '',
    'noVNC proxies, written as PORTAL_BACKENDS, with maxconn=8192 unless told; needed while CONSOLE_LISTEN is on.',
  ),
  CONSOLE_BALANCE: preset(oneOf(BALANCES), 'leastconn', 'How a noVNC proxy is chosen, as above.'),
  CONSOLE_EJECTION: optional(
    ejection,
    'failures=5 time=30s max=5m percent=50',
    'When handshakes and requests that fail have a noVNC proxy left out, as above; empty: never.',
  ),
  CONSOLE_HEALTH_CHECK: preset(
    oneOf(CHECK_KINDS),
    'websocket',
    'What the health check of a noVNC proxy is: websocket (a handshake, closed at once), http or tcp (a connection).',
  ),
  CONSOLE_HEALTH_METHOD: preset(
    oneOf(['GET', 'HEAD', 'OPTIONS']),
    'GET',
    'Method of it where it is http.',
  ),
  CONSOLE_HEALTH_PATH: optional(
    urlPath,
    '',
    'Path of it; empty: /websockify for a handshake, /vnc_lite.html for http.',
  ),
  CONSOLE_HEALTH_EXPECT: optional(
    parseExpectation,
    '',
    'Good answers to it, where close is an end in order without any answer; empty: 101,close for a handshake, 200 for http.',
  ),
  CONSOLE_HEALTH_HOST: optional(
    hostHeader,
    '',
    "Host header of it; empty: the backend's own address.",
  ),
  CONSOLE_HEALTH_HEADERS: secret(
    headerFields,
    '',
    'Further headers of it, such as an Origin: Name: value, parted by |.',
  ),
  CONSOLE_HEALTH_BANNER: preset(
    flag,
    'off',
    'Whether a VNC server has to greet, too, which takes a path with a token that is always good: on or off.',
  ),
  CONSOLE_REQUIRE_SESSION: preset(
    flag,
    'off',
    'Whether a console opens only for a browser whose cookie names a live session of the dashboards in memcached: on or off.',
  ),
  CONSOLE_ALLOWED_ORIGINS: preset(
    origins,
    '',
    'Web pages that may open a console, by their Origin: same-host, host names, https://host:port; comma-separated. Empty: all.',
  ),
  TUNNELS_PER_ADDRESS: optional(
    integer(1, 100_000),
    '',
    'Most consoles that one address (of IPv6: a /64) may have open in each worker; one more is answered 429. Empty: no limit.',
  ),
  CONSOLE_PIN_TTL: optional(
    duration,
    '10m',
    "How long a console that reconnects with the same token goes back to its noVNC proxy, through whichever gateway: as long as nova's tokens live; empty: it does not.",
  ),
  TLS_CERT: required(
    readCertificates,
    'PEM files, comma-separated: each a certificate, followed by its intermediates; the first is the default, the others are chosen by name and kind of key.',
  ),
  TLS_KEY: required(
    readKeys,
    'PEM files of their private keys, in the same order, without a passphrase.',
  ),
  TLS_KEY_PERMISSIONS: preset(
    oneOf(['strict', 'any']),
    'strict',
    'What becomes of a private key that others than Dashgate may read: strict refuses it; any warns of it, for secrets that are mounted with a mode that cannot be changed.',
  ),
  TLS_TICKET_SECRET: secret(
    ticketSecret,
    '',
    'What TLS sessions are resumed by, the same for all gateways behind one address, 32 characters or more, such as openssl rand -hex 32 gives; empty: each gateway resumes its own alone.',
  ),
  HSTS: optional(
    hsts,
    '',
    'Strict-Transport-Security, such as max-age=31536000; includeSubDomains; empty: not sent.',
  ),
  TRUSTED_PROXIES: preset(
    networks,
    '',
    'Addresses or CIDR ranges of proxies in front, whose X-Forwarded-For, -Proto, -Host, -Port and X-Request-Id count; comma-separated.',
  ),
  PROXY_PROTOCOL_FROM: preset(
    networks,
    '',
    'Addresses or CIDR ranges of proxies that begin each connection with a PROXY protocol header.',
  ),
  MEMCACHED_SERVERS: preset(
    nodes,
    '127.0.0.1:11211',
    "memcached nodes, comma-separated, in the order of the dashboards' LOCATION.",
  ),
  MEMCACHED_PLACEMENT: preset(
    oneOf(PLACEMENTS),
    'pymemcache',
    `Which node holds a key, as the dashboards' client has it: ${PLACEMENTS.join(', ')}.`,
  ),
  GATEWAY_NAME: optional(
    gatewayName,
    '',
    'Name of this gateway among those that share the memcached nodes; empty: the host name and the port of the portal.',
  ),
  HEARTBEAT_INTERVAL: preset(
    duration,
    '1s',
    'Pause between two heartbeats that gateways exchange through memcached; who misses five is taken for gone.',
  ),
  SHARED_SECRET: secret(
    sharedSecret,
    '',
    'What gateways know consoles by, and seal what they share with, the same for all of them, 16 characters or more; empty: made of the first TLS_KEY, and nothing is sealed.',
  ),
  CACHE_LISTEN: optional(
    listenAddress,
    '127.0.0.1:11210',
    'Address of the session cache: a memcached for the dashboards that outlives the loss of a node; empty: off.',
  ),
  CACHE_ALLOW: preset(
    networks,
    '127.0.0.0/8,::1',
    'Addresses or CIDR ranges whose dashboards may use it; comma-separated.',
  ),
  CACHE_TLS: preset(flag, 'off', 'Whether it speaks TLS, with the first of TLS_CERT: on or off.'),
  CACHE_ALLOW_FLUSH: preset(
    flag,
    'off',
    'Whether flush_all, which logs everybody out, is carried out: on or off.',
  ),
  CACHE_MAX_VALUE_BYTES: preset(
    integer(1024, 128 * 1024 * 1024),
    '1048576',
    'The longest value that it takes: what the nodes take (memcached -I).',
  ),
  CACHE_WHEN_UNSURE: preset(
    oneOf(['serve', 'refuse']),
    'serve',
    'When two nodes of three are lost: serve what is left, which may be old, or refuse.',
  ),
  SESSION_COPIES: preset(
    integer(1, 3),
    '2',
    'On how many memcached nodes the session cache keeps each item: 1 to 3.',
  ),
  DJANGO_KEY_PREFIX: preset(keyPrefix, '', "KEY_PREFIX of Django's cache."),
  DJANGO_KEY_VERSION: preset(integer(0, 1_000_000), '1', "VERSION of Django's cache."),
  SESSION_COOKIE_NAME: preset(cookieName, 'sessionid', "Django's SESSION_COOKIE_NAME."),
  ADMIN_LISTEN: optional(
    listenAddress,
    '127.0.0.1:9090',
    'Address of /healthz, /readyz, /metrics, the status page and the API; for this host only unless ADMIN_PASSWORD or ADMIN_TOKEN is set; empty: off.',
  ),
  ADMIN_TLS: preset(
    flag,
    'off',
    'Whether it speaks HTTPS, with ADMIN_TLS_CERT or else with the first of TLS_CERT: on or off.',
  ),
  ADMIN_TLS_CERT: optional(
    readCertificate,
    '',
    'PEM file of a certificate of its own, followed by its intermediates; empty: the first of TLS_CERT.',
  ),
  ADMIN_TLS_KEY: optional(
    readKey,
    '',
    'PEM file of its private key, without a passphrase; needed where ADMIN_TLS_CERT is set.',
  ),
  ADMIN_PASSWORD: secret(
    adminPassword,
    '',
    'Password of the status page, 12 characters or more; empty: none, which only an address of this host allows.',
  ),
  ADMIN_TOKEN: secret(
    adminToken,
    '',
    'What programs send as bearer token to the API, 32 characters or more, such as openssl rand -hex 32 gives.',
  ),
  WORKERS: preset(
    workers,
    'auto',
    'Processes that serve clients: auto is one for each core (and no more than the least maxconn); 0 serves from the one process that there always is.',
  ),
  MAX_CONNECTIONS: optional(
    integer(1, 1_000_000),
    '',
    'Most clients that are connected at once; empty: what the limit of open files allows, two for each.',
  ),
  CONNECTIONS_PER_ADDRESS: optional(
    integer(1, 1_000_000),
    '',
    'Most connections of one address (of IPv6: a /64) to a listener, in each worker, but of TRUSTED_PROXIES; one more is closed at once. Empty: no limit.',
  ),
  HEALTH_INTERVAL: preset(duration, '2s', 'Pause between two health checks of a backend.'),
  HEALTH_TIMEOUT: preset(duration, '2s', 'Longest wait for the answer to a health check.'),
  HEALTH_RISE: preset(integer(1, 100), '2', 'Good checks in a row that bring a backend up.'),
  HEALTH_FALL: preset(integer(1, 100), '3', 'Bad checks in a row that take a backend down.'),
  SLOW_START: optional(
    duration,
    '10s',
    'How long a backend that comes back takes to get its whole share of the work; empty: it has it at once.',
  ),
  RETRIES: preset(integer(0, 10), '3', 'Most other backends that are tried for a request.'),
  QUEUE_LIMIT: preset(
    integer(0, 100_000),
    '1024',
    'Most requests that wait while all backends are at maxconn; one more is answered 503.',
  ),
  HANDSHAKE_TIMEOUT: preset(
    duration,
    '10s',
    'Longest wait for the first message of a TLS handshake with a client, and for the rest of it.',
  ),
  HEADER_TIMEOUT: preset(
    duration,
    '10s',
    'Longest time for a client to send the head of a request.',
  ),
  KEEPALIVE_TIMEOUT: preset(duration, '10s', 'How long an idle client connection is kept.'),
  CLIENT_TIMEOUT: preset(
    duration,
    '60s',
    'Longest pause of a client within a request body, or while it takes nothing of an answer.',
  ),
  BODY_RATE: optional(
    integer(1, 1_000_000_000),
    '500',
    'Bytes of a request body that make up for a second of pauses, of which it may have CLIENT_TIMEOUT in all; a slower one is answered 408. Empty: any byte makes up for all.',
  ),
  QUEUE_TIMEOUT: preset(duration, '60s', 'Longest wait for a backend with room.'),
  CONNECT_TIMEOUT: preset(duration, '5s', 'Longest time to connect to a backend.'),
  SERVER_TIMEOUT: preset(duration, '60s', 'Longest silence of a backend within an exchange.'),
  UPSTREAM_KEEPALIVE_TIMEOUT: preset(
    duration,
    '4s',
    'How long an unused connection to a backend is kept: less than backends keep theirs, often 5s.',
  ),
  TUNNEL_TIMEOUT: preset(duration, '1h', 'Longest silence of a websocket before it is closed.'),
  TUNNEL_PING: optional(
    duration,
    '',
    'Pause between two websocket pings to a browser, which is dropped where it answers none of them; a console whose browser answers is never silent. Empty: off.',
  ),
  TUNNEL_MAX_DURATION: optional(
    duration,
    '',
    'Longest life of a websocket, whatever goes through it; closed with 1008. Empty: no limit.',
  ),
  DRAIN_TIMEOUT: preset(
    duration,
    '10m',
    'How long open websockets may go on after a reload, or when their backend is drained; closed with 1001 then.',
  ),
  SHUTDOWN_TIMEOUT: preset(
    duration,
    '30s',
    'How long open requests may go on after SIGTERM; websockets are closed with 1001 in the first half of it, within 10s.',
  ),
  LOG_LEVEL: preset(
    oneOf(LOG_LEVELS),
    'info',
    `Least level that is logged: ${LOG_LEVELS.join(', ')}.`,
  ),
  METRICS: preset(
    flag,
    'on',
    'Count for Prometheus, and tell it at /metrics of the admin listener: on or off.',
  ),
  ACCESS_LOG: preset(
    parseLogDestination,
    'stdout',
    'Where a line for each request goes: stdout, syslog:/dev/log, syslog:udp:HOST:PORT (those two with a facility, such as local1; local0 unless told) or off.',
  ),
  ACCESS_LOG_FORMAT: preset(
    oneOf(ACCESS_LOG_FORMATS),
    'json',
    "How it is written: json, or httplog as HAProxy's 'option httplog'.",
  ),
  ACCESS_LOG_SAMPLE: preset(
    integer(1, 1_000_000),
    '1',
    'Of requests that go well, one in so many is logged; what fails or is slow always is.',
  ),
  ACCESS_LOG_SLOW: preset(duration, '1s', 'What is slow: so long, or longer.'),
} as const;

/** The text of .env.example: every setting with its meaning and default. */
export function envExample(): string {
  const lines = [
    '# Settings of Dashgate: copy to .env and change what you need, or set them in the environment,',
    '# which comes first. A line that starts with # shows the default.',
  ];
  for (const [name, { initial, meaning }] of Object.entries(SETTINGS)) {
    lines.push('', `# ${meaning}`);
    lines.push(initial === undefined ? `${name}=` : `#${name}=${initial}`);
  }
  return `${lines.join('\n')}\n`;
}
