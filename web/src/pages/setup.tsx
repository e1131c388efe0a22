import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { t } from '../model/i18n';
import { fragment, go, query } from '../live/router';
import { setUp } from '../live/session';
import { Brand } from '../parts/brand';
import { PasswordField, SelectField, TextField } from '../parts/fields';
import { ActionError } from '../parts/states';

const tokenFromUrl = (): string => decodeURIComponent(/token=([^&]+)/.exec(fragment.value)?.[1] ?? query.value['token'] ?? '');

function zones(): string[] {
  const list = (Intl as { supportedValuesOf?: (k: string) => string[] }).supportedValuesOf?.('timeZone') ?? [];
  return ['UTC', ...list.filter((z) => z !== 'UTC')];
}

/** First run: the one-time token of the console makes the first administrator. */
export default function Setup() {
  const [form, setForm] = useState({
    token: tokenFromUrl(), name: '', login: '', password: '', repeat: '',
    time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
  });
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const set = (k: keyof typeof form) => (v: string): void => { setForm({ ...form, [k]: v }); if (wrong?.field === k) setWrong(null); };
  const bad = (k: string): string | null => (wrong?.field === k ? wrong.text : null);
  const given = tokenFromUrl();
  // The link may come while the page is open.
  useEffect(() => { if (given) setForm((f) => ({ ...f, token: given })); }, [given]);
  useEffect(() => { document.title = `${t('setup.title')} · Hypocaust`; }, []);

  const check = (): { field: string; text: string } | null => {
    if (!form.token.trim()) return { field: 'token', text: t('setup.tokenMissing') };
    if (!form.login.trim()) return { field: 'login', text: t('setup.loginMissing') };
    if (form.password.length < 10) return { field: 'password', text: t('setup.passwordShort', { n: 10 }) };
    if (form.password !== form.repeat) return { field: 'repeat', text: t('setup.repeatWrong') };
    return null;
  };

  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    const found = check();
    setWrong(found);
    setError(null);
    if (found || busy) return;
    setBusy(true);
    try {
      await setUp({ token: form.token.trim(), login: form.login.trim(), name: form.name.trim(), password: form.password, language: 'en', time_zone: form.time_zone });
      go('/', true);
    } catch (x) {
      const err = x as ApiError;
      if (err.field && err.field in form) setWrong({ field: err.field, text: err.detail }); else setError(err);
    } finally { setBusy(false); }
  };

  return (
    <main class="gate">
      <div class="gate-card gate-wide">
        <div class="gate-brand"><Brand size={32} /><b>Hypocaust</b></div>
        <div>
          <h1>{t('setup.title')}</h1>
          <p class="grey">{t('setup.text')}</p>
        </div>
        <form class="form" onSubmit={submit} noValidate>
          {(!given || bad('token')) && <TextField label={t('setup.token')} hint={t('setup.tokenHint')} value={form.token} onChange={set('token')} error={bad('token')} autocomplete="off" spellcheck={false} autofocus={!given} />}
          <TextField label={t('setup.name')} value={form.name} onChange={set('name')} error={bad('name')} autocomplete="name" autofocus={!!given} />
          <TextField label={t('setup.login')} hint={t('setup.loginHint')} value={form.login} onChange={set('login')} error={bad('login')} autocomplete="username" autocapitalize="none" spellcheck={false} required />
          <div class="form-grid">
            <PasswordField label={t('signin.password')} hint={t('setup.passwordHint', { n: 10 })} value={form.password} onChange={set('password')} error={bad('password')} name="new" autocomplete="new-password" />
            <PasswordField label={t('setup.repeat')} value={form.repeat} onChange={set('repeat')} error={bad('repeat')} name="repeat" autocomplete="new-password" />
          </div>
          <SelectField label={t('setup.zone')} hint={t('setup.zoneHint')} value={form.time_zone} onChange={set('time_zone')} error={bad('time_zone')} options={zones().map((z) => [z, z.replace(/_/g, ' ')])} />
          <ActionError error={error} />
          <button type="submit" class="btn btn-primary" disabled={busy}>{busy ? t('setup.busy') : t('setup.action')}</button>
        </form>
      </div>
    </main>
  );
}
