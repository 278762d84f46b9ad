import { isIP } from 'node:net';

/** The options of one backend, as its entry in a list of backends has them. */
export interface BackendOptions {
  name?: string;
  weight?: number;
  maxconn?: number;
  backup?: boolean;
  sendProxy?: 'v1' | 'v2';
  caFile?: string;
  verify?: boolean;
  serverName?: string;
}

const COOKIE_SAFE = /^[A-Za-z0-9._:[\]-]{1,64}$/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i;
const KNOWN =
  'weight=N, maxconn=N, name=NAME, backup, send-proxy and send-proxy-v2, and with https:// ca=FILE, verify=off and sni=NAME';

/**
 * Reads the options of one backend. Each problem is given to `report` as a sentence that starts
 * with "has"; what is sound is returned.
 */
export function parseBackendOptions(
  words: readonly string[],
  secure: boolean,
  report: (problem: string) => void,
): BackendOptions {
  const options: BackendOptions = {};
  for (const word of words) {
    const [key, value] = splitWord(word);
    if (!secure && (key === 'ca' || key === 'verify' || key === 'sni')) {
      report(`has "${word}" for a backend without TLS; write https:// or leave it out`);
    } else {
      readOption(options, word, key, value, report);
    }
  }
  if (options.verify === false && options.caFile) {
    report('has both ca=FILE and verify=off, with which nothing is verified; leave one out');
  }
  return options;
}

function readOption(
  options: BackendOptions,
  word: string,
  key: string,
  value: string | undefined,
  report: (problem: string) => void,
): void {
  switch (key) {
    case 'weight':
      options.weight = count(word, value, 256, report);
      return;
    case 'maxconn':
      options.maxconn = count(word, value, 1_000_000, report);
      return;
    case 'name':
      if (value && COOKIE_SAFE.test(value)) options.name = value;
      else report(`has "${word}"; a name is 1 to 64 letters, digits, or . _ - : and brackets`);
      return;
    case 'ca':
      if (value && !/\p{Cc}/u.test(value)) options.caFile = value;
      else report(`has "${word}"; write the path of a PEM file of CA certificates: ca=FILE`);
      return;
    case 'verify':
      if (value === 'off') options.verify = false;
      else report(`has "${word}"; certificates are verified unless it is verify=off`);
      return;
    case 'sni':
      // An address is no server name (RFC 6066 §3).
      if (value && HOST_NAME.test(value) && isIP(value) === 0) options.serverName = value;
      else report(`has "${word}"; write a name of the backend's certificate: sni=NAME`);
      return;
  }
  if (word === 'backup') options.backup = true;
  else if (word === 'send-proxy' || word === 'send-proxy-v2') {
    const version = word === 'send-proxy' ? 'v1' : 'v2';
    if (options.sendProxy && options.sendProxy !== version) {
      report('has both send-proxy and send-proxy-v2; a connection has one header: leave one out');
    }
    options.sendProxy = version;
  } else report(`has the unknown option "${word}"; known are ${KNOWN}`);
}

function splitWord(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function count(
  word: string,
  value: string | undefined,
  max: number,
  report: (problem: string) => void,
): number {
  const number = value && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 1 && number <= max) return number;
  report(`has "${word}"; it takes a whole number from 1 to ${max}`);
  return 1;
}
