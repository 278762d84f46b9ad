import type { Finding } from './scan.ts';

/** What a server offers, as testssl.sh has found it. */
export interface Offer {
  readonly protocols: readonly string[];
  /** Of TLS 1.2 and 1.3, with forward secrecy. */
  readonly suites: readonly string[];
  /** Kinds of cipher suites that nobody should offer any more. */
  readonly obsolete: readonly string[];
  /** Kinds of keys that certificates are shown for. */
  readonly keys: readonly ('EC' | 'RSA')[];
  readonly curves: readonly string[];
  readonly finiteField: boolean;
  /** Whose order of cipher suites counts. */
  readonly order: 'client' | 'server';
  readonly tickets: boolean;
  readonly hsts: boolean;
}

/** Mozilla's intermediate profile, Server Side TLS 5.8. */
export const INTERMEDIATE: Pick<Offer, 'protocols' | 'suites' | 'curves' | 'finiteField'> = {
  protocols: ['TLS 1.2', 'TLS 1.3'],
  suites: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ],
  curves: ['X25519', 'prime256v1', 'secp384r1'],
  finiteField: false,
};

const PROTOCOLS = {
  SSLv2: 'SSL 2',
  SSLv3: 'SSL 3',
  TLS1: 'TLS 1.0',
  TLS1_1: 'TLS 1.1',
  TLS1_2: 'TLS 1.2',
  TLS1_3: 'TLS 1.3',
} as const;

const OBSOLETE = {
  cipherlist_NULL: 'no encryption',
  cipherlist_aNULL: 'no authentication',
  cipherlist_EXPORT: 'export',
  cipherlist_LOW: '64 bits, DES, RC4',
  cipherlist_3DES_IDEA: '3DES',
  cipherlist_AVERAGE: 'CBC and no forward secrecy',
} as const;

export function offerOf(findings: readonly Finding[]): Offer {
  const told = new Map(findings.map(({ id, finding }) => [id, finding]));
  const offered = (names: Readonly<Record<string, string>>) =>
    Object.entries(names)
      .filter(([id]) => /^offered/.test(told.get(id) ?? ''))
      .map(([, name]) => name);
  const words = (id: string) => (told.get(id) ?? '').split(/\s+/).filter(Boolean);
  return {
    protocols: offered(PROTOCOLS),
    suites: words('PFS_ciphers'),
    obsolete: offered(OBSOLETE),
    keys: (['EC', 'RSA'] as const).filter((kind) =>
      findings.some(({ id, finding }) => /^cert_keySize/.test(id) && finding.startsWith(kind)),
    ),
    curves: words('PFS_ECDHE_curves'),
    finiteField: told.has('DH_groups') || words('PFS_ciphers').some((name) => /^DHE-/.test(name)),
    order: /^server|^yes/i.test(told.get('cipher_order') ?? '') ? 'server' : 'client',
    tickets: /^valid/.test(told.get('TLS_session_ticket') ?? ''),
    hsts: !/^not offered/.test(told.get('HSTS') ?? 'not offered'),
  };
}

/** The suites of the profile that a server can offer with the keys that it has. */
export function suitesFor(keys: Offer['keys']): readonly string[] {
  return INTERMEDIATE.suites.filter(
    (name) =>
      name.startsWith('TLS_') || keys.includes(name.startsWith('ECDHE-ECDSA') ? 'EC' : 'RSA'),
  );
}

/** Where an offer is another than the profile; empty where it is the same. */
export function deviations(offer: Offer): string[] {
  const problems: string[] = [];
  const profile = { ...INTERMEDIATE, suites: suitesFor(offer.keys) };
  for (const part of ['protocols', 'suites', 'curves'] as const) {
    const wanted = profile[part];
    const missing = wanted.filter((name) => !offer[part].includes(name));
    const others = offer[part].filter((name) => !wanted.includes(name));
    if (missing.length > 0) problems.push(`${part}: without ${missing.join(', ')}`);
    if (others.length > 0) problems.push(`${part}: also ${others.join(', ')}`);
  }
  if (offer.finiteField) problems.push('DH over finite fields is offered');
  if (offer.obsolete.length > 0) problems.push(`ciphers of kinds ${offer.obsolete.join(', ')}`);
  return problems;
}
