import { freePorts } from '../../support/free-port.ts';
import type { DoorSettings } from './middleware-door.ts';
import type { Peer } from './peer.ts';

const DOOR = new URL('middleware-door.ts', import.meta.url).pathname;

/** Dashgate's other door: an Express application with its middleware. */
export const middleware: Peer = {
  name: 'middleware',
  programs: [],
  plain: true,
  note: "dashgate/middleware in an Express application, as the README's example: no access log, active health checks",
  async start({ children, core, origins, certificate }) {
    const [portal, console, plain] = (await freePorts(3)) as [number, number, number];
    const urls = (ports: readonly number[]) => ports.map((port) => `http://127.0.0.1:${port}`);
    const settings: DoorSettings = {
      portal,
      plain,
      console,
      portalBackends: urls(origins.portal),
      consoleBackends: urls(origins.console),
      ...certificate,
    };
    const child = children.start([process.execPath, DOOR, JSON.stringify(settings)], { core });
    await Promise.all([portal, console, plain].map((port) => child.listening(port)));
    return { portal, console, plain, pids: [child.pid], ...child };
  },
};
