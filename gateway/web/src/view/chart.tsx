// A chart on a canvas. What it shows is said in its label, and stands in a table where a page offers one.
import type {ECharts} from 'echarts/core';
import type {JSX} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {theme} from '../lib/settings.ts';
import {useCell} from '../lib/state.ts';

export interface Palette {
  rem: number;  // pixels
  text: string;
  muted: string;
  line: string;
  surface: string;
  accent: string;
  compare: string;
  font: string;
}

export type Option = Record<string, unknown>;

function paletteOf(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    rem: parseFloat(style.fontSize) || 16,
    text: colour('--text'), muted: colour('--muted'), line: colour('--line'), surface: colour('--surface'), accent: colour('--accent'), compare: colour('--compare'),
    font: getComputedStyle(document.body).fontFamily,
  };
}

// A tooltip is made of elements, not of HTML: names of devices and topics come from outside.
export function tip(title: string, rows: {colour?: string; name: string; value: string}[]): HTMLElement {
  const box = document.createElement('div');
  box.className = 'tip';
  const head = document.createElement('div');
  head.className = 'tip-title';
  head.textContent = title;
  box.append(head);
  for (const row of rows) {
    const line = document.createElement('div');
    line.className = 'tip-row';
    const dot = document.createElement('span');
    dot.className = 'tip-dot';
    if (row.colour) dot.style.background = row.colour;
    const name = document.createElement('span');
    name.textContent = row.name;
    const value = document.createElement('strong');
    value.textContent = row.value;
    line.append(dot, name, value);
    box.append(line);
  }
  return box;
}

export function tooltipStyle(p: Palette): Option {
  return {backgroundColor: p.surface, borderColor: p.line, borderWidth: 1, padding: [p.rem * 0.5, p.rem * 0.7], textStyle: {color: p.text, fontSize: p.rem * 0.8}, confine: true, transitionDuration: 0, enterable: false};
}

export function Chart(props: {option: (palette: Palette) => Option; deps: readonly unknown[]; label: string; class?: string; onClick?: (data: unknown) => void}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ECharts | undefined>(undefined);
  const [ready, setReady] = useState(false);
  const [size, setSize] = useState(0);
  const mode = useCell(theme);
  const begun = useRef(0);
  const click = useRef(props.onClick);
  click.current = props.onClick;

  useEffect(() => {
    let gone = false;
    let observer: ResizeObserver | undefined;
    void import('./engine.ts').then(({init}) => {
      if (gone || !box.current) return;
      const made = init(box.current, undefined, {renderer: 'canvas'});
      chart.current = made;
      made.on('rendered', () => {  // for a bench: from a new option to its picture
        if (begun.current && box.current) {
          box.current.dataset.drawnMs = (performance.now() - begun.current).toFixed(0);
          box.current.dataset.drawnAt = performance.now().toFixed(0);
        }
        begun.current = 0;
      });
      made.on('click', (event) => click.current?.(event.data));
      let width = box.current.clientWidth;
      observer = new ResizeObserver(() => {
        made.resize();
        const next = box.current?.clientWidth ?? 0;
        if (Math.abs(next - width) > 40) {
          width = next;
          setSize(next);
        }
      });
      observer.observe(box.current);
      setReady(true);
    });
    return () => {
      gone = true;
      observer?.disconnect();
      if (chart.current) {  // what it paints piece by piece would go on after it is gone
        chart.current.clear();
        chart.current.getZr().flush();
        chart.current.dispose();
      }
      chart.current = undefined;
    };
  }, []);

  useEffect(() => {
    const p = paletteOf();
    begun.current = performance.now();
    chart.current?.setOption(
      {backgroundColor: 'transparent', textStyle: {fontFamily: p.font, color: p.text, fontSize: p.rem * 0.78}, animationDuration: 250, animationDurationUpdate: 250, ...props.option(p)},
      {notMerge: true});
  }, [ready, mode, size, ...props.deps]);

  return <div class={`chart ${props.class ?? ''}`} role="img" aria-label={props.label} ref={box} data-ready={ready ? 'yes' : 'no'} />;
}
