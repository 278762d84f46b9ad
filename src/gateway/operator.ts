import type { Change, Decided, Operations } from '../admin/operations.ts';
import type { SharedView } from '../admin/state.ts';
import { subjectOf } from '../memcached/decisions.ts';
import { sessionKeyPrefix } from '../session/django-session.ts';
import type { OpenTunnel } from './messages.ts';
import type { Sessions } from './sessions.ts';
import type { SharedControl } from './shared-control.ts';

/** What an operator's wishes are carried out by. */
interface Operated extends Pick<SharedControl, 'decide'> {
  shared(): SharedView | undefined;
  openTunnels(most: number): Promise<readonly OpenTunnel[]>;
  endTunnel(id: string): Promise<boolean>;
}

/** What an operator does at the admin listener, done by the control plane. */
export class Operator implements Operations {
  readonly #control: Operated;
  readonly #sessions: Sessions;
  readonly reload: () => Promise<void>;

  /** @param reload reads the configuration anew; rejects where nothing has changed */
  constructor(control: Operated, sessions: Sessions, reload: () => Promise<void>) {
    this.#control = control;
    this.#sessions = sessions;
    this.reload = reload;
  }

  decide(service: string, backend: string, { admin, weight, scope }: Change): Decided {
    const subject = subjectOf(service, backend);
    const decisions = this.#control.shared()?.decisions ?? [];
    const ofScope = (which: 'gateway' | 'cluster') =>
      decisions.find((decision) => decision.subject === subject && decision.scope === which);
    // One for this gateway alone begins with what holds here, one for all with what holds for all.
    const before =
      (scope === 'gateway' ? ofScope('gateway') : undefined) ?? ofScope('cluster') ?? READY;
    const decided = {
      state: admin ?? before.state,
      weight: weight === undefined ? before.weight : weight,
    };
    this.#control.decide(service, backend, decided, scope === 'all' ? 'cluster' : 'gateway');
    const here = ofScope('gateway');
    if (scope === 'all' && admin === undefined && here) {
      // Only a weight was asked for: what takes no work at this gateway still takes none.
      this.#control.decide(service, backend, { ...decided, state: here.state }, 'gateway');
      return { admin: here.state, weight: decided.weight };
    }
    return { admin: decided.state, weight: decided.weight };
  }

  openTunnels(most: number): Promise<readonly OpenTunnel[]> {
    return this.#control.openTunnels(most);
  }

  endTunnel(id: string): Promise<boolean> {
    return this.#control.endTunnel(id);
  }

  revokeSession(id: string): Promise<boolean> {
    const { keyPrefix, keyVersion, cluster } = this.#sessions;
    return cluster.delete(`${sessionKeyPrefix(keyPrefix, keyVersion)}${id}`);
  }
}

const READY = { state: 'ready', weight: null } as const;
