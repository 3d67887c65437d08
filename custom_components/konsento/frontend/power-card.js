// The power of a site against its limit: Home Assistant's gauge, which by itself cannot follow a limit that changes.

import { KonsentoElement, measured } from "./base.js";
import { t } from "./texts.js";

const NEAR = 0.8;
const AT = 0.95;

class PowerCard extends KonsentoElement {
  #config;
  #card;
  #limit;

  setConfig(config) {
    if (typeof config.entity !== "string") throw new Error("entity: the power of a site is needed");
    this.#config = config;
    this.#card = undefined;
    this.schedule();
  }

  getCardSize() {
    return 3;
  }

  getGridOptions() {
    return { columns: 12, min_columns: 6, rows: "auto" };
  }

  concerns(before, after) {
    const { entity, limit_entity: limit } = this.#config ?? {};
    return [entity, limit].some((each) => before.states[each] !== after.states[each]);
  }

  async update() {
    if (!this.#config) return;
    const { entity, limit_entity: limitEntity } = this.#config;
    const limit = this.#inUnitOf(entity, measured(this.hass.states[limitEntity]));
    if (!this.#card || limit !== this.#limit) {
      this.#limit = limit;
      const helpers = await window.loadCardHelpers();
      this.#card = helpers.createCardElement(limit ? this.#gauge(limit) : this.#tile());
      this.shadowRoot.replaceChildren(this.#card);
    }
    this.#card.hass = this.hass;
  }

  /** Return watts in the unit that the owner has chosen for an entity, which is that of the gauge. */
  #inUnitOf(entity, watts) {
    const state = this.hass.states[entity];
    if (!watts || !state) return null;
    const one = measured({ state: "1", attributes: state.attributes });
    return watts / one;
  }

  #gauge(limit) {
    return {
      type: "gauge",
      entity: this.#config.entity,
      name: this.#config.name ?? t(this.hass, "site_power"),
      min: 0,
      max: limit,
      needle: true,
      severity: { green: 0, yellow: NEAR * limit, red: AT * limit },
    };
  }

  #tile() {
    return {
      type: "tile",
      entity: this.#config.entity,
      name: this.#config.name ?? t(this.hass, "site_power"),
      features: [{ type: "trend-graph" }],
    };
  }
}

// Not in the card picker: it is a part of the dashboard.
if (!customElements.get("konsento-power-card")) customElements.define("konsento-power-card", PowerCard);
