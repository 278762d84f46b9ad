import type { Options } from '../options.ts';
import { type Crowd, User } from './user.ts';
import { Viewer } from './viewer.ts';

/** How many log in, or open a console, at once. */
const ABREAST = 16;
const OPENING_STEP_MS = 20;

/** All users, and all consoles. */
export class Load {
  readonly #crowd: Crowd;
  readonly #users: readonly User[];
  readonly #viewers: readonly Viewer[];
  #running: Promise<unknown> = Promise.resolve();
  #begun = false;
  #over = false;

  constructor({ users, consoles }: Pick<Options, 'users' | 'consoles'>, crowd: Crowd) {
    this.#crowd = crowd;
    this.#users = Array.from({ length: users }, (_, i) => new User(i, crowd));
    this.#viewers = Array.from({ length: consoles }, (_, i) => new Viewer(i, crowd));
  }

  /** Has everybody come; resolves when they are logged in, and the first of all consoles are opening. */
  async begin(): Promise<void> {
    const coming = [...this.#users];
    const lane = async () => {
      for (let user = coming.pop(); user; user = coming.pop()) await user.arrive();
    };
    await Promise.all(Array.from({ length: ABREAST }, lane));
    const staying = this.#users.map((user) => user.stay(() => this.#over));
    const viewing = this.#viewers.map(async (viewer, i) => {
      // Not all of them at once.
      await new Promise((resolve) => setTimeout(resolve, i * OPENING_STEP_MS));
      await viewer.stay();
    });
    this.#running = Promise.all([...staying, ...viewing]);
    this.#running.catch(() => {}); // Told by `end`.
    this.#begun = true;
  }

  /** Nothing is under way for longer than that, and everybody has the console that he wants. */
  quiet(longMs: number): boolean {
    if (!this.#begun) return true;
    return this.#crowd.ledger.oldestMs < longMs && this.#viewers.every(({ content }) => content);
  }

  /** Has everybody leave; resolves when they have. */
  async end(): Promise<void> {
    this.#over = true;
    for (const viewer of this.#viewers) viewer.leave();
    await this.#running;
  }
}
