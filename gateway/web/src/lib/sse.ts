// Server-Sent Events (WHATWG HTML, section 9.2) over fetch: unlike EventSource it sees the status of an answer, notices a silent
// connection, and resumes by Last-Event-ID after any of them.

export interface ServerEvent {
  type: string;
  data: string;
  id: string;  // the last one heard, which need not be this event's
}

// Takes text in any pieces. A line longer than the limit ends the stream: a server that never ends a line would fill the memory.
export class SseParser {
  lastId: string;  // of the last event that was whole: where to go on from
  retry: number | undefined;  // milliseconds, as the server wishes

  private idHeard: string;
  private rest = '';
  private data: string[] = [];
  private type = '';
  private begun = false;

  constructor(lastId = '', private readonly limit = 8_000_000) {
    this.lastId = lastId;
    this.idHeard = lastId;
  }

  push(text: string): ServerEvent[] {
    if (!this.begun && text.length > 0) {
      this.begun = true;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    this.rest += text;
    const events: ServerEvent[] = [];
    for (;;) {
      const end = this.rest.search(/[\r\n]/);
      if (end < 0) break;
      if (this.rest[end] === '\r' && end + 1 === this.rest.length) break;  // its \n may be on the way
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + (this.rest.startsWith('\r\n', end) ? 2 : 1));
      const event = this.line(line);
      if (event) events.push(event);
    }
    if (this.rest.length > this.limit) throw new Error('a line of the event stream is too long');
    return events;
  }

  private line(line: string): ServerEvent | undefined {
    if (line === '') {
      const {data, type} = this;
      this.lastId = this.idHeard;
      this.data = [];
      this.type = '';
      return data.length === 0 ? undefined : {type: type || 'message', data: data.join('\n'), id: this.lastId};
    }
    const colon = line.indexOf(':');
    if (colon === 0) return undefined;  // a comment: it keeps the connection alive
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') this.data.push(value);
    if (field === 'event') this.type = value;
    if (field === 'id' && !value.includes('\0')) this.idHeard = value;
    if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    return undefined;
  }
}

export type StreamState = 'connecting' | 'live' | 'lost' | 'refused';

export interface StreamOptions {
  url: () => string;
  onEvent: (event: ServerEvent) => void;
  onState: (state: StreamState, status?: number) => void;
  fetch?: typeof fetch;
  silence?: number;     // milliseconds without a byte after which a connection counts as dead
  firstWait?: number;   // before the first reconnection; doubles up to
  longestWait?: number;
}

// Connects until stopped. A refusal (401, 403) waits for `restart()`, everything else for a while.
export class LiveStream {
  private lastId = '';
  private wait: number;
  private abort: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;
  private stopped = true;

  constructor(private readonly options: StreamOptions) {
    this.wait = options.firstWait ?? 500;
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.abort?.abort();
    this.abort = undefined;
  }

  // With what `url()` says now; goes on after the last event heard.
  restart(): void {
    this.stop();
    this.wait = this.options.firstWait ?? 500;
    this.start();
  }

  private async connect(): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.options.onState('connecting');
    const heard = () => {
      clearTimeout(this.watchdog);
      this.watchdog = setTimeout(() => abort.abort(), this.options.silence ?? 45_000);
    };
    try {
      heard();
      const headers: Record<string, string> = {Accept: 'text/event-stream'};
      if (this.lastId) headers['Last-Event-ID'] = this.lastId;
      const answer = await (this.options.fetch ?? fetch)(this.options.url(), {headers, signal: abort.signal, cache: 'no-store', credentials: 'same-origin'});
      if (answer.status === 401 || answer.status === 403) {
        if (this.abort === abort) {
          this.stopped = true;
          clearTimeout(this.watchdog);
          this.options.onState('refused', answer.status);
        }
        return;
      }
      if (!answer.ok || !answer.body) throw new Error(`the stream answers ${answer.status}`);
      this.options.onState('live');
      const parser = new SseParser(this.lastId);
      const decoder = new TextDecoder();
      const reader = answer.body.getReader();
      for (;;) {
        const {done, value} = await reader.read();
        if (done) break;
        heard();
        const events = parser.push(decoder.decode(value, {stream: true}));
        this.lastId = parser.lastId;
        if (parser.retry !== undefined) this.wait = parser.retry;
        else this.wait = this.options.firstWait ?? 500;
        for (const event of events) if (this.abort === abort) this.options.onEvent(event);
      }
    } catch {
      // The network, a proxy, the watchdog: all the same, it is tried again.
    }
    if (this.abort !== abort || this.stopped) return;
    clearTimeout(this.watchdog);
    this.options.onState('lost');
    this.timer = setTimeout(() => void this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, this.options.longestWait ?? 15_000);
  }
}
