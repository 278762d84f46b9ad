import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Bell, Deviation } from './bell.ts';
import { OK, request } from './bytes.ts';
import { type Message, shown, values } from './message.ts';
import type { ListeningProxy, TestedProxy } from './peers/proxy.ts';
import { ScriptedBackend } from './scripted-backend.ts';
import { Wire } from './wire.ts';

/** What a case plays on: one client connection, the proxy, and one backend behind it. */
export class Stage {
  readonly backend: ScriptedBackend;
  readonly #bell: Bell;
  readonly #proxy: ListeningProxy;
  readonly #clients: Wire[] = [];

  private constructor(bell: Bell, backend: ScriptedBackend, proxy: ListeningProxy) {
    this.#bell = bell;
    this.backend = backend;
    this.#proxy = proxy;
  }

  /** Starts backend and proxy, plays, and tears everything down; throws what `play` throws. */
  static async perform(
    proxy: Pick<TestedProxy, 'start'>,
    deadlineMs: number,
    play: (stage: Stage) => Promise<void>,
  ): Promise<void> {
    const bell = new Bell();
    const backend = await ScriptedBackend.start(bell);
    const cleanups: (() => unknown)[] = [() => bell.close(), () => backend.close()];
    try {
      const listening = await proxy.start(backend.port, (cleanup) => cleanups.push(cleanup));
      const stage = new Stage(bell, backend, listening);
      bell.expireIn(deadlineMs);
      cleanups.push(() => {
        for (const client of stage.#clients) client.destroy();
      });
      await play(stage).catch((error: unknown) => stage.#explain(error));
      stage.#assertAllRead();
    } finally {
      for (const cleanup of cleanups.reverse()) await cleanup();
    }
  }

  /** The first client connection, opened on first use. */
  get client(): Wire {
    return this.#clients[0] ?? this.connect();
  }

  /** Opens one more client connection. */
  connect(): Wire {
    const { port, tls } = this.#proxy;
    const tcp = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    const socket: Socket = tls
      ? connectTls({ socket: tcp, rejectUnauthorized: false, servername: 'localhost' })
      : tcp;
    const client = new Wire(socket, this.#bell, tcp);
    this.#clients.push(client);
    return client;
  }

  /** Shows that a client connection still serves: a GET on it is answered. Gives the backend's side. */
  async stillServes(client: Wire): Promise<Wire> {
    client.send(request('GET /still'));
    const { wire } = await this.backend.request({ line: /^GET \/still HTTP/ });
    wire.send(OK);
    await client.response({ status: 200, body: 'ok' });
    return wire;
  }

  /**
   * Shows that the client can go on after `answer`: on the same connection, or on a new one where
   * the answer told it to close.
   */
  async servesOnAfter(answer: Message): Promise<void> {
    const { client } = this;
    if (values(answer, 'connection').some((option) => /close/i.test(option))) {
      await client.closed();
      await this.stillServes(this.connect());
    } else {
      await this.stillServes(client);
    }
  }

  /** Adds to a deviation what the proxy answered instead. */
  #explain(error: unknown): never {
    const answered = this.#unread();
    if (!(error instanceof Deviation) || answered === '') throw error;
    throw new Deviation(`${error.message}; the client has ${shown(answered)}`);
  }

  #unread(): string {
    return this.#clients.map((client) => client.unread).join('');
  }

  /** What a case did not ask for must not have come. */
  #assertAllRead(): void {
    this.backend.assertUntouched();
    const unread = this.#unread();
    if (unread !== '') throw new Deviation(`also answered ${shown(unread)}`);
  }
}
