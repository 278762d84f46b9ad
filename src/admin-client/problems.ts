import type { BackendState } from '../admin/state.ts';
import type { RemoteState, RemoteWorker } from './remote-state.ts';

/** Something that is not as it should be. */
export interface Problem {
  readonly subject: string;
  /** Completes the sentence "subject …". */
  readonly detail: string;
  /** Undefined where nothing has to be done. */
  readonly remedy?: string;
}

/** All that keeps a gateway from having everything at work that it is configured with. */
export function problemsOf(state: RemoteState): Problem[] {
  return [
    ...state.services.flatMap(({ name, backends }) => [
      ...(backends.some(({ health, usable }) => health === 'up' && usable)
        ? []
        : [{ subject: name, detail: 'has no backend that is up and takes work' }]),
      ...backends.flatMap((backend) => backendProblem(name, backend)),
    ]),
    ...state.memcached
      .filter((node) => node.state !== 'up')
      .map(({ node, detail }) => ({
        subject: node,
        detail: `does not answer: ${detail}`,
        remedy: 'start memcached there',
      })),
    ...cacheProblems(state),
    ...(state.workers ?? []).flatMap(workerProblem),
  ];
}

function backendProblem(service: string, backend: BackendState): Problem[] {
  const subject = `${service}/${backend.name}`;
  const { adminState, health, ejected, lastCheck } = backend;
  if (adminState !== 'ready') {
    const detail = `has been put into ${adminState}`;
    return [{ subject, detail, remedy: `dashgate ready ${subject} gives it work again` }];
  }
  if (health === 'down') {
    const detail = `is down: ${lastCheck?.detail ?? 'its check fails'}`;
    return [{ subject, detail, remedy: 'start it; dashgate doctor tells more' }];
  }
  if (ejected) {
    const detail = 'is ejected, because traffic to it failed';
    return [
      { subject, detail, remedy: 'see the log for what failed; it is tried again by itself' },
    ];
  }
  return backend.usable ? [] : [{ subject, detail: 'takes no work' }];
}

function cacheProblems({ cache, memcached }: RemoteState): Problem[] {
  if (!cache) return [];
  const unreachable = new Set(memcached.filter(({ state }) => state !== 'up').map(nodeOf));
  const unsure = {
    subject: 'session cache',
    detail: 'does not reach a majority of the memcached nodes',
    remedy: 'see that they run and can be reached from this gateway',
  };
  return [
    ...(cache.sure ? [] : [unsure]),
    ...cache.nodes
      .filter(({ node, state }) => state !== 'full' && !unreachable.has(node))
      .map(({ node, state }) => ({
        subject: node,
        detail: `does not hold all of its sessions yet (${state}); it is refilled by itself`,
      })),
  ];
}

function nodeOf({ node }: { readonly node: string }): string {
  return node;
}

/** One death may be an accident: the next process is there at once. */
function workerProblem({ kind, slot, state, restarts, deaths = 0 }: RemoteWorker): Problem[] {
  if (state !== 'waiting' && deaths < 2) return [];
  const then = state === 'waiting' ? 'is about to be started again' : 'was started again just now';
  return [
    {
      subject: kind === 'cache' ? 'session cache' : `worker ${slot + 1}`,
      detail: `has died (${restarts} times so far), and ${then}`,
      remedy: 'see the log for why',
    },
  ];
}
