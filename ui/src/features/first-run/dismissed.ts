/** Whether an administrator has put the first steps away. */
const KEPT = "calotype.first-run.done";

export const isDismissed = () => localStorage.getItem(KEPT) !== null;
export const dismiss = () => localStorage.setItem(KEPT, "1");
