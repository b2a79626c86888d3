import { Center, Loader, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Failure } from "@/components/Failure";
import { LoginForm } from "@/features/login/LoginForm";
import { LoginPage } from "@/features/login/LoginPage";

import { useSession } from "./session";

/** Login first, then what is behind it. A session that ends is renewed over the open page, which stays as it is. */
export function Gate({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
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
    <>
      {children}
      <Modal
        opened={hasExpired}
        onClose={() => undefined}
        withCloseButton={false}
        title={t("user.enter")}
        centered
        size="sm"
      >
        <LoginForm user={session.user} />
      </Modal>
    </>
  );
}
