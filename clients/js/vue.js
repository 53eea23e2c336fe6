/** Composables for Vue: a session's state, and the time left on a clock. */

import { onMounted, shallowRef, toRaw, toValue, watch } from "vue";

import { EVERY_MS, followedSession, repeat, sessionOf } from "./followed-session.js";

/**
 * Follow a session while the component is mounted.
 *
 * @param {import("./client.js").SyncKairos} client
 * @param {import("vue").MaybeRefOrGetter<string>} id
 * @returns {import("vue").Ref} the newest snapshot of the session
 */
export function useSession(client, id) {
  const source = () => followedSession(toRaw(client).session(toValue(id)));
  const snapshot = shallowRef(source().get());
  whileMounted(source, (followed) => {
    const update = () => (snapshot.value = followed.get());
    const stop = followed.subscribe(update);
    update();
    return stop;
  });
  return snapshot;
}

/**
 * Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if none.
 *
 * @param {import("vue").MaybeRefOrGetter} subject a session, or the result of `useSession`
 * @param {import("vue").MaybeRefOrGetter<?string>} [participantId]
 * @param {{everyMs?: number}} [options] how often to compute the time left
 * @returns {import("vue").Ref<?number>}
 */
export function useRemaining(subject, participantId, { everyMs = EVERY_MS } = {}) {
  const session = () => sessionOf(toRaw(toValue(subject)));
  const read = () => session().remaining(toValue(participantId));
  const left = shallowRef(read());
  whileMounted([session, () => toValue(participantId)], ([current]) =>
    repeat(current, everyMs, () => (left.value = read())),
  );
  return left;
}

/** Run `start` for each value of `source` while the component is mounted; it returns its end. */
function whileMounted(source, start) {
  onMounted(() => {
    watch(source, (value, _, onCleanup) => onCleanup(start(value)), { immediate: true });
  });
}
