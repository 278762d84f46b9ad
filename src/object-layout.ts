// V8 decides by the first objects of a class how all later ones are laid out. It gives them more room than
// their fields take, and with the seventh cuts that down to what is taken in those that are still there. Where
// six had come and gone one by one and been collected, that is nothing: every object from then on keeps its
// fields outside of itself, and many of them in a dictionary, into which compiled code does not look by itself.
// In every other start of a worker that made a request 4 % dearer, and by the worst luck it would be 40 %.
//
// Compiled code knows up to four layouts at one place, and looks into a table where it has met more. All that is
// read and written goes through a few lines of Node, which meet all sockets: no socket gets a property later
// than its like do. What Node remembers in one (an address that was asked for, a keep-alive that was set) is one.

/** So many objects of a class count (`kSlackTrackingCounterStart` of V8). */
const COUNTED = 7;

/**
 * Has V8 decide on classes of ours, by objects that nobody needs. Fields are there before the body of a
 * constructor, which may well fail for want of arguments.
 */
export function settleLayout(...classes: readonly (new (...args: never[]) => object)[]): void {
  for (const each of classes) {
    for (let count = 0; count <= COUNTED; count += 1) {
      try {
        Reflect.construct(each, []);
      } catch {
        // That was the body.
      }
    }
  }
}

/** Keeps the first objects of a class that others make until V8 has decided. */
export class FirstObjects {
  #kept: object[] | undefined = [];

  /** Keeps an object for a while if it is one of the first. */
  keep(object: object): void {
    if (this.#kept && this.#kept.push(object) > COUNTED) this.#kept = undefined;
  }
}
