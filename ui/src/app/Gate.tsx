import { Center, Loader } from "@mantine/core";
import { lazy, Suspense } from "react";
import type { ReactNode } from "react";

import { Failure } from "@/components/Failure";

import { useSession } from "./session";

const LoginPage = lazy(() => import("@/features/login/LoginPage"));

/** Login first, then what is behind it. A session that ends is taken up again by `Overlays`, over the page as it is. */
export function Gate({ children }: { children: ReactNode }) {
  const { session, isLoading, failed, refresh } = useSession();
  if (isLoading) return <Waiting />;
  if (failed) return <Failure error={failed} onRetry={() => void refresh()} />;
  if (!session) {
    return (
      <Suspense fallback={<Waiting />}>
        <LoginPage />
      </Suspense>
    );
  }
  return children;
}

function Waiting() {
  return (
    <Center h="100vh">
      <Loader size="sm" />
    </Center>
  );
}
