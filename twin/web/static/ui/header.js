// @ts-check
import { html } from "../lib/lit.js";
import { TwinElement } from "./element.js";

/** Title, switch between twins, language. */
export class TwinHeader extends TwinElement {
  render() {
    const { store, twins } = this.context;
    const { twin, lang } = this.state;
    return html`
      <h1>${this.t("app.title")}</h1>
      <div class="switch" role="radiogroup" aria-label=${this.t("twin.choose")}>
        ${twins.map(
          (one) => html`
            <label class=${one.id === twin ? "on" : ""}>
              <input
                type="radio"
                name="twin"
                value=${one.id}
                .checked=${one.id === twin}
                @change=${() => store.set({ twin: one.id, selected: null, camera: null })}
              />${this.say(one.name)}
            </label>
          `,
        )}
      </div>
      <button
        class="lang"
        title=${this.t("lang.switch")}
        aria-label=${this.t("lang.switch")}
        @click=${() => store.set({ lang: lang === "zh" ? "en" : "zh" })}
      >
        ${this.t("lang.other")}
      </button>
    `;
  }
}
customElements.define("twin-header", TwinHeader);
