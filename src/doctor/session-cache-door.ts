import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Config } from '../config.ts';
import { type ListenAddress, reachedAt } from '../config-values.ts';
import { messageOf } from '../errors.ts';
import type { Check } from './check.ts';
import type { Observation } from './finding.ts';

const ANSWER_MS = 2_000;
const MAX_ANSWER_CHARACTERS = 16_384;

/** Whether the session cache of the running gateway answers, and whether dashboards use it. */
export const cacheDoorCheck: Check = {
  name: 'session-cache',
  async run({ config, gateway, resolves }, report) {
    const { CACHE_LISTEN: address } = config;
    if (!address || address.port === 0 || !resolves(address.host)) return;
    const subject = 'CACHE_LISTEN';
    if (!(await gateway)) {
      const detail = 'no gateway that runs was found through ADMIN_LISTEN, so it was not asked';
      report({
        severity: 'note',
        subject,
        detail,
        remedy: 'start the gateway, then examine again',
      });
      return;
    }
    report({ subject, ...(await examineDoor(address, config)) });
  },
};

async function examineDoor(
  address: ListenAddress,
  config: Config,
): Promise<Omit<Observation, 'subject'>> {
  let answer: string;
  try {
    answer = await ask(address, config.CACHE_TLS);
  } catch (error) {
    const detail = `the session cache does not answer: ${messageOf(error)}`;
    const remedy =
      'look whether CACHE_ALLOW has the address of this host, and into the log of the gateway';
    return { severity: 'error', detail, remedy };
  }
  const version = /^VERSION (\S+)/.exec(answer)?.[1];
  if (version === undefined) {
    const detail = 'what answers there is no memcached';
    return { severity: 'error', detail, remedy: 'look what else listens on that port' };
  }
  const count = (name: string) => Number(new RegExp(`^STAT ${name} (\\d+)`, 'm').exec(answer)?.[1]);
  const commands = count('cmd_get') + count('cmd_set');
  const told = `the session cache answers as memcached ${version}`;
  if (commands !== 0) {
    const detail = `${told}, and has been used: ${commands} reads and writes`;
    return { severity: 'ok', detail };
  }
  return {
    severity: 'note',
    detail: `${told}, but no dashboard has used it since it was started`,
    remedy: "name it as LOCATION in Django's settings, in place of the nodes",
  };
}

/** What it answers to `version` and `stats`. */
function ask(address: ListenAddress, secure: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const where = reachedAt(address);
    // Whether its certificate is good is said of the certificate itself.
    const socket = secure
      ? connectTls({ ...where, rejectUnauthorized: false })
      : connect({ ...where });
    const timer = setTimeout(() => fail(new Error(`silent for ${ANSWER_MS} ms`)), ANSWER_MS);
    let text = '';
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > MAX_ANSWER_CHARACTERS) fail(new Error('its answer does not end'));
      else if (/^END\r$/m.test(text) || /^(?!VERSION)[^\n]*\r\n/.test(text)) {
        clearTimeout(timer);
        socket.destroy();
        resolve(text);
      }
    });
    socket.on('error', fail);
    socket.on('end', () => fail(new Error('it closed the connection')));
    socket.on('close', () => fail(new Error('it closed the connection')));
    socket.write('version\r\nstats\r\n');
  });
}
