/** A rectangle of the framebuffer, in pixels. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** How a client wants its pixels: RFC 6143 section 7.4, PIXEL_FORMAT. */
export interface PixelFormat {
  readonly bitsPerPixel: number;
  readonly depth: number;
  readonly bigEndian: boolean;
  readonly trueColour: boolean;
  readonly redMax: number;
  readonly greenMax: number;
  readonly blueMax: number;
  readonly redShift: number;
  readonly greenShift: number;
  readonly blueShift: number;
}

/** Length in bytes of a PIXEL_FORMAT on the wire. */
export const PIXEL_FORMAT_BYTES = 16;

/** What the server offers at first: 32 bits, 0x00RRGGBB, little-endian. */
export const NATIVE_FORMAT: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  trueColour: true,
  redMax: 255,
  greenMax: 255,
  blueMax: 255,
  redShift: 16,
  greenShift: 8,
  blueShift: 0,
};

/** Reads a PIXEL_FORMAT of 16 bytes at `offset`; any bytes give a format, valid or not. */
export function readPixelFormat(bytes: Buffer, offset: number): PixelFormat {
  return {
    bitsPerPixel: bytes.readUInt8(offset),
    depth: bytes.readUInt8(offset + 1),
    bigEndian: bytes.readUInt8(offset + 2) !== 0,
    trueColour: bytes.readUInt8(offset + 3) !== 0,
    redMax: bytes.readUInt16BE(offset + 4),
    greenMax: bytes.readUInt16BE(offset + 6),
    blueMax: bytes.readUInt16BE(offset + 8),
    redShift: bytes.readUInt8(offset + 10),
    greenShift: bytes.readUInt8(offset + 11),
    blueShift: bytes.readUInt8(offset + 12),
  };
}

/** The 16 bytes of a PIXEL_FORMAT. */
export function writePixelFormat(format: PixelFormat): Buffer {
  const bytes = Buffer.alloc(PIXEL_FORMAT_BYTES);
  bytes.writeUInt8(format.bitsPerPixel, 0);
  bytes.writeUInt8(format.depth, 1);
  bytes.writeUInt8(format.bigEndian ? 1 : 0, 2);
  bytes.writeUInt8(format.trueColour ? 1 : 0, 3);
  bytes.writeUInt16BE(format.redMax, 4);
  bytes.writeUInt16BE(format.greenMax, 6);
  bytes.writeUInt16BE(format.blueMax, 8);
  bytes.writeUInt8(format.redShift, 10);
  bytes.writeUInt8(format.greenShift, 11);
  bytes.writeUInt8(format.blueShift, 12);
  return bytes;
}

/**
 * Why pixels cannot be sent in this format, or undefined where they can: true colour in 8, 16 or
 * 32 bits, each channel inside the pixel. Colour maps are not spoken.
 */
export function formatProblem(format: PixelFormat): string | undefined {
  const { bitsPerPixel } = format;
  if (!format.trueColour) return 'colour maps are not supported; ask for true colour';
  if (bitsPerPixel !== 8 && bitsPerPixel !== 16 && bitsPerPixel !== 32) {
    return `pixels of ${bitsPerPixel} bits are not in RFB; ask for 8, 16 or 32`;
  }
  const channels = [
    [format.redMax, format.redShift],
    [format.greenMax, format.greenShift],
    [format.blueMax, format.blueShift],
  ] as const;
  const fits = channels.every(([max, shift]) => max * 2 ** shift < 2 ** bitsPerPixel);
  return fits ? undefined : `a colour channel reaches beyond the ${bitsPerPixel} bits of a pixel`;
}

/** Turns pixels of 0x00RRGGBB into those of one client's format. */
export class PixelEncoder {
  readonly bytesPerPixel: number;
  readonly #bigEndian: boolean;
  readonly #red: Uint32Array;
  readonly #green: Uint32Array;
  readonly #blue: Uint32Array;

  /** `format` must be one in which {@link formatProblem} finds none. */
  constructor(format: PixelFormat) {
    this.bytesPerPixel = format.bitsPerPixel / 8;
    this.#bigEndian = format.bigEndian;
    this.#red = channelTable(format.redMax, format.redShift);
    this.#green = channelTable(format.greenMax, format.greenShift);
    this.#blue = channelTable(format.blueMax, format.blueShift);
  }

  /** Writes the pixels of `area` row by row into `out` at `offset` (bytes); `stride` in pixels. */
  encode(pixels: Uint32Array, stride: number, area: Area, out: Buffer, offset: number): void {
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
    const littleEndian = !this.#bigEndian;
    let at = offset;
    for (let y = area.y; y < area.y + area.height; y++) {
      const row = y * stride;
      for (let x = area.x; x < area.x + area.width; x++) {
        const colour = pixels[row + x]!;
        const value =
          this.#red[(colour >>> 16) & 255]! |
          this.#green[(colour >>> 8) & 255]! |
          this.#blue[colour & 255]!;
        if (this.bytesPerPixel === 4) view.setUint32(at, value, littleEndian);
        else if (this.bytesPerPixel === 2) view.setUint16(at, value, littleEndian);
        else view.setUint8(at, value);
        at += this.bytesPerPixel;
      }
    }
  }
}

/** For each of 256 intensities: scaled to `max` and shifted to its place in the pixel. */
function channelTable(max: number, shift: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, level) => Math.round((level * max) / 255) << shift);
}
