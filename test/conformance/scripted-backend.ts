import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type Bell, Deviation } from './bell.ts';
import type { Expected } from './expectation.ts';
import { type Message, shown } from './message.ts';
import { Wire } from './wire.ts';

const HEALTH_CHECK = 'GET /health ';
const WELL = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

/**
 * A backend that does nothing by itself: a case reads what reached it and says which bytes it
 * answers. Health checks alone are answered without being asked, and are not recorded.
 */
export class ScriptedBackend {
  readonly port: number;
  readonly #server: Server;
  readonly #bell: Bell;
  readonly #wires = new Set<Wire>();

  private constructor(server: Server, bell: Bell) {
    this.#server = server;
    this.#bell = bell;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      const wire = new Wire(socket, bell);
      this.#wires.add(wire);
      socket.once('data', (first: Buffer) => {
        if (!first.toString('latin1').startsWith(HEALTH_CHECK)) return;
        this.#wires.delete(wire);
        socket.end(WELL);
      });
    });
  }

  /** Starts to listen on a free port of 127.0.0.1. */
  static async start(bell: Bell): Promise<ScriptedBackend> {
    const server = createServer({ allowHalfOpen: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new ScriptedBackend(server, bell);
  }

  /** Waits for a request to begin on any connection, new or used, and gives that connection. */
  connection(): Promise<Wire> {
    return this.#bell.until(
      () => 'a request to reach the backend',
      () => this.#begun()[0],
    );
  }

  /** The next whole request on any connection, and that connection to answer on. */
  async request(expected: Expected = {}): Promise<{ wire: Wire; request: Message }> {
    const wire = await this.connection();
    return { wire, request: await wire.request(expected) };
  }

  /** What has come and no case has read. */
  get unread(): string {
    return this.#begun()
      .map(({ unread }) => unread)
      .join('');
  }

  /** Never resolves; rejects as soon as anything of a request comes. */
  async staysUntouched(): Promise<never> {
    const { unread } = await this.connection();
    throw new Deviation(`forwarded ${shown(unread)}`);
  }

  /** @throws Deviation where anything of a request has come. */
  assertUntouched(): void {
    if (this.unread !== '') throw new Deviation(`forwarded ${shown(this.unread)}`);
  }

  /**
   * Waits for every connection that a request began on to end, and sees that none was completed.
   * @throws Deviation where one was.
   */
  async assertNothingComplete(): Promise<void> {
    for (const wire of this.#begun()) await wire.brokenOff();
  }

  /** Refuses connections from now on, and cuts those that are open. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const wire of this.#wires) wire.destroy();
    await closed;
  }

  /** The connections on which something waits to be read. */
  #begun(): Wire[] {
    return [...this.#wires].filter(({ unread }) => unread !== '');
  }
}
