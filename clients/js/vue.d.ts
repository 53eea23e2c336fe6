import type { MaybeRefOrGetter, ShallowRef } from "vue";

import type { FollowedSession, RemainingOptions } from "./followed-session.js";
import type { AnyMetadata, Session, SyncKairos } from "./synckairos.js";

export type { FollowedSession } from "./followed-session.js";

/** Follow a session while the component is mounted; with another id, another session. */
export function useSession<Metadata = AnyMetadata>(
  client: SyncKairos,
  id: MaybeRefOrGetter<string>,
): Readonly<ShallowRef<FollowedSession<Metadata>>>;

/** Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if none. */
export function useRemaining(
  session: MaybeRefOrGetter<Session<any> | FollowedSession<any>>,
  participantId?: MaybeRefOrGetter<string | null | undefined>,
  options?: RemainingOptions,
): Readonly<ShallowRef<number | null>>;
