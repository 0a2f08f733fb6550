import { useMemo } from "preact/hooks";
import { aligned, stepsOf, type Table } from "./aligned";
import { ask, type LinkCalendar, type LinkHistory, type ProjectCalendar } from "./api";
import { Chart, type Line } from "./chart";
import { rate, zonedMoment } from "./format";
import { usePolled } from "./live";
import { resourceOf, type Subject } from "./subjects";

/** The lines, in colours of Okabe and Ito's set, which the colour-blind tell apart. */
const reserved: Line = { name: "reserved", colour: "#009e73", fill: "rgb(0 158 115 / .3)", width: 2, stepped: true };
const reservable: Line = { name: "may be reserved", colour: "#e69f00", width: 2, dash: [8, 4] };
const capacity: Line = { name: "capacity", dash: [2, 4] };
const used: Line = { name: "used", colour: "#56b4e9", width: 2 };

interface Props { subject: Subject; from: number; length: number; now: number; measured: boolean; changes: number; choose: (from: number, to: number) => void }

interface Read { calendar?: LinkCalendar | ProjectCalendar; history?: LinkHistory }

/** historyQuery returns what to ask of the time since a moment, in the finest steps that are kept. */
function historyQuery(since: number): string {
  const window = Math.min(Math.ceil(since), 90 * 86400);
  const step = window <= 900 ? 5 : window <= 86400 ? 60 : 3600;
  return `window=${Math.max(window, step)}&step=${step}`;
}

/** read asks for what is reserved from now on, and for what was used of a link before. */
async function read({ subject, from, length, measured }: Props, signal: AbortSignal): Promise<Read> {
  const now = Math.floor(Date.now() / 1000), end = Math.ceil(from + length), start = Math.max(Math.floor(from), now);
  const [calendar, history] = await Promise.all([
    end > now + 1 ? ask<LinkCalendar | ProjectCalendar>("GET", `${resourceOf(subject)}?start=${start}&window=${Math.max(1, end - start)}`, undefined, signal) : [],
    measured && subject.kind === "link" && from < now - 5
      ? ask<LinkHistory>("GET", `stats/links/${subject.from}/${subject.to}/history?${historyQuery(now - from)}`, undefined, signal) : [],
  ]);
  return { calendar: calendar[0], history: history[0] };
}

/** Occupancy draws what is reserved of a subject over time, and says it in words. */
export function Occupancy(p: Props) {
  const { subject, from, length, now } = p, to = from + length;
  const got = usePolled(15000, `${resourceOf(subject)} ${from} ${length}`, (signal) => read(p, signal), p.changes);
  const c = got.value?.calendar, h = got.value?.history;
  const whole = c && "capacity" in c ? c.capacity : null;
  const [lines, data] = useMemo(() => {
    const level = (value: number): Table => [[from, to], [value, value]];
    const all: [Line, Table][] = [];
    if (whole != null) all.push([capacity, level(whole)]);
    if (c?.reservable != null) all.push([reservable, level(c.reservable)]);
    if (c) all.push([reserved, stepsOf(c.steps)]);
    if (h) all.push([used, [h.times, h.rate.mean]]);
    return [all.map(([line]) => line), aligned(all.map(([, table]) => table))] as const;
  }, [c, h, from, to]);
  if (!got.value) return got.trouble ? <p class="trouble" role="alert">The calendar cannot be read: {got.trouble}</p> : <p class="quiet chart-space">Loading…</p>;
  return (
    <section aria-labelledby="calendar-name">
      <h2 id="calendar-name" class="unseen">What is reserved over time</h2>
      {got.trouble && <p class="trouble" role="alert">The calendar cannot be read: {got.trouble}</p>}
      <p id="calendar-words">{inWords(c, whole)}</p>
      <Chart key={lines.map((l) => l.name).join()} data={data} lines={[...lines]} labelledBy="calendar-name calendar-words" height={300} range={[from, to]} now={now} choose={p.choose} />
      {from < now && <p class="hint">{h ? `Before now: what was measured (${h.layer}).` : "Before now nothing is shown: what is over is held no longer."}</p>}
    </section>
  );
}

/** inWords says what the picture shows. */
function inWords(c: LinkCalendar | ProjectCalendar | undefined, whole: number | null): string {
  if (!c) return "All of this is over.";
  const most = c.steps.reduce((a, b) => (b.bandwidth > a.bandwidth ? b : a), c.steps[0]!);
  const of = c.reservable != null ? ` of ${rate(c.reservable)} that allocations may hold${whole != null ? ` (capacity ${rate(whole)})` : ""}`
    : "capacity" in c ? "; the link is not there now, so that its capacity is not known" : "; the project has no limit";
  if (most.bandwidth === 0) return `Nothing is reserved from ${zonedMoment(c.start_time)} to ${zonedMoment(c.end_time)}${of}.`;
  const first = c.steps[0]!;
  const words = `${rate(first.bandwidth)} are reserved at ${zonedMoment(first.start_time)}, at most ${rate(most.bandwidth)} in the time shown${of}.`;
  return c.resolution == null ? words : `${words} The steps are too many to show each: the picture has the highest of them.`;
}
