/** Code that uses the bindings for Vue and Svelte; it must compile. */

import { SyncKairos } from "synckairos";
import * as svelte from "synckairos/svelte";
import * as vue from "synckairos/vue";
import { ref, type Ref } from "vue";

type Sized = { size: number };

export function composables(client: SyncKairos, id: Ref<string>): Array<number | null | undefined> {
  const session = vue.useSession<Sized>(client, id);
  const left = vue.useRemaining(session, ref<string | null>(null), { everyMs: 50 });
  const other = vue.useRemaining(client.session("id"), () => session.value.state?.starts_with);
  void session.value.session.pause();
  // @ts-expect-error the result is read only
  left.value = 5;
  // @ts-expect-error an id is text
  vue.useSession(client, ref(5));
  return [left.value, other.value, session.value.state?.metadata?.size];
}

export function stores(client: SyncKairos): () => void {
  const session = svelte.useSession<Sized>(client, "id");
  const stop = svelte.useRemaining(session, "ada").subscribe((left) => left?.toFixed());
  svelte.useRemaining(client.session("id"), null, { everyMs: 50 });
  session.subscribe(({ state, connection }) => [state?.metadata?.size.toFixed(), connection.status]);
  void session.session.pause();
  // @ts-expect-error a store has no `set`
  session.set(null);
  return stop;
}
