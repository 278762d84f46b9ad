import type { Socket } from 'node:net';
import { type Bell, Deviation } from './bell.ts';
import { assertMessage, type Expected } from './expectation.ts';
import { type End, type Kind, type Message, readHead, readMessage, shown } from './message.ts';

/** One end of a connection to the proxy: sends raw bytes, and reads what comes in order. */
export class Wire {
  readonly #socket: Socket;
  /** The TCP connection below `socket`; the same where there is no TLS. */
  readonly #tcp: Socket;
  readonly #bell: Bell;
  #unread = '';
  #end: End = 'open';

  constructor(socket: Socket, bell: Bell, tcp: Socket = socket) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#bell = bell;
    const finish = (end: End) => {
      if (this.#end === 'open') this.#end = end;
      bell.ring();
    };
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#unread += chunk.toString('latin1');
      bell.ring();
    });
    socket.on('end', () => finish('ended'));
    socket.on('error', () => finish('reset'));
    tcp.on('error', () => finish('reset'));
    socket.on('close', () => finish('ended'));
  }

  /** What has come and has not been read (latin1). */
  get unread(): string {
    return this.#unread;
  }

  /** The other side has ended or reset the connection. */
  get over(): boolean {
    return this.#end !== 'open';
  }

  /** Writes text as latin1 bytes. */
  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Ends this side's direction only. */
  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection with a TCP reset; what has come and was not read is lost. */
  reset(): void {
    this.#unread = '';
    this.#tcp.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#tcp.destroy();
  }

  /** The next request that comes in whole, or what of it came before the connection ended. */
  request(expected: Expected = {}): Promise<Message> {
    return this.#message('request', expected, false);
  }

  /** The next response, interim ones too; to a HEAD where `to` says so. */
  response(expected: Expected = {}, to = 'GET'): Promise<Message> {
    return this.#message('response', expected, to === 'HEAD');
  }

  /** The head of the next request, once it is there; its body stays unread. */
  async requestHead(expected: Expected = {}): Promise<Message> {
    const head = await this.#until('the head of a request', () =>
      readHead(this.#unread, 'request'),
    );
    this.#take(head.length);
    const message: Message = { ...head, framing: 'none', body: '', trailers: [], complete: true };
    assertMessage(message, expected);
    return message;
  }

  /** Waits for exactly these bytes. */
  async receives(text: string): Promise<void> {
    await this.#until(shown(text), () => {
      const come = this.#unread.slice(0, text.length);
      if (!text.startsWith(come)) throw new Deviation(`got ${shown(come)}, not ${shown(text)}`);
      return come === text || undefined;
    });
    this.#take(text.length);
  }

  /** Waits until these bytes are among those that have come, and leaves them unread. */
  async shows(text: string): Promise<void> {
    await this.#until(shown(text), () => this.#unread.includes(text) || undefined);
  }

  /**
   * Waits for the end of the connection on which a request has begun.
   * @throws Deviation where that request is whole.
   */
  async brokenOff(): Promise<void> {
    await this.#bell.until(
      () => 'the request to be broken off',
      () => this.over || undefined,
    );
    if (readHead(this.#unread, 'request')) await this.request({ complete: false });
    this.#unread = '';
  }

  /** Waits for the end of the connection, before which nothing more may come. */
  async closed(): Promise<void> {
    await this.#over();
    if (this.#unread !== '') throw new Deviation(`also got ${shown(this.#unread)}`);
  }

  /** Waits until the connection is closed, whatever comes before that. */
  async gone(): Promise<void> {
    await this.#over();
    this.#unread = '';
  }

  async #over(): Promise<void> {
    await this.#bell.until(
      () => 'the connection to be closed',
      () => this.over || undefined,
    );
  }

  async #message(kind: Kind, expected: Expected, bodiless: boolean): Promise<Message> {
    const { message, length } = await this.#until(`a ${kind}`, () =>
      readMessage(this.#unread, kind, { over: this.#end, bodiless }),
    );
    this.#take(length);
    assertMessage(message, expected);
    return message;
  }

  #until<T>(what: string, look: () => T | undefined): Promise<T> {
    return this.#bell.until(
      () => `${what}; there is ${shown(this.#unread)}`,
      () => {
        const seen = look();
        if (seen === undefined && this.over) {
          throw new Deviation(`closed instead of ${what}, after ${shown(this.#unread)}`);
        }
        return seen;
      },
    );
  }

  #take(length: number): void {
    this.#unread = this.#unread.slice(length);
  }
}
