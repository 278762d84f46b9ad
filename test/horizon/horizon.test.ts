import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { openPage } from './lab/browser.ts';
import { crawl } from './lab/crawl.ts';
import type { DjangoClient } from './lab/dashboards.ts';
import { type Gateway, startGateway } from './lab/gateway.ts';
import { ADMIN } from './lab/keystone.ts';
import { Visitor } from './lab/visitor.ts';
import { type Lab, startLab } from './lab.ts';

/** Pages of Horizon that need a login: the list of projects, and one that is made quickly. */
const PAGE = '/identity/';
const QUICK_PAGE = '/settings/';
/** Where it sends those who have none. */
const LOGIN = '/auth/login/';

test('real Horizon behind the gateway', async (t) => {
  const first = { client: 'pymemcache', proxySsl: true } as const;
  const lab = await startLab(t, first);
  await t.test('with SECURE_PROXY_SSL_HEADER', (t) => everything(t, lab, first.proxySsl));

  await lab.restartDashboards({ client: 'pymemcache', proxySsl: false });
  await t.test('without SECURE_PROXY_SSL_HEADER', (t) => everything(t, lab, false));

  for (const client of ['pylibmc', 'memcached'] satisfies DjangoClient[]) {
    await lab.restartDashboards({ client, proxySsl: true });
    await t.test(`with the memcached client ${client}`, async (t) => {
      const gateway = await startGatewayOf(t, lab, `gateway-${client}`);
      await t.test('one login is good on all three Horizons', () => sharesSession(lab, gateway));
    });
  }
});

async function everything(t: TestContext, lab: Lab, proxySsl: boolean): Promise<void> {
  const name = proxySsl ? 'gateway-proxy-ssl' : 'gateway-plain';
  const gateway = await startGatewayOf(t, lab, name);
  const visit = () => new Visitor(gateway.portal, gateway.ca);

  await t.test(
    'a login sets a session cookie that is Secure, HttpOnly and SameSite=Lax',
    async () => {
      const answer = await visit().login();
      assert.equal(answer.status, 302);
      assert.equal(answer.headers.location, '/');
      const cookie = answer.setCookies.find((line) => line.startsWith('sessionid='));
      const attributes = cookie
        ?.split(/;\s*/)
        .slice(1)
        .map((each) => each.toLowerCase());
      for (const wanted of ['secure', 'httponly', 'samesite=lax', 'path=/']) {
        assert.ok(attributes?.includes(wanted), `${wanted} is missing from the session cookie`);
      }
    },
  );

  await t.test('one login is good on all three Horizons', () => sharesSession(lab, gateway));

  await t.test('a form without its CSRF token, or with a foreign one, is refused', async () => {
    const visitor = visit();
    const { csrfmiddlewaretoken: _, ...form } = await visitor.loginForm();
    const headers = { referer: `${gateway.portal}${LOGIN}`, origin: gateway.portal };
    const foreign = (await visit().loginForm()).csrfmiddlewaretoken!;
    for (const sent of [form, { ...form, csrfmiddlewaretoken: foreign }]) {
      const answer = await visitor.send(LOGIN, { form: sent, headers });
      assertRefused(answer.headers.location);
    }
    assert.ok(!visitor.cookies.has('sessionid'));
  });

  // Django looks at the Referer where it knows that the request came over HTTPS; Origin means
  // nothing yet to Django 3.2, and does not make up for a missing Referer.
  if (proxySsl) {
    await t.test('a form sent from anywhere but this site over HTTPS is refused', async () => {
      const { host, port } = new URL(gateway.portal);
      const visitor = visit();
      const form = await visitor.loginForm();
      for (const headers of [
        { referer: 'https://evil.example/auth/login/' },
        { referer: `http://${host}${LOGIN}` },
        { referer: `https://127.0.0.1:${Number(port) + 1}${LOGIN}` },
        { origin: 'https://evil.example' },
        {},
      ]) {
        const answer = await visitor.send(LOGIN, { form, headers });
        assertRefused(answer.headers.location);
      }
      const fair = await visitor.send(LOGIN, { form, headers: { referer: `https://${host}/x` } });
      assert.equal(fair.headers.location, '/');
    });
  }

  await t.test('no address of the http kind and of no backend reaches the browser', async () => {
    const visitor = visit();
    const visited = await crawl(visitor);
    for (const { request, headers, body } of visitor.answers) {
      for (const name of ['location', 'x-horizon-location']) {
        const address = String(headers[name] ?? '/');
        const own = /^\/(?!\/)/.test(address) || address.startsWith(`${gateway.portal}/`);
        assert.ok(own, `${name} of ${request} is ${address}`);
      }
      for (const { url } of [{ url: gateway.portal.replace('https', 'http') }, ...lab.dashboards]) {
        assert.ok(!body.includes(url), `${request} has ${url} in its page`);
      }
    }
    // The crawl has seen what it was sent out to see.
    const absolute = visitor.answers.filter(({ headers }) =>
      headers.location?.startsWith('https:'),
    );
    assert.notEqual(absolute.length, 0, 'absolute redirects');
    assert.ok(visitor.answers.some(({ headers }) => headers['x-horizon-location']));
    assert.ok(visited.length >= 20, `only ${visited.length} pages were found`);
    for (const path of ['/identity/users/', '/admin/info/', '/project/api_access/', QUICK_PAGE]) {
      const shown = visitor.answers.filter(({ request }) => request === `GET ${path}`);
      assert.ok(
        shown.some(({ status }) => status === 200),
        `${path} was not shown`,
      );
    }
  });

  await t.test('after a logout the session opens no Horizon, by whichever way', async () => {
    const visitor = visit();
    await visitor.login();
    const cookie = `sessionid=${visitor.cookies.get('sessionid')}`;
    const ways = [
      { dashboards: lab.dashboards, visitor: visit() },
      ...lab.dashboards.map((each) => ({ dashboards: [each], visitor: new Visitor(each.url) })),
    ];
    const statuses = async () => {
      const seen = new Set<string>();
      for (const { visitor, dashboards } of ways) {
        for (const answer of await visitor.getFromAll(QUICK_PAGE, dashboards, { cookie })) {
          const target = answer.headers.location ?? '';
          seen.add(`${answer.status} ${new URL(target, visitor.origin).pathname}`);
        }
      }
      return [...seen];
    };
    assert.deepEqual(await statuses(), ['200 /']);
    const answer = await visitor.get('/auth/logout/');
    assert.equal(answer.headers.location, LOGIN);
    assert.ok(!visitor.cookies.has('sessionid'), 'the logout takes the cookie back');
    assert.deepEqual(await statuses(), [`302 ${LOGIN}`]);
  });

  await t.test('a person logs in with a browser and meets no mixed content', async (t) => {
    const { page, complaints } = await openPage(t, gateway.portal);
    await page.goto(`${gateway.portal}${PAGE}`);
    await page.fill('#id_username', ADMIN.username);
    await page.fill('#id_password', ADMIN.password);
    await page.click('#loginBtn');
    await page.waitForURL(`${gateway.portal}${PAGE}`);
    await page.getByRole('cell', { name: ADMIN.username, exact: true }).first().waitFor();
    await page.screenshot({ path: join(tmpdir(), `dashgate-horizon-${name}.png`) });
    const cookies = await page.context().cookies();
    const { secure, httpOnly, sameSite } = cookies.find((each) => each.name === 'sessionid')!;
    assert.deepEqual(
      { secure, httpOnly, sameSite },
      { secure: true, httpOnly: true, sameSite: 'Lax' },
    );
    assert.deepEqual(complaints, []);
  });

  await t.test('a session survives the sudden death of the Horizon that it began on', async () => {
    const visitor = visit();
    const began = await visitor.login();
    const dead = lab.dashboards.find((dashboard) => dashboard.name === began.dashboard)!;
    await dead.program.kill();
    for (let n = 0; n < 30; n += 1) {
      const answer = await visitor.get(QUICK_PAGE);
      assert.equal(answer.status, 200);
      assert.notEqual(answer.dashboard, dead.name);
    }
  });
}

async function sharesSession(lab: Lab, gateway: Gateway): Promise<void> {
  const visitor = new Visitor(gateway.portal, gateway.ca);
  await visitor.login();
  for (const answer of await visitor.getFromAll(PAGE, lab.dashboards)) {
    assert.equal(answer.status, 200, `${answer.dashboard} sends to ${answer.headers.location}`);
    assert.match(answer.body, /class="user-name"/);
  }
}

/** Django's refusal, as Horizon words it: back to the login page. */
function assertRefused(location: string | undefined): void {
  assert.match(location ?? '', /^\/auth\/login\/\?csrf_failure=./);
}

async function startGatewayOf(t: TestContext, lab: Lab, name: string): Promise<Gateway> {
  const gateway = await startGateway(lab.programs, name, {
    portal: lab.dashboards.map((dashboard) => dashboard.url),
    portalHealthPath: LOGIN,
    console: lab.consoles,
    memcached: lab.nodes.map((node) => node.address),
  });
  t.after(() => gateway.program.stop());
  return gateway;
}
