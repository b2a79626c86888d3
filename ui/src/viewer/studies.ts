import { createContext } from "react";

import type { Study } from "./study/asking";

/** The studies of this window. */
export const Studies = createContext<readonly Study[]>([]);
