import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { parseConfig } from '../../src/config.ts';
import { Mailbox } from '../../src/gateway/mailbox.ts';
import { RelayWorker } from '../../src/gateway/relay-worker.ts';
import type { FromWorker } from '../../src/gateway/worker-messages.ts';
import { silentLogger } from '../../src/log.ts';
import { gatewaySettings } from '../support/gateway.ts';
import { until } from '../support/until.ts';

test('a worker that drains says so behind the report that it takes less, where the supervisor is slow', async (t) => {
  const config = parseConfig({
    ...(await gatewaySettings(t)),
    PORTAL_BACKENDS: 'http://127.0.0.1:9 maxconn=8',
    WORKERS: '2',
  });
  const told: string[] = [];
  const written: (() => void)[] = [];
  const supervisor = new Mailbox<FromWorker>({
    connected: true,
    send: (message, _handle, _options, callback) => {
      const { type, ...rest } = message as FromWorker;
      if ('report' in rest) told.push(`limit ${rest.report.services[0]!.backends[0]!.limit}`);
      else if (type === 'draining') told.push(type);
      written.push(() => callback(null));
      return true;
    },
  });
  const task = {
    kind: 'relay',
    share: { index: 0, of: 2 },
    ticketSecret: Buffer.alloc(80).toString('base64'),
    portalPort: 1,
    cachePort: undefined,
    sockets: [],
  } as const;
  const worker = new RelayWorker(config, task, supervisor, silentLogger);
  const grant = (limit: number) => {
    const { name } = config.PORTAL_BACKENDS[0]!;
    const rest = { health: 'up', silent: false, adminState: 'ready', ejected: false } as const;
    const backend = { name, ...rest, weight: 1, loadOffset: 0, limit };
    worker.apply({ services: [{ name: 'portal', backends: [backend] }] });
  };
  grant(3);
  await until('it has told', () => told.length === 1);
  grant(5);
  const over = worker.drain();
  while (!told.includes('draining')) {
    written.shift()?.();
    await turn();
  }
  assert.equal(told[0], 'limit 3');
  assert.equal(told[1], 'limit 1', told.join(', '));
  const rest = setInterval(() => written.shift()?.(), 1);
  t.after(() => clearInterval(rest));
  await over;
});
