// Start: styles, router, session, stream, then the first page.
import './style/tokens.css';
import './style/base.css';
import './style/shell.css';
import './style/parts.css';
import './style/chart.css';
import './style/inspector.css';
import './style/touch.css';
import { render } from 'preact';
import { startRouter } from './live/router';
import { applyTheme, theme } from './live/prefs';
import { start } from './live/session';
import { startStream } from './live/stream';
import { startUpdates } from './live/update';
import { App } from './app';

applyTheme(theme.peek());
startRouter();
startStream();
void start();
render(<App />, document.getElementById('app')!);

// Browsers offer service workers in secure contexts only; everything works without.
addEventListener('load', startUpdates);
