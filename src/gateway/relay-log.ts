import type { GatewayError } from '../errors.ts';
import { type Logger, lineWriter, quoted } from '../log.ts';
import type { ExchangeRecord, RelayReport, TunnelRecord } from '../relay/relay-report.ts';

/** Logs what a relay does: a line for each request, if wanted, and for each tunnel and failure. */
export class RelayLog implements RelayReport {
  readonly #logger: Logger;
  readonly #writeRequest: ((fields: string) => void) | undefined;

  constructor(logger: Logger, logsRequests: boolean) {
    this.#logger = logger;
    this.#writeRequest = logsRequests ? lineWriter(logger, 'request') : undefined;
  }

  answered(record: ExchangeRecord): void {
    if (!this.#writeRequest) return;
    const { requestId, client, method, status, backend, ms, target, aborted } = record;
    // Ids, addresses, methods and names have no character that JSON would escape.
    // The query is left out: it may hold a console's token.
    const query = target.indexOf('?');
    const path = query < 0 ? target : target.slice(0, query);
    const served = backend === undefined ? '' : `,"backend":"${backend}"`;
    const ending = aborted ? ',"aborted":true' : '';
    this.#writeRequest(
      `,"requestId":"${requestId}","client":"${client}","method":"${method}"` +
        `,"status":${status}${served},"ms":${ms},"path":${quoted(path)}${ending}`,
    );
  }

  failed(requestId: string, failure: GatewayError): void {
    const fields = { requestId, kind: failure.kind, detail: failure.message };
    // What clients get wrong is theirs; what backends do is for the operator to look at.
    if (failure.source === 'downstream') this.#logger.info(fields, 'request refused');
    else this.#logger.warn(fields, 'request failed');
  }

  tunnelClosed(record: TunnelRecord): void {
    this.#logger.info(record, 'websocket closed');
  }
}
