import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyPace } from '../../src/relay/body-pace.ts';

test('a pause is as long as it may be, whatever came before it', () => {
  const pace = new BodyPace(60_000, 500);
  pace.begin();
  assert.equal(pace.wait(0), 60_000);
  pace.came(10, 1_000_000);
  assert.equal(pace.wait(10), 60_000);
});

test('a byte now and then does not make up for the pauses between', () => {
  const pace = new BodyPace(60_000, 500);
  pace.begin();
  let now = 0;
  for (let left = pace.wait(now); left >= 10_000; left = pace.wait(now)) {
    now += 10_000;
    pace.came(now, 1);
  }
  assert.equal(now, 60_000);
});

test('who is as fast as asked for may go on for ever', () => {
  const pace = new BodyPace(60_000, 500);
  pace.begin();
  for (let now = 0; now < 10_000_000; now += 1_000) {
    assert.ok(pace.wait(now) >= 59_000);
    pace.came(now + 1_000, 500);
  }
});

test('a long pause counts as made up for when enough has come', () => {
  const pace = new BodyPace(60_000, 500);
  pace.begin();
  pace.wait(0);
  pace.came(50_000, 5_000);
  assert.equal(pace.wait(50_000), 20_000);
});

test('while nobody waits for the client its time does not pass', () => {
  const pace = new BodyPace(60_000, 500);
  pace.begin();
  pace.wait(0);
  pace.came(1_000, 0);
  assert.equal(pace.wait(100_000), 59_000);
  assert.equal(pace.wait(101_000), 58_000, 'waiting is not begun anew by being asked');
});

test('without a least rate every byte makes up for every pause', () => {
  const pace = new BodyPace(60_000, 0);
  pace.begin();
  pace.wait(0);
  pace.came(59_000, 1);
  assert.equal(pace.wait(59_000), 60_000);
});
