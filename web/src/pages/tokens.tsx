// Tokens for programs. The secret is shown once.
import { useState } from 'preact/hooks';
import { del, get, post } from '../api/client';
import type { List, Role, Token } from '../api/types';
import { t } from '../model/i18n';
import { date, dateTime, parse } from '../model/time';
import { now } from '../live/clock';
import { useAction, useResource } from '../live/resource';
import { copyText } from '../parts/copy';
import { Confirm, Dialog } from '../parts/dialog';
import { Choices, SelectField, TextField } from '../parts/fields';
import { Icon } from '../parts/icon';
import { SettingsHead } from '../parts/settings-nav';
import { ActionError, Empty, Loaded } from '../parts/states';
import { Status } from '../parts/status';
import plusIcon from '../icons/plus.svg';
import trashIcon from '../icons/trash-2.svg';
import copyIcon from '../icons/copy.svg';

const DAYS = ['30', '90', '365', ''];

function Form({ onClose, onMade }: { onClose: () => void; onMade: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('reader');
  const [days, setDays] = useState('365');
  const [missing, setMissing] = useState(false);
  const [secret, setSecret] = useState('');
  const action = useAction();
  const submit = (e: Event): void => {
    e.preventDefault();
    setMissing(!name.trim());
    if (!name.trim()) return;
    const expires = days ? new Date(Math.floor((now.peek() + Number(days) * 86_400_000) / 1000) * 1000).toISOString().replace('.000', '') : null;
    void action.run(async () => { setSecret((await post<Token>('/tokens', { name: name.trim(), role, expires })).token ?? ''); onMade(); });
  };
  if (secret) {
    return (
      <Dialog title={t('tokens.made')} onClose={onClose}>
        <p>{t('tokens.once')}</p>
        <p class="secret mono wrap">{secret}</p>
        <p class="field-hint wrap">{t('tokens.use')} <code>{`curl -H "Authorization: Bearer ${secret.slice(0, 8)}…" ${location.origin}/api/v1/devices`}</code></p>
        <div class="dialog-actions"><button type="button" class="btn" onClick={() => void copyText(secret)}><Icon svg={copyIcon} />{t('action.copy')}</button><button type="button" class="btn btn-primary" onClick={onClose}>{t('action.done')}</button></div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t('tokens.add')} onClose={onClose}>
      <form class="form" onSubmit={submit} noValidate>
        <TextField label={t('col.name')} hint={t('tokens.nameHint')} value={name} onChange={setName} error={missing ? t('tokens.nameMissing') : null} autofocus required maxLength={60} />
        <Choices legend={t('users.role')} value={role} onChange={(v) => setRole(v as Role)} options={[{ value: 'reader', title: t('role.reader'), text: t('users.readerText') }, { value: 'admin', title: t('role.admin'), text: t('users.adminText') }]} />
        <SelectField label={t('tokens.expires')} value={days} onChange={setDays} options={DAYS.map((d) => [d, d ? t('tokens.days', { n: Number(d) }) : t('tokens.never')])} />
        <ActionError error={action.error} />
        <div class="dialog-actions"><button type="button" class="btn" onClick={onClose}>{t('action.cancel')}</button><button type="submit" class="btn btn-primary" disabled={action.busy}>{t('tokens.create')}</button></div>
      </form>
    </Dialog>
  );
}

export default function TokensPage() {
  const tokens = useResource('tokens', (s) => get<List<Token>>('/tokens', { limit: 1000 }, s));
  const [adding, add] = useState(false);
  const [gone, setGone] = useState<Token | null>(null);
  const action = useAction();
  const button = <button type="button" class="btn btn-primary" onClick={() => add(true)}><Icon svg={plusIcon} />{t('tokens.add')}</button>;
  const role = (x: Token): string => t(x.role === 'admin' ? 'role.admin' : 'role.reader');
  const expired = (x: Token): boolean => { const ms = parse(x.expires); return ms !== null && ms < now.value; };
  return (
    <>
      <SettingsHead />
      <div class="toolbar"><span class="push" />{tokens.data && tokens.data.items.length > 0 && button}</div>
      <div class="card">
        <Loaded from={tokens} what={t('tokens.failed')}>
          {(l) => (l.items.length === 0 ? <Empty title={t('tokens.none')} text={t('tokens.noneText')}>{button}</Empty> : (
            <div class="table-box">
              <table class="table table-mid">
                <thead><tr><th>{t('col.name')}</th><th class="phone-hide-cell">{t('users.role')}</th><th>{t('col.state')}</th><th>{t('tokens.expires')}</th><th class="phone-hide-cell">{t('users.created')}</th><th><span class="sr">{t('chart.actions')}</span></th></tr></thead>
                <tbody>
                  {l.items.map((x) => (
                    <tr key={x.id}>
                      <td><b>{x.name}</b><small class="phone-line grey">{role(x)}</small></td><td class="phone-hide-cell">{role(x)}</td><td class="nowrap"><Status mark={expired(x) ? 'shelved' : 'normal'} word={t(expired(x) ? 'tokens.expired' : 'users.active')} /></td>
                      <td class="nowrap">{x.expires ? date(parse(x.expires)!) : t('tokens.never')}</td><td class="phone-hide-cell nowrap">{dateTime(x.created)}</td>
                      <td class="num"><button type="button" class="btn-icon small" aria-label={t('tokens.revoke', { name: x.name })} title={t('tokens.revokeShort')} onClick={() => { action.clear(); setGone(x); }}><Icon svg={trashIcon} size={14} /></button></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ))}
        </Loaded>
      </div>
      {adding && <Form onClose={() => add(false)} onMade={tokens.reload} />}
      {gone && (
        <Confirm title={t('tokens.revoke', { name: gone.name })} text={t('tokens.revokeText')} action={t('tokens.revokeShort')} danger busy={action.busy} error={<ActionError error={action.error} />}
          onClose={() => setGone(null)} onConfirm={() => void action.run(async () => { await del(`/tokens/${gone.id}`); setGone(null); tokens.reload(); })} />
      )}
    </>
  );
}
