import { useEffect, useRef, useState } from "preact/hooks";
import { Alternatives, type Body } from "./alternatives";
import { type Allocation, ask, Refusal, textOf } from "./api";
import { bitsOf, duration, fromLocal, rate, toLocal, zone, zonedMoment } from "./format";

/** Actions extends, changes and releases, each in a dialog that asks again. */
export function Actions({ a, at, mine }: { a: Allocation; at: string; mine: boolean }) {
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

interface DialogProps {
  title: string;
  verb: string;
  danger?: boolean;
  close: () => void;
  run: (form: HTMLFormElement) => Promise<void>;
  instead?: (what: Body) => Promise<void>; // asks for what would be admitted instead
  children: preact.ComponentChildren;
}

function Dialog(p: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [trouble, setTrouble] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  useEffect(() => { dialog.current?.showModal(); }, []);
  const attempt = async (run: () => Promise<void>) => {
    setBusy(true);
    setTrouble(undefined);
    try {
      await run();
    } catch (err) {
      setTrouble(err);
      setBusy(false);
    }
  };
  const submit = (e: SubmitEvent) => {
    e.preventDefault();
    const form = e.currentTarget as HTMLFormElement;
    void attempt(() => p.run(form));
  };
  const { instead } = p;
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={p.close}>
      <form onSubmit={submit}>
        <h2 id="dialog-title">{p.title}</h2>
        {p.children}
        {trouble !== undefined && <p class="trouble" role="alert">{textOf(trouble)}</p>}
        {instead && trouble instanceof Refusal && trouble.alternatives.length > 0 && (
          <><h3>What would be taken instead</h3><Alternatives list={trouble.alternatives} verb="Take this" busy={busy} choose={(what) => void attempt(() => instead(what))} /></>
        )}
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

/** saidOf says what a change has made of an allocation. */
const saidOf = (b: Allocation) => `It now has ${rate(b.bandwidth)}${b.end_time == null ? "" : `, and ends ${zonedMoment(b.end_time)}`}.`;

function Extend({ a, at, close }: Doing) {
  const [had] = useState(a.duration ?? 0); // sent again, it is no longer
  const run = async (what: Body) => {
    const [b] = await ask<Allocation>("PATCH", at, what);
    close(`It now ends ${zonedMoment(b!.end_time)}.`);
  };
  return (
    <Dialog title="Extend the allocation" verb="Extend" close={() => close()} instead={run} run={async (form) => {
      const more = duration(value(form, "more"));
      if (more == null) throw new Error("Write for how much longer, such as 30 min, 2 h or 1 d.");
      await run({ duration: had + more });
    }}>
      <p>It ends {zonedMoment(a.end_time)}. If its path has no room for longer, nothing changes.</p>
      <label>Longer by <input name="more" defaultValue="30 min" required /></label>
    </Dialog>
  );
}

/** changeOf reads what is to be changed; it throws what is to be written instead. */
function changeOf(form: HTMLFormElement, a: Allocation): Body {
  const text = value(form, "rate").trim();
  const bandwidth = text === "" ? null : bitsOf(text);
  if (text !== "" && bandwidth == null) throw new Error("Write the rate such as 40M or 2.5G, in bit/s; leave it empty for priority without a guarantee.");
  const what: Body = bandwidth === a.bandwidth ? {} : { bandwidth };
  const field = form.elements.namedItem("end") as HTMLInputElement | null;
  if (field && field.value !== field.defaultValue && a.start_time != null) {
    const until = fromLocal(field.value);
    if (until == null || until <= a.start_time) throw new Error(`Write an end after its start, ${zonedMoment(a.start_time)}.`);
    what.duration = until - a.start_time;
  }
  if (Object.keys(what).length === 0) throw new Error("Nothing is different yet: write another rate or another end.");
  return what;
}

function Change({ a: now, at, close }: Doing) {
  const [a] = useState(now); // what was shown when the dialog opened
  const run = async (what: Body) => {
    const [b] = await ask<Allocation>("PATCH", at, what);
    close(saidOf(b!));
  };
  return (
    <Dialog title="Change the allocation" verb="Change" close={() => close()} instead={run} run={(form) => run(changeOf(form, a))}>
      <label>Rate in bit/s <input name="rate" defaultValue={a.bandwidth == null ? "" : String(a.bandwidth)} /></label>
      <p class="hint">k, M, G and T may stand behind it. Empty: priority without a guarantee.</p>
      {a.volume == null && a.end_time != null && <label>End ({zone}) <input name="end" type="datetime-local" step="1" defaultValue={toLocal(a.end_time)} /></label>}
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
