/** The pane at hand as a picture: pixels and findings as they stand, without the words at its corners. */
import { getState } from "../state";
import { planePane, stackPane, VOLUME_PANE } from "./panes";
import { engine } from "./start";

const nameOfPane = () => {
  const { layout, active } = getState();
  if (layout === "volume") return VOLUME_PANE;
  return layout === "mpr" || layout === "quad" ? planePane("axial") : stackPane(active);
};

export async function saveScreenshot(name: string): Promise<void> {
  const viewport = engine().getViewport(nameOfPane());
  const canvas = viewport.getCanvas();
  const sheet = document.createElement("canvas");
  sheet.width = canvas.width;
  sheet.height = canvas.height;
  const pen = sheet.getContext("2d");
  if (!pen) return;
  pen.drawImage(canvas, 0, 0);
  const layer = viewport.element.querySelector("svg.svg-layer");
  if (layer)
    pen.drawImage(await drawn(layer as SVGElement, viewport.element), 0, 0, sheet.width, sheet.height);
  const blob = await new Promise<Blob | null>((resolve) => sheet.toBlob(resolve, "image/png"));
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/[^\p{L}\p{N}.-]+/gu, "_").slice(0, 80)}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
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
