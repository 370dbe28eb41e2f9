// Vestibule with JavaScript: forms are sent without leaving the page, and the answer is shown in
// place. Without it, and whenever anything is out of the ordinary, the browser does it by itself.
// To leave a form to the browser always, give it target="_self".

const pageOf = ({ pathname, search }) => pathname + search;

let shown = pageOf(location); // which page is on the screen
let sending = false;
let outdated = false; // whether the server has a newer version of this script
let elsewhere = false; // whether a key held at the last click asks for another tab or window

// Sending

const noteKeys = (event) => (elsewhere = event.ctrlKey || event.metaKey || event.shiftKey);
addEventListener("click", noteKeys, { capture: true });

addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (event.defaultPrevented || !isOurs(form, button)) return;
  const fields = fieldsOf(form, button);
  if (!fields) return;
  event.preventDefault();
  if (!sending) send(addressOf(form), fields, button);
});

function isOurs(form, button) {
  return (
    !outdated &&
    !elsewhere &&
    document.querySelector("main") && // where the answer is shown
    form.matches('[method="post" i]:not([target], [enctype])') &&
    !button?.matches("[formaction], [formmethod], [formtarget], [formenctype], [type=image]") &&
    addressOf(form).origin === location.origin
  );
}

// Not form.action: that would be a field of this name.
function addressOf(form) {
  return new URL(form.getAttribute("action") ?? "", location.href);
}

function fieldsOf(form, button) {
  const fields = [...new FormData(form)];
  if (fields.some(([, value]) => typeof value !== "string")) return null; // a file
  if (button?.name) fields.push([button.name, button.value]);
  const asBrowsersSend = ([name, value]) => [name, value.replace(/\r\n?|\n/g, "\r\n")];
  return new URLSearchParams(fields.map(asBrowsersSend));
}

// fetch follows redirects; the message on the page that it gets is shown once: never ask for it
// again. Nor send anything twice: the server may have done it, though no answer came.
async function send(address, body, button) {
  setSending(true, button);
  const signal = AbortSignal.timeout?.(30_000); // milliseconds
  const headers = { Accept: "text/html" }; // or messages in it count as not yet read
  const answer = await fetch(address, { method: "POST", headers, body, signal }).catch(() => null);
  const file = await answer?.blob().catch(() => null);
  const text = await file?.text();
  setSending(false, button);
  if (isDownload(answer) && file) save(answer, file);
  else if (typeof text === "string") receive(answer, text, address);
  else report("No answer came. What you typed is still here. Check your connection and try again.");
}

const isDownload = (answer) => /^attachment/i.test(answer?.headers.get("Content-Disposition"));

// To ask for it again could make another one, or none.
function save(answer, file) {
  const [, name = ""] = /filename="?([^";]+)/i.exec(answer.headers.get("Content-Disposition")) ?? [];
  const link = Object.assign(document.createElement("a"), { download: name });
  link.href = URL.createObjectURL(file);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // milliseconds; once it is saved
}

// Not the disabled attribute: it would take the focus away.
function setSending(value, button) {
  sending = value;
  for (const name of ["aria-busy", "aria-disabled"]) button?.setAttribute(name, value);
}

// The answer

function receive(answer, text, address) {
  const url = new URL(answer.url);
  const isHtml = answer.headers.get("Content-Type")?.startsWith("text/html");
  const page = new DOMParser().parseFromString(isHtml ? text : "", "text/html"); // runs no script
  if (page.querySelector("main") && url.origin === location.origin) {
    show(page, url);
    countDown(Number(answer.headers.get("Retry-After")), address);
  } else if (answer.ok) location.assign(url);
  else report(`The server could not answer (${answer.status}). What you typed is still here.`);
}

function show(page, url) {
  const isNew = pageOf(url) !== shown;
  if (isNew) history.pushState(null, "", url); // null: what is kept here outlives the log-out
  shown = pageOf(url);
  document.title = page.title;
  useFilesOf(page);
  const focused = toFocus(page);
  if (!isNew && page.querySelector("main [role=alert]")) keepPasswords(page);
  for (const part of ["body > header", "main"]) {
    const next = page.querySelector(part);
    document.querySelector(part)?.replaceWith(next ?? "");
    if (next) enhance(next);
  }
  runScriptsOf(page);
  if (isNew) scrollTo(0, 0);
  focused?.focus();
}

// Other files are named after a deploy. The old stylesheet stays until the new one has come; a new
// script cannot take the place of this one, so the next form is left to the browser.
function useFilesOf(page) {
  outdated = page.querySelector("script[src*='/enhance.js']")?.src !== import.meta.url;
  const [ours, theirs] = [document, page].map((one) => one.querySelector("[rel=stylesheet]"));
  if (!theirs || theirs.href === ours?.href) return;
  theirs.addEventListener("load", () => ours?.remove()); // not sooner: the page would look bare
  (ours ?? document.head.lastElementChild).after(theirs);
}

// What was typed right stays. The server never sends a password back, so it is taken from the page
// that is about to go.
function keepPasswords(page) {
  for (const input of document.querySelectorAll("main input[autocomplete$=-password][name]")) {
    const same = page.querySelector(`main [name="${CSS.escape(input.name)}"]:not([aria-invalid])`);
    if (same?.autocomplete === input.autocomplete) same.value = input.value;
  }
}

// The first wrong field, or else what there is to say, or else the heading.
function toFocus(page) {
  const wanted = ["[autofocus]", "[aria-invalid]", "[role=alert]", "[role=status]", "h1"];
  const found = wanted.map((what) => page.querySelector(`main ${what}`)).find(Boolean);
  found?.removeAttribute("autofocus"); // or browsers complain that it comes too late
  if (found && !found.matches("input, select, textarea")) found.tabIndex = -1;
  return found;
}

function report(message) {
  const alert = document.createElement("p");
  Object.assign(alert, { className: "problems", id: "lost", tabIndex: -1, textContent: message });
  alert.setAttribute("role", "alert");
  document.getElementById("lost")?.remove();
  const heading = document.querySelector("main h1");
  if (heading) heading.after(alert);
  else (document.querySelector("main") ?? document.body).prepend(alert);
  alert.focus();
}

// 429 and 503 say in how many seconds to come back: the form cannot be sent until then.
function countDown(seconds, address) {
  const alert = document.querySelector("main [role=alert]");
  const buttons = [...document.querySelectorAll("main form [type=submit]")].filter(
    (button) => addressOf(button.form).href === address.href,
  );
  if (!(seconds > 0) || !alert || !buttons.length) return;
  const timer = timerIn(alert, seconds);
  const end = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    for (const button of buttons) button.disabled = left > 0;
    timer.textContent = left === 1 ? "1 second" : `${left} seconds`;
    if (left > 0 && alert.isConnected) setTimeout(tick, 250);
    if (left <= 0) Object.assign(alert, { className: "notice", textContent: "You can try again." });
  };
  tick();
}

// A timer: screen readers read the alert when it comes and when it changes, not every second.
function timerIn(alert, seconds) {
  const time = new RegExp(`(?:about \\d+ minutes \\()?\\b${seconds} seconds?\\)?`);
  const [before, after = ""] = `${alert.textContent} `.split(time);
  const timer = document.createElement("span");
  timer.setAttribute("role", "timer");
  alert.replaceChildren(before, timer, after);
  return timer;
}

// Back and forward

// The browser loads that page again: the server is asked again whether this visitor may see it.
addEventListener("popstate", () => {
  if (pageOf(location) !== shown) location.reload();
});

// A page that the browser froze when it was left may be private, and its owner may have logged
// out since: it stays invisible until it has been loaded again.
addEventListener("pagehide", (event) => {
  document.documentElement.hidden = event.persisted;
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

// Fields

function enhance(part) {
  for (const input of part.querySelectorAll("input[type=password]")) addReveal(input);
  for (const input of part.querySelectorAll("input[data-max], textarea[data-max]")) addCount(input);
  for (const input of part.querySelectorAll("[data-confirm]")) armBy(input);
  useLocalTime(part);
}

function addReveal(input) {
  const button = document.createElement("button");
  const label = (input.ariaLabel || input.labels[0]?.textContent || "password").toLowerCase();
  const reveal = (visible) => {
    input.type = visible ? "text" : "password";
    button.textContent = visible ? "Hide" : "Show";
    button.setAttribute("aria-label", `${button.textContent} ${label}`);
  };
  Object.assign(button, { type: "button", className: "reveal" });
  button.addEventListener("click", () => reveal(input.type === "password"));
  input.form?.addEventListener("submit", () => reveal(false)); // or browsers offer it as plain text
  reveal(false);
  (input.closest("label") ?? input).after(button);
}

// Counted as the server does, in code points after NFKC: neither bytes nor UTF-16 units.
function addCount(input) {
  const { min, max } = input.dataset;
  const count = document.createElement("span");
  const update = () => {
    const length = [...input.value.normalize("NFKC")].length;
    const [missing, surplus] = [min - length, length - max];
    const far = missing > 0 ? `${missing} more` : surplus > 0 && `${surplus} too many`;
    count.textContent = length ? far || `${length} of ${max}` : "";
  };
  Object.assign(count, { className: "count", id: `${input.id || input.name}-count` });
  const notes = [input.getAttribute("aria-describedby"), count.id].filter(Boolean);
  input.setAttribute("aria-describedby", notes.join(" "));
  input.addEventListener("input", update);
  (input.closest(".field") ?? input.parentElement).append(count);
  update();
}

// The button of a form that cannot be undone works once its data-confirm has been typed.
function armBy(input) {
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const button = input.form?.querySelector("[type=submit]");
  const update = () => {
    if (button) button.disabled = plain(input.value) !== plain(input.dataset.confirm);
  };
  input.addEventListener("input", update);
  update();
}

// Times

// The server writes them in UTC, with the day ("23 November 2026, 11:54 UTC") or without.
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

function useLocalTime(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    if (Number.isNaN(when.getTime())) continue;
    const { value } = zone.formatToParts(when).find(({ type }) => type === "timeZoneName");
    const local = (_, date) => `${date ? `${day.format(when)}, ` : ""}${clock.format(when)} ${value}`;
    time.textContent = time.textContent.replace(/^(\d+ \w+ \d+, )?\d\d:\d\d UTC$/, local);
  }
  useLocalDays(part);
}

// Lists that the server grouped by days (UTC)
function useLocalDays(part) {
  const given = [...part.querySelectorAll(".day")];
  const days = new Map();
  for (const item of part.querySelectorAll(".day li")) {
    const when = new Date(item.querySelector("time").dateTime);
    const name = Number.isNaN(when.getTime()) ? "" : day.format(when);
    if (!days.has(name)) {
      const section = given[0].cloneNode(true);
      section.querySelector("h2").textContent = name;
      section.querySelector("ul").replaceChildren();
      days.set(name, section);
    }
    days.get(name).querySelector("ul").append(item);
  }
  given[0]?.before(...days.values());
  for (const section of given) section.remove();
}

// On paper nothing can be opened.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

// A page's own script
//
// A page brings it in its block "scripts", as a module; in a page that is shown in place the
// browser runs no script, so it is imported here. What is to happen each time, a module exports as
// its default, a function of the main element; one without runs whole each time.
//
//     {% block scripts %}<script type="module" src="{{ 'notes.js'|static_url }}"></script>{% endblock %}
//
//     export default (main) => main.querySelector("#text").focus();
//
// Only scripts in the head count: nothing that was typed or stored is ever shown there.

const ran = new Map(); // how often each module without a default was shown

async function runScriptsOf(page) {
  const main = document.querySelector("main");
  const scripts = page.head.querySelectorAll("[type=module][src]:not([src*='/enhance.js'])");
  for (const { src } of scripts) {
    await runScript(src, main).catch(reportError); // and the next one runs
  }
}

async function runScript(src, main) {
  const script = await import(src);
  if (!main?.isConnected) return;
  if (script.default) return script.default(main);
  const times = ran.get(src) ?? 0;
  ran.set(src, times + 1);
  if (times) await import(`${src}#${times}`); // another address: a module runs once at each
}

enhance(document);
runScriptsOf(document);
