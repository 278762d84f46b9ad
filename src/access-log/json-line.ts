import { quoted } from '../log.ts';
import type { ExchangeRecord } from '../relay/relay-report.ts';
import { causeOf } from '../relay/termination.ts';
import { pathOf } from './http-line.ts';

/**
 * What a JSON line tells of a request, as fields for `lineWriter`: it comes with every request, so it is
 * put together by hand. Ids, addresses, methods and names have no character that JSON would escape.
 */
export function jsonFields(record: ExchangeRecord): string {
  const { backend, termination } = record;
  const served = backend === undefined ? '' : `,"backend":"${backend}"`;
  const retries = record.retries > 0 ? `,"retries":${record.retries}` : '';
  const aborted = record.aborted ? ',"aborted":true' : '';
  const cause = termination === '--' ? undefined : causeOf(termination);
  return (
    `,"requestId":"${record.requestId}","client":"${record.client}","method":"${record.method}"` +
    `,"status":${record.status}${served},"ms":${record.ms},"path":${quoted(pathOf(record.target))}` +
    `${waitsOf(record)},"responseMs":${record.responseMs},"bytes":${record.bytes}` +
    `,"termination":"${termination}"${cause === undefined ? '' : `,"cause":"${cause}"`}${retries}${aborted}`
  );
}

/** Most requests come whole, and find room and a connection: these are put together once. */
function waitsOf({ requestMs, queueMs, connectMs }: ExchangeRecord): string {
  if (requestMs === 0 && queueMs === 0 && connectMs === 0) return NO_WAITS;
  return `,"requestMs":${requestMs},"queueMs":${queueMs},"connectMs":${connectMs}`;
}

const NO_WAITS = ',"requestMs":0,"queueMs":0,"connectMs":0';
