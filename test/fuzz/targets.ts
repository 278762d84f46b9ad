import type { Target } from './engine/target.ts';

/** What is fuzzed, by name. Each is loaded by who needs it: a thread tries one of them. */
const TARGETS = {
  'request-head': () => import('./targets/request-head.ts'),
  'response-head': () => import('./targets/response-head.ts'),
  framing: () => import('./targets/framing.ts'),
  'proxy-header': () => import('./targets/proxy-header.ts'),
  'websocket-frames': () => import('./targets/websocket-frames.ts'),
  'memcached-replies': () => import('./targets/memcached-replies.ts'),
  'memcached-commands': () => import('./targets/memcached-commands.ts'),
  'pickle-reader': () => import('./targets/pickle-reader.ts'),
  'pickle-writer': () => import('./targets/pickle-writer.ts'),
  cookies: () => import('./targets/cookies.ts'),
  configuration: () => import('./targets/configuration.ts'),
  'import-haproxy': () => import('./targets/import-haproxy.ts'),
} satisfies Record<string, () => Promise<{ readonly target: Target }>>;

export type TargetName = keyof typeof TARGETS;

export const TARGET_NAMES = Object.keys(TARGETS) as TargetName[];

export function isTargetName(name: string): name is TargetName {
  return Object.hasOwn(TARGETS, name);
}

export async function loadTarget(name: string): Promise<Target> {
  if (!isTargetName(name)) {
    throw new Error(`there is no target ${name}; there are ${TARGET_NAMES.join(', ')}`);
  }
  return (await TARGETS[name]()).target;
}
