import type { BoundListener } from './bound-listeners.ts';
import type { ControlPlane } from './control-plane.ts';
import { Shutdown } from './shutdown.ts';

/** How long those who are connected may go on when the listener moves to another address, in ms. */
const MOVE_MS = 10_000;

/** The admin listener, where it is on; its pages are the control plane's. */
export class AdminServer {
  readonly #control: ControlPlane;
  #listener: BoundListener | undefined;
  #shutdown: Shutdown | undefined;

  constructor(control: ControlPlane) {
    this.#control = control;
  }

  /** Serves behind a listener from now on, and no longer behind another one. */
  async listen(listener: BoundListener | undefined): Promise<void> {
    if (listener?.sockets[0] === this.#listener?.sockets[0]) return;
    const before = this.#shutdown;
    this.#shutdown = undefined;
    this.#listener = listener;
    if (listener) {
      const server = this.#control.admin();
      this.#shutdown = new Shutdown(server);
      await listener.sockets[0]!.listen(server);
    }
    if (before) this.#control.dismissWatchers();
    void before?.run(MOVE_MS);
  }

  /** Stops; resolves when no connection is left. */
  async close(timeoutMs: number): Promise<void> {
    const closed = this.#shutdown?.run(timeoutMs);
    // No more can come to a server that is closing.
    this.#control.dismissWatchers();
    await closed;
  }
}
