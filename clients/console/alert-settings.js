import { storeJson, storedJson } from "./storage.js";

const KEY = "synckairos.alerts";

/** What the user may switch on and off, with the title of each and whether it is on at first. */
export const ALERTS = {
  colour: ["Colour: the clock turns red", true],
  speech: ["Screen reader: warnings are read out", true],
  sound: ["Sound: a short tone", false],
  vibration: ["Vibration", false],
  awake: ["Keep the screen on while time runs", true],
};

/** Whether an alert is on in this browser. @param {keyof ALERTS} name */
export function isAlertOn(name) {
  return settings()[name] ?? ALERTS[name][1];
}

/** Switch an alert on or off in this browser; the window gets the event `alertschange`. */
export function switchAlert(name, isOn) {
  storeJson("localStorage", KEY, { ...settings(), [name]: isOn });
  showColour();
  dispatchEvent(new Event("alertschange"));
}

/** Let the page show warnings by colour or not: see the rules with `data-low`. */
export function showColour() {
  document.documentElement.toggleAttribute("data-no-warning-colour", !isAlertOn("colour"));
}

function settings() {
  return storedJson("localStorage", KEY, {});
}
