/** Puts twins in gzip and Brotli beside every file of text, so that nobody compresses them again and again. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

import type { Plugin } from "vite";

/** Pages are written anew per answer, and packed by nobody. */
const TEXT = /\.(?:js|css|svg|json|wasm|txt)$/;

const ways = [
  { suffix: ".gz", pack: (content: Buffer) => promisify(gzip)(content, { level: 9 }) },
  {
    suffix: ".br",
    pack: (content: Buffer) =>
      promisify(brotliCompress)(content, {
        params: {
          // A little larger than at the most, and ten times as fast.
          [constants.BROTLI_PARAM_QUALITY]: 9,
          [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
        },
      }),
  },
];

export function packed(): Plugin {
  let folder = "";
  return {
    name: "packed",
    apply: "build",
    configResolved(config) {
      folder = resolve(config.root, config.build.outDir);
    },
    async closeBundle() {
      const files = await readdir(folder, { recursive: true, withFileTypes: true });
      const texts = files.filter((file) => file.isFile() && TEXT.test(file.name));
      await Promise.all(
        texts.map(async (file) => {
          const path = join(file.parentPath, file.name);
          const content = await readFile(path);
          for (const { suffix, pack } of ways) {
            const small = await pack(content);
            if (small.length < content.length) await writeFile(path + suffix, small);
          }
        }),
      );
    },
  };
}
