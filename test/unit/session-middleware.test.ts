import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import express, { type Express, type Request, type RequestHandler } from 'express';
import supertest from 'supertest';
import { sessionKeyPrefix } from '../../src/session/django-session.ts';
import type { DjangoSessionOptions } from '../../src/session/middleware.ts';
import { cycleKey, djangoSession, flushSession } from '../../src/session/middleware.ts';
import { readPickle } from '../../src/session/pickle-reader.ts';
import { PyGlobal, PyObject, PyTuple } from '../../src/session/pickle-values.ts';
import { writePickle } from '../../src/session/pickle-writer.ts';
import { MemoryClient } from '../support/memory-client.ts';

const ID = 'q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6';
const KEY = sessionKeyPrefix() + ID;
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const EXPIRED =
  'sessionid=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax';

type Values = Record<string, unknown>;

/** An application with our sessions and `handler`, the sessions' store, and what failed. */
function mount(handler: RequestHandler, options: Partial<DjangoSessionOptions> = {}) {
  const client = new MemoryClient();
  const app = express();
  app.set('env', 'test'); // Otherwise Express prints failures.
  const failures: Error[] = [];
  app.use(djangoSession({ client, now: () => NOW, ...options }));
  app.use(handler);
  app.use(((error, _req, res, next) => {
    failures.push(error);
    if (res.headersSent) next(error);
    else res.status(error.status ?? 500).send(error.name);
  }) as express.ErrorRequestHandler);
  const put = (values: unknown, id = ID) => {
    const key = sessionKeyPrefix() + id;
    client.entries.set(key, { value: writePickle(values), flags: 1, ttl: 5, cas: 0n });
  };
  return { app, client, failures, put };
}

function valuesOf(req: Request): Values {
  return req.session as unknown as Values;
}

function get(app: Express, cookie?: string) {
  const request = supertest(app).get('/');
  return cookie === undefined ? request : request.set('Cookie', cookie);
}

function cookiesOf(response: { headers: Record<string, unknown> }): string[] {
  return (response.headers['set-cookie'] ?? []) as string[];
}

function stored(client: MemoryClient, key = KEY): Values {
  const entry = client.entries.get(key);
  assert.ok(entry, 'nothing is stored');
  assert.equal(entry.flags, 1);
  return readPickle(entry.value) as Values;
}

/** A handler that gives what the session holds. */
const show: RequestHandler = (req, res) => {
  const { cookie: _, ...values } = valuesOf(req);
  res.send({ values, header: req.headers.cookie });
};

describe('a visitor without a session', () => {
  it('gets none for only looking: no cookie, and the store is not asked', async () => {
    const { app, client } = mount(show);
    const response = await get(app);
    assert.deepEqual(response.body, { values: {} });
    assert.deepEqual(cookiesOf(response), []);
    assert.equal(response.headers.vary, 'Cookie');
    assert.deepEqual(client.calls, []);
  });

  it('gets one when something is put into it, with the cookie of Django', async () => {
    const { app, client } = mount((req, res) => {
      valuesOf(req).user_id = 'u-1';
      res.send('ok');
    });
    const [line = '', ...more] = cookiesOf(await get(app));
    assert.deepEqual(more, []);
    const match =
      /^sessionid=([a-z0-9]{32}); expires=Fri, 02 Jan 2026 04:04:05 GMT; HttpOnly; Max-Age=3600; Path=\/; SameSite=Lax$/.exec(
        line,
      );
    assert.ok(match, line);
    const key = `:1:django.contrib.sessions.cache${match[1]}`;
    assert.deepEqual(client.calls, [`add ${key}`]);
    assert.deepEqual({ ...stored(client, key) }, { user_id: 'u-1' });
    assert.equal(client.entries.get(key)?.ttl, 3600);
  });

  it('gets none for a life that its cookie is given, with nothing to keep', async () => {
    const { app, client } = mount((req, res) => {
      req.session.cookie.maxAge = 90_000;
      res.send('ok');
    });
    assert.deepEqual(cookiesOf(await get(app)), []);
    assert.deepEqual(client.calls, []);
  });

  it('gets none for what is set to undefined', async () => {
    const { app, client } = mount((req, res) => {
      valuesOf(req).user_id = undefined;
      res.send('ok');
    });
    assert.deepEqual(cookiesOf(await get(app)), []);
    assert.deepEqual(client.calls, []);
  });

  it('gets one whose values and life are those that the first request gave it', async () => {
    const { app, client } = mount((req, res) => {
      req.session.cookie.maxAge = 90_000;
      const cycle: unknown[] = [2n ** 70n];
      cycle.push(cycle);
      Object.assign(req.session, { cycle });
      res.send('ok');
    });
    assert.match(cookiesOf(await get(app).expect(200))[0] ?? '', /Max-Age=90;/);
    const [[key, entry] = []] = client.entries;
    assert.equal(entry?.ttl, 90);
    const values = stored(client, key) as { _session_expiry: number; cycle: unknown[] };
    assert.equal(values._session_expiry, 90);
    assert.equal(values.cycle[0], 2n ** 70n);
    assert.equal(values.cycle[1], values.cycle);
  });

  it('has it stored before the answer arrives', async () => {
    const { app, client } = mount((req, res) => {
      valuesOf(req).a = 1;
      res.send('a body of some length');
    });
    client.before = () => new Promise((resolve) => setImmediate(resolve));
    await get(app).expect(200, 'a body of some length');
    assert.equal(client.entries.size, 1);
  });
});

describe('a cookie', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['an id in capitals', `sessionid=${ID.toUpperCase()}`],
    ['an id that is too long', `sessionid=${'a'.repeat(5000)}`],
    ['an id in quotes', `sessionid="${ID}"`],
    ['an escaped id', `sessionid=%71${ID.slice(1)}`],
    ['two ids', `sessionid=${ID}; sessionid=${ID}`],
    ['a forged signature', `sessionid=s:${ID}.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`],
    ['a forged signature, escaped', `sessionid=s%3A${ID}.AAAAAAAA`],
    ['another key of the cache', 'sessionid=../user_pk_1_restrict'],
    ['a tab', `sessionid=${ID}\tx`],
    ['__proto__', 'sessionid=__proto__'],
    ['nothing', 'sessionid='],
  ];
  for (const [name, cookie] of hostile) {
    it(`with ${name} is no session, and is forgotten`, async () => {
      const { app, client, put } = mount(show);
      put({ secret: 1 });
      const response = await get(app, cookie);
      assert.deepEqual(response.body, { values: {}, header: cookie });
      assert.deepEqual(cookiesOf(response), [EXPIRED]);
      assert.deepEqual(client.calls, []);
    });
  }

  it('of an id that the store does not know is never adopted', async () => {
    const { app, client } = mount((req, res) => {
      valuesOf(req).a = 1;
      res.send('ok');
    });
    const [line = ''] = cookiesOf(await get(app, `sessionid=${ID}`));
    assert.match(line, /^sessionid=[a-z0-9]{32}; expires/);
    assert.ok(!line.includes(ID));
    assert.equal(client.entries.has(KEY), false);
  });

  it('of an unknown id is expired where no session takes its place', async () => {
    const { app } = mount(show);
    assert.deepEqual(cookiesOf(await get(app, `sessionid=${ID}`)), [EXPIRED]);
  });

  it('reaches the handler as it came, beside those of others', async () => {
    const { app, put } = mount((req, res) => {
      res.cookie('csrftoken', 'c');
      res.send({ header: req.headers.cookie });
    });
    put({ a: 1 });
    const cookie = `a=b; sessionid=${ID}; c=d`;
    const response = await get(app, cookie);
    assert.deepEqual(response.body, { header: cookie });
    const [first, second, ...more] = cookiesOf(response);
    assert.match(first ?? '', /^csrftoken=c/);
    assert.match(second ?? '', new RegExp(`^sessionid=${ID}; `));
    assert.deepEqual(more, []);
  });

  for (const [name, options, trust, proto, expected] of [
    ['is not Secure over plain HTTP', {}, false, undefined, false],
    ['is not Secure for a header that is not trusted', {}, false, 'https', false],
    ['is Secure where a trusted proxy says https', {}, true, 'https', true],
    ['is not Secure where a trusted proxy says http', {}, true, 'http', false],
    ['is Secure where that is set', { secure: true }, false, undefined, true],
    ['is not Secure where that is ruled out', { secure: false }, true, 'https', false],
  ] as const) {
    it(name, async () => {
      const { app, put } = mount(show, options);
      app.set('trust proxy', trust);
      put({ a: 1 });
      const request = get(app, `sessionid=${ID}`);
      const [line = ''] = cookiesOf(
        await (proto === undefined ? request : request.set('X-Forwarded-Proto', proto)),
      );
      assert.match(line, /^sessionid=/);
      assert.equal(line.endsWith('; SameSite=Lax; Secure'), expected);
    });
  }

  it('goes by another name, prefix and version where the dashboards say so', async () => {
    const options = { cookieName: 'hz', keyPrefix: 'p', keyVersion: 3, maxAgeSeconds: 60 };
    const { app, client } = mount((req, res) => {
      valuesOf(req).a = 1;
      res.send('ok');
    }, options);
    const [line = ''] = cookiesOf(await get(app));
    assert.match(line, /^hz=[a-z0-9]{32}; .*Max-Age=60;/);
    const key = [...client.entries.keys()][0] as string;
    assert.match(key, /^p:3:django\.contrib\.sessions\.cache[a-z0-9]{32}$/);
    assert.equal(client.entries.get(key)?.ttl, 60);
  });

  it('cannot be given a name that is none', () => {
    const client = new MemoryClient();
    assert.throws(() => djangoSession({ client, cookieName: 'a b' }), TypeError);
  });

  it('cannot be given a life that is none', () => {
    const client = new MemoryClient();
    for (const maxAgeSeconds of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => djangoSession({ client, maxAgeSeconds }), /whole seconds, above 0/);
    }
  });
});

describe('a session that Django wrote', () => {
  const token = new PyObject(
    'newobj',
    new PyGlobal('openstack_auth.user', 'Token'),
    new PyTuple([]),
  );
  token.state = { id: 't', project: { name: 'p' } };

  it('is prolonged by being read, and its cookie sent again', async () => {
    const { app, client, put } = mount(show);
    put({ user_id: 'u', _session_expiry: 1800 });
    const response = await get(app, `sessionid=${ID}`);
    assert.deepEqual(response.body.values, { user_id: 'u', _session_expiry: 1800 });
    assert.deepEqual(client.calls, [`get ${KEY}`, `touch ${KEY}`]);
    assert.equal(client.entries.get(KEY)?.ttl, 1800);
    assert.match(cookiesOf(response)[0] ?? '', new RegExp(`^sessionid=${ID}; .*Max-Age=1800;`));
  });

  it('is written back with all that this process knows nothing of', async () => {
    const { app, put, client } = mount((req, res) => {
      valuesOf(req).touched = true;
      res.send('ok');
    });
    const values = new Map<unknown, unknown>([
      ['token', token],
      ['cookie', { crumbs: 1 }],
      ['id', 7],
      ['req', 'r'],
      ['save', 's'],
      ['toJSON', 'j'],
      ['__proto__', { polluted: true }],
      ['constructor', 'c'],
      [5, 'an int for a key'],
      ['big', 2n ** 80n],
      ['nothing', null],
    ]);
    put(values);
    await get(app, `sessionid=${ID}`).expect(200);
    const after = readPickle(client.entries.get(KEY)?.value as Buffer) as Map<unknown, unknown>;
    assert.ok(after instanceof Map);
    assert.equal(after.get('touched'), true);
    after.delete('touched');
    const sorted = (map: Map<unknown, unknown>) =>
      [...map].sort(([a], [b]) => String(a).localeCompare(String(b)));
    assert.deepEqual(
      sorted(after),
      sorted(readPickle(writePickle(values)) as unknown as Map<unknown, unknown>),
    );
  });

  it('may hold cycles, endless doublings, and bigints: unchanged, it is not written', async () => {
    const { app, put, client } = mount((req, res) => {
      res.send(String(Object.keys(valuesOf(req)).length));
    });
    const cycle: unknown[] = [];
    cycle.push(cycle);
    let doubled: unknown[] = [];
    for (let i = 0; i < 60; i++) doubled = [doubled, doubled];
    put({ cycle, doubled, big: 2n ** 100n, map: new Map([[1, 2]]) });
    await get(app, `sessionid=${ID}`).expect(200, '5');
    assert.deepEqual(client.calls, [`get ${KEY}`, `touch ${KEY}`]);
  });

  for (const [name, change] of [
    ['in a Map', (values: Values) => (values.map as Map<number, number>).set(1, 3)],
    ['in a Set', (values: Values) => (values.set as Set<number>).add(9)],
    ['in bytes', (values: Values) => (values.bytes as Buffer).fill(1)],
    ['in the state of an object', (values: Values) => ((values.token as PyObject).state = 1)],
    ['deep inside', (values: Values) => ((values.deep as { a: Values[] }).a[0]!.b = 2)],
    ['by taking something away', (values: Values) => delete values.bytes],
  ] as const) {
    it(`is written where it changed ${name}`, async () => {
      const { app, put, client } = mount((req, res) => {
        change(valuesOf(req));
        res.send('ok');
      });
      const map = new Map([[1, 2]]);
      put({ map, set: new Set([1]), bytes: Buffer.from('b'), token, deep: { a: [{ b: 1 }] } });
      await get(app, `sessionid=${ID}`).expect(200);
      assert.deepEqual(client.calls, [`get ${KEY}`, `replace ${KEY}`]);
    });
  }

  it('counts as none where it cannot be read, which is logged without its id', async () => {
    const logged: unknown[] = [];
    const logger = { warn: (...args: unknown[]) => void logged.push(args) };
    const { app, client } = mount(show, { logger } as unknown as Partial<DjangoSessionOptions>);
    client.entries.set(KEY, { value: Buffer.from('\x80\x05garbage'), flags: 1, ttl: 5, cas: 0n });
    const response = await get(app, `sessionid=${ID}`);
    assert.deepEqual(response.body.values, {});
    assert.equal(logged.length, 1);
    assert.match(JSON.stringify(logged), /pickle, byte \d+/);
    assert.ok(!JSON.stringify(logged).includes(ID));
  });

  it('shows nothing but a digest in JSON, as it holds tokens', async () => {
    const { app, put } = mount((req, res) => {
      res.json(req.session);
    });
    put({ token: 'gAAAAAB' });
    const response = await get(app, `sessionid=${ID}`);
    assert.match(response.text, /^\{"digest":"[\da-f]{40}"\}$/);
  });
});

describe('the life of a session', () => {
  it('can be set as in Django, and ends with the browser at 0', async () => {
    const { app, client, put } = mount((req, res) => {
      valuesOf(req)._session_expiry = 0;
      res.send('ok');
    });
    put({});
    const response = await get(app, `sessionid=${ID}`);
    assert.deepEqual(cookiesOf(response), [`sessionid=${ID}; HttpOnly; Path=/; SameSite=Lax`]);
    assert.equal(client.entries.get(KEY)?.ttl, 3600);
  });

  it('is bounded, whatever Django stored', async () => {
    const { app, client, put } = mount((_req, res) => {
      res.send('ok');
    });
    put({ _session_expiry: 10n ** 30n });
    const [line = ''] = cookiesOf(await get(app, `sessionid=${ID}`).expect(200));
    assert.match(line, /expires=Mon, 31 Dec 2035 .*Max-Age=315360000;/);
    assert.equal(client.entries.get(KEY)?.ttl, 315_360_000);
  });

  it('can be set as in express-session, and is stored by the name that Django knows', async () => {
    const { app, client, put } = mount((req, res) => {
      req.session.cookie.maxAge = 90_000;
      res.send('ok');
    });
    put({ a: 1 });
    const [line = ''] = cookiesOf(await get(app, `sessionid=${ID}`));
    assert.match(line, /Max-Age=90;/);
    assert.deepEqual({ ...stored(client) }, { a: 1, _session_expiry: 90 });
    assert.equal(client.entries.get(KEY)?.ttl, 90);
  });
});

describe('login and logout', () => {
  it('cycleKey gives the session a new id and the same data, and deletes the old', async () => {
    const { app, client, put } = mount(async (req, res) => {
      const before = req.sessionID;
      await cycleKey(req);
      assert.notEqual(req.sessionID, before);
      valuesOf(req).user_id = 'u';
      res.send(req.sessionID);
    });
    put({ next: '/project/', cookie: 'kept aside', _session_expiry: 120 });
    const response = await get(app, `sessionid=${ID}`).expect(200);
    const [line = ''] = cookiesOf(response);
    assert.match(line, new RegExp(`^sessionid=${response.text}; .*Max-Age=120;`));
    assert.equal(client.entries.has(KEY), false);
    assert.deepEqual(
      { ...stored(client, sessionKeyPrefix() + response.text) },
      { next: '/project/', cookie: 'kept aside', _session_expiry: 120, user_id: 'u' },
    );
  });

  it('cycleKey works for a visitor who has no session yet', async () => {
    const { app, client } = mount(async (req, res) => {
      await cycleKey(req);
      valuesOf(req).user_id = 'u';
      res.send(req.sessionID);
    });
    const response = await get(app).expect(200);
    assert.match(cookiesOf(response)[0] ?? '', new RegExp(`^sessionid=${response.text};`));
    assert.deepEqual([...client.entries.keys()], [sessionKeyPrefix() + response.text]);
  });

  it('flushSession deletes the session and expires its cookie', async () => {
    const { app, client, put } = mount(async (req, res) => {
      await flushSession(req, res);
      res.send(Object.keys(valuesOf(req)).join());
    });
    put({ user_id: 'u' });
    const response = await get(app, `sessionid=${ID}`).expect(200, 'cookie');
    assert.deepEqual(cookiesOf(response), [EXPIRED]);
    assert.equal(client.entries.size, 0);
  });

  it('flushSession refuses once the answer has begun, and leaves the session', async () => {
    const { app, client, put } = mount(async (req, res) => {
      res.write('begun ');
      await assert.rejects(flushSession(req, res), /before the answer begins/);
      res.end('and ended');
    });
    put({ user_id: 'u' });
    await get(app, `sessionid=${ID}`).expect(200, 'begun and ended');
    assert.equal(client.entries.size, 1);
  });

  it('destroy of express-session does the same', async () => {
    const { app, client, put } = mount((req, res, next) => {
      req.session.destroy((error) => (error ? next(error) : res.send('ok')));
    });
    put({ user_id: 'u' });
    const response = await get(app, `sessionid=${ID}`).expect(200);
    assert.deepEqual(cookiesOf(response), [EXPIRED]);
    assert.equal(client.entries.size, 0);
  });

  it('a logout in another request is final: the answer is 400 and touches no cookie', async () => {
    const { app, client, put, failures } = mount((req, res) => {
      client.entries.delete(KEY);
      valuesOf(req).a = 2;
      res.send('too late');
    });
    put({ a: 1 });
    const response = await get(app, `sessionid=${ID}`).expect(400, 'SessionInterrupted');
    assert.deepEqual(cookiesOf(response), []);
    assert.equal(client.entries.size, 0);
    assert.deepEqual(
      failures.map(({ name }) => name),
      ['SessionInterrupted'],
    );
  });

  it('a logout in another request is final for a session that was only read', async () => {
    const { app, client, put } = mount((_req, res) => {
      client.entries.delete(KEY);
      res.send('too late');
    });
    put({ a: 1 });
    await get(app, `sessionid=${ID}`).expect(400);
    assert.equal(client.entries.size, 0);
  });

  it('a failed logout leaves the session and its cookie for another try', async () => {
    const { app, client, put } = mount(async (req, res) => {
      client.down = true;
      await flushSession(req, res);
      res.send('not reached');
    });
    put({ a: 1 });
    const response = await get(app, `sessionid=${ID}`).expect(503, 'SessionUnavailable');
    assert.deepEqual(cookiesOf(response), []);
    assert.equal(client.entries.size, 1);
  });

  it('a failed cycleKey leaves the request with the session that it had', async () => {
    const { app, client, put } = mount(async (req, res) => {
      client.down = true;
      await assert.rejects(cycleKey(req), { name: 'SessionUnavailable' });
      client.down = false;
      res.send(`${req.sessionID} ${valuesOf(req).a}`);
    });
    put({ a: 1 });
    await get(app, `sessionid=${ID}`).expect(200, `${ID} 1`);
  });
});

describe('when something fails', () => {
  it('an unavailable store is 503 and no logout', async () => {
    const { app, client, put } = mount(show);
    put({ a: 1 });
    client.down = true;
    const response = await get(app, `sessionid=${ID}`).expect(503, 'SessionUnavailable');
    assert.deepEqual(cookiesOf(response), []);
  });

  it('a store that is lost in between is 503 where there is something to save', async () => {
    const { app, client, put } = mount((req, res) => {
      client.down = true;
      valuesOf(req).a = 2;
      res.send('not sent');
    });
    put({ a: 1 });
    await get(app, `sessionid=${ID}`).expect(503, 'SessionUnavailable');
  });

  it('a store that is lost in between costs nothing where there is nothing to save', async () => {
    const { app, client, put } = mount((_req, res) => {
      client.down = true;
      res.send('fine');
    });
    put({ a: 1 });
    await get(app, `sessionid=${ID}`).expect(200, 'fine');
    assert.deepEqual(client.calls, [`get ${KEY}`, `touch ${KEY}`]);
  });

  it('the answer of a failure stores nothing and sets no cookie, as in Django', async () => {
    const { app, client, put } = mount((req) => {
      valuesOf(req).half = 'done';
      throw new Error('the handler failed');
    });
    put({ a: 1 });
    const response = await get(app, `sessionid=${ID}`).expect(500);
    assert.deepEqual(cookiesOf(response), []);
    assert.deepEqual({ ...stored(client) }, { a: 1 });
  });

  it('what cannot be stored fails the request, and says where it is', async () => {
    const { app, failures } = mount((req, res) => {
      valuesOf(req).user = { greet: () => 'hello' };
      res.send('not sent');
    });
    await get(app).expect(500, 'PickleError');
    assert.match(failures[0]?.message ?? '', /^at user\.greet: a value of type function/);
  });

  it('the helpers say that the middleware is missing', async () => {
    const req = {} as Request;
    await assert.rejects(cycleKey(req), /mount djangoSession\(\) before/);
  });
});

describe('an answer that is streamed', () => {
  it('has its session stored as it begins, and waits for that at its end', async () => {
    const { app, client } = mount((req, res) => {
      valuesOf(req).a = 1;
      res.write('one ');
      valuesOf(req).late = 'lost';
      res.end('two');
    });
    client.before = () => new Promise((resolve) => setImmediate(resolve));
    const response = await get(app).expect(200, 'one two');
    assert.match(cookiesOf(response)[0] ?? '', /^sessionid=[a-z0-9]{32};/);
    const [key] = client.entries.keys();
    assert.deepEqual({ ...stored(client, key) }, { a: 1 });
  });

  it('is cut off where its session turns out to be deleted', async () => {
    const { app, client, put, failures } = mount((req, res) => {
      client.entries.delete(KEY);
      valuesOf(req).a = 2;
      res.write('one ');
      res.end('two');
    });
    put({ a: 1 });
    await assert.rejects(Promise.resolve(get(app, `sessionid=${ID}`)), /aborted|socket hang up/);
    assert.deepEqual(
      failures.map(({ name }) => name),
      ['SessionInterrupted'],
    );
    assert.equal(client.entries.size, 0);
  });

  it('may be ended twice, with a callback, and to a HEAD request', async () => {
    let finished = 0;
    const { app } = mount((req, res) => {
      valuesOf(req).a = 1;
      res.on('finish', () => {
        finished += 1;
      });
      res.end('body', 'utf8', () => {
        finished += 10;
      });
      res.end('again');
    });
    await get(app).expect(200, 'body');
    await supertest(app).head('/').expect(200);
    assert.equal(finished, 22);
  });
});

describe('two requests at once', () => {
  it('each keep their own session', async () => {
    const { app, put } = mount((req, res) => {
      res.send(String(valuesOf(req).who));
    });
    const ids = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(32));
    for (const id of ids) put({ who: id }, id);
    await Promise.all(ids.map((id) => get(app, `sessionid=${id}`).expect(200, id)));
  });
});
