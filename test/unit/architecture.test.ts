import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const SRC = new URL('../../src/', import.meta.url).pathname;

/** Who may import whom: each line what stands below it, none what stands above. */
const ORDER = [
  ['main.ts'],
  ['usage.ts'],
  ['demo', 'doctor', 'import-haproxy'],
  ['admin-client'],
  ['gateway'],
  ['systemd'],
  ['settings-file.ts'],
  ['config.ts'],
  ['config-key-pairs.ts'],
  ['settings.ts'],
  ['setting-readers.ts'],
  ['admin'],
  ['access-log'],
  ['cache', 'relay', 'middleware'],
  ['listener'],
  ['session'],
  ['upstream'],
  ['policy'],
  ['memcached'],
  ['command-arguments.ts'],
  [
    'config-values.ts',
    'config-files.ts',
    'errors.ts',
    'farewell.ts',
    'html.ts',
    'intake.ts',
    'log.ts',
    'object-layout.ts',
    'process-privacy.ts',
    'recent-map.ts',
    'spelling.ts',
    'tcp-options.ts',
    'terminal.ts',
  ],
  ['log-lines.ts', 'log-output.ts'],
];

const PURE = [
  /^admin-client\/(remote-state|problems|status-report|text-table)\.ts$/,
  /^policy\//,
  /^access-log\/(destination|http-clock|http-line|json-line)\.ts$/,
  /^cache\/(door-(queue|meta|replies|counters|stats|retrieval|task|commands|meta-commands)|view-document|view-encoding|view-kinship|view-judge|view-reading|view-publisher|known-view|layout|members|mover|owners|place|place-book|replicas|placeholder|cas-token|reserved-keys|cache-timing|shared-view|reader|writer|follower|item-copy|refiller|replicated-store)\.ts$/,
  /^memcached\/(hashes|placement|node-address|protocol|reply-parser|command-parser|command-numbers|byte-requests|decisions|heartbeat|peers|roster|shared-state|pins|own-keys)\.ts$/,
  /^relay\/(head|header-lines|header-names|octets|head-scanner|request-line|status-line|http-version|control-fields|request-parser|response-parser|body|body-pace|outgoing-head|reframing|refusal|deadlines|websocket-frames)\.ts$/,
  /^import-haproxy\/(?!command|source-files)/,
  /^listener\/(proxy-protocol|client-hello|crc32c|certificate-choice|handshake-turns)\.ts$/,
  /^session\/pickle-/,
  /^upstream\/(backend|backend-address|backend-options|ejection|endpoints|handshake|pool|proxy-header|selection|shared-load|slow-start|status-set)\.ts$/,
];

const IMPORT = /^(?:import|export) (type )?([^;]*?)\s*from '([^']+)';/gms;

interface Import {
  readonly type: boolean;
  readonly names: string;
  readonly from: string;
}

function importsOf(file: string): Import[] {
  const source = readFileSync(join(SRC, file), 'utf8');
  return [...source.matchAll(IMPORT)].map(([, type, names, from]) => ({
    type: type !== undefined,
    names: names!,
    from: from!,
  }));
}

const files = globSync('**/*.ts', { cwd: SRC }).filter((file) => !file.endsWith('.d.ts'));

function rankOf(file: string): number {
  const place = file.includes('/') ? file.slice(0, file.indexOf('/')) : file;
  const rank = ORDER.findIndex((names) => names.includes(place));
  assert.notEqual(rank, -1, `${file} has no place in the order`);
  return rank;
}

test('there is something to look at', () => {
  assert.ok(files.length > 60);
  assert.ok(importsOf('gateway/gateway.ts').length > 5);
});

test('imports run downward only', () => {
  for (const file of files) {
    for (const { from } of importsOf(file)) {
      if (!from.startsWith('.')) continue;
      const imported = normalize(join(dirname(file), from));
      if (dirname(imported) === dirname(file) && dirname(file) !== '.') continue;
      assert.ok(rankOf(file) < rankOf(imported), `${file} imports ${imported}`);
    }
  }
});

test('no two files import each other in a ring', () => {
  const graph = new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .filter(({ from }) => from.startsWith('.'))
        .map(({ from }) => normalize(join(dirname(file), from))),
    ]),
  );
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]) => {
    assert.ok(!path.includes(file), `ring: ${[...path, file].join(' → ')}`);
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});

test('pure files know no sockets', () => {
  const pure = files.filter((file) => PURE.some((pattern) => pattern.test(file)));
  assert.ok(pure.length > 15);
  for (const file of pure) {
    for (const { type, names, from } of importsOf(file)) {
      if (type || !/^node:(net|http|https|tls|fs|child_process)$/.test(from)) continue;
      // These compute, or are tables, and open nothing.
      assert.match(
        names,
        /^\{ (type |BlockList|isIP|isIPv4|isIPv6|STATUS_CODES|, )+ \}$/,
        `${file} imports ${from}`,
      );
    }
  }
});

test('only main.ts reads the environment and the arguments', () => {
  for (const file of files) {
    if (file === 'main.ts') continue;
    const source = readFileSync(join(SRC, file), 'utf8');
    assert.doesNotMatch(source, /process\.(env|argv)\b/, file);
  }
});

test('what is on the path of a connection gives no property a function that is written in the assignment', () => {
  // V8 takes such a function for one that lasts, and allocates it in the old generation: with all that it
  // refers to, which is the connection, it is kept until the whole heap is collected.
  const assigned =
    /[\w)\]]\s*(\.\s*#?\w+|\])\s*(\?\?)?=\s*(async\s+)?(function\b|\(?[\w\s,:?]*\)?\s*=>)/;
  assert.match('socket.onread = (bytes) =>', assigned);
  assert.match('slots[key] ??= (length: number) =>', assigned);
  assert.match('this.#queue.onDrain = () =>', assigned);
  assert.doesNotMatch('readonly #onDrain = () =>', assigned);
  const path = files.filter((file) =>
    /^(intake|(cache|listener|memcached|middleware|policy|relay|upstream)\/.*)\.ts$/.test(file),
  );
  assert.ok(path.length > 120);
  for (const file of path) {
    assert.doesNotMatch(readFileSync(join(SRC, file), 'utf8'), assigned, file);
  }
});

test('there are no barrel files and no drawer for leftovers', () => {
  for (const file of files) assert.doesNotMatch(file, /(^|\/)(index|utils?|helpers?)(\.ts|\/)/);
});
