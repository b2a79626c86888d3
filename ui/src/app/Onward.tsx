import { Button } from "@mantine/core";
import { IconArrowRight } from "@tabler/icons-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link, Redirect } from "wouter";

import { root } from "@/api/client";
import { Empty } from "@/components/Empty";

import { wayOnward } from "./onward";

/** Goes on to what was asked for before login. A program may answer to that, and this page stays. */
export default function Onward() {
  const { t } = useTranslation();
  const target = wayOnward(window.location.search, root)?.href;
  useEffect(() => {
    if (target) window.location.replace(target);
  }, [target]);
  if (!target) return <Redirect to="/" replace />;
  return (
    <Empty icon={IconArrowRight} title={t("state.opening")}>
      <Button component={Link} href="/" variant="default">
        {t("state.home")}
      </Button>
    </Empty>
  );
}
