// @ts-check
// Questions to the server.

/** @import {FeatureRecord, Twin, TwinSummary} from "./types.js" */

/** What the server said when it refused, in both languages. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} en
   * @param {string} zh
   */
  constructor(status, en, zh) {
    super(en);
    this.status = status;
    this.zh = zh;
  }
}

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
async function get(path) {
  let response;
  try {
    response = await fetch(path, { headers: { accept: "application/json" } });
  } catch {
    throw new ApiError(
      0,
      "The server does not answer. Check that it is running, then reload.",
      "服务器没有响应。请确认服务正在运行，然后刷新页面。",
    );
  }
  if (response.ok) return response.json();
  const said = await response.json().catch(() => ({}));
  throw new ApiError(
    response.status,
    said.detail ?? `${path}: HTTP ${response.status}`,
    said.detail_zh ?? said.detail ?? `${path}：HTTP ${response.status}`,
  );
}

/** @returns {Promise<TwinSummary[]>} */
export async function listTwins() {
  return (await get("/twins")).twins;
}

/**
 * @param {string} id
 * @returns {Promise<Twin>}
 */
export function getTwin(id) {
  return get(`/twins/${encodeURIComponent(id)}`);
}

/**
 * @param {string} twin
 * @param {string} id
 * @returns {Promise<FeatureRecord>}
 */
export function getFeature(twin, id) {
  return get(`/twins/${encodeURIComponent(twin)}/features/${encodeURIComponent(id)}`);
}
