/** Where everything is, in a network that is nowhere else. */
export const PREFIX = 24;
export const MACHINES = [
  { name: 'one', address: '192.0.2.1' },
  { name: 'two', address: '192.0.2.2' },
] as const;
/** The address of the dashboard, which moves; as in packaging/pacemaker/. */
export const FLOATING = '192.0.2.10';
export const CLIENT = '192.0.2.50';
export const NODES = ['192.0.2.101', '192.0.2.102', '192.0.2.103'] as const;
export const DASHBOARDS = ['192.0.2.111', '192.0.2.112', '192.0.2.113'] as const;
export const CONSOLES = ['192.0.2.121', '192.0.2.122'] as const;
export const PORTS = { memcached: 11211, dashboard: 8000, console: 6080 } as const;
