/** The project that the active notebook is in: what of it changes, and whether its server is there. */

import { type IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { Client, Refusal, type Query } from './client';
import { Events, type Said } from './events';

/** How long changes gather before they are told: a burst of them is one request. */
const GATHER = 400;
/** Traffic changes all the time: what asks because of it asks no more often than this. */
const QUIET = 5_000;

export class Project implements IDisposable {
  /** What has changed: `runs`, `models`, `endpoints`, `alerts`, `status`, or `all`. */
  readonly changed = new Signal<this, ReadonlySet<string>>(this);
  /** What comes with its news: `{kind: 'endpoints', endpoints: […]}`. Nobody has to ask for it. */
  readonly news = new Signal<this, Said>(this);
  /** Whether the server answers. */
  readonly presence = new Signal<this, boolean>(this);
  readonly client = new Client();
  isDisposed = false;

  private watchers = 0;
  private path = '';
  private there = true;
  private gathered = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private later: ReturnType<typeof setTimeout> | undefined;
  private readonly events = new Events(
    this.client,
    said => this.hear(said),
    there => this.appear(there)
  );

  /** The path of the active notebook: the server finds the project from it. */
  get at(): string {
    return this.path;
  }

  set at(path: string) {
    if (path !== this.path) {
      this.path = path;
      if (this.watchers > 0) {
        this.events.open(path);
      }
      this.tell('all');
    }
  }

  get isThere(): boolean {
    return this.there;
  }

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.asked(this.client.get<T>(path, { ...query, at: this.path }, signal));
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.asked(this.client.post<T>(path, body, { at: this.path }));
  }

  /** Somebody looks: listen to what changes. Nobody does: rest. */
  watch(): () => void {
    this.watchers += 1;
    if (this.watchers === 1) {
      this.events.open(this.path);
    }
    let ended = false;
    return () => {
      if (!ended) {
        ended = true;
        this.watchers -= 1;
        if (this.watchers === 0) {
          this.events.close();
        }
      }
    };
  }

  /** Say that something has changed; also after an action of our own. */
  tell(kind: string): void {
    this.gathered.add(kind);
    this.timer ??= setTimeout(() => {
      const gathered = this.gathered;
      this.timer = undefined;
      this.gathered = new Set();
      this.changed.emit(gathered);
    }, GATHER);
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    clearTimeout(this.later);
    this.events.close();
    Signal.clearData(this);
  }

  private hear(said: Said): void {
    if (said.kind === 'hello') {
      return;
    }
    this.news.emit(said);
    if (said.kind !== 'endpoints') {
      this.tell(said.kind);
    } else {
      this.later ??= setTimeout(() => {
        this.later = undefined;
        this.tell('endpoints');
      }, QUIET);
    }
  }

  private async asked<T>(answer: Promise<T>): Promise<T> {
    try {
      const given = await answer;
      this.appear(true);
      return given;
    } catch (error) {
      if (error instanceof Refusal && error.away) {
        this.appear(false);
      }
      throw error;
    }
  }

  private appear(there: boolean): void {
    if (there !== this.there) {
      this.there = there;
      this.presence.emit(there);
      if (there) {
        this.tell('all'); // what has happened meanwhile
      } else if (this.watchers > 0) {
        this.events.open(this.path); // a stream may not notice; a new one is tried until it is there
      }
    }
  }
}
