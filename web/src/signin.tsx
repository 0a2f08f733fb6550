import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type Issuer, type Session, textOf } from "./api";
import { AtIssuer } from "./issuer";

/** SignIn asks for a name, a project and a password, or for an operator's key. */
export function SignIn({ notice, done }: { notice: string; done: (s: Session) => void }) {
  const [as, setAs] = useState<"issuer" | "user" | "operator">("user");
  const [issuer, setIssuer] = useState<Issuer>();
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = "Sign in – CONGA";
    ask<Issuer>("GET", "session/oidc").then(([i]) => {
      setIssuer(i);
      const begun = [...document.querySelectorAll<HTMLInputElement>(".signin form input")].some((field) => field.value !== "");
      if (i && !begun) setAs((was) => (was === "user" ? "issuer" : was));
    }, () => {}); // a password will do; asking for a session says what is wrong
  }, []);
  const operator = as === "operator";
  const submit = async (e: SubmitEvent) => {
    e.preventDefault();
    const form = e.currentTarget as HTMLFormElement;
    const given = (name: string) => (form.elements.namedItem(name) as HTMLInputElement | null)?.value ?? "";
    setBusy(true);
    setTrouble("");
    try {
      const [s] = await ask<Session>("POST", "session", operator
        ? { api_key: given("key").trim() }
        : { user_id: given("user").trim(), project_id: given("project").trim(), ...(given("password") ? { password: given("password") } : {}) });
      form.reset();
      done(s!);
    } catch (err) {
      setTrouble(textOf(err));
      setBusy(false);
    }
  };
  return (
    <main class="signin">
      <h1 ref={heading}>CONGA</h1>
      <p>Priority network paths for researchers.</p>
      {notice && <p class="note" role="status">{notice}</p>}
      <fieldset class="choice">
        <legend>Sign in as</legend>
        {issuer && <label><input type="radio" name="as" checked={as === "issuer"} onChange={() => setAs("issuer")} /> a member of an institution</label>}
        <label><input type="radio" name="as" checked={as === "user"} onChange={() => setAs("user")} /> a user{issuer && " with a password"}</label>
        <label><input type="radio" name="as" checked={operator} onChange={() => setAs("operator")} /> an operator</label>
      </fieldset>
      {as === "issuer" && issuer ? <AtIssuer issuer={issuer} /> : <form onSubmit={submit} aria-label="Sign in">
        {operator ? (
          <label key="key">Key <input name="key" type="password" autocomplete="off" required spellcheck={false} /></label>
        ) : (
          <div key="user">
            <label>Name <input name="user" autocomplete="username" required autocapitalize="none" spellcheck={false} /></label>
            <label>Project <input name="project" autocomplete="organization" required autocapitalize="none" spellcheck={false} /></label>
            <label>Password <input name="password" type="password" autocomplete="current-password" /></label>
            <p class="hint">Some installations ask for no password: leave it empty there.</p>
          </div>
        )}
        {trouble && <p class="trouble" role="alert">{trouble}</p>}
        <button class="main" type="submit" disabled={busy}>{busy ? "Signing in…" : "Sign in"}</button>
      </form>}
    </main>
  );
}
