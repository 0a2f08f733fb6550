import { useEffect, useRef, useState } from "preact/hooks";
import { ask, onEnd, Refusal, type Session, textOf } from "./api";
import { AllocationList } from "./allocations";
import { OneAllocation } from "./allocation";
import { Calendar } from "./calendar";
import { NewAllocation } from "./create";
import { zone } from "./format";
import { comeBack } from "./issuer";
import { Follower, type Live } from "./live";
import { NetworkMap } from "./map/page";
import { Operations } from "./operator/operations";
import { SignIn } from "./signin";

/** useRoute returns what is behind the # of the address, in parts. */
function useRoute(): string[] {
  const read = () => location.hash.replace(/^#\/?/, "").split("/").map(decode);
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const changed = () => setRoute(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function App() {
  const [session, setSession] = useState<Session | null>();
  const [notice, setNotice] = useState("");
  const known = useRef(false);
  known.current = session != null;
  useEffect(() => {
    onEnd(() => {
      if (known.current) setNotice("Your session has ended, so nothing that you did since was carried out. Sign in again to go on.");
      setSession(null);
    });
    comeBack().catch((err: unknown) => { setNotice(textOf(err)); }).then(async (s) => {
      setSession(s ?? (await ask<Session>("GET", "session"))[0] ?? null);
    }).catch(
      (err) => {
        setSession(null);
        if (!(err instanceof Refusal) || err.status !== 401) setNotice(textOf(err));
      },
    );
  }, []);
  if (session === undefined) return <p class="wait" role="status">Loading…</p>;
  if (session === null) {
    return <SignIn notice={notice} done={(s) => { setNotice(""); setSession(s); }} />;
  }
  return <SignedIn session={session} leave={(words) => { setNotice(words); setSession(null); }} />;
}

const titles: Record<string, string> = { "": "Allocations", new: "New allocation", map: "Map", calendar: "Calendar", operate: "Operations", allocation: "Allocation" };

function SignedIn({ session, leave }: { session: Session; leave: (words: string) => void }) {
  const route = useRoute();
  const [live, setLive] = useState<Live>();
  const main = useRef<HTMLElement>(null);
  const [leaving, setLeaving] = useState(false);
  useEffect(() => {
    if (leaving) return;
    const f = new Follower(setLive);
    f.start();
    return () => f.stop();
  }, [leaving]);
  const name = route[0] ?? "";
  const title = titles[name] ?? "There is nothing here";
  const first = useRef(true);
  const page = name === "map" ? name : route.join("/"); // the focus stays on the path that was chosen on the map
  useEffect(() => {
    document.title = `${title} – CONGA`;
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [page]);
  const [trouble, setTrouble] = useState("");
  const out = async () => {
    try {
      await ask("DELETE", "session");
      location.hash = "";
      leave("You are signed out.");
    } catch (err) {
      if (err instanceof Refusal && err.status >= 500) { // the browser has forgotten the key all the same
        location.hash = "";
        leave(`You are signed out here, but the server could not end the key of this session: ${textOf(err)}`);
        return;
      }
      setLeaving(false);
      setTrouble(`You are NOT signed out: ${textOf(err)} Press "Sign out" again.`);
    }
  };
  useEffect(() => { if (leaving) void out(); }, [leaving]); // nothing is being asked by now: it would be refused
  const sees = session.role !== "user";
  const writes = session.role !== "operator";
  return (
    <>
      <a class="skip" href="#content" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>Skip to the content</a>
      <header>
        <strong class="brand">CONGA</strong>
        <nav aria-label="Pages">
          <Tab to="#/" here={name === "" || name === "allocation"}>Allocations</Tab>
          {writes && <Tab to="#/new" here={name === "new"}>New</Tab>}
          <Tab to="#/calendar" here={name === "calendar"}>Calendar</Tab>
          {sees && <Tab to="#/operate" here={name === "operate"}>Operations</Tab>}
          {sees && <Tab to="#/map" here={name === "map"}>Map</Tab>}
        </nav>
        <span class="who">
          {session.role === "user" ? `${session.user_id}, ${session.project_id}` : session.role === "admin" ? "the admin" : `operator ${session.user_id}`}
        </span>
        <button type="button" onClick={() => setLeaving(true)}>Sign out</button>
      </header>
      <main id="content" class={name === "map" || name === "operate" ? "wide" : undefined} tabIndex={-1} ref={main} aria-label={title}>
        {trouble && <p class="trouble" role="alert">{trouble}</p>}
        {!leaving && <Body name={name} id={route[1] ?? ""} parts={route.slice(1)} session={session} live={live} sees={sees} writes={writes} />}
      </main>
      <footer>
        <span>Times are of the zone <b>{zone}</b>.</span>{" "}
        <span role="status">{live?.connected ? "Live: changes show by themselves." : "Not live at the moment; trying to connect again."}</span>
      </footer>
    </>
  );
}

function Body(p: { name: string; id: string; parts: string[]; session: Session; live?: Live; sees: boolean; writes: boolean }) {
  if (!p.live) return <p class="wait" role="status">Loading…</p>;
  if (p.name === "new" && p.writes) return <NewAllocation session={p.session} />;
  if (p.name === "map" && p.sees) return <NetworkMap live={p.live} selected={p.id} />;
  if (p.name === "operate" && p.sees) return <Operations page={p.id} of={p.parts[1] ?? ""} live={p.live} />;
  if (p.name === "calendar") return <Calendar parts={p.parts} live={p.live} session={p.session} />;
  if (p.name === "allocation") return <OneAllocation key={p.id} id={p.id} live={p.live} session={p.session} writes={p.writes} />;
  if (p.name === "") return <AllocationList live={p.live} writes={p.writes} />;
  return <p>There is nothing at this address. <a href="#/">See the allocations</a></p>;
}

function Tab({ to, here, children }: { to: string; here: boolean; children: string }) {
  return <a href={to} aria-current={here ? "page" : undefined}>{children}</a>;
}
