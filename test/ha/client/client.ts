import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { until } from '../../support/until.ts';
import { CLIENT, PREFIX } from '../addresses.ts';
import { Network, type Switch, stop } from '../network.ts';
import type { ClientEvent, ClientTask } from './event.ts';

const MAIN = new URL('client-main.ts', import.meta.url).pathname;
/** How long the users may take until all is well, in ms. */
const WELL_MS = 40_000;
/** How long all has to be well to be called so, in ms. */
const STEADY_MS = 1_500;

/** Users in a network of their own, and what they saw. */
export class Client {
  readonly #network: Network;
  readonly #events: ClientEvent[] = [];
  #users: ChildProcess | undefined;

  static async plugIn(lan: Switch): Promise<Client> {
    const network = await Network.create();
    lan.plug(network, [`${CLIENT}/${PREFIX}`]);
    return new Client(network);
  }

  private constructor(network: Network) {
    this.#network = network;
  }

  /** Has users log in and stay. */
  begin(task: ClientTask): void {
    const command = [process.execPath, MAIN, JSON.stringify(task)];
    this.#users = this.#network.start(command, { stdout: 'pipe' });
    const lines = createInterface(this.#users.stdout!);
    lines.on('line', (line) => this.#events.push(JSON.parse(line) as ClientEvent));
  }

  /** Has them leave. */
  async end(): Promise<void> {
    if (this.#users) await stop(this.#users);
    this.#users = undefined;
    this.#events.length = 0;
  }

  /** What began since then. */
  since(at: number): ClientEvent[] {
    return this.#events.filter((event) => event.at >= at);
  }

  /** Forgets what was. */
  forget(): void {
    this.#events.length = 0;
  }

  /** Resolves when everybody has been well for a moment; false where that takes too long. */
  async well(): Promise<boolean> {
    const since = Date.now();
    return until(
      'the users are well',
      () => {
        if (this.#users?.exitCode !== null) throw new Error('the users have ended');
        const at = Math.max(since, Date.now() - STEADY_MS);
        if (at === since) return false;
        return isWell(this.since(at));
      },
      WELL_MS,
    ).then(
      () => true,
      () => false,
    );
  }

  async remove(): Promise<void> {
    await this.end();
    await this.#network.remove();
  }
}

function isWell(events: readonly ClientEvent[]): boolean {
  const consoles = new Set(events.filter(({ kind }) => kind === 'console').map(({ user }) => user));
  const fresh = new Set(events.filter(({ kind }) => kind === 'fresh').map(({ user }) => user));
  return (
    consoles.size === 5 && fresh.size === 10 && events.every(({ outcome }) => outcome === 'ok')
  );
}
