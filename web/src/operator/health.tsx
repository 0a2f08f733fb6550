import { ask, type Readiness, type Totals } from "../api";
import { bytes, rate, zonedMoment } from "../format";
import { usePolled } from "../live";
import { number } from "./switches";

/** readiness asks whether every part of the daemon is ready, which is no list as other answers are. */
async function readiness(signal: AbortSignal): Promise<Readiness> {
  const answer = await fetch("/readyz", { signal, credentials: "same-origin", cache: "no-store", headers: { "Conga-Page": "1" } });
  return (await answer.json()) as Readiness;
}

/** Health shows whether the daemon's parts are ready, and what the network carries. */
export function Health() {
  const ready = usePolled(5000, "readyz", readiness);
  const totals = usePolled(5000, "totals", (signal) => ask<Totals>("GET", "stats", undefined, signal));
  const t = totals.value?.[0];
  return (
    <>
      <h1>Health</h1>
      {ready.trouble && <p class="trouble" role="alert">The server does not answer, or says nothing of itself: {ready.trouble}</p>}
      {ready.value && <Parts r={ready.value} />}
      {totals.trouble && <p class="trouble" role="alert">{totals.trouble}</p>}
      {t && <Carried t={t} />}
    </>
  );
}

function Parts({ r }: { r: Readiness }) {
  const ready = r.status === "ready";
  return (
    <section aria-labelledby="parts">
      <p class={ready ? "good" : "trouble"} role="status">{ready ? "● All parts are ready." : "▲ Not every part is ready."}</p>
      <h2 id="parts">Parts</h2>
      <ul>
        {r.parts.map((p) => (
          <li key={p.name}>
            <b>{p.name}</b>: {p.ready ? "ready" : `▲ not ready${p.reason ? `: ${p.reason}` : ""}`}
            {p.limitations && <ul>{p.limitations.map((l, i) => <li key={i}>{l}</li>)}</ul>}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Carried({ t }: { t: Totals }) {
  const n = t.network;
  const fast = (r: number | null) => (r == null ? "a rate that is not known" : rate(r));
  return (
    <div class="columns">
      {n && (
        <section aria-labelledby="network">
          <h2 id="network">Network</h2>
          <dl>
            <dt>Switches</dt><dd>{n.connected} of {n.switches} connected{n.stale > 0 && `, ▲ ${n.stale} have told nothing of late`}</dd>
            <dt>Directed links</dt><dd>{number(n.links)}</dd>
            <dt>Hosts</dt><dd>{number(n.hosts)}</dd>
            <dt>Flow entries</dt><dd>{number(n.flows)}</dd>
            <dt>From hosts</dt><dd>{fast(n.received.rate)}</dd>
            <dt>To hosts</dt><dd>{fast(n.sent.rate)}</dd>
            <dt>As of</dt><dd>{n.sampled_at == null ? "not known yet" : zonedMoment(n.sampled_at)}</dd>
          </dl>
        </section>
      )}
      <section aria-labelledby="allocated">
        <h2 id="allocated">Allocations</h2>
        <dl>
          <dt>Active, pending, complete</dt><dd>{number(t.allocations.active)}, {number(t.allocations.pending)}, {number(t.allocations.complete)}</dd>
          <dt>Delivered</dt><dd>{bytes(t.delivered.bytes)}, at {fast(t.delivered.rate)} now</dd>
          <dt>Dropped above their rates</dt><dd>{bytes(t.dropped.bytes)}</dd>
        </dl>
      </section>
    </div>
  );
}
