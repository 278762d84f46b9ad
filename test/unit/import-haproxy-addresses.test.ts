// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables look like this
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ImportedText, importText } from '../support/import-haproxy.ts';

/** One frontend for both services, with these lines; consoles are told apart by path. */
function shared(binds: string, rule = 'path_beg /vnc /websockify'): ImportedText {
  return importText(
    `frontend dash_in\n mode http\n ${binds}\n acl vnc ${rule}\n use_backend vnc_nodes if vnc\n default_backend horizon_nodes\n` +
      'backend horizon_nodes\n mode http\n server a 10.0.0.11:80 check\n' +
      'backend vnc_nodes\n mode http\n server a 10.0.0.11:6080 check\n',
  );
}

function assertConsoleHasItsPort({ env, imported }: ImportedText, listen: string): void {
  assert.equal(env.CONSOLE_LISTEN, listen);
  const notes = imported.draft.get('CONSOLE_LISTEN')!.notes.join();
  assert.match(notes, /had the address of the portal.*novncproxy_base_url/);
}

test('beside TLS, a shared frontend has the redirect of the portal and not the console', () => {
  const rule = 'http-request redirect scheme https unless { ssl_fc }';
  for (const condition of ['path_beg /vnc', 'hdr(Upgrade) -i websocket']) {
    const text = shared(`bind :443 ssl crt /x.pem\n bind :80\n ${rule}`, condition);
    assert.equal(text.env.PORTAL_LISTEN, '0.0.0.0:443');
    assert.equal(text.env.PORTAL_REDIRECT_LISTEN, '0.0.0.0:80');
    assert.equal(text.env.PORTAL_PLAIN_LISTEN, undefined);
    assertConsoleHasItsPort(text, '0.0.0.0:6080');
    assert.equal(text.reason('bind :80'), '');
    assert.equal(text.reason(rule), '');
  }
});

test('beside TLS and without a redirect, a shared frontend serves the portal alone', () => {
  const text = shared('bind 10.0.0.1:443 ssl crt /x.pem\n bind 10.0.0.2:80');
  assert.equal(text.env.PORTAL_LISTEN, '10.0.0.1:443');
  assert.equal(text.env.PORTAL_PLAIN_LISTEN, '10.0.0.2:80');
  assertConsoleHasItsPort(text, '10.0.0.1:6080');
});

test('a second address over TLS of a shared frontend is told as lost', () => {
  for (const address of ['10.0.0.251:8443', 'fe80::1%eth0:8443']) {
    const second = `bind ${address} ssl crt /x.pem`;
    const text = shared(`bind 10.0.0.250:443 ssl crt /x.pem\n ${second}`);
    assert.equal(text.env.PORTAL_LISTEN, '10.0.0.250:443');
    assertConsoleHasItsPort(text, '10.0.0.250:6080');
    assert.match(text.reason(second), /second address over TLS; the portal has one/);
  }
});

test('a shared frontend on several hosts has the console on all addresses, as the portal', () => {
  const text = shared('bind :443,:::443 ssl crt /x.pem');
  assert.equal(text.env.PORTAL_LISTEN, ':443');
  assertConsoleHasItsPort(text, ':6080');
});

test('a port of a shared frontend that a rule has for consoles is the console', () => {
  const { env } = shared(
    'bind 10.0.0.1:8443 ssl crt /x.pem\n bind 10.0.0.1:443 ssl crt /x.pem',
    'dst_port 8443',
  );
  assert.equal(env.PORTAL_LISTEN, '10.0.0.1:443');
  assert.equal(env.CONSOLE_LISTEN, '10.0.0.1:8443');
});

test('a console with a frontend of its own keeps that address, whatever it shares besides', () => {
  const { env } = importText(
    'frontend web\n mode http\n bind 10.0.0.1:443 ssl crt /x.pem\n bind 10.0.0.1:8443 ssl crt /x.pem\n' +
      ' use_backend novnc if { path_beg /vnc }\n default_backend horizon\n' +
      'frontend novnc-front\n mode http\n bind 10.0.0.1:6081 ssl crt /x.pem\n default_backend novnc\n' +
      'backend horizon\n mode http\n server a 10.0.0.11:80\nbackend novnc\n mode http\n server a 10.0.0.11:6080\n',
  );
  assert.equal(env.PORTAL_LISTEN, '10.0.0.1:443');
  assert.equal(env.CONSOLE_LISTEN, '10.0.0.1:6081');
});

test('variables in addresses are replaced, in quotes or not, and those that are not set are told', () => {
  const { env, reason } = importText(
    'global\n setenv HZ 10.0.0.11\n setenv VIP 10.0.0.1\n' +
      'listen horizon\n mode http\n bind ipv4@$VIP:443,${VIP}:8443 ssl crt /x.pem\n bind ${NONE}:80\n' +
      " server one ${HZ}:80\n server two '$HZ:81'\n server three ${OTHER}:80 check\n",
    { environment: (name) => (name === 'HZ' ? '10.9.9.9' : undefined) },
  );
  assert.equal(env.PORTAL_LISTEN, '10.0.0.1:443');
  assert.equal(
    env.PORTAL_BACKENDS,
    'http://10.0.0.11:80 name=one, http://10.0.0.11:81 name=two',
    'as setenv of the file has it',
  );
  assert.match(reason('server three ${OTHER}:80 check'), /variable OTHER, which is not set here/);
  assert.match(reason('bind ${NONE}:80'), /variable NONE, which is not set here/);
});
