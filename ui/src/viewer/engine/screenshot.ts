/**
 * What is at hand as a picture: the active stack, the frame of a video, or the planes beside each other as they stand;
 * pixels and findings without the words at the corners.
 */
import type { Types } from "@cornerstonejs/core";

import { getState, stackPanes } from "../state";
import { planePane, planes, stackPane, VOLUME_PANE } from "./panes";
import { engine } from "./start";
import { turnedAtHand } from "./turning";

/** Save it under `name`. Returns whether there was anything to save. */
export async function saveScreenshot(name: string): Promise<boolean> {
  const other = turnedAtHand();
  const sheet = other ? frameOf(other.film) : await sheetOf(panesAtHand());
  if (!sheet) return false;
  const blob = await new Promise<Blob | null>((resolve) => sheet.toBlob(resolve, "image/png"));
  if (!blob) return false;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/[^\p{L}\p{N}.-]+/gu, "_").slice(0, 80)}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return true;
}

function panesAtHand(): Types.IViewport[] {
  const { layout, active } = getState();
  const names = stackPanes[layout] > 0 ? [stackPane(active)] : [...planes.map(planePane), VOLUME_PANE];
  return names
    .map((each) => engine().getViewport<Types.IViewport | undefined>(each))
    .filter((each) => each !== undefined && each.getActors().length > 0) as Types.IViewport[];
}

function frameOf(film: HTMLVideoElement | undefined): HTMLCanvasElement | undefined {
  if (!film?.videoWidth) return undefined;
  const sheet = document.createElement("canvas");
  sheet.width = film.videoWidth;
  sheet.height = film.videoHeight;
  sheet.getContext("2d")?.drawImage(film, 0, 0);
  return sheet;
}

/** Draw panes where they are to each other, in the pixels of the first one. */
async function sheetOf(panes: readonly Types.IViewport[]): Promise<HTMLCanvasElement | undefined> {
  const placed = panes.map((pane) => ({ pane, box: pane.element.getBoundingClientRect() }));
  const [first] = placed;
  if (!first) return undefined;
  const scale = first.pane.getCanvas().width / first.box.width;
  const left = Math.min(...placed.map(({ box }) => box.left));
  const top = Math.min(...placed.map(({ box }) => box.top));
  const sheet = document.createElement("canvas");
  sheet.width = Math.round((Math.max(...placed.map(({ box }) => box.right)) - left) * scale);
  sheet.height = Math.round((Math.max(...placed.map(({ box }) => box.bottom)) - top) * scale);
  const pen = sheet.getContext("2d");
  if (!pen) return undefined;
  for (const { pane, box } of placed) {
    const place = [box.left - left, box.top - top, box.width, box.height].map((each) =>
      Math.round(each * scale),
    ) as [number, number, number, number];
    pen.drawImage(pane.getCanvas(), ...place);
    const layer = pane.element.querySelector("svg.svg-layer");
    if (layer) pen.drawImage(await drawn(layer as SVGElement, pane.element), ...place);
  }
  return sheet;
}

async function drawn(
  layer: SVGElement,
  { clientWidth, clientHeight }: HTMLElement,
): Promise<HTMLImageElement> {
  const copy = layer.cloneNode(true) as SVGElement;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(clientWidth));
  copy.setAttribute("height", String(clientHeight));
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(copy))}`;
  await image.decode();
  return image;
}
