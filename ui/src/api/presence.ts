/**
 * Whether somebody is at the page. What it asks while nobody is, it asks by itself, and says so: such questions keep no
 * session alive, however often they are asked.
 */

/** Milliseconds after what somebody did in which what is asked may come of it. */
const AWAY = 20_000;

// To open a page is to do something.
let last = performance.now();

for (const deed of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"])
  window.addEventListener(deed, () => (last = performance.now()), { capture: true, passive: true });

export const isSomebodyThere = () => performance.now() - last < AWAY;
