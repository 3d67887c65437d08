// Passkeys: the browser's own dialogue between two requests. Pages work without them.
"use strict";

function toBytes(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function toText(buffer) {
  const text = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// Browsers have learnt to do the next two themselves only lately.
function readOptions(options) {
  options.challenge = toBytes(options.challenge);
  if (options.user) options.user.id = toBytes(options.user.id);
  for (const known of options.excludeCredentials ?? []) known.id = toBytes(known.id);
  for (const known of options.allowCredentials ?? []) known.id = toBytes(known.id);
  return options;
}

function writeCredential(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const written = Object.fromEntries(parts.filter((part) => response[part]).map((part) => [part, toText(response[part])]));
  if (response.getTransports) written.transports = response.getTransports();
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response: written };
}

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const found = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(found.message), { told: true, code: found.code });
  return found;
}

function tell(form, error) {
  // A person who closes the dialogue knows why nothing happens.
  if (error.name === "NotAllowedError" || error.name === "AbortError") return;
  const problem = form.querySelector("#problem") ?? document.querySelector("#passkey-problem");
  problem.hidden = false;
  problem.firstElementChild.textContent = error.told ? error.message : form.dataset.failed;
}

function busy(button, on) {
  if (button) button.setAttribute("aria-disabled", String(on));
}

async function make(form) {
  const fields = Object.fromEntries(new FormData(form));
  const path = form.dataset.makePasskey;
  const options = readOptions(await ask(`${path}/options`, { present: fields.present ?? "" }));
  const credential = writeCredential(await navigator.credentials.create({ publicKey: options }));
  const { next } = await ask(`${path}/new`, { credential, name: fields.name, next: form.dataset.next });
  location.assign(next);
}

function offerToMake(form) {
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential) {
    tell(form, { told: true, message: form.dataset.unable });
    button.hidden = true;
    return;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    busy(button, true);
    try {
      await make(form);
    } catch (error) {
      tell(form, error);
    }
    busy(button, false);
  });
}

const RENEW_MS = 4 * 60 * 1000; // before the challenge is over
let waiting = null; // the browser's list of passkeys in the field of the address

async function signIn(form, options, how) {
  const found = await navigator.credentials.get({ publicKey: readOptions(options), ...how });
  const credential = writeCredential(found);
  try {
    const { next } = await ask("/signin/passkey/answer", { credential, next: form.elements.next.value });
    location.assign(next);
  } catch (error) {
    // The device stops offering what is not known here any more.
    if (error.code === "UnknownPasskey")
      PublicKeyCredential.signalUnknownCredential?.({ rpId: options.rpId, credentialId: credential.id });
    throw error;
  }
}

async function offerInField(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  const { signal } = waiting;
  const renew = setTimeout(() => {
    waiting?.abort();
    offerInField(form).catch(() => {});
  }, RENEW_MS);
  try {
    const options = await ask("/signin/passkey/options", {});
    await signIn(form, options, { mediation: "conditional", signal });
  } catch (error) {
    tell(form, error);
  } finally {
    clearTimeout(renew);
  }
}

function offerToSignIn(form) {
  const button = document.querySelector("[data-passkey]");
  if (!window.PublicKeyCredential) {
    button.addEventListener("click", () => tell(form, { told: true, message: form.dataset.unable }));
    return;
  }
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") return;
    busy(button, true);
    waiting?.abort();
    waiting = null;
    try {
      await signIn(form, await ask("/signin/passkey/options", {}), {});
    } catch (error) {
      tell(form, error);
    }
    busy(button, false);
  });
  offerInField(form).catch(() => {});
}

for (const form of document.querySelectorAll("[data-make-passkey]")) offerToMake(form);
for (const form of document.querySelectorAll("[data-sign-in]")) offerToSignIn(form);
