import type { View } from './view-document.ts';
import { decodeView } from './view-encoding.ts';

/** What one gateway has seen of one node, from one reading of the view to the next. */
export class NodeContact {
  /** The last document that was seen on the node; undefined where there is none. */
  held: View | undefined;
  /** Since when the node has answered without a break, by the clock's `now`. */
  reachableSince: number | undefined;
  /** Since when the node has answered that it has no document. */
  absentSince: number | undefined;
  /** Why it was not reached, where it was not. */
  error: string | undefined;
  /** Regular readings in a row without an answer. */
  failures = 0;

  #decoded: { readonly document: Buffer; readonly view: View | undefined } | undefined;

  /** The view of a document that was read from the node; most are the one that was read before. */
  decode(document: Buffer): View | undefined {
    if (!this.#decoded?.document.equals(document)) {
      this.#decoded = { document, view: decodeView(document) };
    }
    return this.#decoded.view;
  }

  answered(document: View | undefined, now: number): void {
    this.held = document;
    this.reachableSince ??= now;
    this.absentSince = document === undefined ? (this.absentSince ?? now) : undefined;
    this.error = undefined;
    this.failures = 0;
  }

  failed(reason: string, regular: boolean): void {
    this.reachableSince = undefined;
    this.error = reason;
    if (regular) this.failures++;
  }
}
