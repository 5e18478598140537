/** A list of any length: only the rows in sight are drawn. Arrows move, Space selects, Enter opens. */

import React, { useEffect, useId, useLayoutEffect, useRef, useState } from 'react';

import { type Active, activeIn, drawn } from './sight';

const BEYOND = 8;

interface Props<T> {
  items: T[];
  keyOf: (item: T) => string;
  height: number;
  label: string;
  draw: (item: T) => React.JSX.Element;
  selected: string[];
  select: (keys: string[]) => void;
  open: (item: T) => void;
  /** The last rows are in sight. */
  end?: () => void;
  menu?: (x: number, y: number) => void;
  drag?: (item: T, event: PointerEvent) => void;
  many?: boolean;
  /** Another list is on its way. */
  busy?: boolean;
}

export function List<T>({ items, keyOf, height, label, draw, selected, select, open, end, menu, drag, many, busy }: Props<T>): React.JSX.Element {
  const id = useId();
  const node = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [sight, setSight] = useState(400);
  const [last, setLast] = useState<Active>({ key: null, index: 0 });
  const pressed = useRef<{ item: T; x: number; y: number } | null>(null);

  useLayoutEffect(() => {
    const found = node.current;
    if (!found) {
      return;
    }
    const measure = new ResizeObserver(() => setSight(found.clientHeight || 400));
    measure.observe(found);
    return () => measure.disconnect();
  }, []);

  const from = Math.max(0, Math.floor(top / height) - BEYOND);
  const to = Math.min(items.length, Math.ceil((top + sight) / height) + BEYOND);
  useEffect(() => {
    if (to >= items.length - BEYOND) {
      end?.();
    }
  });

  const active = activeIn(items, keyOf, last);
  const setActive = (index: number): void => {
    const item = items[index];
    setLast({ key: item === undefined ? null : keyOf(item), index });
  };

  const choose = (index: number, add: boolean): void => {
    const item = items[index];
    if (item === undefined) {
      return;
    }
    setActive(index);
    const key = keyOf(item);
    if (add && many) {
      select(selected.includes(key) ? selected.filter(one => one !== key) : [...selected, key]);
    } else {
      select([key]);
    }
  };

  const move = (index: number, event: React.KeyboardEvent): void => {
    const next = Math.min(Math.max(index, 0), items.length - 1);
    event.preventDefault();
    if (event.ctrlKey || event.shiftKey) {
      setActive(next);
    } else {
      choose(next, false);
    }
    const found = node.current;
    if (found) {
      const [above, below] = [next * height, (next + 1) * height];
      found.scrollTop = Math.min(Math.max(found.scrollTop, below - found.clientHeight), above);
    }
  };

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const page = Math.max(1, Math.floor(sight / height) - 1);
    const steps: Record<string, number> = {
      ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: items.length - 1
    };
    const step = steps[event.key];
    const item = items[active];
    if (step !== undefined) {
      move(step, event);
    } else if (event.key === ' ') {
      event.preventDefault();
      choose(active, true);
    } else if (event.key === 'Enter' && item !== undefined) {
      event.preventDefault();
      open(item);
    }
  };

  const onContextMenu = (event: React.MouseEvent): void => {
    if (menu) {
      event.preventDefault();
      event.stopPropagation();
      const box = node.current?.getBoundingClientRect();
      const byKey = event.clientX === 0 && event.clientY === 0; // the menu key has no place of its own
      menu(byKey ? (box?.left ?? 0) + 20 : event.clientX, byKey ? (box?.top ?? 0) + (active + 1) * height - top : event.clientY);
    }
  };

  const onPointerMove = (event: React.PointerEvent): void => {
    const start = pressed.current;
    if (start && drag && Math.abs(event.clientX - start.x) + Math.abs(event.clientY - start.y) > 6) {
      pressed.current = null;
      drag(start.item, event.nativeEvent);
    }
  };

  return (
    <div
      ref={node}
      className={`mlops-list${busy ? ' mlops-busy' : ''}`}
      aria-busy={busy ?? false}
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-multiselectable={many ?? false}
      aria-activedescendant={items.length > 0 ? `${id}-${active}` : undefined}
      onScroll={event => setTop(event.currentTarget.scrollTop)}
      onFocus={() => last.key === null && setActive(active)}
      onKeyDown={onKeyDown}
      onContextMenu={onContextMenu}
      onPointerMove={onPointerMove}
      onPointerUp={() => (pressed.current = null)}
      onPointerLeave={() => (pressed.current = null)}
    >
      <div role="presentation" style={{ height: items.length * height, position: 'relative' }}>
        {drawn(from, to, active, items.length).map(index => {
          const item = items[index];
          if (item === undefined) {
            return null;
          }
          const key = keyOf(item);
          return (
            <div
              key={key}
              id={`${id}-${index}`}
              role="option"
              aria-selected={selected.includes(key)}
              aria-setsize={items.length}
              aria-posinset={index + 1}
              className={`mlops-option${index === active ? ' mlops-active' : ''}`}
              style={{ top: index * height, height }}
              onPointerDown={event => (pressed.current = event.button === 0 ? { item, x: event.clientX, y: event.clientY } : null)}
              onMouseDown={event => event.button === 2 && !selected.includes(key) && choose(index, false)}
              onClick={event => choose(index, event.ctrlKey || event.metaKey)}
              onDoubleClick={() => open(item)}
            >
              {draw(item)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
