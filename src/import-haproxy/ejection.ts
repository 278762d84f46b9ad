import type { Context } from './context.ts';
import { Draft } from './draft.ts';
import type { Parts } from './roles.ts';
import type { Server } from './servers.ts';

/**
 * Sets after how many failures of requests a backend is left out, which is one number for all
 * backends of a service. HAProxy counts them where it is told to (`observe`), Dashgate always.
 */
export function translateEjection(
  { draft, ledger }: Context,
  { role }: Parts,
  servers: readonly Server[],
): void {
  const setting = role === 'portal' ? 'PORTAL_EJECTION' : 'CONSOLE_EJECTION';
  const given = servers.filter(({ options }) => options.errorLimit !== undefined);
  const counted = given.filter(({ options }) => options.observe);
  const limit = counted[0]?.options.errorLimit;
  const same = counted.filter(({ options }) => options.errorLimit === limit);
  const text = Draft.initial(setting).replace(/failures=\d+/, `failures=${limit}`);
  const problem =
    limit === undefined ? undefined : draft.set(setting, text, { lines: same.map(lineOf) });
  for (const server of given) {
    const part = `error-limit ${server.options.errorLimit}`;
    if (!counted.includes(server)) {
      const reason = `does nothing in HAProxy without observe; requests that fail count here: ${setting}`;
      ledger.dropPart(server.line, part, 'builtin', reason);
    } else if (problem !== undefined) {
      const reason = `is not taken as failures of ${setting}: it ${problem}`;
      ledger.dropPart(server.line, part, 'decide', reason);
    } else if (!same.includes(server)) {
      const reason = `all backends are left out after as many failures: ${setting}`;
      ledger.dropPart(server.line, part, 'decide', reason);
    }
  }
}

function lineOf({ line }: Server) {
  return line;
}
