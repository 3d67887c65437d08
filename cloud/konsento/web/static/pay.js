// Paying: the payment service's own field in our page. What is typed there never reaches this server.
"use strict";

const form = document.querySelector("form[data-pay]");
const problem = document.getElementById("problem");
const button = form.querySelector("button[type=submit]");

function say(text) {
  problem.querySelector("p").textContent = text;
  problem.hidden = false;
  problem.scrollIntoView({ block: "nearest" });
}

function colours() {
  const of = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return {
    colorPrimary: of("--leaf"),
    colorBackground: of("--card"),
    colorText: of("--ink"),
    colorTextSecondary: of("--soft"),
    colorDanger: of("--brick"),
    borderRadius: "12px",
    fontSizeBase: "16px",
  };
}

function begin() {
  const { key, secret, locale, back, saves } = form.dataset;
  const stripe = window.Stripe(key, { locale });
  const elements = stripe.elements({ clientSecret: secret, locale, appearance: { variables: colours() } });
  const field = elements.create("payment");
  field.on("ready", () => {
    document.getElementById("waiting").hidden = true;
    button.hidden = false;
  });
  field.on("loaderror", () => {
    document.getElementById("waiting").hidden = true;
    say(form.dataset.away);
  });
  field.mount("#field");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    button.disabled = true;
    const confirm = saves ? stripe.confirmSetup : stripe.confirmPayment;
    // Leads away to `back` unless something is wrong, which the service says in the driver's language.
    const { error } = await confirm.call(stripe, { elements, confirmParams: { return_url: back } });
    button.disabled = false;
    say(error.message || form.dataset.failed);
  });
}

if (typeof window.Stripe === "function") begin();
else {
  document.getElementById("waiting").hidden = true;
  say(form.dataset.away);
}
