// "Scan the code": the camera in the page reads the QR code of an outlet of this service, or a code as it is typed.
// Addresses of anywhere else are named and not followed. The pictures stay in the phone.
"use strict";

const READ_EVERY_MS = 120;
const LONGEST_EDGE_PX = 960;
const SAME_AGAIN_MS = 3000;
const TYPED = /^[A-Za-z0-9*\-\s]{4,40}$/;

// A reader of pictures: the browser's own, or the one that is loaded when it is needed.
async function makeReader(dialog) {
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats()).includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video)).map((code) => code.rawValue);
  }
  if (!window.ZXingWASM) {
    await new Promise((loaded, failed) => {
      const script = document.createElement("script");
      script.src = dialog.dataset.reader;
      script.onload = loaded;
      script.onerror = () => { script.remove(); failed(new Error("reader")); };
      document.head.append(script);
    });
  }
  await ZXingWASM.prepareZXingModule({ overrides: { locateFile: () => dialog.dataset.wasm }, fireImmediately: true });
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, LONGEST_EDGE_PX / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    const found = await ZXingWASM.readBarcodes(picture, { formats: ["QRCode"], maxNumberOfSymbols: 1 });
    return found.map((code) => code.text);
  };
}

function addressOf(text) {
  try {
    const address = new URL(text.trim());
    return /^https?:$/.test(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

// Where a code leads within this service; null for a text that is no code of an outlet. Labels may be in capitals.
function wayOf(text, here) {
  const [address, ours] = [addressOf(text), new URL(`${here}/o/`)];
  if (address) {
    const [way, code] = [address.pathname.slice(0, ours.pathname.length), address.pathname.slice(ours.pathname.length)];
    const known = address.origin === ours.origin && way.toLowerCase() === ours.pathname.toLowerCase();
    return known && /^[A-Za-z0-9]{4,16}$/.test(code) ? `/o/${code}` : null;
  }
  return TYPED.test(text.trim()) ? `/?code=${encodeURIComponent(text.trim())}` : null;
}

function watchScanner(dialog, button) {
  const video = dialog.querySelector("video");
  const says = dialog.querySelector("[data-says]");
  const torch = dialog.querySelector("[data-torch]");
  let stream = null;
  let run = 0;

  function say(what, values = {}) {
    const text = dialog.dataset[what].replace(/\{(\w+)\}/g, (_, name) => values[name]);
    if (says.textContent !== text) says.textContent = text;
  }

  function stop() {
    run++;
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    torch.hidden = true;
    torch.setAttribute("aria-pressed", "false");
  }

  function close() {
    stop();
    dialog.close();
  }

  async function camera() {
    if (!isSecureContext || !navigator.mediaDevices) throw Object.assign(new Error(), { says: "insecure" });
    try {
      const wanted = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } };
      return await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      const reasons = { NotAllowedError: "refused", SecurityError: "refused", NotReadableError: "taken", AbortError: "taken" };
      throw Object.assign(new Error(), { says: reasons[error.name] ?? "none" });
    }
  }

  async function read(mine) {
    say("loading");
    let reader;
    try {
      reader = await makeReader(dialog);
    } catch {
      throw Object.assign(new Error(), { says: "broken" });
    }
    say("looking");
    let refused = 0;
    while (mine === run) {
      const texts = video.readyState >= 2 ? await reader(video).catch(() => []) : [];
      if (mine !== run) return;
      for (const text of texts) {
        const way = wayOf(text, dialog.dataset.here);
        if (way) {
          say("found");
          stop();
          location.assign(way);
          return;
        }
        const address = addressOf(text);
        if (address) say("elsewhere", { host: address.host });
        else say("other");
        refused = Date.now();
      }
      if (refused && Date.now() - refused > SAME_AGAIN_MS) {
        refused = 0;
        say("looking");
      }
      await new Promise((later) => setTimeout(later, READ_EVERY_MS));
    }
  }

  async function open() {
    dialog.showModal();
    say("starting");
    const mine = ++run;
    try {
      const opened = await camera();
      if (mine !== run) {
        // Closed while the browser was asking.
        for (const track of opened.getTracks()) track.stop();
        return;
      }
      stream = opened;
      video.srcObject = stream;
      await video.play();
      torch.hidden = !stream.getVideoTracks()[0].getCapabilities?.().torch;
      await read(mine);
    } catch (error) {
      if (mine !== run) return;
      stop();
      say(error.says ?? "broken");
    }
  }

  torch.addEventListener("click", async () => {
    const on = torch.getAttribute("aria-pressed") !== "true";
    try {
      await stream.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: on }] });
      torch.setAttribute("aria-pressed", String(on));
    } catch {
      torch.hidden = true;
    }
  });
  button.addEventListener("click", open);
  dialog.querySelector("[data-close]").addEventListener("click", close);
  dialog.addEventListener("close", stop);
  addEventListener("pagehide", close);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden" && dialog.open) close(); });
}

for (const button of document.querySelectorAll("[data-scan]")) {
  watchScanner(document.querySelector("[data-scanner]"), button);
}
