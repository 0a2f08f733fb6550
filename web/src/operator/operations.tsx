import type { Live } from "../live";
import { Audit } from "./audit";
import { Feed } from "./feed";
import { Health } from "./health";
import { Links } from "./links";
import { Projects } from "./projects";
import { OneSwitch } from "./switch";
import { Switches } from "./switches";

const pages = [["switches", "Switches"], ["links", "Links"], ["projects", "Projects"], ["events", "Events"], ["audit", "Audit"], ["health", "Health"]] as const;

/** Operations is what operators see of the network and of who uses it. */
export function Operations({ page, of, live }: { page: string; of: string; live: Live }) {
  const here = page || "switches";
  return (
    <>
      <nav class="tabs" aria-label="Operations">
        {pages.map(([id, name]) => <a key={id} href={`#/operate/${id}`} aria-current={here === id ? "page" : undefined}>{name}</a>)}
      </nav>
      <Content page={here} of={of} live={live} />
    </>
  );
}

function Content({ page, of, live }: { page: string; of: string; live: Live }) {
  switch (page) {
    case "switches": return of ? <OneSwitch key={of} dpid={of} live={live} /> : <Switches live={live} />;
    case "links": return <Links live={live} />;
    case "projects": return <Projects />;
    case "events": return <Feed live={live} />;
    case "audit": return <Audit />;
    case "health": return <Health />;
  }
  return <p>There is nothing at this address. <a href="#/operate">See the switches</a></p>;
}
