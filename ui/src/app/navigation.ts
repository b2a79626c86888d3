/**
 * The map of the application, once: what the side bar shows, which page an address opens, and who may see it.
 *
 * A place without a page is one that its server part will fill (film, logs, settings, audit, monitoring, sharing): it
 * holds its position and is not shown.
 */
import {
  IconActivity,
  IconArrowsExchange,
  IconCalendarEvent,
  IconListCheck,
  IconSend,
  IconServer2,
  IconStack2,
  IconTrash,
  IconUsers,
} from "@tabler/icons-react";
import { lazy } from "react";
import type { ComponentType, LazyExoticComponent } from "react";

import type { Role } from "./session";

type Page = LazyExoticComponent<ComponentType>;

export interface Place {
  /** The address below the root, and the key of its words (`nav.<name>`). */
  name: string;
  icon: ComponentType<{ size?: number; stroke?: number }>;
  group: "read" | "exchange" | "system";
  role: Role;
  page?: Page;
}

export const places: readonly Place[] = [
  {
    name: "studies",
    icon: IconStack2,
    group: "read",
    role: "viewer",
    page: lazy(() => import("@/features/studies/StudiesPage")),
  },
  {
    name: "worklist",
    icon: IconCalendarEvent,
    group: "read",
    role: "viewer",
    page: lazy(() => import("@/features/worklist/WorklistPage")),
  },
  {
    name: "recycle-bin",
    icon: IconTrash,
    group: "read",
    role: "operator",
    page: lazy(() => import("@/features/recycle/RecycleBinPage")),
  },
  {
    name: "query",
    icon: IconArrowsExchange,
    group: "exchange",
    role: "operator",
    page: lazy(() => import("@/features/query/QueryPage")),
  },
  {
    name: "send",
    icon: IconSend,
    group: "exchange",
    role: "operator",
    page: lazy(() => import("@/features/send/SendPage")),
  },
  {
    name: "jobs",
    icon: IconListCheck,
    group: "exchange",
    role: "viewer",
    page: lazy(() => import("@/features/jobs/JobsPage")),
  },
  {
    name: "nodes",
    icon: IconServer2,
    group: "system",
    role: "operator",
    page: lazy(() => import("@/features/nodes/NodesPage")),
  },
  {
    name: "status",
    icon: IconActivity,
    group: "system",
    role: "viewer",
    page: lazy(() => import("@/features/status/StatusPage")),
  },
  {
    name: "users",
    icon: IconUsers,
    group: "system",
    role: "viewer",
    page: lazy(() => import("@/features/users/UsersPage")),
  },
];

export const groups = ["read", "exchange", "system"] as const;
export const home = "studies";
