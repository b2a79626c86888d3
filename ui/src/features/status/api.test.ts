import { expect, test } from "vitest";

import { doorFor, ourAddress } from "./api";
import type { Listener, Status } from "./api";

const door = (name: string, services: string[]): Listener => ({
  name,
  bind: "",
  port: 104,
  ae_titles: [name],
  services,
  is_tls: false,
  is_open: true,
  max_associations: 10,
  associations: [],
  totals: {
    associations: 0,
    rejections: 0,
    messages_received: 0,
    messages_sent: 0,
    data_set_bytes_received: 0,
    data_set_bytes_sent: 0,
  },
});

const status: Status = {
  version: "1",
  started_us: 0,
  now_us: 0,
  ae_title: "CALOTYPE",
  addresses: ["127.0.0.1", "192.0.2.7"],
  listeners: [door("ALL", ["storage", "worklist"]), door("WORKLISTSCP", ["worklist"])],
  disk: { path: "", total_bytes: 1, free_bytes: 1, min_free_bytes: 0 },
};

test("a device is told the address that people use, or one of the machine's own", () => {
  expect(ourAddress(status, "pacs.example")).toBe("pacs.example");
  expect(ourAddress(status, "localhost")).toBe("192.0.2.7");
  expect(ourAddress({ ...status, addresses: [] }, "127.0.0.1")).toBe("127.0.0.1");
});

test("the door for a service is the one made for it", () => {
  expect(doorFor(status, ["worklist"])?.name).toBe("WORKLISTSCP");
  expect(doorFor(status, ["storage"])?.name).toBe("ALL");
  expect(doorFor(status, ["print"])).toBeUndefined();
});
