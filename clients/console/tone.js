/** Short tones. Browsers play them only after the user has pressed something on the page. */

const TONES = {
  warning: [{ hz: 880, at: 0 }],
  end: [
    { hz: 660, at: 0 },
    { hz: 660, at: 0.3 },
    { hz: 440, at: 0.6 },
  ],
};
const LENGTH_S = 0.22;
const LONGEST_WAIT_MS = 300;
const VOLUME = 0.25;
let audio;

/**
 * Play the tones of a warning, or of the end of a clock. Nothing is played where the browser doesn't
 * allow it now: later the tone would be wrong.
 *
 * @param {keyof TONES} name
 */
export async function playTone(name) {
  audio ??= new AudioContext();
  await Promise.race([audio.resume(), new Promise((done) => setTimeout(done, LONGEST_WAIT_MS))]);
  if (audio.state !== "running") return;
  for (const { hz, at } of TONES[name]) play(hz, audio.currentTime + at);
}

/** A tone that fades out, because one that stops at once ends with a click. */
function play(hz, start) {
  const tone = new OscillatorNode(audio, { frequency: hz });
  const volume = new GainNode(audio, { gain: VOLUME });
  volume.gain.setValueAtTime(VOLUME, start);
  volume.gain.exponentialRampToValueAtTime(0.001, start + LENGTH_S);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + LENGTH_S);
}
