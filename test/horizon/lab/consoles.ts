import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '../../support/free-port.ts';
import type { Program, Programs } from './program.ts';
import { untilAnswering, untilListening, untilReady } from './readiness.ts';

/** The screen of the lab: an unusual size, all white, so that a picture of it cannot be mistaken. */
export const SCREEN = { width: 648, height: 488 } as const;
/** A console token that leads to the screen. */
export const TOKEN = 'tok-one';

/** One noVNC proxy of the lab: websockify with a file of tokens, and the pages of Debian's noVNC. */
export interface ConsoleServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** Ends it with all its connections, as a power failure would. */
  kill(): Promise<void>;
  /** Starts it again on its port, and resolves when it answers. */
  start(): Promise<void>;
}

export interface Consoles {
  /** The virtual X display that they show. */
  readonly display: string;
  readonly servers: readonly ConsoleServer[];
  readonly urls: readonly string[];
}

/**
 * Starts a virtual X display, x11vnc on it and two real websockify that serve Debian's noVNC pages
 * and lead `TOKEN` to that display.
 */
export async function startConsoles(programs: Programs): Promise<Consoles> {
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

  const servers = ports.map((port, index) =>
    websockifyOn(programs, `websockify-${index + 1}`, port, tokens),
  );
  await Promise.all(servers.map((server) => server.start()));
  return { display, servers, urls: servers.map(({ url }) => url) };
}

function websockifyOn(
  programs: Programs,
  name: string,
  port: number,
  tokens: string,
): ConsoleServer {
  const url = `http://127.0.0.1:${port}`;
  let running: Program | undefined;
  return {
    url,
    async start() {
      running = programs.start({
        name,
        command: '/usr/bin/websockify',
        args: [
          ...['--web', '/usr/share/novnc', '--token-plugin', 'TokenFile'],
          ...['--token-source', tokens, `127.0.0.1:${port}`],
        ],
      });
      await untilAnswering(running, `${url}/vnc_lite.html`);
    },
    async kill() {
      await running?.kill();
    },
  };
}

/**
 * Fills a display with a terminal that counts without an end, and writes down the keys that are
 * pressed in it; resolves with the file that they are in.
 */
export async function startTerminal(programs: Programs, display: string): Promise<string> {
  const keys = join(programs.dir, 'keys');
  const script = join(programs.dir, 'terminal.sh');
  await writeFile(keys, '');
  await writeFile(
    script,
    `stty -icanon -echo\ncat < /dev/tty > '${keys}' &\ni=0\nwhile :; do i=$((i+1)); echo "line $i"; sleep 0.1; done\n`,
  );
  programs.start({
    name: 'xterm',
    command: '/usr/bin/xterm',
    args: ['-geometry', '120x60+0+0', '-e', 'sh', script],
    env: { DISPLAY: `:${display}` },
  });
  return keys;
}

/** Starts Xvfb on a display that it finds free itself; resolves with the display's number. */
async function startDisplay(programs: Programs): Promise<string> {
  const xvfb = programs.start({
    name: 'xvfb',
    command: '/usr/bin/Xvfb',
    args: [
      ...['-displayfd', '1', '-screen', '0', `${SCREEN.width}x${SCREEN.height}x24`],
      // -s 0: no screen saver, which would paint over it after ten minutes.
      ...['-wr', '-nolisten', 'tcp', '-noreset', '-s', '0'],
    ],
  });
  return untilReady(xvfb, async () => {
    const display = /^(\d+)$/m.exec(await xvfb.tail())?.[1];
    if (display === undefined) throw new Error('Xvfb has not named its display yet');
    return display;
  });
}
