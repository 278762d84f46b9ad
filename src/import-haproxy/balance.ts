import { type Context, proxiesOf } from './context.ts';
import { Draft } from './draft.ts';
import type { Parts } from './roles.ts';

/** How other words for the same are written, where a setting knows them. */
const SPELLINGS: ReadonlyMap<string, readonly string[]> = new Map([
  ['roundrobin', ['roundrobin', 'round-robin']],
  ['static-rr', ['roundrobin', 'round-robin']],
  ['leastconn', ['leastconn', 'least-connections']],
  ['random', ['random', 'random-of-two']],
]);

/** Sets how a service chooses a backend, in so far as that can be chosen. */
export function translateBalance(context: Context, parts: Parts): void {
  const { draft, ledger, keepAffinity } = context;
  const setting = parts.role === 'portal' ? 'PORTAL_BALANCE' : 'CONSOLE_BALANCE';
  for (const proxy of proxiesOf(parts)) {
    const line = proxy.isBack ? proxy.last('balance') : undefined;
    if (!line) continue;
    const algorithm = /^[a-z-]+/.exec(line.words[1] ?? '')?.[0] ?? '';
    const sticky = algorithm === 'source' && keepAffinity ? ['source', 'hash'] : [];
    const value = Draft.firstGood(setting, SPELLINGS.get(algorithm) ?? sticky);
    if (value !== undefined) {
      draft.set(setting, value, { lines: [line] });
      ledger.carry(line);
    } else if (algorithm === 'roundrobin' || algorithm === 'static-rr') {
      // There is nothing to set: it is the way.
      ledger.carry(line);
    } else if (algorithm === 'source' || algorithm === 'rdp-cookie') {
      ledger.drop(
        line,
        'builtin',
        'keeps a client at one server, which is not needed: dashboards share their sessions, and a websocket stays with its backend',
      );
    } else {
      ledger.drop(
        line,
        'builtin',
        'work is spread by weight over the backends that pass their checks',
      );
    }
  }
}
