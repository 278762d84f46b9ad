import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openRawTunnel, startRawConsole, startRelay } from '../support/tunnels.ts';
import { until } from '../support/until.ts';

/** Of the kernel's list of sockets (Linux, Documentation/networking/proc_net_tcp.rst). */
const KEEP_ALIVE_TIMER = 2;
/** How the kernel counts time in that list. */
const TICKS_PER_SECOND = 100;

/** In how many seconds TCP asks the peer of a connection whether it is there; undefined: never. */
function keepAliveOf(localPort: number, remotePort: number): number | undefined {
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local, remote, , , timer] = line.trim().split(/\s+/);
    if (portOf(local) !== localPort || portOf(remote) !== remotePort) continue;
    const [kind, ticks] = timer!.split(':').map((part) => Number.parseInt(part, 16));
    return kind === KEEP_ALIVE_TIMER ? ticks! / TICKS_PER_SECOND : undefined;
  }
  return undefined;
}

function portOf(end: string | undefined): number {
  return Number.parseInt(end?.split(':')[1] ?? '', 16);
}

test('TCP asks both sides of a tunnel whether they are there after a minute of silence', async (t) => {
  const backend = await startRawConsole(t);
  const { port } = await startRelay(t, [backend.port]);
  const { client, console } = await openRawTunnel(t, port, backend);
  const ends = {
    client: [port, client.socket.localPort!],
    backend: [console.socket.remotePort!, backend.port],
  } as const;
  for (const [side, [local, remote]] of Object.entries(ends)) {
    await until(`TCP waits to ask the ${side}`, () => keepAliveOf(local, remote) !== undefined);
    const seconds = keepAliveOf(local, remote)!;
    assert.ok(seconds > 45 && seconds <= 60, `the ${side} is asked in ${seconds} s`);
  }
});
