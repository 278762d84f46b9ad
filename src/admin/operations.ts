import { json, type Request, type Response, Router } from 'express';
import type { Logger } from '../log.ts';
import { MAX_WEIGHT } from '../memcached/decisions.ts';
import { isSessionId } from '../session/django-session.ts';
import type { AdminState } from '../upstream/backend.ts';
import { refuse } from './refusals.ts';
import type { OpenTunnel } from './state.ts';

/** What an operator can do. */
export interface Operations {
  /**
   * Has a backend take work or not, and gives it a weight; what is left out stays. A weight of null
   * is the configured one.
   * @throws RangeError where there is no such backend, or the weight is none
   */
  decide(service: string, backend: string, change: Change): Decided;
  /** Reads the configuration anew; rejects where it is not sound, and nothing has changed then. */
  reload(): Promise<void>;
  /** The newest open tunnels, at most so many. */
  openTunnels(most: number): Promise<readonly OpenTunnel[]>;
  /** Ends a tunnel with a close frame; whether it was there. */
  endTunnel(id: string): Promise<boolean>;
  /** Deletes a session of the dashboards; whether it was there. */
  revokeSession(id: string): Promise<boolean>;
}

export interface Change {
  readonly admin?: AdminState;
  readonly weight?: number | null;
  readonly scope: Scope;
}

export interface Decided {
  readonly admin: AdminState;
  readonly weight: number | null;
}

/** For all gateways, or for this one alone. */
export type Scope = 'all' | 'gateway';

const ADMIN_STATES: readonly unknown[] = ['ready', 'drain', 'maint'];
const SCOPES: readonly unknown[] = ['all', 'gateway'];
const MOST_TUNNELS = 100_000;

/** The part of the API that changes something, and the list of tunnels. Each change is logged. */
export function operationRoutes(operations: Operations, logger: Logger): Router {
  const router = Router();
  router.use('/api', json({ limit: '16kb' }));

  router.post('/api/services/:service/backends/:backend', (req, res) => {
    const { service, backend } = req.params;
    const change = changeOf(req.body);
    if (typeof change === 'string') return invalid(res, change);
    try {
      const decided = operations.decide(service, backend, change);
      audit(logger, req, res, { service, backend, ...change }, 'decided on a backend');
      res.json({ service, backend, ...decided, scope: change.scope });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      refuse(res, 404, { error: error.message, remedy: 'see GET /api/state for what there is' });
    }
  });

  router.post('/api/reload', async (req, res) => {
    audit(logger, req, res, {}, 'had the configuration read anew');
    try {
      await operations.reload();
      res.json({ message: 'the configuration was read anew' });
    } catch (error) {
      const { problems = [] } = error as { problems?: readonly Finding[] };
      // Without the values: one of them may be a secret that is too short.
      const findings = problems.map(({ name, problem }) => ({ name, problem }));
      const text = error instanceof Error ? error.message : String(error);
      const remedy = 'mend the configuration, and reload again; nothing has changed';
      refuse(res, 422, { error: text, remedy, findings });
    }
  });

  router.get('/api/tunnels', async (_req, res) => {
    res.json({ tunnels: await operations.openTunnels(MOST_TUNNELS) });
  });

  router.delete('/api/tunnels/:id', async (req, res) => {
    const { id } = req.params;
    const found = await operations.endTunnel(id);
    if (!found) {
      const error = 'there is no such tunnel at this gateway';
      return refuse(res, 404, { error, remedy: 'see GET /api/tunnels for those that are open' });
    }
    audit(logger, req, res, { tunnel: id }, 'ended a tunnel');
    res.json({ id, ended: true });
  });

  router.post('/api/sessions/revoke', async (req, res) => {
    const id: unknown = req.body?.session;
    if (!isSessionId(id)) {
      return invalid(res, 'session has to be the id of a session: 32 of a-z and 0-9');
    }
    const found = await operations.revokeSession(id);
    // Never the id: whoever reads the log could use it.
    audit(logger, req, res, { found }, 'revoked a session');
    res.json({ found });
  });
  return router;
}

/** What is wrong with one setting. */
interface Finding {
  readonly name: string;
  readonly problem: string;
}

/** A change as it was asked for, or what is wrong with it. */
function changeOf(body: unknown): Change | string {
  const { admin, weight, scope = 'all', ...others } = (body ?? {}) as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `${unknown} is none of admin, weight and scope`;
  if (admin === undefined && weight === undefined) return 'there is neither admin nor weight';
  if (admin !== undefined && !ADMIN_STATES.includes(admin)) {
    return 'admin has to be ready, drain or maint';
  }
  if (weight !== undefined && weight !== null && !isWeight(weight)) {
    return `weight has to be a whole number from 0 to ${MAX_WEIGHT}, or null for the configured one`;
  }
  if (!SCOPES.includes(scope)) return 'scope has to be all or gateway';
  return {
    ...(admin === undefined ? {} : { admin: admin as AdminState }),
    ...(weight === undefined ? {} : { weight }),
    scope: scope as Scope,
  };
}

function isWeight(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_WEIGHT;
}

function invalid(res: Response, error: string): void {
  refuse(res, 400, { error, remedy: 'see the README for what can be asked' });
}

function audit(logger: Logger, req: Request, res: Response, what: object, message: string): void {
  const by = res.locals.visitor ?? 'open';
  logger.info(
    { audit: true, by, from: req.socket.remoteAddress, ...what },
    `an operator ${message}`,
  );
}
