import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** What became of one request of the other user. */
export interface Request {
  /** How long it took, in ms. */
  readonly ms: number;
  /** Undefined where it went well. */
  readonly failure: string | undefined;
}

/** From where the other user comes, so that connections can be told apart. */
export const BYSTANDER_ADDRESS = '127.9.9.9';

/**
 * A user with a session who works on while others attack: 100 requests a second on kept connections,
 * and 20 on new ones with a full handshake each. In a thread of its own, so that nothing that is
 * measured beside it delays its clock.
 */
export class Bystander {
  readonly #thread: Worker;

  private constructor(thread: Worker) {
    this.#thread = thread;
  }

  static async start(port: number): Promise<Bystander> {
    const thread = new Worker(new URL('bystander-thread.ts', import.meta.url), {
      workerData: { port, localAddress: BYSTANDER_ADDRESS },
    });
    await once(thread, 'online');
    return new Bystander(thread);
  }

  /** The requests that have ended since the last call. */
  async requests(): Promise<Request[]> {
    const answered = once(this.#thread, 'message');
    this.#thread.postMessage('requests');
    const [requests] = (await answered) as [Request[]];
    return requests;
  }

  async stop(): Promise<void> {
    await this.#thread.terminate();
  }
}
