import { type Html, html } from '../html.ts';
import { consolePageUrl, type Instance } from './dashboard-instances.ts';
import { accent, csrfField, layout, type Site, type Viewer } from './dashboard-layout.ts';
import type { DashboardSession } from './dashboard-session.ts';
import type { UploadResult } from './dashboard-transfers.ts';

export interface LoginForm {
  readonly csrfToken: string;
  readonly user?: string;
  readonly next?: string;
  /** Why the form is shown again. */
  readonly problem?: string;
}

export function loginPage(site: Site, form: LoginForm): string {
  const body = html`<section class="card narrow">
<h1>Sign in</h1>
${form.problem !== undefined && html`<p class="problem" role="alert">${form.problem}</p>`}
<form method="post" action="${site.webroot}auth/login/" class="stack">
${csrfField(form.csrfToken)}
${form.next !== undefined && html`<input type="hidden" name="next" value="${form.next}">`}
<input type="hidden" name="region" value="default">
<label for="id_username">User name</label>
<input id="id_username" name="username" value="${form.user ?? ''}" autocomplete="username" autocapitalize="none" required autofocus>
<label for="id_password">Password</label>
<input id="id_password" name="password" type="password" autocomplete="current-password" required>
<button class="primary">Sign in</button>
</form>
</section>`;
  return layout(site, { title: 'Sign in', body });
}

export function overviewPage(site: Site, viewer: Viewer, session: DashboardSession): string {
  const body = html`<h1>Overview</h1>
<div class="grid halves">
<section class="card">
<h2>This page</h2>
<p class="figure ${accent(site.name)}" data-served-by="${site.name}">${site.name}</p>
<p>served this page. Any dashboard can serve the next one: the session lies in memcached.</p>
<p class="actions"><a class="button primary" href="${site.webroot}project/">Load again</a></p>
</section>
<section class="card">
<h2>This session</h2>
<p class="figure" data-requests="${session.requests ?? 0}">${session.requests ?? 0}</p>
<p>requests since you signed in as ${viewer.user}.</p>
</section>
<section class="card wide">
<h2>Who served this session</h2>
${countsTable(session)}
</section>
<section class="card wide" id="live" data-url="${site.webroot}project/api/status/">
<h2>Live</h2>
<p>One background request a second, and who answered it.</p>
<ol class="strip" aria-label="The latest answers" hidden></ol>
<p class="actions"><button type="button" hidden>Start</button></p>
<noscript><p>Watching live needs JavaScript; the link above does not.</p></noscript>
</section>
</div>`;
  const script = '/static/dashboard/live.js';
  return layout(site, { title: 'Overview', section: 'overview', viewer, body, script });
}

function countsTable(session: DashboardSession): Html {
  const counts = Object.entries(session.served_by ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const most = Math.max(1, ...counts.map(([, count]) => count));
  return html`<table>
<thead><tr><th scope="col">Dashboard</th><th scope="col">Share</th><th scope="col" class="number">Requests</th></tr></thead>
<tbody>
${counts.map(
  ([name, count]) => html`<tr data-instance="${name}" data-count="${count}">
<th scope="row"><span class="badge ${accent(name)}">${name}</span></th>
<td><progress class="${accent(name)}" value="${count}" max="${most}" aria-label="Requests served by ${name}"></progress></td>
<td class="number">${count}</td>
</tr>
`,
)}</tbody>
</table>`;
}

export function instancesPage(site: Site, viewer: Viewer, instances: readonly Instance[]): string {
  const body = html`<h1>Instances</h1>
<section class="card scroll">
<table>
<thead><tr><th scope="col">Name</th><th scope="col">Image</th><th scope="col">Address</th><th scope="col">Flavor</th><th scope="col">State</th><th scope="col">Actions</th></tr></thead>
<tbody>
${instances.map(
  (instance) => html`<tr>
<th scope="row">${instance.name}</th>
<td>${instance.image}</td>
<td><code>${instance.address}</code></td>
<td>${instance.flavor}</td>
<td><span class="state">Active</span></td>
<td><a class="button" href="${site.webroot}project/instances/${instance.id}/console/">Console<span class="away"> of ${instance.name}</span></a></td>
</tr>
`,
)}</tbody>
</table>
</section>`;
  return layout(site, { title: 'Instances', section: 'instances', viewer, body });
}

export function consolePage(
  site: Site,
  viewer: Viewer,
  instance: Instance,
  console: { readonly url: string; readonly token: string },
): string {
  const address = consolePageUrl(console.url, console.token, instance);
  const body = html`<h1>Console of ${instance.name}</h1>
<p>If the console does not answer to the keyboard, click on its screen. <a href="${address}">Show only the console</a></p>
<iframe class="console" src="${address}" title="Console of ${instance.name}"></iframe>`;
  return layout(site, { title: instance.name, section: 'instances', viewer, body });
}

export function transfersPage(site: Site, viewer: Viewer, upload?: UploadResult): string {
  const project = `${site.webroot}project`;
  const body = html`<h1>Transfers</h1>
${upload !== undefined && uploadResult(upload)}
<div class="grid">
<section class="card">
<h2>Upload an image</h2>
<form method="post" action="${project}/upload/" enctype="multipart/form-data" class="stack">
${csrfField(viewer.csrfToken)}
<label for="file">File of any size</label>
<input id="file" name="file" type="file" required>
<button class="primary">Upload</button>
</form>
</section>
<section class="card">
<h2>Download an image</h2>
<p>The same bytes from every dashboard; their SHA-256 is in the header <code>X-Content-SHA256</code>.</p>
<p class="actions">${[1, 16, 256].map(
    (mb) => html`<a class="button" href="${project}/download/?mb=${mb}" download>${mb} MiB</a> `,
  )}</p>
</section>
<section class="card">
<h2>A slow page</h2>
<p>An answer that takes its time, as Horizon's do when an API is slow.</p>
<p class="actions">${[2, 10, 30].map(
    (s) => html`<a class="button" href="${project}/slow/?ms=${s * 1000}">${s} s</a> `,
  )}</p>
</section>
</div>`;
  return layout(site, { title: 'Transfers', section: 'transfers', viewer, body });
}

function uploadResult(upload: UploadResult): Html {
  return html`<section class="card result" role="status" data-bytes="${upload.bytes}" data-sha256="${upload.sha256}">
<h2>Received ${upload.name}</h2>
<dl>
<dt>Size</dt><dd>${upload.bytes.toLocaleString('en')} bytes</dd>
<dt>SHA-256</dt><dd><code>${upload.sha256}</code></dd>
</dl>
</section>`;
}

export function slowPage(site: Site, viewer: Viewer, ms: number): string {
  const body = html`<h1>A slow page</h1>
<section class="card">
<p class="figure">${ms / 1000} s</p>
<p>is how long the dashboard waited before it answered.</p>
<p class="actions"><a class="button" href="${site.webroot}project/transfers/">Back to transfers</a></p>
</section>`;
  return layout(site, { title: 'A slow page', section: 'transfers', viewer, body });
}

/** The page of an error, for everyone; it tells nothing of the inside. */
export function errorPage(site: Site, status: number): string {
  const [title, text] =
    status === 404
      ? ['Not found', 'There is no page at this address.']
      : status < 500
        ? ['The request could not be served', 'It was incomplete, or your session has ended.']
        : [
            'Something went wrong',
            'The dashboard could not make this page. Trying again may help.',
          ];
  const body = html`<section class="card narrow">
<p class="figure">${status}</p>
<h1>${title}</h1>
<p>${text}</p>
<p class="actions"><a class="button" href="${site.webroot}">To the start</a></p>
</section>`;
  return layout(site, { title, body });
}
