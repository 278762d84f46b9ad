import { type ChildProcess, fork, type StdioOptions } from 'node:child_process';
import { EventEmitter } from 'node:events';
import type { Counts } from '../admin/counts.ts';
import type { WorkerState } from '../admin/state.ts';
import type { CacheHealth } from '../cache/cache-health.ts';
import type { NodeOptions } from '../cache/session-cache.ts';
import type { ConfigSource, Environment } from '../config.ts';
import type { BoundSocket } from '../listener/bound-socket.ts';
import type { Hits } from '../policy/rate-limits.ts';
import type { DataListener } from './listeners.ts';
import { Mailbox } from './mailbox.ts';
import type { Member } from './members.ts';
import {
  type BackendFailure,
  type DataReport,
  EMPTY_REPORT,
  type OpenTunnel,
  type Snapshot,
  type Totals,
} from './messages.ts';
import type { Share } from './share.ts';
import { type FromWorker, PROTOCOL, type Task, type ToWorker } from './worker-messages.ts';
import { runtimeOf } from './worker-runtime.ts';

export const WORKER_MAIN = new URL('worker-main.ts', import.meta.url);

/** Standard streams and the channel come before the sockets of a worker. */
export const FIRST_SOCKET_FD = 4;

/** How long who looks at a worker waits for its latest figures, in ms. */
const REFRESH_MS = 300;

/** How a worker ended. */
export interface WorkerEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not do its task, where it said so. */
  readonly detail: string | undefined;
}

/** In ms. */
export interface WorkerTiming {
  /** How long it may take to be ready, and to anything else that it is to say. */
  readonly answerMs: number;
  /** How often it is asked whether it is stuck. */
  readonly pingMs: number;
}

type Answer<T extends FromWorker['type']> = Extract<FromWorker, { readonly type: T }>;

interface WorkerEvents {
  report: [];
  counts: [counts: Counts];
  backendFailed: [service: string, backend: string, failure: BackendFailure];
  hits: [hits: readonly Hits[]];
  /** So many pings in a row have had no answer by the time of the next. */
  missed: [pings: number];
  end: [WorkerEnd];
}

export interface WorkerProcessOptions {
  readonly source: ConfigSource;
  readonly task: Task;
  /** File descriptors of its sockets, in the order of its task's. */
  readonly fds: readonly number[];
  readonly timing: WorkerTiming;
  /** Its environment, but for how it has memory; that of this process where undefined. */
  readonly env: Environment | undefined;
}

/** One worker as its supervisor deals with it: a process, from its start to its end. */
export class WorkerProcess extends EventEmitter<WorkerEvents> implements Member {
  readonly kind: Task['kind'];
  share: Share | undefined;
  report: DataReport = EMPTY_REPORT;
  cacheHealth: CacheHealth | undefined;
  state: 'starting' | 'serving' | 'draining' = 'starting';
  readonly #child: ChildProcess;
  readonly #mailbox: Mailbox<ToWorker>;
  readonly #options: WorkerProcessOptions;
  readonly #started = performance.now();
  readonly #pings: NodeJS.Timeout;
  #unanswered = 0;
  #detail: string | undefined;
  #end: WorkerEnd | undefined;
  #told = '';

  constructor(options: WorkerProcessOptions) {
    super();
    this.setMaxListeners(0);
    const { task, fds, source, timing, env } = options;
    this.#options = options;
    this.kind = task.kind;
    this.share = task.kind === 'relay' ? task.share : undefined;
    const stdio: StdioOptions = ['ignore', 'inherit', 'inherit', 'ipc', ...fds];
    this.#child = fork(WORKER_MAIN, { stdio, ...runtimeOf(env) });
    this.#child.setMaxListeners(0);
    this.#mailbox = new Mailbox(this.#child);
    this.#child.on('message', (message) => this.#onMessage(message as FromWorker));
    this.#child.once('exit', (code, signal) => this.#onEnd(code, signal));
    // It could not be started at all: out of memory or of processes.
    this.#child.once('error', (error) => {
      this.#detail ??= error.message;
      if (this.#child.pid === undefined) this.#onEnd(null, null);
    });
    this.#pings = setInterval(() => this.#ping(), timing.pingMs).unref();
    this.#mailbox.send({ type: 'start', protocol: PROTOCOL, source, task });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get ageMs(): number {
    return performance.now() - this.#started;
  }

  /** How it ended; undefined while it lives. */
  get ended(): WorkerEnd | undefined {
    return this.#end;
  }

  /** Resolves when it can accept; rejects, with what it said, where it ends before. */
  async ready(): Promise<void> {
    await this.#answer('ready');
  }

  /** Has it accept connections. */
  async accept(): Promise<void> {
    this.#mailbox.send({ type: 'accept' });
    await this.#answer('accepting');
    this.state = 'serving';
  }

  /** Has it accept from one more socket, as soon as it accepts at all. */
  open(name: DataListener, { handle }: BoundSocket): void {
    this.#mailbox.sendSocket({ type: 'open', name }, handle);
  }

  /** Has a cache keep the sessions on other nodes. */
  moveTo(nodes: NodeOptions): void {
    this.#mailbox.send({ type: 'move', nodes });
  }

  /** Has it take no more connections, and end after the last; resolves when it takes no more. */
  async drain(): Promise<void> {
    this.state = 'draining';
    this.#mailbox.send({ type: 'drain' });
    await this.#answer('draining').catch(() => {});
    this.share = undefined;
  }

  /** Resolves when it has ended. */
  end(): Promise<void> {
    if (this.#end) return Promise.resolve();
    return new Promise((resolve) => this.once('end', () => resolve()));
  }

  /** Has it end; resolves when it has. */
  async stop(timeoutMs: number): Promise<void> {
    if (this.#end) return;
    this.state = 'draining';
    const deadline = setTimeout(() => this.kill(), timeoutMs);
    this.#mailbox.send({ type: 'stop' });
    await this.end();
    clearTimeout(deadline);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  apply(snapshot: Snapshot): void {
    const text = JSON.stringify(snapshot);
    if (text === this.#told) return;
    this.#told = text;
    this.#mailbox.sendLatest('snapshot', { type: 'snapshot', snapshot });
  }

  learn(totals: Totals): void {
    this.#mailbox.send({ type: 'totals', totals });
  }

  async refresh(): Promise<void> {
    this.#mailbox.send({ type: 'report' });
    await this.#answer('report', REFRESH_MS).catch(() => {});
  }

  async openTunnels(most: number): Promise<readonly OpenTunnel[]> {
    this.#mailbox.send({ type: 'tunnels', most });
    const answer = await this.#answer('tunnels', REFRESH_MS).catch(() => undefined);
    return answer?.tunnels ?? [];
  }

  async endTunnel(id: string): Promise<boolean> {
    this.#mailbox.send({ type: 'endTunnel', id });
    const isAbout = (answer: { readonly id: string }) => answer.id === id;
    const answer = await this.#answer('tunnelEnded', REFRESH_MS, isAbout).catch(() => undefined);
    return answer?.found ?? false;
  }

  /** What there is to see of it. */
  describe(): Omit<WorkerState, 'kind' | 'slot' | 'restarts' | 'deaths'> {
    const { services, connections } = this.report;
    return {
      pid: this.pid,
      state: this.state,
      ageSeconds: Math.floor(this.ageMs / 1_000),
      connections,
      tunnels: services.reduce((sum, { tunnels }) => sum + tunnels, 0),
    };
  }

  /** What it says next of a type, and of which `isAbout` holds. @throws Error where it ends, or takes too long. */
  #answer<T extends FromWorker['type']>(
    type: T,
    timeoutMs = this.#options.timing.answerMs,
    isAbout: (answer: Answer<T>) => boolean = () => true,
  ): Promise<Answer<T>> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#child.off('message', onMessage);
        this.off('end', onEnd);
        act();
      };
      const onMessage = (message: unknown) => {
        const answer = message as Answer<T>;
        if (answer.type === type && isAbout(answer)) settle(() => resolve(answer));
      };
      const onEnd = () => settle(() => reject(new Error(`a worker ${describeEnd(this.#end!)}`)));
      const timer = setTimeout(() => {
        settle(() => reject(new Error(`a worker was not ${type} in time`)));
      }, timeoutMs);
      this.#child.on('message', onMessage);
      this.once('end', onEnd);
      if (this.#end) onEnd();
    });
  }

  #onMessage(message: FromWorker): void {
    switch (message.type) {
      case 'report':
        this.report = message.report;
        this.emit('report');
        break;
      case 'counts':
        this.emit('counts', message.counts);
        break;
      case 'cache':
        this.cacheHealth = message.health;
        break;
      case 'backendFailed':
        this.emit('backendFailed', message.service, message.backend, message.failure);
        break;
      case 'hits':
        this.emit('hits', message.hits);
        break;
      case 'failed':
        this.#detail = message.detail;
        break;
      case 'pong':
        this.#unanswered = 0;
        break;
    }
  }

  /** Counts, and measures no time: after a pause of the whole machine all are to be heard first. */
  #ping(): void {
    // How long a start may take has a limit of its own, which a busy host needs.
    if (this.state === 'starting') return;
    if (this.#unanswered > 0) this.emit('missed', this.#unanswered);
    this.#unanswered += 1;
    this.#mailbox.sendLatest('ping', { type: 'ping' });
  }

  #onEnd(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#end) return;
    clearInterval(this.#pings);
    this.#end = { code, signal, detail: this.#detail };
    this.emit('end', this.#end);
  }
}

/** Completes the sentence "a worker …". */
export function describeEnd({ code, signal, detail }: WorkerEnd): string {
  const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
  return detail === undefined ? how : `${how}: ${detail}`;
}
