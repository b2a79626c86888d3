import { Button } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, Route, Switch } from "wouter";

import { Empty } from "@/components/Empty";

import { Gate } from "./Gate";
import { home, places } from "./navigation";
import { useMay, useSession } from "./session";
import { Shell } from "./Shell";
import type { Place } from "./navigation";

const PasswordPage = lazy(() => import("@/features/login/PasswordPage"));
const Onward = lazy(() => import("./Onward"));
/** Not on the map: it is in the account's menu. */
const firstRun = { role: "admin", page: lazy(() => import("@/features/first-run/FirstRunPage")) } as const;

/** Login first, then the pages. */
export function App() {
  return (
    <Gate>
      <Shell>
        <Pages />
      </Shell>
    </Gate>
  );
}

function Pages() {
  const { t } = useTranslation();
  const { session } = useSession();
  if (session?.must_change_password) return <PasswordPage />;
  return (
    <Switch>
      <Route path="/">
        <Home />
      </Route>
      <Route path="/login" component={Onward} />
      <Route path="/password" component={PasswordPage} />
      <Route path="/first-run">
        <Guarded place={firstRun} />
      </Route>
      {places.map((place) => (
        <Route key={place.name} path={`/${place.name}/*?`}>
          <Guarded place={place} />
        </Route>
      ))}
      <Route>
        <Empty icon={IconMapOff} title={t("state.unknown-page")}>
          <Button component={Link} href="/" variant="default">
            {t("state.home")}
          </Button>
        </Empty>
      </Route>
    </Switch>
  );
}

/** Whoever sets up an archive begins with the first steps, everybody else with the studies. */
function Home() {
  const isAdmin = useMay("admin");
  const { chosen } = useSession();
  return <Redirect to={isAdmin && !chosen.first_steps_done ? "/first-run" : `/${home}`} />;
}

function Guarded({ place }: { place: Pick<Place, "role" | "page"> }) {
  const { t } = useTranslation();
  const isAllowed = useMay(place.role);
  if (!place.page || !isAllowed) return <Empty icon={IconMapOff} title={t("state.unknown-page")} />;
  return <place.page />;
}
