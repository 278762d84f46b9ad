import { once } from 'node:events';
import { type Leaving, leaveTls, openTls, type TlsClient } from '../support/tls-client.ts';
import { type Answer, readAnswer } from './answer.ts';

const DEADLINE_MS = 20_000;
/** One connection of a client, which asks one thing after the other. */
export class Client {
  readonly #tls: TlsClient['tls'];
  readonly #connection: TlsClient;
  #text = '';
  #left = false;
  #onData = () => {};
  #onClose = () => {};

  private constructor(connection: TlsClient) {
    const { tls } = connection;
    this.#connection = connection;
    this.#tls = tls;
    tls.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#onData();
    });
    tls.on('close', () => this.#onClose());
    tls.setTimeout(DEADLINE_MS, () => tls.destroy());
  }

  /** @throws Error where no connection comes about. */
  static async connect(port: number): Promise<Client> {
    const connection = openTls(port);
    const { tls } = connection;
    await Promise.race([
      once(tls, 'secureConnect'),
      once(tls, 'close').then(() => {
        throw new Error('the connection was closed in its handshake');
      }),
    ]);
    return new Client(connection);
  }

  /** The connection is gone. */
  get closed(): boolean {
    return this.#left || this.#tls.destroyed;
  }

  /** Sends a request; undefined where the connection ends before the answer does. */
  ask(request: string, method: string): Promise<Answer | undefined> {
    return new Promise((resolve, reject) => {
      this.#text = '';
      this.#onData = () => {
        try {
          const answer = readAnswer(this.#text, method);
          if (!answer) return;
          if (answer.keepAlive) this.#settle();
          else this.leave('close');
          resolve(answer);
        } catch (error) {
          this.#settle();
          reject(error);
        }
      };
      this.#onClose = () => resolve(undefined);
      if (this.closed) resolve(undefined);
      else this.#tls.write(request, 'latin1');
    });
  }

  /** Sends part of a request, or one whose answer is not waited for. */
  send(request: string): void {
    this.#tls.write(request, 'latin1');
  }

  /** Resolves with the first bytes that come, or when the connection ends. */
  firstBytes(): Promise<void> {
    return new Promise((resolve) => {
      this.#onData = resolve;
      this.#onClose = resolve;
      if (this.closed) resolve();
    });
  }

  leave(leaving: Leaving): void {
    this.#settle();
    this.#left = true;
    leaveTls(this.#connection, leaving);
  }

  #settle(): void {
    this.#onData = () => {};
    this.#onClose = () => {};
  }
}
