// Empty, loading and error states, one form for all pages: what, why, next step.
import type { ComponentChildren } from 'preact';
import type { ApiError } from '../api/client';
import { t, word } from '../model/i18n';
import { Icon } from './icon';
import alertIcon from '../icons/triangle-alert.svg';

/** A sentence for a failed call: what the server said, else what is known. */
export function errorText(e: ApiError): string {
  if (e.unreachable) return t('error.unreachable');
  if (e.status === 429) return t('error.tooMany', { n: e.retryAfter ?? 1 });
  return e.detail || t('error.status', { status: e.status });
}

export function Empty({ title, text, page = false, children }: { title: string; text?: string; page?: boolean; children?: ComponentChildren }) {
  return (
    <div class="empty">
      {page ? <h1>{title}</h1> : <h3>{title}</h3>}
      {text && <p>{text}</p>}
      {children && <div class="empty-actions">{children}</div>}
    </div>
  );
}

export function Failed({ what, error, retry, row = false }: { what: string; error: ApiError; retry?: () => void; row?: boolean }) {
  return (
    <div class={row ? 'failed failed-row' : 'failed'} role="alert">
      <Icon svg={alertIcon} size={18} />
      <div>
        <strong>{what}</strong> {errorText(error)}
      </div>
      {retry && <button type="button" class="btn" onClick={retry}>{t('action.retry')}</button>}
    </div>
  );
}

export function FieldError({ id, text }: { id?: string; text: string | null | undefined }) {
  return text ? <p class="field-error" id={id} role="alert">{text}</p> : null;
}

/** The error of an action, as a line in its form. */
export function ActionError({ error }: { error: ApiError | null }) {
  return error ? <p class="form-error" role="alert"><Icon svg={alertIcon} /> {errorText(error)}</p> : null;
}

export function Skeleton({ rows = 5 }: { rows?: number }) {
  return (
    <div class="skeleton" role="status" aria-label={t('state.loading')}>
      {Array.from({ length: rows }, (_, i) => <div key={i} class={`bone bone-${i % 3}`} />)}
    </div>
  );
}

/** The usual three-way: skeleton, error without data, content (with a note when it is old). */
export function Loaded<T>({ from, what, rows, children }: {
  from: { data: T | null; error: ApiError | null; reload: () => void }; what: string; rows?: number;
  children: (data: T) => ComponentChildren;
}) {
  if (from.data === null) {
    if (!from.error) return <Skeleton rows={rows ?? 5} />;
    if (from.error.status === 403) return <NotAllowed />;
    if (from.error.status === 404) return <Empty page title={t('error.notFoundTitle')} text={from.error.detail}><a class="btn" href="/">{t('denied.back')}</a></Empty>;
    return <Failed what={what} error={from.error} retry={from.reload} />;
  }
  return (
    <>
      {from.error && <Failed row what={t('error.old')} error={from.error} retry={from.reload} />}
      {children(from.data)}
    </>
  );
}

export function NotAllowed({ page = false }: { page?: boolean }) {
  return (
    <Empty page={page} title={t('denied.title')} text={t('denied.text')}>
      <a class="btn" href="/">{t('denied.back')}</a>
    </Empty>
  );
}

export const label = (prefix: string, value: string | null | undefined): string => word(prefix, value);
