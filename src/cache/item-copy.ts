import { isRefusal, UnavailableError } from '../memcached/client.ts';
import type { CacheNode, LivingItem } from './cache-node.ts';
import { exptimeOf } from './exptime.ts';
import type { Place } from './place.ts';
import { isPlaceholder, PLACEHOLDER, PLACEHOLDER_FLAGS, PLACEHOLDER_TTL } from './placeholder.ts';
import { isUnchanged, look, type Replicas } from './replicas.ts';

/**
 * `same`: nothing to do; `copied`, `removed`: done; `kept`: no full owner could tell better;
 * `raced`: the item was written or deleted at the same time; `over`: the node is not being
 * refilled, or the view could not be relied upon; `refused`: the node does not take the item, and may
 * have an old one; `untold`: so may it where an owner that could tell did not, for that one item.
 */
export type CopyOutcome =
  | 'same'
  | 'copied'
  | 'removed'
  | 'kept'
  | 'raced'
  | 'over'
  | 'refused'
  | 'untold';

/** Times to live that differ by no more are the same: they were read one after the other. */
const TTL_SLACK = 2;
const AT_ONCE = -1;

/**
 * Makes the item of `key` on `target`, a node that is being refilled, what it is on the full
 * owners. Rejects with UnavailableError where one of the nodes does not answer.
 *
 * Why no write that was acknowledged is undone by an older value: a write goes to the full owners
 * first, and when they have answered to the node that is being refilled. Let a copy take its token
 * on the target at t1, read the full owner at t2 > t1 and store at t3 > t2; let a write that the
 * copy does not know of reach the full owner at w1 and the target at w2 > w1. The copy does not
 * know of it, so t2 < w1, and t1 < t2 < w1 < w2. If w2 < t3 then the write has replaced or removed
 * the item that the token is of, and the copy is refused. If w2 > t3 the write comes last. That
 * holds for an owner which fails the write, too, for the write goes to the target only when every
 * gateway knows that owner as behind, and the copy looks at the view after it has read (`over`). It
 * reads only from owners that every gateway knows as full, and so writes to before the target. Once
 * the node is full, writes go to all owners at once, but only when that is settled: a copy
 * that has passed its look at the view by then has taken its token and read before. Owners by a
 * layout that is read no more are not copied from, for some gateways may write to them no more.
 */
export async function copyItem(
  replicas: Replicas,
  key: string,
  target: CacheNode,
): Promise<CopyOutcome> {
  try {
    return await copy(replicas, key, target);
  } catch (error) {
    // That of an owner is an outcome of its own, see `inspectFirst`.
    if (isRefusal(error)) return 'refused';
    throw error;
  }
}

async function copy(replicas: Replicas, key: string, target: CacheNode): Promise<CopyOutcome> {
  const { view } = replicas;
  const owners = replicas.ownersOf(key);
  const seen = look(view, owners.all);
  const place = owners.all.find(({ node }) => node === target);
  const others = owners.read.filter((owner) => owner !== place);
  const believed = others.filter(({ entry }) => entry.state === 'full');
  const full = believed.filter((owner) => view.isSettled(owner));
  if (place?.entry.state !== 'refilling' || full.length < Math.min(1, believed.length)) {
    return 'over';
  }
  await target.store('add', key, PLACEHOLDER, PLACEHOLDER_FLAGS, PLACEHOLDER_TTL);
  const mine = await target.inspect(key);
  if (mine === undefined) return 'raced';
  const theirs = await (full.length > 0
    ? inspectFirst(key, full)
    : replicas.whenUnsure === 'serve' && inspectAny(key, others));
  if (!view.holds() && !(await view.refresh())) return 'over';
  if (!isUnchanged(view, seen)) return 'over';

  const empty = isPlaceholder(mine);
  if (theirs === 'untold') return 'untold';
  if (!theirs) {
    // Where nobody can tell, an item that may be an old one goes, or what was deleted might return.
    if (full.length === 0 && !empty && replicas.whenUnsure === 'serve') return 'kept';
    const outcome = await target.cas(key, PLACEHOLDER, mine.cas, PLACEHOLDER_FLAGS, AT_ONCE);
    return outcome === 'STORED' ? (empty ? 'same' : 'removed') : 'raced';
  }
  if (!empty && (full.length === 0 || isSame(mine, theirs)))
    return full.length === 0 ? 'kept' : 'same';
  const exptime = exptimeOf(theirs.ttl, replicas.clock.unixMs());
  const outcome = await target.cas(key, theirs.value, mine.cas, theirs.flags, exptime);
  return outcome === 'STORED' ? 'copied' : 'raced';
}

/**
 * The item on the first node that has it; every one is asked, and has to answer, until then. `untold`: none
 * has it but one that will not tell, as the item is too large to be read, or there is no memory for it.
 */
async function inspectFirst(
  key: string,
  candidates: readonly Place[],
): Promise<LivingItem | 'untold' | undefined> {
  let untold: 'untold' | undefined;
  for (const { node } of candidates) {
    const item = await node.inspect(key).catch((error) => {
      if (!isRefusal(error)) throw error;
      untold = 'untold';
      return undefined;
    });
    // A copy of one that is stale would pass for one that is not: without it, it is fetched anew.
    if (item !== undefined && !isPlaceholder(item) && !item.stale) return item;
  }
  return untold;
}

/** As {@link inspectFirst}, of nodes that need not answer. */
async function inspectAny(
  key: string,
  candidates: readonly Place[],
): Promise<LivingItem | undefined> {
  for (const candidate of candidates) {
    try {
      const item = await inspectFirst(key, [candidate]);
      if (item !== undefined && item !== 'untold') return item;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    }
  }
  return undefined;
}

function isSame(a: LivingItem, b: LivingItem): boolean {
  if (a.stale) return false;
  if (a.flags !== b.flags || !a.value.equals(b.value)) return false;
  if (a.ttl < 0 || b.ttl < 0) return a.ttl === b.ttl;
  return Math.abs(a.ttl - b.ttl) <= TTL_SLACK;
}
