/** A list that comes in pages: the next is asked for when one scrolls near the end. */

import { useCallback, useEffect, useRef, useState } from 'react';

import { oneByOne } from '../server/asking';
import type { Query } from '../server/client';
import type { Project } from '../server/project';
import { join, type PageOf } from './joining';
import { useChange } from './use';

/** The first page; the next ones are larger, since who scrolls wants more. */
const FIRST = 50;
const MOST = 200;

export interface Pages<T> extends PageOf<T> {
  error: Error | null;
  /** Another question is under way: what is shown is not yet its answer. */
  loading: boolean;
  /** Ask for the next page, where there is one. */
  more: () => void;
}

export function usePages<T>(
  project: Project,
  path: string,
  query: Query,
  kinds: string,
  read: (answer: never) => PageOf<T>,
  keyOf: (row: T) => string
): Pages<T> {
  const [page, setPage] = useState<PageOf<T>>({ rows: [], next: null });
  const [error, setError] = useState<Error | null>(null);
  const [loading, setLoading] = useState(true);
  const asked = `${path}?${JSON.stringify(query)}`;
  const shown = useRef('');
  const asker = useRef<() => void>(() => undefined);
  const count = useRef(0);
  const typed = [query.filter, query.search].join(' ');
  const before = useRef(typed);
  const busy = useRef(false);
  count.current = page.rows.length;

  useEffect(() => {
    const ending = new AbortController();
    const ask = async (): Promise<void> => {
      const again = shown.current === asked;
      const limit = again ? Math.min(Math.max(count.current, FIRST), MOST) : FIRST;
      setLoading(!again); // what is asked again is no other list
      busy.current = true;
      try {
        const found = read(await project.get<never>(path, { ...query, limit }, ending.signal));
        if (ending.signal.aborted) {
          return;
        }
        shown.current = asked;
        setError(null);
        // What was scrolled through stays; only its beginning is new.
        setPage(now => (again && now.rows.length > limit ? join(found, now, keyOf) : found));
      } catch (failed) {
        if (ending.signal.aborted) {
          return; // another question is under way
        }
        setError(failed as Error);
      }
      busy.current = false;
      setLoading(false);
    };
    const { again, end } = oneByOne(ask);
    const types = before.current !== typed;
    before.current = typed;
    const timer = setTimeout(
      () => {
        asker.current = again;
        again();
      },
      types ? 300 : 0 // one who types is waited for
    );
    return () => {
      clearTimeout(timer);
      asker.current = () => undefined;
      end();
      ending.abort();
    };
    // `asked` stands for path and query
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [project, asked]);

  const again = useCallback(() => asker.current(), []);
  useChange(project, kinds, again);

  const more = (): void => {
    if (busy.current || page.next === null || shown.current !== asked) {
      return;
    }
    busy.current = true;
    project.get<never>(path, { ...query, limit: MOST, page: page.next }).then(
      answer => {
        const found = read(answer);
        busy.current = false;
        setPage(now => (shown.current === asked ? { rows: [...now.rows, ...found.rows], next: found.next } : now));
      },
      () => {
        busy.current = false; // scrolling further asks again
      }
    );
  };
  return { ...page, error, loading, more };
}
