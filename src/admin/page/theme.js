// Runs before the page is drawn, so that it does not flash in the other colours.
(() => {
  const root = document.documentElement;
  root.classList.add('live');
  try {
    const theme = localStorage.getItem('dashgate-theme');
    if (theme === 'dark' || theme === 'light') root.dataset.theme = theme;
  } catch {
    // A browser that keeps nothing goes by the system.
  }
})();
