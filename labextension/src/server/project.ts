/** A project, found from a folder of it: what of it changes, and whether its server is there. */

import { type IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import { Client, Refusal, type Query } from './client';
import { Events, type Said } from './events';
import type { Status } from './types';

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

  private found: string | null = null;
  private answering = true;
  private experiment = '';
  private watchers = 0;
  private there = true;
  private gathered = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private later: ReturnType<typeof setTimeout> | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private renewed = false;
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

  async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    const given = await this.asked(this.client.get<T>(path, { ...query, at: this.at }, signal), path);
    if (path === 'status') {
      this.learn(given as unknown as Status);
    }
    return given;
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.asked(this.client.post<T>(path, body, { at: this.at }));
  }

  /** Its folder, as the server has last said it: two folders of one project have the same. */
  async root(): Promise<string> {
    return this.found ?? (await this.get<Status>('status')).root ?? this.at;
  }

  /** Somebody looks: listen to what changes. Nobody does, or the window is hidden: rest. */
  watch(): () => void {
    this.watchers += 1;
    if (this.watchers === 1 && !this.sight.hidden()) {
      this.listen();
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

  /** Also the runs of this experiment are told of when they change; '' stands for the project's own. */
  follow(experiment: string): void {
    if (experiment !== this.experiment) {
      this.experiment = experiment;
      if (this.watchers > 0 && !this.sight.hidden()) {
        this.renewed = true; // what happens before the new stream begins is on none
        this.listen();
      }
    }
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
    clearTimeout(this.retry);
    this.events.close();
    Signal.clearData(this);
  }

  private listen(): void {
    this.events.open(this.at, this.experiment);
  }

  /** The window was hidden, or is seen again: then all may have changed meanwhile. */
  private turn(): void {
    if (this.sight.hidden()) {
      this.events.close();
      return;
    }
    if (this.watchers > 0) {
      this.listen();
      this.tell('all');
    } else if (this.gathered.size > 0) {
      this.tell('status'); // and what was said while it was hidden
    }
  }

  private hear(said: Said): void {
    if (said.kind === 'hello') {
      if (this.renewed) {
        this.renewed = false;
        this.tell('runs');
      }
      return;
    }
    this.news.emit(said);
    if (said.kind === 'status' && said.status) {
      this.learn(said.status as Status);
    }
    if (said.kind !== 'endpoints') {
      this.tell(said.kind);
    } else {
      this.later ??= setTimeout(() => {
        this.later = undefined;
        this.tell('endpoints');
      }, QUIET);
    }
  }

  /** Where the MLflow server answers again, what was refused meanwhile is asked anew. */
  private learn({ root, tracking }: Status): void {
    this.found = root;
    const answers = tracking.state === 'up' || tracking.state === 'slow';
    if (answers && !this.answering) {
      this.tell('all');
    }
    this.answering = answers;
  }

  /** The MLflow server did not answer a question, be it that nobody else has noticed: look before long whether it does. */
  private doubt(): void {
    this.answering = false;
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      this.tell('status');
    }, QUIET);
  }

  private async asked<T>(answer: Promise<T>, path = ''): Promise<T> {
    try {
      const given = await answer;
      this.appear(true);
      return given;
    } catch (error) {
      if (error instanceof Refusal && error.away) {
        this.appear(false);
      } else if (error instanceof Refusal && error.isOfAll && path !== 'status') {
        this.tell('status'); // the head says it, once for all
      } else if (error instanceof Refusal && error.code === 'BackendUnreachable') {
        this.doubt();
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
        this.listen(); // a stream may not notice; a new one is tried until it is there
      }
    }
  }
}
