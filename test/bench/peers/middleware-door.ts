/**
 * An Express application with the middleware door, as the README shows it, for both services.
 * `node middleware-door.ts JSON`, of {@link DoorSettings}.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { dashgate } from 'dashgate/middleware';
import express from 'express';
import { CIPHER_SUITES } from './cipher-suites.ts';

export interface DoorSettings {
  readonly portal: number;
  readonly plain: number;
  readonly console: number;
  readonly portalBackends: readonly string[];
  readonly consoleBackends: readonly string[];
  readonly cert: string;
  readonly key: string;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as DoorSettings;

const portal = dashgate({
  service: 'portal',
  backends: settings.portalBackends,
  health: { path: '/dashboard/auth/login/' },
});
const novnc = dashgate({
  service: 'console',
  backends: settings.consoleBackends,
  health: { path: '/vnc_lite.html' },
});
await Promise.all([portal.checked, novnc.checked]);

const tls = {
  cert: readFileSync(settings.cert),
  key: readFileSync(settings.key),
  ciphers: CIPHER_SUITES,
  keepAliveTimeout: 10_000,
};
const portalApp = express().use(portal) as RequestListener;
const consoleApp = express().use(novnc) as RequestListener;

const servers = [
  createTlsServer(tls, portalApp).listen(settings.portal, '127.0.0.1', 4_096),
  createServer(portalApp).listen(settings.plain, '127.0.0.1', 4_096),
  createTlsServer(tls, consoleApp).listen(settings.console, '127.0.0.1', 4_096),
];
for (const server of servers.slice(0, 2)) server.on('upgrade', portal.upgrade);
servers[2]?.on('upgrade', novnc.upgrade);
