import type { Allocation } from "./api";
import { bytes, local, rate, span, zonedMoment } from "./format";

/** Receipt shows what was asked, planned and had of an allocation that is complete. */
export function Receipt({ a }: { a: Allocation }) {
  const r = a.receipt!;
  return (
    <section aria-labelledby="receipt">
      <h2 id="receipt">Receipt{r.final ? "" : " (not final yet)"}</h2>
      <dl>
        <dt>Planned</dt><dd>{r.planned ? `${zonedMoment(r.planned.start_time)} to ${zonedMoment(r.planned.end_time)}` : "not noted"}</dd>
        <dt>Had</dt><dd>{r.had ? `${zonedMoment(r.had.start_time)} to ${zonedMoment(r.had.end_time)}` : "it was never active"}</dd>
        <dt>Delivered</dt><dd>{bytes(r.forward.delivered.bytes)} at {r.forward.mean_rate == null ? "a rate that is not known" : rate(r.forward.mean_rate)}</dd>
        <dt>Back</dt><dd>{bytes(r.reverse.delivered.bytes)}</dd>
        <dt>Other paths</dt><dd>{r.moves === 0 ? "it kept its path" : `it moved ${r.moves} times`}</dd>
        <dt>Degraded</dt><dd>{r.degraded_seconds === 0 ? "never" : span(r.degraded_seconds)}</dd>
      </dl>
      {r.moved.length > 0 && <ul>{r.moved.map((m, i) => <li key={i}>{zonedMoment(m.time)}: it moved{m.reason && `, since ${local(m.reason)}`}</li>)}</ul>}
      {r.degraded.length > 0 && <ul>{r.degraded.map((s, i) => <li key={i}>{zonedMoment(s.start_time)} to {zonedMoment(s.end_time)}: {local(s.reason)}</li>)}</ul>}
    </section>
  );
}
