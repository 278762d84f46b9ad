import { UnavailableError } from '../memcached/client.ts';
import { unsure } from './reader.ts';
import { areUnchanged, MAX_ROUNDS, type Replicas } from './replicas.ts';
import type { Entry } from './view-document.ts';

/** What each owner has applied, and the state that it was in. */
export type Applied = Map<number, Entry>;

export interface Write<T> {
  readonly owners: readonly number[];
  /** Carries the write out on one owner; more than once where the owner changes state meanwhile. */
  readonly run: (node: number, entry: Entry) => Promise<T>;
  /** Whether an answer may be given only if no gateway can read what was there before. */
  readonly final: boolean;
  /** Owners that have it already. */
  readonly applied?: Applied;
}

/** What one owner decided. */
export interface Decision<T> {
  readonly node: number;
  readonly answer: T;
  readonly applied: Applied;
}

/**
 * Writes to the owners of an item. The invariant: when a write is acknowledged, each of its owners
 * has applied it in its present state, or is `behind` and settled as such.
 */
export class Writer {
  readonly #replicas: Replicas;

  constructor(replicas: Replicas) {
    this.#replicas = replicas;
  }

  /**
   * Carries a write out on every owner that is to have it, in the order that makes copying safe
   * ({@link copyItem}): first the full ones at once, then one that has become full so lately that
   * another gateway may still copy to it, then those that are being refilled. The answers by owner.
   * Rejects with UnavailableError where no full owner answers or, for a `final` write, where the
   * gateways cannot be made to agree that those which do not answer are no longer believed.
   */
  async apply<T>(write: Write<T>): Promise<Map<number, T>> {
    const { view, whenUnsure } = this.#replicas;
    const { owners } = write;
    const applied: Applied = new Map(write.applied);
    const answers = new Map<number, T>();
    const isDone = (node: number) => applied.get(node) === view.entry(node);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (!view.holds()) await view.refresh();
      // In another round the order starts anew.
      if (round > 0) for (const node of owners) if (!this.#isFull(node)) applied.delete(node);
      let agreed = await this.#settleFull(owners);
      const [first, ...later] = this.#inOrder(owners);
      if (first === undefined) return this.#applyAnyhow(write);
      await this.#run(write, first, applied, answers);
      if (!first.some(isDone)) continue;

      agreed = (await this.#settle(owners)) && agreed;
      for (const nodes of later) {
        const left = nodes.filter((node) => view.entry(node).state !== 'behind');
        await this.#run(write, left, applied, answers);
        agreed = (await this.#settle(owners)) && agreed;
      }
      const sure = view.holds() || (await view.refresh());
      const done = owners.every(
        (node) => isDone(node) || (view.entry(node).state === 'behind' && view.isSettled(node)),
      );
      if (done && (sure || owners.every(isDone))) return answers;
      if (sure && agreed) continue;
      if (!write.final && whenUnsure === 'serve') return answers;
      break;
    }
    throw unsure(this.#replicas, owners);
  }

  /**
   * Has one owner decide: the first full one that does not answer `undefined`, which says that it
   * does not have the item. What it applied is passed on with {@link apply}.
   */
  async decide<T>(
    owners: readonly number[],
    attempt: (node: number, entry: Entry) => Promise<T | undefined>,
  ): Promise<Decision<T> | undefined> {
    const { view, whenUnsure } = this.#replicas;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      if (!view.holds()) await view.refresh();
      // Nobody decides while another gateway may still believe the one that decided before.
      await this.#settle(owners);
      const entries = owners.map((node) => view.entry(node));
      const full = owners.filter((_, position) => entries[position]!.state === 'full');
      if (full.length === 0 && whenUnsure === 'refuse') break;
      const decision = await this.#firstDecision(full.length > 0 ? full : owners, attempt);
      if (decision === 'failed') continue;
      const sure = view.holds() || (await view.refresh());
      if (sure ? areUnchanged(view, owners, entries) : whenUnsure === 'serve') return decision;
    }
    throw unsure(this.#replicas, owners);
  }

  async #firstDecision<T>(
    candidates: readonly number[],
    attempt: (node: number, entry: Entry) => Promise<T | undefined>,
  ): Promise<Decision<T> | undefined | 'failed'> {
    const { view } = this.#replicas;
    let absent = false;
    for (const node of candidates) {
      const entry = view.entry(node);
      try {
        const answer = await attempt(node, entry);
        if (answer !== undefined) return { node, answer, applied: new Map([[node, entry]]) };
        absent = true;
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        if (entry.state !== 'full') continue;
        view.advance(node, entry, 'behind', error.message);
        return 'failed';
      }
    }
    return absent ? undefined : 'failed';
  }

  /** Carries the write out on the nodes at once; those that fail are no longer believed. */
  async #run<T>(
    write: Write<T>,
    nodes: readonly number[],
    applied: Applied,
    answers: Map<number, T>,
  ): Promise<void> {
    const { view } = this.#replicas;
    const failures: [number, Entry, UnavailableError][] = [];
    let refusal: unknown;
    await Promise.all(
      nodes.map(async (node) => {
        const entry = view.entry(node);
        if (applied.get(node) === entry) return;
        try {
          answers.set(node, await write.run(node, entry));
          applied.set(node, entry);
        } catch (error) {
          if (error instanceof UnavailableError) failures.push([node, entry, error]);
          else refusal = error;
        }
      }),
    );
    if (refusal !== undefined) throw refusal;
    // Where no owner has applied it nothing is acknowledged, and none is behind the others.
    if (applied.size === 0 && failures.length > 0) throw failures[0]![2];
    for (const [node, entry, error] of failures) {
      view.advance(node, entry, 'behind', error.message);
    }
  }

  #isFull(node: number): boolean {
    const { view } = this.#replicas;
    return view.entry(node).state === 'full' && view.isSettled(node);
  }

  /** The owners that are to be written to, in groups, one after the other. None where none is full. */
  #inOrder(owners: readonly number[]): readonly (readonly number[])[] {
    const { view } = this.#replicas;
    const full = owners.filter((node) => this.#isFull(node));
    const fresh = owners.filter((node) => view.entry(node).state === 'full' && !this.#isFull(node));
    if (full.length + fresh.length === 0) return [];
    const refilling = owners.filter((node) => view.entry(node).state === 'refilling');
    return [full, fresh, refilling].filter((group) => group.length > 0);
  }

  /** Of two that have just become full, another gateway may copy from either to the other. */
  async #settleFull(owners: readonly number[]): Promise<boolean> {
    const { view } = this.#replicas;
    const fresh = owners.filter((node) => view.entry(node).state === 'full' && !this.#isFull(node));
    if (fresh.length < 2) return true;
    const settled = await Promise.all(fresh.map((node) => view.settled(node)));
    return settled.every((reached) => reached);
  }

  /** Resolves when every owner that is behind is settled as such; whether that was reached. */
  async #settle(owners: readonly number[]): Promise<boolean> {
    const { view } = this.#replicas;
    const behind = owners.filter((node) => view.entry(node).state === 'behind');
    if (behind.every((node) => view.isSettled(node))) return true;
    const settled = await Promise.all(behind.map((node) => view.settled(node)));
    return settled.every((reached) => reached);
  }

  /** The last resort: no owner is full, so whoever answers has it. */
  async #applyAnyhow<T>({ owners, run }: Write<T>): Promise<Map<number, T>> {
    const { view, whenUnsure } = this.#replicas;
    if (whenUnsure === 'refuse') throw unsure(this.#replicas, owners);
    const answers = new Map<number, T>();
    let failure: unknown;
    await Promise.all(
      owners.map(async (node) => {
        try {
          answers.set(node, await run(node, view.entry(node)));
        } catch (error) {
          failure = error;
        }
      }),
    );
    if (answers.size === 0) throw failure;
    return answers;
  }
}
