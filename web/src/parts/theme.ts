import { applyTheme, type Theme } from '../live/prefs';
import { saveProfile } from '../live/session';

/** Applies a theme at once and remembers it with the person. */
export async function chooseTheme(value: Theme): Promise<void> {
  applyTheme(value);
  // The choice holds in this browser even when the server cannot take it now.
  await saveProfile({ theme: value }).catch(() => undefined);
}
