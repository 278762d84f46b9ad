const MASK_BYTES = 4;
const HEAD_BYTES = 2;
const MASKED = 0x80;

/** A masked binary frame as a client sends it (RFC 6455 §5.2); at most 125 bytes of payload. */
export function maskedFrame(payload: Buffer, mask: Buffer): Buffer {
  const frame = Buffer.alloc(HEAD_BYTES + MASK_BYTES + payload.length);
  frame[0] = 0x82;
  frame[1] = MASKED | shortLength(payload.length);
  mask.copy(frame, HEAD_BYTES);
  for (let i = 0; i < payload.length; i++) {
    frame[HEAD_BYTES + MASK_BYTES + i] = payload[i]! ^ mask[i % MASK_BYTES]!;
  }
  return frame;
}

/** The same frame as a server sends it. */
export function plainFrame(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x82, shortLength(payload.length)]), payload]);
}

/**
 * Turns whole masked frames at the start of `bytes` into plain ones; what is left is the beginning
 * of a frame that has not all come yet.
 * @throws RangeError for a frame of more than 125 bytes or without a mask: the load sends none.
 */
export function unmaskFrames(bytes: Buffer): { frames: Buffer; left: Buffer } {
  const frames = Buffer.allocUnsafe(bytes.length);
  let from = 0;
  let to = 0;
  while (bytes.length - from >= HEAD_BYTES + MASK_BYTES) {
    const second = bytes[from + 1]!;
    if ((second & MASKED) === 0) throw new RangeError('the frame of a client has no mask');
    const length = shortLength(second & ~MASKED);
    const payload = from + HEAD_BYTES + MASK_BYTES;
    if (bytes.length < payload + length) break;
    frames[to++] = bytes[from]!;
    frames[to++] = length;
    for (let i = 0; i < length; i++) {
      frames[to++] = bytes[payload + i]! ^ bytes[from + HEAD_BYTES + (i % MASK_BYTES)]!;
    }
    from = payload + length;
  }
  return { frames: frames.subarray(0, to), left: bytes.subarray(from) };
}

function shortLength(length: number): number {
  if (length > 125) throw new RangeError(`a frame of ${length} bytes is more than 125`);
  return length;
}
