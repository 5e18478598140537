/** The words for states: the server has them in English. */

import type { TranslationBundle } from '@jupyterlab/translation';

export function stateWord(state: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    FINISHED: trans.__('finished'),
    FAILED: trans.__('failed'),
    KILLED: trans.__('killed'),
    RUNNING: trans.__('running'),
    SCHEDULED: trans.__('scheduled'),
    serving: trans.__('serving'),
    starting: trans.__('starting'),
    stopped: trans.__('stopped'),
    failed: trans.__('failed'),
    'not answering': trans.__('not answering'),
    pass: trans.__('pass'),
    fail: trans.__('fail'),
    inconclusive: trans.__('inconclusive'),
    unknown: trans.__('unknown'),
    none: trans.__('none'),
    ok: trans.__('ok'),
    drift: trans.__('drift')
  };
  const word = Object.hasOwn(words, state) ? words[state] : undefined;
  return word ?? state.toLowerCase();
}
