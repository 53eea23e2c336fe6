import type { Readable } from "svelte/store";

import type { FollowedSession, RemainingOptions } from "./followed-session.js";
import type { AnyMetadata, Session, SyncKairos } from "./synckairos.js";

export type { FollowedSession } from "./followed-session.js";

/** A store with the session as it is now, which is followed while the store has subscribers. */
export interface SessionStore<Metadata = AnyMetadata> extends Readable<FollowedSession<Metadata>> {
  readonly session: Session<Metadata>;
}

/** Follow a session while the store is used: `$session` in a component. */
export function useSession<Metadata = AnyMetadata>(
  client: SyncKairos,
  id: string,
): SessionStore<Metadata>;

/**
 * A store with the ms on a participant's clock or, without an id, on the clock that reaches zero
 * next; null if none.
 */
export function useRemaining(
  session: Session<any> | SessionStore<any>,
  participantId?: string | null | undefined,
  options?: RemainingOptions,
): Readable<number | null>;
