import { parseEnv } from 'node:util';
import { ConfigError } from '../../../src/config.ts';
import { SETTINGS } from '../../../src/settings.ts';
import type { Dice } from '../engine/dice.ts';
import type { Target } from '../engine/target.ts';
import { type Files, makeFiles } from '../oracles/key-pair.ts';
import { checkValue, readConfiguration, readSetting } from '../oracles/settings.ts';

const NAMES = Object.keys(SETTINGS);
const INITIAL = Object.values(SETTINGS).map(({ initial }) => initial ?? '');
/** What settings are like, those as well that have no default. */
const VALUES = [
  ...INITIAL,
  'http://10.0.0.1:80',
  'http://a:80 weight=2 maxconn=5 backup name=x send-proxy',
  'https://[::1]:8443 verify=off sni=a.b, http://b',
  'https://a ca=/vip.pem',
  '/vip.pem',
  '/vip.key',
  '/vip.pem,/vip.pem',
  '[::1]:11211, unix:/run/m.sock, a',
  '10.0.0.0/8,::/0,1.2.3.4',
  'same-host, https://a.b:1, [::1]',
  '20/10s on POST /dashboard/auth/, 5/1m on /',
  'syslog:udp:[::1]:514 local1',
  'syslog:/dev/log',
  'X-A: b | C: d',
  'max-age=1; includeSubDomains; preload',
  '0123456789abcdef0123456789abcdef',
  'websocket',
  '101,close',
  '1ms',
  '24d',
  '0',
  '8',
  'a.b:1',
  '/path/?x',
  'http://a;b:1',
  'syslog:udp:[:::1]:9',
] as const;

/** What a configuration cannot do without, but for the key pair. */
const BASE = { PORTAL_BACKENDS: 'http://10.0.0.1:80', CONSOLE_BACKENDS: 'http://10.0.0.2:6080' };

export const target: Target = {
  oracle: 'rules that hold of what is read, and of what is written and read again',
  dictionary: [
    ...['\n', '=', ',', ', ', '|', ':', '"', "'", '#', '[::1]', '[', ']', '//', '@', '%', '%eth0'],
    ...NAMES.map((name) => `\n${name}=`),
    ...VALUES,
  ],
  seeds: NAMES.map((name, i) => `${name}=${INITIAL[i]}`).concat(
    VALUES.map((value, i) => `${NAMES[(i * 7) % NAMES.length]}=${value}`),
  ),
  maxBytes: 1500,
  generate,
  async open() {
    const files = await makeFiles();
    return { check: (input) => check(files, input) };
  },
};

function check(files: Files, input: Buffer): string {
  const given = parseEnv(input.toString('utf8')) as Record<string, string>;
  const outcomes: string[] = [];
  for (const [name, text] of Object.entries(given)) {
    if (!Object.hasOwn(SETTINGS, name) || text.trim() === '') continue;
    const read = readSetting(name, text.trim(), files);
    if ('value' in read) checkValue(name, read.value);
    outcomes.push(`${name} ${'value' in read ? typeof read.value : inShort(read.problem)}`);
  }
  const config = readConfiguration({ ...BASE, ...files.settings, ...given }, files);
  const problems = config instanceof ConfigError ? config.problems.map(({ name }) => name) : [];
  return `${outcomes.slice(0, 3).join()} ${problems.slice(0, 2).join()}`;
}

function inShort(problem: string): string {
  return problem.replaceAll(/"[^"]*"|\d+/g, '#').slice(0, 60);
}

function generate(dice: Dice): Buffer {
  const lines = Array.from({ length: 1 + dice.below(6) }, () => {
    const at = dice.below(NAMES.length);
    const value = dice.chance(0.4) ? INITIAL[at]! : dice.pick(VALUES);
    const quote = dice.pick(['', '', '', '"', "'", '`']);
    return `${NAMES[at]}=${quote}${value}${quote}`;
  });
  return Buffer.from(lines.join('\n'));
}
