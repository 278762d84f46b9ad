import type { SendHandle } from 'node:child_process';

/** One end of the channel between supervisor and worker: a ChildProcess, or the process itself. */
export interface ChannelEnd {
  readonly connected: boolean;
  send?(
    message: object,
    handle: SendHandle | undefined,
    options: object | undefined,
    callback: (error: Error | null) => void,
  ): boolean;
}

/** Sends messages through a channel; to one who is gone they are lost. */
export class Mailbox<Message extends object> {
  readonly #end: ChannelEnd;
  readonly #underWay = new Set<string>();
  readonly #waiting = new Map<string, { message: Message; told: (() => void)[] }>();

  constructor(end: ChannelEnd) {
    this.#end = end;
  }

  send(message: Message, sent: () => void = () => {}): void {
    // An error means that the other side is gone, which is told otherwise.
    if (this.#end.connected) this.#end.send?.(message, undefined, undefined, sent);
    else sent();
  }

  /** Sends a message with a socket, which stays open here, too. */
  sendSocket(message: Message, handle: SendHandle): void {
    if (this.#end.connected) this.#end.send?.(message, handle, undefined, () => {});
  }

  /**
   * Sends news that replace older ones about the same thing: while some are under way, only the latest
   * wait, so that no line of them grows before a process that is slow, and none overtakes another one.
   * `sent` is called when these, or newer ones, are.
   */
  sendLatest(about: string, message: Message, sent: () => void = () => {}): void {
    if (this.#underWay.has(about)) {
      const told = this.#waiting.get(about)?.told ?? [];
      this.#waiting.set(about, { message, told: [...told, sent] });
      return;
    }
    this.#underWay.add(about);
    this.send(message, () => {
      this.#underWay.delete(about);
      const next = this.#waiting.get(about);
      this.#waiting.delete(about);
      if (next) {
        this.sendLatest(about, next.message, () => {
          for (const tell of next.told) tell();
        });
      }
      sent();
    });
  }
}
