/**
 * The first code of the application, and the smallest: it asks for what the first page shows while all other code is
 * still on its way.
 */
import { addressOf } from "@/api/client";
import { askEarly } from "@/api/early";
import { expectPage } from "@/app/first";
import { firstStepsAreDone } from "@/app/preferences";
import { firstPage } from "@/features/studies/address";
import { readState } from "@/features/studies/state";

const place = location.pathname.slice(new URL(document.baseURI).pathname.length);

askEarly(addressOf("api/session"));
askEarly(addressOf("api/session/preferences"));
if (place === "studies" || (place === "" && firstStepsAreDone())) {
  expectPage();
  const { filters, order } = readState(new URLSearchParams(location.search));
  askEarly(firstPage(filters, order));
  void import("@/features/studies/StudiesPage");
}
void import("@/app/application");
