/** What a proxy did, or failed to do, against the expectation of a case. */
export class Deviation extends Error {
  override readonly name = 'Deviation';
}

/**
 * Wakes everyone who waits on a stage as soon as anything happened on it: bytes came, a connection
 * opened or ended, or the time of the case ran out.
 */
export class Bell {
  #rung = Promise.withResolvers<void>();
  #expired = false;
  #timer: NodeJS.Timeout | undefined;

  /** Ends all waiting `ms` from now. */
  expireIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#expired = true;
      this.ring();
    }, ms);
  }

  ring(): void {
    this.#rung.resolve();
    this.#rung = Promise.withResolvers();
  }

  /** Stops the clock. */
  close(): void {
    clearTimeout(this.#timer);
  }

  /**
   * Waits until `look` sees something, and gives it.
   * @throws Deviation when the time has run out; `what` completes "waited in vain for …".
   */
  async until<T>(what: () => string, look: () => T | undefined): Promise<T> {
    for (;;) {
      const seen = look();
      if (seen !== undefined) return seen;
      if (this.#expired) throw new Deviation(`waited in vain for ${what()}`);
      await this.#rung.promise;
    }
  }
}
