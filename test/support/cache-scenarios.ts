import { sleep } from '../../src/cache/clock.ts';
import { VIEW_KEY } from '../../src/cache/reserved-keys.ts';
import {
  type Gateway,
  KEYS,
  type Mutation,
  type SimulatedCluster,
  simulateCluster,
} from './cache-cluster.ts';
import { type Faults, judge, MAX_MS, type Operation } from './cache-history.ts';
import type { SimulatedNode } from './cache-simulated-node.ts';
import { World } from './cache-world.ts';

export interface ScenarioResult {
  readonly faults: Faults;
  readonly operations: readonly Operation[];
  /** What was done to the cluster, for a failure's sake. */
  readonly events: readonly string[];
}

/** What arrives late from a node that stood still is over by then; below the quiet time. */
const SPREAD_MS = 600;
/** Time for what went wrong to be noticed and put right, and for the consequences to be seen. */
const TAIL_MS = 1300;
const CALM_MS = 1500;
const CLIENTS_PER_GATEWAY = 2;
const THINK_MS = 60;

/**
 * Anything may go wrong at the same time: nodes stand still, links are cut in one or both
 * directions and for one gateway only, messages are late or lost, gateways stand still (also
 * between deciding to send and sending), and one node after the other is restarted empty. The cache
 * refuses what it is not sure of; it may be slow and lose items, but nothing stale may be read.
 */
export async function runTurmoil(
  seed: number,
  mutation?: Mutation,
  moves = false,
): Promise<ScenarioResult> {
  const world = new World(seed);
  const events: string[] = [];
  const note = (text: string) => void events.push(`${world.now.toFixed(1)} ${text}`);
  const cluster = simulateCluster(world, {
    gateways: 2,
    copies: world.chance(0.2) ? 3 : 2,
    whenUnsure: 'refuse',
    // The cache gives up its guarantee when the majority is gone for long; here that never is.
    timing: { patienceMs: 1e9 },
    mutation,
    note,
  });
  const body = async () => {
    const clock = world.clockOf(-1);
    await wholeWithin(world, cluster, 5000);
    let over = false;
    // Moves come to their end where nothing else goes wrong.
    const calm = moves && world.chance(0.3);
    const underFire = calm || world.chance(0.4);
    for (const { links } of cluster.gateways) {
      for (const link of links) {
        link.loss = !underFire && world.chance(0.5) ? 0.005 : 0;
        link.stumble = world.chance(0.3) ? 0.002 : 0;
        link.dawdle = underFire || world.chance(0.7) ? 0.1 : 0;
      }
    }
    const clients = startClients(world, cluster, underFire ? 10 : THINK_MS, () => !over);
    if (moves) void moveAbout(world, cluster, note, () => !over);
    if (calm) await sleep(clock, CALM_MS);
    else if (underFire) await refillUnderFire(world, cluster, note);
    else await disturbAll(world, cluster, note);
    await sleep(clock, TAIL_MS);
    over = true;
    await clients;
  };
  await world.run(body(), 60_000);
  for (const gateway of cluster.gateways) gateway.close();
  return { faults: judge(cluster.operations), operations: cluster.operations, events };
}

/** Lists of nodes that are moved to: some more, some fewer, other ones, the same in another order. */
const LISTS: readonly (readonly number[])[] = [
  [0, 1, 2],
  [0, 1, 2, 3],
  [0, 1, 3],
  [1, 2, 3],
  [2, 0, 1],
  [0, 3, 4],
  [4, 3, 2, 1, 0],
];

/** Now and then an operator tells a gateway of other nodes; often, but not always, the other too. */
async function moveAbout(
  world: World,
  { gateways }: SimulatedCluster,
  note: (text: string) => void,
  goesOn: () => boolean,
): Promise<void> {
  const clock = world.clockOf(-1);
  while (goesOn()) {
    const list = world.pick(LISTS);
    for (const gateway of world.chance(0.7) ? gateways : [world.pick(gateways)]) {
      note(`gateway ${gateway.index} is told of the nodes ${list}`);
      gateway.moveTo(list);
      await sleep(clock, world.between(0, 300));
    }
    await sleep(clock, world.between(300, 2500));
  }
}

/** A node comes back, and while it is refilled its items are written and deleted all the time. */
async function refillUnderFire(
  world: World,
  cluster: SimulatedCluster,
  note: (text: string) => void,
): Promise<void> {
  const clock = world.clockOf(-1);
  const heal = lose(world, cluster, world.pick(cluster.nodes), note);
  await sleep(clock, world.between(200, 500));
  heal();
  note('healed');
}

/** For a while, one thing after the other goes wrong, and more than one at a time. */
async function disturbAll(
  world: World,
  cluster: SimulatedCluster,
  note: (text: string) => void,
): Promise<void> {
  const clock = world.clockOf(-1);
  const end = world.now + 1200;
  // Troubles that concern the same node are those that make trouble.
  const spot = world.pick(cluster.nodes);
  while (world.now < end) {
    await sleep(clock, world.between(20, 300));
    disturb(world, cluster, world.chance(0.6) ? spot : world.pick(cluster.nodes), note);
  }
}

function disturb(
  world: World,
  cluster: SimulatedCluster,
  node: SimulatedNode,
  note: (text: string) => void,
): void {
  const gateway = world.pick(cluster.gateways);
  const link = gateway.links[cluster.nodes.indexOf(node)]!;
  const ms = world.between(50, 900);
  const what = world.random();
  if (what < 0.25) {
    note(`${node.address} stands still for ${ms.toFixed()} ms`);
    node.pause();
    world.after(ms, () => node.resume(SPREAD_MS));
  } else if (what < 0.45) {
    const [requests, answers] = world.pick([
      [true, true],
      [true, false],
      [false, true],
    ]);
    note(`${gateway.index} x ${node.address} (${requests}, ${answers}) for ${ms.toFixed()} ms`);
    link.requestsCut = requests!;
    link.answersCut = answers!;
    world.after(ms, () => {
      link.requestsCut = false;
      link.answersCut = false;
    });
  } else if (what < 0.55) {
    note(`${gateway.index} - ${node.address} slow for ${ms.toFixed()} ms`);
    link.latencyMs = 150;
    world.after(ms, () => {
      link.latencyMs = 2;
    });
  } else if (what < 0.8) {
    note(`gateway ${gateway.index} stands still for ${ms.toFixed()} ms`);
    world.pauseGateway(gateway.index, ms);
  } else if (cluster.nodes.every((other) => other.items.has(VIEW_KEY) && !other.isDown)) {
    note(`${node.address} is restarted empty`);
    node.stop();
    world.after(world.between(1, 300), () => node.restartEmpty());
  }
}

/**
 * One node at a time is lost in one of several ways, for one or all gateways, and the next only
 * when every gateway believes all nodes again. No client may notice.
 */
export async function runOneAtATime(
  seed: number,
  mutation?: Mutation,
  moves = false,
): Promise<ScenarioResult> {
  const world = new World(seed);
  const events: string[] = [];
  const note = (text: string) => void events.push(`${world.now.toFixed(1)} ${text}`);
  const cluster = simulateCluster(world, {
    gateways: 2,
    copies: world.chance(0.2) ? 3 : 2,
    whenUnsure: 'serve',
    mutation,
    note,
  });
  const body = async () => {
    const clock = world.clockOf(-1);
    await wholeWithin(world, cluster, 5000);
    let over = false;
    const clients = startClients(world, cluster, THINK_MS, () => !over);
    for (let loss = 0; loss < 2; loss++) {
      await sleep(clock, world.between(0, 300));
      const list = world.pick(LISTS);
      for (const gateway of moves ? cluster.gateways : []) {
        note(`gateway ${gateway.index} is told of the nodes ${list}`);
        gateway.moveTo(list);
        await sleep(clock, world.between(0, 400));
      }
      if (moves) await sleep(clock, world.between(0, 3000));
      const node = world.pick(cluster.nodes);
      const heal = lose(world, cluster, node, note);
      await sleep(clock, world.between(20, 1500));
      heal();
      note('healed');
      // So long that a loss which nobody has noticed is noticed.
      await sleep(clock, 400);
      await wholeWithin(world, cluster, 30_000);
      note('whole');
    }
    over = true;
    await clients;
  };
  await world.run(body(), 200_000);
  for (const gateway of cluster.gateways) gateway.close();
  // A write may have to wait for a loss and for new nodes to be known as full, one after the other.
  const maxMs = moves ? 750 : MAX_MS;
  return { faults: judge(cluster.operations, maxMs), operations: cluster.operations, events };
}

/** Loses a node; the function given back brings it back. */
function lose(
  world: World,
  { nodes, gateways }: SimulatedCluster,
  node: SimulatedNode,
  note: (text: string) => void,
): () => void {
  const concerned = world.chance(0.5) ? gateways : [world.pick(gateways)];
  const links = concerned.map((gateway) => gateway.links[nodes.indexOf(node)]!);
  const who = concerned.map(({ index }) => index).join(' and ');
  switch (world.pick(['kill', 'pause', 'cut', 'slow', 'blink'])) {
    case 'kill':
      note(`${node.address} is killed, and comes back empty`);
      node.stop();
      return () => node.restartEmpty();
    case 'blink':
      note(`${node.address} is restarted empty at once`);
      node.stop();
      node.restartEmpty();
      return () => {};
    case 'pause':
      note(`${node.address} stands still`);
      node.pause();
      return () => node.resume(SPREAD_MS);
    case 'cut':
      note(`${who} cut off from ${node.address}`);
      for (const link of links) {
        link.requestsCut = true;
        link.answersCut = true;
      }
      return () => {
        for (const link of links) {
          link.requestsCut = false;
          link.answersCut = false;
        }
      };
    default:
      note(`${who} slow to ${node.address}`);
      for (const link of links) link.latencyMs = 300;
      return () => {
        for (const link of links) link.latencyMs = 2;
      };
  }
}

async function wholeWithin(world: World, cluster: SimulatedCluster, ms: number): Promise<void> {
  const clock = world.clockOf(-1);
  const deadline = world.now + ms;
  while (!cluster.isWhole()) {
    if (world.now > deadline) {
      const states = cluster.gateways.map(({ view }) =>
        view.known.places.map(({ member, layouts, entry }) =>
          [member.address, layouts.map(({ rank }) => rank), entry.epoch, entry.state].join(' '),
        ),
      );
      throw new Error(`not whole within ${ms} ms: ${states}`);
    }
    await sleep(clock, 20);
  }
}

/** Clients that read, write and delete until `goesOn` says no; resolves when all have ended. */
async function startClients(
  world: World,
  cluster: SimulatedCluster,
  thinkMs: number,
  goesOn: () => boolean,
): Promise<void> {
  let written = 0;
  const client = async (gateway: Gateway) => {
    const clock = world.clockOf(gateway.index);
    while (goesOn()) {
      await sleep(clock, world.between(0, thinkMs));
      const what = world.random();
      const kind = what < 0.5 ? 'get' : what < 0.75 ? 'set' : what < 0.95 ? 'delete' : 'add';
      const value = kind === 'set' || kind === 'add' ? `v${written++}` : undefined;
      const operation: Operation = {
        kind,
        key: world.pick(KEYS),
        start: world.now,
        end: Number.POSITIVE_INFINITY,
        value,
        outcome: 'open',
      };
      cluster.operations.push(operation);
      try {
        operation.outcome = await carryOut(gateway, operation);
      } catch (error) {
        operation.outcome = 'failed';
        operation.error = error;
      }
      operation.end = world.now;
    }
  };
  await Promise.all(
    cluster.gateways.flatMap((gateway) =>
      Array.from({ length: CLIENTS_PER_GATEWAY }, () => client(gateway)),
    ),
  );
}

async function carryOut({ store }: Gateway, operation: Operation): Promise<'done' | 'refused'> {
  const { kind, key, value } = operation;
  switch (kind) {
    case 'get':
      operation.value = (await store.get(key))?.value.toString();
      return 'done';
    case 'delete':
      await store.delete(key);
      return 'done';
    default: {
      const answer = await store.store(kind, key, Buffer.from(value!), 0, 0);
      return answer === 'STORED' ? 'done' : 'refused';
    }
  }
}
