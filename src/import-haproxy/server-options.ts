import { millisecondsOf } from './time.ts';
import { wordSet, wordTable } from './word-table.ts';

/** What the options of a `server` say, in so far as a backend of Dashgate has it. */
export interface ServerOptions {
  weight?: number;
  maxconn?: number;
  backup?: boolean;
  disabled?: boolean;
  /** Whether it is checked at all. */
  check?: boolean;
  checkPort?: string;
  /** Times of its checks, in ms. */
  inter?: number;
  slowstart?: number;
  rise?: number;
  fall?: number;
  tls?: boolean;
  verify?: boolean;
  caFile?: string;
  /** The name to verify, or an expression that gives it. */
  serverName?: string;
  sendProxy?: 'v1' | 'v2' | undefined;
  cookie?: string;
  /** Whether requests that fail count, and how many of them in a row have it taken out. */
  observe?: boolean;
  errorLimit?: number;
}

/** Options that have a value; those that are not here have none. */
const WITH_ARGUMENT = wordSet(`
  addr agent-send agent-inter agent-addr agent-port alpn ca-file check-alpn
  check-pool-conn-name check-proto check-sni ciphers ciphersuites client-sigalgs cookie
  crl-file crt curves error-limit fall guid hash-key id idle-ping init-addr init-state inter
  fastinter downinter log-bufsize log-proto maxconn maxqueue max-reuse minconn namespace npn
  observe on-error on-marked-down on-marked-up pool-conn-name pool-low-conn pool-max-conn
  pool-purge-delay port proto proxy-v2-options set-proxy-v2-tlv-fmt redir renegotiate rise
  resolve-opts resolve-prefer resolve-net resolvers shard sigalgs slowstart sni socks4 source
  ssl-max-ver ssl-min-ver tcp-md5sig tcp-ut track verify verifyhost weight ws`);

/** Options that a backend has without being told, or that have no sense there. */
const BUILTIN = wordTable<string>(
  ['no-sslv3 no-tlsv10 no-tlsv11 force-tlsv12 ssl-min-ver', 'TLS to backends is 1.2 or newer'],
  ['check-ssl', 'checks go over TLS where requests do'],
  ['check-sni', 'checks ask for the same name as requests'],
  ['check-send-proxy', 'checks begin as requests do'],
  ['alpn check-alpn proto', 'backends are spoken to in HTTP/1.1'],
  ['ws', 'websockets are opened in HTTP/1.1'],
  ['resolvers init-addr', "names are resolved by the system's resolver, anew for each connection"],
  ['resolve-prefer', 'all addresses of a name are tried, IPv6 and IPv4'],
  ['resolve-opts resolve-net', "names are resolved by the system's resolver"],
  ['fastinter downinter', 'a backend is checked at one pace, HEALTH_INTERVAL'],
  [
    'pool-max-conn pool-low-conn pool-purge-delay max-reuse',
    'connections to backends are kept and reused, for UPSTREAM_KEEPALIVE_TIMEOUT',
  ],
  ['minconn', 'the limit of a backend is fixed: maxconn'],
  ['maxqueue', 'all backends of a service have one queue, bounded by QUEUE_LIMIT'],
  ['id guid', 'backends are known by their names'],
  ['proxy-v2-options', 'the header has the addresses alone'],
  [
    'observe on-error',
    'a backend that fails requests in a row is left out for a while, without being told: PORTAL_EJECTION, CONSOLE_EJECTION',
  ],
  ['non-stick', 'there are no sticky sessions to leave it out of'],
);

const DECIDE = wordTable<string>(
  ['crt', 'a client certificate towards backends is not supported'],
  ['crl-file', 'lists of revoked certificates are not looked at'],
  ['track', 'each backend is checked by itself'],
  ['addr', 'checks go to the address that requests go to'],
  ['agent-check', 'there is no agent check; weights are set by hand'],
  ['on-marked-down', 'open connections of a backend that is down are left to end by themselves'],
  ['on-marked-up', 'open connections to backup backends are left to end by themselves'],
  ['source', 'the address of outgoing connections is left to the routing table'],
  ['socks4 check-via-socks4', 'backends are reached directly, without SOCKS'],
  ['redir', 'requests are not redirected to backends'],
  ['namespace', 'network namespaces are not entered; run the gateway in that namespace'],
);

/** Options without a value, and what they say. */
const FLAGS: Readonly<Record<string, Partial<ServerOptions>>> = {
  backup: { backup: true },
  'no-backup': { backup: false },
  disabled: { disabled: true },
  enabled: { disabled: false },
  check: { check: true },
  'no-check': { check: false },
  ssl: { tls: true },
  'no-ssl': { tls: false },
  'send-proxy': { sendProxy: 'v1' },
  'send-proxy-v2': { sendProxy: 'v2' },
  'no-send-proxy': { sendProxy: undefined },
  'no-send-proxy-v2': { sendProxy: undefined },
};

/** Options whose value is taken as it is. */
const TEXTS: ReadonlyMap<string, 'checkPort' | 'caFile' | 'serverName' | 'cookie'> = new Map([
  ['port', 'checkPort'],
  ['ca-file', 'caFile'],
  ['verifyhost', 'serverName'],
  ['cookie', 'cookie'],
]);

/** A word, with what follows it, that is not carried over. */
export interface OptionDrop {
  readonly part: string;
  readonly group: 'builtin' | 'decide';
  readonly reason: string;
}

/** Reads the options of a `server` or `default-server` line into `options`; gives what is left over. */
export function readServerOptions(words: readonly string[], options: ServerOptions): OptionDrop[] {
  const drops: OptionDrop[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at]!;
    let length = WITH_ARGUMENT.has(word) ? 2 : 1;
    // `source ADDR usesrc …` and `source ADDR interface …`
    if (word === 'source' && /^(usesrc|interface)$/.test(words[at + 2] ?? '')) length += 2;
    const value = words[at + 1] ?? '';
    const drop = readOption(options, word, value);
    if (drop) drops.push({ part: words.slice(at, at + length).join(' '), ...drop });
    at += length;
  }
  return drops;
}

function readOption(
  options: ServerOptions,
  word: string,
  value: string,
): Omit<OptionDrop, 'part'> | undefined {
  if (Object.hasOwn(FLAGS, word)) {
    Object.assign(options, FLAGS[word]);
    return undefined;
  }
  const text = TEXTS.get(word);
  if (text !== undefined) {
    options[text] = value;
    return undefined;
  }
  switch (word) {
    case 'weight':
    case 'maxconn':
    case 'rise':
    case 'fall':
      if (!/^\d{1,9}$/.test(value)) return decide(`takes a whole number, not "${value}"`);
      options[word] = Number(value);
      return undefined;
    case 'inter':
    case 'slowstart': {
      const time = millisecondsOf(value);
      if (time === undefined) return decide(`takes a time, not "${value}"`);
      options[word] = time;
      return undefined;
    }
    case 'error-limit':
      if (!/^\d{1,9}$/.test(value)) return decide(`takes a whole number, not "${value}"`);
      options.errorLimit = Number(value);
      return undefined;
    case 'observe':
      options.observe = value !== 'none';
      break;
    case 'verify':
      options.verify = value !== 'none';
      return undefined;
    case 'sni':
      return readServerName(options, value);
    case 'send-proxy-v2-ssl':
    case 'send-proxy-v2-ssl-cn':
      options.sendProxy = 'v2';
      return decide('the header has the addresses alone, nothing of TLS: it is send-proxy-v2 here');
  }
  const builtin = BUILTIN.get(word);
  if (builtin !== undefined) return { group: 'builtin', reason: builtin };
  return decide(DECIDE.get(word) ?? 'Dashgate has no such option of a backend');
}

/** `sni` has an expression; a fixed name is one that can be verified, too. */
function readServerName(
  options: ServerOptions,
  value: string,
): Omit<OptionDrop, 'part'> | undefined {
  const name = /^str\((.+)\)$/.exec(value)?.[1]?.replace(/^["']|["']$/g, '');
  if (name === undefined) {
    return decide(
      "the name to ask for is fixed: that of the backend's address, or sni=NAME in its entry",
    );
  }
  options.serverName ??= name;
  return undefined;
}

function decide(reason: string): Omit<OptionDrop, 'part'> {
  return { group: 'decide', reason };
}
