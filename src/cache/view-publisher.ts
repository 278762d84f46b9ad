import { messageOf } from '../errors.ts';
import type { Member } from './members.ts';
import { VIEW_KEY } from './reserved-keys.ts';
import { covers, type View } from './view-document.ts';
import { encodeView } from './view-encoding.ts';

export interface ViewPublisherOptions {
  /** The view as it is known at this moment. */
  readonly view: () => View;
  /** Whether a document is of this cluster; another one is none. */
  readonly isOurs: (view: View) => boolean;
  /** Called with what was found, or has been put, on a node. */
  readonly onSeen: (member: Member, view: View | undefined) => void;
  /** Called when a node has the view. */
  readonly onPublished: () => void;
}

const ATTEMPTS = 5;

/** Puts the view on nodes whose document says less: what is there is read, merged and replaced. */
export class ViewPublisher {
  readonly #options: ViewPublisherOptions;
  readonly #publishing = new Set<Member>();
  readonly #restorable = new Set<Member>();
  #closed = false;

  constructor(options: ViewPublisherOptions) {
    this.#options = options;
  }

  /**
   * Allows a document to be put on a node that has none, once. Without leave it is not done: a node
   * without a document has lost its items, too, which a document that calls it full would hide.
   */
  allowRestoring(member: Member): void {
    this.#restorable.add(member);
  }

  /** Brings one node up to the view, in the background. */
  publish(member: Member): void {
    if (this.#publishing.has(member)) return;
    this.#publishing.add(member);
    this.#publish(member)
      .then((published) => {
        if (published && !this.#closed) this.#options.onPublished();
      })
      .catch((error) => member.contact.failed(messageOf(error), false))
      .finally(() => this.#publishing.delete(member));
  }

  close(): void {
    this.#closed = true;
  }

  /** Whether the node has the view now. */
  async #publish(member: Member): Promise<boolean> {
    const { isOurs, onSeen } = this.#options;
    const { control } = member.node;
    for (let attempt = 0; attempt < ATTEMPTS && !this.#closed; attempt++) {
      const item = await control.fetch(VIEW_KEY);
      const found = item === undefined ? undefined : member.contact.decode(item.value);
      const document = found !== undefined && isOurs(found) ? found : undefined;
      onSeen(member, document);
      // The leave was for the loss that was seen then, not for one to come.
      const mayRestore = this.#restorable.delete(member);
      const view = this.#options.view();
      if (document !== undefined && covers(document, view)) return true;
      if (document === undefined && !mayRestore) return false;
      if (item !== undefined) {
        const outcome = await control.cas(VIEW_KEY, encodeView(view), item.cas, 0, 0);
        if (outcome !== 'STORED') continue;
      } else if (!(await control.store('add', VIEW_KEY, encodeView(view), 0, 0))) {
        continue;
      }
      onSeen(member, view);
      if (view === this.#options.view()) return true;
    }
    return false;
  }
}
