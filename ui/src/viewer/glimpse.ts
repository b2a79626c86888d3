/**
 * The picture that the window is opened for, shown by its first code: the same values through the same window at the
 * same place, until the renderer, which is a hundred times as large, has drawn it. Nothing can be done with it.
 */
import { film } from "@/theme/tokens";

import { greysOf } from "./study/greys";
import type { Greys } from "./study/greys";
import type { DicomObject } from "./study/dicomJson";
import type { Frame } from "./study/frames";

/** Where the pane was when it was last seen: this browser keeps it, as the bars above it wrap as they like. */
const KEY = "calotype.viewer.pane";
interface Place {
  /** Width of the window that it was seen in. */
  window: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Drawn once: what would draw it faster has better things to begin with. */
const BY_PROCESSOR: CanvasRenderingContext2DSettings = { willReadFrequently: true };

let shown: { canvas: HTMLCanvasElement; greys: Greys } | undefined;
let isOver = false;

/** Show a frame, where that takes no more than its own window. */
export function showGlimpse(header: DicomObject, frame: Frame): boolean {
  const greys = isOver ? undefined : greysOf(header, frame);
  if (!greys) return false;
  const canvas = document.createElement("canvas");
  canvas.dataset.glimpse = "";
  canvas.ariaHidden = "true";
  shown = { canvas, greys };
  place(placeOf());
  document.body.append(canvas);
  performance.mark("glimpse");
  return true;
}

/** Put it where the pane is, now that there is one. */
export function settleGlimpse(pane: HTMLElement): void {
  if (!shown) return;
  const { left, top, right, bottom } = pane.getBoundingClientRect();
  const found: Place = {
    window: innerWidth,
    left,
    top,
    right: innerWidth - right,
    bottom: innerHeight - bottom,
  };
  place(found);
  try {
    localStorage.setItem(KEY, JSON.stringify(found));
  } catch {
    // A browser that keeps nothing for us begins from what is likely.
  }
}

/** Take it away: what the window is opened for has been drawn, or will not be. */
export function endGlimpse(): void {
  isOver = true;
  shown?.canvas.remove();
  shown = undefined;
}

function placeOf(): Place {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as Place | null;
    if (kept?.window === innerWidth) return kept;
  } catch {
    // As if nothing had been kept.
  }
  return innerWidth < 700
    ? { window: innerWidth, left: 0, top: 88, right: 0, bottom: 92 }
    : { window: innerWidth, left: 132, top: 84, right: 0, bottom: 0 };
}

function place({ left, top, right, bottom }: Place): void {
  if (!shown) return;
  const { canvas, greys } = shown;
  const [width, height] = [innerWidth - left - right, innerHeight - top - bottom];
  if (!(width > 0 && height > 0)) return;
  Object.assign(canvas.style, {
    position: "fixed",
    zIndex: "1",
    left: `${left}px`,
    top: `${top}px`,
    width: `${width}px`,
    height: `${height}px`,
    pointerEvents: "none",
  });
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const pen = canvas.getContext("2d", BY_PROCESSOR);
  if (!pen) return;
  const { rows, columns, pixels } = greys;
  const sheet = new OffscreenCanvas(columns, rows);
  sheet.getContext("2d", BY_PROCESSOR)?.putImageData(new ImageData(pixels, columns, rows), 0, 0);
  const scale = Math.min(canvas.width / columns, canvas.height / rows);
  pen.fillStyle = film.ground;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  const [across, down] = [columns * scale, rows * scale];
  pen.drawImage(sheet, (canvas.width - across) / 2, (canvas.height - down) / 2, across, down);
}
