const FORMAT = 1;
/** Bounds what a foreign item can make a gateway ask for. */
export const MAX_GATEWAYS = 64;
const NAME = /^[A-Za-z0-9._:-]{1,128}$/;

export function isGatewayName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

/** The item that names all gateways: there is no other way to find their heartbeats. */
export function encodeRoster(names: Iterable<string>): Buffer {
  return Buffer.from(JSON.stringify({ dashgate: FORMAT, gateways: [...names] }));
}

/** The names of an item; none where it is no roster. */
export function decodeRoster(item: Buffer | undefined): ReadonlySet<string> {
  try {
    const { dashgate, gateways } = JSON.parse(item?.toString() ?? '');
    if (dashgate !== FORMAT || !Array.isArray(gateways)) return new Set();
    return new Set(gateways.filter(isGatewayName).slice(0, MAX_GATEWAYS));
  } catch {
    return new Set();
  }
}

/**
 * What a gateway makes of a roster: itself in it, and out of it who has long been silent. Nobody puts
 * anybody else in, so that who was taken out stays out until it comes back by itself. Undefined where
 * the roster is as it should be.
 */
export function mendedRoster(
  roster: ReadonlySet<string>,
  self: string,
  isForgotten: (name: string) => boolean,
): ReadonlySet<string> | undefined {
  const kept = [...roster].filter((name) => name === self || !isForgotten(name));
  if (kept.length === roster.size && roster.has(self)) return undefined;
  // With a full roster a gateway that lives comes before names that may be anything.
  const others = kept.filter((name) => name !== self).slice(0, MAX_GATEWAYS - 1);
  return new Set([self, ...others]);
}
