import { GatewayError } from '../errors.ts';

/** Stands for whatever host the request itself is for. */
const SAME_HOST = 'same-host';

/**
 * Reads one entry of a list of origins: `same-host`, a host name, or a whole origin.
 * @throws Error that completes the sentence "NAME=value …"
 */
export function parseOrigin(entry: string): string {
  const text = entry.toLowerCase();
  if (text === SAME_HOST || /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/.test(text)) return text;
  const origin = originOf(text);
  if (origin !== undefined && /^https?:\/\/[^/?#@]+\/?$/.test(text)) return origin;
  throw new Error(
    `has "${entry}"; write same-host, a host name, or an origin such as https://dashboard.example`,
  );
}

/**
 * The web pages that may open a console, by the Origin that their browser sends (RFC 6454 §7). A
 * host name stands for every scheme and port of it, as in nova's `[console]allowed_origins`.
 */
export class AllowedOrigins {
  readonly #sameHost: boolean;
  readonly #allowed: ReadonlySet<string>;

  /** @param entries as `parseOrigin` gives them */
  constructor(entries: readonly string[]) {
    this.#sameHost = entries.includes(SAME_HOST);
    this.#allowed = new Set(entries);
  }

  /**
   * Who sends no Origin is no browser, and could claim any.
   * @param host the Host of the request
   * @throws GatewayError `forbidden`
   */
  assertAllowed(origin: string | undefined, host: string): void {
    if (origin === undefined) return;
    const whole = originOf(origin);
    const name = whole === undefined ? undefined : hostName(whole);
    if (whole !== undefined && name !== undefined) {
      if (this.#allowed.has(whole) || this.#allowed.has(name)) return;
      if (this.#sameHost && name === hostName(`http://${host}`)) return;
    }
    throw new GatewayError('forbidden', 'the Origin is none of CONSOLE_ALLOWED_ORIGINS');
  }
}

/** An origin as browsers write it, without the port that its scheme has anyway. */
function originOf(text: string): string | undefined {
  const url = URL.parse(text);
  return url && url.origin !== 'null' ? url.origin : undefined;
}

function hostName(url: string): string | undefined {
  return URL.parse(url)?.hostname || undefined;
}
