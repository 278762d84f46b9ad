import type { Client } from 'connect-memcached';
import type { SessionData } from 'express-session';
import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import { type MemcachedClient, ProtocolError, UnavailableError } from '../memcached/client.ts';
import { answer, type Callback } from './callbacks.ts';
import { PickleError } from './pickle-values.ts';
import { SessionInterrupted, SessionTooLarge, SessionUnavailable } from './session-errors.ts';
import { PICKLE_FLAG, readSessionItem } from './session-item.ts';
import type { SessionRecords } from './session-records.ts';

export interface ConnectMemcachedClientOptions {
  readonly client: MemcachedClient;
  readonly records: SessionRecords;
  /** Largest session, in bytes of its pickle. */
  readonly maxSessionBytes: number;
  readonly logger: Logger;
}

/**
 * What connect-memcached takes for its `client`: keeps each session as Django does, a pickled dict
 * with Django's life, in the place that `client` has for its key. A session that the store never
 * had is added, any other replaced, so that no save brings a deleted one back. Where the store
 * cannot be asked, that is an error and never a miss.
 *
 * Calls back with SessionInterrupted, SessionUnavailable, SessionTooLarge, or PickleError.
 */
export class ConnectMemcachedClient implements Client {
  readonly #client: MemcachedClient;
  readonly #records: SessionRecords;
  readonly #maxSessionBytes: number;
  readonly #logger: Logger;

  constructor(options: ConnectMemcachedClientOptions) {
    this.#client = options.client;
    this.#records = options.records;
    this.#maxSessionBytes = options.maxSessionBytes;
    this.#logger = options.logger;
  }

  get(key: string, callback: Callback<SessionData | undefined>): void {
    answer(this.#load(key), callback, sessionError);
  }

  /** The life that connect-memcached reckons from the cookie is left aside for Django's own. */
  set(key: string, session: SessionData, _ttl: number, callback: Callback): void {
    answer(this.#save(key, session), callback, sessionError);
  }

  del(key: string, callback: Callback<boolean>): void {
    answer(this.#client.delete(key), callback, sessionError);
  }

  touch(key: string, session: SessionData, callback: Callback): void {
    answer(this.#touch(key, session), callback, sessionError);
  }

  items(callback: Callback): void {
    callback(new Error('memcached cannot count its sessions'));
  }

  flush(callback: Callback): void {
    callback(new Error('refused to clear the sessions: it would flush the whole of memcached'));
  }

  /** As Django, takes a session that cannot be read for one that is not there. */
  async #load(key: string): Promise<SessionData | undefined> {
    const item = await this.#client.get(key);
    if (item === undefined) return undefined;
    try {
      return this.#records.load(await readSessionItem(item));
    } catch (error) {
      if (!(error instanceof PickleError)) throw error;
      this.#logger.warn({ reason: messageOf(error) }, 'a session cannot be read: it is ignored');
      return undefined;
    }
  }

  async #save(key: string, session: SessionData): Promise<void> {
    const isNew = !this.#records.isStored(session);
    const pickled = this.#records.pickle(session);
    const limit = this.#maxSessionBytes;
    if (pickled.length > limit) throw new SessionTooLarge(pickled.length, limit);
    const options = { flags: PICKLE_FLAG, ttl: this.#records.expiry(session).ageSeconds };
    const stored = isNew
      ? await this.#client.add(key, pickled, options)
      : await this.#client.replace(key, pickled, options);
    if (stored) this.#records.saved(session, pickled);
    else if (isNew) throw new Error('a new session was given an id that is in use');
    else throw new SessionInterrupted();
  }

  async #touch(key: string, session: SessionData): Promise<void> {
    const { ageSeconds } = this.#records.expiry(session);
    if (!(await this.#client.touch(key, ageSeconds))) throw new SessionInterrupted();
  }
}

function sessionError(error: unknown): unknown {
  return error instanceof UnavailableError || error instanceof ProtocolError
    ? new SessionUnavailable(error)
    : error;
}
