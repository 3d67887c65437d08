// The settings of the outlet card.

import { KonsentoElement, fire, make } from "./base.js";
import { t } from "./texts.js";

export const EDITOR = "konsento-outlet-card-editor";

const SCHEMA = [
  {
    name: "device",
    required: true,
    // Outlets alone have a switch: whether they take sessions.
    selector: { device: { filter: [{ integration: "konsento" }], entity: [{ integration: "konsento", domain: "switch" }] } },
  },
  { name: "name", selector: { text: {} } },
  { name: "show_curve", selector: { boolean: {} } },
  { name: "show_controls", selector: { boolean: {} } },
];

class OutletCardEditor extends KonsentoElement {
  #config;
  #form;

  setConfig(config) {
    this.#config = config;
    this.schedule();
  }

  update() {
    if (!this.#form) {
      this.#form = make("ha-form", {
        ".schema": SCHEMA,
        ".computeLabel": (field) => t(this.hass, `edit_${field.name}`),
        ".computeHelper": (field) => (field.name === "name" ? t(this.hass, "edit_name_help") : undefined),
        "onvalue-changed": (event) => this.#changed(event),
      });
      this.shadowRoot.append(this.#form);
    }
    this.#form.hass = this.hass;
    this.#form.data = { show_curve: true, show_controls: true, ...this.#config };
  }

  #changed(event) {
    event.stopPropagation();
    const config = { ...event.detail.value };
    // What is as it would be anyway need not be written down.
    for (const name of ["show_curve", "show_controls"]) if (config[name] !== false) delete config[name];
    if (!config.name) delete config.name;
    fire(this, "config-changed", { config });
  }
}

if (!customElements.get(EDITOR)) customElements.define(EDITOR, OutletCardEditor);
