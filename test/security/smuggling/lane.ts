import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ListeningProxy, TestedProxy } from '../../conformance/peers/proxy.ts';
import type { HostileMessage } from './hostile-message.ts';
import { RecordingBackend, type Segment } from './recording-backend.ts';

/** Longer than any time limit of a proxy: it has ended the connection by then, or never will. */
const DEADLINE_MS = 6_000;
const PLAIN = request('/x');

/** What was sent, what of it reached the backend, and what came back. */
export interface Observation {
  readonly segments: readonly Segment[];
  /** All that the hostile client got, up to the end of its connection. */
  readonly answered: string;
  /** The proxy ended that connection. */
  readonly ended: boolean;
  /** Target of the request that was sent right behind, on the same connection. */
  readonly probe: string;
  /** Target of the request that another client sent afterwards. */
  readonly other: string;
  /** What that one got. */
  readonly otherAnswered: string;
}

/** One proxy before one recording backend, which plays one message after the other. */
export class Lane {
  readonly #backend: RecordingBackend;
  readonly #proxy: ListeningProxy;
  readonly #cleanups: (() => unknown)[];
  #played = 0;

  private constructor(
    backend: RecordingBackend,
    proxy: ListeningProxy,
    cleanups: (() => unknown)[],
  ) {
    this.#backend = backend;
    this.#proxy = proxy;
    this.#cleanups = cleanups;
  }

  static async open(proxy: Pick<TestedProxy, 'start'>): Promise<Lane> {
    const backend = await RecordingBackend.start();
    const cleanups: (() => unknown)[] = [() => backend.close()];
    try {
      const listening = await proxy.start(backend.port, (cleanup) => cleanups.push(cleanup));
      return new Lane(backend, listening, cleanups);
    } catch (error) {
      await cleanUp(cleanups);
      throw error;
    }
  }

  /**
   * Sends the message, a harmless request right behind it on the same connection, and then one of
   * another client: what is left over of the first shows in the others.
   */
  async play({ from, bytes, request: asked, ends = false }: HostileMessage): Promise<Observation> {
    this.#played += 1;
    const probe = `/probe-${this.#played}`;
    const other = `/other-${this.#played}`;
    const hostile = from === 'client' ? bytes : (asked ?? PLAIN);
    this.#backend.reset(from === 'backend' ? { bytes, ends } : undefined);
    const first = await this.#send(hostile + request(probe, 'Connection: close'));
    const second = await this.#send(request(other, 'Connection: close'));
    return {
      segments: this.#backend.segments,
      answered: first.text,
      ended: first.ended,
      probe,
      other,
      otherAnswered: second.text,
    };
  }

  async close(): Promise<void> {
    await cleanUp(this.#cleanups);
  }

  /** Sends the bytes on a connection of their own; what comes until the proxy ends it. */
  #send(bytes: string): Promise<{ text: string; ended: boolean }> {
    const { port, tls } = this.#proxy;
    return new Promise((resolve) => {
      const tcp = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
      const socket = tls
        ? connectTls({ socket: tcp, rejectUnauthorized: false, servername: 'localhost' })
        : tcp;
      let text = '';
      const finish = (ended: boolean) => {
        clearTimeout(timer);
        tcp.resetAndDestroy();
        resolve({ text, ended });
      };
      const timer = setTimeout(() => finish(false), DEADLINE_MS);
      tcp.setNoDelay(true);
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1');
      });
      for (const event of ['end', 'error', 'close']) socket.once(event, () => finish(true));
      tcp.on('error', () => finish(true));
      socket.write(bytes, 'latin1');
    });
  }
}

function request(target: string, ...fields: string[]): string {
  return [
    'GET ',
    target,
    ' HTTP/1.1\r\nHost: a.example\r\n',
    ...fields.map((line) => `${line}\r\n`),
    '\r\n',
  ].join('');
}

async function cleanUp(cleanups: (() => unknown)[]): Promise<void> {
  for (const cleanup of cleanups.reverse()) await cleanup();
}
