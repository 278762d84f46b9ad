/** What is to be undone at the end, the last first; the part of a test's context that starters use. */
export class Cleanup {
  readonly #hooks: (() => unknown)[] = [];

  after(hook: () => unknown): void {
    this.#hooks.push(hook);
  }

  /** Undoes all of it; a hook that fails does not keep the others from being called. */
  async run(): Promise<void> {
    const results = [];
    for (let hook = this.#hooks.pop(); hook; hook = this.#hooks.pop()) {
      results.push(...(await Promise.allSettled([Promise.resolve().then(hook)])));
    }
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
