import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImportedText, importText } from '../support/import-haproxy.ts';

/** A portal with TLS and plain HTTP, and a rule. */
function withRule(rule: string): ImportedText {
  return importText(
    `listen horizon\n mode http\n bind 10.0.0.1:443 ssl crt /x.pem\n bind 10.0.0.1:80\n ${rule}\n server one 10.0.0.11:80 check\n`,
  );
}

test('a redirect to https at another host, or for now, is told as kept without these', () => {
  const rule = 'http-request redirect prefix https://dash.example.org code 302 if !{ ssl_fc }';
  const { env, imported, reason } = withRule(rule);
  assert.equal(env.PORTAL_REDIRECT_LISTEN, '10.0.0.1:80');
  assert.match(reason(rule), /prefix https:\/\/dash\.example\.org: .*host name.*asked for/);
  assert.match(reason(rule), /code 302: .*for good: 301/);
  const line = imported.lines.find(({ text }) => text === rule)!;
  assert.ok(imported.isCarried(line));
  assert.ok(imported.dropsOf(line).every(({ group }) => group === 'decide'));
});

test('a redirect to https at the same host, for good, is kept whole', () => {
  for (const what of [
    'scheme https',
    'scheme https code 301',
    'prefix https://%[hdr(host)] code 308',
    'location https://%[req.hdr(host)]%[capture.req.uri] code 301',
  ]) {
    const rule = `http-request redirect ${what} unless { ssl_fc }`;
    const { env, reason } = withRule(rule);
    assert.equal(env.PORTAL_REDIRECT_LISTEN, '10.0.0.1:80', what);
    assert.equal(reason(rule), '', what);
  }
});
