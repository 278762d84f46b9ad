import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Mailbox } from '../../src/gateway/mailbox.ts';

interface News {
  readonly nth: number;
}

/** A channel that is as slow as told. */
function slowChannel() {
  const taken: number[] = [];
  const callbacks: (() => void)[] = [];
  const mailbox = new Mailbox<News>({
    connected: true,
    send: (message, _handle, _options, callback) => {
      taken.push((message as News).nth);
      callbacks.push(() => callback(null));
      return true;
    },
  });
  return { mailbox, taken, goOn: () => callbacks.shift()!() };
}

describe('news that replace older ones', () => {
  test('are sent in order, the latest alone of those that wait', () => {
    const { mailbox, taken, goOn } = slowChannel();
    for (const nth of [1, 2, 3]) mailbox.sendLatest('it', { nth });
    mailbox.sendLatest('something else', { nth: 10 });
    assert.deepEqual(taken, [1, 10]);
    goOn();
    goOn();
    assert.deepEqual(taken, [1, 10, 3]);
  });

  test('tell all who wait when they, or newer ones, are sent, and not before', () => {
    const { mailbox, goOn } = slowChannel();
    const told: number[] = [];
    for (const nth of [1, 2, 3]) mailbox.sendLatest('it', { nth }, () => told.push(nth));
    assert.equal(told.length, 0);
    goOn();
    assert.deepEqual(told, [1]);
    mailbox.sendLatest('it', { nth: 4 }, () => told.push(4));
    goOn();
    assert.deepEqual(told, [1, 2, 3]);
    goOn();
    assert.deepEqual(told, [1, 2, 3, 4]);
  });
});
