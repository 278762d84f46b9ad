import type { Draft } from './draft.ts';
import type { Ledger } from './ledger.ts';
import type { ProxySection } from './proxy-section.ts';
import type { Parts, Roles } from './roles.ts';
import type { Section } from './sections.ts';

/** What every step of an import reads and writes. */
export interface Context {
  readonly draft: Draft;
  readonly ledger: Ledger;
  readonly roles: Roles;
  readonly portal: Parts | undefined;
  readonly console: Parts | undefined;
  /** Frontends that send everybody from http to https. */
  readonly redirectors: readonly ProxySection[];
  readonly globals: readonly Section[];
  /** Sticky sessions are to stay. */
  readonly keepAffinity: boolean;
}

/** The services that there are. */
export function servicesOf({ portal, console }: Context): readonly Parts[] {
  return [portal, console].filter((parts) => parts !== undefined);
}

/** All frontends and backends of a service, each once. */
export function proxiesOf({ fronts, backs }: Parts): readonly ProxySection[] {
  return [...new Set([...fronts, ...backs.map(({ proxy }) => proxy)])];
}
