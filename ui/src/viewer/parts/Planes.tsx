import { Loader } from "@mantine/core";
import { IconCube } from "@tabler/icons-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { Empty } from "@/components/Empty";

import { useStack } from "../study/fetching";
import type { Study } from "../study/asking";
import type { Stack } from "../study/stack";
import { setSlab } from "../engine/actions";
import {
  openPlane,
  openVolumePane,
  planePane,
  planes,
  showRendering,
  showVolume,
  VOLUME_PANE,
} from "../engine/panes";
import type { PlaneName } from "../engine/panes";
import { useFailures } from "../engine/failures";
import { chooseTool } from "../engine/tools";
import { beginLoading } from "../ready";
import { getState, useViewer } from "../state";
import styles from "../viewer.module.css";
import { Overlay } from "./Overlay";

/** The active series as a block: three planes with crosshairs, the block itself, or both. */
export function Planes({ studies }: { studies: readonly Study[] }) {
  const { t } = useTranslation("viewer");
  const ref = useViewer((state) => state.panes[state.active] ?? null);
  const { data: stack, isLoading } = useStack(ref);
  const study = studies.find((each) => each.uid === ref?.study);
  if (isLoading || !stack) return <Loader size="sm" className={styles.waiting} />;
  if (!stack.isVolume)
    return (
      <Empty icon={IconCube} title={t("volume.none")}>
        {t("volume.none.why")}
      </Empty>
    );
  return <Block key={stack.ref.series} stack={stack} study={study} />;
}

function Block({ stack, study }: { stack: Stack; study: Study | undefined }) {
  const { t } = useTranslation("viewer");
  const layout = useViewer((state) => state.layout);
  const [elements, setElements] = useState<Record<string, HTMLDivElement>>({});
  const keep = useCallback(
    (name: string) => (element: HTMLDivElement | null) => {
      if (element) setElements((known) => (known[name] === element ? known : { ...known, [name]: element }));
    },
    [],
  );
  const wanted: string[] = layout === "volume" ? [] : [...planes];
  if (layout !== "mpr") wanted.push(VOLUME_PANE);
  const isComplete = wanted.every((name) => elements[name]);
  const imageIds = useMemo(() => stack.pictures.map((each) => each.imageId), [stack]);
  const missing = useFailures(imageIds);
  const isBusy = useBlock(stack, wanted, isComplete ? elements : undefined);
  return (
    <>
      {wanted.map((name) => (
        <section
          key={name}
          className={styles.pane}
          data-plane={name}
          aria-label={t(`plane.${name as PlaneName}`)}
        >
          <Surface onElement={keep(name)} name={name} />
          {elements[name] && name !== VOLUME_PANE && (
            <Overlay
              pane={planePane(name as PlaneName)}
              element={elements[name]}
              stack={stack}
              study={study}
              title={t(`plane.${name as PlaneName}`)}
            />
          )}
          {isBusy && <Loader size="sm" className={styles.waiting} />}
          {missing > 0 && (
            <p className={styles.warning} role="alert">
              {t("lost.slices", { count: missing })}
            </p>
          )}
        </section>
      ))}
    </>
  );
}

function Surface({ name, onElement }: { name: string; onElement: (element: HTMLDivElement | null) => void }) {
  return (
    <div
      ref={onElement}
      data-surface={name}
      className={styles.canvas}
      onContextMenu={(event) => event.preventDefault()}
    />
  );
}

/** Open the panes once all are there, fill them, close them. Tells whether slices are still coming in. */
function useBlock(
  stack: Stack,
  wanted: readonly string[],
  elements: Record<string, HTMLDivElement> | undefined,
) {
  const [isBusy, setBusy] = useState(true);
  const preset = useViewer((state) => state.preset);
  const slab = useViewer((state) => state.slab);
  const slabMm = useViewer((state) => state.slabMm);
  const names = wanted.join();
  useEffect(() => {
    if (!elements) return undefined;
    const loaded = beginLoading();
    let isOpen = true;
    const shown = names.split(",");
    const closers = shown.flatMap((name) => {
      const element = elements[name];
      if (!element) return [];
      return [name === VOLUME_PANE ? openVolumePane(element) : openPlane(name as PlaneName, element)];
    });
    const panes = shown.map((name) => (name === VOLUME_PANE ? name : planePane(name as PlaneName)));
    void showVolume(stack, panes, getState().preset).finally(() => {
      loaded();
      if (!isOpen) return;
      setBusy(false);
      // Crosshairs find their panes when they are chosen.
      if (shown.length > 1) chooseTool("planes", getState().tool);
      setSlab();
    });
    return () => {
      isOpen = false;
      loaded();
      for (const close of closers) close();
    };
  }, [stack, names, elements]);
  useEffect(() => showRendering(preset, stack.modality), [preset, stack]);
  useEffect(setSlab, [slab, slabMm]);
  return isBusy;
}
