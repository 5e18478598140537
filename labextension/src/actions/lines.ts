/** An action as a line of `%mlops`: which of its parameters are words and which are flags, the registry says. */

import type { Command } from '../server/types';
import { isDashed, line, type Value } from '../words/quoting';
import type { Act } from './lab';

/** The parameters that the user still has to give: required ones, and those that an action left empty. */
export function open(act: Act, command: Command): string[] {
  return command.parameters
    .filter(({ name, required }) => act.parameters[name] === '' || (required && !(name in act.parameters)))
    .map(({ name }) => name);
}

/** Whether it would change something: some commands only list, unless they are given more. */
export function changes({ parameters }: Act, { changes, changes_with }: Command): boolean {
  return changes && (changes_with === null || Boolean(parameters[changes_with]));
}

/** The line for a title: its command alone, where a name in it has no place in a line. */
export function titleOf(act: Act, command: Command): string {
  try {
    return lineOf(act, command).trim();
  } catch {
    return command.magic;
  }
}

export function lineOf(act: Act, command: Command | undefined): string {
  const given = Object.entries(act.parameters).filter(([, value]) => value !== '');
  const words: string[] = [];
  const options: Record<string, Value> = {};
  // Without the registry all are flags, which every command takes; so it is with a name that looks like one.
  const asFlags = !command || given.some(([, value]) => typeof value === 'string' && isDashed(value));
  for (const [name, value] of given) {
    const parameter = command?.parameters.find(one => one.name === name);
    if (parameter?.positional && (!asFlags || Array.isArray(value))) {
      words.push(...(Array.isArray(value) ? value : [String(value)]));
    } else {
      options[name] = value;
    }
  }
  const written = line(command?.name ?? act.command, words, options);
  return command?.cell ? `%${written}\n` : written;
}
