// What a person chooses for themselves: colours, keys, name, password.
import { useState } from 'preact/hooks';
import { ApiError } from '../api/client';
import { t } from '../model/i18n';
import { density, pref, setPref, theme, type Density, type Theme } from '../live/prefs';
import { useAction } from '../live/resource';
import { saveProfile, session } from '../live/session';
import { CheckField, Choices, PasswordField, TextField } from '../parts/fields';
import { SettingsHead } from '../parts/settings-nav';
import { ActionError } from '../parts/states';
import { toast } from '../parts/toast';
import { chooseTheme } from '../parts/theme';

function Profile() {
  const [name, setName] = useState(session.value!.user.name);
  const action = useAction();
  return (
    <form class="form" onSubmit={(e) => { e.preventDefault(); void action.run(async () => { await saveProfile({ name: name.trim() }); toast(t('action.saved')); }); }}>
      <TextField label={t('setup.name')} value={name} onChange={setName} autocomplete="name" maxLength={120} />
      <p class="grey">{t('profile.login', { login: session.value!.user.login, role: t(session.value!.user.role === 'admin' ? 'role.admin' : 'role.reader') })}</p>
      <ActionError error={action.error} />
      <div class="form-actions"><button type="submit" class="btn btn-primary" disabled={action.busy}>{t('action.save')}</button></div>
    </form>
  );
}

function Password() {
  const [old, setOld] = useState('');
  const [next, setNext] = useState('');
  const [repeat, setRepeat] = useState('');
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const action = useAction();
  const bad = (k: string): string | null => (wrong?.field === k ? wrong.text : null);
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    const found = !old ? { field: 'password_old', text: t('profile.oldMissing') } : next.length < 10 ? { field: 'password', text: t('setup.passwordShort', { n: 10 }) } : next !== repeat ? { field: 'repeat', text: t('setup.repeatWrong') } : null;
    setWrong(found);
    if (found) return;
    const ok = await action.run(async () => {
      try { await saveProfile({ password_old: old, password: next }); }
      catch (x) {
        if (x instanceof ApiError && (x.field === 'password' || x.field === 'password_old')) { setWrong({ field: x.field, text: x.detail }); return; }
        throw x;
      }
      toast(t('profile.passwordSaved'));
      setOld(''); setNext(''); setRepeat('');
    });
    if (!ok) setOld('');
  };
  return (
    <form class="form" onSubmit={submit} noValidate>
      <PasswordField label={t('profile.old')} value={old} onChange={setOld} error={bad('password_old')} autocomplete="current-password" />
      <PasswordField label={t('profile.new')} hint={t('setup.passwordHint', { n: 10 })} value={next} onChange={setNext} error={bad('password')} autocomplete="new-password" />
      <PasswordField label={t('setup.repeat')} value={repeat} onChange={setRepeat} error={bad('repeat')} autocomplete="new-password" />
      <ActionError error={action.error} />
      <div class="form-actions"><button type="submit" class="btn" disabled={action.busy}>{t('profile.change')}</button></div>
    </form>
  );
}

export default function AppearancePage() {
  return (
    <>
      <SettingsHead />
      <div class="cols cols-even">
        <div class="stack">
          <section class="card card-body stack">
            <Choices legend={t('theme.title')} value={theme.value} onChange={(v) => void chooseTheme(v as Theme)} options={[{ value: 'system', title: t('theme.system') }, { value: 'light', title: t('theme.light') }, { value: 'dark', title: t('theme.dark') }]} />
            <Choices legend={t('density.title')} value={density.value} onChange={(v) => setPref('density', v as Density)} options={[{ value: 'normal', title: t('density.normal') }, { value: 'compact', title: t('density.compact') }]} />
          </section>
          <section class="card card-body stack">
            <h2>{t('keys.title')}</h2>
            <CheckField label={t('profile.letters')} hint={t('profile.lettersHint')} checked={pref('letters', true).value} onChange={(v) => setPref('letters', v)} />
          </section>
          <section class="card card-body stack">
            <h2>{t('profile.kiosk')}</h2>
            <p>{t('profile.kioskText')}</p>
            <p><a href="/?kiosk=1" target="_blank">{t('profile.kioskOpen')}</a></p>
          </section>
        </div>
        <div class="stack">
          <section class="card card-body stack"><h2>{t('profile.title')}</h2><Profile /></section>
          <section class="card card-body stack"><h2>{t('profile.password')}</h2><Password /></section>
        </div>
      </div>
    </>
  );
}
