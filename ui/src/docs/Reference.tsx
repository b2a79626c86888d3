import "swagger-ui-dist/swagger-ui.css";

import { Anchor, Group, useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";

import { addressOf } from "@/api/client";
import { useSession } from "@/app/session";
import { Mark } from "@/components/Mark";

const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/** What the server answers to, from its own description, to read and to try with one's own session. */
export function Reference() {
  const { t } = useTranslation();
  const { session } = useSession();
  const scheme = useComputedColorScheme("light");
  const place = useRef<HTMLElement>(null);
  const token = useRef("");

  useEffect(() => {
    token.current = session?.csrf_token ?? "";
  }, [session]);

  useEffect(() => {
    document.documentElement.classList.toggle("dark-mode", scheme === "dark");
  }, [scheme]);

  useEffect(() => {
    SwaggerUI({
      domNode: place.current,
      url: addressOf("api/openapi.json").href,
      docExpansion: "none",
      filter: true,
      // Its judge of documents is a public host.
      validatorUrl: null,
      requestInterceptor: (request) => {
        if (!READS.has((request.method ?? "GET").toUpperCase()))
          request.headers["X-CSRF-Token"] = token.current;
        return request;
      },
    });
  }, []);

  return (
    <>
      <Group component="header" px="md" py="sm" gap="sm">
        <Mark size={20} />
        <Anchor href="." fw={600} c="inherit">
          {t("reference.back")}
        </Anchor>
      </Group>
      <main ref={place} />
    </>
  );
}
