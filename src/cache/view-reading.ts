import type { DocumentNode } from './cache-node.ts';
import type { NodeContact } from './node-contact.ts';
import type { View } from './view-document.ts';

/** One answer of one node: its document, `undefined` for none, or why it did not answer. */
export type ReadingAnswer = { readonly view: View | undefined } | { readonly error: unknown };

/** Asks every node for its document, once. */
export class ViewReading {
  /** When it began, by the clock's `now`. */
  readonly start: number;
  /** By node; a hole as long as it has not answered. */
  readonly answers: (ReadingAnswer | undefined)[];
  /** Nodes that have answered with a document, without one, and not at all. */
  votes = 0;
  absent = 0;
  failed = 0;
  /** Resolves when every node has answered or failed. */
  readonly done: Promise<void>;

  constructor(
    key: string,
    nodes: readonly { readonly control: DocumentNode }[],
    contacts: readonly NodeContact[],
    start: number,
    onAnswer: (reading: ViewReading, node: number, answer: ReadingAnswer) => void,
  ) {
    this.start = start;
    this.answers = nodes.map(() => undefined);
    const asked = nodes.map(async ({ control }, node) => {
      let answer: ReadingAnswer;
      try {
        const item = await control.fetch(key);
        answer = { view: item === undefined ? undefined : contacts[node]!.decode(item.value) };
        if (answer.view === undefined) this.absent++;
        else this.votes++;
      } catch (error) {
        answer = { error };
        this.failed++;
      }
      this.answers[node] = answer;
      onAnswer(this, node, answer);
    });
    this.done = Promise.all(asked).then(() => {});
  }

  /** What a node holds, where it has answered. */
  viewOf(node: number): View | undefined {
    const answer = this.answers[node];
    return answer !== undefined && 'view' in answer ? answer.view : undefined;
  }

  isAbsent(node: number): boolean {
    const answer = this.answers[node];
    return answer !== undefined && 'view' in answer && answer.view === undefined;
  }

  get isComplete(): boolean {
    return this.votes + this.absent + this.failed === this.answers.length;
  }
}
