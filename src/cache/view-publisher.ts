import type { DocumentNode } from './cache-node.ts';
import type { NodeContact } from './node-contact.ts';
import { VIEW_KEY } from './reserved-keys.ts';
import { covers, encodeView, type View } from './view-document.ts';

export interface ViewPublisherOptions {
  readonly nodes: readonly { readonly control: DocumentNode }[];
  readonly contacts: readonly NodeContact[];
  /** The view as it is known at this moment. */
  readonly view: () => View;
  /** Called with what was found, or has been put, on a node. */
  readonly onSeen: (node: number, view: View | undefined) => void;
  /** Called when a node has the view. */
  readonly onPublished: () => void;
}

const ATTEMPTS = 5;

/** Puts the view on nodes whose document says less: what is there is read, merged and replaced. */
export class ViewPublisher {
  readonly #options: ViewPublisherOptions;
  readonly #publishing = new Set<number>();
  readonly #restorable = new Set<number>();
  #closed = false;

  constructor(options: ViewPublisherOptions) {
    this.#options = options;
  }

  /**
   * Allows a document to be put on a node that has none, once. Without leave it is not done: a node
   * without a document has lost its items, too, which a document that calls it full would hide.
   */
  allowRestoring(node: number): void {
    this.#restorable.add(node);
  }

  /** Brings one node up to the view, in the background. */
  publish(node: number): void {
    if (this.#publishing.has(node)) return;
    this.#publishing.add(node);
    const { contacts, onPublished } = this.#options;
    this.#publish(node)
      .then((published) => {
        if (published && !this.#closed) onPublished();
      })
      .catch((error) => contacts[node]!.failed(error, false))
      .finally(() => this.#publishing.delete(node));
  }

  close(): void {
    this.#closed = true;
  }

  /** Whether the node has the view now. */
  async #publish(node: number): Promise<boolean> {
    const { nodes, contacts, onSeen } = this.#options;
    const { control } = nodes[node]!;
    for (let attempt = 0; attempt < ATTEMPTS && !this.#closed; attempt++) {
      const item = await control.fetch(VIEW_KEY);
      const document = item === undefined ? undefined : contacts[node]!.decode(item.value);
      onSeen(node, document);
      // The leave was for the loss that was seen then, not for one to come.
      const mayRestore = this.#restorable.delete(node);
      const view = this.#options.view();
      if (document !== undefined && covers(document, view)) return true;
      if (item !== undefined) {
        const outcome = await control.cas(VIEW_KEY, encodeView(view), item.cas, 0, 0);
        if (outcome !== 'STORED') continue;
      } else {
        if (!mayRestore) return false;
        if (!(await control.store('add', VIEW_KEY, encodeView(view), 0, 0))) continue;
      }
      onSeen(node, view);
      if (view === this.#options.view()) return true;
    }
    return false;
  }
}
