/** A project, found from a folder of it: what of it changes, and whether its server is there. */

import { type IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { Client, Refusal, type Query } from './client';
import { Events, type Said } from './events';

/** How long changes gather before they are told: a burst of them is one request. */
const GATHER = 400;
/** Traffic changes all the time: what asks because of it asks no more often than this. */
const QUIET = 5_000;

/** Whether the window is hidden; one in the background needs nothing new, and keeps no connection. */
export interface Sight {
  hidden: () => boolean;
  turned: (then: () => void) => void;
}

const SIGHT: Sight = {
  hidden: () => document.hidden,
  turned: then => document.addEventListener('visibilitychange', then)
};

export class Project implements IDisposable {
  /** What has changed: `runs`, `models`, `endpoints`, `alerts`, `status`, or `all`. */
  readonly changed = new Signal<this, ReadonlySet<string>>(this);
  /** What comes with its news: `{kind: 'endpoints', endpoints: […]}`. Nobody has to ask for it. */
  readonly news = new Signal<this, Said>(this);
  /** Whether the server answers. */
  readonly presence = new Signal<this, boolean>(this);
  /** What its views remember: what was filtered for, and which model was looked at. */
  readonly kept = new Map<string, unknown>();
  isDisposed = false;

  private watchers = 0;
  private there = true;
  private gathered = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private later: ReturnType<typeof setTimeout> | undefined;
  private readonly events: Events;

  constructor(
    readonly at: string,
    private readonly client = new Client(),
    private readonly sight: Sight = SIGHT
  ) {
    this.events = new Events(
      client,
      said => this.hear(said),
      there => this.appear(there)
    );
    sight.turned(() => this.turn());
  }

  get isThere(): boolean {
    return this.there;
  }

  get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return this.asked(this.client.get<T>(path, { ...query, at: this.at }, signal));
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.asked(this.client.post<T>(path, body, { at: this.at }));
  }

  /** Somebody looks: listen to what changes. Nobody does, or the window is hidden: rest. */
  watch(): () => void {
    this.watchers += 1;
    if (this.watchers === 1 && !this.sight.hidden()) {
      this.events.open(this.at);
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
      this.timer = undefined;
      if (!this.sight.hidden()) {
        const gathered = this.gathered;
        this.gathered = new Set();
        this.changed.emit(gathered);
      }
    }, GATHER);
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
    clearTimeout(this.later);
    this.events.close();
    Signal.clearData(this);
  }

  /** The window was hidden, or is seen again: then all may have changed meanwhile. */
  private turn(): void {
    if (this.sight.hidden()) {
      this.events.close();
      return;
    }
    if (this.watchers > 0) {
      this.events.open(this.at);
      this.tell('all');
    } else if (this.gathered.size > 0) {
      this.tell('status'); // and what was said while it was hidden
    }
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
      } else if (this.watchers > 0 && !this.sight.hidden()) {
        this.events.open(this.at); // a stream may not notice; a new one is tried until it is there
      }
    }
  }
}
