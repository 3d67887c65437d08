// The card of one outlet: its state in one sentence, the session in two rings and a curve, and what one can do.

import {
  KonsentoElement,
  attribute,
  clock,
  energy,
  entitiesOf,
  fire,
  make,
  measured,
  nameOf,
  number,
  power,
  reader,
  registerCard,
  show,
  write,
} from "./base.js";
import { PowerCurve, RUNNING } from "./curve.js";
import { ask } from "./dialog.js";
import { EDITOR } from "./outlet-card-editor.js";
import { Ring } from "./ring.js";
import { t } from "./texts.js";

const STYLE = `
  ha-card {
    position: relative; display: flex; flex-direction: column; gap: 12px; padding: 16px; height: 100%;
    box-sizing: border-box; container-type: inline-size;
  }
  [hidden] { display: none !important; }
  .head {
    display: flex; gap: 12px; align-items: center; border: 0; padding: 0; margin: 0; background: none;
    font: inherit; color: inherit; text-align: start; cursor: pointer; border-radius: 12px;
  }
  .head:focus-visible, .curve:focus-visible { outline: 2px solid var(--primary-color); outline-offset: 4px; }
  .icon {
    flex: none; display: grid; place-items: center; inline-size: 40px; block-size: 40px; border-radius: 50%;
    color: var(--tone); position: relative;
  }
  .icon::before {
    content: ""; position: absolute; inset: 0; border-radius: 50%; background: var(--tone); opacity: .2;
  }
  .words { min-width: 0; }
  .said { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
  .title, .state { display: block; overflow-wrap: anywhere; }
  .title { font-size: var(--ha-font-size-l, 16px); font-weight: var(--ha-font-weight-medium, 500); line-height: 1.3; }
  .state { color: var(--secondary-text-color); line-height: 1.4; word-break: auto-phrase; }
  ha-card { --tone: var(--state-inactive-color, var(--secondary-text-color)); }
  ha-card.free { --tone: var(--success-color); }
  ha-card.charging { --tone: var(--info-color, var(--primary-color)); }
  ha-card.waiting, ha-card.reserved { --tone: var(--warning-color); }
  ha-card.faulted { --tone: var(--error-color); }
  .session { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px; }
  .figure { display: flex; flex-direction: column; align-items: center; text-align: center; gap: 2px; min-width: 0; }
  .label { font-size: var(--ha-font-size-s, 12px); color: var(--secondary-text-color); }
  .plain {
    display: grid; place-content: center; block-size: 84px; font-size: var(--ha-font-size-l, 16px);
    font-variant-numeric: tabular-nums;
  }
  .actions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: auto; }
  @container (width < 260px) {
    .session { grid-template-columns: repeat(2, minmax(0, 1fr)); }
    .figure:last-child { grid-column: 1 / -1; }
    .plain { block-size: auto; }
  }
  ${Ring.style}
  ${PowerCurve.style}
`;

/** By what the outlet is to people (`occupancy`). */
const ICONS = {
  away: "mdi:lan-disconnect",
  charging: "mdi:ev-station",
  faulted: "mdi:alert",
  free: "mdi:power-socket",
  out_of_service: "mdi:power-plug-off",
  reserved: "mdi:calendar-clock",
  waiting: "mdi:timer-sand",
};

/** Keys of the entities that the card shows; what is not there is left out. */
const SHOWN = [
  "end_reason",
  "energy_limit",
  "estimated_end",
  "gravest_problem",
  "occupancy",
  "power",
  "remaining_time",
  "session_energy",
  "time_limit",
  "waiting_for",
];

const FIRST_DATA = { energy: 5, duration: { hours: 4, minutes: 0, seconds: 0 } };

class OutletCard extends KonsentoElement {
  #config;
  #entities = {};
  #registry;
  #parts;
  #curve;
  #said;

  static getConfigElement() {
    return document.createElement(EDITOR);
  }

  static getStubConfig(hass) {
    const outlet = Object.values(hass.entities).find(isOutlet);
    return { device: outlet?.device_id ?? "" };
  }

  setConfig(config) {
    this.#config = config;
    this.#registry = undefined;
    this.schedule();
  }

  getCardSize() {
    return 5;
  }

  getGridOptions() {
    return { columns: 12, min_columns: 6, rows: "auto" };
  }

  concerns(before, after) {
    if (before.entities !== after.entities || before.devices !== after.devices) return true;
    return SHOWN.some((key) => before.states[this.#entities[key]] !== after.states[this.#entities[key]]);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#curve?.stop();
  }

  update() {
    if (!this.#config) return;
    if (this.#registry !== this.hass.entities) {
      this.#registry = this.hass.entities;
      this.#entities = entitiesOf(this.hass, this.#config.device);
    }
    this.#parts ??= this.#build();
    const known = "occupancy" in this.#entities;
    write(this.#parts.unknown, t(this.hass, this.#config.device ? "unknown_outlet" : "no_outlet"));
    show(this.#parts.unknown, !known);
    for (const part of [this.#parts.head, this.#parts.session, this.#parts.actions]) show(part, known);
    if (known) this.#show();
    else for (const part of [this.#parts.why, this.#curve.element]) show(part, false);
  }

  #state(key) {
    return this.hass.states[this.#entities[key]];
  }

  /** The words of an entity's state, or nothing where it has none. */
  #worded(key) {
    const state = this.#state(key);
    if (!state || state.state === "unknown" || state.state === "unavailable") return "";
    return this.hass.formatEntityState(state);
  }

  #build() {
    const card = make("ha-card", { role: "group" });
    const icon = make("ha-icon", { "aria-hidden": "true" });
    const title = make("span", { class: "title" });
    const state = make("span", { class: "state" });
    const head = make(
      "button",
      { class: "head", type: "button", onclick: () => this.#more("occupancy") },
      make("span", { class: "icon" }, icon),
      make("span", { class: "words" }, title, state),
    );
    const said = make("div", { class: "said", role: "status" });
    const why = make("ha-alert", {});
    const unknown = make("ha-alert", { "alert-type": "warning" });
    const energyRing = new Ring();
    const timeRing = new Ring();
    const energyLabel = make("span", { class: "label" });
    const timeLabel = make("span", { class: "label" });
    const powerValue = make("span", { class: "plain" });
    const powerLabel = make("span", { class: "label" });
    const session = make(
      "div",
      { class: "session" },
      make("div", { class: "figure" }, energyRing.element, energyLabel),
      make("div", { class: "figure" }, timeRing.element, timeLabel),
      make("div", { class: "figure" }, powerValue, powerLabel),
    );
    this.#curve = new PowerCurve(() => this.#more("power"));
    const button = (kind, act, props = {}) =>
      make("ha-button", { appearance: "filled", "data-action": kind, onclick: act, ...props });
    const buttons = {
      start: button("start", () => this.#askStart()),
      go_on: button("go_on", () => this.#act("resume_session")),
      stop: button("stop", () => this.#askStop(), { variant: "danger" }),
      pause: button("pause", () => this.#act("suspend_session")),
      clear_fault: button("clear_fault", () => this.#press("clear_fault"), { variant: "warning" }),
      put_back: button("put_back", () => this.#setAvailable(true)),
      take_out: button("take_out", () => this.#askTakeOut(), { appearance: "plain", variant: "neutral" }),
    };
    const actions = make("div", { class: "actions" }, ...Object.values(buttons));
    card.append(head, said, why, unknown, session, this.#curve.element, actions);
    this.shadowRoot.append(make("style", {}, STYLE), card);
    const labels = { energyLabel, powerLabel, timeLabel };
    const values = { energyRing, powerValue, timeRing };
    return { actions, buttons, card, head, icon, said, session, state, title, unknown, why, ...labels, ...values };
  }

  #show() {
    const { hass } = this;
    const parts = this.#parts;
    const mode = this.#state("occupancy")?.state;
    const name = this.#config.name || nameOf(hass, this.#config.device);
    attribute(parts.card, "class", mode);
    attribute(parts.card, "aria-label", name);
    attribute(parts.icon, "icon", ICONS[mode]);
    write(parts.title, name);
    write(parts.state, this.#sentence(mode));
    this.#say(name, mode);
    this.#showWhy(mode);
    const running = RUNNING.has(mode);
    show(parts.session, running);
    if (running) this.#showSession();
    this.#curve.show(hass, this.#entities, running && this.#config.show_curve !== false);
    this.#showActions(mode);
  }

  #sentence(mode) {
    const { hass } = this;
    if (mode === "charging") {
      const end = new Date(this.#state("estimated_end")?.state ?? "");
      if (!Number.isNaN(end.getTime())) return t(hass, "charging_until", { time: clock(hass, end) });
    }
    if (mode === "free") {
      const reason = this.#worded("end_reason");
      if (reason) return t(hass, "free_after", { reason });
    }
    // The limits are known without the outlet, for as long as it has a session.
    if (mode === "away" && (this.#worded("energy_limit") || this.#worded("time_limit"))) return t(hass, "away_session");
    return this.#worded("occupancy");
  }

  /** Read out that the outlet is another way than before; nothing of what merely counts on. */
  #say(name, mode) {
    const before = this.#said;
    this.#said = mode;
    if (before && before !== mode) write(this.#parts.said, `${name}: ${this.#sentence(mode)}`);
  }

  #showWhy(mode) {
    const { why } = this.#parts;
    const problem = this.#state("gravest_problem")?.state === "none" ? "" : this.#worded("gravest_problem");
    const reason = this.#state("waiting_for")?.state === "not_waiting" ? "" : this.#worded("waiting_for");
    const waits = reason ? t(this.hass, "waits_for", { reason }) : t(this.hass, "waits_generic");
    const text = problem || (mode === "waiting" ? waits : "");
    attribute(why, "alert-type", mode === "faulted" ? "error" : problem ? "warning" : "info");
    write(why, text);
    show(why, text);
  }

  #showSession() {
    const { hass } = this;
    const parts = this.#parts;
    const [used, limit] = [measured(this.#state("session_energy")) ?? 0, measured(this.#state("energy_limit"))];
    write(parts.energyLabel, t(hass, "energy"));
    parts.energyRing.show({
      label: t(hass, "energy"),
      done: limit ? used / limit : null,
      value: energy(hass, used),
      limit: limit ? t(hass, "energy_of", { limit: energy(hass, limit, 0) }) : t(hass, "energy_no_limit"),
      spoken: limit
        ? t(hass, "energy_spoken", { energy: energy(hass, used), limit: energy(hass, limit, 0) })
        : t(hass, "energy_spoken_no_limit", { energy: energy(hass, used) }),
    });
    const [left, time] = [measured(this.#state("remaining_time")), measured(this.#state("time_limit"))];
    const bound = left !== null && time;
    write(parts.timeLabel, t(hass, "time_left"));
    parts.timeRing.show({
      label: t(hass, "time_left"),
      done: bound ? 1 - left / time : null,
      value: bound ? this.#duration(left) : "–",
      limit: bound ? t(hass, "energy_of", { limit: this.#duration(time) }) : t(hass, "time_no_limit"),
      spoken: bound
        ? t(hass, "time_spoken", { time: this.#duration(left), limit: this.#duration(time) })
        : t(hass, "time_spoken_no_limit"),
    });
    const watts = measured(this.#state("power"));
    write(parts.powerLabel, t(hass, "power"));
    write(parts.powerValue, watts === null ? "–" : power(hass, watts));
  }

  #duration(seconds) {
    const minutes = Math.ceil(seconds / 60);
    if (minutes < 60) return t(this.hass, "minutes", { minutes: number(this.hass, minutes) });
    const values = { hours: number(this.hass, Math.floor(minutes / 60)), minutes: number(this.hass, minutes % 60) };
    return t(this.hass, minutes % 60 ? "hours_minutes" : "hours", values);
  }

  #showActions(mode) {
    const { actions, buttons } = this.#parts;
    const running = RUNNING.has(mode);
    const held = this.#state("waiting_for")?.state === "owner";
    const can = (action) => action in (this.hass.services.konsento ?? {});
    const shown = {
      start: mode === "free",
      go_on: mode === "waiting" && held && can("resume_session"),
      stop: running,
      pause: running && !held && can("suspend_session"),
      clear_fault: mode === "faulted" && "clear_fault" in this.#entities,
      put_back: mode === "out_of_service",
      take_out: running || mode === "free" || mode === "reserved",
    };
    const focused = this.shadowRoot.activeElement;
    for (const [kind, button] of Object.entries(buttons)) {
      write(button, t(this.hass, kind));
      show(button, shown[kind]);
    }
    show(actions, this.#config.show_controls !== false && Object.values(shown).some(Boolean));
    if (focused?.hidden) this.#focusAction();
  }

  /** Who works with the keyboard stays at this card when the button that was pressed is gone. */
  #focusAction() {
    Object.values(this.#parts.buttons)
      .find((button) => !button.hidden)
      ?.focus();
  }

  #ask(question) {
    const closed = () =>
      requestAnimationFrame(() => {
        if (document.activeElement === document.body) this.#focusAction();
      });
    ask(this, { about: this.#name, closed, ...question });
  }

  #more(key) {
    fire(this, "hass-more-info", { entityId: this.#entities[key] });
  }

  get #name() {
    return this.#config.name || nameOf(this.hass, this.#config.device);
  }

  /** Call an action for this outlet. `quiet`: who calls shows the error itself. */
  #act(action, data = {}, quiet = false) {
    return this.hass.callService("konsento", action, { device_id: this.#config.device, ...data }, undefined, !quiet);
  }

  #press(key) {
    return this.hass.callService("button", "press", { entity_id: this.#entities[key] });
  }

  #setAvailable(available, quiet = false) {
    return this.#act("set_availability", { available }, quiet);
  }

  #askStart() {
    const { hass } = this;
    const noted = "note" in (hass.services.konsento?.start_session?.fields ?? {});
    const kilowattHours = { number: { min: 0, max: 100, step: "any", mode: "box", unit_of_measurement: "kWh" } };
    this.#ask({
      title: t(hass, "start"),
      text: t(hass, "start_text"),
      confirm: t(hass, "start"),
      schema: [
        { name: "energy", selector: kilowattHours },
        { name: "duration", selector: { duration: {} } },
        ...(noted ? [{ name: "note", selector: { text: {} } }] : []),
      ],
      data: { ...FIRST_DATA },
      labels: { energy: t(hass, "start_energy"), duration: t(hass, "start_duration"), note: t(hass, "start_note") },
      helps: { note: t(hass, "start_note_help") },
      submit: (data) => this.#act("start_session", withoutEmpty(data), true),
    });
  }

  #askStop() {
    const { hass } = this;
    this.#ask({
      title: t(hass, "stop_title"),
      text: t(hass, "stop_text"),
      confirm: t(hass, "stop"),
      danger: true,
      submit: () => this.#act("stop_session", {}, true),
    });
  }

  #askTakeOut() {
    const { hass } = this;
    // Only what ends a session is asked about.
    if (!RUNNING.has(this.#state("occupancy")?.state)) {
      this.#setAvailable(false);
      return;
    }
    this.#ask({
      title: t(hass, "take_out_title"),
      text: t(hass, "take_out_text"),
      confirm: t(hass, "take_out"),
      danger: true,
      submit: () => this.#setAvailable(false, true),
    });
  }
}

/** What was left empty in the form is no limit, and no note. */
const withoutEmpty = ({ energy: kilowattHours, duration, note }) => ({
  ...(kilowattHours ? { energy: kilowattHours } : {}),
  ...(duration && Object.values(duration).some(Boolean) ? { duration } : {}),
  ...(note?.trim() ? { note: note.trim() } : {}),
});

const isOutlet = (entity) => entity.platform === "konsento" && entity.translation_key === "available";

registerCard("konsento-outlet-card", OutletCard, {
  get name() {
    return t(reader(), "card_name");
  },
  get description() {
    return t(reader(), "card_description");
  },
  documentationURL: "https://github.com/konsento/konsento/blob/main/docs/dashboard.md",
  preview: true,
  getEntitySuggestion: (hass, entityId) => {
    const device = hass.entities[entityId]?.device_id;
    const outlet = device && Object.values(hass.entities).some((each) => each.device_id === device && isOutlet(each));
    return outlet ? { config: { type: "custom:konsento-outlet-card", device } } : null;
  },
});
