/** How a view gets its data: asked for when it is shown, again when it has changed, and never while nobody looks. */

import { useCallback, useEffect, useRef, useState } from 'react';

import { oneByOne } from '../server/asking';
import type { Query } from '../server/client';
import type { Said } from '../server/events';
import type { Project } from '../server/project';

export interface Loaded<T> {
  data: T | null;
  error: Error | null;
  loading: boolean;
  again: () => void;
}

/**
 * Ask for `path`, and again whenever one of `kinds` has changed.
 *
 * What was shown stays while it is asked again, and when the answer is an error. `told` reads it from the news, where
 * these bring it along; `quiet` milliseconds lie between two questions.
 */
export function useAnswer<T>(
  project: Project,
  path: string,
  query: Query,
  kinds: string,
  told?: (news: Said) => T | null,
  quiet = 0
): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'again'>>({ data: null, error: null, loading: true });
  const asker = useRef<() => void>(() => undefined);
  const asked = `${path}?${JSON.stringify(query)}`;
  useEffect(() => {
    const ending = new AbortController();
    const { again, end } = oneByOne(
      () =>
        project.get<T>(path, query, ending.signal).then(
          data => {
            if (!ending.signal.aborted) {
              setState({ data, error: null, loading: false });
            }
          },
          (error: unknown) => {
            if (!ending.signal.aborted) {
              setState(now => ({ ...now, error: error as Error, loading: false }));
            }
          }
        ),
      quiet
    );
    asker.current = again;
    again();
    return () => {
      end();
      ending.abort();
    };
    // `asked` stands for path and query
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [project, asked, quiet]);
  useEffect(() => {
    const heard = (_: Project, news: Said): void => {
      const data = told?.(news);
      if (data) {
        setState({ data, error: null, loading: false });
      }
    };
    project.news.connect(heard);
    return () => {
      project.news.disconnect(heard);
    };
  }, [project, told]);
  const again = useCallback(() => asker.current(), []);
  useChange(project, kinds, again);
  return { ...state, again };
}

/** Call back when one of `kinds` (`runs models`) has changed. */
export function useChange(project: Project, kinds: string, then: () => void): void {
  useEffect(() => {
    const wanted = kinds.split(' ');
    const changed = (_: Project, what: ReadonlySet<string>): void => {
      if (what.has('all') || wanted.some(kind => what.has(kind))) {
        then();
      }
    };
    project.changed.connect(changed);
    return () => {
      project.changed.disconnect(changed);
    };
  }, [project, kinds, then]);
}

/** A state of a project that is still there when one comes back: what was filtered for, and which model was looked at. */
export function useKept<T>({ kept }: Project, name: string, first: T): [T, (value: T) => void] {
  const [value, setValue] = useState(() => (kept.has(name) ? (kept.get(name) as T) : first));
  const keep = useCallback(
    (next: T) => {
      kept.set(name, next);
      setValue(next);
    },
    [kept, name]
  );
  return [value, keep];
}

export function usePresence(project: Project): boolean {
  const [there, setThere] = useState(project.isThere);
  useEffect(() => {
    const changed = (_: Project, now: boolean): void => setThere(now);
    project.presence.connect(changed);
    return () => {
      project.presence.disconnect(changed);
    };
  }, [project]);
  return there;
}
