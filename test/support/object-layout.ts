import { setFlagsFromString } from 'node:v8';
import { collectGarbage } from './memory.ts';

setFlagsFromString('--allow-natives-syntax');

/** Whether an object has its fields in itself, or beside it, and not in a dictionary. */
export const isFast: (object: object) => boolean = new Function(
  'object',
  'return %HasFastProperties(object)',
) as never;

/** So many objects of a class that were made and gone had V8 lay out later ones as if they had no fields. */
export const FORGOTTEN = 6;

/** Has V8 forget objects that nobody holds, and what they looked like, which it remembers for two collections. */
export function forgetObjects(): void {
  for (let count = 0; count < 4; count += 1) collectGarbage();
}
