import type { Config } from '../config.ts';
import { type NodeAddress, parseNode } from '../memcached/node-address.ts';
import { createPlacement } from '../memcached/placement.ts';
import { sessionKeyPrefix } from '../session/django-session.ts';
import type { Check } from './check.ts';
import type { Observation, Report } from './finding.ts';
import { holdersOf, listSessions, type NoList, type SessionList } from './session-listing.ts';
import { bestLayout, fitOf, type Holders } from './session-placement.ts';

/** Fewer sessions lie anywhere by chance. */
const FEW_SESSIONS = 12;
/** More than this share on the right node is as it should be: a node may have been away meanwhile. */
const MOST = 0.95;
const SUBJECT = 'sessions';

/**
 * Whether the dashboards' sessions lie where MEMCACHED_PLACEMENT says, by the lists of keys of all
 * nodes. Keys have session ids in them, so that none is shown.
 */
export const sessionsCheck: Check = {
  name: 'sessions',
  async run({ config, resolves }, report) {
    const nodes = config.MEMCACHED_SERVERS.map(parseNode);
    const prefix = sessionKeyPrefix(config.DJANGO_KEY_PREFIX, config.DJANGO_KEY_VERSION);
    const lists = await Promise.all(
      nodes.map((node): Promise<SessionList | NoList> | NoList => {
        if (node.port !== 0 && !resolves(node.host))
          return { refusal: 'its name does not resolve' };
        return listSessions(node, prefix);
      }),
    );
    examineLists(nodes, lists, config, report);
  },
};

function examineLists(
  nodes: readonly NodeAddress[],
  lists: readonly (SessionList | NoList)[],
  config: Config,
  report: Report,
): void {
  const told = new Set<number>();
  const others = new Map<string, number>();
  for (const [index, list] of lists.entries()) {
    if ('refusal' in list) {
      const detail = `its sessions are not known: ${list.refusal}`;
      const remedy = 'see memcached; where it is busy with another list, try again';
      report({ severity: 'note', subject: nodes[index]!.text, detail, remedy });
      continue;
    }
    told.add(index);
    for (const [prefix, count] of list.others)
      others.set(prefix, (others.get(prefix) ?? 0) + count);
  }
  if (told.size === 0) return;
  const holders = holdersOf(lists);
  if (holders.size < FEW_SESSIONS) report(tooFew(holders.size, others));
  else {
    report(placementFinding(nodes, holders, told, config));
    const copies = copiesFinding(holders, told.size === nodes.length, config);
    if (copies) report(copies);
  }
}

function tooFew(count: number, others: ReadonlyMap<string, number>): Observation {
  const [most] = [...others].sort(([, a], [, b]) => b - a);
  if (most && most[1] > count) {
    const [, prefix = '', version = ''] = /^(.*):(\d+):$/.exec(most[0]) ?? [];
    return {
      severity: 'error',
      subject: SUBJECT,
      detail: `${count} sessions have the configured key prefix, and ${most[1]} have "${most[0]}"`,
      remedy: `set DJANGO_KEY_PREFIX=${prefix} and DJANGO_KEY_VERSION=${version}, as the dashboards have them`,
    };
  }
  return {
    severity: 'note',
    subject: SUBJECT,
    detail: `there are ${count} sessions, too few to tell where the dashboards put them`,
    remedy: `examine again when more than ${FEW_SESSIONS} users are logged in`,
  };
}

function placementFinding(
  nodes: readonly NodeAddress[],
  holders: Holders,
  told: ReadonlySet<number>,
  { MEMCACHED_PLACEMENT: placement }: Config,
): Observation {
  const subject = SUBJECT;
  if (nodes.length === 1) {
    const detail = `there is one node, where ${holders.size} sessions lie`;
    return { severity: 'ok', subject, detail };
  }
  if (told.size < 2 || isEverywhere(holders, told.size)) {
    const detail = `${holders.size} sessions were looked at, which would fit any placement: each is on all of the ${told.size} nodes that told`;
    return { severity: 'note', subject, detail };
  }
  const { share, fits } = fitOf(createPlacement(placement, nodes), holders, told);
  const seen = `${percent(share)} of ${holders.size} sessions looked at lie on the node that MEMCACHED_PLACEMENT=${placement} predicts`;
  if (share >= MOST) return { severity: 'ok', subject, detail: seen };
  const found = bestLayout(nodes, holders, told);
  if (fits && (!found || found.fit.share <= share)) {
    return {
      severity: 'warning',
      subject,
      detail: `${seen}: the others were put there while a node was away, or by a dashboard with other settings`,
      remedy: "look whether CACHES in Django's settings is the same on every dashboard",
    };
  }
  return { severity: 'error', subject, ...misplaced(seen, nodes, placement, found) };
}

function misplaced(
  seen: string,
  nodes: readonly NodeAddress[],
  configured: string,
  found: ReturnType<typeof bestLayout>,
): Pick<Observation, 'detail' | 'remedy'> {
  if (!found) {
    return {
      detail: `${seen}, and no client library that is known puts them where they are`,
      remedy:
        "write MEMCACHED_SERVERS as LOCATION in Django's settings: the same nodes, letter for letter and in the same order",
    };
  }
  const { placement, fit } = found;
  const order = found.nodes.map(({ text }) => text).join(',');
  const reordered = found.nodes.some((node, index) => node !== nodes[index]);
  const remedies = [
    ...(placement === configured ? [] : [`set MEMCACHED_PLACEMENT=${placement}`]),
    ...(reordered ? [`write MEMCACHED_SERVERS=${order}`] : []),
  ];
  const which = reordered ? `${placement} with the nodes in another order` : placement;
  return {
    detail: `${seen}; ${percent(fit.share)} lie where ${which} puts them`,
    remedy: remedies.join(' and '),
  };
}

/** Whether sessions have as many copies as the session cache makes. */
function copiesFinding(
  holders: Holders,
  complete: boolean,
  { CACHE_LISTEN: cache, SESSION_COPIES: copies, MEMCACHED_SERVERS: servers }: Config,
): Observation | undefined {
  const wanted = Math.min(copies, servers.length);
  if (!cache || wanted < 2 || !complete) return undefined;
  const full = [...holders.values()].filter((nodes) => nodes.length >= wanted).length;
  const share = full / holders.size;
  const detail = `${percent(share)} of ${holders.size} sessions looked at lie on ${wanted} nodes`;
  if (share >= 0.5) return { severity: 'ok', subject: 'copies', detail };
  return {
    severity: 'note',
    subject: 'copies',
    detail: `${detail}: the dashboards seem to use the nodes themselves, and the loss of one logs users out`,
    remedy: "name CACHE_LISTEN as LOCATION in Django's settings, in place of the nodes",
  };
}

function isEverywhere(holders: Holders, nodes: number): boolean {
  let copies = 0;
  for (const held of holders.values()) copies += held.length;
  return copies / holders.size > nodes * 0.9;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
