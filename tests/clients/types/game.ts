/** An application that uses the library; it must compile. */

import "synckairos/clock-element";
import {
  ApiError,
  SyncKairos,
  newId,
  nearest,
  overtime,
  shown,
  startsIn,
  type Expired,
  type Session,
  type SessionEvents,
  type SessionState,
} from "synckairos";

const client = new SyncKairos({
  baseUrl: "https://timers.example",
  token: async () => "token",
  transport: "supabase",
  realtime: async () => ({ RealtimeClient: class {} }),
});

export async function play(): Promise<void> {
  const ada = newId();
  const session: Session = await client.create({
    sync_mode: "per_participant",
    participants: [{ participant_id: ada, total_time_ms: 180_000 }],
    action_on_timeout: { type: "end_session", winner_by: "time" },
  });
  session.addEventListener("update", ({ detail }) => {
    const { state, previous, isNext, cause, source } = detail;
    const remainingMs: number | null = nearest(state, session.clock.now());
    const first = state.participants[0];
    if (first?.clock) show(shown(first.clock, state.server_time_ms, session.clock.now()));
    if (first) show(overtime(state, first, session.clock.now())?.periodsLeft);
    show(remainingMs, first?.participant_id, previous?.version, isNext, cause, source);
  });
  session.addEventListener("expired", ({ detail }) => lose(detail));
  session.addEventListener("warning", ({ detail }) => show(detail.threshold_ms, detail.group_id));
  session.addEventListener("period", ({ detail }) => show(detail.periods_left, detail.group_id));
  session.addEventListener("presence", ({ detail: { summary } }) =>
    show(summary.within_ms["40"], summary.connected, summary.roles.spectator),
  );
  session.addEventListener("deleted", () => session.close());
  session.addEventListener("connection", ({ detail: { connection, existence, refusal } }) =>
    show(connection.status === "live", connection.transport, existence, refusal?.code),
  );
  const first: SessionState | null = await session.open({ presence: true });
  const { connections } = await session.presence();
  show(connections[0]?.error_ms, connections[0]?.participant_id);
  show(first?.status, session.remaining(ada), session.remaining(), session.used(ada));
  const started = await session.start({ ifMatch: 1, timeout: 5000 });
  const result = await session.switch({
    next: ada,
    current: started.active_participant_id,
    frameLagMs: 20,
  });
  show(result.expired_participant_id, result.action_applied?.winner);
  const whole = await session.switch({ current: ada }, { representation: true, ifMatch: 3 });
  show(whole.sync_mode, (await session.switch(undefined, { timeout: 5000 })).cycle_number);
  try {
    await session.adjust(ada, 5000, "a bonus", { signal: AbortSignal.timeout(1000) });
  } catch (error) {
    if (error instanceof ApiError && error.code === "CONFLICT") show(error.status, error.details);
  }
  await session.adjustClocks({ addMs: 300_000, to: { participants: [ada] }, reason: "late" });
  await session.update({ metadata: null, warn_at_ms: [5000], participants_may_give_ms: 15_000 });
  const named = await session.updateParticipant(ada, { name: null, is_retired: false });
  show(named.participants[0]?.is_retired, named.participants_may_give_ms);
  const extend_on_switch = { window_ms: 10_000, to_ms: 30_000, at_most: 5 };
  const auction = await client.create({
    sync_mode: "global",
    start_at: "2026-01-31T09:30:00Z",
    ends_at: "2026-01-31T10:30:00+01:00",
    warn_before_start_ms: [60_000],
    extend_on_switch,
  });
  await auction.update({ start_at: null, ends_at: "2026-01-31T10:30:00Z" });
  await auction.pause({ effectiveAt: client.clock.now() + 5000, ifMatch: 3 });
  show(auction.state?.scheduled?.operation, auction.scheduledIn());
  show((await auction.unschedule()).version);
  const later = await auction.advance({ ms: 60_000 }, { ifMatch: 4 });
  show(later.test, later.advanced_ms, later.advance_left_ms, auction.clock.server.isSynced);
  const [entry] = await client.batchCommands({ operation: "pause", session_ids: [auction.id] });
  show(entry?.effective_at, entry?.late_ms, entry?.error?.code);
  await client.batchCommands({ operation: "pause", metadata: { room: "a", floor: 2 } });
  // @ts-expect-error both
  await client.batchCommands({ operation: "pause", session_ids: [], metadata: { room: "a" } });
  const filter = { status: "running", metadata: { room: "a" }, createdAfter: new Date(0) } as const;
  for await (const one of client.listSessions<Board>(filter)) show(one.metadata?.size, one.owner);
  show((await client.listPage({ mode: "global", limit: 20 })).next);
  show(auction.startsIn(), auction.state && startsIn(auction.state, 0));
  show(auction.state?.extensions?.left, (await auction.switch()).extended_by_ms);
  await session.forfeit(ada, "left", { timeout: 1000 });
  const talk = (await session.go("talk", { ifMatch: 7 })).items?.[0];
  show(talk?.planned_ms, talk?.over_ms, session.over(ada), session.offset());
  await session.removeParticipant(ada);
  await session.begin([ada], { timeout: 1000 });
  await session.begin(null, { metadata: { question: 2 } });
  await session.complete({ metadata: { question: 3 }, ifMatch: 9 });
  await session.pauseParticipant(ada, "a question");
  await session.resumeParticipant(ada);
  const finished = await session.finish(ada);
  show(finished.participants[0]?.state === "finished", finished.participants[0]?.late_ms);
  await session.reopen(ada, "by mistake");
  const { events, next } = await session.events(0, 50);
  show((await session.events(null, 1, { type: "cycle_switched", order: "desc" })).next);
  show(events[0]?.actor, next, await session.replay({ version: 3 }));
  show((await session.createToken({ role: "participant", participant_id: ada })).token);
  show((await client.batch([session.id])).not_found, (await client.time()).timestamp_ms);
  const code = await client.session("a").openJoinCode({ role: "participant", newcomers: {} });
  const choice = await client.join(code.code, { name: "Ada" });
  show(choice.token ?? choice.url, choice.participants?.[0]?.name, choice.may_add);
  show((await client.session("a").joinCode()).uses, await client.session("a").closeJoinCode());
  const [control] = await client.timeControls();
  if (control) show(control.name, control.total_time_ms, control.time_control.delay_ms);
  const hook = await client.webhooks.create("https://example.com", ["time.expired"]);
  show(hook.secret, (await client.webhooks.list())[0]?.off_reason);
  show((await client.webhooks.rotate(hook.webhook_id)).secret);
  const tried = await client.webhooks.test(hook.webhook_id);
  const page = await client.webhooks.deliveries(hook.webhook_id, { after: "1-0-0", limit: 5 });
  show(tried.outcome === "delivered", tried.status, page.deliveries[0]?.next_at, page.next);
  await client.webhooks.delete(hook.webhook_id);
  const created = await client.apiKeys.create({ name: "Match server", role: "host", subject: "a" });
  show(created.key, (await client.apiKeys.list())[0]?.last_used_at);
  await client.apiKeys.revoke(created.key_id);
  client.clock.addEventListener("sync", () => show(client.clock.errorMs));
  client.close();
}

interface Board {
  size: number;
}

export async function watch(id: string): Promise<void> {
  const game = client.session<Board>(id);
  game.addEventListener("update", ({ detail: { state, previous } }) => {
    show(state.metadata?.size.toFixed(), previous?.metadata?.size, nearest(state, 0));
  });
  const listener = { handleEvent: (event: SessionEvents["deleted"]) => show(event.detail) };
  game.addEventListener("deleted", listener, { once: true });
  game.removeEventListener("deleted", listener);
  const size: number | undefined = (await game.open())?.metadata?.size;
  await game.update({ metadata: { size: (size ?? 0) + 1 } });
  const created = await client.create({ sync_mode: "global", metadata: { size: 9 } });
  show(created.state?.metadata?.size.toFixed(), (await game.simulate([])).session.metadata?.size);
  const anyGame: EventTarget = game;
  show(anyGame);
}

export function explain({ code, details }: ApiError): string {
  if (Array.isArray(details)) return details.map(({ field }) => field).join();
  return code === "CONFLICT" ? `${details?.actual_version}` : code;
}

// Each of these mistakes must be a type error.

// @ts-expect-error there is no such transport
new SyncKairos({ transport: "pigeon" });
// @ts-expect-error there is no such clock
void client.session(newId()).adjustClocks({ addMs: 1, to: "everybody" });
// @ts-expect-error an item ends with the next one, or waits
void client.create({ sync_mode: "global", items: [{ item_id: "a", duration_ms: 1, on_end: "x" }] });
void client.create({
  sync_mode: "global",
  // @ts-expect-error a soft close has one form
  extend_on_switch: { window_ms: 1000, to_ms: 1000, by_ms: 1000 },
});
// @ts-expect-error a switch can't be given ahead of time
void client.session(newId()).switch({}, { effectiveAt: 0 });
// @ts-expect-error a session has a mode
void client.create({ participants: [] });
// @ts-expect-error there is no such field of an update
client.session(newId()).addEventListener("update", ({ detail }) => detail.nonsense);
// @ts-expect-error there is no such event
client.session(newId()).addEventListener("updated", () => {});
// @ts-expect-error there is no such event
client.session(newId()).removeEventListener("updated", () => {});
// @ts-expect-error there is no such error code
export const isTaken = (error: ApiError) => error.code === "SESSION_EXIST";
// @ts-expect-error metadata has no such field
export const size = (board: SessionState<Board>) => board.metadata?.width;
// @ts-expect-error metadata has the type that was given
void client.create<Board>({ sync_mode: "global", metadata: { size: "large" } });
// @ts-expect-error without a type, a field of metadata is unknown
export const unknownSize = (state: SessionState): number => state.metadata?.size;
// @ts-expect-error a clock has a rate
shown({ left_ms: 1000 }, 0, 0);
// @ts-expect-error a clock doesn't run at half speed
shown({ left_ms: 1000, rate: 0.5 }, 0, 0);
// @ts-expect-error a state can't be set
client.session(newId()).state = null;

function lose({ participant_id, deadline_ms, action, deadlineMs }: Expired): void {
  show(participant_id, deadline_ms, action.type, action.winner, deadlineMs);
}

declare function show(...values: unknown[]): void;

const element = document.querySelector("synckairos-clock");
void element?.session?.pause();
// @ts-expect-error the session is chosen by the attribute
if (element) element.session = null;
