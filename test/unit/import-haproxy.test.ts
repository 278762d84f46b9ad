// biome-ignore-all lint/suspicious/noTemplateCurlyInString: HAProxy's variables look like this
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Draft } from '../../src/import-haproxy/draft.ts';
import { NothingToImport } from '../../src/import-haproxy/import.ts';
import { fixture, type ImportedText, importText } from '../support/import-haproxy.ts';

/** A portal over TLS and nothing else, with more lines in its two sections. */
function portal(front = '', back = '', options = {}): ImportedText {
  return importText(
    `frontend horizon\n bind 10.0.0.1:443 ssl crt /etc/ssl/portal.pem\n mode http\n ${front}\n default_backend horizon-back\n` +
      `backend horizon-back\n mode http\n server one 10.0.0.11:80 check\n ${back}\n`,
    options,
  );
}

test('the two-service file of the old stack imports whole', () => {
  const { env, imported, reason } = importText(fixture('legacy-1.4'));
  assert.equal(env.PORTAL_LISTEN, 'controller-public:443');
  assert.equal(env.PORTAL_REDIRECT_LISTEN, 'controller-public:80');
  assert.equal(
    env.PORTAL_BACKENDS,
    'http://controller01:80 name=server01, http://controller02:80 name=server02, http://controller03:80 name=server03',
  );
  assert.equal(env.CONSOLE_LISTEN, 'controller-public:6080');
  // Websockets had one server with a limit; it is the same address as one of the pages.
  assert.equal(
    env.CONSOLE_BACKENDS,
    'http://controller01:6080 name=server01 maxconn=8192, http://controller02:6080 name=server02, http://controller03:6080 name=server03',
  );
  assert.deepEqual([env.TLS_CERT, env.TLS_KEY], ['', '']);
  assert.equal(env.CONNECT_TIMEOUT, '5s');
  assert.equal(env.CLIENT_TIMEOUT, '1m');
  assert.equal(env.SERVER_TIMEOUT, '1m');
  assert.equal(env.QUEUE_TIMEOUT, '1m');
  assert.equal(env.HEADER_TIMEOUT, '10s');
  assert.equal(env.KEEPALIVE_TIMEOUT, '10s');
  assert.equal(env.HEALTH_TIMEOUT, '10s');
  assert.equal(env.RETRIES, '3');
  assert.equal(env.MAX_CONNECTIONS, '16384');
  assert.equal(env.PORTAL_DENY, '/server-status,/server-info');
  assert.equal(env.TUNNEL_TIMEOUT, undefined, 'an idle console is not cut after a minute');
  assert.equal(env.PORTAL_AFFINITY, undefined);

  assert.match(
    reason('cookie SERVERID insert indirect nocache'),
    /share their sessions.*--keep-affinity/,
  );
  assert.match(
    reason('server server02 controller02:80 check cookie server02'),
    /^cookie server02: /,
  );
  assert.match(
    reason('server server02 controller02:6080 check cookie server02'),
    /a websocket stays/,
  );
  assert.match(reason('option forceclose'), /told apart from websockets/);
  assert.match(reason('reqadd  X-Forwarded-Proto:\\ https'), /X-Forwarded-For, -Proto/);
  assert.match(
    reason('rspirep ^Location:\\ http://(.*)  Location:\\ https://\\1'),
    /kept on https/,
  );
  for (const line of [
    'frontend novncproxy controller-public:6080',
    'acl is_websocket hdr(Upgrade) -i WebSocket',
    'use_backend websocket-backend if is_websocket',
    'balance roundrobin',
    'contimeout              5000',
  ]) {
    assert.equal(reason(line), '', line);
  }
  const notes = imported.draft.get('PORTAL_LISTEN')!.notes.join();
  assert.match(notes, /without TLS.*Stud/);
});

test('sticky sessions are kept where that is asked for, by the values of the cookie', () => {
  const text = fixture('legacy-1.4').replaceAll('cookie server0', 'cookie dash0');
  const { env, reason } = importText(text, { keepAffinity: true });
  assert.equal(env.PORTAL_AFFINITY, 'cookie');
  assert.equal(env.PORTAL_AFFINITY_COOKIE, 'SERVERID');
  assert.match(env.PORTAL_BACKENDS!, /^http:\/\/controller01:80 name=dash01, /);
  assert.match(env.CONSOLE_BACKENDS!, /name=server01/);
  assert.equal(reason('server server01 controller01:80 check cookie dash01'), '');
  const { reason: why } = portal('', 'cookie SRV prefix domain .example', { keepAffinity: true });
  assert.match(why('cookie SRV prefix domain .example'), /^prefix domain \.example: .*insert/);
});

test('every line of every file is either carried over or listed with a reason', () => {
  for (const name of ['legacy-1.4', 'kolla', 'openstack-ansible', 'tripleo', 'broken']) {
    const text = fixture(name);
    const { imported, report } = importText(text);
    const said = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
    assert.equal(imported.lines.length, said.length, name);
    for (const line of imported.lines) {
      if (imported.isCarried(line)) continue;
      assert.ok(imported.dropsOf(line)[0]?.reason, `${name}:${line.number} ${line.text}`);
      assert.match(report, new RegExp(`^ *${line.number}  `, 'm'), `${name}:${line.number}`);
    }
  }
});

test('a file as Kolla-Ansible writes it becomes TLS, a plain listener for inside, and a redirect', () => {
  const { env, reason, report } = importText(fixture('kolla'));
  assert.equal(env.PORTAL_LISTEN, '192.0.2.10:443');
  assert.equal(env.PORTAL_PLAIN_LISTEN, '10.10.0.10:80');
  assert.equal(env.PORTAL_REDIRECT_LISTEN, '192.0.2.10:80');
  assert.equal(
    env.PORTAL_BACKENDS,
    'http://10.10.0.11:8080 name=controller01, http://10.10.0.12:8080 name=controller02, http://10.10.0.13:8080 name=controller03 backup',
  );
  assert.equal(env.TLS_CERT, '/etc/haproxy/certificates/haproxy.pem');
  assert.equal(env.TLS_KEY, env.TLS_CERT);
  assert.equal(env.HSTS, 'max-age=15768000; includeSubDomains');
  assert.equal(env.PORTAL_DENY, '/server-status,/server-info,/private,/metrics');
  assert.equal(env.PORTAL_HEALTH_METHOD, 'OPTIONS');
  assert.equal(env.PORTAL_HEALTH_EXPECT, '200-399');
  assert.equal(env.HEALTH_FALL, '5');
  assert.equal(env.CLIENT_TIMEOUT, '1m', 'the hour of the console is for websockets');
  assert.equal(env.TUNNEL_TIMEOUT, '4h');
  assert.match(
    reason('http-request deny if { path /metrics } !{ src 10.10.0.0/16 }'),
    /to everybody/,
  );
  assert.equal(env.RATE_LIMITS, '100/10s on /');
  assert.equal(reason('http-request track-sc0 src'), '');
  assert.match(reason('frontend keystone_external_front'), /is Keystone/);
  assert.match(reason('bind 10.10.0.10:1984'), /status page/);
  assert.match(report, /stats auth openstack:…/);
});

test('a file as OpenStack-Ansible writes it keeps TLS to the dashboards and its check', () => {
  const { env, reason } = importText(fixture('openstack-ansible'));
  assert.equal(
    env.PORTAL_BACKENDS,
    'https://10.20.0.11:443 name=infra1 weight=2 ca=/etc/haproxy/ssl/internal-ca.pem sni=horizon.internal, https://10.20.0.13:443 name=infra3 ca=/etc/haproxy/ssl/internal-ca.pem sni=horizon.internal, https://10.20.0.14:443 name=spare backup verify=off send-proxy-v2',
  );
  assert.equal(env.PORTAL_ROOT_REDIRECT, '/dashboard/');
  assert.equal(env.PORTAL_HEALTH_METHOD, 'HEAD');
  assert.equal(env.PORTAL_HEALTH_PATH, '/dashboard/auth/login/');
  assert.equal(env.PORTAL_HEALTH_HOST, 'horizon.example');
  assert.equal(env.PORTAL_HEALTH_EXPECT, '200-399');
  assert.equal(env.CONSOLE_HEALTH_EXPECT, '200-299,304');
  assert.equal(env.CONSOLE_BACKENDS, 'http://10.20.0.10:6080 name=console');
  assert.equal(
    env.TLS_CERT,
    '/etc/haproxy/ssl/haproxy_vip.pem,/etc/haproxy/ssl/haproxy_vip_rsa.pem',
  );
  assert.equal(env.HEALTH_INTERVAL, '12s');
  assert.equal(env.HEALTH_TIMEOUT, '12s');
  assert.equal(env.DRAIN_TIMEOUT, '5m');
  assert.match(reason('server infra2 "${SECOND}:443" disabled'), /is disabled/);
  assert.match(
    reason('use_backend letsencrypt-back if { path_beg /.well-known/acme-challenge/ }'),
    /none of Dashgate's/,
  );
  assert.match(reason('frontend nova_spice-front-1 from web'), /conditional block/);
  assert.match(
    reason(
      'server-template console 1-3 10.20.0.10:6080 check port 6080 on-marked-down shutdown-sessions',
    ),
    /several addresses is one backend/,
  );
});

test('a file as TripleO writes it keeps its ports, and its plain console is told', () => {
  const { env, reason } = importText(fixture('tripleo'));
  assert.equal(env.PORTAL_LISTEN, '198.51.100.8:443');
  assert.equal(env.PORTAL_REDIRECT_LISTEN, '0.0.0.0:80');
  assert.equal(env.CONSOLE_LISTEN, '198.51.100.8:13080');
  assert.equal(env.PORTAL_HEALTH_HOST, 'dashboard.example');
  assert.equal(env.PORTAL_ROOT_REDIRECT, '/dashboard/');
  assert.equal(env.MAX_CONNECTIONS, '8192', 'what both frontends may have together');
  assert.match(reason('bind 172.16.2.8:6080 transparent'), /without TLS/);
  assert.match(reason('listen ceph_dashboard'), /no dashboard and no console/);
  assert.match(
    reason('bind 198.51.100.8:443 transparent ssl crt /etc/pki/tls/private/overcloud_endpoint.pem'),
    /ip_nonlocal_bind/,
  );
});

test('settings that there may be are used where there are, and told where not', () => {
  const { env, reason } = portal('', 'balance leastconn');
  const word = Draft.firstGood('PORTAL_BALANCE', ['leastconn', 'least-connections']);
  assert.equal(env.PORTAL_BALANCE, word);
  assert.equal(reason('balance leastconn') === '', word !== undefined);

  const kept = portal('', 'balance source', { keepAffinity: true });
  assert.equal(kept.env.PORTAL_BALANCE, Draft.firstGood('PORTAL_BALANCE', ['source', 'hash']));
  assert.equal(portal('', 'balance source').env.PORTAL_BALANCE, undefined);

  const slow = portal('', 'server two 10.0.0.12:80 slowstart 30s');
  assert.equal(slow.env.SLOW_START, Draft.knows('SLOW_START') ? '30s' : undefined);

  const send = 'http-check send meth GET uri /x hdr X-Check yes';
  const checked = portal('', `option httpchk\n ${send}`);
  const headers = Draft.knows('PORTAL_HEALTH_HEADERS') ? 'X-Check: yes' : undefined;
  assert.equal(checked.env.PORTAL_HEALTH_HEADERS, headers);
  assert.equal(checked.reason(send) === '', headers !== undefined);
});

test('health checks are read in all their forms', () => {
  const of = (...lines: string[]) => {
    const { env } = portal('', ['option httpchk', ...lines].join('\n '));
    return [
      env.PORTAL_HEALTH_METHOD,
      env.PORTAL_HEALTH_PATH,
      env.PORTAL_HEALTH_EXPECT,
      env.PORTAL_HEALTH_HOST,
    ];
  };
  assert.deepEqual(of(), ['OPTIONS', '/', '200-399', undefined]);
  assert.deepEqual(of('option httpchk /status'), ['OPTIONS', '/status', '200-399', undefined]);
  assert.deepEqual(of('option httpchk HEAD /x HTTP/1.1\\r\\nHost:\\ www'), [
    'HEAD',
    '/x',
    '200-399',
    'www',
  ]);
  assert.deepEqual(of('http-check expect ! rstatus ^[45]'), ['OPTIONS', '/', '100-399', undefined]);
  assert.deepEqual(of('http-check expect status 200,302'), ['OPTIONS', '/', '200,302', undefined]);
  const post = portal('', 'option httpchk POST /x\n http-check expect string ready');
  assert.equal(post.env.PORTAL_HEALTH_METHOD, 'GET');
  assert.match(post.reason('http-check expect string ready'), /more than the status/);
  const none = portal();
  assert.equal(none.env.PORTAL_HEALTH_EXPECT, '200-499', 'as good as a connection');
});

test('what follows the address of a listener is read', () => {
  const { env, reason } = importText(
    'listen horizon\n bind :::443 v4v6 ssl crt a.pem crt /etc/ssl/b.pem accept-proxy verify required ca-file clients.pem\n' +
      ' mode http\n tcp-request connection expect-proxy layer4 if { src 10.9.0.0/16 10.8.0.1 }\n server one 10.0.0.11:80\n' +
      'global\n crt-base /etc/ssl/private\n',
  );
  assert.equal(env.PORTAL_LISTEN, ':443');
  assert.equal(env.TLS_CERT, '/etc/ssl/private/a.pem,/etc/ssl/b.pem');
  assert.equal(env.PROXY_PROTOCOL_FROM, '10.9.0.0/16,10.8.0.1');
  assert.equal(reason('crt-base /etc/ssl/private'), '');
  assert.match(
    reason(
      'bind :::443 v4v6 ssl crt a.pem crt /etc/ssl/b.pem accept-proxy verify required ca-file clients.pem',
    ),
    /not asked for certificates/,
  );
  assert.equal(env.CONSOLE_LISTEN, '', 'there is no console, so it is off');
});

test('without certificates or with a folder of them, they are to be filled in', () => {
  const { env, report } = importText(
    'listen horizon\n bind *:443 ssl crt /etc/ssl/all/\n mode http\n server one 10.0.0.11:80\n',
  );
  assert.deepEqual([env.PORTAL_LISTEN, env.TLS_CERT, env.TLS_KEY], ['0.0.0.0:443', '', '']);
  assert.match(report, /^To fill in: TLS_CERT, TLS_KEY\./m);
});

test('one frontend for both services leaves the console a port of its own', () => {
  const { env, reason, imported } = importText(
    'frontend https\n bind 10.0.0.1:443 ssl crt /etc/ssl/x.pem\n mode http\n' +
      ' use_backend novnc if { hdr(host) console.example }\n default_backend horizon\n' +
      'backend horizon\n mode http\n server one 10.0.0.11:80\n' +
      'backend novnc\n mode http\n server one 10.0.0.11:6080\n',
  );
  assert.equal(env.PORTAL_LISTEN, '10.0.0.1:443');
  assert.equal(env.CONSOLE_LISTEN, '10.0.0.1:6080');
  assert.match(imported.draft.get('CONSOLE_LISTEN')!.notes.join(), /novncproxy_base_url/);
  assert.match(
    reason('use_backend novnc if { hdr(host) console.example }'),
    /chooses by name or path/,
  );
});

test('TLS that was passed through ends here and begins anew', () => {
  const { env, imported } = importText(
    'listen horizon\n bind 10.0.0.1:443\n mode tcp\n server one 10.0.0.11:443 check\n',
  );
  assert.equal(env.PORTAL_LISTEN, '10.0.0.1:443');
  assert.equal(env.PORTAL_BACKENDS, 'https://10.0.0.11:443 name=one');
  assert.match(imported.draft.get('PORTAL_BACKENDS')!.notes.join(), /passed TLS through/);
});

test('ports of servers that follow the client are worked out', () => {
  const { env } = portal(
    '',
    'server two 10.0.0.12\n server three 10.0.0.13:+1000\n server four [2001:db8::1]:80',
  );
  assert.equal(
    env.PORTAL_BACKENDS,
    'http://10.0.0.11:80 name=one, http://10.0.0.12:443 name=two, http://10.0.0.13:1443 name=three, http://[2001:db8::1]:80 name=four',
  );
});

test('named defaults, defaults of defaults and files in a row apply as in HAProxy', () => {
  const { env } = importText(
    'defaults base\n timeout server 20s\n timeout connect 1s\n' +
      'defaults other from base\n timeout server 40s\n' +
      'defaults\n timeout server 99s\n' +
      'listen horizon from other\n bind :443 ssl crt /x.pem\n mode http\n server one 10.0.0.11:80\n no option redispatch\n',
  );
  assert.equal(env.SERVER_TIMEOUT, '40s');
  assert.equal(env.CONNECT_TIMEOUT, '1s');
});

test('long times of a console hold for websockets where there is no timeout tunnel', () => {
  const file = (time: string) =>
    'listen horizon\n bind :443 ssl crt /x.pem\n mode http\n timeout client 1m\n timeout server 1m\n server one 10.0.0.11:80\n' +
    `listen novnc\n bind :6080 ssl crt /x.pem\n mode http\n timeout client ${time}\n timeout server ${time}\n server one 10.0.0.11:6080\n`;
  const long = importText(file('8h')).env;
  assert.deepEqual([long.TUNNEL_TIMEOUT, long.CLIENT_TIMEOUT], ['8h', '1m']);
  assert.equal(importText(file('5m')).env.TUNNEL_TIMEOUT, undefined);
});

test('sections with other names are told by --portal and --console', () => {
  const text = 'listen web\n bind :443 ssl crt /x.pem\n mode http\n server one 10.0.0.11:80\n';
  assert.throws(
    () => importText(text),
    (error: Error) => {
      assert.ok(error instanceof NothingToImport);
      assert.match(error.message, /\(web\).*--portal NAME/);
      return true;
    },
  );
  assert.equal(
    importText(text, { portal: 'web' }).env.PORTAL_BACKENDS,
    'http://10.0.0.11:80 name=one',
  );
  assert.throws(
    () => importText(text, { console: 'novnc' }),
    /--console novnc: there is no such.*web/,
  );
  const alone = importText(text, { console: 'web' });
  assert.equal(alone.env.CONSOLE_BACKENDS, 'http://10.0.0.11:80 name=one');
  assert.equal(alone.env.PORTAL_BACKENDS, '', 'it is to be filled in');
  assert.throws(() => importText(fixture('nothing')), /none of its sections is a dashboard/);
  assert.throws(() => importText('hello world\n'), /no configuration of HAProxy's/);
});

test('passwords in the file are not repeated in the list', () => {
  for (const name of ['legacy-1.4', 'kolla', 'openstack-ansible', 'tripleo']) {
    assert.doesNotMatch(importText(fixture(name)).report, /very-secret/, name);
  }
  const { report } = portal(
    'http-request set-header Authorization "Basic very-secret"',
    'option httpchk GET / HTTP/1.1\\r\\nAuthorization:\\ Basic\\ very-secret',
  );
  assert.doesNotMatch(report, /very-secret/);
});

test('a value with a hash or quotes comes back from the .env as it was', () => {
  const { env } = importText(
    'frontend horizon\n bind :443 ssl crt "/etc/ssl/a#b.pem"\n mode http\n default_backend horizon-back\nbackend horizon-back\n server one 10.0.0.11:80\n',
  );
  assert.equal(env.TLS_CERT, '/etc/ssl/a#b.pem');
});
