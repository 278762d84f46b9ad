import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { Listening, SAY_MS, saying, WRONG_BYTES } from '../cluster/stream.ts';
import type { Crowd } from './user.ts';

/** How long a console may be silent until its user opens it anew, in ms. */
const SILENCE_MS = 15_000;
/** How long an opening may take, in ms. */
const OPENING_MS = 15_000;
/** How long somebody keeps a console that does not end by itself, at least and at most, in ms. */
const STAY_MS = { least: 10_000, most: 60_000 } as const;
/** How long somebody waits before opening it again, at least and at most, in ms. */
const AGAIN_MS = { least: 300, most: 1_300 } as const;

function between({ least, most }: typeof STAY_MS | typeof AGAIN_MS, random: () => number): number {
  return least + random() * (most - least);
}

/** Somebody with a console, who checks what it says, talks to it, and opens it anew when it ends. */
export class Viewer {
  readonly #number: number;
  readonly #crowd: Crowd;
  #socket: WebSocket | undefined;
  /** It is open, and its name is known. */
  #open = false;
  /** There is none for the moment, as nobody wanted it any longer. */
  #away = false;
  #attempts = 0;
  #over = false;

  constructor(number: number, crowd: Crowd) {
    this.#number = number;
    this.#crowd = crowd;
  }

  /** Has a console, or wants none. */
  get content(): boolean {
    return this.#open || this.#away;
  }

  /** Opens it again and again until it is to leave. */
  async stay(): Promise<void> {
    const { random } = this.#crowd;
    while (!this.#over) {
      await this.#once();
      if (!this.#over) await delay(between(AGAIN_MS, random));
    }
  }

  leave(): void {
    this.#over = true;
    this.#socket?.terminate();
  }

  /** One console, from its opening to its end. */
  #once(): Promise<void> {
    const { front, ledger, hits, random } = this.#crowd;
    const gateway = front.gatewayOf(this.#number);
    const id = `${this.#number}-${this.#attempts++}`;
    const from = performance.now();
    const listening = new Listening(id, 'down');
    let name: string | undefined;
    let port = 0;
    let failure: string | undefined;
    let said = 0;
    this.#away = false;
    ledger.others += 1;
    const socket = new WebSocket(
      `wss://127.0.0.1:${gateway.ports.console}/websockify?token=${this.#number}&id=${id}`,
      {
        rejectUnauthorized: false,
        perMessageDeflate: false,
        handshakeTimeout: OPENING_MS,
        finishRequest(outgoing) {
          outgoing.once('socket', (used) => {
            front.track(gateway, used);
            used.once('secureConnect', () => {
              port = used.localPort ?? 0;
            });
          });
          outgoing.end();
        },
      },
    );
    this.#socket = socket;
    const silence = setTimeout(() => {
      failure ??= `silent for ${SILENCE_MS / 1_000} s`;
      socket.terminate();
    }, SILENCE_MS);
    const stay = between(STAY_MS, random);
    let talk: NodeJS.Timeout | undefined;
    let leave: NodeJS.Timeout | undefined;
    socket.on('error', (error) => {
      failure ??= error.message;
    });
    socket.on('message', (data, binary) => {
      silence.refresh();
      if (!binary) {
        name = String(data);
        this.#open = true;
        ledger.tunnels += 1;
        talk = setInterval(() => socket.send(saying(id, 'up', said++)), SAY_MS);
        leave = setTimeout(() => {
          this.#away = true;
          socket.close();
        }, stay);
        return;
      }
      ledger.compared += 1;
      if (!listening.isRight(data as Buffer)) ledger.wrong.add('what a console said');
    });
    return new Promise((resolve) => {
      socket.once('close', (code) => {
        clearTimeout(silence);
        clearInterval(talk);
        clearTimeout(leave);
        this.#open = false;
        resolve();
        if (code === WRONG_BYTES) ledger.wrong.add('what was said to a console');
        if (this.#over || this.#away) return;
        ledger.trouble();
        if (name === undefined) {
          ledger.othersFailed.add(`console not opened (${failure ?? code})`);
          return;
        }
        const course = { gateway: gateway.name, port, part: name, from, until: performance.now() };
        const counts = hits.touched(course) ? ledger.cutTouched : ledger.cutUntouched;
        counts.add(failure ?? `closed with ${code}`);
      });
    });
  }
}
