import type { AllocationStats } from "./api";
import { bytes, rate, zonedMoment } from "./format";

/** Carried shows what goes through, beside what was promised. */
export function Carried({ stats, trouble }: { stats?: AllocationStats; trouble: string }) {
  const had = stats?.forward.delivered;
  return (
    <section aria-labelledby="carried">
      <h2 id="carried">Carried</h2>
      {trouble && <p class="trouble" role="alert">{trouble}</p>}
      {!stats ? <p class="quiet">{trouble ? "" : "Loading…"}</p> : (
        <>
          <Direction name="From the source" d={stats.forward} />
          <Direction name="Back" d={stats.reverse} />
          {stats.promised_bytes != null && <p>Promised so far {bytes(stats.promised_bytes)}, delivered {bytes(had?.bytes)}.</p>}
          <p class="quiet">Frames of Ethernet as switches count them.{" "}
            {stats.sampled_at != null && `As of ${zonedMoment(stats.sampled_at)}.`}{stats.stale && " A switch has said nothing since, so that these numbers are old."}</p>
        </>
      )}
    </section>
  );
}

function Direction({ name, d }: { name: string; d: AllocationStats["forward"] }) {
  const now = d.delivered.rate;
  const promised = d.bandwidth;
  return (
    <div class="direction">
      <b>{name}</b>{" "}
      <span>{now == null ? "no rate is known" : rate(now)}{promised ? ` of ${rate(promised)}` : ""}</span>
      {promised && now != null ? <meter aria-label={`${name}: rate of what is promised`} min={0} max={promised} value={Math.min(now, promised)} /> : null}
      <span class="quiet">{bytes(d.delivered.bytes)} delivered{d.dropped.bytes ? `, ${bytes(d.dropped.bytes)} above the rate dropped` : ""}</span>
    </div>
  );
}
