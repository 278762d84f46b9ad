import { UnavailableError } from '../memcached/client.ts';
import type { NodeItem } from './cache-node.ts';
import { sleep } from './clock.ts';
import type { Place } from './place.ts';
import { isPlaceholder } from './placeholder.ts';
import { isUnchanged, look, MAX_ROUNDS, type Replicas } from './replicas.ts';
import type { Entry } from './view-document.ts';

/** What an owner gave, and which one it was, in which state. */
export interface Found<T> {
  readonly place: Place;
  readonly entry: Entry;
  readonly answer: T;
}

/** Asks one node; undefined where it does not have the item. */
export type Ask<T> = (place: Place) => Promise<T | undefined>;

interface Silence {
  readonly since: number;
  /** When it was noticed last. */
  readonly noticed: number;
}

/** After so many times `silenceMs` without a reading, a silence is a new one. */
const FORGOTTEN = 10;

interface Answers<T> {
  readonly place?: Place;
  readonly answer?: T;
  /** How many answered that they do not have it. */
  readonly misses: number;
  /** Why one of the others did not answer. */
  readonly error?: unknown;
}

/**
 * Reads from the first full owner, and from the next where that does not answer within the
 * deadline or does not have the item: it may have evicted it, or been restarted a moment ago.
 *
 * Why an answer is believed: a write is acknowledged when every owner has applied it, except those
 * that every gateway with a lease knows as no longer full. The view is looked at when the answer
 * is there, for the process may have stood still since it was asked for. If the lease holds then
 * and the owner has been full all the time, in one epoch, then it has applied whatever was
 * acknowledged before it was asked. The same holds for the layouts: an owner that only a layout
 * makes one which is read no more is written to until every gateway with a lease knows that.
 */
export class Reader {
  readonly #replicas: Replicas;
  /** Owners of whom none has answered, by their addresses; empty as long as all is well. */
  readonly #silences = new Map<string, Silence>();

  constructor(replicas: Replicas) {
    this.#replicas = replicas;
  }

  /** The item of `key`. Rejects with UnavailableError where no owner may answer. */
  async get(key: string): Promise<Found<NodeItem> | undefined> {
    return this.read(key, async ({ node }) => {
      const item = await node.fetch(key);
      return item === undefined || isPlaceholder(item) ? undefined : item;
    });
  }

  /** What the owners of `key` have. Where none may answer they are asked anew, for `silenceMs`. */
  async read<T>(key: string, ask: Ask<T>): Promise<Found<T> | undefined> {
    const began = this.#replicas.clock.now();
    for (;;) {
      try {
        const found = await this.#readOnce(key, ask);
        if (this.#silences.size > 0) this.#silences.delete(this.#nameOwners(key));
        return found;
      } catch (error) {
        if (!(error instanceof UnavailableError) || !this.#isPatient(key, began)) throw error;
      }
      await sleep(this.#replicas.clock, this.#replicas.timing.pollEveryMs);
    }
  }

  /**
   * Whether the silence of the owners may be over soon, for a read that began then: later ones do not
   * wait for those that are gone.
   */
  #isPatient(key: string, began: number): boolean {
    const { clock, timing } = this.#replicas;
    const owners = this.#nameOwners(key);
    const now = clock.now();
    const known = this.#silences.get(owners);
    // They may have been well again meanwhile, with nobody to notice.
    const goesOn = known !== undefined && now - known.noticed < FORGOTTEN * timing.silenceMs;
    const since = goesOn ? known.since : began;
    this.#silences.set(owners, { since, noticed: now });
    return now - since < timing.silenceMs;
  }

  #nameOwners(key: string): string {
    return this.#replicas
      .ownersOf(key)
      .read.map(({ node }) => node.address)
      .join();
  }

  async #readOnce<T>(key: string, ask: Ask<T>): Promise<Found<T> | undefined> {
    const { view, whenUnsure } = this.#replicas;
    let owners: readonly Place[] = [];
    let reason: unknown;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      owners = this.#replicas.ownersOf(key).read;
      const seen = look(view, owners);
      const full = owners.filter(({ entry }) => entry.state === 'full');
      const { place, answer, misses, error } = await this.#askInTurn(full, ask);
      reason = error ?? reason;
      const sure = view.holds() || (await view.refresh());
      if (place !== undefined) {
        const entry = seen.entries[owners.indexOf(place)]!;
        const isSame = place.entry === entry && view.arrangement === seen.arrangement;
        if (sure ? isSame : whenUnsure === 'serve') return { place, entry, answer: answer as T };
      } else if (misses > 0) {
        if (sure ? isUnchanged(view, seen) : whenUnsure === 'serve') return undefined;
      } else if (whenUnsure === 'serve' && isUnchanged(view, seen)) {
        return this.#readAnyhow(owners, ask, reason);
      }
    }
    throw reason ?? unsure(owners);
  }

  /** The last resort: no full owner answers, so the others are asked, which may have old items. */
  async #readAnyhow<T>(
    owners: readonly Place[],
    ask: Ask<T>,
    reason: unknown,
  ): Promise<Found<T> | undefined> {
    const rest = owners.filter(({ entry }) => entry.state !== 'full');
    const { place, answer, misses, error } = await this.#askInTurn(rest, ask);
    if (place !== undefined) return { place, entry: place.entry, answer: answer as T };
    if (misses > 0) return undefined;
    throw reason ?? error;
  }

  /** Resolves with the first answer that is an item, or when all have answered or failed. */
  #askInTurn<T>(candidates: readonly Place[], ask: Ask<T>): Promise<Answers<T>> {
    const { clock, timing } = this.#replicas;
    return new Promise((resolve) => {
      let next = 0;
      let running = 0;
      let misses = 0;
      let error: unknown;
      let callOff = () => {};
      const advance = () => {
        callOff();
        const place = candidates[next++];
        if (place === undefined) {
          if (running === 0) resolve({ misses, error });
          return;
        }
        running++;
        if (next < candidates.length) callOff = clock.after(timing.readDeadlineMs, advance);
        ask(place).then(
          (answer) => {
            running--;
            if (answer !== undefined) {
              callOff();
              resolve({ place, answer, misses });
              return;
            }
            misses++;
            advance();
          },
          (failure) => {
            running--;
            error ??= failure;
            advance();
          },
        );
      };
      advance();
    });
  }
}

/** The error of a command that could be answered, but not within the guarantee. */
export function unsure(owners: readonly Place[]): UnavailableError {
  return new UnavailableError(
    owners.map(({ node }) => node.address).join(', '),
    'too few memcached nodes answer to be sure of the answer: bring back the nodes that are down',
  );
}
