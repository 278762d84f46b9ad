/** Codes of SGR (ECMA-48 §8.3.117). */
const SGR = {
  bold: '1',
  green: '32',
  cyan: '36',
  yellow: '33',
  alarm: '1;31',
} as const;

export type Colour = keyof typeof SGR;

/** Gives text a colour. */
export type Paint = (colour: Colour, text: string) => string;

/** Gives text a colour where there are any, and leaves it as it is where not. */
export function painter(colours: boolean): Paint {
  return (colour, text) => (colours ? `\x1b[${SGR[colour]}m${text}\x1b[0m` : text);
}

/** Whether what is written to a stream has colours: on a terminal, unless https://no-color.org. */
export function hasColours(
  { isTTY }: { readonly isTTY?: boolean },
  { NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTTY === true && !NO_COLOR && TERM !== 'dumb';
}

/** JSON to be read by people, too; what of it could steer a terminal is escaped, which JSON itself leaves to us. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}

/** One line of what a peer says, which must not steer the terminal. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
}
