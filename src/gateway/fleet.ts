import type { WorkerState } from '../admin/state.ts';
import type { CacheHealth } from '../cache/cache-health.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { BoundListeners } from './bound-listeners.ts';
import type { ControlPlane } from './control-plane.ts';
import type { ListenerName } from './listeners.ts';

/** What a fleet has from the gateway that it belongs to. */
export interface FleetOptions {
  readonly control: ControlPlane;
  /** See {@link DataPlaneOptions.ticketSecret}. */
  readonly ticketSecret: Buffer;
  readonly logger: Logger;
}

/** Who serves a gateway's clients: one data plane in this process, or several in their own. */
export interface Fleet {
  /**
   * Serves by this configuration from now on, behind these listeners. Resolves when it does; what
   * served before then takes no more connections, and drains. Rejects where it cannot be served by;
   * nothing has changed then.
   */
  deploy(config: Config, listeners: BoundListeners): Promise<void>;
  /**
   * Serves behind these, too, of listeners that were not bound before, by the same configuration. Who
   * is connected is not touched. Rejects where that cannot be; nothing has changed then.
   */
  open(config: Config, listeners: BoundListeners, names: readonly ListenerName[]): Promise<void>;
  /** Takes no more connections; resolves when nothing is left open. */
  drain(): Promise<void>;
  /** Stops all of it within SHUTDOWN_TIMEOUT; resolves when nothing is left open. */
  close(): Promise<void>;
  workers(): readonly WorkerState[];
  /** What the session cache told of itself; undefined where it is off or has not yet. */
  cacheHealth(): CacheHealth | undefined;
}
