import { Center, Group, Paper, Stack, Title } from "@mantine/core";
import { useEffect } from "react";

import { pageShown } from "@/app/first";
import { UserMenu } from "@/app/UserMenu";
import { Mark } from "@/components/Mark";

import { LoginForm } from "./LoginForm";

/** The first page, and the only one without a session. */
export default function LoginPage() {
  // Whoever has to log in first waits for no rows.
  useEffect(pageShown, []);
  return (
    <main>
      <Group justify="flex-end" p="sm">
        <UserMenu />
      </Group>
      <Center mih="70vh" px="md">
        <Stack w={320} gap="lg">
          <Group gap="sm" justify="center">
            <Mark size={34} />
            <Title order={1}>calotype</Title>
          </Group>
          <Paper p="lg" withBorder>
            <LoginForm />
          </Paper>
        </Stack>
      </Center>
    </main>
  );
}
