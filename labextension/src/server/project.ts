/** The project that the active notebook is in: what of it changes, and whether its server is there. */

import { type IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { Client, Refusal, type Query } from './client';
import { Events } from './events';

/** How long changes gather before they are told: a burst of them is one request. */
const GATHER = 400;

export class Project implements IDisposable {
  /** What has changed: `runs`, `models`, `endpoints`, `alerts`, `status`, or `all`. */
  readonly changed = new Signal<this, ReadonlySet<string>>(this);
  /** Whether the server answers. */
  readonly presence = new Signal<this, boolean>(this);
  readonly client = new Client();
  isDisposed = false;

  private watchers = 0;
  private path = '';
  private there = true;
  private gathered = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly events = new Events(
    this.client,
    kind => this.tell(kind),
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
    this.events.close();
    Signal.clearData(this);
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
      }
    }
  }
}
