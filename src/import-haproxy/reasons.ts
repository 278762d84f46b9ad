import type { Group } from './ledger.ts';
import type { Line } from './line.ts';
import { wordTable } from './word-table.ts';

/** Why a line of a portal or console, or of the process, is not carried over. */
export type Reason = readonly [Group, string];

const STATUS_PAGE = 'Dashgate has a status page of its own, on ADMIN_LISTEN';
const LOG =
  'requests are logged as ACCESS_LOG and ACCESS_LOG_FORMAT say: httplog has the format of HAProxy';
const CONNECTIONS =
  'connections to clients and backends are kept open and told apart from websockets by themselves';
const ERRORS = 'has error pages of its own, or JSON where Accept asks for it';
const COUNTING =
  'serves no limit that is carried over: see RATE_LIMITS and CONNECTIONS_PER_ADDRESS';
const KERNEL = 'TCP is left as the kernel has it';
const SERVICE = 'is for the service manager: user, files and limits of the process are in its unit';
const CHECKS =
  'dashboards are asked by HTTP (PORTAL_HEALTH_PATH) and consoles by a websocket handshake (CONSOLE_HEALTH_PATH); PORTAL_HEALTH_CHECK=tcp and CONSOLE_HEALTH_CHECK=tcp only connect';
const STRICT = 'what is not sound HTTP is refused, without exceptions';

/** Options: `option NAME`, `no option NAME`. */
const OPTIONS = wordTable<Reason>(
  [
    `
    http-server-close httpclose forceclose http-keep-alive http-tunnel
    http-pretend-keepalive prefer-last-server http-no-delay idle-close-on-response
    abortonclose http-buffer-request http-ignore-probes nolinger`,
    ['builtin', CONNECTIONS],
  ],
  ['forwardfor', ['builtin', 'X-Forwarded-For is set for each request']],
  ['originalto', ['decide', 'the address that the client connected to is not told to backends']],
  ['redispatch', ['builtin', 'another backend is tried where that is safe: RETRIES']],
  ['allbackups', ['builtin', 'all backup backends share the work when no other one is left']],
  ['persist', ['builtin', 'a backend that is down is never asked, whatever a cookie says']],
  [
    `
    httplog httpslog tcplog dontlognull dontlog-normal logasap log-health-checks
    log-separate-errors socket-stats contstats`,
    ['host', LOG],
  ],
  [
    `
    tcpka clitcpka srvtcpka tcp-smart-accept tcp-smart-connect splice-auto splice-request
    splice-response independent-streams`,
    ['host', KERNEL],
  ],
  [
    `
    accept-invalid-http-request accept-invalid-http-response
    accept-unsafe-violations-in-http-request accept-unsafe-violations-in-http-response
    http-restrict-req-hdr-names http-drop-request-trailers http-drop-response-trailers
    disable-h2-upgrade h1-case-adjust-bogus-client h1-case-adjust-bogus-server
    http-use-proxy-header http-use-htx http_proxy checkcache`,
    ['builtin', STRICT],
  ],
  ['tcp-check', ['builtin', `a check sees more than that a connection opens: ${CHECKS}`]],
  [
    `
    ssl-hello-chk mysql-check pgsql-check redis-check smtpchk ldap-check
    spop-check external-check httpchk`,
    ['decide', `is a check of another kind: ${CHECKS}`],
  ],
  ['transparent', ['decide', 'requests go to the backends that are listed']],
);

/** First words of lines of frontends, backends and defaults. */
const PROXY = wordTable<Reason>(
  ['mode', ['builtin', 'the portal and the console speak HTTP and websockets']],
  ['balance', ['builtin', 'work is spread by weight over the backends that pass their checks']],
  ['hash-type', ['builtin', 'backends are not chosen by a hash']],
  ['http-reuse', ['builtin', CONNECTIONS]],
  ['max-keep-alive-queue', ['builtin', CONNECTIONS]],
  ['fullconn', ['builtin', 'the limit of a backend is fixed: maxconn']],
  ['retry-on', ['builtin', 'a request is tried again where that is safe, and only there']],
  ['redispatch', ['builtin', 'another backend is tried where that is safe: RETRIES']],
  ['stats', ['builtin', STATUS_PAGE]],
  ['monitor', ['builtin', 'ADMIN_LISTEN has /healthz and /readyz']],
  ['monitor-uri', ['builtin', 'ADMIN_LISTEN has /healthz and /readyz']],
  ['monitor-net', ['builtin', 'ADMIN_LISTEN has /healthz and /readyz']],
  ['unique-id-format', ['builtin', 'X-Request-Id is set for each request']],
  ['unique-id-header', ['builtin', 'X-Request-Id is set for each request']],
  ['acl', ['builtin', 'no rule that is carried over uses it']],
  [
    'errorfile errorfiles errorloc errorloc302 errorloc303 http-error',
    ['decide', `Dashgate ${ERRORS}`],
  ],
  [
    'log log-format log-format-sd log-tag error-log-format capture declare dontlog-normal',
    ['host', LOG],
  ],
  [
    `
    clitcpka-cnt clitcpka-idle clitcpka-intvl srvtcpka-cnt srvtcpka-idle srvtcpka-intvl
    backlog`,
    ['host', KERNEL],
  ],
  [
    'description id bind-process grace guid enabled',
    ['host', 'has no counterpart, and needs none'],
  ],
  [
    'load-server-state-from-file server-state-file-name',
    ['host', 'backends are checked anew when the gateway starts'],
  ],
  ['stick-table rate-limit', ['decide', COUNTING]],
  ['stick', ['builtin', 'sticky sessions are not needed: the dashboards share them']],
  ['compression filter', ['decide', 'answers are passed on as they are; Apache can compress them']],
  ['email-alert', ['decide', 'nobody is told by mail: watch the log or /readyz']],
  [
    `
    dispatch transparent redirect use-server use-fcgi-app force-persist ignore-persist
    persist source external-check http-send-name-header`,
    ['decide', 'has no counterpart'],
  ],
  [
    'tcp-request',
    [
      'decide',
      'is no rule that is read here: see RATE_LIMITS, CONNECTIONS_PER_ADDRESS and MAX_CONNECTIONS',
    ],
  ],
  ['tcp-response', ['decide', 'answers are not refused by such rules']],
  ['tcp-check', ['decide', `is a check of another kind: ${CHECKS}`]],
  ['http-check', ['decide', 'is of an HTTP check that is not on']],
  [
    'timeout',
    ['builtin', 'has no counterpart: every wait has an end, see the settings that end in _TIMEOUT'],
  ],
);

const PROCESS = wordTable<Reason>(
  [
    `
    user group uid gid chroot daemon pidfile ulimit-n node description nbproc nbthread
    cpu-map thread-groups thread-group-limits set-dumpable presetenv setenv unsetenv
    resetenv localpeer external-check insecure-fork-wanted insecure-setuid-wanted
    strict-limits hard-stop-after grace master-worker mworker-max-reloads quiet debug
    zero-warning fd-hard-limit prealloc-fd cluster-secret stats-file shm-stats-file`,
    ['host', SERVICE],
  ],
  ['log log-tag log-send-hostname unix-bind', ['host', LOG]],
  ['stats', ['builtin', STATUS_PAGE]],
  [
    `
    ssl-default-bind-ciphers ssl-default-bind-ciphersuites ssl-default-bind-options
    ssl-default-bind-curves ssl-default-server-ciphers ssl-default-server-ciphersuites
    ssl-default-server-options ssl-dh-param-file ssl-engine ssl-mode-async ssl-server-verify
    ssl-load-extra-files ssl-load-extra-del-ext issuers-chain-path ssl-skip-self-issued-ca
    ssl-security-level ssl-propquery ssl-provider ssl-provider-path`,
    [
      'builtin',
      "versions and ciphers are those of Mozilla's intermediate profile; TLS to backends is 1.2 or newer, and verified",
    ],
  ],
  ['crt-base ca-base', ['host', 'no certificate that is carried over is found through it']],
  [
    `
    maxconn maxconnrate maxsessrate maxsslconn maxsslrate maxpipes maxcompcpuusage
    maxcomprate maxzlibmem`,
    ['builtin', 'connections are bounded for the whole gateway: MAX_CONNECTIONS'],
  ],
  ['lua-load lua-load-per-thread lua-prepend-path', ['decide', 'Lua is not run']],
);

/** The reason for a line of a portal, a console or of the defaults that apply to them. */
export function reasonInProxy({ words, problem }: Line): Reason {
  return problem === undefined ? reasonOf(words) : ['unread', problem];
}

function reasonOf(words: readonly string[]): Reason {
  const [first = '', second = '', third = ''] = words;
  if (first === 'option') return OPTIONS.get(second) ?? unknown(`option ${second}`);
  if (first === 'no' && second === 'option') {
    if (third === 'redispatch') {
      return ['builtin', 'another backend is tried where that is safe; RETRIES=0 turns it off'];
    }
    return OPTIONS.get(third) ?? unknown(`option ${third}`);
  }
  if (/^http-(request|response|after-response)$/.test(first)) return ruleReason(first, second);
  return PROXY.get(first === 'no' ? second : first) ?? unknown(first);
}

/** The reason for a line of `global`. */
export function reasonInGlobal({ words, problem }: Line): Reason {
  if (problem !== undefined) return ['unread', problem];
  const [first = ''] = words;
  if (first.startsWith('tune.')) return ['host', 'tunes what is inside of HAProxy'];
  if (/^(51degrees|deviceatlas|wurfl)-/.test(first))
    return ['decide', 'devices are not told apart'];
  if (
    /^(no|profiling\.|expose-|h1-|h2-|numa-|busy-polling|spread-checks|max-spread|server-state|httpclient\.)/.test(
      first,
    )
  ) {
    return ['host', 'tunes what is inside of HAProxy'];
  }
  return PROCESS.get(first) ?? ['unread', `"${first}" in global is not known here`];
}

function ruleReason(kind: string, action: string): Reason {
  if (action === 'set-log-level' || action === 'capture') return ['host', LOG];
  if (/^(track-sc|sc-)/.test(action)) return ['decide', COUNTING];
  if (action === 'auth')
    return ['decide', 'names and passwords are asked by the dashboard, not by the gateway'];
  if (action === 'allow') return ['builtin', 'what is not closed (PORTAL_DENY) is open'];
  if (action === 'set-var' || action === 'unset-var')
    return ['decide', 'there are no variables for rules'];
  if (/^wait-for-/.test(action)) return ['builtin', CONNECTIONS];
  return ['decide', `${kind} ${action.replace(/\(.*/s, '')} has no counterpart`];
}

function unknown(what: string): Reason {
  return ['unread', `"${what}" is not known here`];
}
