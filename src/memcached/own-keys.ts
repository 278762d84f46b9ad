/**
 * How the keys begin that gateways have on the memcached nodes beside the items of dashboards. Who
 * writes there decides where traffic goes, so that no client of the session cache is let near them.
 * A Django with the KEY_PREFIX `dashgate` has others: a number follows it.
 */
export const OWN_KEYS = {
  /** Which nodes are full. */
  cache: 'dashgate:cache:',
  /** Heartbeats and decisions. */
  state: 'dashgate:state:',
  /** Which backend a console was on. */
  pin: 'dashgate:pin:',
  /** How many requests an address has made. */
  rate: 'dashgate:rate:',
  /** Logins of operators. */
  adminSession: 'dashgate.admin.session:',
} as const;

const PREFIXES = Object.values(OWN_KEYS);

/** Whether a key is one of the gateways'. */
export function isOwnKey(key: string): boolean {
  return key.startsWith('dashgate') && PREFIXES.some((prefix) => key.startsWith(prefix));
}
