import { messageOf } from '../errors.ts';
import { type Arrangement, type LayoutSpec, quorumOf } from './layout.ts';
import type { Member } from './members.ts';
import type { View } from './view-document.ts';

/**
 * One answer of one node: its document, `undefined` for none, or why it did not answer. That as text: an
 * error refers to all that was called when it was made, the reading before this one included.
 */
export type ReadingAnswer = { readonly view: View | undefined } | { readonly reason: string };

export interface ReadingOptions {
  readonly key: string;
  readonly members: readonly Member[];
  /** When it begins, by the clock's `now`. */
  readonly start: number;
  /** Whether a document is of this cluster; another one is none. */
  readonly isOurs: (view: View) => boolean;
  readonly onAnswer: (reading: ViewReading, member: Member, answer: ReadingAnswer) => void;
}

/** Asks every node for its document, once. */
export class ViewReading {
  readonly start: number;
  readonly members: readonly Member[];
  readonly #isOurs: (view: View) => boolean;
  /** By address; nothing as long as a node has not answered. */
  readonly #answers = new Map<string, ReadingAnswer>();
  /** Resolves when every node has answered or failed. */
  readonly done: Promise<void>;

  constructor({ key, members, start, isOurs, onAnswer }: ReadingOptions) {
    this.start = start;
    this.members = members;
    this.#isOurs = isOurs;
    const asked = members.map(async (member) => {
      const { address, node, contact } = member;
      let answer: ReadingAnswer;
      try {
        const item = await node.control.fetch(key);
        answer = { view: item === undefined ? undefined : contact.decode(item.value) };
      } catch (error) {
        answer = { reason: messageOf(error) };
      }
      this.#answers.set(address, answer);
      onAnswer(this, member, answer);
    });
    this.done = Promise.all(asked).then(() => {});
  }

  get isComplete(): boolean {
    return this.#answers.size === this.members.length;
  }

  /** What a node holds, where it has answered. */
  viewOf(address: string): View | undefined {
    const answer = this.#answers.get(address);
    if (answer === undefined || 'reason' in answer) return undefined;
    return answer.view !== undefined && this.#isOurs(answer.view) ? answer.view : undefined;
  }

  /** The documents that were found, those of other clusters among them. */
  get views(): readonly View[] {
    return [...this.#answers.values()].flatMap((answer) =>
      'view' in answer && answer.view !== undefined ? [answer.view] : [],
    );
  }

  isAbsent(address: string): boolean {
    const answer = this.#answers.get(address);
    return answer !== undefined && 'view' in answer && this.viewOf(address) === undefined;
  }

  votesIn({ nodes }: LayoutSpec): number {
    return nodes.filter((address) => this.viewOf(address) !== undefined).length;
  }

  absentIn({ nodes }: LayoutSpec): number {
    return nodes.filter((address) => this.isAbsent(address)).length;
  }

  /** Whether a majority of the nodes of each layout has answered with a document. */
  hasQuorum({ written }: Arrangement): boolean {
    return written.every((layout) => this.#hasQuorumIn(layout));
  }

  /** Of two nodes one is no majority as long as the other may still answer. */
  #hasQuorumIn(layout: LayoutSpec): boolean {
    const { nodes } = layout;
    if (this.votesIn(layout) < quorumOf(layout)) return false;
    return nodes.length > 2 || nodes.every((address) => this.#answers.has(address));
  }

  /** Whether a majority was found for which `holds` is true; of two nodes, all that answered. */
  isHeldIn(layout: LayoutSpec, holds: (view: View) => boolean): boolean {
    const holders = layout.nodes.filter((address) => {
      const view = this.viewOf(address);
      return view !== undefined && holds(view);
    }).length;
    if (holders < quorumOf(layout)) return false;
    return layout.nodes.length !== 2 || holders >= this.votesIn(layout) + this.absentIn(layout);
  }
}
