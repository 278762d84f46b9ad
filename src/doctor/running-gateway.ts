import { request } from 'node:http';
import type { Config } from '../config.ts';
import type { ListenAddress } from '../config-values.ts';

/** A gateway of this configuration that runs on this host, as its admin listener tells of it. */
export interface RunningGateway {
  /** The processes that serve clients; none where it does not tell. */
  readonly pids: readonly number[];
}

/** How long the admin listener may take for an answer, in ms; it asks memcached for one of the two. */
const ANSWER_MS = 1_500;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Looks for a running gateway through ADMIN_LISTEN; never rejects. */
export async function findGateway({
  ADMIN_LISTEN: admin,
}: Config): Promise<RunningGateway | undefined> {
  if (!admin || admin.port === 0) return undefined;
  const health = await ask(admin, '/healthz').catch(() => undefined);
  if (health !== 'ok\n') return undefined;
  const state = await ask(admin, '/api/state').catch(() => '');
  return { pids: pidsIn(state) };
}

/** Where a client of this host reaches what listens there: a wildcard is no address to connect to. */
export function reachedAt({ host, port }: ListenAddress): ListenAddress {
  return { host: host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host, port };
}

function pidsIn(state: string): number[] {
  try {
    const { workers } = JSON.parse(state) as { workers: { kind: string; pid: number }[] };
    return workers.filter(({ kind }) => kind === 'relay').map(({ pid }) => pid);
  } catch {
    return [];
  }
}

function ask(address: ListenAddress, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...reachedAt(address),
      path,
      agent: false,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('it does not end'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`it answered ${response.statusCode}`));
      });
    });
    outgoing.end();
  });
}
