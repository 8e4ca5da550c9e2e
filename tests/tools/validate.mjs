// Validates GLB files with the Khronos validator and prints one JSON report.
//
//   node validate.mjs FILE…        or a list of paths, one a line, on standard input
//
// Files may be gzipped. The validator cannot look into compressed buffer views, so a file with
// EXT_meshopt_compression is validated twice: as it is, and after the decoder of npm `meshoptimizer`
// has filled its fallback buffer. The codec versions in the header bytes are checked as well, and
// `views` holds the SHA-256 of every decoded buffer view, to compare with another decoder's.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import validator from "gltf-validator";
import { MeshoptDecoder } from "meshoptimizer";

const MESHOPT = "EXT_meshopt_compression";
const HEADERS = { ATTRIBUTES: 0xa0, TRIANGLES: 0xe1, INDICES: 0xd1 };

function chunks(glb) {
  const view = new DataView(glb.buffer, glb.byteOffset, glb.byteLength);
  const length = view.getUint32(12, true);
  const json = JSON.parse(new TextDecoder().decode(glb.subarray(20, 20 + length)));
  return { json, bin: glb.subarray(28 + length) };
}

function pad(bytes, fill) {
  const out = new Uint8Array(Math.ceil(bytes.length / 4) * 4).fill(fill);
  out.set(bytes);
  return out;
}

function pack(json, bin) {
  const text = pad(new TextEncoder().encode(JSON.stringify(json)), 0x20);
  const data = pad(bin, 0);
  const out = new Uint8Array(28 + text.length + data.length);
  const view = new DataView(out.buffer);
  [0x46546c67, 2, out.length, text.length, 0x4e4f534a].forEach((v, i) => view.setUint32(4 * i, v, true));
  out.set(text, 20);
  view.setUint32(20 + text.length, data.length, true);
  view.setUint32(24 + text.length, 0x004e4942, true);
  out.set(data, 28 + text.length);
  return out;
}

// The same file with every view in one plain buffer; `problems` gathers wrong header bytes.
function decompressed(glb, problems) {
  const { json, bin } = chunks(glb);
  if (!json.extensionsUsed?.includes(MESHOPT)) return null;
  const parts = [];
  let size = 0;
  for (const view of json.bufferViews) {
    const packed = view.extensions?.[MESHOPT];
    let data;
    if (packed) {
      const source = bin.subarray(packed.byteOffset ?? 0, (packed.byteOffset ?? 0) + packed.byteLength);
      if (source[0] !== HEADERS[packed.mode]) problems.push(`header ${source[0].toString(16)} of ${packed.mode}`);
      data = new Uint8Array(packed.count * packed.byteStride);
      MeshoptDecoder.decodeGltfBuffer(data, packed.count, packed.byteStride, source, packed.mode, packed.filter);
      if (data.length !== view.byteLength) problems.push("byteLength differs from count * byteStride");
      delete view.extensions;
    } else {
      data = bin.subarray(view.byteOffset ?? 0, (view.byteOffset ?? 0) + view.byteLength);
    }
    view.buffer = 0;
    view.byteOffset = size;
    parts.push([size, data]);
    size = Math.ceil((size + data.length) / 8) * 8;
  }
  const plain = new Uint8Array(size);
  for (const [offset, data] of parts) plain.set(data, offset);
  json.buffers = [{ byteLength: size }];
  json.extensionsUsed = json.extensionsUsed.filter((name) => name !== MESHOPT);
  json.extensionsRequired = json.extensionsRequired.filter((name) => name !== MESHOPT);
  for (const key of ["extensionsUsed", "extensionsRequired"]) if (!json[key].length) delete json[key];
  const views = parts.map(([, data]) => createHash("sha256").update(data).digest("hex"));
  return { plain: pack(json, plain), views };
}

async function report(path) {
  let bytes = new Uint8Array(readFileSync(path));
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = new Uint8Array(gunzipSync(bytes));
  const problems = [];
  const versions = [["file", bytes]];
  let views = null;
  try {
    const decoded = decompressed(bytes, problems);
    if (decoded) versions.push(["decoded", decoded.plain]);
    views = decoded?.views ?? null;
  } catch (error) {
    problems.push(String(error));
  }
  const out = { path, errors: problems.length, warnings: 0, messages: [], views };
  out.messages.push(...problems.map((message) => ({ version: "decoded", severity: 0, message })));
  for (const [version, data] of versions) {
    const { issues } = await validator.validateBytes(data, { maxIssues: 0 });
    out.errors += issues.numErrors;
    out.warnings += issues.numWarnings;
    for (const { code, severity, message, pointer } of issues.messages) {
      if (severity < 2 || code !== "UNUSED_OBJECT") out.messages.push({ version, code, severity, message, pointer });
    }
  }
  return out;
}

await MeshoptDecoder.ready;
let paths = process.argv.slice(2);
if (!paths.length) paths = readFileSync(0, "utf8").split("\n").filter(Boolean);
const files = [];
for (const path of paths) files.push(await report(path));
const sum = (key) => files.reduce((total, file) => total + file[key], 0);
process.stdout.write(JSON.stringify({ count: files.length, errors: sum("errors"), warnings: sum("warnings"), files }));
