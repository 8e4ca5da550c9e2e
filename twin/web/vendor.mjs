// Copies what the viewer is served with out of node_modules into vendor/<name>@<version>/.
//
// Run by `make` after `npm ci`; Node alone is needed, nothing is fetched. The copies are the
// packages' own prebuilt ES modules. Three things differ from the packages: parts that this viewer
// never asks for are left out; and, so that the page works under a strict Content-Security-Policy
// (no inline script, no eval), Lit's bare module names become relative paths (no import map) and
// one eval in Cesium becomes what it evaluates to.

import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const MODULES = path.join(HERE, "node_modules");
const VENDOR = path.join(HERE, "vendor");

/** Under Build/Cesium: other builds of the same code, pictures of sky and far-off services, widgets. */
const CESIUM_UNUSED = [
  /^Cesium\.js$/,
  /^index\.cjs$/,
  /^Assets\/Textures\/(SkyBox|NaturalEarthII|maki|LensFlare|moonSmall)/,
  /^Assets\/Images\/(bing|google|ion)/,
  /^ThirdParty\/google-earth/,
  /^Widgets\/(?!CesiumWidget(\/|$))./,
  /package\.json$/,
];

/** Lit's four packages lie side by side in one folder, under these names. */
const LIT_FILES = {
  "lit/index.js": "index.js",
  "lit-element/lit-element.js": "lit-element.js",
  "lit-html/lit-html.js": "lit-html.js",
  "lit-html/is-server.js": "is-server.js",
  "@lit/reactive-element/reactive-element.js": "reactive-element.js",
  "@lit/reactive-element/css-tag.js": "css-tag.js",
};
const LIT_NAMES = {
  "lit-element/lit-element.js": "./lit-element.js",
  "lit-html/is-server.js": "./is-server.js",
  "lit-html": "./lit-html.js",
  "@lit/reactive-element": "./reactive-element.js",
};

/** Says why and stops: what is missing and the command that mends it. */
function stop(message) {
  process.stderr.write(`vendor.mjs: ${message}\n`);
  process.exit(1);
}

async function readJson(file) {
  return JSON.parse(await readFile(file, "utf8"));
}

async function copyCesium(target) {
  const build = path.join(MODULES, "cesium", "Build", "Cesium");
  await cp(build, target, {
    recursive: true,
    filter: (source) => {
      const inside = path.relative(build, source).split(path.sep).join("/");
      return !CESIUM_UNUSED.some((unused) => unused.test(inside));
    },
  });
  await cp(path.join(MODULES, "cesium", "LICENSE.md"), path.join(target, "LICENSE.md"));
  // A library for Cesium's own panels (unused here) evaluates text as code when it is loaded, only
  // to find the global object. Under a policy without 'unsafe-eval' that stops the whole module.
  const index = path.join(target, "index.js");
  const text = await readFile(index, "utf8");
  const [before, after, ...more] = text.split('this||(0,eval)("this")');
  if (after === undefined || more.length > 0) stop("cesium/index.js has changed; look for eval in it");
  await writeFile(index, `${before}globalThis${after}`);
}

async function copyLit(target) {
  await mkdir(target, { recursive: true });
  for (const [source, name] of Object.entries(LIT_FILES)) {
    const text = await readFile(path.join(MODULES, source), "utf8");
    const relative = text
      .replace(/(from|import)\s*"([^"]+)"/g, (whole, word, module) =>
        module.startsWith("./")
          ? whole
          : LIT_NAMES[module]
            ? `${word}"${LIT_NAMES[module]}"`
            : stop(`${source} imports ${module}, which vendor.mjs does not know; add it to LIT_NAMES`),
      )
      .replace(/^\/\/# sourceMappingURL=.*$/m, "");
    await writeFile(path.join(target, name), relative);
  }
  await cp(path.join(MODULES, "lit", "LICENSE"), path.join(target, "LICENSE"));
}

/** Every file below `root` with its SHA-256, sorted by name: what the tests compare with. */
async function digests(root) {
  const names = (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const table = {};
  for (const name of names) {
    const digest = createHash("sha256").update(await readFile(name)).digest("hex");
    table[path.relative(root, name).split(path.sep).join("/")] = digest;
  }
  return table;
}

const { dependencies } = await readJson(path.join(HERE, "package.json"));
const wanted = Object.entries(dependencies).map(([name, version]) => ({ name, version }));
const copiers = { cesium: copyCesium, lit: copyLit };

const manifest = path.join(VENDOR, "manifest.json");
const current = existsSync(manifest) ? await readJson(manifest) : null;
const script = createHash("sha256").update(await readFile(fileURLToPath(import.meta.url))).digest("hex");
if (current?.script === script && JSON.stringify(current.packages) === JSON.stringify(wanted)) {
  process.stdout.write("vendor.mjs: up to date\n");
  process.exit(0);
}

for (const { name, version } of wanted) {
  const installed = path.join(MODULES, name, "package.json");
  if (!existsSync(installed)) stop(`${name} is not installed; run: npm ci --ignore-scripts`);
  const found = (await readJson(installed)).version;
  if (found !== version) stop(`${name} ${found} is installed, ${version} is wanted; run: npm ci --ignore-scripts`);
  const entry = await readFile(path.join(HERE, "static", "lib", `${name}.js`), "utf8");
  if (!entry.includes(`/${name}@${version}/`)) stop(`static/lib/${name}.js does not name ${name}@${version}`);
}

// Made beside and renamed at the end, so that a copy that was cut short is never served.
const fresh = `${VENDOR}.new`;
await rm(fresh, { recursive: true, force: true });
for (const { name, version } of wanted) await copiers[name](path.join(fresh, `${name}@${version}`));
const files = await digests(fresh);
await writeFile(
  path.join(fresh, "manifest.json"),
  `${JSON.stringify({ packages: wanted, script, files }, null, 1)}\n`,
);
await rm(VENDOR, { recursive: true, force: true });
await rename(fresh, VENDOR);
process.stdout.write(`vendor.mjs: ${Object.keys(files).length} files\n`);
