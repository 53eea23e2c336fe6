import type {
  AnyMetadata,
  ApiError,
  Connection,
  Existence,
  Session,
  SessionState,
  SyncKairos,
} from "./synckairos.js";

export interface FollowedSession<Metadata = AnyMetadata> {
  /** For actions, and for events other than state changes. */
  readonly session: Session<Metadata>;
  readonly state: SessionState<Metadata> | null;
  readonly existence: Existence;
  readonly refusal: ApiError | null;
  readonly connection: Connection;
  remaining(participantId?: string | null | undefined, at?: number): number | null;
  used(participantId: string, at?: number): number | null;
  elapsed(at?: number): number | null;
  startsIn(at?: number): number | null;
  scheduledIn(at?: number): number | null;
}

/** Follow a session while the component is mounted. The component renders on every change. */
export function useSession<Metadata = AnyMetadata>(
  client: SyncKairos,
  id: string,
): FollowedSession<Metadata>;

/**
 * Ms on a participant's clock or, without an id, on the clock that reaches zero next; null if none.
 * Computed again every `everyMs` (100).
 */
export function useRemaining(
  session: Session<any> | FollowedSession<any>,
  participantId?: string | null | undefined,
  options?: { everyMs?: number },
): number | null;
