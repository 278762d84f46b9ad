import type { Config } from '../config.ts';
import { messageOf } from '../errors.ts';
import { ProtocolError, UnavailableError } from '../memcached/client.ts';
import { parseNode } from '../memcached/node-address.ts';
import { askInBinary, type BinaryAnswer } from './binary-protocol.ts';
import { type Check, type Examination, examineEach, PEER_MS } from './check.ts';
import { clockFinding, seconds } from './clocks.ts';
import type { Observation, Report } from './finding.ts';
import { factsOf, type NodeFacts } from './memcached-facts.ts';

/** How long a node may take in the protocol that it may speak instead, in ms. */
const BINARY_MS = 1_000;
const CLOCK_REMEDY =
  "set that host's clock right (chrony), then restart this memcached, which keeps the time that it was started with";
/** A node that is fuller than this, as a share of its memory, will evict before long. */
const NEARLY_FULL = 0.9;
/** What clocks of nodes may differ by among themselves, beyond what reading them is worth, in ms. */
const TOLERATED_SPREAD_MS = 2_000;

/** Whether memcached nodes can be asked, and whether they are fit for sessions. */
export const memcachedCheck: Check = {
  name: 'memcached',
  async run(examination, report) {
    const { MEMCACHED_SERVERS: servers } = examination.config;
    const found = await examineEach(
      servers,
      (server, tell) => examineNode(server, examination, tell),
      report,
    );
    compareClocks(
      servers.flatMap((node, index) => (found[index] ? [{ node, facts: found[index] }] : [])),
      report,
    );
  },
};

async function examineNode(
  server: string,
  { config, resolves }: Examination,
  report: Report,
): Promise<NodeFacts | undefined> {
  const node = parseNode(server);
  const subject = node.text;
  if (node.port !== 0 && !resolves(node.host)) {
    const detail = 'it is not asked, for its name does not resolve';
    report({ severity: 'error', subject, detail, remedy: 'see names' });
    return undefined;
  }
  try {
    const facts = await factsOf(node, (PEER_MS - BINARY_MS) / 2);
    for (const observation of judge(facts, config)) report({ subject, ...observation });
    return facts;
  } catch (error) {
    const binary = hasTakenTooLong(error) ? await askInBinary(node, BINARY_MS) : undefined;
    report({ subject, ...refusalOf(error, binary) });
    return undefined;
  }
}

type Found = Omit<Observation, 'subject'>;

/** A node that speaks the binary protocol alone waits for the rest of what it takes for its request. */
function hasTakenTooLong(error: unknown): boolean {
  return error instanceof UnavailableError && /no answer within/.test(error.message);
}

function refusalOf(error: unknown, binary: BinaryAnswer): Found {
  if (binary === 'answers') {
    return {
      severity: 'error',
      detail: 'it speaks the binary protocol only, which Dashgate does not',
      remedy: 'start it without -B binary',
    };
  }
  const closed = error instanceof ProtocolError && /unauthenticated/i.test(error.line ?? '');
  if (closed || binary === 'wants a password') {
    return {
      severity: 'error',
      detail: 'it asks for a password, which Dashgate does not give',
      remedy: 'start it without SASL (-S) and without -Y, and let a firewall keep others away',
    };
  }
  return {
    severity: 'error',
    detail: messageOf(error).replace(/^memcached node \S+ (is unavailable: )?/, ''),
    remedy:
      'look whether it runs, listens on that address (-l) and a firewall lets this host reach it',
  };
}

/** What there is to say of a node that answers. */
export function judge(facts: NodeFacts, config: Config): Found[] {
  const { version, uptimeSeconds, items } = facts;
  const detail = `memcached ${version}, up for ${durationOf(uptimeSeconds)}, ${items} items`;
  return [
    { severity: 'ok', detail },
    clockFinding(facts.clock, CLOCK_REMEDY),
    evictionsOf(facts),
    ...sizesOf(facts, config),
    ...manners(facts, config),
  ];
}

function evictionsOf({ evictions, uptimeSeconds, bytes, maxBytes }: NodeFacts): Found {
  const remedy = `give it more memory: start it with -m ${Math.ceil((maxBytes * 2) / 2 ** 20)} or more`;
  if (evictions > 0) {
    const hourly = (evictions * 3_600) / Math.max(1, uptimeSeconds);
    const rate = hourly < 10 ? hourly.toFixed(1) : String(Math.round(hourly));
    const detail = `it has evicted ${evictions} items, ${rate} an hour since its start: sessions may be among them, whose users were logged out`;
    return { severity: 'warning', detail, remedy };
  }
  const share = maxBytes > 0 ? bytes / maxBytes : 0;
  const full = `${Math.round(share * 100)} % of its memory is in use`;
  if (share < NEARLY_FULL) return { severity: 'ok', detail: `it has evicted nothing; ${full}` };
  const detail = `it has evicted nothing yet, but ${full}`;
  return { severity: 'note', detail, remedy };
}

function sizesOf({ maxItemBytes }: NodeFacts, config: Config): Found[] {
  const { CACHE_LISTEN: cache, CACHE_MAX_VALUE_BYTES: taken } = config;
  if (!cache || maxItemBytes === 0 || maxItemBytes === taken) return [];
  const sizes = `it takes items of ${maxItemBytes} bytes (-I), the session cache values of ${taken} (CACHE_MAX_VALUE_BYTES)`;
  if (maxItemBytes > taken) {
    const detail = `${sizes}: longer sessions, which it would take, are refused`;
    return [{ severity: 'note', detail, remedy: `set CACHE_MAX_VALUE_BYTES=${maxItemBytes}` }];
  }
  const remedy = `start it with -I ${taken}, or set CACHE_MAX_VALUE_BYTES=${maxItemBytes}`;
  return [{ severity: 'warning', detail: `${sizes}: it refuses longer sessions`, remedy }];
}

function manners(facts: NodeFacts, { CACHE_LISTEN: cache }: Config): Found[] {
  const found: Found[] = [];
  if (!facts.listsKeys) {
    found.push({
      severity: cache ? 'warning' : 'note',
      detail: 'it does not list its keys, by which the session cache fills a node that came back',
      remedy: 'start it without -X and without -o no_lru_crawler',
    });
  }
  if (cache && !hasMetaCommands(facts.version)) {
    found.push({
      severity: 'warning',
      detail: `version ${facts.version} has no meta commands, by which the session cache compares items`,
      remedy: 'install memcached 1.6 or later',
    });
  }
  if (facts.udpPort !== 0) {
    found.push({
      severity: 'warning',
      detail: `it answers UDP on port ${facts.udpPort}, which is abused to flood others`,
      remedy: 'start it with -U 0',
    });
  }
  if (facts.rejectedConnections > 0) {
    found.push({
      severity: 'warning',
      detail: `it has turned connections away ${facts.rejectedConnections} times, for it had too many`,
      remedy: 'start it with a greater -c',
    });
  }
  return found;
}

/** They came with memcached 1.6. */
function hasMetaCommands(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 6);
}

function compareClocks(
  nodes: readonly { readonly node: string; readonly facts: NodeFacts }[],
  report: Report,
): void {
  if (nodes.length < 2) return;
  const sorted = nodes.toSorted((a, b) => a.facts.clock.aheadMs - b.facts.clock.aheadMs);
  const first = sorted[0]!;
  const last = sorted.at(-1)!;
  const spread = last.facts.clock.aheadMs - first.facts.clock.aheadMs;
  const error = last.facts.clock.errorMs + first.facts.clock.errorMs;
  const subject = 'the nodes together';
  if (spread - error <= TOLERATED_SPREAD_MS) {
    const detail = `their clocks are within ${seconds(spread + error)} of each other`;
    report({ severity: 'ok', subject, detail });
    return;
  }
  const detail = `the clock of ${last.node} is ${seconds(spread)} ahead of that of ${first.node}`;
  report({ severity: 'warning', subject, detail, remedy: CLOCK_REMEDY });
}

function durationOf(secondsUp: number): string {
  if (secondsUp < 120) return `${secondsUp} s`;
  if (secondsUp < 7_200) return `${Math.floor(secondsUp / 60)} min`;
  if (secondsUp < 172_800) return `${Math.floor(secondsUp / 3_600)} h`;
  return `${Math.floor(secondsUp / 86_400)} days`;
}
