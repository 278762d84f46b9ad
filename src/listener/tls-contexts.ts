import { constants, randomBytes } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { messageOf } from '../errors.ts';
import type { KeyPair } from './certificate.ts';
import {
  type CertificateChoice,
  chooseCertificates,
  type Group,
  groupFor,
} from './certificate-choice.ts';
import { TICKET_SECRET_BYTES, ticketKeysOf, ticketPeriod } from './ticket-keys.ts';

/**
 * Mozilla's intermediate profile (Server Side TLS 5.8): TLS 1.2 and 1.3, forward secrecy and
 * authenticated encryption only. Mozilla has the client choose among them, which knows whether it has AES
 * in hardware. Here the order is the server's, of which testssl.sh makes a point, but for clients that put
 * ChaCha20 first, as those do that have not; the others get AES with 128 bits, which costs the least.
 */
const PROFILE: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
  honorCipherOrder: true,
  ecdhCurve: 'X25519MLKEM768:X25519:P-256:P-384',
  // By renegotiation a client could make the server work without end; TLS 1.3 has none of it.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_PRIORITIZE_CHACHA,
  // The files carry the chain. With root certificates at hand, OpenSSL would search them at every
  // handshake where a chain is short, and send a root along that clients have anyway.
  ca: [],
  // A session of one name or worker may be resumed at another.
  sessionIdContext: 'dashgate',
  // How long a session may be resumed, in seconds: OpenSSL's own default.
  sessionTimeout: 7_200,
};

export interface TlsContextsOptions {
  /**
   * What session tickets are sealed by: whoever has the same resumes them, workers and other gateways.
   * Random where undefined.
   */
  readonly ticketSecret?: Buffer | string | undefined;
  /** The time, in ms since 1970. */
  readonly now?: () => number;
}

/** What was made of one list of key pairs for one period of ticket keys; never changed, only replaced. */
interface Generation {
  readonly pairs: readonly KeyPair[];
  readonly choice: CertificateChoice;
  readonly options: ReadonlyMap<Group, SecureContextOptions>;
  /** See `ticketPeriod`. */
  readonly period: number;
}

/**
 * The certificates of the listeners, with keys of session tickets that change while they serve. Other
 * certificates are other contexts: a reload begins another data plane, and open connections keep theirs.
 */
export class TlsContexts {
  readonly #ticketSecret: Buffer | string;
  readonly #now: () => number;
  #present: Generation;

  /** @throws Error where a key pair cannot be used, with the path of its certificate. */
  constructor(pairs: readonly KeyPair[], options: TlsContextsOptions = {}) {
    this.#ticketSecret = options.ticketSecret ?? randomBytes(TICKET_SECRET_BYTES);
    this.#now = options.now ?? Date.now;
    this.#present = this.#build(pairs);
  }

  /** What serves now. */
  get pairs(): readonly KeyPair[] {
    return this.#present.pairs;
  }

  /** Key pairs that serve no name, because one before has the same names and kind of key. */
  get unused(): readonly KeyPair[] {
    const used = new Set([...this.#present.options.keys()].flat());
    return this.pairs.filter((pair) => !used.has(pair));
  }

  /**
   * The options of a TLS server for clients that ask for a name, if they ask for one. They are the
   * same object as long as they are the same context, which ends with the period of its ticket keys.
   */
  optionsFor(serverName = ''): SecureContextOptions {
    const period = ticketPeriod(this.#now());
    if (period !== this.#present.period) this.#present = this.#rotated(period);
    const { choice, options } = this.#present;
    return options.get(groupFor(choice, serverName))!;
  }

  #build(pairs: readonly KeyPair[]): Generation {
    const [first, ...rest] = pairs;
    if (!first) throw new Error('there is no certificate to serve');
    const choice = chooseCertificates([first, ...rest]);
    const options = new Map<Group, SecureContextOptions>();
    const period = ticketPeriod(this.#now());
    const ticketKeys = ticketKeysOf(this.#ticketSecret, period);
    for (const group of [choice.fallback, ...choice.byName.values()]) {
      if (!options.has(group)) options.set(group, optionsOf(group, ticketKeys));
    }
    return { pairs, choice, options, period };
  }

  /** The same with other ticket keys: contexts that are new, of what is known to be usable. */
  #rotated(period: number): Generation {
    const ticketKeys = ticketKeysOf(this.#ticketSecret, period);
    const options = Array.from(
      this.#present.options,
      ([group, before]) => [group, { ...before, ticketKeys }] as const,
    );
    return { ...this.#present, options: new Map(options), period };
  }
}

function optionsOf(group: Group, ticketKeys: Buffer): SecureContextOptions {
  const options = {
    ...PROFILE,
    cert: group.map(({ cert }) => cert),
    key: group.map(({ key }) => key),
    ticketKeys,
  };
  assertUsable(group, options);
  return options;
}

/** OpenSSL has the last word on a key pair: it refuses RSA keys below 2,048 bits, for example. */
function assertUsable(group: Group, options: SecureContextOptions): void {
  try {
    createSecureContext(options);
  } catch (error) {
    const paths = group.map(({ certPath }) => certPath).join(' and ');
    throw new Error(`${paths} cannot be used for TLS: ${messageOf(error)}`);
  }
}
