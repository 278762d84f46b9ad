import { cut } from '../../support/splits.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding } from '../engine/target.ts';

/** Longer inputs are not cut at each byte: it takes too long, and shows nothing new. */
const EVERY_PLACE_BYTES = 300;
const RANDOM_SPLITS = 3;

/**
 * What comes of an input as a whole, which has to be what comes of it in pieces.
 * @throws Finding
 */
export function readInPieces<T>(
  input: Buffer,
  dice: Dice,
  read: (chunks: readonly Buffer[]) => T,
): T {
  const whole = read([Buffer.from(input)]);
  const expected = JSON.stringify(whole);
  for (const places of placesOf(input, dice)) {
    const outcome = JSON.stringify(read(cut(input, places)));
    if (outcome === expected) continue;
    const shown = `${outcome} and not ${expected}`.slice(0, 500);
    throw new Finding('splits change the outcome', `cut at ${places.slice(0, 9)}: ${shown}`);
  }
  return whole;
}

function* placesOf(input: Buffer, dice: Dice): Generator<number[]> {
  if (input.length > 1 && input.length <= EVERY_PLACE_BYTES) {
    yield Array.from({ length: input.length - 1 }, (_, i) => i + 1);
  }
  for (let split = 0; split < RANDOM_SPLITS; split += 1) {
    yield Array.from({ length: 1 + dice.below(5) }, () => dice.below(input.length + 1));
  }
}
