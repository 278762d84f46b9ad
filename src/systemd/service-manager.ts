import { execFile } from 'node:child_process';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';

/** How long a message may take to be delivered, in ms. */
const DELIVERY_MS = 10_000;

/** How often is looked at the gateway where no watchdog asks for less, in ms. */
const LOOK_MS = 5_000;

/** What systemd has put into the environment of its service, and where programs are. */
export type ServiceEnvironment = Readonly<
  Partial<Record<'NOTIFY_SOCKET' | 'WATCHDOG_USEC' | 'WATCHDOG_PID' | 'PATH', string>>
>;

/** How a gateway is, as its service manager wants to know it. */
export interface Wellbeing {
  /** Whether somebody serves clients; while nobody does, the watchdog is not told that all is well. */
  readonly isServing: () => boolean;
  /** Whether every service has a backend that is up and takes work, as /readyz has it. */
  readonly isReady: () => boolean;
}

/**
 * The service manager that started this process (systemd), as sd_notify(3) tells it how the service is.
 * Where none did, everything here does nothing.
 *
 * Messages are datagrams to a socket with a path or an abstract name, and Node has neither. An addon that
 * has them would be compiled on each gateway, or built for each libc and processor; `systemd-notify` is
 * there wherever systemd is, and waits until its message has been taken (NotifyAccess=all lets it speak
 * for the service). One process in half a watchdog's time is what it costs.
 */
export class ServiceManager {
  readonly #env: ServiceEnvironment;
  readonly #logger: Logger;
  /** Messages arrive in order. */
  #told: Promise<void> = Promise.resolve();
  #looking: NodeJS.Timeout | undefined;
  #status: string | undefined;
  #left = false;

  constructor(env: ServiceEnvironment, logger: Logger) {
    this.#env = env;
    this.#logger = logger;
  }

  /** This process is the service's main one from now on; resolves when that is known. */
  takesOver(): Promise<void> {
    return this.#tell(`MAINPID=${process.pid}`);
  }

  /** The service has started, or has done what it was asked for. */
  ready(): Promise<void> {
    return this.#tell('READY=1');
  }

  /** The service is about to read its configuration anew; `ready` ends that. */
  reloading(): Promise<void> {
    // Which reload it is, Type=notify-reload tells by the time.
    return this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`);
  }

  /** The service is about to end. */
  stopping(): Promise<void> {
    clearInterval(this.#looking);
    return this.#tell('STOPPING=1');
  }

  /** Tells regularly how the gateway is, and feeds the watchdog while it serves. */
  attend({ isServing, isReady }: Wellbeing): void {
    if (!this.#env.NOTIFY_SOCKET) return;
    const watchdogMs = watchdogOf(this.#env);
    let busy = false;
    const look = async () => {
      if (busy) return;
      const status = isReady()
        ? 'serving'
        : 'listening; a service has no backend that is up and takes work';
      const fields = status === this.#status ? [] : [`STATUS=${status}`];
      if (watchdogMs && isServing()) fields.push('WATCHDOG=1');
      this.#status = status;
      if (fields.length === 0) return;
      busy = true;
      await this.#tell(...fields);
      busy = false;
    };
    void look();
    // Half of it, so that one that comes late does not end the service.
    this.#looking = setInterval(look, watchdogMs ? watchdogMs / 2 : LOOK_MS).unref();
  }

  /** Another process speaks for the service from now on: the end of this one is not the service's. */
  leave(): void {
    this.#left = true;
    clearInterval(this.#looking);
  }

  #tell(...fields: readonly string[]): Promise<void> {
    if (this.#env.NOTIFY_SOCKET && !this.#left)
      this.#told = this.#told.then(() => this.#send(fields));
    return this.#told;
  }

  #send(fields: readonly string[]): Promise<void> {
    const { NOTIFY_SOCKET, PATH } = this.#env;
    const options = { env: { NOTIFY_SOCKET, PATH }, timeout: DELIVERY_MS };
    return new Promise((resolve) => {
      execFile('systemd-notify', fields, options, (error) => {
        if (error) {
          const detail = messageOf(error).trim();
          const remedy =
            'see that systemd-notify is installed and that the unit has NotifyAccess=all';
          this.#logger.warn({ fields, detail, remedy }, 'the service manager could not be told');
        }
        resolve();
      });
    });
  }
}

/** The time of the watchdog in ms; undefined where there is none, or it is about another process. */
export function watchdogOf({
  WATCHDOG_USEC,
  WATCHDOG_PID,
}: ServiceEnvironment): number | undefined {
  if (WATCHDOG_PID && Number(WATCHDOG_PID) !== process.pid) return undefined;
  const ms = Number(WATCHDOG_USEC) / 1_000;
  return ms > 0 ? ms : undefined;
}
