import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fixture, importText } from '../support/import-haproxy.ts';

/** A portal with these lines of limits, after a stick table. */
function limited(lines: string, store = 'http_req_rate(10s),conn_cur') {
  return importText(
    `frontend horizon\n bind :443 ssl crt /x.pem\n mode http\n stick-table type ip size 1m expire 1m store ${store}\n ${lines}\n default_backend horizon\n` +
      'backend horizon\n mode http\n server one 10.0.0.11:80 check\n',
  );
}

test('limits for each address become RATE_LIMITS and CONNECTIONS_PER_ADDRESS', () => {
  const { env, imported, reason } = importText(fixture('limits'));
  assert.equal(
    env.RATE_LIMITS,
    '20/10s on POST /dashboard/auth, 20/10s on POST /auth, 600/1m on /',
  );
  assert.equal(env.CONNECTIONS_PER_ADDRESS, '200');
  assert.equal(env.PORTAL_DENY, undefined, 'what is limited is not closed');
  for (const line of [
    'backend st_login',
    'stick-table type ipv6 size 100k expire 10m store http_req_rate(10s)',
    'stick-table type ip size 200k expire 2m store http_req_rate(1m),conn_cur,http_err_rate(1m)',
    'acl login path_beg /dashboard/auth/ /auth/',
    'acl too_busy sc1_http_req_rate gt 600',
    'tcp-request connection track-sc1 src',
    'http-request track-sc0 src table st_login if login METH_POST',
    'http-request deny deny_status 429 if login { sc_http_req_rate(0) gt 20 }',
  ]) {
    assert.equal(reason(line), '', line);
  }
  assert.match(
    reason('tcp-request connection reject if { sc1_conn_cur gt 200 } !operators'),
    /^!operators: the limit is for everybody/,
  );
  assert.match(reason('acl operators src 10.0.0.0/8'), /addresses without a limit/);
  assert.match(reason('http-request tarpit if too_busy'), /^tarpit: is answered 429 at once/);
  assert.match(reason('http-request deny if scanner'), /counts http_err_rate/);
  assert.match(
    reason('http-request deny if { path_end .php } { sc_http_req_rate(1) gt 5 }'),
    /by more than paths/,
  );
  assert.match(
    reason('tcp-request connection reject if { src_conn_cur ge 50 }'),
    /one for all listeners/,
  );
  const { notes } = imported.draft.get('RATE_LIMITS')!;
  assert.match(notes.join(), /portal and console.*counted by itself/);
});

test('who is looked up before it is counted is one more', () => {
  const before = limited(
    'tcp-request connection reject if { src_conn_cur ge 50 }\n tcp-request connection track-sc0 src',
  );
  assert.equal(before.env.CONNECTIONS_PER_ADDRESS, '50');
  const after = limited(
    'tcp-request connection track-sc1 src\n tcp-request connection reject if { src_conn_cur ge 50 }',
  );
  assert.equal(after.env.CONNECTIONS_PER_ADDRESS, '49');
  const late = limited(
    'http-request track-sc0 src\n http-request deny if { src_http_req_rate(horizon) gt 7 }\n tcp-request connection reject if { src_conn_cur gt 3 }',
  );
  assert.deepEqual([late.env.RATE_LIMITS, late.env.CONNECTIONS_PER_ADDRESS], ['7/10s on /', '4']);
});

test('a limit for a path counts what goes there alone, and that is told', () => {
  const { env, imported } = limited(
    'http-request track-sc0 src\n http-request deny if { path /login } { method POST } { sc_http_req_rate(0,horizon) ge 5 }',
  );
  assert.equal(env.RATE_LIMITS, '4/10s on POST /login');
  assert.match(imported.draft.get('RATE_LIMITS')!.notes.join(), /those alone count/);
  const alternatives = limited(
    'http-request track-sc0 src\n http-request deny if { path_beg /a } { sc_http_req_rate(0) gt 5 } || { path_beg /b } { sc_http_req_rate(0) gt 9 }',
  );
  assert.equal(alternatives.env.RATE_LIMITS, '5/10s on /a, 9/10s on /b');
});

test('what is no limit of an address is not carried over, with the reason', () => {
  const track = 'http-request track-sc0 src';
  const rate = '{ sc_http_req_rate(0) gt 5 }';
  const cases = [
    ['http-request track-sc0 hdr(x-token)', rate, /counts by hdr\(x-token\)/],
    ['http-request set-header a b', rate, /no rule has counted/],
    [track, '{ sc_http_req_rate(1) gt 5 }', /no rule has counted/],
    [track, '{ sc_http_req_rate(0) lt 5 }', /no plain limit/],
    [track, '!{ sc_http_req_rate(0) gt 5 }', /no plain limit/],
    [track, `${rate} or { path /x }`, /also where nothing is counted/],
    [track, `${rate} { hdr(host) -i a.example }`, /by more than paths/],
    [track, `${rate} !{ path_beg /static }`, /by more than paths/],
    [track, `${rate} { sc_conn_cur(0) gt 5 }`, /several counts at once/],
    [track, '{ sc_conn_cur(0) gt 5 } { path /x }', /for some requests only/],
    [track, '{ sc_gpc0_rate(0) gt 5 }', /counts gpc0_rate/],
    [track, '{ src,table_http_req_rate(horizon) gt 5 }', /no plain limit|not read here/],
    [track, '{ sc_http_req_rate(0,elsewhere) gt 5 }', /no table that is known/],
    [track, '{ sc_http_req_rate(0) gt 0 }', /RATE_LIMITS does not take it/],
    [`${track} if { hdr(host) -i a.example }`, rate, /by more than paths/],
  ] as const;
  for (const [first, condition, told] of cases) {
    const line = `http-request deny if ${condition}`;
    const { env, reason } = limited(`${first}\n ${line}`);
    assert.match(reason(line), told, line);
    assert.equal(env.RATE_LIMITS, undefined, line);
    assert.equal(env.CONNECTIONS_PER_ADDRESS, undefined, line);
    assert.equal(env.PORTAL_DENY, undefined, line);
  }
  const short = limited(`${track}\n http-request deny if ${rate}`, 'http_req_rate(500ms)');
  assert.match(short.reason(`http-request deny if ${rate}`), /whole seconds/);
  const unused = limited(track);
  assert.match(unused.reason(track), /serves no limit that is carried over/);
});

test('a time of defaults that counts for the console alone is told as such', () => {
  const { env, reason } = importText(
    'defaults base\n mode http\n timeout client 30s\n timeout server 1m\n timeout tunnel 4h\n' +
      'defaults fast from base\n timeout server 5s\n' +
      'frontend horizon from base\n bind :443 ssl crt /x.pem\n default_backend web\n' +
      'backend web from fast\n server one 10.0.0.11:80\n' +
      'frontend novnc from base\n bind :6080 ssl crt /x.pem\n default_backend novnc-back\n' +
      'backend novnc-back from base\n server one 10.0.0.11:6080\n',
  );
  assert.equal(env.SERVER_TIMEOUT, '5s');
  assert.match(
    reason('timeout server 1m'),
    /was for the console: SERVER_TIMEOUT is that of the portal.*TUNNEL_TIMEOUT/,
  );
});
