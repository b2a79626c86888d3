/** The first code of the viewer, and the smallest: it asks for what is opened while all other code is on its way. */
import { addressOf } from "@/api/client";
import { askEarly } from "@/api/early";
import { expectPage } from "@/app/first";

import { readAddress } from "./address";
import { showGlimpse } from "./glimpse";
import { askForOpened } from "./study/opening";

/**
 * Milliseconds after which the other code begins in any case. Before that it would stand in the way of the answers, one
 * of which leads to the next; all of it is being fetched meanwhile.
 */
const PATIENCE = 1000;

const { studies, series } = readAddress(new URL(location.href), new URL(document.baseURI));

expectPage();
askEarly(addressOf("api/session"));
askEarly(addressOf("api/session/preferences"));
const opened = askForOpened(studies, series, showGlimpse).then(nextFrame);
// What failed is asked for again, and told, by the window.
void Promise.race([opened, after(PATIENCE)])
  .catch(() => undefined)
  .then(() => import("./window"));

/** What has been drawn is seen before anything else is done. */
function nextFrame(): Promise<void> {
  return new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

function after(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
