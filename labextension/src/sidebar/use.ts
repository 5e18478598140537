/** How a view gets its data: asked for when it is shown, again when it has changed, and never while nobody looks. */

import { useCallback, useEffect, useRef, useState } from 'react';

import type { Query } from '../server/client';
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
 * What was shown stays while it is asked again, and when the answer is an error.
 */
export function useAnswer<T>(project: Project, path: string | null, query: Query, kinds: string, wait = 0): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, 'again'>>({ data: null, error: null, loading: path !== null });
  const [turn, setTurn] = useState(0);
  const asked = `${path ?? ''}?${JSON.stringify(query)}`;
  const last = useRef(asked);
  useEffect(() => {
    if (path === null) {
      return;
    }
    const ending = new AbortController();
    const timer = setTimeout(
      () => {
        last.current = asked;
        setState(now => ({ ...now, loading: true }));
        project.get<T>(path, query, ending.signal).then(
          data => setState({ data, error: null, loading: false }),
          (error: unknown) => {
            if (!ending.signal.aborted) {
              setState(now => ({ ...now, error: error as Error, loading: false }));
            }
          }
        );
      },
      last.current === asked ? 0 : wait
    );
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
    // `asked` stands for path and query
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [project, asked, turn]);
  const again = useCallback(() => setTurn(now => now + 1), []);
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
