import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Programs } from './program.ts';
import { freePorts, untilAnswering, untilListening, untilReady } from './readiness.ts';

/** The screen of the lab: an unusual size, all white, so that a picture of it cannot be mistaken. */
export const SCREEN = { width: 648, height: 488 } as const;
/** A console token that leads to the screen. */
export const TOKEN = 'tok-one';

/**
 * Starts a virtual X display, x11vnc on it and two real websockify that serve Debian's noVNC pages
 * and lead `TOKEN` to that display; resolves with the URLs of the two, without a slash at the end.
 */
export async function startConsoles(programs: Programs): Promise<string[]> {
  const display = await startDisplay(programs);
  const [vncPort, ...ports] = (await freePorts(3)) as [number, number, number];
  const x11vnc = programs.start({
    name: 'x11vnc',
    command: '/usr/bin/x11vnc',
    args: [
      ...['-display', `:${display}`, '-rfbport', `${vncPort}`, '-localhost', '-noipv6'],
      ...['-forever', '-shared', '-nopw', '-norc', '-quiet'],
    ],
  });
  const tokens = join(programs.dir, 'tokens');
  await writeFile(tokens, `${TOKEN}: 127.0.0.1:${vncPort}\n`);
  await untilListening(x11vnc, vncPort);

  return Promise.all(
    ports.map(async (port, index) => {
      const websockify = programs.start({
        name: `websockify-${index + 1}`,
        command: '/usr/bin/websockify',
        args: [
          ...['--web', '/usr/share/novnc', '--token-plugin', 'TokenFile'],
          ...['--token-source', tokens, `127.0.0.1:${port}`],
        ],
      });
      const url = `http://127.0.0.1:${port}`;
      await untilAnswering(websockify, `${url}/vnc_lite.html`);
      return url;
    }),
  );
}

/** Starts Xvfb on a display that it finds free itself; resolves with the display's number. */
async function startDisplay(programs: Programs): Promise<string> {
  const xvfb = programs.start({
    name: 'xvfb',
    command: '/usr/bin/Xvfb',
    args: [
      ...['-displayfd', '1', '-screen', '0', `${SCREEN.width}x${SCREEN.height}x24`],
      ...['-wr', '-nolisten', 'tcp', '-noreset'],
    ],
  });
  return untilReady(xvfb, async () => {
    const display = /^(\d+)$/m.exec(await xvfb.tail())?.[1];
    if (display === undefined) throw new Error('Xvfb has not named its display yet');
    return display;
  });
}
