import { userInfo } from 'node:os';
import { freePorts } from '../../support/free-port.ts';
import type { Program, Programs } from './program.ts';
import { untilListening } from './readiness.ts';

export interface MemcachedNode {
  /** `host:port`, as Django's LOCATION and MEMCACHED_SERVERS want it. */
  readonly address: string;
  readonly program: Program;
}

/** Starts real memcached nodes of 16 MiB each. */
export async function startMemcached(programs: Programs, count: number): Promise<MemcachedNode[]> {
  const ports = await freePorts(count);
  return Promise.all(
    ports.map((port, index) => startNode(programs, `memcached-${index + 1}`, port)),
  );
}

/** Starts one of them; also anew, where one was before. */
export async function startNode(
  programs: Programs,
  name: string,
  port: number,
): Promise<MemcachedNode> {
  const program = programs.start({
    name,
    command: '/usr/bin/memcached',
    // -u: as root memcached insists on being told; a change of user would undo setpriv.
    args: ['-l', '127.0.0.1', '-p', `${port}`, '-m', '16', '-t', '1', '-u', userInfo().username],
  });
  await untilListening(program, port);
  return { address: `127.0.0.1:${port}`, program };
}
