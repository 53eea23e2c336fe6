/** A component that uses the hooks; it must compile. */

import { SyncKairos } from "synckairos";
import { SyncKairosProvider, useClient, useRemaining, useSession } from "synckairos/react";

export function Board({ client, id }: { client: SyncKairos; id: string }) {
  const session = useSession(client, id);
  const remainingMs = useRemaining(session, session.state?.active_participant_id, { everyMs: 50 });
  if (session.existence === "refused") return <p>{session.refusal?.message}</p>;
  const onClick = () => session.session.switch({ current: session.state?.active_participant_id });
  return (
    <button onClick={() => void onClick()}>
      {session.connection.transport}: {remainingMs === null ? "–" : Math.ceil(remainingMs / 1000)}
    </button>
  );
}

export function Size({ client, id }: { client: SyncKairos; id: string }) {
  const session = useSession<{ size: number }>(client, id);
  return <p data-left={useRemaining(session)}>{session.state?.metadata?.size.toFixed()}</p>;
}

export const Sized = ({ client }: { client: SyncKairos }) => (
  <SyncKairosProvider client={client}>
    <Inner />
  </SyncKairosProvider>
);

function Inner() {
  const { state } = useSession<{ size: number }>("id");
  const isSame = useClient().session("id").id === state?.session_id;
  return <p hidden={!isSame}>{state?.metadata?.size.toFixed()}</p>;
}

// @ts-expect-error a client is needed
export const Mistake = () => useSession(undefined, "id").state;
