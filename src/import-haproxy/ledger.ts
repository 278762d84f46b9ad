import type { Line } from './line.ts';

/** Why lines are not carried over, from what needs a decision to what needs none. */
export const GROUPS = {
  decide: 'What these did is not done by Dashgate: decide whether you need it',
  unread: 'These could not be understood or were not looked at',
  builtin: 'Dashgate does these by itself or has its own way',
  host: "These are about HAProxy's process, its logs or the kernel",
  elsewhere: "These are of services that are none of Dashgate's: leave them where they are",
} as const;

export type Group = keyof typeof GROUPS;

/** Why a line, or a part of it, was not carried over. */
export interface Drop {
  readonly group: Group;
  /** One sentence without a full stop. */
  readonly reason: string;
  /** The words that it is about, where the rest of the line was carried over. */
  readonly part?: string | undefined;
}

/** Keeps what became of every line. What one service carries over is carried over. */
export class Ledger {
  readonly #carried = new Set<Line>();
  readonly #drops = new Map<Line, Drop[]>();

  carry(...lines: readonly (Line | undefined)[]): void {
    for (const line of lines) if (line) this.#carried.add(line);
  }

  drop(line: Line, group: Group, reason: string): void {
    this.#add(line, { group, reason });
  }

  /** A part of a line that is otherwise carried over. */
  dropPart(line: Line, part: string, group: Group, reason: string): void {
    this.#add(line, { group, reason, part });
  }

  isCarried(line: Line): boolean {
    return this.#carried.has(line);
  }

  isSettled(line: Line): boolean {
    const drops = this.#drops.get(line) ?? [];
    return this.#carried.has(line) || drops.some(({ part }) => part === undefined);
  }

  /** What was not carried over of a line: the line, its parts, or nothing. */
  dropsOf(line: Line): readonly Drop[] {
    const drops = this.#drops.get(line) ?? [];
    if (this.#carried.has(line)) return drops.filter(({ part }) => part !== undefined);
    return drops.filter(({ part }) => part === undefined).slice(0, 1);
  }

  #add(line: Line, drop: Drop): void {
    const drops = this.#drops.get(line) ?? [];
    if (drops.some(({ part, reason }) => part === drop.part && reason === drop.reason)) return;
    this.#drops.set(line, [...drops, drop]);
  }
}
