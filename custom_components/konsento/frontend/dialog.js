// A question to the owner: a confirmation, or a form. Home Assistant shows it among its own dialogs.

import { KonsentoElement, attribute, fire, make, show, write } from "./base.js";
import { t } from "./texts.js";

/**
 * Ask. Shown are `title`, `about` (which outlet), `text`, and what the button says (`confirm`, in red with `danger`).
 * `schema`, `data`, `labels` and `helps` are those of a form of Home Assistant. `submit(data)` does what was agreed to:
 * its error is shown, and the dialog stays. `closed` is called in the end, whatever the answer was.
 */
export const ask = (from, question) =>
  fire(from, "show-dialog", {
    dialogTag: "konsento-dialog",
    dialogImport: () => Promise.resolve(),
    dialogParams: question,
  });

const STYLE = `
  p { margin: 0 0 16px; }
  ha-alert { display: block; margin-top: 16px; }
  ha-alert[hidden] { display: none; }
`;

class KonsentoDialog extends KonsentoElement {
  #question;
  #dialog;
  #form;
  #error;
  #confirm;

  concerns() {
    return false;
  }

  showDialog(question) {
    this.#question = question;
    this.shadowRoot.replaceChildren();
    this.#draw();
  }

  closeDialog() {
    if (this.#dialog) this.#dialog.open = false;
    return true;
  }

  #draw() {
    const { title, about, text, confirm, danger, schema, data, labels, helps } = this.#question;
    this.#error = make("ha-alert", { "alert-type": "error", hidden: true });
    this.#form =
      schema &&
      make("ha-form", {
        ".hass": this.hass,
        ".schema": schema,
        ".data": data,
        ".computeLabel": (field) => labels[field.name],
        ".computeHelper": (field) => helps?.[field.name],
        "onvalue-changed": (event) => {
          this.#question.data = event.detail.value;
          this.#form.data = event.detail.value;
        },
      });
    this.#confirm = make(
      "ha-button",
      { slot: "primaryAction", variant: danger ? "danger" : "brand", onclick: () => this.#submit() },
      confirm,
    );
    this.#dialog = make(
      "ha-dialog",
      {
        "header-title": title,
        "header-subtitle": about,
        width: "small",
        // A form has a phone's whole screen, a mere question has not.
        type: schema ? "standard" : "alert",
        onclosed: (event) => {
          if (event.target !== this.#dialog) return;
          this.#dialog = undefined;
          this.shadowRoot.replaceChildren();
          fire(this, "dialog-closed", { dialog: this.localName });
          this.#question.closed?.();
        },
      },
      make("p", {}, text),
      this.#form,
      this.#error,
      make(
        "ha-dialog-footer",
        { slot: "footer" },
        make(
          "ha-button",
          { slot: "secondaryAction", appearance: "plain", onclick: () => this.closeDialog() },
          t(this.hass, "cancel"),
        ),
        this.#confirm,
      ),
    );
    this.shadowRoot.append(make("style", {}, STYLE), this.#dialog);
    this.#dialog.open = true;
  }

  async #submit() {
    attribute(this.#confirm, "loading", true);
    show(this.#error, false);
    try {
      await this.#question.submit(this.#question.data);
      this.closeDialog();
    } catch (error) {
      write(this.#error, error?.message ?? String(error));
      show(this.#error, true);
    } finally {
      attribute(this.#confirm, "loading", false);
    }
  }
}

if (!customElements.get("konsento-dialog")) customElements.define("konsento-dialog", KonsentoDialog);
