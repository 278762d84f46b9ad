/**
 * What stands on a node that is being refilled, in the place of an item that is being copied. To
 * Django it is a miss: a pickle that pushes a text, drops it and gives None. Gateways know it by
 * its bytes.
 */
export const PLACEHOLDER: Buffer = pickleOfNone('dashgate: this item is being copied');

/** Django's flags of a pickle. */
export const PLACEHOLDER_FLAGS = 1;

/** How long one may stand, in seconds: a copy takes milliseconds, and a copier may die over it. */
export const PLACEHOLDER_TTL = 10;

/** Whether an item is a placeholder, and thus absent. */
export function isPlaceholder(item: { readonly value: Buffer; readonly flags: number }): boolean {
  return (
    item.value.length === PLACEHOLDER.length &&
    item.flags === PLACEHOLDER_FLAGS &&
    item.value.equals(PLACEHOLDER)
  );
}

/** Pickle protocol 2 (PEP 307): PROTO 2, BINUNICODE text, POP, NONE, STOP. */
function pickleOfNone(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(text));
  return Buffer.concat([Buffer.from('\x80\x02X', 'latin1'), length, Buffer.from(`${text}0N.`)]);
}
