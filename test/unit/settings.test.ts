import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { envExample, SETTINGS } from '../../src/settings.ts';

test('.env.example names every setting once, with its default and meaning', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
  const named = [...text.matchAll(/^#?([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);
  assert.deepEqual(
    named,
    Object.entries(SETTINGS).map(([name, { initial }]) => [name, initial ?? '']),
  );
  assert.equal(text, envExample(), 'write it anew with: node src/main.ts settings > .env.example');
});
