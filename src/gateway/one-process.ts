import type { WorkerState } from '../admin/state.ts';
import type { CacheHealth } from '../cache/cache-health.ts';
import type { Config } from '../config.ts';
import { bindBeside } from '../listener/bound-socket.ts';
import { type BoundListeners, portalPortOf } from './bound-listeners.ts';
import { CacheService, nodesOf } from './cache.ts';
import { DataPlane } from './data-plane.ts';
import type { Fleet, FleetOptions } from './fleet.ts';
import { dataListeners, type ListenerName } from './listeners.ts';
import { LocalMember } from './local-member.ts';
import { WHOLE } from './share.ts';

/** The data plane in the process of the control plane: for tests, debugging and small machines. */
export class OneProcess implements Fleet {
  readonly #options: FleetOptions;
  readonly #members = new Set<LocalMember>();
  #present: LocalMember | undefined;
  #cache: CacheService | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  async deploy(config: Config, listeners: BoundListeners): Promise<void> {
    const { control } = this.#options;
    const member = await this.#open(config, listeners);
    const before = this.#present;
    this.#present = member;
    this.#members.add(member);
    const drained = before?.drain();
    control.join(member);
    void drained?.then(() => {
      this.#members.delete(before!);
      control.leave(before!);
    });
    await this.#openCache(config, listeners);
  }

  async open(
    config: Config,
    listeners: BoundListeners,
    names: readonly ListenerName[],
  ): Promise<void> {
    if (names.includes('cache')) await this.#openCache(config, listeners);
    for (const { name, setting } of dataListeners(config)) {
      if (!names.includes(name)) continue;
      const socket = bindBeside(setting, listeners.get(name)!.address);
      await socket.listen(this.#present!.serverFor(name));
    }
  }

  async drain(): Promise<void> {
    const members = Array.from(this.#members, (member) => member.drain());
    await Promise.all([...members, this.#cache?.drain()]);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#members, (member) => member.close()));
    // The dashboards' answers may have needed it.
    await this.#cache?.close();
  }

  workers(): readonly WorkerState[] {
    return [];
  }

  cacheHealth(): CacheHealth | undefined {
    return this.#cache?.health();
  }

  /**
   * A data plane that accepts, on sockets of its own: those that are held stay without a queue, as
   * nobody accepts from them.
   */
  async #open(config: Config, listeners: BoundListeners): Promise<LocalMember> {
    const { control, ticketSecret, logger } = this.#options;
    const plane = new DataPlane(config, {
      ticketSecret,
      share: WHOLE,
      uplink: control,
      portalPort: portalPortOf(config, listeners),
      cachePort: listeners.get('cache')?.address.port,
      logger,
    });
    try {
      for (const { name, setting } of dataListeners(config)) {
        const listener = listeners.get(name);
        if (!listener) continue;
        const socket = bindBeside(setting, listener.address);
        await socket.listen(plane.serverFor(name));
      }
    } catch (error) {
      await plane.close();
      throw error;
    }
    return new LocalMember(plane, control);
  }

  async #openCache(config: Config, listeners: BoundListeners): Promise<void> {
    const listener = listeners.get('cache');
    this.#cache?.moveTo(nodesOf(config));
    if (!listener || this.#cache) return;
    this.#cache = new CacheService(config, this.#options.logger.child({ service: 'cache' }));
    const cache = this.#cache;
    this.#options.control.ledger.follow(cache, () => cache.counts());
    void cache.start();
    const socket = bindBeside(listener.config.setting, listener.address);
    await socket.listen(this.#cache.server);
  }
}
