import type { Project } from "../api";
import { rate, span } from "../format";
import { List, usePaged } from "./paged";

/** Projects lists the projects, with what they use of their limits. */
export function Projects() {
  const projects = usePaged<Project>("projects", 5000);
  return (
    <>
      <h1>Projects</h1>
      <List of={projects} caption="Projects" empty="The configuration has no projects." name={(p) => p.project_id}
        heads={["Project", "Members", "Rate held now", "Active", "Pending", "Not complete", "Longest", "Ahead"]}
        row={(p) => [
          p.project_id, p.members.join(", ") || "none listed",
          <Of use={p.use.bandwidth} limit={p.limits.bandwidth} name="rate" show={rate} />,
          String(p.use.active), <Of use={p.use.pending} limit={p.limits.pending} name="pending" show={String} />,
          <Of use={p.use.allocations} limit={p.limits.allocations} name="not complete" show={String} />,
          p.limits.duration == null ? "any" : span(p.limits.duration), p.limits.horizon == null ? "any" : span(p.limits.horizon),
        ]} />
    </>
  );
}

function Of({ use, limit, name, show }: { use: number; limit: number | null; name: string; show: (n: number) => string }) {
  if (limit == null) return <>{show(use)}</>;
  return <span class="progress"><meter aria-label={`${name}, of the limit`} min={0} max={Math.max(1, limit)} value={Math.min(use, limit)} /> {show(use)} of {show(limit)}</span>;
}
