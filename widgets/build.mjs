// Bundles every folder that holds an index.tsx into ../workbench/widgets/static/<folder>.js and .css.
// Usage: node build.mjs [--watch] [--outdir DIR]
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build, context } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.indexOf("--outdir");
const outdir = wanted > 0 ? resolve(process.argv[wanted + 1]) : join(here, "../workbench/widgets/static");

const folders = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
  .map((entry) => entry.name)
  .filter((name) => existsSync(join(here, name, "index.tsx")));

/** A bundle reaches for nothing: the only URLs allowed in it are XML namespaces, which are names. */
const offline = {
  name: "offline",
  setup(on) {
    on.onEnd((result) => {
      for (const file of result.outputFiles ?? []) {
        const urls = file.text.match(/(?:https?:|wss?:|url\(['"]?)\/\/[^\s"'`)]+/g) ?? [];
        const reached = urls.filter((url) => !url.startsWith("http://www.w3.org/"));
        if (reached.length) return { errors: [{ text: `${file.path} names the network: ${reached[0]}` }] };
      }
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: {
    ...Object.fromEntries(folders.map((name) => [name, join(here, name, "index.tsx")])),
    standalone: join(here, "shared/standalone.ts"),
  },
  outdir,
  bundle: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};

if (process.argv.includes("--watch")) {
  const watcher = await context({ ...options, logLevel: "info" });
  await watcher.watch();
} else {
  const checked = await build({ ...options, write: false, plugins: [offline] });
  const { mkdirSync, renameSync, writeFileSync } = await import("node:fs");
  mkdirSync(outdir, { recursive: true });
  for (const file of checked.outputFiles) {
    // Written beside and renamed, so that a kernel reading at this moment never sees half a bundle.
    writeFileSync(`${file.path}.part`, file.contents);
    renameSync(`${file.path}.part`, file.path);
    console.log(`${(file.contents.length / 1024).toFixed(1).padStart(7)} kB  ${file.path}`);
  }
}
