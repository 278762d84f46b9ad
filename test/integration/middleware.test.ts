import assert from 'node:assert/strict';
import { test } from 'node:test';
import express from 'express';
import supertest from 'supertest';
import { dashgate } from '../../src/middleware/dashgate.ts';
import { startBackend } from '../support/backend.ts';

test('mounted in an application it balances what reaches it, and its failures are the application’s', async (t) => {
  const backend = await startBackend(t, (req, res) => void res.end(`backend ${req.url}`));
  const gate = dashgate({ backends: [backend.url], health: { path: '/health', intervalMs: 10 } });
  t.after(() => gate.close());
  await gate.checked;
  const app = express();
  app.get('/own', (_req, res) => void res.send('own'));
  app.use(gate);
  const handled: unknown[] = [];
  app.use(((error, _req, res, _next) => {
    handled.push(error.kind);
    res.status(error.status).send('sorry');
  }) satisfies express.ErrorRequestHandler);

  await supertest(app).get('/own').expect(200, 'own');
  await supertest(app).get('/x?y=1').expect(200, 'backend /x?y=1');
  await backend.kill();
  await supertest(app).get('/x').expect(503, 'sorry');
  assert.deepEqual(handled, ['noBackend']);
});

test('its settings are checked when it is made', () => {
  assert.throws(() => dashgate({ backends: [] }), /backends is empty/);
  assert.throws(() => dashgate({ backends: ['10.0.0.1'] }), /write http:\/\/host:port/);
  assert.throws(
    () => dashgate({ backends: ['http://a'], trustedProxies: ['proxy'] }),
    /no IP address or range/,
  );
  assert.throws(
    () => dashgate({ backends: ['http://a'], health: { expect: 'ok' } }),
    /status codes/,
  );
});
