import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);

const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');

test('every way to start a gateway has SIGUSR1 open no debugger from the first moment on', () => {
  const ways = {
    'npm start': JSON.parse(read('package.json')).scripts.start,
    package: /^exec .*$/m.exec(read('packaging/dashgate'))?.[0],
    container: /^ENTRYPOINT .*$/m.exec(read('docker/Dockerfile'))?.[0],
  };
  for (const [way, command] of Object.entries(ways)) {
    assert.match(command, /node"?,? .*--disable-sigusr1"?,? .*src\/main\.ts/, way);
    assert.doesNotMatch(command, /--(inspect|report|heapsnapshot|heap-prof)/, way);
  }
});

test('the service, the resource agent and the containers write no core dump', () => {
  assert.match(read('packaging/systemd/dashgate.service'), /^LimitCORE=0$/m);
  assert.match(read('packaging/ocf/dashgate'), /prlimit --pid "\$\$" --core=0:0/);
  assert.match(read('docker/compose.yaml'), /ulimits: \{ core: 0 \}/);
});
