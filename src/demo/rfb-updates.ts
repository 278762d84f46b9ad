import type { Area, PixelEncoder } from './rfb-pixels.ts';
import type { Raster } from './rfb-raster.ts';

const TILE = 16;
const RAW_ENCODING = 0;
const UPDATE_HEAD_BYTES = 4;
const RECTANGLE_HEAD_BYTES = 12;
/** No colour has its upper byte set, so a pixel of this value differs from every colour. */
const NEVER_SENT = 0xff000000;

/** Remembers what a client's screen shows, and writes what has to be sent to bring it up to date. */
export class UpdateWriter {
  readonly #raster: Raster;
  readonly #shown: Uint32Array;

  constructor(raster: Raster) {
    this.#raster = raster;
    this.#shown = new Uint32Array(raster.pixels.length).fill(NEVER_SENT);
  }

  /**
   * A FramebufferUpdate (RFC 6143 section 7.6.1) in Raw encoding: the whole of `area`, or, where
   * it is incremental, the parts of it that changed; undefined where there is nothing to send.
   */
  write(area: Area, incremental: boolean, encoder: PixelEncoder): Buffer | undefined {
    const inside = clip(area, {
      x: 0,
      y: 0,
      width: this.#raster.width,
      height: this.#raster.height,
    });
    if (inside.width === 0 || inside.height === 0) return undefined;
    const rectangles = incremental ? this.#changes(inside) : [inside];
    if (rectangles.length === 0) return undefined;

    const { width: stride, pixels } = this.#raster;
    const size = rectangles.reduce(
      (sum, { width, height }) =>
        sum + RECTANGLE_HEAD_BYTES + width * height * encoder.bytesPerPixel,
      UPDATE_HEAD_BYTES,
    );
    const out = Buffer.alloc(size);
    out.writeUInt16BE(rectangles.length, 2);
    let at = UPDATE_HEAD_BYTES;
    for (const rectangle of rectangles) {
      out.writeUInt16BE(rectangle.x, at);
      out.writeUInt16BE(rectangle.y, at + 2);
      out.writeUInt16BE(rectangle.width, at + 4);
      out.writeUInt16BE(rectangle.height, at + 6);
      out.writeInt32BE(RAW_ENCODING, at + 8);
      encoder.encode(pixels, stride, rectangle, out, at + RECTANGLE_HEAD_BYTES);
      at += RECTANGLE_HEAD_BYTES + rectangle.width * rectangle.height * encoder.bytesPerPixel;
      this.#remember(rectangle);
    }
    return out;
  }

  /** The changed tiles of an area, neighbours in a row joined to one rectangle. */
  #changes(area: Area): Area[] {
    const found: Area[] = [];
    for (let y = area.y - (area.y % TILE); y < area.y + area.height; y += TILE) {
      let run: Area | undefined;
      for (let x = area.x - (area.x % TILE); x < area.x + area.width; x += TILE) {
        const tile = clip({ x, y, width: TILE, height: TILE }, area);
        if (!this.#differs(tile)) {
          if (run !== undefined) found.push(run);
          run = undefined;
        } else {
          run = run === undefined ? tile : { ...run, width: run.width + tile.width };
        }
      }
      if (run !== undefined) found.push(run);
    }
    return found;
  }

  #differs(area: Area): boolean {
    const { width: stride, pixels } = this.#raster;
    for (let y = area.y; y < area.y + area.height; y++) {
      const end = y * stride + area.x + area.width;
      for (let i = y * stride + area.x; i < end; i++) {
        if (pixels[i] !== this.#shown[i]) return true;
      }
    }
    return false;
  }

  #remember(area: Area): void {
    const { width: stride, pixels } = this.#raster;
    for (let y = area.y; y < area.y + area.height; y++) {
      const start = y * stride + area.x;
      this.#shown.set(pixels.subarray(start, start + area.width), start);
    }
  }
}

/** The part of `area` that lies inside `bounds`; of no width or no height where none does. */
export function clip(area: Area, bounds: Area): Area {
  const x = Math.max(area.x, bounds.x);
  const y = Math.max(area.y, bounds.y);
  return {
    x,
    y,
    width: Math.max(0, Math.min(area.x + area.width, bounds.x + bounds.width) - x),
    height: Math.max(0, Math.min(area.y + area.height, bounds.y + bounds.height) - y),
  };
}
