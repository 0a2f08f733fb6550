import type { Allocation } from "./api";
import { moment, span } from "./format";

/** stateOf returns the state of an allocation in words. */
export function stateOf(a: Allocation): { word: string; kind: string } {
  if (a.degraded) return { word: "active, degraded", kind: "degraded" };
  if (a.state === "pending" && a.hold != null) return { word: "pending, held", kind: "pending" };
  return { word: a.state, kind: a.state };
}

/** State shows it with a sign, so that it needs no colour. */
export function State({ a }: { a: Allocation }) {
  const s = stateOf(a);
  const sign = { pending: "◷", active: "●", degraded: "▲", complete: "✓" }[s.kind];
  return <span class={`state ${s.kind}`}><span aria-hidden="true">{sign}</span> {s.word}</span>;
}

/** Progress shows how much of its window has passed. */
export function Progress({ a, now }: { a: Allocation; now: number }) {
  if (a.start_time == null || a.end_time == null) return <span class="quiet">not planned yet</span>;
  if (a.state === "complete") return <span class="quiet">ended {moment(a.end_time)}</span>;
  if (a.state === "pending") return <span class="quiet">starts in {span(a.start_time - now)}</span>;
  const whole = Math.max(1, a.end_time - a.start_time);
  const done = Math.min(whole, Math.max(0, now - a.start_time));
  const left = `${span(a.end_time - now)} left`;
  return (
    <span class="progress">
      <progress max={whole} value={done} aria-label={`Progress: ${left}`} /> <span>{left}</span>
    </span>
  );
}
