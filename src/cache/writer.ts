import { UnavailableError } from '../memcached/client.ts';
import type { CacheNode } from './cache-node.ts';
import type { Place } from './place.ts';
import { unsure } from './reader.ts';
import { isUnchanged, look, MAX_ROUNDS, type Replicas } from './replicas.ts';
import type { Entry } from './view-document.ts';

/** What each owner has applied, and the state that it was in. */
export type Applied = Map<Place, Entry>;

export interface Write<T> {
  /** Where it is to go, by the layouts in force when it is asked. */
  readonly owners: () => readonly Place[];
  /** Carries the write out on one owner; more than once where the owner changes state meanwhile. */
  readonly run: (place: Place, entry: Entry) => Promise<T>;
  /** Whether an answer may be given only if no gateway can read what was there before. */
  readonly final: boolean;
  /** Owners that have it already. */
  readonly applied?: Applied;
}

/** What one owner decided. */
export interface Decision<T> {
  readonly place: Place;
  readonly answer: T;
  readonly applied: Applied;
}

/**
 * Writes to the owners of an item. The invariant: when a write is acknowledged, each of its owners
 * has applied it in its present state, or is `behind` and settled as such. Owners are those of the
 * layouts in force at that moment: a lease tells that no other gateway goes by more of them.
 */
export class Writer {
  readonly #replicas: Replicas;

  constructor(replicas: Replicas) {
    this.#replicas = replicas;
  }

  /**
   * Carries a write out on every owner that is to have it, in the order that makes copying safe
   * ({@link copyItem}): first the full ones at once, then one that has become full so lately that
   * another gateway may still copy to it, then those that are being refilled. The last answer of each node.
   * Rejects with UnavailableError where no full owner answers or, for a `final` write, where the
   * gateways cannot be made to agree that those which do not answer are no longer believed.
   */
  async apply<T>(write: Write<T>): Promise<Map<CacheNode, T>> {
    const { view, whenUnsure } = this.#replicas;
    const applied: Applied = new Map(write.applied);
    const answers = new Map<CacheNode, T>();
    const isDone = (place: Place) => applied.get(place) === place.entry;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (!view.holds()) await view.refresh();
      const { arrangement } = view;
      const owners = write.owners();
      // In another round the order starts anew.
      if (round > 0) for (const place of owners) if (!this.#isFull(place)) applied.delete(place);
      let agreed = await this.#settleFull(owners);
      const [first, ...later] = this.#inOrder(owners);
      if (first === undefined) return this.#applyAnyhow(write);
      await this.#run(write, first, applied, answers);
      if (!first.some(isDone)) continue;

      agreed = (await this.#settle(owners)) && agreed;
      for (const places of later) {
        const left = places.filter(({ entry }) => entry.state !== 'behind');
        await this.#run(write, left, applied, answers);
        agreed = (await this.#settle(owners)) && agreed;
      }
      const sure = view.holds() || (await view.refresh());
      const done = owners.every(
        (place) => isDone(place) || (place.entry.state === 'behind' && view.isSettled(place)),
      );
      if (done && sure && view.arrangement === arrangement) return answers;
      if (sure && agreed) continue;
      if (!write.final && whenUnsure === 'serve') return answers;
      break;
    }
    throw unsure(write.owners());
  }

  /**
   * Has one owner decide: the first full one that does not answer `undefined`, which says that it
   * does not have the item. What it applied is passed on with {@link apply}. It decides once: where
   * other owners change state meanwhile that is their affair, and done twice it would be wrong.
   */
  async decide<T>(
    key: string,
    attempt: (place: Place, entry: Entry) => Promise<T | undefined>,
  ): Promise<Decision<T> | undefined> {
    const { view, whenUnsure } = this.#replicas;
    let decision: Decision<T> | undefined | 'failed' = 'failed';
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (!view.holds()) await view.refresh();
      const owners = this.#replicas.ownersOf(key).read;
      // Nobody decides while another gateway may still believe the one that decided before.
      await this.#settle(owners);
      const seen = look(view, owners);
      const full = owners.filter(({ entry }) => entry.state === 'full');
      if (full.length === 0 && whenUnsure === 'refuse') break;
      if (decision === 'failed' || !stands(decision, owners)) {
        decision = await this.#firstDecision(full.length > 0 ? full : owners, attempt);
      }
      if (decision === 'failed') continue;
      const sure = view.holds() || (await view.refresh());
      const good = stands(decision, this.#replicas.ownersOf(key).read) || isUnchanged(view, seen);
      if (sure ? good : whenUnsure === 'serve') return decision;
    }
    throw unsure(this.#replicas.ownersOf(key).read);
  }

  async #firstDecision<T>(
    candidates: readonly Place[],
    attempt: (place: Place, entry: Entry) => Promise<T | undefined>,
  ): Promise<Decision<T> | undefined | 'failed'> {
    const { view } = this.#replicas;
    let absent = false;
    for (const place of candidates) {
      const { entry } = place;
      try {
        const answer = await attempt(place, entry);
        if (answer !== undefined) return { place, answer, applied: new Map([[place, entry]]) };
        absent = true;
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        if (entry.state !== 'full') continue;
        view.lose(place, entry, error.message);
        return 'failed';
      }
    }
    return absent ? undefined : 'failed';
  }

  /** Carries the write out on the nodes at once; those that fail are no longer believed. */
  async #run<T>(
    write: Write<T>,
    places: readonly Place[],
    applied: Applied,
    answers: Map<CacheNode, T>,
  ): Promise<void> {
    const { view } = this.#replicas;
    const failures: [Place, Entry, UnavailableError][] = [];
    let refusal: unknown;
    await Promise.all(
      places.map(async (place) => {
        const { entry } = place;
        if (applied.get(place) === entry) return;
        try {
          answers.set(place.node, await write.run(place, entry));
          applied.set(place, entry);
        } catch (error) {
          if (error instanceof UnavailableError) failures.push([place, entry, error]);
          else refusal = error;
        }
      }),
    );
    if (refusal !== undefined) throw refusal;
    // Where no owner has applied it nothing is acknowledged, and none is behind the others.
    if (applied.size === 0 && failures.length > 0) throw failures[0]![2];
    for (const [place, entry, error] of failures) view.lose(place, entry, error.message);
  }

  #isFull(place: Place): boolean {
    return place.entry.state === 'full' && this.#replicas.view.isSettled(place);
  }

  /** The owners that are to be written to, in groups, one after the other. None where none is full. */
  #inOrder(owners: readonly Place[]): readonly (readonly Place[])[] {
    const full = owners.filter((place) => this.#isFull(place));
    const fresh = owners.filter((place) => place.entry.state === 'full' && !this.#isFull(place));
    if (full.length + fresh.length === 0) return [];
    const refilling = owners.filter(({ entry }) => entry.state === 'refilling');
    return [full, fresh, refilling].filter((group) => group.length > 0);
  }

  /** Of two that have just become full, another gateway may copy from either to the other. */
  async #settleFull(owners: readonly Place[]): Promise<boolean> {
    const fresh = owners.filter((place) => place.entry.state === 'full' && !this.#isFull(place));
    return fresh.length < 2 || this.#allSettled(fresh);
  }

  /** Resolves when every owner that is behind is settled as such; whether that was reached. */
  async #settle(owners: readonly Place[]): Promise<boolean> {
    return this.#allSettled(owners.filter(({ entry }) => entry.state === 'behind'));
  }

  async #allSettled(places: readonly Place[]): Promise<boolean> {
    const { view } = this.#replicas;
    if (places.every((place) => view.isSettled(place))) return true;
    const settled = await Promise.all(places.map((place) => view.settled(place)));
    return settled.every((reached) => reached);
  }

  /** The last resort: no owner is full, so whoever answers has it. */
  async #applyAnyhow<T>({ owners, run }: Write<T>): Promise<Map<CacheNode, T>> {
    if (this.#replicas.whenUnsure === 'refuse') throw unsure(owners());
    const answers = new Map<CacheNode, T>();
    let failure: unknown;
    await Promise.all(
      owners().map(async (place) => {
        try {
          answers.set(place.node, await run(place, place.entry));
        } catch (error) {
          failure = error;
        }
      }),
    );
    if (answers.size === 0) throw failure;
    return answers;
  }
}

/** Whether the owner that has decided still is one, in the state in which it did. */
function stands<T>(decision: Decision<T> | undefined, owners: readonly Place[]): boolean {
  if (decision === undefined || !owners.includes(decision.place)) return false;
  return decision.applied.get(decision.place) === decision.place.entry;
}
