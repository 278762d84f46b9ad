import { isIPv6 } from 'node:net';
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

/** Whom an address stands for: of IPv6 a client has a whole /64, and may use any address in it. */
export function subscriber(address: string): string {
  if (!isIPv6(address)) return address;
  const [before = '', after = ''] = address.toLowerCase().split('::', 2);
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [head, tail] = [groups(before), groups(after)];
  // Dotted decimals at the end stand for two groups; they never reach the first four.
  const length = head.length + tail.length + (address.includes('.') ? 1 : 0);
  const zeros = address.includes('::') ? Array<string>(Math.max(0, 8 - length)).fill('0') : [];
  const first = [...head, ...zeros, ...tail].slice(0, 4);
  return `${first.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
