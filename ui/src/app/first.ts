/** When what a page is opened for is shown. What else it needs comes after that, and does not stand in its way. */

/** Milliseconds after which nobody waits for it any more. */
const PATIENCE = 3000;

let shown: Promise<void> = Promise.resolve();
let tell: () => void = () => undefined;

/** Hold back what is not needed for the first rows of a list, or the first picture, until {@link pageShown}. */
export function expectPage(): void {
  shown = new Promise((resolve) => {
    tell = resolve;
    setTimeout(resolve, PATIENCE);
  });
}

/** Say that it is shown, or that it will not be. */
export const pageShown = () => tell();

/** Resolves when it is shown; at once where nothing is expected. */
export const whenShown = () => shown;
