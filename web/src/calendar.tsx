import { useState } from "preact/hooks";
import { type Link, type Project, list, type Session } from "./api";
import { Booked, Waiting } from "./booked";
import { span, zone } from "./format";
import { type Live, useNow, usePolled } from "./live";
import { Occupancy } from "./occupancy";
import { addressOf, nameOf, type Subject, subjectOf, subjectsOf } from "./subjects";

/** How much time is shown, in seconds: an hour to two years. */
const spans = [3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400, 91 * 86400, 365 * 86400, 730 * 86400];
const names = ["an hour", "6 hours", "a day", "a week", "30 days", "3 months", "a year", "two years"];
const past = 0.15; // how much of what is shown at first is before now

/** A View is the time that is shown. */
interface View { from: number; length: number }

const farthest = 2 * 730 * 86400; // seconds ahead; beyond it nothing can be reserved

/** within keeps a view where there is something to see. */
function within(v: View, now: number): View {
  const length = Math.min(Math.max(v.length, 600), spans[spans.length - 1]!);
  return { length, from: Math.min(Math.max(v.from, now - 90 * 86400), now + farthest - length) };
}

/** Calendar shows how much of a link or of what a project may have is reserved over time. */
export function Calendar({ parts, live, session }: { parts: string[]; live: Live; session: Session }) {
  const subject = subjectOf(parts) ?? (session.project_id != null ? { kind: "project" as const, id: session.project_id } : undefined);
  return (
    <>
      <div class="head"><h1>Calendar{subject && `: ${nameOf(subject)}`}</h1></div>
      {session.role !== "user" && <Chooser subject={subject} poke={live.topology} />}
      {subject ? <Shown key={addressOf(subject)} subject={subject} live={live} measured={session.role !== "user"} />
        : <p class="empty">Choose a project or a link to see what is reserved of it, and until when.</p>}
    </>
  );
}

/** Chooser lets an operator choose what the calendar is of. */
function Chooser({ subject, poke }: { subject?: Subject; poke: number }) {
  const [find, setFind] = useState("");
  const all = usePolled(60000, "subjects", async (signal) => {
    const [projects, links] = await Promise.all([list<Project>("projects", 5000, signal), list<Link>("links?kind=all", 20000, signal)]);
    return subjectsOf(projects, links);
  }, poke);
  const text = find.trim().toLowerCase();
  const groups = (all.value ?? []).map((g) => ({ ...g, subjects: g.subjects.filter((s) => `${nameOf(s)} ${addressOf(s)}`.toLowerCase().includes(text)).slice(0, 500) }));
  const here = subject ? addressOf(subject) : "";
  const listed = groups.some((g) => g.subjects.some((s) => addressOf(s) === here));
  return (
    <form class="filter" role="search" aria-label="What the calendar is of" onSubmit={(e) => e.preventDefault()}>
      <label>Find <input type="search" value={find} placeholder="project, switch or port" onInput={(e) => setFind(e.currentTarget.value)} /></label>
      <label>Calendar of{" "}
        <select name="subject" value={here} onChange={(e) => { location.hash = e.currentTarget.value || "#/calendar"; }}>
          {!listed && <option value={here}>{subject ? nameOf(subject) : "choose…"}</option>}
          {groups.map((g) => (
            <optgroup key={g.group} label={g.group}>{g.subjects.map((s) => <option key={addressOf(s)} value={addressOf(s)}>{nameOf(s)}</option>)}</optgroup>
          ))}
        </select>
      </label>
      {all.trouble && <p class="trouble" role="alert">The list of projects and links cannot be read: {all.trouble}</p>}
    </form>
  );
}

function Shown({ subject, live, measured }: { subject: Subject; live: Live; measured: boolean }) {
  const now = useNow();
  const [view, setView] = useState<View>(() => ({ from: Date.now() / 1000 - past * 86400, length: 86400 }));
  const set = (v: View) => setView(within(v, now));
  const zoom = (by: number) => {
    const at = Math.min(Math.max(now, view.from), view.from + view.length); // what is near now stays where it is
    set({ length: view.length * by, from: at - (at - view.from) * by });
  };
  const move = (share: number) => set({ ...view, from: view.from + share * view.length });
  const nearest = spans.findIndex((s) => Math.abs(s - view.length) < 0.02 * s);
  return (
    <>
      <div class="toolbar" role="group" aria-label="Time shown">
        <label>Show{" "}
          <select name="span" value={String(nearest)} onChange={(e) => {
            const length = spans[Number(e.currentTarget.value)];
            if (length) set({ length, from: now - past * length });
          }}>
            {nearest < 0 && <option value="-1">{span(view.length)}</option>}
            {names.map((name, i) => <option key={name} value={String(i)}>{name}</option>)}
          </select>
        </label>
        <button type="button" onClick={() => zoom(0.5)}>Zoom in</button>
        <button type="button" onClick={() => zoom(2)}>Zoom out</button>
        <button type="button" onClick={() => move(-0.5)}>Earlier</button>
        <button type="button" onClick={() => set({ ...view, from: now - past * view.length })}>Now</button>
        <button type="button" onClick={() => move(0.5)}>Later</button>
      </div>
      <Occupancy subject={subject} from={view.from} length={view.length} now={now} measured={measured}
        changes={live.changes + live.topology} choose={(from, to) => set({ from, length: to - from })} />
      <p class="hint">Times are of the zone {zone}. Mark a part of the picture with the pointer to see it closer; the buttons do the same.</p>
      <div class="columns">
        <Booked subject={subject} live={live} from={view.from} to={view.from + view.length} now={now} />
        <Waiting subject={subject} live={live} />
      </div>
    </>
  );
}
