import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { t } from '../model/i18n';
import { session, signIn, signOut, status } from '../live/session';
import { Brand } from '../parts/brand';
import { Dialog } from '../parts/dialog';
import { FieldError } from '../parts/states';
import { PasswordField } from '../parts/fields';

/** One form for the page and for the overlay when a session has ended. */
function Form({ fixedLogin }: { fixedLogin?: string }) {
  const [login, setLogin] = useState(fixedLogin ?? '');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [waitUntil, setWaitUntil] = useState(0);
  const [clock, setClock] = useState(Date.now());
  const first = useRef<HTMLInputElement>(null);
  const id = useId();
  const wait = Math.max(0, Math.ceil((waitUntil - clock) / 1000));

  useLayoutEffect(() => { if (!fixedLogin) first.current?.focus(); }, []);
  useEffect(() => {
    if (waitUntil <= Date.now()) return undefined;
    const timer = setInterval(() => setClock(Date.now()), 500);
    return () => clearInterval(timer);
  }, [waitUntil]);

  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    if (busy || wait > 0) return;
    if (!login.trim() || !password) { setError(t('signin.missing')); return; }
    setBusy(true);
    setError(null);
    try { await signIn(login.trim(), password); }
    catch (x) {
      const err = x as ApiError;
      if (err.retryAfter) { setWaitUntil(Date.now() + err.retryAfter * 1000); setClock(Date.now()); }
      // No hint whether the account exists: one sentence for both.
      setError(err.unreachable ? t('error.unreachable') : err.status === 401 || err.status === 403 || err.status === 429 ? t('signin.wrong') : err.detail || t('error.status', { status: err.status }));
      setPassword('');
    } finally { setBusy(false); }
  };

  return (
    <form class="form" onSubmit={submit} noValidate>
      <div class="field">
        <label for={id + 'l'}>{t('signin.login')}</label>
        <input id={id + 'l'} ref={first} class="input" name="username" autocomplete="username" autocapitalize="none" spellcheck={false} readOnly={!!fixedLogin}
          value={login} onInput={(e) => setLogin(e.currentTarget.value)} aria-describedby={error ? id + 'e' : undefined} />
      </div>
      <PasswordField label={t('signin.password')} name="password" autocomplete="current-password" value={password} onChange={setPassword} autofocus={!!fixedLogin} />
      <FieldError id={id + 'e'} text={error} />
      {wait > 0 && <p class="grey" role="status">{t('signin.wait', { n: wait })}</p>}
      <button type="submit" class="btn btn-primary" disabled={busy || wait > 0}>{busy ? t('signin.busy') : t('signin.action')}</button>
    </form>
  );
}

function SignIn({ used }: { used: boolean }) {
  useEffect(() => { document.title = `${t('signin.action')} · Hypocaust`; }, []);
  return (
    <main class="gate">
      <div class="gate-card">
        <div class="gate-brand"><Brand size={32} /><b>Hypocaust</b></div>
        <h1>{t('signin.title')}</h1>
        {used && <p class="note">{t('signin.setupUsed')}</p>}
        <Form />
        <p class="gate-foot">{t('signin.foot', { version: status.value?.version ?? '' })}</p>
      </div>
    </main>
  );
}

function SignInOverlay() {
  return (
    <Dialog title={t('expired.title')} onClose={() => undefined} closable={false}>
      <p>{t('expired.text')}</p>
      <Form fixedLogin={session.value!.user.login} />
      <button type="button" class="btn-link" onClick={() => void signOut()}>{t('expired.other')}</button>
    </Dialog>
  );
}

export default function Gate({ used, overlay }: { used: boolean; overlay: boolean }) {
  return overlay ? <SignInOverlay /> : <SignIn used={used} />;
}
