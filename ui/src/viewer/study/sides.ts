/** Where the patient's sides are in a picture that says so in letters and not in coordinates, as radiographs do. */

const OPPOSITES: Record<string, string> = { A: "P", P: "A", R: "L", L: "R", H: "F", F: "H" };

const opposite = (letters: string) => letters.replace(/./g, (each) => OPPOSITES[each] ?? "");

/**
 * The side that lies towards `x` (along rows) and `y` (down columns); nothing where the picture does not say it.
 *
 * `orientation` is Patient Orientation (PS3.3 C.7.6.1.1.1): where rows and columns go to.
 */
export function sideAt(orientation: readonly string[], x: number, y: number): string {
  const along = Math.abs(x) >= Math.abs(y);
  const letters = orientation[along ? 0 : 1] ?? "";
  if (!/^[APRLHF]{1,3}$/.test(letters)) return "";
  return (along ? x : y) > 0 ? letters : opposite(letters);
}
