import type {
  AnyMetadata,
  ApiError,
  Connection,
  Existence,
  Session,
  SessionState,
} from "./synckairos.js";

/** A session as it is now; the bindings make a new object after each change. */
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

/** How often to compute the time left; by default every 100 ms. */
export interface RemainingOptions {
  everyMs?: number;
}
