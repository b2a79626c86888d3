import { Button, Center, Loader, Modal } from "@mantine/core";
import { IconMapOff } from "@tabler/icons-react";
import { lazy } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect, Route, Router, Switch } from "wouter";

import { Empty } from "@/components/Empty";
import { Failure } from "@/components/Failure";
import { LoginForm } from "@/features/login/LoginForm";
import { LoginPage } from "@/features/login/LoginPage";

import { home, places } from "./navigation";
import { useMay, useSession } from "./session";
import { Shell } from "./Shell";
import type { Place } from "./navigation";

const PasswordPage = lazy(() => import("@/features/login/PasswordPage"));

/** The path under which the pages are served, as the router wants it. */
const base = new URL(document.baseURI).pathname.replace(/\/$/, "");

/** Login first, then the pages. A session that ends is renewed over the open page, which stays as it is. */
export function App() {
  const { session, isLoading, hasExpired, failed, refresh } = useSession();
  if (isLoading) {
    return (
      <Center h="100vh">
        <Loader size="sm" />
      </Center>
    );
  }
  if (failed) return <Failure error={failed} onRetry={() => void refresh()} />;
  if (!session) return <LoginPage />;
  return (
    <Router base={base}>
      <Shell>{session.must_change_password ? <PasswordPage /> : <Pages />}</Shell>
      <Modal opened={hasExpired} onClose={() => undefined} withCloseButton={false} centered size="sm">
        <LoginForm user={session.user} />
      </Modal>
    </Router>
  );
}

function Pages() {
  const { t } = useTranslation();
  return (
    <Switch>
      <Route path="/">
        <Redirect to={`/${home}`} />
      </Route>
      <Route path="/password" component={PasswordPage} />
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

function Guarded({ place }: { place: Place }) {
  const { t } = useTranslation();
  const isAllowed = useMay(place.role);
  if (!place.page || !isAllowed) return <Empty icon={IconMapOff} title={t("state.unknown-page")} />;
  return <place.page />;
}
