import type { CacheNode } from './cache-node.ts';
import type { Layout } from './layout.ts';
import type { Member } from './members.ts';
import { type Entry, UNKNOWN_ENTRY } from './view-document.ts';

/** Not known to be so. */
export const NEVER = Number.POSITIVE_INFINITY;

/**
 * A node, as the one that is to hold the keys which certain layouts give it. A key that two layouts
 * give to the same node is in one place, by whichever of them the node is the better.
 */
export class Place {
  readonly member: Member;
  readonly node: CacheNode;
  readonly layouts: readonly Layout[];
  /** What is known of it, kept by the view: the same object as long as nothing has changed. */
  entry: Entry = UNKNOWN_ENTRY;
  /** Since when a majority is known to know the entry. */
  establishedAt = NEVER;

  constructor(member: Member, layouts: readonly Layout[]) {
    this.member = member;
    this.node = member.node;
    this.layouts = layouts;
  }

  /** What tokens name the node by. */
  get mark(): number {
    return this.member.mark;
  }
}
