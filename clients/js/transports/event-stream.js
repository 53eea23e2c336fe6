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
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onData();
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
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
