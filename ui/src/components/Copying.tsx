import { useState } from "react";
import type { ReactNode } from "react";

import { copyText } from "./copyText";

interface Props {
  value: string;
  children: (state: { copied: boolean; copy: () => void }) => ReactNode;
}

const SHOWN_MS = 1500;

/** A button that copies, and says for a moment that it has; over plain HTTP, too. */
export function Copying({ value, children }: Props) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    void copyText(value).then((isDone) => {
      setCopied(isDone);
      setTimeout(() => setCopied(false), SHOWN_MS);
    });
  return children({ copied, copy });
}
