// The card with which the owner prints the outlets' labels: made here, nothing is asked of anybody outside.

import { make, reader, registerCard, show } from "./base.js";
import { SIZES, fillSheets, qrCode } from "./label-sheet.js";
import { SiteCard, choice } from "./site-card.js";
import { t } from "./texts-views.js";

const STYLE = `
  .outlets { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(280px, 100%), 1fr)); gap: 8px; list-style: none; margin: 0; padding: 0; }
  .outlets label { display: grid; grid-template-columns: auto 96px 1fr; gap: 12px; align-items: center; padding: 8px; border: 1px solid var(--divider-color); border-radius: 12px; cursor: pointer; block-size: 100%; box-sizing: border-box; }
  .outlets label.without { grid-template-columns: 1fr; cursor: default; }
  .outlets svg { inline-size: 96px; block-size: 96px; border-radius: 4px; }
  .outlets .words { min-inline-size: 0; overflow-wrap: anywhere; }
  .code { font-size: var(--ha-font-size-l, 16px); font-weight: var(--ha-font-weight-medium, 500); letter-spacing: .03em; }
  input[type="checkbox"] { inline-size: 20px; block-size: 20px; accent-color: var(--primary-color); margin: 0; }
  fieldset { border: 0; margin: 0; padding: 0; min-inline-size: 0; display: flex; flex-direction: column; gap: 8px; }
  legend { padding: 0; font-size: var(--ha-font-size-l, 16px); font-weight: var(--ha-font-weight-medium, 500); margin-block-end: 8px; }
  .all { display: flex; gap: 12px; align-items: center; padding: 8px; }
`;

class LabelsCard extends SiteCard {
  static style = STYLE;

  #server;
  #size = "medium";
  /** Of the outlets that are not printed. */
  #left = new Set();

  async load(site) {
    if (!this.hass.user?.is_admin) return { servers: [] };
    return this.hass.callWS({ type: "konsento/labels", entry_id: site.entry_id });
  }

  draw({ servers }, site, body) {
    const { hass } = this;
    const head = make("h2", {}, t(hass, "labels"));
    const says = (key, values) => body.replaceChildren(head, make("p", {}, t(hass, key, values)));
    if (!hass.user?.is_admin) return says("only_administrators");
    if (!site.outlets.length) return says("no_outlets");
    if (!servers.length) return says("no_server");
    const server = servers.find(({ subentry_id: id }) => id === this.#server) ?? servers.find(({ source }) => source) ?? servers[0];
    this.#server = server.subentry_id;
    const labels = server.outlets.map((label) => ({
      ...label,
      title: site.outlets.find(({ subentry_id: id }) => id === label.subentry_id)?.title ?? String(label.evse),
    }));
    const redraw = (focus) => {
      this.redraw();
      this.shadowRoot.querySelector(focus)?.focus();
    };
    const choices = make(
      "div",
      { class: "tools" },
      ...(servers.length > 1
        ? [
            choice(t(hass, "server"), this.#server, servers.map(({ subentry_id: id, title }) => [id, title]), (value) => {
              this.#server = value;
              redraw("select");
            }),
          ]
        : []),
      choice(t(hass, "size"), this.#size, Object.keys(SIZES).map((size) => [size, t(hass, `size_${size}`)]), (value) => {
        this.#size = value;
      }),
    );
    if (!server.source) {
      body.replaceChildren(
        head,
        ...(servers.length > 1 ? [choices] : []),
        make("ha-alert", { "alert-type": "info" }, t(hass, "no_labels_yet", { server: server.title })),
      );
      return undefined;
    }
    const blocked = make("ha-alert", { "alert-type": "warning", hidden: true }, t(hass, "blocked"));
    const printed = () => labels.filter(({ subentry_id: id, qr }) => qr && !this.#left.has(id));
    const open = make("ha-button", {}, t(hass, "open_sheet"));
    open.addEventListener("click", () => show(blocked, !this.#open(printed(), site)));
    body.replaceChildren(
      make("div", { class: "bar" }, head, choices),
      make("p", {}, t(hass, "labels_text")),
      this.#choose(labels, server, () => (open.disabled = !printed().length)),
      make("div", { class: "tools" }, open),
      blocked,
    );
    open.disabled = !printed().length;
    return undefined;
  }

  #choose(labels, server, changed) {
    const { hass } = this;
    const printable = labels.filter(({ qr }) => qr);
    const boxes = new Map();
    const all = make("input", { type: "checkbox" });
    const look = () => {
      const left = printable.filter(({ subentry_id: id }) => this.#left.has(id)).length;
      all.checked = !left;
      all.indeterminate = left > 0 && left < printable.length;
      changed();
    };
    const take = (id, wanted) => {
      if (wanted) this.#left.delete(id);
      else this.#left.add(id);
    };
    all.addEventListener("change", () => {
      for (const [id, box] of boxes) {
        box.checked = all.checked;
        take(id, all.checked);
      }
      look();
    });
    const items = labels.map((label) => {
      const words = [make("div", {}, label.title)];
      if (!label.qr) {
        words.push(make("div", { class: "quiet" }, t(hass, "label_missing", { server: server.title })));
        return make("li", {}, make("label", { class: "without" }, make("div", { class: "words" }, ...words)));
      }
      const box = make("input", { type: "checkbox" });
      box.checked = !this.#left.has(label.subentry_id);
      box.addEventListener("change", () => {
        take(label.subentry_id, box.checked);
        look();
      });
      boxes.set(label.subentry_id, box);
      if (label.code) words.push(make("div", { class: "code" }, label.code));
      words.push(make("div", { class: "quiet" }, label.url));
      const drawn = qrCode(label.qr, t(hass, "qr_of", { outlet: label.title }));
      return make("li", {}, make("label", {}, box, drawn, make("div", { class: "words" }, ...words)));
    });
    const choose = make(
      "fieldset",
      {},
      make("legend", {}, t(hass, "choose")),
      ...(printable.length > 1 ? [make("label", { class: "all" }, all, t(hass, "choose_all"))] : []),
      make("ul", { class: "outlets" }, ...items),
    );
    look();
    return choose;
  }

  /** Open the sheets in a window of their own; returns whether the browser did so. */
  #open(labels, site) {
    const { hass } = this;
    const page = window.open("", "_blank");
    if (!page) return false;
    fillSheets(page.document, {
      labels,
      site: site.title,
      size: this.#size,
      language: hass.language,
      texts: { title: t(hass, "sheet_title", { site: site.title }), print: t(hass, "print"), help: t(hass, "print_help") },
      print: () => page.print(),
    });
    return true;
  }
}

registerCard("konsento-labels-card", LabelsCard, {
  get name() {
    return t(reader(), "labels_name");
  },
  get description() {
    return t(reader(), "labels_description");
  },
  documentationURL: "https://github.com/konsento/konsento/blob/main/docs/dashboard.md",
});
