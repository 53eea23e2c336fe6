import type { ReactElement, ReactNode } from "react";

import type { FollowedSession, RemainingOptions } from "./followed-session.js";
import type { AnyMetadata, Session, SyncKairos } from "./synckairos.js";

export type { FollowedSession } from "./followed-session.js";

/** Gives its client to `useSession(id)` and `useClient()` in the components below it. */
export function SyncKairosProvider(props: {
  client: SyncKairos;
  children?: ReactNode;
}): ReactElement;

/** The client of the nearest `SyncKairosProvider`; throws an `Error` without one. */
export function useClient(): SyncKairos;

/**
 * Follow a session while the component is mounted. The component renders on every change. Without a
 * client it is that of the `SyncKairosProvider`.
 */
export function useSession<Metadata = AnyMetadata>(
  client: SyncKairos,
  id: string,
): FollowedSession<Metadata>;
export function useSession<Metadata = AnyMetadata>(id: string): FollowedSession<Metadata>;

/** Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if none. */
export function useRemaining(
  session: Session<any> | FollowedSession<any>,
  participantId?: string | null | undefined,
  options?: RemainingOptions,
): number | null;
