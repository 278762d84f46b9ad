import { randomBytes } from 'node:crypto';

/** One frame as it is written by hand. */
export interface FrameParts {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Last fragment of its message; true unless told. */
  readonly fin?: boolean;
  /** The three reserved bits. */
  readonly rsv?: number;
  readonly masked?: boolean;
  /** In how many bytes the length is written: 0, 2 or 8 after the second byte; as few as will do. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** The bytes of a frame (RFC 6455 §5.2), sound or not. */
export function frame({
  opcode,
  payload,
  fin = true,
  rsv = 0,
  masked = false,
  lengthBytes = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8,
}: FrameParts): Buffer {
  const length = Buffer.alloc(lengthBytes);
  if (lengthBytes === 2) length.writeUInt16BE(payload.length);
  if (lengthBytes === 8) length.writeBigUInt64BE(BigInt(payload.length));
  const short = lengthBytes === 0 ? payload.length : lengthBytes === 2 ? 126 : 127;
  const head = Buffer.of((fin ? 0x80 : 0) | (rsv << 4) | opcode, (masked ? 0x80 : 0) | short);
  if (!masked) return Buffer.concat([head, length, payload]);
  const key = randomBytes(4);
  return Buffer.concat([head, length, key, payload.map((byte, i) => byte ^ key[i % 4]!)]);
}

/** A binary frame of a server that has `bytes` bytes. */
export function binary(bytes: number): Buffer {
  return frame({ opcode: 2, payload: Buffer.alloc(bytes, 0x55) });
}

/** A frame as it was read. */
export interface ReadFrame {
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** Reads whole frames; what is left at the end is a frame that broke off. */
export function readFrames(bytes: Buffer): { frames: ReadFrame[]; rest: Buffer } {
  const frames: ReadFrame[] = [];
  let at = 0;
  for (;;) {
    const rest = bytes.subarray(at);
    if (rest.length < 2) return { frames, rest };
    const masked = (rest[1]! & 0x80) !== 0;
    const short = rest[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const head = 2 + lengthBytes + (masked ? 4 : 0);
    if (rest.length < head) return { frames, rest };
    const length =
      lengthBytes === 0
        ? short
        : lengthBytes === 2
          ? rest.readUInt16BE(2)
          : Number(rest.readBigUInt64BE(2));
    if (rest.length < head + length) return { frames, rest };
    const key = rest.subarray(head - 4, head);
    const body = Buffer.from(rest.subarray(head, head + length));
    const payload = masked ? body.map((byte, i) => byte ^ key[i % 4]!) : body;
    frames.push({ opcode: rest[0]! & 0xf, masked, payload: Buffer.from(payload) });
    at += head + length;
  }
}

/** Code and reason of a close frame. */
export function closing({ payload }: ReadFrame): { code: number; reason: string } {
  return { code: payload.readUInt16BE(), reason: payload.toString('utf8', 2) };
}
