import { Counts } from './load/ledger.ts';
import type { Options } from './options.ts';
import type { Outcome } from './run.ts';

const number = (value: number) => value.toLocaleString('en');

/** Failures of so many, with their causes. */
function failures(counts: Counts, of?: number): string {
  const causes = counts.entries().map(([cause, count]) => `${number(count)} ${cause}`);
  const total =
    of === undefined ? number(counts.total) : `${number(counts.total)} of ${number(of)}`;
  return causes.length === 0 ? total : `${total}: ${causes.join('; ')}`;
}

function countsOf(things: readonly string[]): Counts {
  const counts = new Counts();
  for (const thing of things) counts.add(thing);
  return counts;
}

const ROWS: readonly (readonly [title: string, cell: (outcome: Outcome) => string])[] = [
  [
    '**failed idempotent requests** (clicks, downloads)',
    ({ ledger }) => failures(ledger.failed, ledger.idempotent),
  ],
  ['**users logged out**', ({ ledger }) => number(ledger.loggedOut)],
  [
    '**wrong bytes**, of bodies and messages compared',
    ({ ledger }) => failures(ledger.wrong, ledger.compared),
  ],
  [
    '**consoles cut that nothing had touched**, of all that were opened',
    ({ ledger }) => failures(ledger.cutUntouched, ledger.tunnels),
  ],
  [
    'consoles cut with their console, worker or gateway',
    ({ ledger }) => failures(ledger.cutTouched),
  ],
  ['answers broken off with the part that gave them', ({ ledger }) => failures(ledger.brokenOff)],
  ['requests asked once more by the client', ({ ledger }) => failures(ledger.askedAgain)],
  [
    'failed uploads, logins and openings of consoles',
    ({ ledger }) => failures(ledger.othersFailed, ledger.others),
  ],
  [
    'left open at rest',
    ({ leaks }) => (leaks.length === 0 ? 'nothing' : failures(countsOf(leaks))),
  ],
  [
    'memory of the gateways, before and after (MiB)',
    ({ memoryMiB: { before, after } }) => `${before}, ${after}`,
  ],
];

/** What was counted, and when users were well again after each fault, in Markdown. */
export function renderTable(outcomes: readonly Outcome[], options: Options): string {
  const titles = outcomes.map(({ peer }) => peer.title);
  const counts = ROWS.map(([title, cell]) => line([title, ...outcomes.map(cell)]));
  const recoveries = options.faults.map(({ title, name }) =>
    line([title, ...outcomes.map((outcome) => recovery(outcome, name))]),
  );
  const { users, consoles, seed } = options;
  const minutes = outcomes.map(({ seconds }) => (seconds / 60).toFixed(1)).join(' and ');
  return [
    `${users} users, ${consoles} consoles, ${minutes} minutes, seed ${seed}.`,
    '',
    line(['what users saw', ...titles]),
    line(['---', ...titles.map(() => '---')]),
    ...counts,
    '',
    line(['from the beginning of a fault to the last trouble it made, in s', ...titles]),
    line(['---', ...titles.map(() => '--:')]),
    ...recoveries,
  ].join('\n');
}

function recovery({ happenings }: Outcome, name: string): string {
  const those = happenings.filter(({ fault }) => fault.name === name);
  if (those.length === 0) return '–';
  const shown = those.map(({ recoveredMs, settled }) =>
    settled ? (recoveredMs / 1_000).toFixed(1) : 'not in time',
  );
  return shown.join(', ');
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}
