/**
 * Names in a page what its first code will ask for by `import()`, so that the browser fetches all of it at once instead
 * of one after the other.
 */
import type { Plugin, Rolldown } from "vite";

/** `modules`: by page, what it always loads beside its entry. */
export function earlyChunks(modules: Readonly<Record<string, readonly string[]>>): Plugin {
  return {
    name: "early-chunks",
    transformIndexHtml: {
      order: "post",
      handler(html, { filename, bundle }) {
        const wanted = Object.entries(modules).find(([page]) => filename.endsWith(page))?.[1];
        if (!bundle || !wanted) return undefined;
        const chunks = Object.values(bundle).filter((each) => each.type === "chunk");
        const found = new Set<string>();
        const styles = new Set<string>();
        const add = (chunk: Rolldown.OutputChunk | undefined) => {
          if (!chunk || found.has(chunk.fileName)) return;
          found.add(chunk.fileName);
          for (const name of chunk.viteMetadata?.importedCss ?? []) styles.add(name);
          for (const name of chunk.imports) add(chunks.find((each) => each.fileName === name));
        };
        for (const module of wanted) {
          const chunk = chunks.find((each) => each.facadeModuleId?.endsWith(module));
          if (!chunk) throw new Error(`${filename}: there is no chunk of ${module}`);
          add(chunk);
        }
        const link = (name: string, rel: string) => ({
          tag: "link",
          attrs: { rel, crossorigin: true, href: `./${name}` },
          injectTo: "head" as const,
        });
        return [
          ...[...styles].map((name) => link(name, "stylesheet")),
          ...[...found].map((name) => link(name, "modulepreload")),
        ].filter(({ attrs }) => !html.includes(attrs.href));
      },
    },
  };
}
