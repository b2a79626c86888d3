import { lazy } from "react";
import type { ComponentType, LazyExoticComponent } from "react";

import { whenShown } from "./first";

/** A component of which the code is fetched after what the page is opened for is shown. */
export function afterwards<Props extends object>(
  load: () => Promise<{ default: ComponentType<Props> }>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    await whenShown();
    return load();
  });
}
