import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { hostname } from 'node:os';
import type { LineOutput } from '../log.ts';
import { priorityOf } from './destination.ts';
import { HttpClock } from './http-clock.ts';

/** Most bytes of lines that wait to be sent, among them those that wait for the server's name. */
const MAX_WAITING_BYTES = 1_048_576;
/** Longer messages would not fit into a datagram. */
const MAX_MESSAGE_BYTES = 65_000;
/** How soon the server's name is looked up anew after that failed, in ms. */
const RETRY_MS = 5_000;

export interface UdpSyslogOptions {
  readonly host: string;
  readonly port: number;
  readonly facility: string;
  readonly retryMs?: number;
}

/**
 * Sends lines to a syslog server by UDP, in the format of RFC 3164, which HAProxy uses as well. Nothing
 * waits for it: what cannot be sent is dropped and counted.
 */
export class UdpSyslog implements LineOutput {
  dropped = 0;
  readonly #options: UdpSyslogOptions;
  readonly #priority: string;
  readonly #source = `${hostname()} dashgate[${process.pid}]: `;
  readonly #clock = new HttpClock();
  #socket: Socket | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: UdpSyslogOptions) {
    this.#options = options;
    this.#priority = `<${priorityOf(options.facility)}>`;
    this.#open();
  }

  write(line: string): void {
    const time = this.#clock.syslog(Date.now());
    const bytes = Buffer.from(`${this.#priority}${time} ${this.#source}${line.slice(0, -1)}`);
    if (bytes.length > MAX_MESSAGE_BYTES) {
      this.dropped += 1;
    } else if (this.#socket) {
      this.#send(this.#socket, bytes);
    } else if (this.#closed || this.#waitingBytes + bytes.length > MAX_WAITING_BYTES) {
      this.dropped += 1;
    } else {
      this.#waitingBytes += bytes.length;
      this.#waiting.push(bytes);
    }
  }

  /** Sends what waits, and nothing more. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.dropped += this.#waiting.length;
    this.#waiting = [];
    const socket = this.#socket;
    this.#socket = undefined;
    // What was handed to the socket is sent before it closes, in the order of the event loop.
    setImmediate(() => socket?.close());
  }

  #open(): void {
    const { host, port } = this.#options;
    // Of a name, its IPv4 address is taken.
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    socket.unref();
    socket.on('error', () => {});
    socket.connect(port, host, (error?: Error) => {
      if (error || this.#closed) {
        socket.close();
        if (!this.#closed) this.#openLater();
        return;
      }
      this.#socket = socket;
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (const bytes of waiting) this.#send(socket, bytes);
    });
  }

  #openLater(): void {
    this.#retry = setTimeout(() => this.#open(), this.#options.retryMs ?? RETRY_MS).unref();
  }

  #send(socket: Socket, bytes: Buffer): void {
    if (socket.getSendQueueSize() > MAX_WAITING_BYTES) {
      this.dropped += 1;
      return;
    }
    socket.send(bytes, (error) => {
      // The server is not there, or its queue is full: that is what UDP tells, if anything.
      if (error) this.dropped += 1;
    });
  }
}
