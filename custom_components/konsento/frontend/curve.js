// The power of the running session: what the recorder has of it, and then what comes.

import { attribute, clock, make, measured, power, show, write } from "./base.js";
import { t } from "./texts.js";

const WIDTH = 300;
const HEIGHT = 48;
const MOST_POINTS = 400;
const SILENT_MS = 15_000;
const LONGEST_MS = 24 * 3600_000;
/** What an outlet with a session is to people (`occupancy`). */
export const RUNNING = new Set(["charging", "waiting"]);
const AWAY = new Set(["away", "unavailable", "unknown"]);

export class PowerCurve {
  static style = `
    .curve {
      display: block; inline-size: 100%; border: 0; padding: 0; margin: 0; background: none; font: inherit;
      color: var(--secondary-text-color); cursor: pointer; border-radius: 8px;
    }
    .curve svg { display: block; inline-size: 100%; block-size: 48px; overflow: visible; }
    .curve .area { fill: var(--tone); opacity: .16; }
    .curve .line {
      fill: none; stroke: var(--tone); stroke-width: 2; vector-effect: non-scaling-stroke;
      stroke-linejoin: round;
    }
    .curve .ends {
      display: flex; justify-content: space-between; font-size: var(--ha-font-size-xs, 11px);
      font-variant-numeric: tabular-nums; margin-top: 4px;
    }
  `;

  #area = make("path", { class: "area" });
  #line = make("path", { class: "line" });
  #from = make("span");
  #peak = make("span");
  #to = make("span");
  #points = [];
  #start = 0;
  #session = 0;
  #used = 0;
  #observer;

  /** `open`: called when somebody wants to see more of it. */
  constructor(open) {
    this.element = make(
      "button",
      { class: "curve", type: "button", hidden: true, onclick: open },
      make(
        "svg",
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
        this.#area,
        this.#line,
      ),
      make("div", { class: "ends", "aria-hidden": "true" }, this.#from, this.#peak, this.#to),
    );
  }

  /** Show what there is, or nothing. */
  show(hass, entities, shown) {
    show(this.element, shown);
    const state = hass.states[entities.power];
    if (!shown || !state) {
      this.stop();
      return;
    }
    // Another session may have begun while nobody looked.
    const used = measured(hass.states[entities.session_energy]) ?? 0;
    if (used < this.#used) this.stop();
    this.#used = used;
    if (!this.#start) this.#begin(hass, entities);
    this.#add(Date.parse(state.last_updated), measured(state));
    this.#draw(hass);
  }

  /** Forget the session. */
  stop() {
    this.#observer?.disconnect();
    this.#observer = undefined;
    this.#points = [];
    this.#start = 0;
    this.#session += 1;
  }

  #begin(hass, entities) {
    this.#start = Date.parse(hass.states[entities.occupancy].last_changed);
    const session = ++this.#session;
    // A site may have more outlets than a screen: only what is looked at asks the recorder.
    this.#observer = new IntersectionObserver(async ([entry], observer) => {
      if (!entry.isIntersecting) return;
      observer.disconnect();
      const earlier = await this.#recorded(hass, entities);
      if (session !== this.#session) return;
      this.#start = Math.min(this.#start, earlier.start);
      const first = this.#points[0]?.[0] ?? Infinity;
      this.#points = [...earlier.points.filter(([time]) => time < first), ...this.#points];
      this.#draw(hass);
    });
    this.#observer.observe(this.element);
  }

  async #recorded(hass, entities) {
    const ask = (entity, since) =>
      hass.callWS({
        type: "history/history_during_period",
        start_time: new Date(since).toISOString(),
        entity_ids: [entity],
        minimal_response: true,
        no_attributes: true,
        significant_changes_only: false,
      });
    try {
      const states = (await ask(entities.occupancy, Date.now() - LONGEST_MS))[entities.occupancy] ?? [];
      let start = Infinity;
      for (const { s, lu } of states.toReversed()) {
        if (RUNNING.has(s)) start = lu * 1000;
        else if (!AWAY.has(s)) break;
      }
      start = Math.min(start, this.#start);
      const powers = (await ask(entities.power, start))[entities.power] ?? [];
      const points = powers
        .filter(({ s }) => !AWAY.has(s))
        .map(({ s, lu }) => [Math.max(start, lu * 1000), this.#watts(hass, entities, s)]);
      return { start, points };
    } catch {
      // Without the recorder the curve begins now.
      return { start: this.#start, points: [] };
    }
  }

  #watts(hass, entities, text) {
    return measured({ state: text, attributes: hass.states[entities.power]?.attributes ?? {} }) ?? 0;
  }

  #add(time, watts) {
    const last = this.#points.at(-1);
    if (watts === null || (last && time <= last[0])) return;
    this.#points.push([time, watts]);
    if (this.#points.length > 2 * MOST_POINTS) this.#thin();
  }

  /** Keep the higher one of each two neighbours, so that peaks stay. */
  #thin() {
    const thinned = [];
    for (let at = 0; at < this.#points.length; at += 2) {
      const [one, other = one] = this.#points.slice(at, at + 2);
      thinned.push(other[1] > one[1] ? other : one);
    }
    this.#points = thinned;
  }

  #draw(hass) {
    while (this.#points.length > 2 * MOST_POINTS) this.#thin();
    const now = Date.now();
    const span = Math.max(1000, now - this.#start);
    const peak = Math.max(0, ...this.#points.map(([, watts]) => watts));
    const x = (time) => ((Math.max(0, time - this.#start) / span) * WIDTH).toFixed(1);
    const y = (watts) => (HEIGHT - 1 - (watts / (peak || 1)) * (HEIGHT - 3)).toFixed(1);
    let line = "";
    let [before, level] = [Infinity, 0];
    for (const [time, watts] of this.#points) {
      // What does not change is not told: until now it was as it had been.
      if (time - before > SILENT_MS) line += `L${x(time)} ${y(level)}`;
      line += `${line ? "L" : "M"}${x(time)} ${y(watts)}`;
      [before, level] = [time, watts];
    }
    if (this.#points.length) line += `L${WIDTH} ${y(this.#points.at(-1)[1])}`;
    attribute(this.#line, "d", line);
    attribute(this.#area, "d", line ? `${line}L${WIDTH} ${HEIGHT}L${x(this.#points[0][0])} ${HEIGHT}Z` : "");
    const start = clock(hass, this.#start);
    const highest = this.#points.length ? power(hass, peak) : "";
    write(this.#from, start);
    write(this.#peak, highest && t(hass, "peak", { peak: highest }));
    write(this.#to, t(hass, "now"));
    attribute(this.element, "aria-label", t(hass, "curve", { start, peak: highest }));
  }
}
