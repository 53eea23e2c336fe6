/**
 * The data of each event in a stream of server-sent events (HTML Living Standard section 9.2).
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {() => void} onData called for all received data, including comments
 * @returns {AsyncGenerator<string>}
 */
export async function* eventsIn(body, onData) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  let endedWithCr = false;
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onData();
      const text = decoder.decode(value, { stream: true });
      if (!text) continue;
      const lines = (rest + (endedWithCr ? text.replace(/^\n/, "") : text)).split(/\r\n|\n|\r/);
      endedWithCr = text.endsWith("\r");
      rest = lines.pop();
      for (const line of lines) {
        const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
        if (name === "data") data.push(value);
        else if (line === "" && data.length) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
