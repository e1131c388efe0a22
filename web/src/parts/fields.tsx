// Form fields: label, control, hint and error tied together.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../model/i18n';
import { Icon } from './icon';
import eyeIcon from '../icons/eye.svg';

interface Base { label: string; hint?: string | undefined; error?: string | null | undefined; required?: boolean }

function Frame({ id, label, hint, error, required, children }: Base & { id: string; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{label}{required && <span class="grey" aria-hidden="true"> *</span>}</label>
      {children}
      {hint && <p class="field-hint" id={id + 'h'}>{hint}</p>}
      {error && <p class="field-error" id={id + 'e'} role="alert">{error}</p>}
    </div>
  );
}
const describe = (id: string, b: Base): string | undefined => [b.hint ? id + 'h' : '', b.error ? id + 'e' : ''].filter(Boolean).join(' ') || undefined;

interface InputProps {
  type?: 'text' | 'number' | 'email' | 'datetime-local'; inputMode?: 'decimal' | 'numeric'; name?: string; autocomplete?: string; autocapitalize?: string;
  spellcheck?: boolean; placeholder?: string; maxLength?: number; min?: number; max?: number; disabled?: boolean;
}

export function TextField({ label, hint, error, required, value, onChange, autofocus, ...rest }: Base & InputProps & { value: string; onChange: (v: string) => void; autofocus?: boolean }) {
  const id = useId();
  const ref = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => { if (autofocus) ref.current?.focus(); }, []);
  // A refused field takes the focus: the person is taken to what has to change.
  useLayoutEffect(() => { if (error) ref.current?.focus(); }, [error]);
  return (
    <Frame id={id} label={label} hint={hint} error={error} required={required ?? false}>
      <input {...(rest as { type?: 'text' })} id={id} ref={ref} class="input" value={value} aria-required={required} aria-invalid={error ? true : undefined} data-autofocus={autofocus ? '' : undefined}
        aria-describedby={describe(id, { label, hint, error })} onInput={(e) => onChange(e.currentTarget.value)} />
    </Frame>
  );
}

export function PasswordField({ label, hint, error, value, onChange, autofocus, name, autocomplete }: Base & { value: string; onChange: (v: string) => void; autofocus?: boolean; name?: string; autocomplete?: 'current-password' | 'new-password' | 'off' }) {
  const id = useId();
  const [shown, show] = useState(false);
  const ref = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => { if (autofocus) ref.current?.focus(); }, []);
  useLayoutEffect(() => { if (error) ref.current?.focus(); }, [error]);
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <div class="with-button">
        <input id={id} ref={ref} class="input" type={(shown ? 'text' : 'password') as 'password'} name={name} autocomplete={autocomplete ?? 'off'} spellcheck={false} value={value}
          data-autofocus={autofocus ? '' : undefined} aria-invalid={error ? true : undefined} aria-describedby={describe(id, { label, hint, error })} onInput={(e) => onChange(e.currentTarget.value)} />
        <button type="button" class="btn-icon" aria-pressed={shown} aria-label={t('signin.show')} title={t('signin.show')} onClick={() => show(!shown)}><Icon svg={eyeIcon} /></button>
      </div>
    </Frame>
  );
}

export function SelectField({ label, hint, error, value, onChange, options, disabled }: Base & { value: string; onChange: (v: string) => void; options: [string, string][]; disabled?: boolean }) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <select id={id} value={value} disabled={disabled} aria-invalid={error ? true : undefined} aria-describedby={describe(id, { label, hint, error })} onChange={(e) => onChange(e.currentTarget.value)}>
        {options.map(([v, text]) => <option key={v} value={v}>{text}</option>)}
      </select>
    </Frame>
  );
}

export function CheckField({ label, hint, checked, onChange }: { label: string; hint?: string; checked: boolean; onChange: (v: boolean) => void }) {
  const id = useId();
  return (
    <div class="field">
      <label class="check" for={id}><input id={id} type="checkbox" checked={checked} aria-describedby={hint ? id + 'h' : undefined} onChange={(e) => onChange(e.currentTarget.checked)} />{label}</label>
      {hint && <p class="field-hint" id={id + 'h'}>{hint}</p>}
    </div>
  );
}

/** Radio cards with a word of explanation each. */
export function Choices({ legend, value, onChange, options }: { legend: string; value: string; onChange: (v: string) => void; options: { value: string; title: string; text?: string }[] }) {
  const name = useId();
  return (
    <fieldset class="field">
      <legend>{legend}</legend>
      <div class="choices">
        {options.map((o) => (
          <label key={o.value} class="choice">
            <input type="radio" name={name} value={o.value} checked={o.value === value} onChange={() => onChange(o.value)} />
            <span><b>{o.title}</b>{o.text && <span class="field-hint">{o.text}</span>}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
