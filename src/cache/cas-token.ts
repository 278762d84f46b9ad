import { crc32 } from 'node:zlib';

/** A version as one node counts it, and where and when that count is good. */
export interface NodeVersion {
  /** See {@link markOf}. */
  readonly mark: number;
  /** The node's epoch in the view: a node that came back counts from the start. */
  readonly epoch: number;
  readonly version: bigint;
}

const MARK_BITS = 10n;
const MARK_MASK = 0x3ff;
const EPOCH_BITS = 6n;
const EPOCH_MASK = 0x3f;

/**
 * What tokens name a node by: the same in every gateway, whatever nodes have come and gone there. Where
 * two nodes have the same, a token of the one is good at the other only if both have counted the same.
 */
export function markOf(address: string): number {
  return crc32(address) & MARK_MASK;
}

/**
 * The token that a client is given for a version, a 64-bit number: each node counts for itself, so
 * the versions of two nodes may coincide. 48 bits are left of a node's count, which starts at 1
 * and grows by one with each write; a count beyond them makes a token that is never good.
 */
export function encodeToken({ mark, epoch, version }: NodeVersion): bigint {
  const where = BigInt(((epoch & EPOCH_MASK) << Number(MARK_BITS)) | mark);
  return BigInt.asUintN(64, (version << (MARK_BITS + EPOCH_BITS)) | where);
}

/** What a token stands for; of the epoch its last 6 bits. */
export function decodeToken(token: bigint): NodeVersion {
  const where = Number(BigInt.asUintN(Number(MARK_BITS + EPOCH_BITS), token));
  return {
    mark: where & MARK_MASK,
    epoch: where >> Number(MARK_BITS),
    version: token >> (MARK_BITS + EPOCH_BITS),
  };
}

/** Whether a token that was given out at an epoch is of this epoch. */
export function isOfEpoch(token: NodeVersion, epoch: number): boolean {
  return token.epoch === (epoch & EPOCH_MASK);
}
