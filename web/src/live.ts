import { useEffect, useRef, useState } from "preact/hooks";
import { type Allocation, type Event, list, textOf } from "./api";

/** A Live is what the page knows of the allocations, and how it knows it. */
export interface Live {
  allocations: Map<string, Allocation>;
  news: Map<string, Event[]>; // the last events of each allocation, the newest first
  feed: Event[]; // the last of all sorts, the newest first
  topology: number; // counts changes of the network
  changes: number; // counts changes of allocations
  loaded: boolean;
  connected: boolean;
  trouble: string;
}

const kinds = ["allocation.changed", "allocation.deleted", "allocation.degraded", "allocation.idle", "topology.changed", "reset",
  "security.address_contested", "security.switch_refused", "security.probe_relayed", "switch.limited",
  "maintenance.planned", "maintenance.begun", "maintenance.ended"];
const fed = 200; // events of all sorts
const kept = 50; // events of one allocation
const followed = 200; // allocations of which events are kept
const retryAfter = 3000; // milliseconds
const listEvery = 3600_000; // since what is removed as old is not told

/** Follower keeps a Live up to date: a list at first, then the event stream. */
export class Follower {
  live: Live = { allocations: new Map(), news: new Map(), feed: [], topology: 0, changes: 0, loaded: false, connected: false, trouble: "" };
  private stream: EventSource | null = null;
  private stopped = false;
  private reload: ReturnType<typeof setTimeout> | undefined;
  private reopen: ReturnType<typeof setTimeout> | undefined;
  private loading: Event[] | null = null; // what has happened since the list that is being read was asked for
  private drawing = false;
  private readonly asking = new AbortController();

  constructor(private readonly changed: (live: Live) => void) {}

  start() {
    this.open();
    void this.load();
  }

  stop() {
    this.stopped = true;
    this.stream?.close();
    this.asking.abort();
    clearTimeout(this.reload);
    clearTimeout(this.reopen);
  }

  /** update tells of a change, at most once a frame. */
  private update() {
    if (this.drawing || this.stopped) return;
    this.drawing = true;
    setTimeout(() => {
      this.drawing = false;
      if (!this.stopped) this.changed({ ...this.live });
    }, 16);
  }

  /** load reads all that waits or runs, and the last that are over. One at a time does. */
  private async load() {
    if (this.loading || this.stopped) return;
    clearTimeout(this.reload);
    this.loading = [];
    let wait = listEvery;
    try {
      const parts = [];
      for (const [state, most] of [["pending", 20000], ["active", 20000], ["complete", 2000]] as const) {
        parts.push(...await list<Allocation>(`allocations?order=newest&state=${state}`, most, this.asking.signal));
      }
      this.live.allocations = new Map(parts.map((a) => [a.allocation_id!, a]));
      for (const e of this.loading) this.apply(e);
      this.live.changes++;
      this.live.loaded = true;
      this.live.trouble = "";
    } catch (err) {
      this.live.trouble = textOf(err);
      wait = retryAfter;
    }
    this.loading = null;
    if (this.stopped) return;
    this.reload = setTimeout(() => void this.load(), wait);
    this.update();
  }

  private open() {
    if (this.stopped) return;
    const s = new EventSource("/api/v1/events");
    this.stream = s;
    s.onopen = () => {
      const missed = !this.live.connected && this.live.loaded;
      this.live.connected = true;
      if (missed) void this.load();
      this.update();
    };
    s.onerror = () => {
      this.live.connected = false;
      this.update();
      if (s.readyState !== EventSource.CLOSED) return; // else the browser tries again
      clearTimeout(this.reopen);
      this.reopen = setTimeout(() => {
        void this.load(); // which learns why: the session may have ended
        this.open();
      }, retryAfter);
    };
    for (const kind of kinds) s.addEventListener(kind, (m) => this.take(JSON.parse((m as MessageEvent<string>).data) as Event));
  }

  /** take takes an event in. */
  private take(e: Event) {
    this.live.feed = [e, ...this.live.feed].slice(0, fed);
    if (e.event === "reset") void this.load();
    else if (e.event === "topology.changed") this.live.topology++;
    else {
      this.loading?.push(e);
      this.apply(e);
      const id = e.allocation?.allocation_id;
      if (id) {
        const before = this.live.news.get(id) ?? [];
        this.live.news.delete(id); // and to the end, where what is new is
        this.live.news.set(id, [e, ...before].slice(0, kept));
        if (this.live.news.size > followed) this.live.news.delete(this.live.news.keys().next().value!);
      }
    }
    this.update();
  }

  /** apply brings an event into the list. A later event holds the whole allocation. */
  private apply(e: Event) {
    const a = e.allocation;
    if (!a?.allocation_id) return;
    this.live.changes++;
    if (e.event === "allocation.deleted") this.live.allocations.delete(a.allocation_id);
    else this.live.allocations.set(a.allocation_id, { ...this.live.allocations.get(a.allocation_id), ...a });
  }
}

/** useNow returns the time in UNIX seconds, every second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const t = setInterval(() => setNow(Date.now() / 1000), 1000);
    return () => clearInterval(t);
  }, []);
  return now;
}

/** usePolled asks again and again while the page is visible, and soon when poke changes. */
export function usePolled<T>(every: number, key: string, get: (signal: AbortSignal) => Promise<T>, poke = 0): { value?: T; trouble: string } {
  const [state, setState] = useState<{ key: string; value?: T; trouble: string }>({ key, trouble: "" });
  const hurry = useRef<() => void>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false, soon = false;
    const round = async () => {
      asking = true;
      soon = false;
      if (!document.hidden) {
        try {
          const value = await get(stop.signal);
          if (!stop.signal.aborted) setState({ key, value, trouble: "" });
        } catch (err) {
          if (!stop.signal.aborted) setState((s) => ({ key, value: s.key === key ? s.value : undefined, trouble: textOf(err) }));
        }
      }
      asking = false;
      if (!stop.signal.aborted) timer = setTimeout(round, soon ? 200 : every);
    };
    hurry.current = () => {
      soon = true; // what is under way may be from before
      if (asking) return;
      clearTimeout(timer);
      timer = setTimeout(round, 200);
    };
    void round();
    return () => {
      stop.abort();
      clearTimeout(timer);
      hurry.current = undefined;
    };
  }, [key, every]);
  useEffect(() => { if (poke > 0) hurry.current?.(); }, [poke]);
  return state.key === key ? state : { trouble: "" };
}
