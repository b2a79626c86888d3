import { Button, Group, Text } from "@mantine/core";
import { IconMovieOff } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { send } from "@/api/client";

import { keepTurned } from "../engine/turning";
import { beginLoading } from "../ready";
import { setState, useViewer } from "../state";
import { instanceAddress, originalAddress } from "../study/addresses";
import type { SeriesRef } from "../study/addresses";
import { formOf, streamAddress } from "../study/films";
import type { Form } from "../study/films";
import type { Paper } from "../study/stack";
import styles from "../viewer.module.css";

const USUAL_RATE = 25;
/** What browsers take; beyond it they raise an error. */
const [SLOWEST, FASTEST] = [1 / 16, 16];
/** Enough to tell a stream by. */
const FIRST_BYTES = 256;

interface Props {
  pane: number;
  film: Paper;
  series: SeriesRef;
}

/** A video, played by the browser; where it cannot, that is said, with the stream and the object to keep. */
export function FilmPlayer({ pane, film, series }: Props) {
  const address = streamAddress(instanceAddress(series, film.instance));
  const [form, setForm] = useState<Form>();
  if (form) return <Unplayed pane={pane} form={form} film={film} series={series} address={address} />;
  const stop = () => void tell(address).then(setForm);
  return <Player pane={pane} film={film} address={address} onFailure={stop} />;
}

interface PlayerProps {
  pane: number;
  film: Paper;
  address: string;
  onFailure: () => void;
}

function Player({ pane, film, address, onFailure }: PlayerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const isPlaying = useViewer((state) => state.isPlaying && state.active === pane);
  const wanted = useViewer((state) => state.framesPerSecond);
  const isActive = useViewer((state) => state.active === pane);
  const rate = film.frameRate || USUAL_RATE;
  const loaded = useRef<() => void>(undefined);
  useEffect(() => {
    loaded.current = beginLoading();
    return () => loaded.current?.();
  }, [address]);
  useEffect(() => setState({ framesPerSecond: Math.round(rate) }), [rate]);
  useEffect(() => {
    const shown = video.current;
    if (!shown) return undefined;
    return keepTurned(pane, {
      film: shown,
      scroll: (frames) => {
        shown.pause();
        shown.currentTime = Math.min(Math.max(0, shown.currentTime + frames / rate), shown.duration || 0);
      },
      goTo: (index) => {
        shown.currentTime = index < 0 ? shown.duration || 0 : index / rate;
      },
    });
  }, [pane, rate, address]);
  useEffect(() => {
    const shown = video.current;
    if (!shown) return;
    shown.playbackRate = Math.min(FASTEST, Math.max(SLOWEST, wanted / Math.round(rate)));
    // A browser may want a click first: its own button is there for that.
    if (isPlaying) void shown.play().catch(() => setState({ isPlaying: false }));
    else if (isActive) shown.pause();
  }, [isPlaying, isActive, wanted, rate]);
  const follow = (isOn: boolean) => () => {
    if (isActive) setState({ isPlaying: isOn });
  };
  return (
    <video
      ref={video}
      className={styles.film}
      src={address}
      aria-label={film.title}
      controls
      loop
      playsInline
      preload="auto"
      onPlay={follow(true)}
      onPause={follow(false)}
      onLoadedData={({ currentTarget }) => {
        loaded.current?.();
        // Sound, or nothing, of a stream whose pictures it cannot decode.
        if (currentTarget.videoWidth === 0) onFailure();
      }}
      onError={() => {
        loaded.current?.();
        onFailure();
      }}
    />
  );
}

async function tell(address: string): Promise<Form> {
  try {
    const answer = await send(address, { headers: { Range: `bytes=0-${FIRST_BYTES - 1}` } });
    return formOf(answer.headers.get("Content-Type") ?? "", new Uint8Array(await answer.arrayBuffer()));
  } catch {
    // Whoever downloads it hears why.
    return { name: "other", ending: "bin" };
  }
}

/** There is nothing to go through, and no picture to save. */
const STILL = { scroll: () => undefined, goTo: () => undefined };

interface UnplayedProps {
  pane: number;
  form: Form;
  film: Paper;
  series: SeriesRef;
  address: string;
}

function Unplayed({ pane, form, film, series, address }: UnplayedProps) {
  const { t } = useTranslation("viewer");
  useEffect(() => keepTurned(pane, STILL), [pane]);
  return (
    <div className={styles.unplayed} role="alert">
      <IconMovieOff size={34} stroke={1.2} aria-hidden />
      <Text fw={600}>{t("film.unplayed")}</Text>
      <Text size="sm" className={styles.reason}>
        {t(`film.${form.name}`)}
      </Text>
      <Group justify="center">
        <Button size="sm" component="a" href={address} download={`${film.instance}.${form.ending}`}>
          {t("film.download")}
        </Button>
        <Button
          size="sm"
          variant="default"
          component="a"
          href={originalAddress(series, film.instance)}
          download={`${film.instance}.dcm`}
        >
          {t("lost.original")}
        </Button>
      </Group>
    </div>
  );
}
