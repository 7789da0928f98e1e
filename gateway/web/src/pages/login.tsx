import type {JSX} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';
import {ApiError, send, session} from '../lib/api.ts';
import type {Session} from '../lib/api_types.ts';
import {Preferences} from '../view/layout.tsx';
import {useUi, type Ui} from '../view/ui.ts';

function whyNot(error: unknown, ui: Ui): string {
  if (!(error instanceof ApiError)) return ui.t('session.failed');
  if (error.status === 401 || error.status === 403) return ui.t('session.wrong');
  if (error.status === 429) return ui.t('session.tooMany');
  if (error.status === 0) return `${ui.t('state.unreachable')} ${ui.t('state.unreachable.hint')}`;
  return error.detail || error.title || ui.t('session.failed');
}

export function Login(): JSX.Element {
  const ui = useUi();
  const {t} = ui;
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [trouble, setTrouble] = useState<string | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = `${t('session.logIn')} · CarbonGate`;
    field.current?.focus();
  }, [ui.lang]);

  const logIn = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setTrouble(undefined);
    try {
      const answer = await send('POST', ['session'], {user, password});
      session.set(await answer.json() as Session);
    } catch (error) {
      setTrouble(whyNot(error, ui));
      setPassword('');
      setBusy(false);
    }
  };

  return (
    <main class="login">
      <div class="login-tools"><Preferences /></div>
      <form class="login-card" onSubmit={(event) => void logIn(event)}>
        <img src="icon.svg" alt="" width="56" height="56" />
        <h1>CarbonGate</h1>
        <p class="hint">{t('session.welcome')}</p>
        <label class="field">
          <span>{t('session.user')}</span>
          <input ref={field} name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required maxLength={64} value={user} onInput={(event) => setUser(event.currentTarget.value)} />
        </label>
        <label class="field">
          <span>{t('session.password')}</span>
          <input name="password" type="password" autocomplete="current-password" required maxLength={1024} value={password} onInput={(event) => setPassword(event.currentTarget.value)} />
        </label>
        <p class="login-trouble" role="alert">{trouble}</p>
        <button type="submit" class="button button-main" disabled={busy}>{t('session.logIn')}</button>
      </form>
    </main>
  );
}
