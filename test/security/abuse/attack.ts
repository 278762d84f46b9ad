/** What an attack is made against, and how. */
export interface Target {
  /** Ports of 127.0.0.1. */
  readonly portal: number;
  readonly console: number;
  /** How many abusive connections there are at once. */
  readonly connections: number;
  /** After so many seconds the attack ends by itself, whatever happens to it. */
  readonly seconds: number;
  /** Where it writes what it has done (see `Deeds`). */
  readonly report: string;
}

/** What an attack of our own has done, in a file that it writes twice a second. */
export interface Deeds {
  /** What it tried: connections, requests, handshakes, frames. */
  readonly done: number;
  /** What a proxy did that no proxy may do. */
  readonly faults: readonly string[];
}

/** When a proxy is to have ended connections that would go on. */
export interface Deadline {
  readonly seconds: number;
  /** Dashgate's setting, or two of them, that says so. */
  readonly setting: string;
}

export interface Attack {
  readonly name: string;
  readonly title: string;
  /** Of how many addresses of loopback it comes. */
  readonly addresses: 1 | 250;
  /** Connections that it holds are to be ended by then; without, it ends them itself. */
  readonly deadline?: Deadline;
  /**
   * So many seconds after all connections are open the other user is watched from: what comes before is
   * work like any other. Without, from the first connection on.
   */
  readonly watchedAfter?: number;
  /** What each connection may cost at most at once, in KiB of PSS. */
  readonly mostKiB: number;
  /** Settings of Dashgate beside its defaults; the others, which have no such, are left out. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The generator of our own that makes it; undefined: the one with its name. */
  readonly generator?: string;
  /** The command that makes it; undefined: a generator of our own. */
  readonly command?: (target: Target) => readonly string[];
}

/** The attacks come from here on, where they come from many addresses from 127.1.0.1 on. */
export const ONE_ADDRESS = '127.0.0.2';

/** The n-th address that an attack comes from. */
export function addressOf(n: number, addresses: Attack['addresses']): string {
  return addresses === 1 ? ONE_ADDRESS : `127.1.${n % addresses}.1`;
}
