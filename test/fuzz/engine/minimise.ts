/** Most tries that making an input smaller may take. */
const MOST_TRIES = 1500;
const PLAIN = 0x61;

/**
 * The smallest input that is found by leaving parts out of this one, and its octets replaced by a plain
 * letter where that changes nothing.
 * @param holds whether an input does what this one did
 */
export async function minimise(
  input: Buffer,
  holds: (candidate: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let smallest = Buffer.from(input);
  let tries = 0;
  const accept = async (candidate: Buffer<ArrayBuffer>) => {
    tries += 1;
    if (!(await holds(candidate))) return false;
    smallest = candidate;
    return true;
  };
  for (let size = smallest.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < smallest.length && tries < MOST_TRIES; ) {
      const without = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (!(await accept(without))) at += size;
    }
  }
  for (let at = 0; at < smallest.length && tries < MOST_TRIES; at += 1) {
    if (smallest[at] === PLAIN) continue;
    const plainer = Buffer.from(smallest);
    plainer[at] = PLAIN;
    await accept(plainer);
  }
  return smallest;
}
