import { type HttpCheckRules, isOfHandshake, isUpgrade } from './http-check.ts';
import type { ProxySection } from './proxy-section.ts';

/**
 * Reads `option tcp-check` with rules that send a websocket handshake as text and expect 101;
 * undefined where it is any other check.
 */
export function readTcpHandshake(proxy: ProxySection): HttpCheckRules | undefined {
  const option = proxy.option('tcp-check');
  if (!option?.on) return undefined;
  const own = proxy.own('tcp-check');
  const rules = own.length > 0 ? own : proxy.all('tcp-check');
  const sent: string[] = [];
  let last = option.line;
  for (const line of rules) {
    const [, rule, ...words] = line.words;
    if (rule === 'send') {
      sent.push(words[0] ?? '');
      last = line;
    } else if (rule === 'expect') {
      if (!/^r?string$/.test(words[0] ?? '') || !/\b101\b/.test(words[1] ?? '')) return undefined;
    } else if (rule !== 'comment' && !(rule === 'connect' && words.every((word) => word === 'ssl')))
      return undefined;
  }
  const [first = '', ...fields] = sent.join('').split('\r\n');
  const path = /^GET (\/\S*) HTTP\/1\.1$/.exec(first)?.[1];
  const headers = fields.flatMap((field) => {
    const [, name, value] = /^([^:\s]+):\s*(.*?)\s*$/.exec(field) ?? [];
    return name === undefined || value === undefined ? [] : [{ line: last, name, value }];
  });
  if (path === undefined || !headers.some(isUpgrade)) return undefined;
  const isHost = ({ name }: { readonly name: string }) => /^host$/i.test(name);
  return {
    asks: true,
    handshake: true,
    method: 'GET',
    path,
    host: headers.find(isHost)?.value,
    headers: headers.filter((header) => !isHost(header) && !isOfHandshake(header)),
    expect: '101',
    lines: [option.line, ...rules],
    drops: [],
  };
}
