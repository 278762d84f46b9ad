import { messageOf } from '../errors.ts';
import type { AdminState } from '../upstream/backend.ts';
import { isRecord, isRemoteState, type RemoteState } from './remote-state.ts';
import { type AdminAnswer, type AdminRequest, ask, jsonOf } from './request.ts';
import type { AdminTarget } from './target.ts';

/** What is asked for: what is left out stays as it is. */
export interface Change {
  readonly admin?: AdminState;
  /** Null: the configured one. */
  readonly weight?: number | null;
  readonly scope: 'all' | 'gateway';
}

/** What holds now. */
export interface Decided {
  readonly admin: string;
  readonly weight: number | null;
  readonly scope: string;
}

/** Deadlines, in ms. */
export interface AdminTiming {
  /** Of most answers; for the state the gateway asks its memcached nodes. */
  readonly answerMs: number;
  /** Of a reload, which starts processes. */
  readonly reloadMs: number;
}

const TIMING: AdminTiming = { answerMs: 10_000, reloadMs: 120_000 };

/** Nothing came of a request. */
export class AdminError extends Error {
  /** `rejected`: the gateway will not have it; `unanswered`: there was no answer to go by, or no entry. */
  readonly kind: 'rejected' | 'unanswered';
  readonly remedy: string | undefined;
  /** What is wrong in particular, a line for each. */
  readonly findings: readonly string[];

  constructor(
    kind: AdminError['kind'],
    message: string,
    remedy?: string,
    findings: readonly string[] = [],
  ) {
    super(message);
    this.kind = kind;
    this.remedy = remedy;
    this.findings = findings;
  }
}

/** Whoever is sent away with one of these has not got in; the others were, and may not have that. */
const NO_ENTRY = new Set([401, 403, 429]);

/** A gateway that runs, asked through its admin listener. Everything rejects with an AdminError. */
export class AdminClient {
  readonly #target: AdminTarget;
  readonly #timing: AdminTiming;

  constructor(target: AdminTarget, timing: AdminTiming = TIMING) {
    this.#target = target;
    this.#timing = timing;
  }

  /** The address, for people. */
  get address(): string {
    return this.#target.url.origin;
  }

  async state(): Promise<RemoteState> {
    const timeoutMs = this.#timing.answerMs;
    const state = this.#recordIn(await this.#ask({ path: '/api/state', timeoutMs }));
    if (isRemoteState(state)) return state;
    throw new AdminError(
      'unanswered',
      `what ${this.address} tells of its state cannot be read`,
      'use the command of the version that runs there',
    );
  }

  async decide(service: string, backend: string, change: Change): Promise<Decided> {
    const path = `/api/services/${encodeURIComponent(service)}/backends/${encodeURIComponent(backend)}`;
    const { admin, weight, scope } = await this.#change(path, change, this.#timing.answerMs);
    return {
      admin: String(admin),
      weight: typeof weight === 'number' ? weight : null,
      scope: String(scope),
    };
  }

  /** Resolves with what the gateway tells of it. */
  async reload(): Promise<string> {
    const { message } = await this.#change('/api/reload', {}, this.#timing.reloadMs);
    return typeof message === 'string' ? message : 'the configuration was read anew';
  }

  async #change(path: string, body: unknown, timeoutMs: number): Promise<Record<string, unknown>> {
    const csrf = await this.#csrfToken();
    return this.#recordIn(await this.#ask({ path, body, csrf, timeoutMs }));
  }

  /** Where nothing else proves who asks, a gateway wants this; undefined where it does not. */
  async #csrfToken(): Promise<string | undefined> {
    const timeoutMs = this.#timing.answerMs;
    const answer = await this.#ask({ path: '/api/csrf', timeoutMs });
    if (answer.status === 404) return undefined;
    const { token } = this.#recordIn(answer);
    return typeof token === 'string' && /^[!-~]+$/.test(token) ? token : undefined;
  }

  async #ask(request: AdminRequest): Promise<AdminAnswer> {
    try {
      return await ask(this.#target, request);
    } catch (error) {
      throw this.#unreachable(error as NodeJS.ErrnoException, request);
    }
  }

  #unreachable(error: NodeJS.ErrnoException, { body, timeoutMs }: AdminRequest): AdminError {
    const { address } = this;
    const { code = '' } = error;
    if (error.name === 'TimeoutError') {
      const remedy =
        body === undefined
          ? 'see the log of the gateway'
          : 'it may have been done nevertheless: see with dashgate status';
      const problem = `${address} has not answered within ${timeoutMs / 1000} s`;
      return new AdminError('unanswered', problem, remedy);
    }
    const cause = messageOf(error);
    if (/CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO/.test(code)) {
      return new AdminError(
        'unanswered',
        `${address} cannot be trusted or speaks no TLS (${cause})`,
        'write http:// where it is plain; --ca FILE names the authority of its certificate, or that itself; where the file of that has been renewed, have the gateway read it (kill -HUP)',
      );
    }
    if (/^HPE_|ECONNRESET/.test(code) && this.#target.url.protocol === 'http:') {
      return new AdminError(
        'unanswered',
        `${address} has not answered in HTTP (${cause})`,
        'where it speaks HTTPS, set ADMIN_TLS=on, or write --admin https://host:port',
      );
    }
    return new AdminError(
      'unanswered',
      `${address} cannot be asked (${cause})`,
      'start the gateway, or name where its admin listener is: ADMIN_LISTEN or --admin http://host:port',
    );
  }

  /** The JSON of a good answer. */
  #recordIn(whole: AdminAnswer): Record<string, unknown> {
    const { status } = whole;
    const answer = jsonOf(whole);
    if (status === 200 && isRecord(answer)) return answer;
    if (isRecord(answer) && typeof answer.error === 'string') {
      const kind = NO_ENTRY.has(status) ? 'unanswered' : 'rejected';
      const told = typeof answer.remedy === 'string' ? answer.remedy : undefined;
      throw new AdminError(
        kind,
        answer.error,
        status === 401 ? TOKEN_REMEDY : told,
        findingsIn(answer.findings),
      );
    }
    throw new AdminError(
      'unanswered',
      `${this.address} answered ${status}, with nothing that a gateway of this version would`,
      status === 401 ? TOKEN_REMEDY : 'see that the address is that of its admin listener',
    );
  }
}

const TOKEN_REMEDY =
  'set ADMIN_TOKEN, in the environment or in .env, to that of the gateway; one that has none needs it too';

/** Values are left out: they may be what belongs elsewhere, such as a key. */
function findingsIn(findings: unknown): string[] {
  if (!Array.isArray(findings)) return [];
  return findings.filter(isRecord).map(({ name, problem }) => `${name} ${problem}`);
}
