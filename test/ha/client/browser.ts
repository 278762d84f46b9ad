import type { IncomingHttpHeaders } from 'node:http';
import { type Agent, type RequestOptions, request } from 'node:https';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { collect } from '../../support/gateway.ts';
import type { ClientEvent, ClientTask } from './event.ts';

const STATUS = '/dashboard/project/api/status/';
const LOGIN = '/dashboard/auth/login/';
/** How long a login may take, in ms. */
const LOGIN_MS = 20_000;

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly session: ClientEvent['session'];
}

interface Wish {
  readonly method?: 'GET' | 'POST';
  readonly body?: string;
  readonly timeoutMs: number;
}

/** A browser with its cookies and its last TLS session. */
export class Browser {
  readonly #task: ClientTask;
  readonly #agent: Agent | undefined;
  readonly #cookies = new Map<string, string>();
  #session: { readonly data: Buffer; readonly since: number } | undefined;

  /** With an agent, connections are kept as that one does; else each request has its own. */
  constructor(task: ClientTask, agent?: Agent) {
    this.#task = task;
    this.#agent = agent;
  }

  /** @throws where nobody can log in. */
  async login(): Promise<void> {
    const page = await this.#ask(LOGIN, { timeoutMs: LOGIN_MS });
    const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(page.body)?.[1] ?? '';
    const { user: username, password } = this.#task;
    const form = new URLSearchParams({ csrfmiddlewaretoken: token, username, password });
    const wish = { method: 'POST', body: form.toString(), timeoutMs: LOGIN_MS } as const;
    const { status, headers } = await this.#ask(LOGIN, wish);
    if (status !== 302 || /login/.test(headers.location ?? '')) {
      throw new Error(`the login was answered ${status}`);
    }
  }

  /** Asks who is logged in. */
  async look(timeoutMs: number): Promise<Pick<ClientEvent, 'outcome' | 'session'>> {
    try {
      const { status, headers, session } = await this.#ask(STATUS, { timeoutMs });
      const outcome =
        status === 200
          ? 'ok'
          : status === 401 || /login/.test(headers.location ?? '')
            ? 'loggedOut'
            : 'error';
      return { outcome, ...(session === undefined ? {} : { session }) };
    } catch (error) {
      return { outcome: (error as Error).name === 'AbortError' ? 'timeout' : 'broken' };
    }
  }

  async #ask(path: string, { method = 'GET', body, timeoutMs }: Wish): Promise<Answer> {
    const offered = this.#agent ? undefined : this.#session;
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      let socket: TLSSocket | undefined;
      const incoming = await new Promise<Parameters<typeof collect>[0]>((resolve, reject) => {
        const wanted: RequestOptions & Pick<ConnectionOptions, 'session'> = {
          host: this.#task.address,
          path,
          method,
          agent: this.#agent ?? false,
          session: offered?.data,
          rejectUnauthorized: false,
          signal: abort.signal,
          headers: {
            cookie: Array.from(this.#cookies, (pair) => pair.join('=')).join('; '),
            referer: `https://${this.#task.address}${LOGIN}`,
            ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          },
        };
        const outgoing = request(wanted);
        outgoing.once('socket', (used) => {
          socket = used as TLSSocket;
          if (!this.#agent)
            socket.on('session', (data) => (this.#session = { data, since: Date.now() }));
        });
        outgoing.once('response', resolve);
        outgoing.once('error', reject);
        outgoing.end(body);
      });
      const answer = await collect(incoming);
      for (const line of answer.headers['set-cookie'] ?? []) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
        this.#cookies.set(name!, value!);
      }
      const resumed = socket?.isSessionReused() ?? false;
      return { ...answer, session: offered && { since: offered.since, resumed } };
    } finally {
      clearTimeout(timer);
    }
  }
}
