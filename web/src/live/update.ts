// The service worker and its new versions: a new one waits until the person says "Update".
import { signal } from '@preact/signals';

export const updateReady = signal(false);
let waiting: ServiceWorker | null = null;

function found(registration: ServiceWorkerRegistration): void {
  const fresh = registration.installing;
  fresh?.addEventListener('statechange', () => {
    // Without a controller this is the first visit: nothing is replaced.
    if (fresh.state !== 'installed' || !navigator.serviceWorker.controller) return;
    waiting = fresh;
    updateReady.value = true;
  });
}

export function startUpdates(): void {
  // Offered in secure contexts only; everything works without.
  if (!('serviceWorker' in navigator)) return;
  navigator.serviceWorker.register('/sw.js').then((r) => {
    // Managed browsers may forbid workers and answer with nothing.
    if (!r) return;
    if (r.waiting && navigator.serviceWorker.controller) { waiting = r.waiting; updateReady.value = true; }
    r.addEventListener('updatefound', () => found(r));
  }, () => undefined);
}

export function applyUpdate(): void {
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
  waiting?.postMessage('update');
}
