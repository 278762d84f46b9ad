import type { AccessLog } from '../access-log/access-log.ts';
import { HttpLine, type HttpLineOptions } from '../access-log/http-line.ts';
import { jsonFields } from '../access-log/json-line.ts';
import type { GatewayError } from '../errors.ts';
import { type Logger, lineWriter } from '../log.ts';
import type { ExchangeRecord, RelayReport, TunnelRecord } from '../relay/relay-report.ts';
import { causeOf } from '../relay/termination.ts';

/** Logs what a relay does: a line for each request, if wanted, and for each tunnel and failure. */
export class RelayLog implements RelayReport {
  readonly #logger: Logger;
  readonly #access: AccessLog;
  /** Writes a line of a request, with these further fields where it is JSON. */
  readonly #write: ((record: ExchangeRecord, more: string) => void) | undefined;
  readonly #writeTunnel: (record: TunnelRecord, request: ExchangeRecord) => void;
  readonly #sampled: string;

  constructor(logger: Logger, access: AccessLog, line: HttpLineOptions) {
    this.#logger = logger;
    this.#access = access;
    this.#sampled = `,"sample":${access.sample}`;
    this.#writeTunnel = (record) => logger.info(tunnelFields(record), 'websocket closed');
    const { output, format } = access;
    const write = output && lineWriter(logger, 'request', output);
    if (!write) return;
    if (format === 'json') {
      this.#write = (record, more) => write(jsonFields(record) + more, record.endedAt);
      const closed = lineWriter(logger, 'websocket closed', output)!;
      this.#writeTunnel = (record) => closed(fieldsOf(tunnelFields(record)));
      return;
    }
    const http = new HttpLine(line);
    this.#write = (record) => output.write(http.of(record));
    this.#writeTunnel = ({ ms, sent, termination }, request) => {
      const bytes = request.bytes + sent;
      const endedAt = Date.now();
      output.write(http.of({ ...request, endedAt, ms: request.ms + ms, bytes, termination }));
    };
  }

  answered(record: ExchangeRecord): void {
    if (!this.#write) return;
    const wanted = this.#access.wants(record);
    if (wanted !== 'no') this.#write(record, wanted === 'sampled' ? this.#sampled : '');
  }

  failed(requestId: string, failure: GatewayError): void {
    const fields = { requestId, kind: failure.kind, detail: failure.message };
    // What clients get wrong is theirs; what backends do is for the operator to look at.
    if (failure.kind === 'tooManyRequests') this.#logger.debug(fields, 'request refused');
    else if (failure.source === 'downstream') this.#logger.info(fields, 'request refused');
    else this.#logger.warn(fields, 'request failed');
  }

  /** It is told when it ends. */
  tunnelOpened(): void {}

  tunnelClosed(record: TunnelRecord, request: ExchangeRecord): void {
    this.#writeTunnel(record, request);
  }
}

function tunnelFields(record: TunnelRecord): object {
  const cause = causeOf(record.termination);
  return cause === undefined ? record : { ...record, cause };
}

/** Fields for `lineWriter`, as pino would have them. */
function fieldsOf(fields: object): string {
  return `,${JSON.stringify(fields).slice(1, -1)}`;
}
