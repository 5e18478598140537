/** What changes on the server, as it changes: server-sent events, read from a request with the usual credentials. */

import { type Client, type Query, Refusal } from './client';

/** A change: its kind, and for `status` and `endpoints` what it is now. */
export type Said = Record<string, unknown> & { kind: string };

const FIRST = 1_000;
const LONGEST = 10_000;
/** The server says something every 15 s: who hears nothing for so long has a dead connection. */
const SILENCE = 40_000;
/** Who is refused asks no more often than this. */
const REFUSED = 60_000;

/** Listens while it is wanted, and comes back by itself when the server was away. */
export class Events {
  private ending: AbortController | null = null;

  constructor(
    private readonly client: Client,
    private readonly heard: (said: Said) => void,
    private readonly connected: (there: boolean) => void,
    private readonly silence = SILENCE
  ) {}

  /** Begin to listen, for the project of this path, and for the runs of an experiment beside its own. */
  open(at: string, experiment = ''): void {
    this.close();
    const ending = (this.ending = new AbortController());
    void this.listen({ at, experiment }, ending.signal);
  }

  close(): void {
    this.ending?.abort();
    this.ending = null;
  }

  private async listen(query: Query, signal: AbortSignal): Promise<void> {
    let wait = FIRST;
    let refused = false;
    // Who is not let in, or is again, finds it out by asking: the views then say so.
    const turn = (now: boolean): void => {
      this.connected(true);
      if (now !== refused) {
        refused = now;
        this.heard({ kind: 'all' });
      }
    };
    while (!ended(signal)) {
      try {
        const stream = await this.client.stream('events', query, signal);
        turn(false);
        wait = FIRST;
        await read(stream, this.heard, this.silence);
      } catch (error) {
        if (!ended(signal) && error instanceof Refusal && !error.away && error.status < 500) {
          turn(true);
          await pause(REFUSED, signal);
          continue;
        }
        // told below, and tried again
      }
      if (!ended(signal)) {
        this.connected(false);
        await pause(wait, signal);
      }
      wait = Math.min(wait * 2, LONGEST);
    }
  }
}

async function read(stream: ReadableStream<Uint8Array>, heard: (said: Said) => void, silence: number): Promise<void> {
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let rest = '';
  for (;;) {
    const timer = setTimeout(() => void reader.cancel(), silence); // ends the reading, as the end of the stream does
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) {
      return;
    }
    const lines = (rest + value).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines.filter(one => one.startsWith('data:'))) {
      const said = saidIn(line.slice(5));
      if (said) {
        heard(said);
      }
    }
  }
}

export function saidIn(data: string): Said | null {
  try {
    const said = JSON.parse(data) as { kind?: unknown } | null;
    return typeof said?.kind === 'string' ? (said as Said) : null;
  } catch {
    return null;
  }
}

/** A function, since it changes while one waits. */
function ended(signal: AbortSignal): boolean {
  return signal.aborted;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
