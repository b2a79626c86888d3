import { Modal } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications, notifications } from "@mantine/notifications";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { LoginForm } from "@/features/login/LoginForm";

import { useSession } from "./session";

/** What is shown over every page, as soon as something is: messages, dialogs, and login where a session has ended. */
export default function Overlays() {
  return (
    <>
      <Notifications position="bottom-right" limit={4} />
      <ModalsProvider>{null}</ModalsProvider>
      <Renewal />
      <NotKept />
    </>
  );
}

function Renewal() {
  const { t } = useTranslation();
  const { session, hasExpired } = useSession();
  if (!session) return null;
  return (
    <Modal
      opened={hasExpired}
      onClose={() => undefined}
      withCloseButton={false}
      title={t("user.enter")}
      centered
      size="sm"
      transitionProps={{ duration: 0 }}
    >
      <LoginForm user={session.user} />
    </Modal>
  );
}

/** Says why the server did not keep what was chosen; the page looks as chosen all the same. */
function NotKept() {
  const { notKept } = useSession();
  useEffect(() => {
    if (notKept === null) return;
    notifications.show({
      color: "red",
      message: notKept.message,
    });
  }, [notKept]);
  return null;
}
