import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { CacheDoor, type CacheDoorOptions } from '../../src/cache/door.ts';
import { listen } from '../../src/listener/listen.ts';

interface Context {
  after(hook: () => unknown): void;
}

export interface RunningDoor {
  readonly door: CacheDoor;
  readonly host: string;
  readonly port: number;
}

/** A door on a free port of loopback; it closes with the test whose context is `t`. */
export async function startDoor(t: Context, options: CacheDoorOptions): Promise<RunningDoor> {
  const door = new CacheDoor(options);
  const host = '127.0.0.1';
  const { port } = await listen(door.server, 'CACHE_LISTEN', { host, port: 0 });
  t.after(() => door.close({ deadlineMs: 0 }));
  return { door, host, port };
}

/** A client that is connected. */
export async function clientOf(
  t: Context,
  { host, port }: { host: string; port: number },
): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** All that is answered to `sent`, Latin-1, until the other side has closed. */
export async function conversation(
  t: Context,
  server: { host: string; port: number },
  sent: string | readonly string[],
): Promise<string> {
  const socket = await clientOf(t, server);
  const answer = buffer(socket);
  for (const piece of typeof sent === 'string' ? [sent] : sent) {
    await new Promise((written) => socket.write(piece, 'latin1', written));
  }
  return (await answer).toString('latin1');
}

/** Versions are counted through a node's life: told apart, but by the order of their first sight. */
export function withoutVersions(answer: string): string {
  const seen = new Map<string, number>();
  const nth = (version: string) => {
    if (!seen.has(version)) seen.set(version, seen.size);
    return `#${seen.get(version)}`;
  };
  return answer
    .replaceAll(
      /^(VALUE \S+ \d+ \d+) (\d+)\r$/gm,
      (_, head, version) => `${head} ${nth(version)}\r`,
    )
    .replaceAll(
      /^((?:HD|VA \d+)(?: \S+)*? )c(\d+)/gm,
      (_, head, version) => `${head}c${nth(version)}`,
    );
}
