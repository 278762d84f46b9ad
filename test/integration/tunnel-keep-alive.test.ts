import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSocketsOf } from '../support/process-sockets.ts';
import { openRawTunnel, startRawConsole, startRelay } from '../support/tunnels.ts';
import { until } from '../support/until.ts';

/** In how many seconds TCP asks the peer of a connection of this process. */
function keepAliveOf(local: number, remote: number): number | undefined {
  const ours = openSocketsOf(process.pid);
  return ours.find(({ localPort, remotePort }) => localPort === local && remotePort === remote)
    ?.keepAliveIn;
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
