/** What an error says: of the server's the words that it has sent, of ours those of the user's language. */

import type { TranslationBundle } from '@jupyterlab/translation';

import { Refusal } from '../server/client';
import { Unwritable } from './quoting';

export interface Told {
  message: string;
  hint: string;
}

export function told(error: unknown, trans: TranslationBundle): Told {
  if (error instanceof Unwritable) {
    return { message: error.why === 'control' ? trans.__('"%1" has control characters, and can\'t stand in a line.', error.shown) : trans.__('"%1" begins with "-", and would be read as a flag.', error.shown), hint: trans.__('Use Python, where it is a string.') };
  }
  if (!(error instanceof Refusal)) {
    return { message: error instanceof Error ? error.message : String(error), hint: '' };
  }
  switch (error.code) {
    case 'away':
      return { message: trans.__('The Jupyter server does not answer.'), hint: trans.__('It is tried again by itself.') };
    case 'unauthorised':
      return { message: trans.__('The Jupyter server does not know you any more.'), hint: trans.__('Log in again, or reload the page with its token.') };
    case 'unsaid':
      return { message: trans.__('The server answered %1.', error.message), hint: '' };
    default:
      return { message: error.message, hint: error.hint };
  }
}
