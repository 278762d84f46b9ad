import type { CacheTiming } from './cache-timing.ts';
import { type Arrangement, type Layout, type LayoutSpec, quorumOf } from './layout.ts';
import type { Member } from './members.ts';
import type { Place } from './place.ts';
import type { View } from './view-document.ts';
import type { ViewReading } from './view-reading.ts';

/** Regular readings in a row without an answer, after which a node is given up. */
const FAILURES_TO_MARK = 3;

export interface ViewJudgeOptions {
  readonly timing: CacheTiming;
  /** As it is configured. */
  readonly spec: LayoutSpec;
  readonly view: {
    readonly current: View;
    /** Whether no view is known yet. */
    readonly isEmpty: boolean;
    readonly arrangement: Arrangement;
    place(address: string, layouts: readonly Layout[]): Place;
    holdsAnything(address: string): boolean;
  };
  /** Begins a cluster that was never served, whose nodes these are. */
  readonly bootstrap: (members: readonly Member[]) => void;
  readonly lose: (address: string, reason: string | undefined) => void;
  /** Gives a node a document again that has none. */
  readonly restore: (member: Member, reason: string) => void;
}

/** Finds nodes that are new, that have lost their data, or that do not answer. */
export class ViewJudge {
  readonly #options: ViewJudgeOptions;

  constructor(options: ViewJudgeOptions) {
    this.#options = options;
  }

  /** Draws the conclusions of a complete regular reading, so long after a majority was last found. */
  conclude(reading: ViewReading, unsureMs: number): void {
    const { spec, timing, view, bootstrap, restore } = this.#options;
    const { written } = view.arrangement;
    const members = reading.members.filter(({ address }) =>
      written.some(({ nodes }) => nodes.includes(address)),
    );
    if (view.isEmpty) {
      const absent = members.filter(({ address }) => reading.isAbsent(address));
      if (reading.views.length === 0 && absent.length >= quorumOf(spec)) bootstrap(absent);
    } else if (reading.hasQuorum(view.arrangement)) {
      for (const member of members) this.#judgeNode(reading, member);
    } else if (
      unsureMs > timing.patienceMs &&
      written.every((one) => reading.votesIn(one) + reading.absentIn(one) >= quorumOf(one))
    ) {
      // So many nodes have lost their document that no majority can have it: what is left of it
      // must do, or the cache would never come back.
      for (const member of members) {
        if (reading.isAbsent(member.address))
          restore(member, 'it lost its data, and so did others');
      }
    }
  }

  /**
   * Whether to give a node up would cost the last full copy of an item, by every layout that is read.
   * Where it only does not answer, that has to wait: to give it up spares the next write a wait, no
   * more. Nodes that are silent at the same time may be so because the host is busy: the first of them
   * is given up, and the others are waited for.
   */
  isIndispensable(address: string): boolean {
    const { view } = this.#options;
    if (!view.holdsAnything(address)) return false;
    return view.arrangement.read.every((layout) => {
      const others = layout.nodes.filter((node) => node !== address);
      const missing = others.filter((address) => {
        const { entry, node } = view.place(address, [layout]);
        return entry.state !== 'full' || node.isSilent;
      });
      return missing.length >= layout.copies - (others.length < layout.nodes.length ? 1 : 0);
    });
  }

  #judgeNode(reading: ViewReading, member: Member): void {
    const { timing, view, lose, restore } = this.#options;
    const { address, contact } = member;
    if (view.current.nodes.get(address) === undefined) lose(address, 'it is new');
    if (reading.isAbsent(address) && contact.absentSince !== undefined) {
      const due = contact.absentSince + timing.pollDeadlineMs;
      if (reading.start >= due) restore(member, 'it lost its data: it was restarted or flushed');
    } else if (contact.failures >= FAILURES_TO_MARK && view.holdsAnything(address)) {
      if (!this.isIndispensable(address)) lose(address, contact.error);
    }
  }
}
