import type { Server } from 'node:net';
import type { ControlPlane } from './control-plane.ts';
import type { DataPlane } from './data-plane.ts';
import type { Ledger } from './ledger.ts';
import type { DataListener } from './listeners.ts';
import type { Member } from './members.ts';
import type { DataReport, OpenTunnel, Snapshot, Totals } from './messages.ts';
import { Reporter } from './reporter.ts';
import { type Share, WHOLE } from './share.ts';

/** A data plane in the process of the control plane. */
export class LocalMember implements Member {
  readonly pid = process.pid;
  share: Share | undefined = WHOLE;
  report: DataReport;
  readonly #plane: DataPlane;
  readonly #ledger: Ledger;
  readonly #reporter: Reporter<DataReport>;

  constructor(plane: DataPlane, control: Pick<ControlPlane, 'reported' | 'ledger'>) {
    this.#plane = plane;
    this.report = plane.report();
    this.#ledger = control.ledger;
    this.#ledger.follow(this, () => plane.counts());
    this.#reporter = new Reporter(
      () => plane.report(),
      (report) => {
        this.report = report;
        control.reported();
      },
    );
  }

  /** See {@link DataPlane.serverFor}. */
  serverFor(listener: DataListener): Server {
    return this.#plane.serverFor(listener);
  }

  apply(snapshot: Snapshot): void {
    this.#plane.apply(snapshot);
  }

  learn(totals: Totals): void {
    this.#plane.learn(totals);
  }

  async refresh(): Promise<void> {
    this.report = this.#plane.report();
  }

  async openTunnels(most: number): Promise<readonly OpenTunnel[]> {
    return this.#plane.openTunnels(most);
  }

  async endTunnel(id: string): Promise<boolean> {
    return this.#plane.endTunnel(id);
  }

  /** Takes no more connections; resolves when the last one is gone. */
  async drain(): Promise<void> {
    this.share = undefined;
    const drained = this.#plane.drain();
    await this.refresh();
    await drained;
    await this.#end();
  }

  /** Stops; resolves when no connection is left. */
  async close(): Promise<void> {
    await this.#plane.close();
    await this.#end();
  }

  #end(): Promise<void> {
    this.#reporter.stop();
    this.#ledger.close(this);
    return this.refresh();
  }
}
