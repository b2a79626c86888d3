import { Button, Group, Text } from "@mantine/core";
import { IconPhotoX } from "@tabler/icons-react";
import { useCallback, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";

import { Problem } from "@/api/client";

import { useFailure } from "../engine/failures";
import { showStack, stackPane } from "../engine/panes";
import { imageAtHand, onTarget } from "../engine/reading";
import { originalAddress } from "../study/addresses";
import { VideoInstead } from "../study/films";
import { paperOf } from "../study/stack";
import type { Stack } from "../study/stack";
import styles from "../viewer.module.css";
import { FilmPlayer } from "./FilmPlayer";

interface Props {
  /** Of the pane. */
  index: number;
  element: HTMLElement;
  stack: Stack;
}

/** Over a picture that could not be loaded: that it is not there, why, and what to do. */
export function Lost({ index: at, element, stack }: Props) {
  const pane = stackPane(at);
  const { t } = useTranslation("viewer");
  const common = useTranslation().t;
  const imageId = useTarget(pane, element);
  const error = useFailure(imageId);
  const index = stack.pictures.findIndex((each) => each.imageId === imageId);
  const picture = stack.pictures[index];
  if (error === undefined || !picture) return null;
  if (error instanceof VideoInstead)
    return (
      <div className={styles.papers}>
        <FilmPlayer
          key={picture.instance}
          pane={at}
          film={paperOf(picture.header, "film")}
          series={stack.ref}
        />
      </div>
    );
  const isSilent = error instanceof Problem && error.status === 0;
  return (
    <div className={styles.lost} role="alert">
      <IconPhotoX size={34} stroke={1.2} aria-hidden />
      <Text fw={600}>{t("lost", { image: index + 1 })}</Text>
      <Text size="sm" className={styles.reason}>
        {isSilent ? common("state.lost") : error instanceof Problem ? error.message : t("lost.decoder")}
      </Text>
      <Group justify="center">
        <Button size="sm" variant="default" onClick={() => void showStack(pane, stack, index)}>
          {common("action.retry")}
        </Button>
        <Button
          size="sm"
          variant="default"
          component="a"
          href={originalAddress(stack.ref, picture.instance)}
          download={`${picture.instance}.dcm`}
        >
          {t("lost.original")}
        </Button>
      </Group>
    </div>
  );
}

function useTarget(pane: string, element: HTMLElement): string | undefined {
  const subscribe = useCallback((changed: () => void) => onTarget(element, changed), [element]);
  return useSyncExternalStore(subscribe, () => imageAtHand(pane));
}
