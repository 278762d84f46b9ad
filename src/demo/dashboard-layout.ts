import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Html, html } from '../html.ts';
import { CSRF_FIELD } from './dashboard-csrf.ts';

const ACCENTS = 6;

/** Part of the page rather than a request of its own, so that a reload moves on to another server. */
const LOGO = new Html(
  readFileSync(join(import.meta.dirname, 'static', 'dashboard', 'logo.svg'), 'utf8').trim(),
);

/** What every page of one dashboard shares. */
export interface Site {
  /** The dashboard instance that serves the page. */
  readonly name: string;
  /** The path under which the dashboard lives, with a slash at both ends. */
  readonly webroot: string;
}

/** Who looks at a page, and with which CSRF token their forms go out. */
export interface Viewer {
  readonly user: string;
  readonly csrfToken: string;
}

export interface PageParts {
  readonly title: string;
  readonly body: Html;
  /** Absent on pages for everyone: these have no navigation. */
  readonly viewer?: Viewer;
  /** The section of the navigation that the page belongs to. */
  readonly section?: string;
  readonly script?: string;
}

/** A whole page, ready to be sent. */
export function layout(site: Site, parts: PageParts): string {
  const { title, body, viewer, script } = parts;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Dashboard</title>
<link rel="icon" href="/static/dashboard/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/dashboard/dashboard.css">
${script !== undefined && html`<script src="${script}" defer></script>`}
</head>
<body data-served-by="${site.name}">
<a class="skip" href="#content">Skip to content</a>
<header class="top">
<a class="brand" href="${site.webroot}">${LOGO}Dashboard</a>
${viewer !== undefined && navigation(site, parts.section)}
<div class="session">
${servedBy(site.name)}
${viewer !== undefined && userMenu(site, viewer)}
</div>
</header>
<main id="content">
${body}
</main>
</body>
</html>
`.text;
}

/** The name of a dashboard instance in its own colour. */
export function servedBy(name: string): Html {
  return html`<span class="badge ${accent(name)}"><span class="badge-label">served by</span> ${name}</span>`;
}

/** The hidden field that a form sends its CSRF token in. */
export function csrfField(token: string): Html {
  return html`<input type="hidden" name="${CSRF_FIELD}" value="${token}">`;
}

/** The class of a name's colour: names that end in consecutive digits get different ones. */
export function accent(name: string): string {
  const sum = [...name].reduce((total, character) => total + character.codePointAt(0)!, 0);
  return `accent-${sum % ACCENTS}`;
}

function navigation(site: Site, current: string | undefined): Html {
  const sections = [
    ['overview', '', 'Overview'],
    ['instances', 'instances/', 'Instances'],
    ['transfers', 'transfers/', 'Transfers'],
  ] as const;
  return html`<nav aria-label="Project">
${sections.map(
  ([id, path, label]) =>
    html`<a href="${site.webroot}project/${path}"${id === current && html` aria-current="page"`}>${label}</a>
`,
)}</nav>`;
}

function userMenu(site: Site, viewer: Viewer): Html {
  return html`<span class="user">${viewer.user}</span>
<form method="post" action="${site.webroot}auth/logout/">
${csrfField(viewer.csrfToken)}
<button class="quiet">Sign out</button>
</form>`;
}
