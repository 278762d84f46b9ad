import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { GET, OK, request } from '../../conformance/bytes.ts';
import { readAnswer } from './answers.ts';
import { CORPUS } from './corpus.ts';
import { CATEGORIES } from './hostile-message.ts';
import { faultsOfSegments } from './segments.ts';

const MARK = 'X-Forwarded-For: 127.0.0.1';

/** The faults of what reached a backend as one message, as far as it has the mark of the proxy. */
async function faultsOf(bytes: string): Promise<string[]> {
  const marked = bytes.replace('Host: a.example', `${MARK}\r\nHost: a.example`);
  return faultsOfSegments([{ bytes: marked, target: '/x', rejected: false }]);
}

describe('what every reader reads in the same way is found sound:', () => {
  for (const [what, bytes] of [
    ['a GET', GET],
    ['a body of a length', `${request('POST /x', 'Content-Length: 3')}abc`],
    [
      'a body in chunks',
      `${request('POST /x', 'Transfer-Encoding: chunked')}3;a=b\r\nabc\r\n0\r\n\r\n`,
    ],
    [
      'a body that looks like a request',
      `${request('POST /x', `Content-Length: ${GET.length}`)}${GET}`,
    ],
  ] as const) {
    test(what, async () => assert.deepEqual(await faultsOf(bytes), []));
  }
});

describe('what can be read in two ways is found:', () => {
  // What all readers but one reject is no matter of two readings, so it is never all of them.
  const found = async (part: (typeof CATEGORIES)[number]) => {
    const messages = CORPUS.filter(({ category }) => category === part);
    const faults = await Promise.all(messages.map(({ bytes }) => faultsOf(bytes)));
    return faults.filter((some) => some.length > 0).length / messages.length;
  };
  for (const category of CATEGORIES.slice(0, 5)) {
    test(`${category}, passed on as it is`, async () => {
      const part = await found(category);
      assert.ok(part > 0.2, `only ${Math.round(part * 100)} % of the messages`);
    });
  }

  for (const [what, bytes] of [
    ['a second request behind the first', GET + GET],
    ['a message that is not whole', `${request('POST /x', 'Content-Length: 9')}abc`],
    [
      'both framings',
      `${request('POST /x', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\nX`,
    ],
    ['two Hosts', request('GET /x', 'Host: b.example')],
    ['an upgrade to HTTP/2', request('GET /x', 'Connection: Upgrade', 'Upgrade: h2c')],
  ] as const) {
    test(what, async () => assert.notDeepEqual(await faultsOf(bytes), []));
  }

  test('a request without the mark of the proxy', async () => {
    const faults = await faultsOfSegments([{ bytes: GET, target: '/x', rejected: false }]);
    assert.match(faults.join(), /mark of the proxy/);
  });

  test('an answer with another one behind it', () => {
    const message = CORPUS.find(({ name }) => name === 'a second answer behind the first')!;
    const seen = {
      segments: [],
      ended: true,
      probe: '/probe-1',
      other: '/other-1',
      otherAnswered: '',
    };
    const faults = (answered: string) => readAnswer(message, { ...seen, answered }).faults;
    const probed = OK.replace('\r\n', '\r\nX-Answers: /probe-1\r\n');
    assert.deepEqual(faults(OK + probed), []);
    assert.notDeepEqual(faults(OK + OK + probed), []);
    assert.notDeepEqual(faults(OK + OK), []);
  });
});
