import { useEffect, useState } from "preact/hooks";
import { Alternatives, describe } from "./alternatives";
import { type Allocation, ask, type Availability, forgetUnanswered, Refusal, type Session, textOf } from "./api";
import { bitsOf, bytesOf, duration, fromLocal, local, rate, span, zone, zonedMoment } from "./format";

type Form = Record<"src" | "srcPort" | "dst" | "dstPort" | "protocol" | "project" | "by" | "duration" | "rate" | "volume" | "deadline" | "start", string>;

const empty: Form = {
  src: "", srcPort: "", dst: "", dstPort: "", protocol: "tcp", project: "", by: "duration",
  duration: "1 h", rate: "", volume: "", deadline: "", start: "",
};

const address = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f]*:[0-9a-f:.]*:[0-9a-f.]*)(\/\d{1,3})?$/i;

/** read returns the body of the request, or what is still missing in words. */
function read(f: Form, session: Session): { body?: Record<string, unknown>; missing?: string } {
  if (!f.src.trim() || !f.dst.trim()) return { missing: "Write both addresses to see when there is a path." };
  if (!address.test(f.src.trim()) || !address.test(f.dst.trim())) return { missing: "Write both addresses as numbers, such as 10.0.0.1 or 2001:db8::1, or as prefixes of them." };
  const project = session.project_id ?? f.project.trim();
  if (!project) return { missing: "Write the project that it is for." };
  const body: Record<string, unknown> = { project_id: project, src_ip: f.src.trim(), dst_ip: f.dst.trim(), protocol: f.protocol };
  for (const [name, text] of [["src_port", f.srcPort], ["dst_port", f.dstPort]] as const) {
    if (text.trim()) body[name] = /^\s*\d+\s*$/.test(text) ? Number(text) : text.replace(/\s/g, "");
  }
  if (f.rate.trim()) {
    const n = bitsOf(f.rate);
    if (n == null) return { missing: "Write the rate in bit/s such as 40M or 2.5G." };
    body.bandwidth = n;
  }
  if (f.by === "volume") {
    const n = bytesOf(f.volume);
    if (n == null) return { missing: "Write how many bytes, such as 500G, 40T or 2 TiB." };
    body.volume = n;
    const deadline = fromLocal(f.deadline);
    if (deadline != null) body.deadline = deadline;
    return { body };
  }
  const n = duration(f.duration);
  if (n == null) return { missing: "Write for how long, such as 30 min, 2 h or 1 d." };
  body.duration = n;
  const start = fromLocal(f.start);
  if (start != null) body.start_time = start;
  return { body };
}

/** NewAllocation asks while one types when it would be carried. */
export function NewAllocation({ session }: { session: Session }) {
  const [form, setForm] = useState(empty);
  const [fit, setFit] = useState<{ a?: Availability; trouble?: string; asking?: boolean }>({});
  const [trouble, setTrouble] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const { body, missing } = read(form, session);
  const text = body ? JSON.stringify(body) : "";
  useEffect(() => {
    if (!text) {
      setFit({});
      return;
    }
    const stop = new AbortController();
    setFit((old) => ({ ...old, asking: true }));
    const timer = setTimeout(async () => {
      try {
        const [a] = await ask<Availability>("POST", "availability", JSON.parse(text), stop.signal);
        if (!stop.signal.aborted) setFit({ a });
      } catch (err) {
        if (!stop.signal.aborted) setFit({ trouble: textOf(err) });
      }
    }, 350);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [text]);
  useEffect(() => forgetUnanswered, []);
  const set = (name: keyof Form) => (e: { currentTarget: HTMLInputElement | HTMLSelectElement }) => setForm({ ...form, [name]: e.currentTarget.value });
  const create = async (what: Record<string, unknown>) => {
    setBusy(true);
    setTrouble(undefined);
    try {
      const [made] = await ask<Allocation>("POST", "allocations", what);
      location.hash = `#/allocation/${encodeURIComponent(made!.allocation_id!)}`;
    } catch (err) {
      setTrouble(err);
      setBusy(false);
    }
  };
  const volume = form.by === "volume";
  return (
    <>
      <h1>New allocation</h1>
      <form class="new" onSubmit={(e) => { e.preventDefault(); if (body) void create(body); else setTrouble(missing!); }}>
        <fieldset>
          <legend>Traffic</legend>
          <div class="pair">
            <label>Source address <input name="src" value={form.src} onInput={set("src")} required autocapitalize="none" spellcheck={false} /></label>
            <label>Source port <input name="src_port" value={form.srcPort} onInput={set("srcPort")} placeholder="any" /></label>
          </div>
          <div class="pair">
            <label>Destination address <input name="dst" value={form.dst} onInput={set("dst")} required autocapitalize="none" spellcheck={false} /></label>
            <label>Destination port <input name="dst_port" value={form.dstPort} onInput={set("dstPort")} placeholder="any" /></label>
          </div>
          <label>Protocol <select name="protocol" value={form.protocol} onChange={set("protocol")}><option>tcp</option><option>udp</option><option>any</option></select></label>
          {session.project_id == null && <label>Project <input name="project" value={form.project} onInput={set("project")} required /></label>}
        </fieldset>
        <fieldset>
          <legend>How much</legend>
          <div class="choice">
            <label><input type="radio" name="by" value="duration" checked={!volume} onChange={set("by")} /> for a time</label>
            <label><input type="radio" name="by" value="volume" checked={volume} onChange={set("by")} /> an amount of data</label>
          </div>
          {volume ? (
            <div class="pair" key="volume">
              <label>Amount in bytes <input name="volume" value={form.volume} onInput={set("volume")} placeholder="500G" required /></label>
              <label>Done by ({zone}) <input name="deadline" type="datetime-local" value={form.deadline} onInput={set("deadline")} /></label>
            </div>
          ) : (
            <div class="pair" key="duration">
              <label>Duration <input name="duration" value={form.duration} onInput={set("duration")} required /></label>
              <label>Start ({zone}); empty: as early as it fits <input name="start" type="datetime-local" value={form.start} onInput={set("start")} /></label>
            </div>
          )}
          <label>Rate in bit/s <input name="rate" value={form.rate} onInput={set("rate")} placeholder={volume ? "whatever gets it done" : "priority without a guarantee"} /></label>
        </fieldset>
        <section aria-live="polite" aria-label="When it would be carried" class="fit" aria-busy={fit.asking === true}>
          {body && <p>You ask for: {describe(body)}.</p>}
          {missing ? <p class="quiet">{missing}</p> : <Fit fit={fit} choose={create} busy={busy} />}
        </section>
        {trouble !== undefined && <p class="trouble" role="alert">{textOf(trouble)}</p>}
        {trouble instanceof Refusal && trouble.alternatives.length > 0 && (
          <><h2>What would be taken instead</h2><Alternatives list={trouble.alternatives} verb="Ask for this" busy={busy} choose={create} /></>
        )}
        <div class="actions">
          <button type="submit" class="main" disabled={busy}>{busy ? "Asking…" : "Ask for it"}</button>
          <a href="#/">Cancel</a>
        </div>
      </form>
    </>
  );
}

function Fit({ fit, choose, busy }: { fit: { a?: Availability; trouble?: string; asking?: boolean }; choose: (what: Record<string, unknown>) => void; busy: boolean }) {
  if (fit.trouble) return <p class="trouble">{fit.trouble}</p>;
  const a = fit.a;
  if (!a) return <p class="quiet">Looking for a path…</p>;
  const most = a.free.length ? Math.max(...a.free.map((f) => f.bandwidth)) : null;
  return (
    <>
      {a.fits && a.start_time != null && (
        <p class="good">It fits: {zonedMoment(a.start_time)} to {zonedMoment(a.end_time)}{a.path && `, over ${a.path.length} ${a.path.length === 1 ? "switch" : "switches"}`}.</p>
      )}
      {a.fits && a.start_time == null && <p class="note">It would be taken and wait: {local(a.reason ?? "no path is known yet")}</p>}
      {!a.fits && <p class="trouble">{local(a.reason ?? "It does not fit.")}</p>}
      {most != null && <p class="quiet">Between these hosts at most {rate(most)} are free within the next {span(a.horizon.end_time - a.horizon.start_time)}.</p>}
      {a.alternatives.length > 0 && (
        <>
          <h2>{a.fits ? "To start earlier" : "What would fit instead"}</h2>
          <Alternatives list={a.alternatives} verb="Ask for this" busy={busy} choose={choose} />
        </>
      )}
    </>
  );
}
