import { setTimeout as delay } from 'node:timers/promises';
import { Tally } from './tally.ts';

/** Time between two clicks of a user, in ms. */
const THINK_MS = 4_000;
/** How long a user waits for an answer, in ms. */
const PATIENCE_MS = 10_000;
/** One click in so many is a logout, and a login again. */
const CLICKS_TO_LOGOUT = 12;

interface Answer {
  readonly status: number;
  readonly session: string | undefined;
  readonly body: string;
}

/** Somebody who clicks on a site, and knows what it has to show. */
export class User {
  readonly #name: string;
  readonly #ports: readonly number[];
  readonly #random: () => number;
  /** What happens while the user arrives is not reported. */
  #tally = new Tally();
  #session = '';
  /** How many clicks the session has to count; undefined where that cannot be known. */
  #clicks: number | undefined;
  /** Sessions that were logged out, and that was said so. */
  readonly #left: string[] = [];

  constructor(name: string, ports: readonly number[], random: () => number) {
    this.#name = name;
    this.#ports = ports;
    this.#random = random;
  }

  /** Logs in. @throws where that fails: with all nodes there it has to succeed. */
  async arrive(): Promise<void> {
    if (!(await this.#login())) throw new Error(`${this.#name} cannot log in`);
  }

  /** Clicks until it is over, now on one process of the site, now on another; `tally` counts. */
  async stay(tally: Tally, over: () => boolean): Promise<void> {
    this.#tally = tally;
    await delay(this.#random() * THINK_MS);
    while (!over()) {
      const began = performance.now();
      if (this.#random() * CLICKS_TO_LOGOUT < 1) await this.#leaveAndReturn();
      else await this.#click();
      await delay(Math.max(0, THINK_MS - (performance.now() - began)));
    }
  }

  /** Clicks once more, and looks whether a session that was logged out can be read. */
  async lookBack(): Promise<void> {
    await this.#click();
    for (const session of this.#left) await this.#tryOld(session);
  }

  async #click(): Promise<void> {
    const answer = await this.#ask('/click', this.#session);
    if (answer?.status === 200) {
      const { user, clicks } = JSON.parse(answer.body) as { user: string; clicks: number };
      if (user !== this.#name) throw new Error(`${this.#name} is shown the session of ${user}`);
      if (this.#clicks !== undefined && clicks !== this.#clicks + 1) this.#tally.outdated++;
      this.#clicks = clicks;
      return;
    }
    this.#clicks = undefined;
    if (answer?.status !== 401) return;
    this.#tally.loggedOut++;
    await this.#login();
  }

  async #leaveAndReturn(): Promise<void> {
    const old = this.#session;
    const answer = await this.#ask('/logout', old);
    if (answer?.status === 200) {
      this.#left.push(old);
      await this.#tryOld(old);
    }
    await this.#login();
  }

  async #tryOld(session: string): Promise<void> {
    const answer = await this.#ask('/show', session);
    if (answer?.status === 200 && answer.body !== '{}') this.#tally.undone++;
  }

  async #login(): Promise<boolean> {
    this.#clicks = undefined;
    const answer = await this.#ask(`/login?user=${this.#name}`, '');
    if (answer?.status !== 200 || answer.session === undefined) return false;
    this.#session = answer.session;
    this.#clicks = 0;
    return true;
  }

  /** Undefined where no answer came, which is counted, as errors are. */
  async #ask(path: string, session: string): Promise<Answer | undefined> {
    const port = this.#ports[Math.floor(this.#random() * this.#ports.length)];
    const began = performance.now();
    try {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { cookie: `sessionid=${session}`, connection: 'close' },
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const body = await answer.text();
      const { status } = answer;
      if (status >= 500 || status === 400) this.#tally.errors++;
      const cookie = answer.headers.get('set-cookie') ?? '';
      return { status, session: /sessionid=([a-z0-9]{32});/.exec(cookie)?.[1], body };
    } catch {
      this.#tally.unanswered++;
      return undefined;
    } finally {
      this.#tally.took(performance.now() - began);
    }
  }
}
