import type { ExchangeRecord } from '../relay/relay-report.ts';
import { HttpClock } from './http-clock.ts';

/** What is busy at the moment, which a line tells with its request. */
export interface Busy {
  /** Clients that are connected to the process, and to the service. */
  readonly process: number;
  readonly frontend: number;
  /** Requests that backends are busy with, and one of them. */
  readonly backends: number;
  readonly backend: number;
}

export interface HttpLineOptions {
  /** The service: HAProxy's frontend and backend. */
  readonly service: string;
  /** Backends that an affinity cookie may name; undefined: there is none. */
  readonly affinity: ReadonlySet<string> | undefined;
  readonly busy: (backend: string | undefined) => Busy;
}

/** HAProxy's limit for the request that is logged. */
const MAX_REQUEST = 1_024;
/** What HAProxy writes as `#` and two hexadecimal digits within a request. */
const ENCODED = /[^\x20-\x7e]|["#]/g;

/**
 * Lines in HAProxy's HTTP log format (configuration manual, §8.2.3), which log parsers know. Queries
 * are left out, and no cookie or header is captured: they may hold secrets.
 */
export class HttpLine {
  readonly #options: HttpLineOptions;
  readonly #clock = new HttpClock();

  constructor(options: HttpLineOptions) {
    this.#options = options;
  }

  of(record: ExchangeRecord): string {
    const { service, busy } = this.#options;
    const { client, port, secure, backend, status, bytes, termination, retries } = record;
    const { requestMs, queueMs, connectMs, responseMs, ms } = record;
    const on = busy(backend);
    return (
      `${client}:${port} [${this.#clock.http(record.endedAt - ms)}] ${service}${secure ? '~' : ''} ` +
      `${service}/${backend ?? '<NOSRV>'} ${requestMs}/${queueMs}/${connectMs}/${responseMs}/${ms} ` +
      `${status || -1} ${bytes} - - ${termination}${this.#cookie(record)} ` +
      `${on.process}/${on.frontend}/${on.backends}/${on.backend}/${retries > 0 ? '+' : ''}${retries} ` +
      `0/${record.queuedBefore} "${requestOf(record)}"\n`
    );
  }

  /** What became of the affinity cookie: none, invalid, for a server that is down, or valid. */
  #cookie({ asked, backend }: ExchangeRecord): string {
    const { affinity } = this.#options;
    if (!affinity) return '--';
    if (backend === undefined) return asked === undefined ? 'N-' : 'V-';
    if (asked === backend) return 'VN';
    if (asked === undefined) return 'NI';
    return affinity.has(asked) ? 'DI' : 'II';
  }
}

/** The request line without its query. */
function requestOf({ method, target, minor }: ExchangeRecord): string {
  if (method === '') return '<BADREQ>';
  const text = `${method} ${pathOf(target)} HTTP/1.${minor}`;
  const short = text.length > MAX_REQUEST ? text.slice(0, MAX_REQUEST) : text;
  return short.replace(ENCODED, encoded);
}

function encoded(character: string): string {
  return `#${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** A target without its query, which may hold a console's token. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}
