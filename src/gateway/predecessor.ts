import type { SendHandle } from 'node:child_process';
import type { Counts } from '../admin/counts.ts';
import { BoundSocket } from '../listener/bound-socket.ts';
import { decodeDecisions } from '../memcached/decisions.ts';
import type { BoundListener, BoundListeners } from './bound-listeners.ts';
import type { ControlPlane } from './control-plane.ts';
import type { ListenerName } from './listeners.ts';
import { Mailbox } from './mailbox.ts';
import type { Member } from './members.ts';
import { type DataReport, EMPTY_REPORT, type OpenTunnel } from './messages.ts';
import type { StandingDecisions } from './shared-control.ts';
import type { DecisionsText, FromSuccessor, ToSuccessor } from './succession-messages.ts';

/** How long the one before may take to hand its sockets over, in ms. */
const MEET_MS = 10_000;

/**
 * The gateway whose place this one takes, while both run. In the control plane it is one more data
 * plane that drains: what it holds counts, until it is gone.
 */
export class Predecessor implements Member {
  readonly pid = process.ppid;
  readonly share = undefined;
  report: DataReport = EMPTY_REPORT;
  ticketSecret: Buffer | undefined;
  decisions: StandingDecisions | undefined;
  readonly #listeners = new Map<ListenerName, BoundListener>();
  readonly #mailbox = new Mailbox<FromSuccessor>(process);
  #control: ControlPlane | undefined;
  /** What it has counted; undefined where it does not tell. */
  #counts: Counts | undefined;
  #onBegin: (() => void) | undefined;

  /** Resolves when it has handed over what it has to; rejects where it does not. */
  static meet(): Promise<Predecessor> {
    const predecessor = new Predecessor();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nobody hands over sockets')), MEET_MS);
      predecessor.#onBegin = () => {
        clearTimeout(timer);
        resolve(predecessor);
      };
    });
  }

  private constructor() {
    process.on('message', (message, handle) => this.#onMessage(message as ToSuccessor, handle));
    process.once('disconnect', () => this.#onGone());
  }

  /** The sockets that it has left. */
  get listeners(): BoundListeners {
    return this.#listeners;
  }

  /** Counts what it holds from now on. */
  joins(control: ControlPlane): void {
    if (!process.connected) return;
    this.#control = control;
    control.join(this);
    this.#noteCounts();
  }

  /** It may go. */
  serving(): void {
    this.#mailbox.send({ type: 'serving' });
  }

  /** It has to go on; resolves when it has been told. */
  failed(detail: string): Promise<void> {
    return new Promise((resolve) => this.#mailbox.send({ type: 'failed', detail }, resolve));
  }

  learn(): void {}

  apply(): void {}

  async refresh(): Promise<void> {}

  /** What it holds is not told one by one. */
  async openTunnels(): Promise<readonly OpenTunnel[]> {
    return [];
  }

  async endTunnel(): Promise<boolean> {
    return false;
  }

  #onMessage(message: ToSuccessor, handle: SendHandle): void {
    if (message.type === 'socket') {
      const { config } = message;
      const before = this.#listeners.get(config.name)?.sockets ?? [];
      const sockets = [...before, new BoundSocket(handle)];
      this.#listeners.set(config.name, { config, address: sockets[0]!.address, sockets });
      return;
    }
    this.report = message.report;
    this.#counts = message.counts;
    this.#noteCounts();
    if (message.type === 'report') {
      this.#control?.reported();
      return;
    }
    this.decisions = decisionsOf(message.decisions);
    this.ticketSecret = Buffer.from(message.ticketSecret, 'base64');
    this.#onBegin?.();
  }

  #noteCounts(): void {
    if (this.#counts) this.#control?.ledger.note(this, this.#counts);
  }

  #onGone(): void {
    this.#control?.leave(this);
    this.#control?.ledger.close(this);
  }
}

function decisionsOf(text: DecisionsText | undefined): StandingDecisions | undefined {
  if (!text) return undefined;
  const cluster = decodeDecisions(Buffer.from(text.cluster)) ?? new Map();
  return { cluster, local: new Map(text.local) };
}
