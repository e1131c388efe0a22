// People who may sign in.
import { useState } from 'preact/hooks';
import { ApiError, del, get, patch, post } from '../api/client';
import type { List, Role, User } from '../api/types';
import { t } from '../model/i18n';
import { dateTime } from '../model/time';
import { ago } from '../live/clock';
import { useAction, useResource } from '../live/resource';
import { session } from '../live/session';
import { Confirm, Dialog } from '../parts/dialog';
import { CheckField, Choices, PasswordField, TextField } from '../parts/fields';
import { Icon } from '../parts/icon';
import { SettingsHead } from '../parts/settings-nav';
import { ActionError, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import { toast } from '../parts/toast';
import plusIcon from '../icons/plus.svg';
import editIcon from '../icons/pencil.svg';
import trashIcon from '../icons/trash-2.svg';

function Form({ user, onClose, onSaved }: { user: User | null; onClose: () => void; onSaved: () => void }) {
  const [f, set] = useState({ login: user?.login ?? '', name: user?.name ?? '', role: user?.role ?? 'reader' as Role, enabled: user?.enabled ?? true, password: '' });
  const [wrong, setWrong] = useState<{ field: string; text: string } | null>(null);
  const action = useAction();
  const bad = (k: string): string | null => (wrong?.field === k ? wrong.text : null);
  const change = (part: Partial<typeof f>): void => { set({ ...f, ...part }); setWrong(null); };
  const submit = (e: Event): void => {
    e.preventDefault();
    const found = !f.login.trim() ? { field: 'login', text: t('setup.loginMissing') } : (!user || f.password) && f.password.length < 10 ? { field: 'password', text: t('setup.passwordShort', { n: 10 }) } : null;
    setWrong(found);
    if (found) return;
    void action.run(async () => {
      try {
        if (user) await patch(`/users/${user.id}`, { name: f.name.trim(), role: f.role, enabled: f.enabled, revision: user.revision, ...(f.password ? { password: f.password } : {}) });
        else await post('/users', { login: f.login.trim(), name: f.name.trim(), role: f.role, password: f.password });
      } catch (x) {
        if (x instanceof ApiError && x.field && x.field in f) { setWrong({ field: x.field, text: x.detail }); return; }
        throw x;
      }
      toast(t('action.saved'));
      onSaved();
    });
  };
  return (
    <Dialog title={user ? t('users.edit', { login: user.login }) : t('users.add')} onClose={onClose}>
      <form class="form" onSubmit={submit} noValidate>
        {!user && <TextField label={t('signin.login')} hint={t('setup.loginHint')} value={f.login} onChange={(login) => change({ login })} error={bad('login')} autocomplete="off" autocapitalize="none" spellcheck={false} autofocus required />}
        <TextField label={t('users.name')} value={f.name} onChange={(name) => change({ name })} error={bad('name')} autocomplete="off" autofocus={!!user} />
        <Choices legend={t('users.role')} value={f.role} onChange={(role) => change({ role: role as Role })} options={[{ value: 'reader', title: t('role.reader'), text: t('users.readerText') }, { value: 'admin', title: t('role.admin'), text: t('users.adminText') }]} />
        {bad('role') && <p class="field-error" role="alert">{bad('role')}</p>}
        <PasswordField label={t(user ? 'users.newPassword' : 'signin.password')} hint={user ? t('users.passwordKept') : t('setup.passwordHint', { n: 10 })} value={f.password} onChange={(password) => change({ password })} error={bad('password')} autocomplete="new-password" />
        {user && <CheckField label={t('users.enabled')} checked={f.enabled} onChange={(enabled) => change({ enabled })} />}
        {bad('enabled') && <p class="field-error" role="alert">{bad('enabled')}</p>}
        <ActionError error={action.error} />
        <div class="dialog-actions"><button type="button" class="btn" onClick={onClose}>{t('action.cancel')}</button><button type="submit" class="btn btn-primary" disabled={action.busy}>{t('action.save')}</button></div>
      </form>
    </Dialog>
  );
}

export default function UsersPage() {
  const users = useResource('users', (s) => get<List<User>>('/users', { limit: 1000 }, s));
  const [edit, setEdit] = useState<User | 'new' | null>(null);
  const [gone, setGone] = useState<User | null>(null);
  const action = useAction();
  const me = session.value!.user.id;
  return (
    <>
      <SettingsHead />
      <div class="toolbar"><span class="push" /><button type="button" class="btn btn-primary" onClick={() => setEdit('new')}><Icon svg={plusIcon} />{t('users.add')}</button></div>
      <div class="card">
        <Loaded from={users} what={t('users.failed')}>
          {(l) => (
            <div class="table-box">
              <table class="table table-mid">
                <thead><tr><th>{t('signin.login')}</th><th class="phone-hide-cell">{t('users.name')}</th><th>{t('users.role')}</th><th>{t('col.state')}</th><th class="phone-hide-cell">{t('users.lastLogin')}</th><th class="phone-hide-cell">{t('users.created')}</th><th><span class="sr">{t('chart.actions')}</span></th></tr></thead>
                <tbody>
                  {l.items.map((u) => (
                    <tr key={u.id}>
                      <td><b>{u.login}</b>{u.id === me && <span class="grey"> {t('users.you')}</span>}<small class="phone-line grey">{u.name}</small></td><td class="phone-hide-cell">{u.name}</td><td>{t(u.role === 'admin' ? 'role.admin' : 'role.reader')}</td>
                      <td class="nowrap"><Status mark={u.enabled ? 'normal' : 'shelved'} word={t(u.enabled ? 'users.active' : 'users.blocked')} /></td>
                      <td class="phone-hide-cell nowrap">{u.last_login ? ago(u.last_login) : <span class="grey">{t('comm.never')}</span>}</td><td class="phone-hide-cell nowrap">{dateTime(u.created)}</td>
                      <td class="num nowrap">
                        <button type="button" class="btn-icon small" aria-label={t('users.edit', { login: u.login })} title={t('action.edit')} onClick={() => setEdit(u)}><Icon svg={editIcon} size={14} /></button>
                        {u.id !== me && <button type="button" class="btn-icon small" aria-label={t('users.delete', { login: u.login })} title={t('action.delete')} onClick={() => { action.clear(); setGone(u); }}><Icon svg={trashIcon} size={14} /></button>}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Loaded>
      </div>
      {edit && <Form user={edit === 'new' ? null : edit} onClose={() => setEdit(null)} onSaved={() => { setEdit(null); users.reload(); }} />}
      {gone && (
        <Confirm title={t('users.delete', { login: gone.login })} text={t('users.deleteText')} action={t('action.delete')} danger busy={action.busy} error={<ActionError error={action.error} />}
          onClose={() => setGone(null)} onConfirm={() => void action.run(async () => { await del(`/users/${gone.id}`); setGone(null); users.reload(); })} />
      )}
    </>
  );
}
