import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What may be done to a way; a number is by how much everything on it is late, in ms. */
export type Trouble = 'cut' | 'refuse' | 'mend' | number;

const THREAD = new URL('way-thread.ts', import.meta.url);

/**
 * A way to a server that can be troubled, as a network is. It has a thread of its own: while the one of the
 * users is busy, nothing on its way to a server may be late for that.
 */
export class Way {
  readonly port: number;
  readonly #thread: Worker;

  /** Opens one on loopback to a port there. */
  static async open(scene: { after(hook: () => unknown): void }, to: number): Promise<Way> {
    const thread = new Worker(THREAD, { workerData: to });
    scene.after(() => thread.terminate());
    const [port] = (await once(thread, 'message')) as [number];
    return new Way(port, thread);
  }

  private constructor(port: number, thread: Worker) {
    this.port = port;
    this.#thread = thread;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** From now on nothing passes, and nothing is refused either; what was under way is lost. */
  cut(): void {
    this.#tell('cut');
  }

  /** What is open is reset, and what is new refused, as by a host whose server has ended. */
  refuse(): void {
    this.#tell('refuse');
  }

  /** Whatever passes takes so many ms longer, in each direction. */
  slow(ms: number): void {
    this.#tell(ms);
  }

  /** All is as it was, but for what was cut. */
  mend(): void {
    this.#tell('mend');
  }

  #tell(trouble: Trouble): void {
    this.#thread.postMessage(trouble);
  }
}
