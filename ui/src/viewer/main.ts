/** The first code of the viewer, and the smallest: it asks for what is opened while all other code is on its way. */
import { addressOf } from "@/api/client";
import { askEarly } from "@/api/early";
import { expectPage } from "@/app/first";

import { readAddress } from "./address";
import { askForOpened } from "./study/opening";

const { studies, series } = readAddress(new URL(location.href), new URL(document.baseURI));

expectPage();
askEarly(addressOf("api/session"));
askEarly(addressOf("api/session/preferences"));
askForOpened(studies, series);
void import("./window");
