// What stands around every page: where one is, whether it is live, whose time it is, who one is.
import type {JSX} from 'preact';
import {useEffect, useRef} from 'preact/hooks';
import {send, session} from '../lib/api.ts';
import {alertChanges, heardAt, now, streamState} from '../lib/live.ts';
import {hrefOf, route} from '../lib/route.ts';
import {newestReading, silenceOf, silentNames} from '../lib/silence.ts';
import {chooseLanguage, chooseTheme, language, themeChoice, type ThemeChoice} from '../lib/settings.ts';
import {nameOf, site} from '../lib/site.ts';
import {useCell} from '../lib/state.ts';
import type {Key} from '../lib/text.ts';
import {zoneText} from '../lib/zone.ts';
import {AlertsPage} from '../pages/alerts.tsx';
import {DevicePage} from '../pages/device.tsx';
import {DevicesPage} from '../pages/devices.tsx';
import {LedgerPage} from '../pages/ledger.tsx';
import {NowPage} from '../pages/now.tsx';
import {SystemPage} from '../pages/system.tsx';
import {UsersPage} from '../pages/users.tsx';
import {Icon, type IconName} from './icon.tsx';
import {Empty} from './parts.tsx';
import {useClock, useNarrow, useUi} from './ui.ts';

const pages: {id: IconName & ('now' | 'users' | 'devices' | 'alerts' | 'ledger' | 'system'); path: string[]}[] = [
  {id: 'now', path: []},
  {id: 'users', path: ['users']},
  {id: 'devices', path: ['devices']},
  {id: 'alerts', path: ['alerts']},
  {id: 'ledger', path: ['ledger']},
  {id: 'system', path: ['system']},
];

function Page(props: {path: string[]}): JSX.Element {
  const {t} = useUi();
  const [first, second] = props.path;
  if (first === undefined) return <NowPage />;
  if (first === 'users') return <UsersPage id={second} />;
  if (first === 'devices') return second === undefined ? <DevicesPage /> : <DevicePage key={second} id={second} />;
  if (first === 'alerts') return <AlertsPage tab={second ?? 'active'} />;
  if (first === 'ledger') return <LedgerPage tab={second ?? 'entries'} />;
  if (first === 'system') return <SystemPage tab={second ?? 'state'} />;
  return (
    <>
      <h1>{t('app.notFound')}</h1>
      <Empty title={props.path.join('/')} hint={t('app.notFound.hint')}>
        <a class="button" href={hrefOf([])}>{t('app.backToNow')}</a>
      </Empty>
    </>
  );
}

// The banner that says how old what one sees is. Nothing, when all is well.
function Staleness(): JSX.Element | null {
  const ui = useUi();
  useClock(1000);
  const state = useCell(streamState);
  const heard = useCell(heardAt);
  const current = useCell(now);
  if (heard > 0 && state !== 'live' && Date.now() - heard > 6000) {
    return <p class="banner banner-bad" role="alert"><Icon name="warning" />{ui.t('live.lost.banner', {time: ui.time(heard, 'full')})}</p>;
  }
  if (current && !current.time_is_known) return <p class="banner banner-warning" role="alert"><Icon name="warning" />{ui.t('live.clock.banner')}</p>;
  const silence = silenceOf(current);
  if (!current || silence === 'none') return null;
  if (silence === 'all') {
    if (current.data_age_s === null) return null;  // the page says so
    return <p class="banner banner-warning" role="alert"><Icon name="warning" />{ui.t('live.old.banner', {age: ui.duration(Math.round(current.data_age_s))})}</p>;
  }
  const {names, more} = silentNames(current, ui.user);
  const list = more > 0 ? [...names, ui.t('live.silent.more', {n: more})] : names;
  return <p class="banner banner-warning" role="alert"><Icon name="warning" />{ui.t('live.silent.banner', {n: current.stale_points, m: current.accounted_points, names: list.join(ui.lang === 'zh' ? '、' : ', ')})}</p>;
}

// Green is only what flows from the meters to the page.
function LiveBadge(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const state = useCell(streamState);
  const current = useCell(now);
  const badge = (look: string, text: string) => <span class={`live ${look}`} data-stream={state}><span class="live-dot" />{text}</span>;
  if (state === 'connecting') return badge('', t('live.connecting'));
  if (state !== 'live') return badge('live-off', t('live.lost'));
  const silence = silenceOf(current);
  if (!current || silence === 'none') return badge('live-on', t('live.live'));
  if (silence === 'some') return badge('live-part', t('live.live'));
  const newest = newestReading(current);
  return badge('live-part', newest === undefined ? t('now.noData') : t('live.silent', {time: ui.time(newest)}));
}

function SiteClock(): JSX.Element {
  const ui = useUi();
  const there = useClock(1000);
  return (
    <span class="site-clock" title={`${ui.t('app.siteTime')}: ${ui.zone}`}>
      <time dateTime={new Date(there).toISOString()}>{ui.time(there, 'time')}</time>
      <span class="site-zone">{zoneText(there, ui.zone)}</span>
    </span>
  );
}

export function Preferences(): JSX.Element {
  const {t} = useUi();
  const chosen = useCell(themeChoice);
  const lang = useCell(language);
  const next: Record<ThemeChoice, ThemeChoice> = {system: 'light', light: 'dark', dark: 'system'};
  const icons: Record<ThemeChoice, IconName> = {system: 'auto', light: 'sun', dark: 'moon'};
  return (
    <>
      <button type="button" class="icon-button" onClick={() => chooseTheme(next[chosen])} title={`${t('app.theme')}: ${t(`app.theme.${chosen}`)}`} aria-label={`${t('app.theme')}: ${t(`app.theme.${chosen}`)}`}>
        <Icon name={icons[chosen]} />
      </button>
      <div class="languages" role="group" aria-label={t('app.language')}>
        <button type="button" lang="zh-CN" aria-pressed={lang === 'zh'} onClick={() => chooseLanguage('zh')}>中文</button>
        <button type="button" lang="en" aria-pressed={lang === 'en'} onClick={() => chooseLanguage('en')}>EN</button>
      </div>
    </>
  );
}

async function logOut(): Promise<void> {
  await send('DELETE', ['session']).catch(() => undefined);
  if (session.value) session.set({logins: session.value.logins, user: null, role: null});
}

function Who(): JSX.Element | null {
  const {t} = useUi();
  const who = useCell(session);
  if (!who?.role) return null;
  if (!who.logins) return <span class="who" title={t('session.open')}><Icon name="lock" /><span class="visually-hidden">{t('session.open')}</span></span>;
  return (
    <span class="who">
      <span class="who-name" title={t(`session.role.${who.role}`)}>{who.user}</span>
      <button type="button" class="icon-button" aria-label={t('session.logOut')} title={t('session.logOut')} onClick={() => void logOut()}><Icon name="out" /></button>
    </span>
  );
}

// Says a new alert to those who do not see it.
function Announcer(): JSX.Element {
  const {t, lang} = useUi();
  const alert = useCell(alertChanges);
  const text = alert && alert.state === 'firing' ? `${t(`alerts.severity.${alert.severity}`)}: ${nameOf(alert, lang) || alert.rule}, ${alert.subject}` : '';
  return <div class="visually-hidden" role="status" aria-live="polite">{text}</div>;
}

export function Layout(): JSX.Element {
  const {t, lang} = useUi();
  const where = useCell(route);
  const here = useCell(site);
  const current = useCell(now);
  const content = useRef<HTMLElement>(null);
  const page = pages.find((one) => (one.path[0] ?? '') === (where.path[0] ?? ''));
  const firing = current ? current.alerts.critical + current.alerts.warning : 0;
  const narrow = useNarrow();
  const first = useRef(true);
  const place = where.path.join('/');

  useEffect(() => {
    document.title = `${page ? t(`page.${page.id}` as Key) : t('app.notFound')} · ${here?.name ?? 'CarbonGate'}`;
  }, [page, here, lang]);
  // A new page is read from its beginning, by eyes and by screen readers.
  useEffect(() => {
    if (!first.current) {
      scrollTo(0, 0);
      content.current?.focus({preventScroll: true});
    }
    first.current = false;
  }, [place]);

  return (
    <div class="frame">
      <a class="skip" href="#content" onClick={(event) => { event.preventDefault(); content.current?.focus(); }}>{t('app.skip')}</a>
      <header class="top">
        <a class="brand" href={hrefOf([])} aria-label="CarbonGate"><img src="icon.svg" alt="" width="28" height="28" /><span class="brand-name">CarbonGate</span></a>
        <span class="site-name">{here?.name}</span>
        <span class="top-space" />
        <LiveBadge />
        <SiteClock />
        <Preferences />
        <Who />
      </header>
      <nav class="side" aria-label={t('app.pages')}>
        {pages.map((one) => (
          <a key={one.id} href={hrefOf(one.path)} aria-current={one === page ? 'page' : undefined}>
            <Icon name={one.id} />
            <span class="side-text" aria-hidden={narrow ? 'true' : undefined}>{narrow && one.id === 'users' ? t('page.users.short') : t(`page.${one.id}` as Key)}</span>
            {narrow ? <span class="visually-hidden">{t(`page.${one.id}` as Key)}</span> : null}
            {one.id === 'alerts' && firing > 0 ? <span class={current && current.alerts.critical > 0 ? 'count count-bad' : 'count count-warning'}>{firing}</span> : null}
          </a>
        ))}
      </nav>
      <main id="content" tabIndex={-1} ref={content}>
        <Staleness />
        <Page path={where.path} />
      </main>
      <Announcer />
    </div>
  );
}

