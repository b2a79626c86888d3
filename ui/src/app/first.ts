/** When what a page is opened for is shown. What else it needs comes after that, and does not stand in its way. */

/** Milliseconds after which nobody waits for the first rows any more. */
const PATIENCE = 3000;

let shown: Promise<void> = Promise.resolve();
let tell: () => void = () => undefined;

/** Hold back what is not needed for the first rows of a list until {@link rowsShown}. */
export function expectRows(): void {
  shown = new Promise((resolve) => {
    tell = resolve;
    setTimeout(resolve, PATIENCE);
  });
}

/** Say that the rows are there, or that there will be none. */
export const rowsShown = () => tell();

/** Resolves when the rows are there; at once where none are expected. */
export const whenShown = () => shown;
