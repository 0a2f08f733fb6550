import { useEffect, useState } from "preact/hooks";
import { type Allocation, type Event, list, textOf } from "./api";

/** A Live is what the page knows of the allocations, and how it knows it. */
export interface Live {
  allocations: Map<string, Allocation>;
  news: Map<string, Event[]>; // the last events of each allocation, the newest first
  topology: number; // counts changes of the network
  loaded: boolean;
  connected: boolean;
  trouble: string;
}

const kinds = ["allocation.changed", "allocation.deleted", "allocation.degraded", "allocation.idle", "topology.changed", "reset"];
const kept = 50;

/** Follower keeps a Live up to date: a list at first, then the event stream. */
export class Follower {
  live: Live = { allocations: new Map(), news: new Map(), topology: 0, loaded: false, connected: false, trouble: "" };
  private stream: EventSource | null = null;
  private stopped = false;
  private again: ReturnType<typeof setTimeout> | undefined;
  private drawing = false;

  constructor(private readonly changed: (live: Live) => void) {}

  start() {
    this.open();
    void this.load();
  }

  stop() {
    this.stopped = true;
    this.stream?.close();
    clearTimeout(this.again);
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

  private async load() {
    try {
      const all = await list<Allocation>("allocations?order=newest");
      this.live.allocations = new Map(all.map((a) => [a.allocation_id!, a]));
      this.live.loaded = true;
      this.live.trouble = "";
    } catch (err) {
      if (this.stopped) return;
      this.live.trouble = textOf(err);
      this.again = setTimeout(() => void this.load(), 3000);
    }
    this.update();
  }

  private open() {
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
      if (s.readyState === EventSource.CLOSED && !this.stopped) {
        this.again = setTimeout(() => {
          void this.load();
          this.open();
        }, 3000);
      }
    };
    for (const kind of kinds) s.addEventListener(kind, (m) => this.take(JSON.parse((m as MessageEvent<string>).data) as Event));
  }

  /** take takes an event in. A later event holds the whole allocation. */
  private take(e: Event) {
    const a = e.allocation;
    if (e.event === "reset") void this.load();
    else if (e.event === "topology.changed") this.live.topology++;
    else if (a?.allocation_id) {
      const id = a.allocation_id;
      if (e.event === "allocation.deleted") this.live.allocations.delete(id);
      else this.live.allocations.set(id, { ...this.live.allocations.get(id), ...a });
      this.live.news.set(id, [e, ...(this.live.news.get(id) ?? [])].slice(0, kept));
    }
    this.update();
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

/** usePolled asks again and again while the page is visible. */
export function usePolled<T>(every: number, key: string, get: (signal: AbortSignal) => Promise<T>): { value?: T; trouble: string } {
  const [state, setState] = useState<{ key: string; value?: T; trouble: string }>({ key, trouble: "" });
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const round = async () => {
      if (!document.hidden) {
        try {
          const value = await get(stop.signal);
          if (!stop.signal.aborted) setState({ key, value, trouble: "" });
        } catch (err) {
          if (!stop.signal.aborted) setState((s) => ({ key, value: s.key === key ? s.value : undefined, trouble: textOf(err) }));
        }
      }
      if (!stop.signal.aborted) timer = setTimeout(round, every);
    };
    void round();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, every]);
  return state.key === key ? state : { trouble: "" };
}
