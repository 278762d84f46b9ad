import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config.ts';
import { envText } from '../../src/import-haproxy/env-file.ts';
import { NothingToImport } from '../../src/import-haproxy/import.ts';
import { issue } from '../support/certificates.ts';
import { temporaryFolder } from '../support/gateway.ts';
import { assertSound, fixture, type ImportedText, importText } from '../support/import-haproxy.ts';
import { randomFrom } from '../support/random.ts';

const PORTAL = 'listen horizon\n bind :443 ssl crt /x.pem\n mode http\n server one 10.0.0.11:80\n';

/** With what is to be filled in, and without files of authorities that are not here, it is a configuration. */
function assertUsable({ env }: ImportedText, certificate: Record<string, string>): void {
  const backends = ['PORTAL_BACKENDS', 'CONSOLE_BACKENDS'].map((name) => {
    const given = env[name] || 'http://10.0.0.9:80';
    return [name, given.replaceAll(/ ca=\S+/g, '')];
  });
  parseConfig({ ...env, ...Object.fromEntries(backends), ...certificate });
}

test('a broken file is told line by line, and what is sound in it is used', () => {
  const imported = importText(fixture('broken'));
  assertSound(imported);
  const { env, reason, report } = imported;
  assert.match(env.PORTAL_BACKENDS!, /http:\/\/10\.0\.0\.24:80 name=ok, http:\/\/10\.0\.0\.25:80$/);
  assert.match(reason("hspclose 'never closed"), /quote ' that is not closed/);
  assert.match(reason('bind 10.0.0.1:8000-8010'), /range of ports/);
  assert.match(reason('timeout server 0'), /needs an end/);
  assert.match(reason('.if streq("$NOT_SET",yes)'), /no \.endif/);
  assert.match(reason('listen novnc :6080'), /conditional block/);
  assert.match(reason('server one "$' + '{NOT_SET}":80 check'), /NOT_SET, which is not set/);
  assert.match(report, /"option constructor" is not known here/);
});

test('names of properties of objects are words as all others', () => {
  for (const word of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) {
    for (const line of [
      word,
      `option ${word}`,
      `no ${word}`,
      `http-request ${word}`,
      `balance ${word}`,
      `timeout ${word} 5s`,
      `acl ${word} path_beg /x`,
      `use_backend ${word} if ${word}`,
      `server ${word} 10.0.0.12:80 ${word} ${word}`,
      `bind :444 ${word} ${word}`,
    ]) {
      assertSound(importText(`${PORTAL} ${line}\nglobal\n ${word} 1\n${word}\n`));
    }
  }
});

test('nesting, length and number have ends', () => {
  assertSound(importText(PORTAL + '.if 1\n'.repeat(50_000)));
  assertSound(importText(`${PORTAL} acl a path ${'x'.repeat(1_000_000)}\n`));
  assertSound(
    importText(`${PORTAL} http-request deny if ${'{ '.repeat(100)}${'!'.repeat(10_000)}a\n`),
  );
  assertSound(
    importText(`${PORTAL} option httpchk\n http-check expect rstatus (a*)*${'b'.repeat(100)}\n`),
  );
  const chain = Array.from(
    { length: 3000 },
    (_, i) => `defaults d${i} from d${i - 1}\n retries 1\n`,
  );
  assertSound(importText(`${chain.join('')}${PORTAL.replace('horizon', 'horizon from d2999')}`));
  assert.throws(() => importText('listen x\n'.repeat(6000)), NothingToImport);
});

test('listeners that would take one port are kept apart', () => {
  const { env, reason } = importText(
    'listen novnc\n bind :443 ssl crt /x.pem\n mode http\n server one 10.0.0.11:6080\n',
  );
  assert.deepEqual([env.CONSOLE_LISTEN, env.PORTAL_LISTEN], ['0.0.0.0:443', ':8443']);
  assert.equal(reason('bind :443 ssl crt /x.pem'), '');
  const admin = importText(PORTAL.replace(':443', '127.0.0.1:9090')).env;
  assert.deepEqual([admin.PORTAL_LISTEN, admin.ADMIN_LISTEN], ['127.0.0.1:9090', '127.0.0.1:9091']);
});

test('a service whose servers take no work has its backends to be filled in', () => {
  const { env, report } = importText(PORTAL.replace(':80', ':80 disabled'));
  assert.equal(env.PORTAL_BACKENDS, '');
  assert.match(report, /^To fill in: PORTAL_BACKENDS\./m);
});

test('escape sequences in a file do not reach the terminal', () => {
  const { report } = importText(`${PORTAL} log-format \u001b[2J\u009b31m\u0007\n`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.doesNotMatch(report, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test('characters that a file has written as escapes do not reach the terminal either', () => {
  const { report, imported } = importText(
    `${PORTAL} \\x1b[2J x\n option \\r\n balance \\x07\n server two 10.0.0.12:80 \\x9b31m\n` +
      ' bind :444 ssl crt /\\x1b[2J.pem\n server three 10.0.0.13:443 ssl ca-file /\\x1b[2J.pem\n',
  );
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;
  assert.doesNotMatch(report, controls);
  assert.doesNotMatch(envText(imported.draft, 'haproxy.cfg'), controls);
});

test('files that chance has mangled become configurations that can be used, or are refused', async (t) => {
  const { cert, key } = await issue(temporaryFolder(t), 'vip', { names: ['localhost'] });
  const random = randomFrom(20261125);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const texts = ['legacy-1.4', 'kolla', 'openstack-ansible', 'tripleo', 'broken'].map(fixture);
  const words = [...new Set(texts.join('\n').split(/\s+/))];
  let sound = 0;
  for (let round = 0; round < 300; round += 1) {
    const lines = pick(texts).split('\n');
    for (let change = 0; change < 12; change += 1) {
      const at = Math.floor(random() * lines.length);
      const parts = lines[at]!.split(' ');
      parts[Math.floor(random() * parts.length)] = pick([
        ...words,
        '',
        '"',
        "'",
        '\\',
        '$',
        '#',
        '{',
        '}',
      ]);
      lines[at] = parts.join(' ');
      if (random() < 0.2) lines.splice(at, 1);
      if (random() < 0.2) lines.splice(at, 0, pick(lines));
    }
    try {
      const imported = importText(lines.join('\n'));
      assertSound(imported);
      assertUsable(imported, { TLS_CERT: cert, TLS_KEY: key });
      sound += 1;
    } catch (error) {
      if (!(error instanceof NothingToImport)) throw new Error(lines.join('\n'), { cause: error });
    }
  }
  assert.ok(sound > 200, `${sound} of 300`);
});
