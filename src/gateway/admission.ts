import type { Config } from '../config.ts';
import { clientAddress } from '../policy/forwarded.ts';
import { AllowedOrigins } from '../policy/origins.ts';
import { Seats } from '../policy/seats.ts';
import type { Admission, Admitted, Handshake } from '../relay/admission.ts';
import { SessionGate, type SessionItems } from '../session/session-gate.ts';

/** Who may open a console, as it is configured: from which pages, how many, and logged in or not. */
export class ConsoleAdmission implements Admission {
  readonly #origins: AllowedOrigins | undefined;
  readonly #seats: Seats | undefined;
  readonly #gate: SessionGate | undefined;

  /** @param sessions where the dashboards' are; undefined: a console needs none */
  constructor(config: Config, sessions: SessionItems | undefined) {
    const { CONSOLE_ALLOWED_ORIGINS: origins, TUNNELS_PER_ADDRESS: most } = config;
    this.#origins = origins.length > 0 ? new AllowedOrigins(origins) : undefined;
    this.#seats = most === undefined ? undefined : new Seats(most);
    if (!sessions) return;
    this.#gate = new SessionGate({
      items: sessions,
      cookieName: config.SESSION_COOKIE_NAME,
      keyPrefix: config.DJANGO_KEY_PREFIX,
      keyVersion: config.DJANGO_KEY_VERSION,
    });
  }

  admit({ fields, host, peer }: Handshake): Admitted {
    this.#origins?.assertAllowed(fields.value('origin'), host);
    const seat = this.#seats?.take(clientAddress(fields, peer));
    return {
      settled: this.#gate?.check(fields.value('cookie')),
      leave: () => seat?.leave(),
    };
  }
}
