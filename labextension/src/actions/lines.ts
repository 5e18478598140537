/** An action as a line of `%mlops`: which of its parameters are words and which are flags, the registry says. */

import type { Command } from '../server/types';
import { line, type Value } from '../words/quoting';
import type { Act } from './lab';

/** The parameters that the user still has to give: required ones, and those that an action left empty. */
export function open(act: Act, command: Command): string[] {
  return command.parameters
    .filter(({ name, required }) => act.parameters[name] === '' || (required && !(name in act.parameters)))
    .map(({ name }) => name);
}

export function lineOf(act: Act, command: Command | undefined): string {
  const given = Object.entries(act.parameters).filter(([, value]) => value !== '');
  const words: string[] = [];
  const options: Record<string, Value> = {};
  for (const [name, value] of given) {
    // Without the registry all are flags, which every command takes.
    if (command?.parameters.find(one => one.name === name)?.positional) {
      words.push(...(Array.isArray(value) ? value : [String(value)]));
    } else {
      options[name] = value;
    }
  }
  const written = line(act.command, words, options);
  return command?.cell ? `%${written}\n` : written;
}
