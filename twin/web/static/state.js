// @ts-check
// What the viewer shows, in one place, and its written form in the address (after the #).
//
// Keys: twin, hide (layer or layer/entry, separated by ~), ug=1, id, lang, cam
// (lon,lat,height,heading,pitch). What equals the default is left out.

/** @import {View} from "./types.js" */

/** @typedef {"zh" | "en"} Lang */

/**
 * @typedef {object} State
 * @property {string | null} twin
 * @property {ReadonlySet<string>} hidden
 * @property {boolean} underground
 * @property {string | null} selected
 * @property {Lang} lang
 * @property {View | null} camera
 */

/** @returns {Lang} */
export function browserLang() {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/**
 * @param {string} hash As in location.hash; anything unreadable in it is left out.
 * @returns {Partial<State>}
 */
export function readHash(hash) {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  /** @type {Partial<State>} */
  const state = { underground: words.get("ug") === "1", selected: words.get("id") };
  if (words.has("twin")) state.twin = words.get("twin");
  state.hidden = new Set((words.get("hide") ?? "").split("~").filter(Boolean));
  const lang = words.get("lang");
  if (lang === "zh" || lang === "en") state.lang = lang;
  const numbers = (words.get("cam") ?? "").split(",").map(Number);
  if (numbers.length === 5 && numbers.every(Number.isFinite)) {
    const [lon, lat, height, heading, pitch] = numbers;
    const possible = Math.abs(lon) <= 180 && Math.abs(lat) <= 90 && Math.abs(height) < 1e7;
    state.camera = possible ? { lon, lat, height, heading, pitch } : null;
  }
  return state;
}

/** @param {State} state */
export function writeHash(state) {
  const words = new URLSearchParams();
  if (state.twin) words.set("twin", state.twin);
  if (state.hidden.size > 0) words.set("hide", [...state.hidden].sort().join("~"));
  if (state.underground) words.set("ug", "1");
  if (state.selected) words.set("id", state.selected);
  if (state.lang !== browserLang()) words.set("lang", state.lang);
  if (state.camera) {
    const { lon, lat, height, heading, pitch } = state.camera;
    const text = [lon.toFixed(6), lat.toFixed(6), ...[height, heading, pitch].map((n) => n.toFixed(1))];
    words.set("cam", text.join(","));
  }
  return `#${words.toString().replaceAll("%2C", ",").replaceAll("%2F", "/")}`;
}

/** Holds the state; tells listeners (`change`, detail: names of what changed). */
export class Store extends EventTarget {
  /** @param {Partial<State>} start */
  constructor(start) {
    super();
    /** @type {State} */
    this.state = {
      twin: null,
      hidden: new Set(),
      underground: false,
      selected: null,
      lang: browserLang(),
      camera: null,
      ...start,
    };
  }

  /** @param {Partial<State>} change */
  set(change) {
    const keys = /** @type {(keyof State)[]} */ (Object.keys(change));
    const changed = keys.filter((key) => this.state[key] !== change[key]);
    if (changed.length === 0) return;
    this.state = { ...this.state, ...change };
    this.dispatchEvent(new CustomEvent("change", { detail: changed }));
  }

  /**
   * Hide or show a layer or an entry of one.
   * @param {string} key
   * @param {boolean} shown
   */
  show(key, shown) {
    const hidden = new Set(this.state.hidden);
    if (shown) hidden.delete(key);
    else hidden.add(key);
    this.set({ hidden });
  }
}
