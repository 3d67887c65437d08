// A ring that fills, with a value in its middle.

import { attribute, make, write } from "./base.js";

const RADIUS = 37;
const LENGTH = 2 * Math.PI * RADIUS;

export class Ring {
  static style = `
    .ring { position: relative; inline-size: 84px; aspect-ratio: 1; max-inline-size: 100%; }
    .ring svg { display: block; inline-size: 100%; block-size: 100%; transform: rotate(-90deg); }
    .ring circle { fill: none; stroke-width: 7; }
    .ring .track { stroke: var(--divider-color); }
    .ring .done { stroke: var(--tone); stroke-linecap: round; }
    .ring .middle {
      position: absolute; inset: 10px; display: grid; place-content: center; text-align: center;
      line-height: 1.15;
    }
    .ring .value {
      font-weight: var(--ha-font-weight-medium, 500); font-size: var(--ha-font-size-s, 12px);
      font-variant-numeric: tabular-nums;
    }
    .ring .limit { font-size: 10px; color: var(--secondary-text-color); }
  `;

  #done = make("circle", { class: "done", cx: 42, cy: 42, r: RADIUS, "stroke-dasharray": LENGTH });
  #value = make("span", { class: "value" });
  #limit = make("span", { class: "limit" });

  element = make(
    "div",
    { class: "ring", role: "meter", "aria-valuemin": 0, "aria-valuemax": 100 },
    make(
      "svg",
      { viewBox: "0 0 84 84", "aria-hidden": "true" },
      make("circle", { class: "track", cx: 42, cy: 42, r: RADIUS }),
      this.#done,
    ),
    make("div", { class: "middle", "aria-hidden": "true" }, this.#value, this.#limit),
  );

  /** Show how much is done (0 to 1, `null` where nothing bounds it), what stands in the middle, and what is read out. */
  show({ label, done, value, limit, spoken }) {
    const share = Math.min(1, Math.max(0, done ?? 0));
    attribute(this.element, "aria-label", label);
    attribute(this.element, "aria-valuenow", Math.round(share * 100));
    attribute(this.element, "aria-valuetext", spoken);
    attribute(this.#done, "stroke-dashoffset", (LENGTH * (1 - share)).toFixed(1));
    attribute(this.#done, "visibility", share > 0 ? null : "hidden");
    write(this.#value, value);
    write(this.#limit, limit);
  }
}
