// The telegram inspector: bytes coloured by layer, explained field by field, linked both ways.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Explain, Note } from '../api/types';
import { t, word } from '../model/i18n';
import { byteText, owners, spaced } from '../model/hex';
import { explainText, noteOf, testCase } from '../model/explain-text';
import { phone } from '../live/prefs';
import { copyText } from './copy';
import { Icon } from './icon';
import { Empty } from './states';
import { Status } from './status';
import { keyTitle, pointTitle, ValueText } from './value';
import { qualityMark } from '../model/status';
import copyIcon from '../icons/copy.svg';
import alertIcon from '../icons/triangle-alert.svg';

interface Linked { active: number; pinned: number; hover: (i: number) => void; pin: (i: number) => void }

function Bytes({ e, stage, link }: { e: Explain; stage: number; link: Linked }) {
  const hex = e.stages[stage]!.hex;
  const count = Math.floor(hex.length / 2);
  const index = useMemo(() => e.notes.map((n, i) => ({ n, i })).filter((x) => x.n.stage === stage), [e, stage]);
  const own = useMemo(() => owners(count, index.map((x) => x.n)), [index, count]);
  const perRow = phone.value ? 8 : 16;
  const badAt = e.error && stage === 0 ? e.error.offset ?? -1 : -1;
  const noteAt = (b: number): number => (own[b]! >= 0 ? index[own[b]!]!.i : -1);
  const activeNote = e.notes[link.active];

  const step = (by: number): void => {
    const ordered = [...index].sort((a, b) => a.n.offset - b.n.offset || a.n.length - b.n.length);
    const here = ordered.findIndex((x) => x.i === link.pinned);
    const next = ordered[here < 0 ? (by > 0 ? 0 : ordered.length - 1) : Math.max(0, Math.min(ordered.length - 1, here + by))];
    // Keys win over a resting pointer.
    link.hover(-1);
    if (next) link.pin(next.i);
  };
  const onKey = (ev: KeyboardEvent): void => {
    const by: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (by[ev.key]) { ev.preventDefault(); step(by[ev.key]!); }
  };
  const byteOf = (ev: Event): number => Number((ev.target as HTMLElement).closest<HTMLElement>('[data-b]')?.dataset['b'] ?? -1);

  const rows = [];
  for (let r = 0; r < count; r += perRow) {
    const cells = [];
    for (let b = r; b < Math.min(count, r + perRow); b++) {
      const i = noteAt(b);
      const n = e.notes[i];
      const lit = activeNote && activeNote.stage === stage && b >= activeNote.offset && b < activeNote.offset + activeNote.length;
      const joins = lit || (i >= 0 && b + 1 < count && noteAt(b + 1) === i && (b + 1) % perRow !== 0);
      cells.push(
        <span key={b} data-b={b} class={`hex-byte layer-${n?.layer ?? 'none'}${lit ? ' is-lit' : ''}${joins ? ' joins' : ''}${b === badAt ? ' is-bad' : ''}`}>{byteText(hex, b)}</span>,
      );
    }
    rows.push(<div key={r} class="hex-row"><span class="hex-offset" aria-hidden="true">{r.toString(16).padStart(4, '0').toUpperCase()}</span><span class="hex-cells">{cells}</span></div>);
  }
  const spoken = activeNote && activeNote.stage === stage ? t('inspector.spoken', { field: fieldText(activeNote), meaning: meaningText(activeNote), offset: activeNote.offset, n: activeNote.length }) : '';
  return (
    <div class="hex" tabIndex={0} role="group" aria-label={t('inspector.bytes', { title: stageTitle(e, stage), n: count })} onKeyDown={onKey}
      onPointerMove={(ev) => link.hover(byteOf(ev) >= 0 ? noteAt(byteOf(ev)) : -1)} onPointerLeave={() => link.hover(-1)}
      onClick={(ev) => { const b = byteOf(ev); if (b >= 0) link.pin(noteAt(b)); }}>
      {rows}
      <span class="sr" aria-live="polite">{link.pinned === link.active ? spoken : ''}</span>
    </div>
  );
}

/** What refuses a telegram has a code; people read its words. */
const fieldText = (n: Note): string => (n.layer === 'error' ? word('outcome', n.field) : n.field);
/** "2200.013 m³; volume.s1" names the point it became by its key: said as the rest of the page says it. */
const meaningText = (n: Note): string => (n.layer === 'data' ? n.meaning.replace(/; ([a-z]\w*(?:\.\w+)*)(?=$| = |: |, )/, (_, key: string) => `; ${keyTitle(key)}`) : n.meaning);

const stageTitle = (e: Explain, stage: number): string => word('stage', e.stages[stage]!.title.replace(/ /g, '_'));

function NoteRow({ n, i, link }: { n: Note; i: number; link: Linked }) {
  const ref = useRef<HTMLTableRowElement>(null);
  const lit = link.active === i;
  useEffect(() => { if (link.pinned === i) ref.current?.scrollIntoView({ block: 'nearest' }); }, [link.pinned]);
  return (
    <tr ref={ref} class={`note-row${lit ? ' is-lit' : ''}`} onPointerEnter={() => link.hover(i)} onPointerLeave={() => link.hover(-1)} onClick={() => link.pin(i)}>
      <td class="num mono grey">{n.offset}{n.length > 1 ? `–${n.offset + n.length - 1}` : ''}</td>
      <td><button type="button" class="note-field" aria-pressed={link.pinned === i} onFocus={() => link.hover(i)} onBlur={() => link.hover(-1)} onClick={(ev) => { ev.stopPropagation(); link.pin(i); }}><span class={`swatch-box layer-${n.layer}`} />{fieldText(n)}</button></td>
      <td class="wrap">{meaningText(n)}{n.clause && <span class="clause">{n.clause}</span>}</td>
    </tr>
  );
}


interface Group { key: string; title: string; notes: { n: Note; i: number }[] }
function groupsOf(e: Explain, stage: number): Group[] {
  const out: Group[] = [];
  // In the order of the bytes, as one reads them; codecs note what they find when they find it.
  const ordered = e.notes.map((n, i) => ({ n, i })).filter((x) => x.n.stage === stage).sort((a, b) => a.n.offset - b.n.offset || b.n.length - a.n.length || a.i - b.i);
  ordered.forEach(({ n, i }) => {
    const key = n.record >= 0 ? `r${n.record}` : 'frame';
    let g = out[out.length - 1];
    if (!g || g.key !== key) { g = { key, title: '', notes: [] }; out.push(g); }
    g.notes.push({ n, i });
  });
  for (const g of out) {
    const data = [...g.notes].reverse().find((x) => x.n.layer === 'data');
    g.title = g.key === 'frame' ? t('inspector.frame') : t('inspector.record', { n: Number(g.key.slice(1)) + 1, value: data ? meaningText(data.n) : '' });
  }
  return out;
}

function Notes({ e, stage, link }: { e: Explain; stage: number; link: Linked }) {
  const groups = useMemo(() => groupsOf(e, stage), [e, stage]);
  if (groups.length === 0) return <p class="pad grey">{t('inspector.noNotes')}</p>;
  return (
    <table class="table notes">
      <thead><tr><th class="num">{t('inspector.byte')}</th><th>{t('inspector.field')}</th><th>{t('inspector.meaning')}</th></tr></thead>
      {groups.map((g, k) => (
        <tbody key={g.key + k}>
          <tr class="note-group"><th colSpan={3} scope="rowgroup">{g.title}</th></tr>
          {g.notes.map(({ n, i }) => <NoteRow key={i} n={n} i={i} link={link} />)}
        </tbody>
      ))}
    </table>
  );
}

function Legend({ e }: { e: Explain }) {
  const layers = [...new Set(e.notes.map((n) => n.layer))];
  return <ul class="layers" aria-label={t('inspector.layers')}>{layers.map((l) => <li key={l}><span class={`swatch-box layer-${l}`} />{word('layer', l)}</li>)}</ul>;
}

/** What has columns of its own on a wide screen. */
const placeOf = (v: Explain['values'][number]): string => [
  word('function', v.function), v.storage && `${t('inspector.storage')} ${v.storage}`, v.tariff && `${t('inspector.tariff')} ${v.tariff}`, v.subunit && `${t('inspector.subunit')} ${v.subunit}`,
].filter(Boolean).join(', ');

function Values({ e }: { e: Explain }) {
  if (e.values.length === 0) return null;
  return (
    <section class="card">
      <div class="card-head"><h2>{t('inspector.values')}</h2>{e.profile && <span class="grey small">{t('inspector.profile', { name: e.profile_title || e.profile })}</span>}</div>
      {e.info.length > 0 && (
        <ul class="card-body info-bits" aria-label={t('col.info')}>
          {e.info.map((b, i) => <li key={i}><Status mark={b.severity} word={b.text} /> <span class="grey small">{b.bit === null ? t('values.code', { n: b.code ?? 0 }) : t('values.bit', { n: b.bit })}, {word('severity', b.severity)}</span></li>)}
        </ul>
      )}
      <div class="table-box">
        <table class="table table-mid">
          <thead><tr><th>{t('values.name')}</th><th class="num">{t('col.value')}</th><th class="phone-hide-cell">{t('inspector.function')}</th><th class="num phone-hide-cell">{t('inspector.storage')}</th><th class="num phone-hide-cell">{t('inspector.tariff')}</th><th class="num phone-hide-cell">{t('inspector.subunit')}</th><th>{t('values.quality')}</th></tr></thead>
          <tbody>
            {e.values.map((v, i) => (
              <tr key={i}>
                <td>{pointTitle({ name: v.name, label: v.label })}<small class="phone-line grey">{placeOf(v)}</small></td><td class="num"><ValueText v={v} /></td><td class="grey phone-hide-cell">{word('function', v.function)}</td>
                <td class="num phone-hide-cell">{v.storage}</td><td class="num phone-hide-cell">{v.tariff}</td><td class="num phone-hide-cell">{v.subunit}</td><td><Status mark={qualityMark(v.quality)} word={word('quality', v.quality)} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Facts({ e }: { e: Explain }) {
  const m = e.meter;
  const enc = e.encryption;
  return (
    <dl class="facts facts-row">
      <div><dt>{t('inspector.link')}</dt><dd>{word('protocol', e.link)}</dd></div>
      {m && <div><dt>{t('inspector.meter')}</dt><dd>{[m.manufacturer, m.id].join(' ')}</dd></div>}
      {m && <div><dt>{t('inspector.medium')}</dt><dd>{word('medium', m.medium_text)} <span class="grey">({t('inspector.version', { n: m.version })})</span></dd></div>}
      {enc && <div><dt>{t('inspector.encryption')}</dt><dd>{word('encryption', enc.state)}{enc.mode > 0 && <span class="grey"> ({t('inspector.mode', { n: enc.mode })})</span>}</dd></div>}
    </dl>
  );
}

export function ExplainView({ e, title, focusKey }: { e: Explain; title: string; focusKey?: string | undefined }) {
  const last = e.stages.length - 1;
  const [stage, setStage] = useState(0);
  const [hovered, hover] = useState(-1);
  const [pinned, pin] = useState(-1);
  const link: Linked = { active: hovered >= 0 ? hovered : pinned, pinned, hover, pin };
  useEffect(() => {
    pin(-1);
    hover(-1);
    // Records are explained on the readable bytes: start there when there is such a stage.
    const withRecords = e.notes.find((n) => n.record >= 0);
    setStage(e.ok && withRecords ? withRecords.stage : 0);
    if (!focusKey) return;
    const i = noteOf(e, focusKey);
    if (i >= 0) { setStage(e.notes[i]!.stage); pin(i); }
  }, [e]);
  if (e.stages.length === 0) return <Empty title={t('inspector.nothing')} />;
  const shown = Math.min(stage, last);
  return (
    <div class="stack">
      {!e.ok && e.error && (
        <div class="failed" role="alert">
          <Icon svg={alertIcon} size={18} />
          <div><strong>{word('outcome', e.error.code)}:</strong> {e.error.text}{e.error.offset !== null && e.error.offset >= 0 && <> <button type="button" class="btn-link" onClick={() => { setStage(0); const i = e.notes.findIndex((n) => n.layer === 'error'); if (i >= 0) pin(i); }}>{t('inspector.atByte', { n: e.error.offset })}</button></>}</div>
        </div>
      )}
      <section class="card">
        <div class="card-head">
          <Facts e={e} />
          <span class="push" />
          <div class="form-actions">
            <button type="button" class="btn" onClick={() => void copyText(explainText(e, title))}><Icon svg={copyIcon} />{t('inspector.copy')}</button>
            <button type="button" class="btn" title={t('inspector.copyTestHint')} onClick={() => void copyText(testCase(e, title))}><Icon svg={copyIcon} />{t('inspector.copyTest')}</button>
          </div>
        </div>
        {e.stages.length > 1 && (
          <div class="tabs" role="tablist" aria-label={t('inspector.stages')}>
            {e.stages.map((s, i) => <button key={i} type="button" role="tab" class="tab" id={`stage-${i}`} aria-selected={i === shown} aria-controls="stage-panel" tabIndex={i === shown ? 0 : -1} onClick={() => setStage(i)}
              onKeyDown={(ev) => { const by = ev.key === 'ArrowRight' ? 1 : ev.key === 'ArrowLeft' ? -1 : 0; if (by) { const n = (i + by + e.stages.length) % e.stages.length; setStage(n); document.getElementById(`stage-${n}`)?.focus(); } }}>{stageTitle(e, i)} <span class="grey">{t('inspector.count', { n: Math.floor(s.hex.length / 2) })}</span></button>)}
          </div>
        )}
        <div class="inspect" {...(e.stages.length > 1 ? { id: 'stage-panel', role: 'tabpanel' as const, 'aria-labelledby': `stage-${shown}` } : {})}>
          <div class="inspect-bytes">
            <Bytes e={e} stage={shown} link={link} />
            <Legend e={e} />
            <button type="button" class="btn-link small" onClick={() => void copyText(spaced(e.stages[shown]!.hex))}>{t('inspector.copyHex')}</button>
          </div>
          <div class="inspect-notes" tabIndex={0} role="region" aria-label={t('inspector.explanation')}><Notes e={e} stage={shown} link={link} /></div>
        </div>
      </section>
      <Values e={e} />
    </div>
  );
}
