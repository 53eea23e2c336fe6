/** A server component: it reads the session, and shows it with a component for browsers. */

import { Game } from "./game";
import { readSession, serviceUrl } from "./service";

export default async function Page({ searchParams }) {
  const { id } = await searchParams;
  const state = await readSession(id);
  return (
    <main>
      <h1>{state.sync_mode}</h1>
      <Game serviceUrl={serviceUrl()} id={id} participantId={state.participants[0].participant_id} />
    </main>
  );
}
