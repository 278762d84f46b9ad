/** Bytes of clients that a relay has passed on, without TLS: counted where they pass, so that is all. */
export class RelayCounters {
  /** Of requests and answers, heads and error pages included. */
  bytesIn = 0;
  bytesOut = 0;
  /** Of tunnels, from clients and to them. */
  tunnelBytesIn = 0;
  tunnelBytesOut = 0;
}
