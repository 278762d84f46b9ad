import { wordSet, wordTable } from './word-table.ts';

/** What the options of a `bind` say, in so far as a listener of Dashgate has it. */
export interface BindOptions {
  /** Certificate files, or folders of them, as they are written. */
  readonly certificates: readonly string[];
  readonly acceptProxy: boolean;
  readonly drops: readonly BindDrop[];
}

export interface BindDrop {
  readonly part: string;
  readonly group: 'builtin' | 'decide' | 'host';
  readonly reason: string;
}

const NO_ARGUMENT = wordSet(`
  ssl accept-proxy allow-0rtt defer-accept force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12
  force-tlsv13 generate-certificates no-alpn no-ca-names no-sslv3 no-strict-sni no-tls-tickets
  no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 prefer-client-ciphers quic-force-retry strict-sni
  tfo transparent v4v6 v6only default-crt-skip`);

const CIPHERS = "versions and ciphers are those of Mozilla's intermediate profile";
const CLIENT_CERTIFICATES = 'clients are not asked for certificates';

const REASONS = wordTable<readonly [BindDrop['group'], string]>(
  [
    `
    ciphers ciphersuites curves ecdhe no-sslv3 no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13
    force-tlsv12 force-tlsv13 ssl-min-ver ssl-max-ver prefer-client-ciphers sigalgs
    no-tls-tickets tls-tickets allow-0rtt`,
    ['builtin', CIPHERS],
  ],
  [
    'tls-ticket-keys',
    ['decide', 'session tickets are sealed by TLS_TICKET_SECRET: the same on all gateways'],
  ],
  ['force-sslv3 force-tlsv10 force-tlsv11', ['decide', CIPHERS]],
  [
    'ca-file ca-verify-file verify crl-file ca-ignore-err crt-ignore-err',
    ['decide', CLIENT_CERTIFICATES],
  ],
  ['alpn npn proto no-alpn', ['builtin', 'browsers are spoken to in HTTP/1.1']],
  ['v4v6 v6only', ['builtin', 'an address that is :: takes IPv4, too']],
  ['process thread shards nice nbconn', ['host', 'work is spread over WORKERS by the kernel']],
  ['name id guid-prefix', ['host', 'listeners are known by their settings']],
  ['defer-accept tfo mss tcp-ut backlog', ['host', 'TCP is left as the kernel has it']],
  [
    'transparent',
    [
      'host',
      'a listener whose address is not on the host yet waits for it; to bind it before, set the sysctl net.ipv4.ip_nonlocal_bind=1',
    ],
  ],
  ['interface', ['decide', 'a listener is bound to an address, not to an interface']],
  [
    'namespace',
    ['decide', 'network namespaces are not entered; run the gateway in that namespace'],
  ],
  ['maxconn', ['decide', 'connections are bounded for the whole gateway: MAX_CONNECTIONS']],
  [
    'crt-list',
    ['decide', 'lists of certificates are not read: write the files into TLS_CERT and TLS_KEY'],
  ],
  ['strict-sni', ['decide', 'a client that asks for an unknown name gets the first certificate']],
  ['generate-certificates', ['decide', 'certificates are not made up']],
);

/** Reads what follows the address of a `bind`. */
export function readBindOptions(words: readonly string[]): BindOptions {
  const certificates: string[] = [];
  const drops: BindDrop[] = [];
  for (let at = 0; at < words.length; ) {
    const word = words[at]!;
    const length = NO_ARGUMENT.has(word) ? 1 : 2;
    const part = words.slice(at, at + length).join(' ');
    if (word === 'crt') certificates.push(words[at + 1] ?? '');
    else if (word !== 'ssl' && word !== 'accept-proxy') {
      const [group, reason] = REASONS.get(word) ?? [
        'decide',
        'Dashgate has no such option of a listener',
      ];
      if (!(word === 'verify' && words[at + 1] === 'none')) drops.push({ part, group, reason });
    }
    at += length;
  }
  return { certificates, acceptProxy: words.includes('accept-proxy'), drops };
}
