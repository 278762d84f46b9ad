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

/** A frontend that chooses its backend by an expression, beside a console. */
function choosing(expression: string, front = 'dash_in'): ImportedText {
  return importText(
    `frontend ${front}\n mode http\n bind 10.0.0.250:443 ssl crt /x.pem\n use_backend %[${expression}]\n` +
      'backend web_back\n mode http\n server two 10.0.0.12:80\n' +
      'backend horizon_back\n mode http\n server one 10.0.0.11:80\n' +
      'listen novnc\n mode http\n bind 10.0.0.250:6080 ssl crt /x.pem\n server one 10.0.0.11:6080\n',
  );
}

test('the default of a map is where a frontend leads, and the map is told', () => {
  const map = (name: string) => `req.hdr(host),lower,map_dom(/etc/haproxy/hosts.map,${name})`;
  const { env, reason } = choosing(map('horizon_back'));
  assert.equal(env.PORTAL_LISTEN, '10.0.0.250:443');
  assert.equal(env.PORTAL_BACKENDS, 'http://10.0.0.11:80 name=one');
  assert.match(
    reason(`use_backend %[${map('horizon_back')}]`),
    /the map \/etc\/haproxy\/hosts\.map, .*its default, horizon_back, is of the portal here.*--portal NAME or --console NAME/,
  );
  // A name that says nothing is the portal's where its frontend is.
  const { env: named } = choosing(map('web_back'), 'horizon_front');
  assert.equal(named.PORTAL_BACKENDS, 'http://10.0.0.12:80 name=two');
  const missing = choosing(map('nowhere'), 'horizon_front');
  assert.match(missing.reason(`use_backend %[${map('nowhere')}]`), /nowhere, is not in the files/);
});

test('a backend that is worked out for each request is told with the way to name it', () => {
  for (const expression of [
    'req.hdr(host),map(/etc/haproxy/hosts.map)',
    'var(txn.backend)',
    'str(horizon_back),lower',
  ]) {
    const { env, reason } = choosing(expression, 'horizon_front');
    assert.equal(env.PORTAL_BACKENDS, 'http://10.0.0.11:80 name=one', 'found by its name');
    assert.match(reason(`use_backend %[${expression}]`), /chooses by .*--portal NAME/, expression);
  }
});

test('an address of the client that another proxy tells is for TRUSTED_PROXIES', () => {
  for (const rule of [
    'http-request set-header X-Real-IP %[req.hdr(CF-Connecting-IP)]',
    'http-request set-header X-Forwarded-For %[hdr_ip(True-Client-IP)] if { src 10.9.0.0/16 }',
    'http-request set-src req.hdr(CF-Connecting-IP)',
  ]) {
    const { imported } = withRule(rule);
    const line = imported.lines.find(({ text }) => text === rule)!;
    const [drop] = imported.dropsOf(line);
    assert.equal(drop?.group, 'decide', rule);
    assert.match(drop.reason, /X-Forwarded-For alone.*TRUSTED_PROXIES/, rule);
  }
  const own = 'http-request set-header X-Real-IP %[src]';
  assert.match(withRule(own).reason(own), /X-Real-IP are set for each request/);
});
