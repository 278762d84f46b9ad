import { type ChildProcess, spawn } from 'node:child_process';
import type { Counts } from '../admin/counts.ts';
import type { Environment } from '../config.ts';
import { encodeDecisions } from '../memcached/decisions.ts';
import type { BoundListeners } from './bound-listeners.ts';
import { Mailbox } from './mailbox.ts';
import type { DataReport } from './messages.ts';
import type { StandingDecisions } from './shared-control.ts';
import type { FromSuccessor, ToSuccessor } from './succession-messages.ts';

/** How long a successor may take until it serves, in ms. */
const START_MS = 60_000;

/** How the next gateway is started: as this one was, from what is on the disk now. */
export interface SuccessorCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
}

/** What a successor is given. */
export interface Legacy {
  readonly ticketSecret: Buffer;
  readonly listeners: BoundListeners;
  readonly report: DataReport;
  readonly counts: Counts;
  readonly decisions: StandingDecisions | undefined;
}

/**
 * The gateway that takes this one's place, while both run: it is given the listening sockets, and told
 * what is still held here.
 */
export class Successor {
  readonly #child: ChildProcess;
  readonly #mailbox: Mailbox<ToSuccessor>;

  constructor({ program, args, env }: SuccessorCommand) {
    this.#child = spawn(program, args, {
      env: env as NodeJS.ProcessEnv,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#mailbox = new Mailbox(this.#child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Gives it what it needs; resolves when it serves.
   * @throws Error, with what it said, where it ends before or takes too long; it is gone then.
   */
  serve({ ticketSecret, listeners, report, counts, decisions }: Legacy): Promise<void> {
    const all = [...listeners.values()];
    for (const { config, sockets } of all) {
      for (const { handle } of sockets) {
        // Not by way of standard streams: what comes so is not passed on to every process below it.
        this.#child.send({ type: 'socket', config } satisfies ToSuccessor, handle);
      }
    }
    this.#mailbox.send({
      type: 'begin',
      ticketSecret: ticketSecret.toString('base64'),
      report,
      counts,
      decisions: decisions && {
        cluster: encodeDecisions(decisions.cluster).toString(),
        local: [...decisions.local],
      },
    });
    return new Promise((resolve, reject) => {
      const fail = (detail: string) => {
        clearTimeout(timer);
        this.#child.kill('SIGKILL');
        reject(new Error(detail));
      };
      const timer = setTimeout(() => fail(`it did not serve within ${START_MS} ms`), START_MS);
      this.#child.on('message', (message) => {
        const told = message as FromSuccessor;
        if (told.type === 'failed') fail(told.detail);
        else {
          clearTimeout(timer);
          resolve();
        }
      });
      this.#child.once('error', (error) => fail(error.message));
      this.#child.once('exit', (code, signal) => fail(`it ended with ${code ?? signal}`));
    });
  }

  /** Tells what this gateway still does. */
  tell(report: DataReport, counts: Counts): void {
    this.#mailbox.sendLatest('report', { type: 'report', report, counts });
  }

  /** It is on its own: this process may end before it. */
  release(): void {
    if (this.#child.connected) this.#child.disconnect();
    this.#child.unref();
  }
}
