import { isAlertOn } from "./alert-settings.js";

/**
 * Keeps the screen on while it is wanted and the user hasn't switched that off. The browser ends it
 * when the tab is hidden.
 */
export function wakeLock() {
  let isWanted = false;
  let lock = null;

  const isOn = () => isWanted && isAlertOn("awake") && document.visibilityState === "visible";

  async function apply() {
    if (isOn() && (!lock || lock.released)) {
      lock = await navigator.wakeLock?.request("screen").catch(() => null); // e.g. battery is low
    }
    if (isOn()) return;
    lock?.release();
    lock = null;
  }

  document.addEventListener("visibilitychange", apply);
  addEventListener("alertschange", apply);
  return {
    want(isNowWanted) {
      if (isNowWanted === isWanted) return;
      isWanted = isNowWanted;
      apply();
    },
    stop() {
      isWanted = false;
      apply();
      document.removeEventListener("visibilitychange", apply);
      removeEventListener("alertschange", apply);
    },
  };
}
