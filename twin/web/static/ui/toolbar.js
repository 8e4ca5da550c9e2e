// @ts-check
import { html } from "../lib/lit.js";
import { TwinElement } from "./element.js";

/** @import {Move} from "../engine/camera.js" */

/** Outlines drawn for 24 x 24. @type {Record<string, string>} */
const ICONS = {
  home: "M4 11.5 12 5l8 6.5M6.5 10v9h11v-9",
  top: "M5 5h14v14H5zM9 9h6v6H9z",
  oblique: "M12 4 20 8v8l-8 4-8-4V8zM4 8l8 4 8-4M12 12v8",
  north: "M12 3 17 20l-5-3.5L7 20z",
  in: "M12 5v14M5 12h14",
  out: "M5 12h14",
  underground: "M3 8h18M6 13h5m3 0h4M4 18h7m3 0h6",
};

/** @type {Move[]} */
const MOVES = ["home", "top", "oblique", "north", "in", "out"];

/** Buttons for the camera and the underground view. */
export class TwinToolbar extends TwinElement {
  render() {
    const { store, city } = this.context;
    const { underground } = this.state;
    return html`
      <div class="tools" role="toolbar" aria-label=${this.t("tools.title")}>
        ${MOVES.map(
          (move) => html`<button
            data-move=${move}
            title=${this.t(`tools.${move}`)}
            aria-label=${this.t(`tools.${move}`)}
            @click=${() => city?.cameraMan.move(move)}
          >
            ${icon(move)}
          </button>`,
        )}
        <button
          class="wide"
          data-tool="underground"
          aria-pressed=${underground}
          title=${this.t(`tools.underground.${underground ? "off" : "on"}`)}
          @click=${() => store.set({ underground: !underground })}
        >
          ${icon("underground")}<span>${this.t("tools.underground")}</span>
        </button>
      </div>
    `;
  }
}

/** @param {string} name */
function icon(name) {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d=${ICONS[name]}></path></svg>`;
}
customElements.define("twin-toolbar", TwinToolbar);
