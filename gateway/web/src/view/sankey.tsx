// How energy flows through the site: width is power, colour is carbon intensity.
import type {JSX} from 'preact';
import type {FlowLink, FlowNode, Now} from '../lib/api_types.ts';
import {carbonColour} from '../lib/colour.ts';
import {isKnown, type Language} from '../lib/format.ts';
import {nameOf, wordsOfId} from '../lib/site.ts';
import {Chart, tip, tooltipStyle, type Option, type Palette} from './chart.tsx';
import {useUi, type Ui} from './ui.ts';

interface NodeFlow {
  power: number;
  intensity: number | null;  // of what comes in, or goes out of a source, by power
}

export function nodeFlow(id: string, links: readonly FlowLink[]): NodeFlow {
  const inward = links.filter((link) => link.target === id);
  const of = inward.length > 0 ? inward : links.filter((link) => link.source === id);
  const power = of.reduce((sum, link) => sum + link.power_kw, 0);
  const known = of.filter((link) => isKnown(link.g_co2e_per_kwh));
  const knownPower = known.reduce((sum, link) => sum + link.power_kw, 0);
  return {power, intensity: knownPower > 0 ? known.reduce((sum, link) => sum + link.power_kw * (link.g_co2e_per_kwh ?? 0), 0) / knownPower : null};
}

// Of a text, in times its size: Chinese characters are as wide as high, others somewhat more than half.
function widthOf(text: string): number {
  let width = 0;
  for (const letter of text) width += (letter.codePointAt(0) ?? 0) > 0x2e7f ? 1.02 : 0.64;
  return width;
}

// Of a source or a rest with a capital; energy users are called as they are.
function nodeName(node: FlowNode, language: Language): string {
  const name = nameOf(node, language) || node.id;
  const text = node.kind === 'energy_user' ? name : wordsOfId(name);
  return node.stale ? `${text} ⚠` : text;  // some of its meters are silent
}

function optionOf(nodes: readonly FlowNode[], links: readonly FlowLink[], ui: Ui, p: Palette, narrow: boolean): Option {
  const nameById = new Map(nodes.map((node) => [node.id, nodeName(node, ui.lang)]));
  const name = (id: string) => nameById.get(id) || id;
  const intensity = (value: number | null) => (value === null ? ui.t('now.flow.unknown') : `${ui.number(value, 3)} gCO₂e/kWh`);
  const used = nodes.filter((node) => links.some((link) => link.source === node.id || link.target === node.id));
  const margin = (side: readonly FlowNode[]) => Math.min(narrow ? 5.8 : 13, Math.max(4.6, ...side.map((node) => widthOf(name(node.id)) * (narrow ? 0.72 : 0.82) + 0.6))) * p.rem;
  return {
    animation: false,
    tooltip: {
      ...tooltipStyle(p),
      trigger: 'item',
      formatter: (event: {dataType: string; data: {id?: string; source?: string; target?: string; value?: number; intensity?: number | null; carrier?: string}}) => {
        const {data} = event;
        if (event.dataType === 'edge') {
          return tip(`${name(data.source ?? '')} → ${name(data.target ?? '')}`, [
            {name: ui.carrier(data.carrier ?? ''), value: ui.quantity(data.value, 'kW')},
            {colour: carbonColour(data.intensity), name: ui.t('measure.intensity'), value: intensity(data.intensity ?? null)},
          ]);
        }
        const flow = nodeFlow(data.id ?? '', links);
        return tip(name(data.id ?? ''), [
          {name: ui.t('measure.power'), value: ui.quantity(flow.power, 'kW')},
          {colour: carbonColour(flow.intensity), name: ui.t('measure.intensity'), value: intensity(flow.intensity)},
        ]);
      },
    },
    series: [{
      type: 'sankey',
      left: margin(used.filter((node) => node.kind === 'source')), right: margin(used.filter((node) => node.kind !== 'source')), top: p.rem * 0.6, bottom: p.rem * 0.6,
      nodeWidth: p.rem * 0.85, nodeGap: p.rem * 1.9, draggable: false, layoutIterations: 0,  // in the order of the configuration: what stands where does not change from second to second
     
      emphasis: {focus: 'adjacency'},
      label: {
        color: p.text, fontSize: p.rem * (narrow ? 0.72 : 0.82), lineHeight: p.rem * 1.1, width: narrow ? p.rem * 5.2 : p.rem * 12.4, overflow: 'truncate',
        formatter: (event: {data: {id: string}}) => `{name|${name(event.data.id)}}\n{power|${ui.quantity(nodeFlow(event.data.id, links).power, 'kW', 3)}}`,
        rich: {name: {fontWeight: 600, color: p.text, fontSize: p.rem * (narrow ? 0.72 : 0.82)}, power: {color: p.muted, fontSize: p.rem * (narrow ? 0.68 : 0.78)}},
      },
      data: used.map((node) => ({id: node.id, name: node.id, label: node.kind === 'source' ? {position: 'left', align: 'right'} : {position: 'right'}, itemStyle: {color: carbonColour(nodeFlow(node.id, links).intensity), borderWidth: 0}})),
      links: links.map((link) => ({
        source: link.source, target: link.target, value: link.power_kw, carrier: link.carrier, intensity: link.g_co2e_per_kwh,
        lineStyle: {color: carbonColour(link.g_co2e_per_kwh), opacity: 0.55, curveness: 0.5},
      })),
    }],
  };
}

export function Sankey(props: {flows: Now['flows']}): JSX.Element {
  const ui = useUi();
  const links = props.flows.links.filter((link) => link.power_kw > 0);
  const name = new Map(props.flows.nodes.map((node) => [node.id, nodeName(node, ui.lang)]));
  const list = links.map((link) => ui.t('now.flow.link', {source: name.get(link.source) ?? link.source, target: name.get(link.target) ?? link.target, power: ui.quantity(link.power_kw, 'kW', 3)})).join('; ');
  // Drawn again only when something moved by a visible amount.
  const shape = props.flows.nodes.filter((node) => node.stale).map((node) => node.id).join() + links.map((link) => `${link.source}>${link.target}:${link.power_kw.toPrecision(3)}:${link.g_co2e_per_kwh?.toPrecision(3)}`).join('|');
  const narrow = innerWidth < 640;
  return <Chart class="chart-sankey" label={ui.t('now.flow.label', {list})} deps={[shape, ui.lang]} option={(p) => optionOf(props.flows.nodes, links, ui, p, narrow)} />;
}
