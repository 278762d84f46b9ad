import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Config, ConfigError } from '../../src/config.ts';
import { judgeCheck } from '../../src/doctor/backends.ts';
import { type Check, type Examination, examineEach, runCheck } from '../../src/doctor/check.ts';
import { clockFinding, readingOf } from '../../src/doctor/clocks.ts';
import { examine } from '../../src/doctor/doctor.ts';
import type { Observation } from '../../src/doctor/finding.ts';
import { jsonReport } from '../../src/doctor/json-report.ts';
import { examineKernel } from '../../src/doctor/kernel.ts';
import { refusalOf } from '../../src/doctor/listeners.ts';
import type { NodeFacts } from '../../src/doctor/memcached-facts.ts';
import { judge } from '../../src/doctor/memcached-nodes.ts';
import { type Lookup, resolveNames } from '../../src/doctor/name-lookup.ts';
import { namesCheck } from '../../src/doctor/names.ts';
import { holdersOf } from '../../src/doctor/session-listing.ts';
import { fitOf } from '../../src/doctor/session-placement.ts';
import { textReport } from '../../src/doctor/text-report.ts';
import { listenError } from '../../src/listener/listen.ts';
import { parseBackends } from '../../src/upstream/backend-address.ts';

const NOWHERE = {} as Examination;

function checkOf(run: Check['run']): Check {
  return { name: 'trial', run };
}

const SEEN: Observation = { severity: 'ok', subject: 'x', detail: 'it is there' };

describe('the health check of a backend', () => {
  const silent = { ok: false, detail: 'no answer within 400 ms' };

  it('is an error where the gateway would not wait longer, also where a timer fires early', () => {
    const waits = { tookMs: 399.6, timeoutMs: 400, gatewayMs: 400 };
    assert.equal(judgeCheck(silent, 'portal', waits).severity, 'error');
  });

  it('is a warning where the gateway waits longer', () => {
    const found = judgeCheck(silent, 'portal', { tookMs: 401, timeoutMs: 400, gatewayMs: 5_000 });
    assert.equal(found.severity, 'warning');
    assert.match(found.detail, /the gateway waits longer for it \(HEALTH_TIMEOUT=5000ms\)/);
  });
});

describe('the run of a check', () => {
  it('ends at its deadline, with what was found until then and nothing later', async () => {
    const ends: (() => void)[] = [];
    const check = checkOf((_examination, report) => {
      report(SEEN);
      return new Promise<void>((resolve) => {
        ends.push(() => {
          report(SEEN);
          resolve();
        });
      });
    });
    const found = await runCheck(check, NOWHERE, 20);
    ends[0]!();
    assert.deepEqual(
      found.map(({ check, severity, detail }) => [check, severity, detail]),
      [
        ['trial', 'ok', 'it is there'],
        ['trial', 'error', 'it did not end within 20 ms'],
      ],
    );
  });

  it('has a finding where it fails', async () => {
    const found = await runCheck(
      checkOf(() => Promise.reject(new Error('out of paper'))),
      NOWHERE,
    );
    assert.equal(found[0]!.severity, 'error');
    assert.equal(found[0]!.detail, 'out of paper');
  });

  it('tells of several peers in their order, whoever is first to answer', async () => {
    const told: string[] = [];
    const answers: (() => void)[] = [];
    const examined = examineEach(
      ['a', 'b'],
      async (peer, report) => {
        await new Promise<void>((resolve) => answers.push(resolve));
        report({ ...SEEN, subject: peer });
      },
      ({ subject }) => told.push(subject),
    );
    for (const answer of answers.toReversed()) {
      answer();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await examined;
    assert.deepEqual(told, ['a', 'b']);
  });
});

describe('an examination', () => {
  it('of a configuration that is wrong has its problems, and not the values', async () => {
    const problem = { name: 'TLS_KEY', value: 'planted', problem: 'does not exist' };
    const { configured, findings } = await examine(
      () => {
        throw new ConfigError([problem]);
      },
      { env: {} },
    );
    assert.equal(configured, false);
    assert.equal(findings.length, 1);
    assert.ok(!JSON.stringify(findings).includes('planted'));
  });

  it('does not take a fault of its own for one of the configuration', async () => {
    const broken = () => {
      throw new TypeError('x is not a function');
    };
    await assert.rejects(examine(broken, { env: {} }), TypeError);
  });
});

describe('the reports', () => {
  const findings = [
    { check: 'a', ...SEEN },
    {
      check: 'a',
      severity: 'error',
      subject: 'y',
      detail: 'has \x1b[2J in it',
      remedy: 'take it out',
    },
    { check: 'b', ...SEEN },
  ] as const;

  it('have each finding under its check, its remedy below it, and nothing that steers a terminal', () => {
    assert.equal(
      textReport(findings, { colour: false }),
      `a
  ok      x: it is there
  ERROR   y: has  [2J in it
          → take it out

b
  ok      x: it is there

1 error, 0 warnings, 0 notes; 2 ok.
`,
    );
    const coloured = textReport(findings, { colour: true });
    assert.ok(coloured.includes('\x1b[1;31mERROR  \x1b[0m y: has'));
  });

  it('for programs have every field in every finding', () => {
    const report = jsonReport(findings, new Date(0));
    assert.deepEqual(report.counts, { ok: 2, note: 0, warning: 0, error: 1 });
    assert.equal(report.at, '1970-01-01T00:00:00.000Z');
    assert.equal(report.findings[0]!.remedy, null);
    assert.equal(report.findings[1]!.remedy, 'take it out');
  });
});

describe('names', () => {
  const config = {
    PORTAL_BACKENDS: parseBackends('http://dash:80 name=one', assert.fail),
    MEMCACHED_SERVERS: ['cache:11211', '10.0.0.9'],
    PORTAL_LISTEN: { host: 'front', port: 443 },
  } as unknown as Config;

  async function examined(lookups: Record<string, Lookup>) {
    const addresses = new Map(
      Object.entries({ '10.0.0.9': { addresses: ['10.0.0.9'] }, ...lookups }),
    );
    return runCheck(namesCheck(addresses), { ...NOWHERE, config });
  }

  it('with several addresses are told, and what that means for whom', async () => {
    const found = await examined({
      dash: { addresses: ['10.0.0.1', '10.0.0.2'] },
      cache: { addresses: ['10.0.0.3', 'fd00::3'] },
      front: { addresses: ['10.0.0.4', 'fd00::4'] },
    });
    assert.deepEqual(
      found.map(({ subject, severity }) => [subject, severity]),
      [
        ['dash', 'warning'],
        ['cache', 'note'],
        ['front', 'warning'],
        ['hosts', 'ok'],
      ],
    );
    assert.match(found[0]!.detail, /10\.0\.0\.1, 10\.0\.0\.2: 2 addresses \(portal backend one\)/);
    assert.match(found[0]!.remedy!, /a backend of its own/);
    assert.match(found[1]!.detail, /IPv4 and IPv6/);
    assert.match(found[2]!.remedy!, /only the first address is listened on/);
  });

  it('that take too long are told as such, and nobody waits for them', async () => {
    const names = await resolveNames(['127.0.0.1', 'localhost'], { env: {}, timeoutMs: 1 });
    assert.deepEqual(names.get('127.0.0.1'), { addresses: ['127.0.0.1'] });
    const late = names.get('localhost')!;
    assert.equal(late.error, 'it was not resolved within 1 ms');
    const [finding] = await examined({ dash: late });
    assert.equal(finding!.severity, 'error');
    assert.match(finding!.remedy!, /name servers/);
  });

  it('are resolved as this host does it', async () => {
    const env = { PATH: process.env.PATH };
    const names = await resolveNames(['localhost'], { env, timeoutMs: 20_000 });
    assert.ok(names.get('localhost')!.addresses!.some((address) => /^(127\.|::1)/.test(address)));
  });
});

describe('an address that cannot be bound', () => {
  const refused = (code: string, running: boolean, asked = true) => {
    const error = listenError('PORTAL_LISTEN', { host: '::', port: 443 }, new SystemError(code));
    return refusalOf(error, { running, asked });
  };
  class SystemError extends Error {
    readonly code: string;
    constructor(code: string) {
      super(`bind ${code}`);
      this.code = code;
    }
  }

  it('is an error unless a gateway that runs has it, or may have it, or it may come', () => {
    assert.deepEqual(
      ['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL'].flatMap((code) =>
        [true, false].map((running) => `${code} ${running} ${refused(code, running).severity}`),
      ),
      [
        'EADDRINUSE true ok',
        'EADDRINUSE false error',
        'EACCES true note',
        'EACCES false error',
        'EADDRNOTAVAIL true warning',
        'EADDRNOTAVAIL false warning',
      ],
    );
    assert.equal(refused('EADDRINUSE', false, false).severity, 'warning');
  });

  it('says that a low port takes a privilege', () => {
    const { detail, remedy } = refused('EACCES', false);
    assert.match(detail, /^\[::\]:443 needs a privilege, which the user who examines has not$/);
    assert.match(remedy!, /CAP_NET_BIND_SERVICE; or examine as the user/);
  });
});

describe('clocks', () => {
  it('are told of when they differ for certain', () => {
    const severityOf = (shownMs: number, tookMs: number) =>
      clockFinding(readingOf(shownMs, 1_000_000, 1_000_000 + tookMs), 'set it').severity;
    assert.equal(severityOf(1_000_000, 0), 'ok');
    assert.equal(severityOf(1_002_000, 0), 'ok');
    assert.equal(severityOf(1_003_000, 0), 'warning');
    assert.equal(severityOf(996_000, 0), 'warning');
    assert.equal(severityOf(1_003_000, 1_000), 'ok', 'the answer was half a second on its way');
    assert.equal(severityOf(1_400_000, 0), 'error');
  });
});

describe('settings of the kernel', () => {
  const read = (settings: Record<string, string>) => {
    const told: Observation[] = [];
    examineKernel(
      (name) => settings[name],
      (finding) => told.push(finding),
    );
    return told.map(({ subject, severity }) => `${subject} ${severity}`);
  };

  it('are told where they would hold much up, and left out where there are none', () => {
    const few = { 'net.core.somaxconn': '128\n', 'net.ipv4.ip_local_port_range': '50000\t60000\n' };
    assert.deepEqual(read(few), ['net.core.somaxconn note', 'net.ipv4.ip_local_port_range note']);
    assert.deepEqual(read({ 'net.core.somaxconn': '4096\n' }), ['net.core.somaxconn ok']);
    assert.deepEqual(read({}), []);
  });
});

describe('what a memcached node says of itself', () => {
  const config = parseSome({ CACHE_LISTEN: { host: '::', port: 1 } });
  const facts: NodeFacts = {
    version: '1.6.18',
    uptimeSeconds: 7_200,
    clock: { aheadMs: 0, errorMs: 500 },
    evictions: 0,
    items: 3,
    bytes: 10,
    maxBytes: 64 * 2 ** 20,
    rejectedConnections: 0,
    maxItemBytes: 1_048_576,
    udpPort: 0,
    listsKeys: true,
  };
  const severe = (change: Partial<NodeFacts>) =>
    judge({ ...facts, ...change }, config).filter(({ severity }) => severity !== 'ok');

  it('is judged figure by figure', () => {
    assert.deepEqual(severe({}), []);
    assert.match(severe({ evictions: 9 })[0]!.detail, /evicted 9 items, 4\.5 an hour/);
    assert.match(severe({ bytes: 62 * 2 ** 20 })[0]!.remedy!, /-m 128/);
    assert.match(severe({ clock: { aheadMs: -9_000, errorMs: 500 } })[0]!.detail, /9\.0 s behind/);
    assert.match(severe({ version: '1.5.6' })[0]!.remedy!, /1\.6 or later/);
    assert.deepEqual(severe({ version: '1.10.0' }), []);
    assert.match(severe({ rejectedConnections: 4 })[0]!.remedy!, /greater -c/);
    assert.match(severe({ maxItemBytes: 2_097_152 })[0]!.remedy!, /CACHE_MAX_VALUE_BYTES=2097152/);
  });

  function parseSome(change: Partial<Config>): Config {
    return { CACHE_MAX_VALUE_BYTES: 1_048_576, ...change } as Config;
  }
});

describe('where sessions lie', () => {
  it('counts for a placement where that is much more than chance', () => {
    const holders = new Map([...Array(30).keys()].map((n) => [String(n), [n % 3]]));
    const told = new Set([0, 1, 2]);
    const order = (first: (key: number) => number) => (key: string) => [first(Number(key))];
    assert.deepEqual(
      fitOf(
        order((n) => n % 3),
        holders,
        told,
      ),
      { share: 1, fits: true },
    );
    assert.deepEqual(
      fitOf(
        order((n) => (n + 1) % 3),
        holders,
        told,
      ),
      { share: 0, fits: false },
    );
    assert.equal(
      fitOf(
        order(() => 0),
        holders,
        told,
      ).fits,
      false,
    );
  });

  it('is asked of those only whose first node has told', () => {
    const holders = new Map([
      ['0', [0]],
      ['1', [1]],
    ]);
    const fit = fitOf((key) => [key === '0' ? 0 : 2], holders, new Set([0, 1]));
    assert.deepEqual(fit, { share: 1, fits: true });
  });

  it('is compared over the keys that every list has kept', () => {
    const keys = [...Array(200).keys()].map(String);
    const all = { keys: new Set(keys), below: 2 ** 32, sessions: 200, others: new Map() };
    const half = { ...all, below: 2 ** 31 };
    const holders = holdersOf([all, half, { refusal: 'it is away' }]);
    assert.ok(holders.size > 50 && holders.size < 150, String(holders.size));
    for (const nodes of holders.values()) assert.deepEqual(nodes, [0, 1]);
  });
});
