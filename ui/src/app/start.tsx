/** What every entry of the application stands on: styles, languages, look, the cache of answers, the session. */
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@/theme/page.css";

import { MantineProvider, mergeThemeOverrides } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode, Suspense } from "react";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { useTranslation } from "react-i18next";
import { Router } from "wouter";

import { Problem } from "@/api/client";
import { afterwards } from "@/app/afterwards";
import { SessionProvider } from "@/app/session";
import { startTranslation } from "@/i18n";
import { theme, variables } from "@/theme/theme";

const Overlays = afterwards(() => import("./Overlays"));

/** Once more for a server that is away or busy; what it refused, it would refuse again. */
const mayRetry = (count: number, error: Error) =>
  count < 2 && error instanceof Problem && (error.status === 0 || error.status >= 500);

/** The server's number for this answer, without which its policy allows no style of ours. */
const nonce = () => document.querySelector<HTMLMetaElement>("meta[data-nonce]")?.content ?? "";

/** What no component says by itself, in the reader's language. */
function useTheme() {
  const { t } = useTranslation();
  return mergeThemeOverrides(theme, {
    components: {
      CloseButton: { defaultProps: { "aria-label": t("action.close") } },
      PasswordInput: {
        defaultProps: { visibilityToggleButtonProps: { "aria-label": t("action.reveal") } },
      },
    },
  });
}

function Look({ scheme, children }: { scheme: "auto" | "dark"; children: ReactNode }) {
  return (
    <MantineProvider
      theme={useTheme()}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      {...(scheme === "dark" ? { forceColorScheme: scheme } : {})}
      getStyleNonce={nonce}
    >
      {children}
    </MantineProvider>
  );
}

/** The path under which the pages are served, as the router wants it. */
const base = new URL(document.baseURI).pathname.replace(/\/$/, "");

/** Show `page` in the document. `scheme` is how an entry looks until somebody chooses. */
export async function start(page: ReactNode, scheme: "auto" | "dark" = "auto"): Promise<void> {
  // What keeps the page from scrolling behind a dialog looks for the number here.
  Object.assign(globalThis, { __webpack_nonce__: nonce() });
  await startTranslation();
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no root");
  const queries = new QueryClient({
    defaultOptions: { queries: { retry: mayRetry, staleTime: 5_000, refetchOnWindowFocus: true } },
  });
  createRoot(root).render(
    <StrictMode>
      <Look scheme={scheme}>
        <QueryClientProvider client={queries}>
          {/* Around the dialogs, too: their links lead to pages. */}
          <Router base={base}>
            <SessionProvider>
              {page}
              <Suspense>
                <Overlays />
              </Suspense>
            </SessionProvider>
          </Router>
        </QueryClientProvider>
      </Look>
    </StrictMode>,
  );
}
