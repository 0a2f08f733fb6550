import { useState } from "preact/hooks";
import type { AuditRecord } from "../api";
import { zonedMoment } from "../format";
import { List, usePaged } from "./paged";

const outcomes: Record<AuditRecord["outcome"], string> = { done: "✓ done", refused: "▲ refused", self: "by itself" };

/** Audit lists who changed what, the newest first. */
export function Audit() {
  const [actor, setActor] = useState("");
  const [project, setProject] = useState("");
  const query = new URLSearchParams([["actor", actor], ["project_id", project]].filter(([, v]) => v));
  const records = usePaged<AuditRecord>(`audit${query.size ? `?${query}` : ""}`, 5000);
  const choose = (e: SubmitEvent) => {
    e.preventDefault();
    const of = (name: string) => ((e.currentTarget as HTMLFormElement).elements.namedItem(name) as HTMLInputElement).value.trim();
    setActor(of("actor"));
    setProject(of("project"));
  };
  return (
    <>
      <h1>Audit</h1>
      <form class="filter" role="search" aria-label="Of the audit" onSubmit={choose}>
        <label>User <input name="actor" placeholder="all" /></label>
        <label>Project <input name="project" placeholder="all" /></label>
        <p><button type="submit">Show</button></p>
      </form>
      <List of={records} caption="Who changed what, the newest first" empty="Nothing like that is on record." name={(r) => r.audit_id}
        heads={["When", "Who", "What", "Outcome", "In detail", "From"]}
        row={(r) => [
          zonedMoment(r.time), [r.admin ? "the admin" : r.user_id, r.project_id].filter(Boolean).join(", ") || "not known",
          <>{r.action}{r.allocation_id && <> <a href={`#/allocation/${encodeURIComponent(r.allocation_id)}`}>allocation</a></>}</>,
          outcomes[r.outcome], <>{r.detail}{r.missed > 0 && ` (and ${r.missed} more like it)`}</>, r.address ?? "",
        ]} />
    </>
  );
}
