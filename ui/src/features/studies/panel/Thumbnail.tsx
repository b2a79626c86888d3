import { Center } from "@mantine/core";
import { IconFileDescription, IconPhotoOff } from "@tabler/icons-react";
import { useState } from "react";

import { addressOf } from "@/api/client";

import styles from "./panel.module.css";

/** Modalities whose objects are no pictures. */
const NO_PICTURE = new Set(["SR", "KO", "PR", "DOC", "RTPLAN", "RTSTRUCT", "RWV", "REG", "AU", "PLAN"]);

/** A small picture of a series or an image; a sign where there is none. */
export function Thumbnail({ path, modality, size }: { path: string; modality: string; size: number }) {
  const [hasFailed, setFailed] = useState(false);
  const isPicture = !NO_PICTURE.has(modality);
  const Sign = isPicture ? IconPhotoOff : IconFileDescription;
  return (
    <div className={styles.thumbnail} style={{ width: size, height: size }}>
      {hasFailed || !isPicture ? (
        <Center h="100%">
          <Sign size={size / 3} stroke={1.2} />
        </Center>
      ) : (
        <img
          src={addressOf(`dicomweb/${path}/thumbnail`, { viewport: "128,128" }).href}
          alt=""
          loading="lazy"
          decoding="async"
          onError={() => setFailed(true)}
        />
      )}
    </div>
  );
}
