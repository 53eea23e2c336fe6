import type {
  ApiError,
  Connection,
  Presence,
  Session,
  SessionState,
  SyncKairos,
} from "./synckairos.js";

export interface FollowedSession {
  /** For actions, and for events that are no change of state. */
  readonly session: Session;
  readonly state: SessionState | null;
  readonly presence: Presence;
  readonly refusal: ApiError | null;
  readonly connection: Connection;
  remaining(participantId?: string | null | undefined, at?: number): number | null;
  used(participantId: string, at?: number): number | null;
  elapsed(at?: number): number | null;
}

/** A session, followed while the component is there. It renders again with every change. */
export function useSession(client: SyncKairos, id: string): FollowedSession;

/**
 * What is left on a participant's clock or, without one, on the clock that runs, ms; null: there is
 * no such clock. Looked at every `everyMs` (100).
 */
export function useRemaining(
  session: Session | FollowedSession,
  participantId?: string | null | undefined,
  options?: { everyMs?: number },
): number | null;
