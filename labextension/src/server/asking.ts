/** A question that is asked again and again: one request at a time, and each of them to its end. */

/**
 * Make a function that asks, and while an answer is awaited only remembers to ask once more after it.
 *
 * So a slow answer is shown although changes come faster than it, and no request is left behind on the server.
 *
 * @param ask - Asks, and ends when it is answered or refused.
 * @param quiet - So many milliseconds lie between two questions.
 */
export function oneByOne(ask: () => Promise<void>, quiet = 0): { again: () => void; end: () => void } {
  let [busy, dirty, ended] = [false, false, false];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rested = (): void => {
    busy = false;
    if (dirty) {
      again();
    }
  };
  const answered = (): void => {
    if (quiet > 0 && !ended) {
      timer = setTimeout(rested, quiet);
    } else {
      rested();
    }
  };
  const again = (): void => {
    if (ended) {
      return;
    }
    dirty = busy;
    if (!busy) {
      busy = true;
      ask().then(answered, answered);
    }
  };
  const end = (): void => {
    ended = true;
    clearTimeout(timer);
  };
  return { again, end };
}
