import type { Outcome } from './run.ts';

/** What Dashgate must not let users see; nothing where it did not. */
export function complaints({ ledger, leaks, happenings }: Outcome): string[] {
  const counts = {
    'idempotent requests failed': ledger.failed.total,
    'users were logged out': ledger.loggedOut,
    'bodies or messages were wrong': ledger.wrong.total,
    'consoles were cut that nothing had touched': ledger.cutUntouched.total,
    'connections were left open': leaks.length,
  };
  const late = happenings.filter(({ settled }) => !settled);
  return [
    ...Object.entries(counts).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : [])),
    ...late.map(({ fault }) => `it was not well again after ${fault.name}`),
  ];
}
