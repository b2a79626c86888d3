import { notifications } from "@mantine/notifications";

/** Say why something that was pressed did not come about, where no form is there to say it. */
export function tellFailure(error: Error): void {
  notifications.show({ color: "red", message: error.message, role: "alert" });
}
