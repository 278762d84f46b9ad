/**
 * Loaded into the gateway with --import: tells, on a unix socket, what of it can only be seen from
 * within. The gateway itself knows nothing of it. Needs --expose-gc.
 */
import { createServer, Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { queryObjects } from 'node:v8';
import { DownstreamConnection } from '../../src/relay/downstream-connection.ts';
import { Exchange } from '../../src/relay/exchange.ts';
import { Tunnel } from '../../src/relay/tunnel.ts';
import { UpstreamConnection } from '../../src/relay/upstream-connection.ts';
import { plantLeak } from './leaks.ts';
import type { ProbeReport } from './probe.ts';

const path = process.env.SOAK_PROBE;
if (!path || !global.gc) throw new Error('the probe needs SOAK_PROBE=SOCKET and --expose-gc');
const collectGarbage = global.gc;
const Timeout = timeoutClass();
const warnings: string[] = [];
process.on('warning', ({ name, message }) => {
  // That one is the probe's own.
  if (!message.startsWith('v8.queryObjects()')) warnings.push(`${name}: ${message}`);
});
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
if (process.env.SOAK_LEAK) plantLeak(process.env.SOAK_LEAK);

/** Of what setTimeout and setInterval give, whether it keeps the process open or not. */
function timeoutClass(): NewableFunction {
  const timeout = setTimeout(() => {});
  clearTimeout(timeout);
  return timeout.constructor as unknown as NewableFunction;
}

function report(): ProbeReport {
  // Twice: what the first run finalizes is freed by the second.
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  const told = {
    heapBytes: heapUsed,
    externalBytes: external,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
    objects: {
      sockets: queryObjects(Socket, { format: 'count' }),
      downstream: queryObjects(DownstreamConnection, { format: 'count' }),
      upstream: queryObjects(UpstreamConnection, { format: 'count' }),
      exchanges: queryObjects(Exchange, { format: 'count' }),
      tunnels: queryObjects(Tunnel, { format: 'count' }),
      timers: queryObjects(Timeout, { format: 'count' }),
    },
    warnings: [...warnings],
  };
  delay.reset();
  return told;
}

createServer((socket) => {
  socket.on('error', () => {});
  socket.end(JSON.stringify(report()));
})
  .listen(path)
  .unref();
