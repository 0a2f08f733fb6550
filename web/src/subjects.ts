import type { Allocation, Link, Project } from "./api";

/** A Subject is what a calendar is of: a project, or a directed link. */
export type Subject = { kind: "project"; id: string } | { kind: "link"; from: string; to: string };

/** subjectOf reads the parts of an address behind #/calendar; undefined: they name none. */
export function subjectOf(parts: string[]): Subject | undefined {
  const [kind, a, b] = parts;
  if (kind === "project" && a) return { kind, id: a };
  if (kind === "link" && a && b) return { kind, from: a, to: b };
  return undefined;
}

/** addressOf returns the page's address of a subject's calendar. */
export function addressOf(s: Subject): string {
  return `#/calendar/${(s.kind === "project" ? [s.kind, s.id] : [s.kind, s.from, s.to]).map(encodeURIComponent).join("/")}`;
}

/** resourceOf returns the address of a subject's calendar in the API. */
export function resourceOf(s: Subject): string {
  return s.kind === "project" ? `projects/${encodeURIComponent(s.id)}/calendar` : `links/${s.from}/${s.to}/calendar`;
}

/** nameOf returns a subject in words. */
export function nameOf(s: Subject): string {
  return s.kind === "project" ? `Project ${s.id}` : `Link ${short(s.from)} → ${short(s.to)}`;
}

/** short returns a port without the zeros before its switch's number. */
export function short(port: string): string {
  return port.replace(/^0+(?=[0-9a-f])/i, "");
}

const portOf = (p: Link["from"]) => (p ? `${p.dpid}:${p.port}` : "outside");

/** subjectsOf returns the subjects that there are to choose from, as a list's options. */
export function subjectsOf(projects: Project[], links: Link[]): { group: string; subjects: Subject[] }[] {
  const groups: { group: string; subjects: Subject[] }[] = [
    { group: "Projects", subjects: projects.map((p) => ({ kind: "project", id: p.project_id })) },
    { group: "Links", subjects: links.map((l) => ({ kind: "link", from: portOf(l.from), to: portOf(l.to) })) },
  ];
  return groups.filter((g) => g.subjects.length > 0);
}

/** holds reports whether an allocation holds something of a subject, or would. */
export function holds(a: Allocation, s: Subject): boolean {
  if (s.kind === "project") return a.project_id === s.id;
  const [dpid, port] = (s.from === "outside" ? s.to : s.from).split(":");
  return [...(a.path ?? []), ...(a.backup_path ?? [])].some((h) => h.dpid === dpid && (String(h.in_port) === port || String(h.out_port) === port));
}
