import { AffinityCookie, secureCookie } from '../../../src/policy/cookies.ts';
import { cookieValues, sessionIdOf } from '../../../src/session/session-cookie.ts';
import type { Dice } from '../engine/dice.ts';
import { Finding, type Target } from '../engine/target.ts';
import { AdminSessions, signedCookie } from '../oracles/admin-cookie.ts';
import { Python } from '../oracles/python.ts';

type Cookies = Readonly<Record<string, string>>;

const SESSION = 'sessionid';
const AFFINITY = 'SERVERID';
const ID = 'abcdefghijklmnopqrstuvwxyz012345';
const OTHER_ID = '0'.repeat(32);
/** Sessions of operators whose signed cookies hostile browsers may have. */
const SIGNED_IDS = ['one', 'two'] as const;
/** The head parser lets none of them into a value. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\x00-\x08\x0a-\x1f\x7f]/;

const PAIRS = [
  `${SESSION}=${ID}`,
  `${SESSION}=${OTHER_ID}`,
  `${SESSION}="${ID}"`,
  `${SESSION}=`,
  SESSION,
  `${AFFINITY}=one`,
  `${AFFINITY}="two"`,
  `x${AFFINITY}=y`,
  'a=b',
  'token=t',
  'path=/',
  'Secure',
  'secure=1',
  'HttpOnly',
  'SameSite=Lax',
  ...SIGNED_IDS.map(signedCookie),
] as const;

export const target: Target = {
  oracle: "Django's parse_cookie; RFC 6265 §5.2 to the letter; signatures of express-session",
  dictionary: [...PAIRS, ';', '; ', '=', '"', ',', '\\', '%', '\xa0', '\xc2\x85', '\xe3\x80\x80'],
  seeds: [PAIRS.join('; '), ...PAIRS],
  generate,
  open() {
    const django = new Python<Cookies>('parse_cookies.py');
    const admin = new AdminSessions();
    return {
      pids: [django.pid],
      check: (input) => check(django, admin, input),
      close: () => django.close(),
    };
  },
};

async function check(django: Python<Cookies>, admin: AdminSessions, input: Buffer) {
  const header = input.toString('latin1');
  if (CONTROLS.test(header)) return 'control bytes are in no header';
  checkSecure(header);
  const affinity = new AffinityCookie(AFFINITY);
  const without = affinity.without(header);
  if (affinity.value(without) !== undefined) throw new Finding('an affinity cookie is left');
  const [all, rest] = await django.read(input, Buffer.from(without, 'latin1'));
  const session = checkSession(header, all!);
  checkRest(header, all!, rest!);
  return `${session} ${await checkAdmin(admin, header)} ${affinity.value(header)?.length ?? 0}`;
}

/** Where the gate takes a session for live, it is the one that Django gives to the request. */
function checkSession(header: string, all: Cookies): string {
  const values = cookieValues(header, SESSION);
  const id = sessionIdOf(values);
  if (id !== undefined && all[SESSION] !== id) {
    throw new Finding('Django has another session', `${id} ${all[SESSION]}`);
  }
  return `${Math.min(values.length, 3)} ${id !== undefined}`;
}

/** What is left without our cookie is, to Django, all the others. */
function checkRest(header: string, all: Cookies, rest: Cookies): void {
  // Bytes beyond ASCII may be blanks to Python, around a name that then is another cookie to us.
  if (/[^\t\x20-\x7e]/.test(header)) return;
  const { [AFFINITY]: ours, ...others } = all;
  if (JSON.stringify(sorted(others)) === JSON.stringify(sorted(rest))) return;
  throw new Finding('other cookies change with ours', JSON.stringify([others, rest, ours]));
}

/** RFC 6265 §5.2: what comes of a Set-Cookie is Secure, and else what it was. */
function checkSecure(cookie: string): void {
  const secured = secureCookie(cookie);
  if (!secured.startsWith(cookie) || !isSecure(secured)) {
    throw new Finding('a cookie is not Secure', JSON.stringify([cookie, secured]));
  }
  if (secureCookie(secured) !== secured) throw new Finding('Secure is added again', secured);
}

function isSecure(cookie: string): boolean {
  const [, ...attributes] = cookie.split(';');
  return attributes.some((attribute) => {
    const [name = ''] = attribute.split('=', 1);
    return name.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase() === 'secure';
  });
}

/** Nobody comes to a session of an operator but by a cookie that was signed for it. */
async function checkAdmin(admin: AdminSessions, header: string): Promise<string> {
  const looked = await admin.look(header);
  for (const id of looked.ids) {
    if (!(SIGNED_IDS as readonly string[]).includes(id)) throw new Finding('a forged session', id);
    const [, value = ''] = signedCookie(id).split('=');
    const signature = decodeURIComponent(value).split('.')[1]!;
    const given = header.split(';').map(decoded);
    if (!given.some((pair) => pair.includes(signature))) {
      throw new Finding('a session without its signature', id);
    }
  }
  if (looked.in !== looked.ids.length > 0) throw new Finding('somebody gets in without a session');
  return looked.ids.join();
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function sorted(cookies: Cookies): [string, string][] {
  return Object.entries(cookies).sort();
}

function generate(dice: Dice): Buffer {
  const pairs = Array.from({ length: 1 + dice.below(6) }, () => {
    const pair = dice.pick(PAIRS);
    if (dice.chance(0.8)) return pair;
    const blank = dice.pick([' ', '\t', '\xa0', '\x85', '\xc2\x85', '\xc2\xa0', '\xe3\x80\x80']);
    return dice.chance(0.5) ? `${blank}${pair}` : pair.replace('=', `${blank}=${blank}`);
  });
  return Buffer.from(pairs.join(dice.pick(['; ', ';', ' ; '])), 'latin1');
}
