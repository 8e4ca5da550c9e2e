// @ts-check
import { html, nothing } from "../lib/lit.js";
import { TwinElement } from "./element.js";

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000];
const LONGEST = 110;

/** Scale bar, compass and eye height; problems in a banner above all else. */
export class TwinStatus extends TwinElement {
  render() {
    const { city, problems, busy } = this.context;
    return html`
      ${problems.map(
        (problem) => html`<div class="banner ${problem.fatal ? "fatal" : ""}" role="alert">
          <p>${this.say(problem.words)}</p>
          ${problem.fatal
            ? html`<button @click=${() => location.reload()}>${this.t("error.reload")}</button>`
            : html`<button @click=${() => this.#dismiss(problem.id)}>${this.t("error.close")}</button>`}
        </div>`,
      )}
      <div class="status">
        ${busy ? html`<span role="status" class="busy">${this.t("status.loading")}</span>` : nothing}
        ${city?.twin ? this.#scale(city) : nothing}
      </div>
    `;
  }

  /** @param {import("../engine/city.js").City} city */
  #scale(city) {
    const perPixel = city.cameraMan.metresPerPixel;
    const length = STEPS.filter((step) => step / perPixel <= LONGEST).at(-1) ?? STEPS[0];
    const { heading, height } = city.cameraMan.view;
    const metres = new Intl.NumberFormat(this.state.lang, { maximumFractionDigits: 0 });
    const label = length < 1000 ? `${length} m` : `${length / 1000} km`;
    return html`
      <svg class="compass" viewBox="0 0 24 24" aria-hidden="true">
        <g transform="rotate(${-heading} 12 12)">
          <path class="n" d="M12 2 15 12H9z"></path>
          <path class="s" d="M12 22 15 12H9z"></path>
        </g>
      </svg>
      <svg class="scale" width=${length / perPixel + 2} height="16" aria-hidden="true">
        <path d="M1 4v8h${length / perPixel}v-8"></path>
      </svg>
      <span>${label}</span>
      <span>${this.t("status.height", { height: metres.format(height) })}</span>
    `;
  }

  /** @param {string} id */
  #dismiss(id) {
    this.dispatchEvent(new CustomEvent("dismiss", { detail: id, bubbles: true }));
  }
}
customElements.define("twin-status", TwinStatus);
