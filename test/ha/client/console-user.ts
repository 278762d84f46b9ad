import { setTimeout as delay } from 'node:timers/promises';
import { RfbViewer } from '../../support/rfb-viewer.ts';
import type { ClientTask, Outcome } from './event.ts';

/** Pause between two pictures that are asked for, in ms. */
const PICTURE_MS = 100;
/** When a picture that stands still is noticed, and how long a new connection may take, in ms. */
const PATIENCE_MS = 2_000;
/** How long somebody takes to try again, in ms. */
const AGAIN_MS = 200;

/**
 * Somebody with a console, who asks for one picture after the other, and opens the console anew, with the
 * same token, when it breaks or stands still. Never ends.
 */
export async function useConsole(
  { address, token }: ClientTask,
  tell: (at: number, ms: number, outcome: Outcome) => void,
): Promise<never> {
  const url = `wss://${address}:6080/websockify?token=${encodeURIComponent(token)}`;
  for (;;) {
    const viewer = new RfbViewer(url, { rejectUnauthorized: false }, ['binary']);
    // What ends it is seen by who waits for it.
    viewer.socket.on('error', () => {});
    let at = Date.now();
    try {
      await within(viewer.opened().then(() => viewer.handshake()));
      for (;;) {
        at = Date.now();
        viewer.request(false, 1, 1);
        await within(viewer.update());
        tell(at, Date.now() - at, 'ok');
        await delay(PICTURE_MS);
      }
    } catch (error) {
      tell(at, Date.now() - at, error === LATE ? 'timeout' : 'broken');
    }
    viewer.socket.terminate();
    await delay(AGAIN_MS);
  }
}

const LATE = new Error('nothing came in time');

async function within<T>(wish: Promise<T>): Promise<T> {
  wish.catch(() => {});
  const over = new AbortController();
  try {
    const late = delay(PATIENCE_MS, undefined, { signal: over.signal }).then(() => {
      throw LATE;
    });
    late.catch(() => {});
    return await Promise.race([wish, late]);
  } finally {
    over.abort();
  }
}
