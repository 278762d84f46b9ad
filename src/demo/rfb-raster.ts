import { GLYPH_ADVANCE, GLYPH_WIDTH, glyphRows } from './rfb-font.ts';

/** A picture in memory, one 0x00RRGGBB number a pixel. Drawing outside of it draws nothing. */
export class Raster {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;

  /** `width` and `height` in pixels. */
  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint32Array(width * height);
  }

  /** Fills a rectangle. */
  fill(x: number, y: number, width: number, height: number, colour: number): void {
    const left = Math.max(0, x);
    const right = Math.min(this.width, x + width);
    if (left >= right) return;
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      this.pixels.fill(colour, row * this.width + left, row * this.width + right);
    }
  }

  /** Draws the outline of a rectangle, one pixel thick. */
  outline(x: number, y: number, width: number, height: number, colour: number): void {
    this.fill(x, y, width, 1, colour);
    this.fill(x, y + height - 1, width, 1, colour);
    this.fill(x, y, 1, height, colour);
    this.fill(x + width - 1, y, 1, height, colour);
  }

  /** Draws one line of text with its upper left corner at x, y; `scale` enlarges each dot. */
  text(x: number, y: number, text: string, scale: number, colour: number): void {
    let left = x;
    for (const character of text) {
      for (const [row, bits] of glyphRows(character).entries()) {
        for (let column = 0; column < GLYPH_WIDTH; column++) {
          if ((bits & (1 << (GLYPH_WIDTH - 1 - column))) === 0) continue;
          this.fill(left + column * scale, y + row * scale, scale, scale, colour);
        }
      }
      left += GLYPH_ADVANCE * scale;
    }
  }
}

/** How wide a line of text is drawn, in pixels, without the gap after its last character. */
export function textWidth(text: string, scale: number): number {
  const characters = [...text].length;
  return characters === 0 ? 0 : (characters * GLYPH_ADVANCE - 1) * scale;
}
