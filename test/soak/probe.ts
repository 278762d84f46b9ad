import { connect } from 'node:net';

/** What the hook in the gateway tells; memory is after garbage collection. */
export interface ProbeReport {
  readonly heapBytes: number;
  /** Buffers and what native code holds for JavaScript. */
  readonly externalBytes: number;
  /** Delay of its event loop since the report before. */
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  /** Live objects of these classes. */
  readonly objects: Readonly<
    Record<'sockets' | 'downstream' | 'upstream' | 'exchanges' | 'tunnels' | 'timers', number>
  >;
  /** Warnings of the process since it started. */
  readonly warnings: readonly string[];
}

const DEADLINE_MS = 20_000;

/** Asks the hook that listens at `path`. */
export function askProbe(path: string): Promise<ProbeReport> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let text = '';
    socket.setEncoding('utf8').setTimeout(DEADLINE_MS, () => {
      socket.destroy(new Error(`the probe in the gateway was silent for ${DEADLINE_MS} ms`));
    });
    socket.on('data', (part) => {
      text += part;
    });
    socket.on('error', reject);
    socket.on('end', () => {
      if (text) resolve(JSON.parse(text) as ProbeReport);
      else reject(new Error('the probe in the gateway said nothing'));
    });
  });
}
