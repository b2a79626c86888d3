import { Suspense } from "react";

import { Room } from "@/components/Room";

import { afterwards } from "./afterwards";

const UserMenuItems = afterwards(() => import("./UserMenuItems"));

/** The account's menu, which nobody opens before the page is there. */
export function UserMenu() {
  return (
    <Suspense fallback={<Room width={34} height={34} />}>
      <UserMenuItems />
    </Suspense>
  );
}
