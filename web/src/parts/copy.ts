// Copying also works on plain http, where the clipboard interface is missing.
import { t } from '../model/i18n';
import { toast } from './toast';

function oldWay(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr';
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const ok = document.execCommand('copy');
  area.remove();
  return ok;
}

export async function copyText(text: string): Promise<void> {
  let ok = true;
  try { await navigator.clipboard.writeText(text); } catch { ok = oldWay(text); }
  toast(t(ok ? 'action.copied' : 'action.copyFailed'), { error: !ok });
}
