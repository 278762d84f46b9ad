import { bindAddresses } from './addresses.ts';
import type { Context } from './context.ts';
import { Draft } from './draft.ts';

/** Listeners by their importance, each with an address that it can move to. */
const ORDER: readonly (readonly [setting: string, elsewhere: string])[] = [
  ['PORTAL_LISTEN', ':8443'],
  ['CONSOLE_LISTEN', ':6080'],
  ['PORTAL_REDIRECT_LISTEN', ''],
  ['PORTAL_PLAIN_LISTEN', ''],
  ['CACHE_LISTEN', '127.0.0.1:11209'],
  ['ADMIN_LISTEN', '127.0.0.1:9091'],
];

/** Has listeners that would take each other's port move elsewhere, the less important ones. */
export function keepListenersApart({ draft, ledger }: Context): void {
  const given = ORDER.filter(([setting]) => draft.get(setting));
  const usual = ORDER.filter(([setting]) => !draft.get(setting));
  const taken: string[] = [];
  for (const [setting, elsewhere] of [...given, ...usual]) {
    const value = draft.get(setting)?.value ?? Draft.initial(setting);
    if (value === '') continue;
    if (!taken.some((other) => clashes(other, value))) {
      taken.push(value);
      continue;
    }
    const lines = draft.get(setting)?.lines ?? [];
    const text = taken.some((other) => clashes(other, elsewhere)) ? '' : elsewhere;
    const reason = `has an address that another listener takes; ${setting} is ${text || 'off'}`;
    for (const line of lines) ledger.dropPart(line, value, 'decide', reason);
    draft.set(setting, text, { notes: [`${value} is taken by another listener.`] });
    if (text !== '') taken.push(text);
  }
}

function clashes(a: string, b: string): boolean {
  const [one] = bindAddresses(a.replace(/^:(?=\d+$)/, ':::'));
  const [other] = bindAddresses(b.replace(/^:(?=\d+$)/, ':::'));
  if (!one || !other || one.port !== other.port) return false;
  return one.host === other.host || [one.host, other.host].some((host) => /^(::)?$/.test(host));
}
