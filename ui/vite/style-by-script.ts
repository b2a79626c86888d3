/** Rewrites the one place where Cornerstone writes a `style` attribute, which the strict policy of our pages forbids. */
import type { Plugin } from "vite";

const FILE = "@cornerstonejs/tools/dist/esm/drawingSvg/drawTextBox.js";
const FORBIDDEN = "textElement.setAttribute('style', combinedStyle);";
const ALLOWED = "textElement.style.cssText = combinedStyle;";

export function styleByScript(): Plugin {
  return {
    name: "style-by-script",
    transform(code, id) {
      if (!id.endsWith(FILE)) return undefined;
      if (code.split(FORBIDDEN).length !== 2) {
        this.error("Cornerstone writes text boxes in another way now: look for style attributes again");
      }
      return { code: code.replace(FORBIDDEN, ALLOWED), map: null };
    },
  };
}
