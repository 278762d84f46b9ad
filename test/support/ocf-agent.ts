import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { freePorts } from './free-port.ts';
import { fetchTls, gatewaySettings, temporaryFolder } from './gateway.ts';

const AGENT = new URL('../../packaging/ocf/dashgate', import.meta.url).pathname;
const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

/** Exit codes of resource agents. */
export const OCF = {
  success: 0,
  generic: 1,
  args: 2,
  unimplemented: 3,
  installed: 5,
  configured: 6,
  notRunning: 7,
  degraded: 190,
} as const;

export interface AgentRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A resource of the agent with a real gateway, as the cluster has it. */
export interface AgentResource {
  /** Where a copy of the agent is that everybody may run. */
  readonly agent: string;
  /** Its parameters, as the cluster passes them on. */
  readonly params: Readonly<Record<string, string>>;
  /** A folder of programs that it finds before those of the system; empty. */
  readonly programs: string;
  /** The port of the portal. */
  readonly portal: number;
  /** Has the agent act; `changes` are further parameters, or others, for this once. */
  run(action: string, changes?: Record<string, string>): Promise<AgentRun>;
  /** Writes the file of settings, with changes. */
  configure(changes?: Record<string, string>): void;
  /** The process group of the service; 0 while there is none. */
  group(): number;
  /** What the gateway has logged. */
  log(): string;
}

/** A resource that is not started yet; what is left of it ends with the test. */
export async function agentResource(
  t: TestContext,
  given: Record<string, string>,
): Promise<AgentResource> {
  const folder = temporaryFolder(t);
  const [portal, admin] = (await freePorts(2)) as [number, number];
  const settings = {
    ...(await gatewaySettings(t)),
    PORTAL_LISTEN: `127.0.0.1:${portal}`,
    ADMIN_LISTEN: `127.0.0.1:${admin}`,
    WORKERS: '1',
    ...given,
  };
  const envFile = join(folder, 'dashgate.env');
  const configure = (changes: Record<string, string> = {}) => {
    const lines = Object.entries({ ...settings, ...changes }).map((pair) => pair.join('='));
    writeFileSync(envFile, `${lines.join('\n')}\n`);
  };
  configure();
  const command = join(folder, 'dashgate-command');
  const { NODE_COMPILE_CACHE } = process.env;
  const cache = NODE_COMPILE_CACHE ? `NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE} ` : '';
  const exec = `${cache}exec ${process.execPath} ${MAIN} "$@"`;
  writeFileSync(command, `#!/bin/sh\n${exec}\n`, { mode: 0o755 });
  // ocf-tester has nobody run it, who may not come everywhere.
  const agent = join(folder, 'dashgate');
  copyFileSync(AGENT, agent);
  chmodSync(agent, 0o755);
  chmodSync(folder, 0o755);
  const programs = join(folder, 'bin');
  mkdirSync(programs);
  const params = {
    command,
    env_file: envFile,
    user: '',
    log_file: join(folder, 'log'),
    pidfile: join(folder, 'pid'),
    admin_url: `http://127.0.0.1:${admin}`,
    check_url: `https://127.0.0.1:${portal}/`,
    attribute: '',
  };
  const group = () => {
    const kept = existsSync(params.pidfile) ? readFileSync(params.pidfile, 'utf8') : '';
    return Number(/^([1-9]\d+) \d+\n$/.exec(kept)?.[1] ?? 0);
  };
  // The folder goes first, and the pidfile with it.
  let started = 0;
  t.after(() => {
    if (started === 0) return;
    try {
      process.kill(-started, 'SIGKILL');
    } catch {
      // All of it is gone.
    }
  });
  const run = async (action: string, changes: Record<string, string> = {}) => {
    const { level = '0', ...others } = changes;
    const env = Object.entries({ ...params, ...others }).map(
      ([name, value]) => [`OCF_RESKEY_${name}`, value] as const,
    );
    const child = spawn(agent, [action], {
      env: {
        PATH: `${programs}:${process.env.PATH}:/usr/sbin:/sbin`,
        // What a gateway that is killed leaves there goes with the test.
        TMPDIR: folder,
        OCF_ROOT: '/usr/lib/ocf',
        OCF_RESOURCE_INSTANCE: 'front',
        OCF_RESKEY_CRM_meta_interval: '1000',
        OCF_RESKEY_CRM_meta_timeout: '20000',
        OCF_CHECK_LEVEL: level,
        ...Object.fromEntries(env),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [out, err] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ]);
    started = group();
    return { code: child.exitCode ?? -1, out, err };
  };
  const log = () => (existsSync(params.log_file) ? readFileSync(params.log_file, 'utf8') : '');
  return { agent, params, programs, portal, run, configure, group, log };
}

/** The status of a request through it; 0 where it does not serve. */
export async function statusThrough({ portal }: AgentResource): Promise<number> {
  return fetchTls(portal, '/x').then(
    ({ status }) => status,
    () => 0,
  );
}
