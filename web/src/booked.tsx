import type { Allocation } from "./api";
import { end, local, moment, rate, span } from "./format";
import type { Live } from "./live";
import { State } from "./state";
import { holds, type Subject } from "./subjects";

const most = 100; // rows that are drawn

const byStart = (a: Allocation, b: Allocation) => (a.start_time ?? Infinity) - (b.start_time ?? Infinity);

function Name({ a }: { a: Allocation }) {
  return (
    <a href={`#/allocation/${encodeURIComponent(a.allocation_id!)}`}>
      {end(a.src_ip, a.src_port)} <span aria-label="to">→</span> {end(a.dst_ip, a.dst_port)}
    </a>
  );
}

/** Booked lists the allocations that hold something of a subject in the time shown. */
export function Booked({ subject, live, from, to, now }: { subject: Subject; live: Live; from: number; to: number; now: number }) {
  const all = [...live.allocations.values()].filter((a) => a.state !== "complete" && a.start_time != null && a.end_time != null
    && a.start_time < to && a.end_time > from && holds(a, subject)).sort(byStart);
  return (
    <section aria-labelledby="booked">
      <h2 id="booked">Who holds it in this time</h2>
      {all.length === 0 ? <p class="quiet">No allocation does.</p> : (
        <div class="scroll" tabIndex={0} role="region" aria-label="Allocations that hold it">
          <table>
            <thead><tr><th scope="col">Allocation</th><th scope="col">State</th><th scope="col">Rate</th><th scope="col">From, to</th></tr></thead>
            <tbody>
              {all.slice(0, most).map((a) => (
                <tr key={a.allocation_id}>
                  <th scope="row"><Name a={a} /></th><td><State a={a} /></td><td>{rate(a.bandwidth)}</td>
                  <td>{a.start_time! > now ? moment(a.start_time) : "now"} – {moment(a.end_time)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {all.length > most && <p class="quiet">And {all.length - most} more; zoom in to see those of a shorter time.</p>}
    </section>
  );
}

/** Waiting lists what is pending, and what each waits for. */
export function Waiting({ subject, live }: { subject: Subject; live: Live }) {
  const link = subject.kind === "link" ? `${subject.from}->${subject.to}` : "";
  const concerns = (a: Allocation) => holds(a, subject) || (link !== "" && a.path == null);
  const all = [...live.allocations.values()].filter((a) => a.state === "pending" && concerns(a)).sort(byStart);
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">What waits, and for what</h2>
      {all.length === 0 ? <p class="quiet">Nothing waits.</p> : (
        <ul class="waiting">
          {all.slice(0, most).map((a) => (
            <li key={a.allocation_id}><Name a={a} />, {rate(a.bandwidth)}: <span class="quiet">{waitsFor(a)}</span></li>
          ))}
        </ul>
      )}
      {all.length > most && <p class="quiet">And {all.length - most} more.</p>}
    </section>
  );
}

/** waitsFor says what a pending allocation waits for. */
export function waitsFor(a: Allocation): string {
  if (a.reason) return local(a.reason);
  if (a.hold != null) return "it is held until it is committed";
  if (a.start_time == null) return "a path";
  return `its start, ${moment(a.start_time)} (in ${span(a.start_time - Date.now() / 1000)})`;
}
