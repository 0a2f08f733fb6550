import { local } from "./format";
import type { components } from "./openapi";

type Schemas = components["schemas"];
export type Allocation = Schemas["Allocation"];
export type AllocationStats = Schemas["AllocationStats"];
export type AllocationHistory = Schemas["AllocationHistory"];
export type Availability = Schemas["Availability"];
export type Session = Schemas["Session"];
export type Issuer = Schemas["Issuer"];
export type SignInAddress = Schemas["SignIn"];
export type Switch = Schemas["Switch"];
export type Link = Schemas["NetworkLink"];
export type LinkStats = Schemas["LinkStats"];
export type Host = Schemas["Host"];
export type LinkCalendar = Schemas["LinkCalendar"];
export type ProjectCalendar = Schemas["ProjectCalendar"];
export type LinkHistory = Schemas["LinkHistory"];
export type Connection = Schemas["Connection"];
export type Event = Schemas["Event"];
export type Hop = Schemas["Hop"];
export type SwitchStats = Schemas["SwitchStats"];
export type PortStats = Schemas["PortStats"];
export type TableStats = Schemas["TableStats"];
export type MeterStats = Schemas["MeterStats"];
export type FlowEntry = Schemas["FlowStats"];
export type AuditRecord = Schemas["AuditRecord"];
export type Project = Schemas["Project"];
export type Totals = Schemas["Totals"];
export type Readiness = Schemas["Readiness"];

/** A Refusal is an answer that says no, with its sentences for people. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly reasons: string[],
    readonly alternatives: Record<string, unknown>[] = [],
  ) {
    super(reasons.join("\n"));
  }
}

const unreachable = "The server does not answer. It may be restarting, or the network is down; this page tries again by itself.";

let ended: () => void = () => {};

/** onEnd sets what is called when the server says that the session has ended. */
export function onEnd(f: () => void) {
  ended = f;
}

/** ask sends a request and returns the results of the answer. */
export async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T[]> {
  return (await send<T>(method, path, body, signal)).results;
}

interface Envelope<T> {
  results: T[];
  errors: string[];
  alternatives?: Record<string, unknown>[];
}

/**
 * unanswered has the Idempotency-Key of each request that may have been carried
 * out without an answer, so that it is carried out once when it is sent again.
 */
const unanswered = new Map<string, string>();

/** forgetUnanswered has what is asked for from now on be asked for anew. */
export function forgetUnanswered() {
  unanswered.clear();
}

/** onceOnly returns what names a request that must not be carried out twice. */
function onceOnly(method: string, path: string, text?: string): string {
  return (method === "POST" || method === "DELETE") && path.startsWith("allocations") ? `${method} ${path} ${text ?? ""}` : "";
}

function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16).padStart(2, "0")).join("");
}

async function send<T>(method: string, path: string, body?: unknown, signal?: AbortSignal) {
  let answer: Response;
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const once = onceOnly(method, path, sent);
  const key = once && (unanswered.get(once) ?? newKey());
  if (once) unanswered.set(once, key);
  try {
    answer = await fetch(path.startsWith("/") ? path : `/api/v1/${path}`, {
      method,
      signal,
      credentials: "same-origin",
      cache: "no-store",
      headers: { "Conga-Page": "1", ...(sent === undefined ? {} : { "Content-Type": "application/json" }), ...(once ? { "Idempotency-Key": key } : {}) },
      body: sent,
    });
  } catch (err) {
    if ((err as Error).name === "AbortError") throw err;
    throw new Refusal(0, [unreachable]);
  }
  let text: Envelope<T> | undefined;
  try {
    text = (await answer.json()) as Envelope<T>;
  } catch {
    throw new Refusal(answer.status, [`The server answered ${answer.status} without a sentence.`]);
  }
  if (answer.status < 500) unanswered.delete(once);
  if (!answer.ok) {
    if (answer.status === 401) ended();
    throw new Refusal(answer.status, text.errors.map(local), text.alternatives);
  }
  return { results: text.results, next: nextOf(answer.headers.get("Link")) };
}

/** nextOf returns where the next page of a list is, as a path of this server. */
function nextOf(link: string | null): string | null {
  const found = /<([^>]*)>;\s*rel="next"/.exec(link ?? "");
  if (!found) return null;
  const at = new URL(found[1]!, location.origin);
  return at.pathname + at.search;
}

/** A Page is a part of a list, and where the next one is. */
export interface Page<T> { results: T[]; next: string | null }

/** page returns one page of a list. */
export function page<T>(path: string, signal?: AbortSignal): Promise<Page<T>> {
  return send<T>("GET", path, undefined, signal);
}

/** list returns all pages of a list, up to a most. */
export async function list<T>(path: string, most = 5000, signal?: AbortSignal): Promise<T[]> {
  const all: T[] = [];
  let next: string | null = path + (path.includes("?") ? "&" : "?") + "per_page=1000";
  while (next && all.length < most) {
    const page: { results: T[]; next: string | null } = await send<T>("GET", next, undefined, signal);
    all.push(...page.results);
    next = page.next;
  }
  return all;
}

/** textOf returns an error in words. */
export function textOf(err: unknown): string {
  return err instanceof Error ? err.message : String(err);
}
