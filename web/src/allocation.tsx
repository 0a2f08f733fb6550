import { useEffect, useRef, useState } from "preact/hooks";
import { type Allocation, type AllocationStats, ask, type Event, type Hop, type Session, textOf } from "./api";
import { bitsOf, bytes, duration, end, local, rate, span, zonedMoment } from "./format";
import { OverTime } from "./history";
import { type Live, useNow, usePolled } from "./live";
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
        <section aria-labelledby="path">
          <h2 id="path">Path</h2>
          <Hops path={a.path} />
          {a.backup_path && <><h3>Backup{a.carried_by === "backup_path" && " (in use)"}</h3><Hops path={a.backup_path} /></>}
          {session.role !== "user" && a.path && <p><a href={`#/map/${encodeURIComponent(id)}`}>See it on the map</a></p>}
          <h2>Connections</h2>
          <p>{a.connections == null ? "The project's hosts report none." : `${a.connections} reported of its traffic.`}{" "}
            {a.in_use === true && "It is in use."}{a.in_use === false && "It is not in use at the moment."}</p>
        </section>
        {a.receipt && <Receipt a={a} />}
        <section aria-labelledby="news">
          <h2 id="news">What happened since you opened this page</h2>
          {news.length === 0 ? <p class="quiet">Nothing yet.</p> : <ol class="news">{news.map((e) => <li key={e.event_id}>{zonedMoment(e.time)}: {wordsOf(e)}</li>)}</ol>}
        </section>
      </div>
    </>
  );
}

function wordsOf(e: Event): string {
  if (e.event === "allocation.deleted") return "it was removed";
  if (e.event === "allocation.idle") return e.idle ? "it is idle" : "it is used again";
  const a = e.allocation!;
  const state = a.degraded ? "degraded" : a.state;
  return `${state}${a.end_time != null ? `, to ${zonedMoment(a.end_time)}` : ""}${a.reason ? `: ${local(a.reason)}` : ""}`;
}

/** Hops shows a path as its switches, with the ports between. */
function Hops({ path }: { path: Hop[] | null }) {
  if (!path) return <p class="quiet">None is known yet.</p>;
  return <ol class="hops">{path.map((h, i) => <li key={i}><span class="quiet">port {h.in_port}</span> <b class="id">{h.dpid}</b> <span class="quiet">port {h.out_port}</span></li>)}</ol>;
}

/** Carried shows what goes through, beside what was promised. */
function Carried({ stats, trouble }: { stats?: AllocationStats; trouble: string }) {
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

function Receipt({ a }: { a: Allocation }) {
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
      {r.degraded.length > 0 && <ul>{r.degraded.map((s, i) => <li key={i}>{zonedMoment(s.start_time)} to {zonedMoment(s.end_time)}: {local(s.reason)}</li>)}</ul>}
    </section>
  );
}

/** Actions extends, changes and releases, each in a dialog that asks again. */
function Actions({ a, at, mine }: { a: Allocation; at: string; mine: boolean }) {
  const [doing, setDoing] = useState<"" | "extend" | "change" | "release">("");
  const [said, setSaid] = useState("");
  const close = (words = "") => { setDoing(""); setSaid(words); };
  return (
    <div class="actions">
      {a.volume == null && a.duration != null && <button type="button" onClick={() => setDoing("extend")}>Extend…</button>}
      <button type="button" onClick={() => setDoing("change")}>Change…</button>
      <button type="button" class="danger" onClick={() => setDoing("release")}>Release…</button>
      {!mine && <span class="quiet">It is {a.user_id}'s: only its user, and who manages the project, may change it.</span>}
      <span role="status">{said}</span>
      {doing === "extend" && <Extend a={a} at={at} close={close} />}
      {doing === "change" && <Change a={a} at={at} close={close} />}
      {doing === "release" && <Release a={a} at={at} close={close} />}
    </div>
  );
}

interface Doing { a: Allocation; at: string; close: (words?: string) => void }

function Dialog(p: { title: string; verb: string; danger?: boolean; close: () => void; run: (form: HTMLFormElement) => Promise<void>; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => { dialog.current?.showModal(); }, []);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    setBusy(true);
    setTrouble("");
    try {
      await p.run(e.currentTarget as HTMLFormElement);
    } catch (err) {
      setTrouble(textOf(err));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={p.close}>
      <form onSubmit={submit}>
        <h2 id="dialog-title">{p.title}</h2>
        {p.children}
        {trouble && <p class="trouble" role="alert">{trouble}</p>}
        <div class="actions">
          <button type="submit" class={p.danger ? "danger" : "main"} disabled={busy}>{busy ? "Wait…" : p.verb}</button>
          <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
        </div>
      </form>
    </dialog>
  );
}

function value(form: HTMLFormElement, name: string): string {
  return (form.elements.namedItem(name) as HTMLInputElement).value;
}

function Extend({ a, at, close }: Doing) {
  const [had] = useState(a.duration ?? 0); // sent again, it is no longer
  return (
    <Dialog title="Extend the allocation" verb="Extend" close={() => close()} run={async (form) => {
      const more = duration(value(form, "more"));
      if (more == null) throw new Error("Write for how much longer, such as 30 min, 2 h or 1 d.");
      const [b] = await ask<Allocation>("PATCH", at, { duration: had + more });
      close(`It now ends ${zonedMoment(b!.end_time)}.`);
    }}>
      <p>It ends {zonedMoment(a.end_time)}. If its path has no room for longer, nothing changes.</p>
      <label>Longer by <input name="more" defaultValue="30 min" required /></label>
    </Dialog>
  );
}

function Change({ a, at, close }: Doing) {
  return (
    <Dialog title="Change the allocation" verb="Change" close={() => close()} run={async (form) => {
      const text = value(form, "rate").trim();
      const bandwidth = text === "" ? null : bitsOf(text);
      if (text !== "" && bandwidth == null) throw new Error("Write the rate such as 40M or 2.5G, in bit/s; leave it empty for priority without a guarantee.");
      const [b] = await ask<Allocation>("PATCH", at, { bandwidth });
      close(`It now has ${rate(b!.bandwidth)}.`);
    }}>
      <label>Rate in bit/s <input name="rate" defaultValue={a.bandwidth == null ? "" : String(a.bandwidth)} /></label>
      <p class="hint">k, M, G and T may stand behind it. Empty: priority without a guarantee.</p>
    </Dialog>
  );
}

function Release({ a, at, close }: Doing) {
  return (
    <Dialog title="Release the allocation?" verb="Release it" danger close={() => close()} run={async () => {
      await ask("DELETE", at);
      close("It is released.");
    }}>
      <p>{a.state === "active" ? "Its traffic goes on at once as best effort, without priority." : "It will not be carried."} This cannot be taken back; the path may be another user's a moment later.</p>
    </Dialog>
  );
}
