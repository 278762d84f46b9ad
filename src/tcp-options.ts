/**
 * How connections are made, those that are accepted and those to backends: without Nagle's algorithm, which
 * would hold back the end of an answer, and with TCP asking a peer that has been silent for a minute whether
 * it still lives. Whatever a socket is given later than the others is a layout of its own (`object-layout.ts`).
 */
export const TCP_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const;
