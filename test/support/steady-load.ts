import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { collect } from './gateway.ts';

/** Clients that ask on and on, on connections that they keep and on new ones, and open websockets. */
export interface SteadyLoad {
  /** Requests that were answered with 200. */
  readonly answered: number;
  /** What went wrong with the others. */
  readonly failures: readonly string[];
  /** Websockets that were cut, and echoes that came. */
  readonly cut: number;
  readonly echoes: number;
  /** Resolves when every request under way has ended. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly portal: number;
  readonly console?: number;
  /** Lanes with a connection that is kept, and lanes with a new one for each request. */
  readonly lanes: number;
  readonly tunnels?: number;
}

/** Between requests of a lane: without, the load takes the processor that new workers are to start on. */
const THINK_MS = 25;
/** Between echoes of a websocket. */
const ECHO_MS = 50;

/** Begins; resolves when the websockets are open and each lane has had an answer. */
export async function startLoad(
  t: TestContext,
  { portal, console: port, lanes, tunnels = 0 }: LoadOptions,
): Promise<SteadyLoad> {
  let over = false;
  let answered = 0;
  let echoes = 0;
  let cut = 0;
  const failures: string[] = [];

  async function ask(agent: Agent | false): Promise<void> {
    try {
      const outgoing = request({
        host: '127.0.0.1',
        port: portal,
        path: '/x',
        agent,
        rejectUnauthorized: false,
      });
      outgoing.end();
      const [incoming] = await once(outgoing, 'response');
      const { status } = await collect(incoming);
      if (status === 200) answered += 1;
      else failures.push(`answered ${status}`);
    } catch (error) {
      failures.push((error as NodeJS.ErrnoException).code ?? String(error));
      // What refuses everything would otherwise be asked as fast as it can refuse.
      await delay(20);
    }
  }

  async function lane(agent: Agent | false): Promise<void> {
    for (; !over; await delay(THINK_MS)) await ask(agent);
  }

  async function tunnel(): Promise<void> {
    const socket = new WebSocket(`wss://127.0.0.1:${port}/websockify?token=t`, {
      rejectUnauthorized: false,
    });
    t.after(() => socket.terminate());
    socket.on('error', () => {});
    await once(socket, 'message');
    socket.on('message', () => {
      echoes += 1;
      setTimeout(() => socket.send('x'), ECHO_MS).unref();
    });
    socket.send('x');
    socket.on('close', () => {
      cut += over ? 0 : 1;
    });
  }

  await Promise.all(Array.from({ length: tunnels }, tunnel));
  const agents = Array.from({ length: lanes }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const running = [...agents, ...agents.map(() => false as const)].map(lane);
  const stop = async () => {
    over = true;
    await Promise.all(running);
    for (const agent of agents) agent.destroy();
  };
  t.after(stop);
  return {
    get answered() {
      return answered;
    },
    failures,
    get cut() {
      return cut;
    },
    get echoes() {
      return echoes;
    },
    stop,
  };
}
