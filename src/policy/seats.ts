import { GatewayError } from '../errors.ts';

/** One of the places that an address has; to be left once, for further calls do nothing. */
export interface Seat {
  leave(): void;
}

/** How many consoles or connections each address has open, with those that are being opened. */
export class Seats {
  readonly #most: number;
  readonly #taken = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws GatewayError `tooManyTunnels` where the address has as many as it may */
  take(address: string): Seat {
    const seat = this.tryTake(address);
    if (seat) return seat;
    const owner = subscriber(address);
    const most = `${this.#most} of them, the most it may have`;
    throw new GatewayError('tooManyTunnels', `${owner} has ${most}`);
  }

  /** Undefined where the address has as many as it may. */
  tryTake(address: string): Seat | undefined {
    const owner = subscriber(address);
    const taken = this.#taken.get(owner) ?? 0;
    if (taken >= this.#most) return undefined;
    this.#taken.set(owner, taken + 1);
    let left = false;
    return {
      leave: () => {
        if (left) return;
        left = true;
        this.#give(owner);
      },
    };
  }

  #give(owner: string): void {
    const taken = this.#taken.get(owner)! - 1;
    if (taken === 0) this.#taken.delete(owner);
    else this.#taken.set(owner, taken);
  }
}

/**
 * Whom an address stands for: of IPv6 a client has a whole /64, and may use any address in it. Where IPv6
 * has an IPv4 address in it, mapped (RFC 4291 §2.5.5.2) or by NAT64 (RFC 6052 §2.1), it is that one:
 * all of them are in one /64.
 */
export function subscriber(address: string): string {
  if (!address.includes(':')) return address;
  const groups = groupsOf(address);
  const prefix = groups.slice(0, 6).join(':');
  if (prefix === '0:0:0:0:0:ffff' || prefix === '64:ff9b:0:0:0:0') return dotted(groups.slice(6));
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** The eight groups of an IPv6 address, each in its shortest form. */
function groupsOf(address: string): string[] {
  const [plain = ''] = address.toLowerCase().split('%', 1);
  const hexadecimal = plain.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a, b, c, d] = parts.map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = [], tail] = hexadecimal
    .split('::', 2)
    .map((side) => side.split(':').filter(Boolean));
  const zeros = tail ? Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0') : [];
  return [...head, ...zeros, ...(tail ?? [])].map((group) => group.replace(/^0+(?=.)/, ''));
}

function dotted(groups: readonly string[]): string {
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  return numbers.flatMap((number) => [number >> 8, number & 0xff]).join('.');
}
