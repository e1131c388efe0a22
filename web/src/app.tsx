// Which of the three faces: first run, sign-in, or the shell with a page.
import { useEffect } from 'preact/hooks';
import { t, withTexts } from './model/i18n';
import { fragment, path } from './live/router';
import { expired, phase, session, start, status } from './live/session';
import { Toasts } from './parts/toast';
import { Shell } from './shell';
import { Page } from './routes';
import { Lazy } from './parts/lazy';

const loadSetup = withTexts(() => import('./pages/setup'), 'gate');
const loadSignIn = withTexts(() => import('./pages/signin'), 'gate');

function Down() {
  useEffect(() => {
    const timer = setInterval(() => void start(), 3000);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="gate">
      <div class="gate-card" role="alert">
        <h1>{t('down.title')}</h1>
        <p>{t('down.text')}</p>
        <button type="button" class="btn" onClick={() => void start()}>{t('action.retry')}</button>
      </div>
    </main>
  );
}

function Face() {
  if (phase.value === 'start') return <div class="gate" aria-busy="true" />;
  if (phase.value === 'down') return <Down />;
  const setup = fragment.value.startsWith('#/setup') || path.value === '/setup';
  if (status.value?.first_run) return <Lazy load={loadSetup} />;
  if (!session.value) return <Lazy load={loadSignIn} props={{ used: setup, overlay: false }} />;
  return (
    <>
      <Shell><Page /></Shell>
      {expired.value && <Lazy load={loadSignIn} props={{ used: false, overlay: true }} />}
    </>
  );
}

export function App() {
  return (
    <>
      <Face />
      {phase.value !== 'start' && <Toasts />}
    </>
  );
}
