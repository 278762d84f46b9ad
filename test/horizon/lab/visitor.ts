import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { Dashboard } from './dashboards.ts';
import { ADMIN } from './keystone.ts';

const ANSWER_TIMEOUT_MS = 60_000;

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** The `Set-Cookie` lines as they came. */
  readonly setCookies: readonly string[];
  readonly body: string;
  /** Method and path, for messages. */
  readonly request: string;
  /** The name of the Horizon that answered. */
  readonly dashboard: string;
}

export interface Submission {
  readonly headers?: http.OutgoingHttpHeaders;
  /** Sent as a POST of an HTML form. */
  readonly form?: Readonly<Record<string, string>>;
}

/** What a browser is to Horizon: keeps cookies, fills in the login form, follows nothing itself. */
export class Visitor {
  readonly origin: string;
  readonly cookies = new Map<string, string>();
  /** Every answer so far, oldest first. */
  readonly answers: Answer[] = [];
  readonly #ca: string | undefined;
  readonly #agent: http.Agent;

  /** `origin` is `http://host:port` or, with the certificate to trust, `https://host:port`. */
  constructor(origin: string, ca?: string) {
    this.origin = origin;
    this.#ca = ca;
    this.#agent = origin.startsWith('https:')
      ? new https.Agent({ keepAlive: true })
      : new http.Agent({ keepAlive: true });
  }

  get(path: string, headers?: http.OutgoingHttpHeaders): Promise<Answer> {
    return this.send(path, { headers });
  }

  /** Sends one request and keeps the cookies of the answer; throws if there is none within 60 s. */
  async send(path: string, { headers, form }: Submission): Promise<Answer> {
    const method = form === undefined ? 'GET' : 'POST';
    const body = form && new URLSearchParams(form).toString();
    const send = this.origin.startsWith('https:') ? https.request : http.request;
    const request = send(`${this.origin}${path}`, {
      method,
      agent: this.#agent,
      ca: this.#ca,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      headers: {
        ...(this.cookies.size > 0 && { cookie: this.#cookieHeader() }),
        ...(body !== undefined && {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': Buffer.byteLength(body),
        }),
        ...headers,
      },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    const answer: Answer = {
      status: response.statusCode!,
      headers: response.headers,
      setCookies: response.headers['set-cookie'] ?? [],
      body: Buffer.concat(chunks).toString(),
      request: `${method} ${path}`,
      dashboard: String(response.headers['x-lab-backend']),
    };
    for (const line of answer.setCookies) this.#keep(line);
    this.answers.push(answer);
    return answer;
  }

  /** The login form's fields as Horizon serves them, filled in for the administrator. */
  async loginForm(): Promise<Record<string, string>> {
    const { body, status } = await this.get('/auth/login/');
    const token = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(body)?.[1];
    if (token === undefined) throw new Error(`the login page (${status}) has no CSRF token`);
    return {
      csrfmiddlewaretoken: token,
      region: 'default',
      username: ADMIN.username,
      password: ADMIN.password,
    };
  }

  /** Logs in as a browser does; the answer is Horizon's redirect to its front page. */
  async login(): Promise<Answer> {
    const form = await this.loginForm();
    const answer = await this.send('/auth/login/', {
      form,
      headers: { referer: `${this.origin}/auth/login/`, origin: this.origin },
    });
    if (!this.cookies.has('sessionid')) {
      throw new Error(`the login was refused: ${answer.status} to ${answer.headers.location}`);
    }
    return answer;
  }

  /**
   * Asks for a page again and again until each of the dashboards has answered; throws if one has
   * not by the 40th time.
   */
  async getFromAll(
    path: string,
    dashboards: readonly Dashboard[],
    headers?: http.OutgoingHttpHeaders,
  ): Promise<Answer[]> {
    const missing = new Set(dashboards.map((dashboard) => dashboard.name));
    const answers: Answer[] = [];
    while (missing.size > 0) {
      if (answers.length === 40) throw new Error(`${[...missing]} never answered ${path}`);
      const answer = await this.get(path, headers);
      missing.delete(answer.dashboard);
      answers.push(answer);
    }
    return answers;
  }

  #cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';');
    const [name = '', ...value] = pair.split('=');
    if (attributes.some((attribute) => /^\s*max-age=0$/i.test(attribute)))
      this.cookies.delete(name);
    else this.cookies.set(name, value.join('='));
  }
}
