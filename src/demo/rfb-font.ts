/** Glyphs are 5 pixels wide and 7 high; with their spacing they stand 6 pixels apart. */
export const GLYPH_WIDTH = 5;
export const GLYPH_HEIGHT = 7;
export const GLYPH_ADVANCE = 6;

/** Seven rows a glyph, two hexadecimal digits a row; bit 4 is the leftmost pixel. */
const GLYPHS: ReadonlyMap<string, string> = new Map([
  ['A', '0e11111f111111'],
  ['B', '1e11111e11111e'],
  ['C', '0e11101010110e'],
  ['D', '1c12111111121c'],
  ['E', '1f10101e10101f'],
  ['F', '1f10101e101010'],
  ['G', '0e11101711110f'],
  ['H', '1111111f111111'],
  ['I', '0e04040404040e'],
  ['J', '0702020202120c'],
  ['K', '11121418141211'],
  ['L', '1010101010101f'],
  ['M', '111b1515111111'],
  ['N', '11111915131111'],
  ['O', '0e11111111110e'],
  ['P', '1e11111e101010'],
  ['Q', '0e11111115120d'],
  ['R', '1e11111e141211'],
  ['S', '0f10100e01011e'],
  ['T', '1f040404040404'],
  ['U', '1111111111110e'],
  ['V', '11111111110a04'],
  ['W', '1111111515150a'],
  ['X', '11110a040a1111'],
  ['Y', '1111110a040404'],
  ['Z', '1f01020408101f'],
  ['0', '0e11131519110e'],
  ['1', '040c040404040e'],
  ['2', '0e11010204081f'],
  ['3', '1f02040201110e'],
  ['4', '02060a121f0202'],
  ['5', '1f101e0101110e'],
  ['6', '0608101e11110e'],
  ['7', '1f010204080808'],
  ['8', '0e11110e11110e'],
  ['9', '0e11110f01020c'],
  [' ', '00000000000000'],
  ['-', '0000001f000000'],
  ['.', '00000000000c0c'],
  [':', '000c0c000c0c00'],
  [',', '000000000c0408'],
  ['/', '00010204081000'],
  ['_', '0000000000001f'],
  ['+', '0004041f040400'],
  ['=', '00001f001f0000'],
  ['(', '02040808080402'],
  [')', '08040202020408'],
  ['!', '04040404000004'],
  ['?', '0e110102040004'],
  ['@', '0e11010d15150e'],
  ['#', '0a0a1f0a1f0a0a'],
]);

/** What stands for a character that the font does not have: an empty box. */
const BOX = '1f11111111111f';

/** The seven rows of a character's glyph, five bits each; small letters are drawn as capitals. */
export function glyphRows(character: string): readonly number[] {
  const rows = GLYPHS.get(character.toUpperCase()) ?? BOX;
  return Array.from({ length: GLYPH_HEIGHT }, (_, i) =>
    Number.parseInt(rows.slice(2 * i, 2 * i + 2), 16),
  );
}
