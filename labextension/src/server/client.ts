/** The REST of the server's half: one place that asks, and one kind of error. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

export type Query = Record<string, string | number | string[] | undefined>;

/** What the server said no to, with what mends it; `away` where it did not answer at all. `words/errors.ts` has the words for it. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly hint: string
  ) {
    super(message);
  }

  get away(): boolean {
    return this.status === 0;
  }

  /** It is of the whole server, and not of what was asked: the head of the side bar says it once for all. */
  get isOfAll(): boolean {
    return this.away || this.code === 'unauthorised';
  }
}

export class Client {
  /** Nothing is asked before `window` stands: JupyterLab itself has much to ask while it starts, of the same server. */
  constructor(
    private readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings(),
    private readonly window: Promise<unknown> = Promise.resolve()
  ) {}

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.ask<T>(path, query, { method: 'GET', signal: signal ?? null });
  }

  post<T>(path: string, body: unknown, query: Query = {}): Promise<T> {
    return this.ask<T>(path, query, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });
  }

  /** Open a stream of events; the caller reads it, and ends it by the signal. */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const init = { method: 'GET', signal, headers: { Accept: 'text/event-stream' } };
    const response = await this.send(path, query, init);
    if (!response.ok || !response.body) {
      throw await refusal(response);
    }
    return response.body;
  }

  private async ask<T>(path: string, query: Query, init: RequestInit): Promise<T> {
    const response = await this.send(path, query, init);
    if (!response.ok) {
      throw await refusal(response);
    }
    return (await response.json()) as T;
  }

  private async send(path: string, query: Query, init: RequestInit): Promise<Response> {
    const url = URLExt.join(this.settings.baseUrl, 'jupyter-mlops', path) + search(query);
    await this.window;
    try {
      return await ServerConnection.makeRequest(url, init, this.settings);
    } catch (error) {
      if (init.signal?.aborted) {
        throw error;
      }
      throw new Refusal('', 0, 'away', '');
    }
  }
}

/** A name as one segment of a path: a slash in it is part of the name. */
export function segment(name: string): string {
  return encodeURIComponent(name);
}

function search(query: Query): string {
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== '') {
        pairs.append(key, String(one));
      }
    }
  }
  const text = pairs.toString();
  return text ? `?${text}` : '';
}

async function refusal(response: Response): Promise<Refusal> {
  const said = await response.json().catch(() => ({})) as { code?: string; message?: string; hint?: string };
  if (response.status === 401 || (response.status === 403 && (!said.code || said.code === 'Unauthorised'))) {
    return new Refusal('', response.status, 'unauthorised', '');
  }
  if (said.message === undefined) {
    return new Refusal(`${response.status} ${response.statusText}`, response.status, 'unsaid', '');
  }
  return new Refusal(said.message, response.status, said.code ?? 'error', said.hint ?? '');
}
