import { Server as TlsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { AdminHttpServer } from '../admin/admin-http.ts';
import type { BoundListener } from './bound-listeners.ts';
import type { ControlPlane } from './control-plane.ts';
import { Shutdown } from './shutdown.ts';

/** How long those who are connected may go on when the listener moves to another address, in ms. */
const MOVE_MS = 10_000;

/** The admin listener, where it is on; its pages are the control plane's. */
export class AdminServer {
  readonly #control: ControlPlane;
  #listener: BoundListener | undefined;
  #server: AdminHttpServer | undefined;
  #shutdown: Shutdown | undefined;

  constructor(control: ControlPlane) {
    this.#control = control;
  }

  /**
   * Serves behind a listener from now on, and no longer behind another one; behind the same, with
   * this certificate from the next connection on.
   * @param tls Needed where the listener is secure.
   */
  async listen(
    listener: BoundListener | undefined,
    tls: SecureContextOptions | undefined,
  ): Promise<void> {
    if (listener?.sockets[0] === this.#listener?.sockets[0]) {
      if (this.#server instanceof TlsServer && tls) this.#server.setSecureContext(tls);
      return;
    }
    const before = this.#shutdown;
    this.#server = undefined;
    this.#shutdown = undefined;
    this.#listener = listener;
    if (listener) {
      this.#server = this.#control.admin(listener.config.secure ? tls : undefined);
      this.#shutdown = new Shutdown(this.#server);
      await listener.sockets[0]!.listen(this.#server);
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
