import { Deviation } from './bell.ts';
import { GET, OK, request } from './bytes.ts';
import type { ConformanceCase } from './case.ts';
import type { Expected } from './expectation.ts';

type Status = number | readonly number[];

/** The request is answered with an error, nothing of it goes on, and the connection closes. */
export function refuses(
  name: string,
  bytes: string,
  { status = 400, ...rest }: { status?: Status } & Options = {},
): ConformanceCase {
  return {
    name,
    ...rest,
    async play({ client, backend }) {
      client.send(bytes);
      await Promise.race([client.response({ status }), backend.staysUntouched()]);
      await client.closed();
      backend.assertUntouched();
    },
  };
}

interface Options {
  readonly deadlineMs?: number;
}

/**
 * The body of the request is found to be unsound: no backend gets a whole request, the client is
 * told, and the connection closes.
 */
export function refusesBody(
  name: string,
  bytes: string,
  { status = 400, ...rest }: { status?: Status } & Options = {},
): ConformanceCase {
  return {
    name,
    ...rest,
    async play({ client, backend }) {
      client.send(bytes);
      await client.response({ status });
      await client.closed();
      await backend.assertNothingComplete();
    },
  };
}

/** The request reaches the backend as expected, and its connection goes on serving. */
export function forwards(
  name: string,
  bytes: string,
  expected: Expected,
  options: Options = {},
): ConformanceCase {
  return {
    name,
    ...options,
    async play(stage) {
      stage.client.send(bytes);
      const { wire } = await stage.backend.request(expected);
      wire.send(OK);
      await stage.client.response({ status: 200, body: 'ok' });
      await stage.stillServes(stage.client);
    },
  };
}

/** The response reaches the client as expected; the client's connection goes on serving. */
export function relays(
  name: string,
  bytes: string,
  expected: Expected,
  { to = 'GET', ...rest }: { to?: string } & Options = {},
): ConformanceCase {
  return {
    name,
    ...rest,
    async play(stage) {
      stage.client.send(request(`${to} /x`));
      const { wire } = await stage.backend.request();
      wire.send(bytes);
      await stage.client.response(expected, to);
      await stage.stillServes(stage.client);
    },
  };
}

/** The response is not passed on: the client gets a 502, and the backend's connection is closed. */
export function rejects(name: string, bytes: string, options: Options = {}): ConformanceCase {
  return {
    name,
    ...options,
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(bytes);
      await client.response({ status: 502 });
      await wire.closed();
    },
  };
}

/**
 * The response turns out to be unsound after it has begun: the client can tell that it is not
 * whole, and the backend's connection is closed. Before it has begun, a 502 will do.
 */
export function breaksOff(
  name: string,
  bytes: string,
  { backendEnds = false, ...rest }: { backendEnds?: boolean } & Options = {},
): ConformanceCase {
  return {
    name,
    ...rest,
    async play({ client, backend }) {
      client.send(GET);
      const { wire } = await backend.request();
      wire.send(bytes);
      if (backendEnds) wire.end();
      const { status, complete } = await client.response({ complete: 'either' });
      if (complete && status !== 502) throw new Deviation('the response was passed off as whole');
      await wire.closed();
    },
  };
}
