// Line drawings of 24 by 24.
import type {JSX} from 'preact';

const paths = {
  now: 'M3 12h4l3 7 4-14 3 7h4',
  users: 'M4 20V9l5 3V9l5 3V5h5v15Z M8 16h2 M13 16h2',
  devices: 'M5 4h14v16H5Z M8 8h8v4H8Z M9 16h.01 M12 16h.01 M15 16h.01',
  alerts: 'M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15Z M10 20.5a2 2 0 0 0 4 0',
  ledger: 'M6 3h11a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H6Z M6 3v18 M10 8h5 M10 12h5 M10 16h3',
  system: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6Z M12 2.5v3 M12 18.5v3 M2.5 12h3 M18.5 12h3 M5.3 5.3l2.1 2.1 M16.6 16.6l2.1 2.1 M5.3 18.7l2.1-2.1 M16.6 7.4l2.1-2.1',
  close: 'M6 6l12 12 M18 6 6 18',
  info: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z M12 11v5.5 M12 7.7v.1',
  warning: 'M12 4 2.8 20h18.4Z M12 10v4.5 M12 17.2v.1',
  critical: 'M8.2 3h7.6L21 8.2v7.6L15.8 21H8.2L3 15.8V8.2Z M12 7.5v6 M12 16.5v.1',
  good: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z M8 12.3l2.8 2.8L16 9.5',
  empty: 'M4 13l2.5-8h11L20 13v6H4Z M4 13h4.5l1.5 2.5h4l1.5-2.5H20',
  lock: 'M6 11h12v9H6Z M8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z M12 2v3 M12 19v3 M2 12h3 M19 12h3 M5 5l2 2 M17 17l2 2 M5 19l2-2 M17 7l2-2',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z',
  auto: 'M12 3a9 9 0 1 0 0 18Z M12 3a9 9 0 0 1 0 18',
  out: 'M14 4H5v16h9 M10 12h11 M17.5 8.5 21 12l-3.5 3.5',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  download: 'M12 4v11 M7.5 11 12 15.5 16.5 11 M5 20h14',
  print: 'M7 9V3h10v6 M7 17H4V9h16v8h-3 M7 14h10v7H7Z',
  refresh: 'M20 12a8 8 0 1 1-2.5-5.8 M20 3v4.5h-4.5',
  leaf: 'M5 19c0-9 5-14 15-14 0 10-5 14-11 14-1.500 0-3-.5-3-.5 M5 21c1-5 4-8.500 9-11',
  grid: 'M12 2v20 M6 22 10 6h4l4 16 M5 10h14 M7 15h10',
  user: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z M4.500 20.500a7.500 7.500 0 0 1 15 0',
} as const;

export type IconName = keyof typeof paths;

export function Icon(props: {name: IconName}): JSX.Element {
  return <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d={paths[props.name]} /></svg>;
}
