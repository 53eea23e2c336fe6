import { el, setText, svg } from "./dom.js";

/** A link as a QR code and as text, with buttons to copy it and to send it. */
export function linkBox() {
  const code = el("div", { class: "qr-code" });
  const text = el("input", {
    type: "text",
    readOnly: true,
    spellcheck: false,
    "aria-label": "Link",
    onfocus: () => text.select(),
  });
  const copyWords = el("span", {}, "Copy");
  const copy = el("button", { type: "button", class: "primary", onclick: onCopy }, copyWords);
  const send = el("button", { type: "button", onclick: onSend }, "Send …");
  const element = el("div", { class: "link-box" }, code, el("div", { class: "link-row" }, text));
  element.lastChild.append(copy, send);
  send.hidden = !navigator.share;

  async function onCopy() {
    const isCopied = await copied(text);
    setText(copyWords, isCopied ? "Copied" : "Press Ctrl+C");
  }

  /** The user may close the browser's dialog without sending; that is no error. */
  function onSend() {
    navigator.share({ title: document.title, url: text.value }).catch(() => {});
  }

  function clear() {
    element.toggleAttribute("data-empty", true);
    text.value = "";
    copy.disabled = send.disabled = true;
    setText(copyWords, "Copy");
  }

  async function show(link) {
    clear();
    text.value = link;
    copy.disabled = send.disabled = false;
    const image = await qrCode(link);
    if (text.value !== link) return; // another link was shown meanwhile
    code.replaceChildren(image);
    element.removeAttribute("data-empty");
  }

  clear();
  return { element, clear, show };
}

/** Copy an input's text; return false where it isn't possible. Without HTTPS there is no clipboard. */
export async function copied(input) {
  try {
    await navigator.clipboard.writeText(input.value);
    return true;
  } catch {
    input.focus();
    input.select();
    return document.execCommand("copy");
  }
}

/** A QR code, black on white in both colour schemes, because many readers need that. */
async function qrCode(link) {
  const { encode } = await import("./vendor/uqr.js");
  const { data, size } = encode(link, { border: 4 });
  const runs = data.flatMap((row, y) => darkRuns(row).map(([x, n]) => `M${x} ${y}h${n}v1h-${n}z`));
  return svg(
    "svg",
    { viewBox: `0 0 ${size} ${size}`, role: "img", "aria-label": "QR code of the link" },
    svg("path", { d: runs.join(""), fill: "#000" }),
  );
}

/** The runs of dark modules in a row, each as its position and length. */
function darkRuns(row) {
  const runs = [];
  row.forEach((isDark, x) => {
    if (!isDark) return;
    if (row[x - 1]) runs.at(-1)[1] += 1;
    else runs.push([x, 1]);
  });
  return runs;
}
