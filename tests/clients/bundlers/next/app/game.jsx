"use client";

import { useMemo } from "react";
import { SyncKairos } from "synckairos";
import { SyncKairosProvider, useRemaining, useSession } from "synckairos/react";

export function Game({ serviceUrl, ...ids }) {
  const client = useMemo(() => new SyncKairos({ baseUrl: serviceUrl }), [serviceUrl]);
  return (
    <SyncKairosProvider client={client}>
      <Clock {...ids} />
    </SyncKairosProvider>
  );
}

function Clock({ id, participantId }) {
  const session = useSession(id);
  const left = useRemaining(session, participantId);
  const text = left === null ? "" : `${Math.ceil(left / 1000)} s`;
  return <p data-connection={session.connection.status}>{text}</p>;
}
