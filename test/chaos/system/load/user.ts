import { createHash } from 'node:crypto';
import { Agent } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Hits } from '../faults/hits.ts';
import type { Front } from './front.ts';
import type { Ledger } from './ledger.ts';
import { ask, content, type Reply, RequestFailed } from './request.ts';

/** Longest pause of a user between two things, in ms. */
const THINK_MS = 3_000;
/** Of so many things that a user does, one is a download and one an upload. */
const TRANSFER_ONE_IN = 8;
const TRANSFER_BYTES = { least: 50_000, most: 400_000 } as const;
/** Of so many clicks one changes the session. */
const CHANGE_ONE_IN = 4;
/** An answer that took longer is a trouble that somebody noticed, in ms. */
const NOTICED_MS = 3_000;

/** All that users share. */
export interface Crowd {
  readonly front: Front;
  readonly ledger: Ledger;
  readonly hits: Hits;
  readonly random: () => number;
}

/**
 * A browser with its cookies and a connection that it keeps. What can be asked twice is asked once more, on
 * a new connection, where the first one was cut before anything of the answer came.
 */
export class User {
  readonly #name: string;
  readonly #number: number;
  readonly #crowd: Crowd;
  readonly #cookies = new Map<string, string>();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #done = 0;
  /** He has logged in, and has not been seen as anybody else since. */
  #isKnown = false;

  constructor(number: number, crowd: Crowd) {
    this.#name = `user-${number}`;
    this.#number = number;
    this.#crowd = crowd;
  }

  /** Logs in. @throws where that fails: while all is well it has to succeed. */
  async arrive(): Promise<void> {
    if (!(await this.#login())) throw new Error(`${this.#name} cannot log in`);
  }

  /** Does one thing after the other until it is over. */
  async stay(over: () => boolean): Promise<void> {
    const { random } = this.#crowd;
    await delay(random() * THINK_MS);
    while (!over()) {
      this.#done += 1;
      const what = Math.floor(random() * TRANSFER_ONE_IN);
      if (!this.#isKnown) await this.#login();
      else if (what === 0) await this.#download();
      else if (what === 1) await this.#upload();
      else await this.#click();
      await delay(random() * THINK_MS);
    }
    this.#agent.destroy();
  }

  async #click(): Promise<void> {
    const changes = this.#crowd.random() * CHANGE_ONE_IN < 1;
    const path = `/dashboard/click${changes ? `?mark=${this.#done}` : ''}`;
    const reply = await this.#get(path);
    if (reply) this.#compare('a page', reply.body.toString(), this.#name);
  }

  async #download(): Promise<void> {
    const [seed, length] = this.#transfer();
    const reply = await this.#get(`/dashboard/download?seed=${seed}&bytes=${length}`);
    if (reply) this.#compare('a download', digest(reply.body), digest(content(seed, length)));
  }

  async #upload(): Promise<void> {
    const body = content(...this.#transfer());
    const reply = await this.#post('upload', '/dashboard/upload', body);
    if (reply) this.#compare('an upload', reply.body.toString(), digest(body));
  }

  #transfer(): [seed: string, length: number] {
    const { least, most } = TRANSFER_BYTES;
    const length = Math.floor(least + this.#crowd.random() * (most - least));
    return [`${this.#name}-${this.#done}`, length];
  }

  #compare(what: string, came: string, expected: string): void {
    const { ledger } = this.#crowd;
    ledger.compared += 1;
    if (came !== expected) ledger.wrong.add(what);
  }

  async #login(): Promise<boolean> {
    this.#cookies.clear();
    const path = `/dashboard/auth/enter?user=${this.#name}`;
    const reply = await this.#post('login', path, Buffer.from('password'));
    this.#isKnown = reply !== undefined;
    return this.#isKnown;
  }

  /** He sees the login page: a loss of his session, unless he could not log in after an earlier one. */
  #askedToLogIn(): void {
    if (this.#isKnown) this.#crowd.ledger.loggedOut += 1;
    this.#isKnown = false;
  }

  /** Undefined where no good answer came, which is counted. */
  async #get(path: string): Promise<Reply | undefined> {
    const { ledger } = this.#crowd;
    ledger.idempotent += 1;
    const end = ledger.begin();
    const since = performance.now();
    try {
      const reply = await this.#once('GET', path, this.#agent).catch((error: RequestFailed) => {
        if (error.begun || error.late) throw error;
        ledger.askedAgain.add(error.message);
        ledger.trouble();
        return this.#once('GET', path, undefined);
      });
      if (performance.now() - since > NOTICED_MS) ledger.trouble();
      if (reply.status === 401) {
        this.#askedToLogIn();
        ledger.trouble();
        return undefined;
      }
      if (reply.status === 200) return reply;
      ledger.failed.add(`answered ${reply.status}`);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      // Nobody can take back what has been sent: whoever gave the answer, or passed it on, was hit.
      const unavoidable = error.begun && this.#crowd.hits.touched(error.course);
      (unavoidable ? ledger.brokenOff : ledger.failed).add(error.message);
    } finally {
      end();
    }
    ledger.trouble();
    return undefined;
  }

  async #post(what: string, path: string, body: Buffer): Promise<Reply | undefined> {
    const { ledger } = this.#crowd;
    ledger.others += 1;
    const end = ledger.begin();
    try {
      const reply = await this.#once('POST', path, undefined, body);
      if (reply.status === 200) return reply;
      if (reply.status === 401) this.#askedToLogIn();
      else ledger.othersFailed.add(`${what} answered ${reply.status}`);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      ledger.othersFailed.add(`${what} ${error.message}`);
    } finally {
      end();
    }
    ledger.trouble();
    return undefined;
  }

  async #once(
    method: 'GET' | 'POST',
    path: string,
    agent: Agent | undefined,
    body?: Buffer,
  ): Promise<Reply> {
    const wish = { user: this.#number, method, path, agent, cookies: this.#cookies };
    const reply = await ask(this.#crowd.front, body ? { ...wish, body } : wish);
    for (const line of reply.setCookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined) this.#cookies.set(name, value ?? '');
    }
    return reply;
  }
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
