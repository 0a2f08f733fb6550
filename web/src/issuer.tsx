import { useState } from "preact/hooks";
import { ask, type Issuer, type Session, type SignInAddress, textOf } from "./api";

/** What an issuer says when it sends nobody back with a code (RFC 6749, OpenID Connect Core). Other text of an address is not shown. */
const refusals: Record<string, string> = {
  access_denied: "You were not signed in: the sign-in was declined at your institution's page.",
  login_required: "You were not signed in: your institution's page asks you to sign in there first.",
  consent_required: "You were not signed in: your institution's page asks for your consent first.",
  temporarily_unavailable: "You were not signed in: your institution's page is overloaded. Try again in some minutes.",
  server_error: "You were not signed in: your institution's page has a fault. Try again later.",
};

/** A Back is what an issuer has added to the page's address. */
interface Back { code: string; state: string; error: string }

/** takeBack returns what an issuer has sent the browser back with, and takes it out of the address and the history. */
function takeBack(): Back | undefined {
  const given = new URLSearchParams(location.search);
  const back = { code: given.get("code") ?? "", state: given.get("state") ?? "", error: given.get("error") ?? "" };
  if (!back.error && !(back.code && back.state)) return undefined;
  history.replaceState(null, "", location.pathname + location.hash);
  return back;
}

/** comeBack ends a sign-in at an issuer, if the browser comes from one. It throws why there is no session. */
export async function comeBack(): Promise<Session | undefined> {
  const back = takeBack();
  if (!back) return undefined;
  if (back.error) throw new Error(refusals[back.error] ?? "You were not signed in: your institution's page refused it. Tell the operator of this server if that happens again.");
  const [s] = await ask<Session>("POST", "session", { code: back.code, state: back.state });
  return s;
}

/** AtIssuer signs in at an issuer, which knows who the user is, but not for which project. */
export function AtIssuer({ issuer }: { issuer: Issuer }) {
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const name = hostOf(issuer.issuer);
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const project = ((e.currentTarget as HTMLFormElement).elements.namedItem("issuer_project") as HTMLInputElement).value.trim();
    setBusy(true);
    setTrouble("");
    try {
      const [at] = await ask<SignInAddress>("POST", "session/oidc", { project_id: project });
      if (!at || !/^https?:/.test(at.authorization_url)) throw new Error("This server signs nobody in at an institution any more; load the page again.");
      location.assign(at.authorization_url);
    } catch (err) {
      setTrouble(textOf(err));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit} aria-label="Sign in at your institution">
      <label>Project <input name="issuer_project" autocomplete="organization" required autocapitalize="none" spellcheck={false} /></label>
      {trouble && <p class="trouble" role="alert">{trouble}</p>}
      <button class="main" type="submit" disabled={busy}>{busy ? "Going there…" : `Sign in at ${name}`}</button>
      <p class="hint">You come back here when you are signed in there.</p>
    </form>
  );
}

function hostOf(address: string): string {
  try {
    return new URL(address).host;
  } catch {
    return address;
  }
}
