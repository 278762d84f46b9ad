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

/** What the page looks like, served at `/page/login.css`. */
export const LOGIN_STYLE = `:root { color-scheme: light dark; font-family: system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f4f6f8, #14181d); color: light-dark(#1c2430, #e6eaf0); }
main { width: min(22rem, calc(100vw - 2rem)); box-sizing: border-box; padding: 1.5rem; border-radius: .75rem; background: light-dark(#fff, #1d232b); box-shadow: 0 1px 4px #0003; }
h1 { margin: 0 0 1rem; font-size: 1.25rem; }
label { display: block; margin-bottom: .35rem; }
input, button { width: 100%; box-sizing: border-box; padding: .6rem; font: inherit; border-radius: .4rem; border: 1px solid light-dark(#8a94a3, #5d6878); background: transparent; color: inherit; }
button { margin-top: .75rem; border: 0; background: #1f5fbf; color: #fff; cursor: pointer; }
:focus-visible { outline: 3px solid #5b9bff; outline-offset: 2px; }
[role=alert] { margin: 0 0 .75rem; padding: .5rem .75rem; border-radius: .4rem; background: light-dark(#fde8e8, #4a1f22); }
.hint { margin: 1rem 0 0; font-size: .875rem; color: light-dark(#51607a, #a9b4c4); }
`;
