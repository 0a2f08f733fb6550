import { Actions } from "./actions";
import { type Allocation, type AllocationStats, ask, type Session } from "./api";
import { Carried } from "./carried";
import { bytes, end, local, rate, span, zonedMoment } from "./format";
import { News } from "./news";
import { OverTime } from "./history";
import { type Live, useNow, usePolled } from "./live";
import { Path } from "./path";
import { Receipt } from "./receipt";
import { Users } from "./users";
import { Progress, State } from "./state";

/** OneAllocation shows all that is known of an allocation, live. */
export function OneAllocation({ id, live, session, writes }: { id: string; live: Live; session: Session; writes: boolean }) {
  const now = useNow();
  const at = `allocations/${encodeURIComponent(id)}`;
  const seen = live.allocations.get(id);
  const news = live.news.get(id) ?? [];
  // What events leave out, and the numbers, are asked for.
  const whole = usePolled(10000, `${id} ${seen?.state} ${news.length}`, (signal) => ask<Allocation>("GET", at, undefined, signal));
  const stats = usePolled(2000, id, (signal) => ask<AllocationStats>("GET", `stats/${at}`, undefined, signal));
  const a = whole.value?.[0] ?? seen;
  if (!a) {
    return (
      <>
        <h1>Allocation</h1>
        {whole.trouble ? <p class="trouble" role="alert">{whole.trouble}</p> : <p role="status">Loading…</p>}
        <p><a href="#/">Back to the allocations</a></p>
      </>
    );
  }
  const mine = writes && (session.role === "admin" || a.user_id === session.user_id);
  return (
    <>
      <p><a href="#/">All allocations</a></p>
      <div class="head">
        <h1>{end(a.src_ip, a.src_port)} <span aria-label="to">→</span> {end(a.dst_ip, a.dst_port)}</h1>
        <span role="status" aria-label="State"><State a={a} /></span>
      </div>
      {a.reason && <p class={a.degraded ? "trouble" : "reason"} role="status">{local(a.reason)}</p>}
      {a.state !== "complete" && <p><Progress a={a} now={now} /></p>}
      {writes && a.state !== "complete" && <Actions a={a} at={at} mine={mine} />}
      <div class="columns">
        <section aria-labelledby="asked">
          <h2 id="asked">Window and rate</h2>
          <dl>
            <dt>Start</dt><dd>{zonedMoment(a.start_time)}</dd>
            <dt>End</dt><dd>{zonedMoment(a.end_time)}</dd>
            {a.duration != null && <><dt>Duration</dt><dd>{span(a.duration)}</dd></>}
            <dt>Rate</dt><dd>{rate(a.bandwidth)}{a.reverse_bandwidth != null && `, back ${rate(a.reverse_bandwidth)}`}</dd>
            {a.volume != null && <><dt>Volume</dt><dd>{bytes(a.volume)}</dd></>}
            {a.deadline != null && <><dt>Deadline</dt><dd>{zonedMoment(a.deadline)}</dd></>}
            <dt>Protocol</dt><dd>{a.protocol}</dd>
            <dt>User, project</dt><dd>{a.user_id}, {a.project_id}</dd>
            {a.changed_by && <><dt>Last changed by</dt><dd>{a.changed_by}</dd></>}
            <dt>Identifier</dt><dd class="id">{a.allocation_id}</dd>
          </dl>
        </section>
        <OverTime at={at} live={a.state !== "complete"} />
        <Carried stats={stats.value?.[0]} trouble={stats.trouble} />
        <Path a={a} onMap={session.role !== "user"} />
        <Users a={a} />
        {a.receipt && <Receipt a={a} />}
        <News id={id} news={news} audited={session.role !== "user"} />
      </div>
    </>
  );
}
