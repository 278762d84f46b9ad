import { type Context, proxiesOf, servicesOf } from './context.ts';
import type { Line } from './line.ts';

/** `option forwardfor except NETWORK`: what those addresses tell of their clients is believed. */
export function translateTrust(context: Context): void {
  const { draft, ledger } = context;
  const networks = new Map<string, Line>();
  const proxies = servicesOf(context).flatMap(proxiesOf);
  for (const line of new Set(
    proxies.flatMap((proxy) => proxy.last('option', 'forwardfor') ?? []),
  )) {
    const at = line.words.indexOf('except');
    const network = line.words[at + 1];
    if (at > 0 && network !== undefined) networks.set(network, line);
    const header = line.words[line.words.indexOf('header') + 1];
    if (
      line.words.includes('header') &&
      header !== undefined &&
      !/^x-forwarded-for$/i.test(header)
    ) {
      const reason = 'the address of the client is told as X-Forwarded-For and X-Real-IP';
      ledger.carry(line);
      ledger.dropPart(line, `header ${header}`, 'decide', reason);
    }
  }
  // Its own host, which HAProxy's examples except, need not be trusted.
  const told = [...networks.keys()].filter((network) => !/^127\./.test(network));
  if (told.length === 0) return;
  const lines = told.map((network) => networks.get(network));
  const problem = draft.set('TRUSTED_PROXIES', told.join(','), { lines });
  for (const line of lines) {
    if (line && problem === undefined) ledger.carry(line);
    else if (line)
      ledger.drop(line, 'decide', `its addresses are not taken as TRUSTED_PROXIES: it ${problem}`);
  }
}
