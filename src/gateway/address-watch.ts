import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { ListenerConfig } from './listeners.ts';

/** How often it is looked whether an address has come, in ms: nobody is to wait longer after a takeover. */
const LOOK_MS = 200;

export interface AddressWatchOptions {
  /** Binds what can be bound by now, and says with `wait` what still cannot. */
  readonly look: () => Promise<void>;
  readonly logger: Logger;
}

/**
 * Looks after listeners whose address is not on this host, as a cluster gives it to another one now. Node
 * cannot bind such an address (IP_FREEBIND), and Linux tells nobody without netlink that one has come.
 */
export class AddressWatch {
  readonly #options: AddressWatchOptions;
  #awaited: readonly ListenerConfig[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failure: string | undefined;
  #stopped = false;

  constructor(options: AddressWatchOptions) {
    this.#options = options;
  }

  /** What waits for its address. */
  get awaited(): readonly ListenerConfig[] {
    return this.#awaited;
  }

  /** Looks for the addresses of these, and of no others, from now on. */
  wait(listeners: readonly ListenerConfig[]): void {
    for (const listener of listeners) this.#tell(listener);
    this.#awaited = listeners;
    this.#failure = undefined;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #tell({ name, setting, address }: ListenerConfig): void {
    const { host, port } = address;
    const isSame = (other: ListenerConfig) =>
      other.name === name && other.address.host === host && other.address.port === port;
    if (this.#awaited.some(isSame)) return;
    const remedy = `nothing, where the address moves between hosts; else correct ${setting}`;
    this.#options.logger.warn(
      { listener: name, setting, address: host, port, remedy },
      'the address is not on this host: the listener is bound as soon as it comes',
    );
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#awaited.length === 0) return;
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }

  async #look(): Promise<void> {
    try {
      await this.#options.look();
    } catch (error) {
      const detail = messageOf(error);
      // It is tried again and again, and told once.
      if (detail !== this.#failure) {
        this.#options.logger.error({ detail }, 'a listener cannot be bound, and is tried again');
      }
      this.#failure = detail;
    }
    this.#schedule();
  }
}
