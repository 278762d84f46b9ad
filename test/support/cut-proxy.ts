import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { freePorts } from './free-port.ts';

/** A way to a server that can be troubled, as a network is. */
export interface CutProxy {
  readonly address: string;
  readonly port: number;
  /** From now on nothing passes, and nothing is refused either; what was under way is lost. */
  cut(): void;
  /** What is open is reset, and what is new refused, as by a host whose server has ended. */
  refuse(): void;
  /** Whatever passes takes so many ms longer, in each direction. */
  slow(ms: number): void;
  /** New connections pass again, and without delay; those that were cut stay dead. */
  mend(): void;
}

/** How much may wait to be late before its sender has to wait, in bytes. */
const MOST_LATE = 1_048_576;

/** Starts a proxy on loopback to a server there. It ends with the test whose context is `t`. */
export async function startCutProxy(
  t: { after(hook: () => unknown): void },
  to: number,
): Promise<CutProxy> {
  let isCut = false;
  let delayMs = 0;
  const links = new Set<Link>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (downstream) => {
    const link = new Link(downstream, isCut ? undefined : to, () => delayMs);
    links.add(link);
    downstream.once('close', () => links.delete(link));
  });
  const [port] = (await freePorts(1)) as [number];
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    for (const link of links) link.destroy();
  });
  return {
    address: `127.0.0.1:${port}`,
    port,
    cut() {
      isCut = true;
      for (const link of links) link.cut();
    },
    refuse() {
      server.close();
      for (const link of links) link.reset();
    },
    slow(ms) {
      delayMs = ms;
    },
    mend() {
      isCut = false;
      delayMs = 0;
      if (!server.listening) server.listen(port, '127.0.0.1');
    },
  };
}

/** One connection through the proxy. */
class Link {
  readonly #sides: readonly Socket[];
  readonly #delayMs: () => number;
  #dead = false;

  /** Without a port to go on to, it is dead from the start. */
  constructor(downstream: Socket, to: number | undefined, delayMs: () => number) {
    this.#delayMs = delayMs;
    downstream.on('error', () => {});
    if (to === undefined) {
      this.#dead = true;
      this.#sides = [downstream.pause()];
      return;
    }
    const upstream = connect({ host: '127.0.0.1', port: to, noDelay: true, allowHalfOpen: true });
    upstream.on('error', () => {});
    this.#sides = [downstream, upstream];
    this.#pass(downstream, upstream);
    this.#pass(upstream, downstream);
  }

  cut(): void {
    this.#dead = true;
    for (const side of this.#sides) side.pause();
  }

  reset(): void {
    for (const side of this.#sides) side.resetAndDestroy();
  }

  destroy(): void {
    for (const side of this.#sides) side.destroy();
  }

  #pass(from: Socket, to: Socket): void {
    let late = 0;
    /** What is late, in order: timers that are due within a millisecond may fire in any. */
    const waiting: (() => void)[] = [];
    /** What comes later does not overtake what is late. */
    const inTurn = (bytes: number, act: () => void) => {
      const delay = this.#delayMs();
      if (delay === 0 && waiting.length === 0) return act();
      late += bytes;
      if (late > MOST_LATE) from.pause();
      waiting.push(() => {
        late -= bytes;
        if (!this.#dead) act();
      });
      due = Math.max(due, performance.now() + delay);
      setTimeout(() => waiting.shift()!(), due - performance.now());
    };
    let due = 0;
    const goOn = () => {
      if (!this.#dead && late <= MOST_LATE) from.resume();
    };
    from.on('data', (chunk) => {
      inTurn(chunk.length, () => {
        if (to.write(chunk)) goOn();
        else {
          from.pause();
          to.once('drain', goOn);
        }
      });
    });
    from.on('end', () => inTurn(1, () => to.end()));
    // One that was cut says nothing more of its other side.
    from.on('close', () => {
      if (!this.#dead || from === this.#sides[0]) to.destroy();
    });
  }
}
