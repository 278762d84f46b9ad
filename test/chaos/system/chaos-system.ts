import { writeFileSync } from 'node:fs';
import { writePlaced } from '../../security/placed.ts';
import type { Options } from './options.ts';
import { dashgate } from './peers/dashgate.ts';
import { type Outcome, suffer } from './run.ts';
import { renderTable } from './table.ts';
import { complaints } from './verdict.ts';

/** Runs every front door through the same, and prints the table; true where Dashgate hid what it has to hide. */
export async function chaosOfSystem(options: Options): Promise<boolean> {
  process.stderr.write(`seed ${options.seed}\n`);
  const outcomes: Outcome[] = [];
  for (const peer of options.peers) {
    outcomes.push(await suffer(peer, options));
    // At once: a run of minutes that is ended early has told what it found until then.
    keep(outcomes, options);
  }
  process.stdout.write(`${renderTable(outcomes, options)}\n`);
  const found = outcomes.filter(({ peer }) => peer === dashgate).flatMap(complaints);
  for (const complaint of found) process.stderr.write(`${complaint}\n`);
  return found.length === 0;
}

function keep(outcomes: readonly Outcome[], options: Options): void {
  if (options.json) writeFileSync(options.json, `${JSON.stringify(told(outcomes), null, 2)}\n`);
  if (options.write) writePlaced(options.write, 'chaos', renderTable(outcomes, options));
}

function told(outcomes: readonly Outcome[]): object {
  return outcomes.map(({ peer, happenings, ...rest }) => ({
    peer: peer.name,
    ...rest,
    happenings: happenings.map(({ fault, ...happening }) => ({ fault: fault.name, ...happening })),
  }));
}
