import type { Event } from "../api";
import { end, zonedMoment } from "../format";
import type { Live } from "../live";

/** Feed shows what happens, as it happens. */
export function Feed({ live }: { live: Live }) {
  return (
    <>
      <h1>Events</h1>
      <p class="hint" role="status">{live.connected ? "What happens from now on shows here, the newest first." : "Not live at the moment; trying to connect again."}</p>
      {live.feed.length === 0 && <p class="empty">Nothing has happened since you opened this page.</p>}
      <div role="log" aria-label="Events"><ul class="feed">
        {live.feed.map((e) => (
          <li key={e.event_id} class={/^security|limited$|degraded$/.test(e.event) ? "warns" : undefined}>
            <span class="quiet">{zonedMoment(e.time)}</span> <code>{e.event}</code> <span>{sentence(e)}</span>{" "}
            {e.allocation?.allocation_id && e.event !== "allocation.deleted" && <a href={`#/allocation/${encodeURIComponent(e.allocation.allocation_id)}`}>the allocation</a>}
          </li>
        ))}
      </ul></div>
    </>
  );
}

const at = (p: { dpid: string; port: number } | null | undefined) => (p ? `switch ${p.dpid} port ${p.port}` : "outside");

/** sentence says what an event tells. */
export function sentence(e: Event): string {
  const a = e.allocation;
  if (a) {
    const what = a.src_ip ? `${end(a.src_ip, a.src_port)} to ${end(a.dst_ip, a.dst_port)}` : a.allocation_id ?? "";
    if (e.event === "allocation.idle") return e.idle ? `${what}: hardly used` : `${what}: used again`;
    return `${what}: ${a.degraded ? "degraded" : a.state ?? "gone"}${a.reason ? `, ${a.reason}` : ""}`;
  }
  if (e.topology) return `${e.topology.connected} of ${e.topology.switches} switches connected, ${e.topology.links} directed links, ${e.topology.hosts} hosts`;
  if (e.claim) return `▲ ${e.claim.claimed_by} at ${at(e.claim.claimed_at)} claims ${e.claim.address ?? "to be"} ${e.claim.address ? "of " : ""}${e.claim.mac} at ${at(e.claim.at)}, and is not believed`;
  if (e.switch) return `switch ${e.switch.dpid}: ${e.switch.limitations.join(" ") || "nothing limits it any more"}`;
  if (e.refusal) return `▲ a switch that says it is ${e.refusal.dpid} may not connect from ${e.refusal.address}: ${e.refusal.reason}`;
  if (e.maintenance) {
    const m = e.maintenance;
    return `${m.switch ? `switch ${m.switch}` : `link ${m.link}`}: maintenance ${m.state}, ${zonedMoment(m.start_time)} to ${zonedMoment(m.end_time)}`;
  }
  if (e.port) return `▲ probes of ${at(e.peer)} arrive at ${at(e.port)}, though no cable can be between the two`;
  return "events were missed; everything was read anew";
}
