// @ts-check
// The keyboard: the same moves that the buttons make.

/** @import {Move} from "../engine/camera.js" */
/** @import {Context} from "./element.js" */

/** @type {Record<string, Move>} */
const MOVES = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
  "+": "in",
  "=": "in",
  "-": "out",
  q: "turn-left",
  e: "turn-right",
  r: "tilt-up",
  f: "tilt-down",
  h: "home",
  t: "top",
  n: "north",
};

/**
 * @param {() => Context} context
 * @param {HTMLElement} scene The focusable element that holds the canvas.
 */
export function listenToKeys(context, scene) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { store, city } = context();
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "Escape") return store.set({ selected: null });
    // Elsewhere these keys belong to the form elements that have the focus.
    if (document.activeElement !== scene && document.activeElement !== document.body) return;
    if (key === "u") return store.set({ underground: !store.state.underground });
    if (key === "l") return store.set({ lang: store.state.lang === "zh" ? "en" : "zh" });
    const move = MOVES[key];
    if (!move || !city) return;
    event.preventDefault();
    city.cameraMan.move(move);
  });
}
