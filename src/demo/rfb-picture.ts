import { Raster, textWidth } from './rfb-raster.ts';

/** Size of the console's screen in pixels. */
export const SCREEN_WIDTH = 640;
export const SCREEN_HEIGHT = 400;

const COLOURS = {
  background: 0x0f1620,
  panel: 0x172231,
  line: 0x2b3b50,
  text: 0xe6edf5,
  faint: 0x8ea2b8,
} as const;

/** One for each console, so that a switch from one to another is seen at once. */
const ACCENTS = [0x3ba7ff, 0x35c48d, 0xf2a33a, 0xd36bf0, 0xff6b6b, 0x4dd0e1] as const;

const MARGIN = 20;
const STAGE = { x: MARGIN, y: 132, width: SCREEN_WIDTH - 2 * MARGIN, height: 130 } as const;
const BLOCK = 36;
const BAR = { x: MARGIN, y: 274, width: SCREEN_WIDTH - 2 * MARGIN, height: 10, sweep: 90 } as const;
const MAX_TYPED = 40;

const KEY_BACKSPACE = 0xff08;
const KEY_RETURN = 0xff0d;

/**
 * The screen of a mock instance: its console's name in large letters, a clock, a block that
 * bounces and a bar that sweeps, and an echo of what the viewer types and points at.
 */
export class ConsolePicture {
  readonly raster = new Raster(SCREEN_WIDTH, SCREEN_HEIGHT);
  readonly #name: string;
  readonly #accent: number;
  #typed = '';
  #lastKeysym = 0;
  #pointer: { x: number; y: number; buttons: number } | undefined;

  constructor(name: string) {
    this.#name = name;
    const sum = [...name].reduce((total, character) => total + character.codePointAt(0)!, 0);
    this.#accent = ACCENTS[sum % ACCENTS.length]!;
  }

  /** A key went down; `keysym` as X11 numbers them. */
  key(keysym: number): void {
    this.#lastKeysym = keysym;
    if (keysym === KEY_RETURN) this.#typed = '';
    else if (keysym === KEY_BACKSPACE) this.#typed = this.#typed.slice(0, -1);
    else if (keysym >= 0x20 && keysym <= 0x7e) {
      this.#typed = (this.#typed + String.fromCharCode(keysym)).slice(-MAX_TYPED);
    }
  }

  /** The pointer moved or a button changed; `buttons` is a mask, bit 0 the left one. */
  pointer(x: number, y: number, buttons: number): void {
    this.#pointer = { x, y, buttons };
  }

  /** Draws the picture of one moment; `now` in ms since the epoch. */
  draw(now: number): void {
    const { raster } = this;
    raster.fill(0, 0, SCREEN_WIDTH, SCREEN_HEIGHT, COLOURS.background);
    this.#drawHeader(now);
    this.#drawMotion(now);
    this.#drawEcho();
    if (this.#pointer !== undefined) {
      const { x, y, buttons } = this.#pointer;
      const colour = buttons === 0 ? COLOURS.text : this.#accent;
      raster.fill(x - 7, y, 15, 1, colour);
      raster.fill(x, y - 7, 1, 15, colour);
    }
  }

  #drawHeader(now: number): void {
    const { raster } = this;
    raster.fill(0, 0, SCREEN_WIDTH, 44, COLOURS.panel);
    raster.fill(0, 44, SCREEN_WIDTH, 3, this.#accent);
    raster.text(MARGIN, 15, 'DASHGATE CONSOLE', 2, COLOURS.text);
    const clock = `${new Date(now).toISOString().slice(11, 21)} UTC`;
    raster.text(SCREEN_WIDTH - MARGIN - textWidth(clock, 2), 15, clock, 2, COLOURS.faint);

    const room = SCREEN_WIDTH - 2 * MARGIN;
    const scale = Math.max(1, Math.min(6, Math.floor(room / textWidth(this.#name, 1))));
    const left = Math.floor((SCREEN_WIDTH - textWidth(this.#name, scale)) / 2);
    raster.text(left, 90 - Math.floor((7 * scale) / 2), this.#name, scale, this.#accent);
  }

  #drawMotion(now: number): void {
    const { raster } = this;
    raster.fill(STAGE.x, STAGE.y, STAGE.width, STAGE.height, COLOURS.panel);
    raster.outline(STAGE.x, STAGE.y, STAGE.width, STAGE.height, COLOURS.line);
    const x = STAGE.x + 1 + bounce(now * 0.11, STAGE.width - 2 - BLOCK);
    const y = STAGE.y + 1 + bounce(now * 0.07, STAGE.height - 2 - BLOCK);
    raster.fill(x, y, BLOCK, BLOCK, this.#accent);
    raster.fill(x + 12, y + 12, BLOCK - 24, BLOCK - 24, COLOURS.background);

    raster.fill(BAR.x, BAR.y, BAR.width, BAR.height, COLOURS.panel);
    raster.fill(
      BAR.x + bounce(now * 0.2, BAR.width - BAR.sweep),
      BAR.y,
      BAR.sweep,
      BAR.height,
      this.#accent,
    );
  }

  #drawEcho(): void {
    const { raster } = this;
    const at = this.#pointer;
    const position = at === undefined ? '-' : `${at.x}, ${at.y}`;
    const keysym = this.#lastKeysym === 0 ? '-' : `#${this.#lastKeysym.toString(16)}`;
    const rows = [
      ['POINTER', `${position}   BUTTONS ${(at?.buttons ?? 0).toString(2)}`],
      ['LAST KEY', keysym],
      ['TYPED', `${this.#typed}_`],
    ] as const;
    for (const [index, [label, value]] of rows.entries()) {
      const y = 304 + index * 30;
      raster.text(MARGIN, y, label, 2, COLOURS.faint);
      raster.text(MARGIN + 116, y, value, 2, COLOURS.text);
    }
  }
}

/** A position that runs to and fro between 0 and `range`, both whole and inclusive. */
function bounce(distance: number, range: number): number {
  return Math.floor(Math.abs((distance % (2 * range)) - range));
}
