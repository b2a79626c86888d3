/**
 * Where somebody wanted to go who had to log in first. The server writes it into the address of the login page, but so
 * may anybody: it leads nowhere but to paths of our own.
 */

/** A path in printable ASCII: one slash and not another, since two begin a host, and browsers take "\\" for one. */
const PATH = /^\/(?![/\\])[!-[\]-~]*$/;

/** Return where `next` of a query leads below `root`; `null` where it leads anywhere else. */
export function wayOnward(query: string, root: URL): URL | null {
  const next = new URLSearchParams(query).get("next") ?? "";
  if (!PATH.test(next)) return null;
  const target = new URL(next, root);
  const isOurs = target.origin === root.origin && target.pathname.startsWith(root.pathname);
  return isOurs && target.pathname !== `${root.pathname}ui/login` ? target : null;
}
