/** A version as one node counts it, and where and when that count is good. */
export interface NodeVersion {
  /** The node's index in the list of nodes. */
  readonly node: number;
  /** The node's epoch in the view: a node that came back counts from the start. */
  readonly epoch: number;
  readonly version: bigint;
}

/** Nodes that a token can tell apart. */
export const MAX_NODES = 16;
const NODE_BITS = 4n;
const EPOCH_BITS = 8n;
const EPOCH_MASK = 0xff;

/**
 * The token that a client is given for a version, a 64-bit number: each node counts for itself, so
 * the versions of two nodes may coincide. 52 bits are left of a node's count, which starts at 1
 * and grows by one with each write; a count beyond them makes a token that is never good.
 */
export function encodeToken({ node, epoch, version }: NodeVersion): bigint {
  const where = BigInt(((epoch & EPOCH_MASK) << Number(NODE_BITS)) | node);
  return BigInt.asUintN(64, (version << (NODE_BITS + EPOCH_BITS)) | where);
}

/** What a token stands for; of the epoch its last 8 bits. */
export function decodeToken(token: bigint): NodeVersion {
  const where = Number(token & 0xfffn);
  return {
    node: where & (MAX_NODES - 1),
    epoch: where >> Number(NODE_BITS),
    version: token >> (NODE_BITS + EPOCH_BITS),
  };
}

/** Whether a token that was given out at an epoch is of this epoch. */
export function isOfEpoch(token: NodeVersion, epoch: number): boolean {
  return token.epoch === (epoch & EPOCH_MASK);
}
