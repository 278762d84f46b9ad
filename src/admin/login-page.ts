import { type Html, html } from '../html.ts';

/** The page that asks for the password; works without JavaScript. */
export function loginPage(problem?: string): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Log in · Dashgate</title>
<link rel="icon" href="/page/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/page/login.css">
</head>
<body>
<main>
<h1>Dashgate</h1>
<form method="post" action="/login">
${problem !== undefined && html`<p role="alert">${problem}</p>`}
<label for="password">Password of the admin pages</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button type="submit">Log in</button>
</form>
<p class="hint">It is <code>ADMIN_PASSWORD</code> in the gateway's configuration.</p>
</main>
</body>
</html>
`;
}
