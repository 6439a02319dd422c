/**
 * Arduino's pluggable discovery, version 1: lines in, answers out. Pure.
 *
 *   alive ── HELLO ─► idle ── START ──────► listing ── STOP ─► idle
 *                     idle ── START_SYNC ─► syncing ── STOP ─► idle
 *   any ── QUIT ─► dead
 *
 * A command that does not fit is answered with an error and changes nothing.
 */

import type { Port } from './ports.ts';

/** `listing`: ports are told when asked; `syncing`: as they come and go. */
export type DiscoveryState = 'alive' | 'idle' | 'listing' | 'syncing' | 'dead';

type Command = 'START' | 'STOP' | 'LIST' | 'START_SYNC';

/** One JSON document on stdout. */
export interface Message {
  readonly eventType:
    'hello' | 'start' | 'stop' | 'quit' | 'list' | 'start_sync' | 'add' | 'remove' | 'command_error';
  readonly message?: string;
  readonly error?: true;
  readonly protocolVersion?: 1;
  readonly ports?: readonly Port[];
  readonly port?: Port | Pick<Port, 'address' | 'protocol'>;
}

export interface DiscoveryStep {
  readonly state: DiscoveryState;
  /** Absent where the answer is the list of the ports there are now. */
  readonly reply?: Message;
}

export function step(state: DiscoveryState, line: string): DiscoveryStep {
  const text = line.trim();
  const command = (/^\S*/.exec(text)?.[0] ?? '').toUpperCase();
  if (command === 'QUIT') return { state: 'dead', reply: ok('quit') };
  if (command === 'HELLO') return hello(state, text);
  if (!isCommand(command)) return refuse(state, 'command_error', `There is no command '${shown(command)}'.`);
  if (state === 'alive') return refuse(state, 'command_error', `${command} came before HELLO.`);
  return follow(state, command);
}

export function tooLong(): Message {
  return { eventType: 'command_error', error: true, message: 'The line is too long.' };
}

function hello(state: DiscoveryState, text: string): DiscoveryStep {
  // What the client says it can do does not matter: there is only one version of the protocol.
  if (!/^\S+\s+\d+\s+"[^"]*"$/.test(text)) {
    return refuse(state, 'command_error', 'HELLO must be followed by a version and a name in quotes.');
  }
  if (state !== 'alive') return refuse(state, 'hello', 'HELLO was said already.');
  return { state: 'idle', reply: { eventType: 'hello', protocolVersion: 1, message: 'OK' } };
}

function follow(state: DiscoveryState, command: Command): DiscoveryStep {
  switch (command) {
    case 'START':
      if (state !== 'idle') return refuse(state, 'start', runs(state));
      return { state: 'listing', reply: ok('start') };
    case 'START_SYNC':
      if (state !== 'idle') return refuse(state, 'start_sync', runs(state));
      return { state: 'syncing', reply: ok('start_sync') };
    case 'LIST':
      if (state === 'listing') return { state };
      return refuse(
        state,
        'list',
        state === 'syncing' ? runs(state) : 'The discovery was not started: START first.',
      );
    case 'STOP':
      if (state === 'idle') return refuse(state, 'stop', 'The discovery is not running.');
      return { state: 'idle', reply: ok('stop') };
  }
}

function isCommand(word: string): word is Command {
  return word === 'START' || word === 'STOP' || word === 'LIST' || word === 'START_SYNC';
}

function runs(state: DiscoveryState): string {
  return `The discovery was started by ${state === 'syncing' ? 'START_SYNC' : 'START'}: STOP it first.`;
}

const ok = (eventType: Message['eventType']): Message => ({ eventType, message: 'OK' });

function refuse(state: DiscoveryState, eventType: Message['eventType'], message: string): DiscoveryStep {
  return { state, reply: { eventType, error: true, message } };
}

const shown = (command: string): string => command.slice(0, 40);

/** No command is longer. */
const longestLine = 8192;

export interface Lines {
  /** Whole ones; undefined for one that was too long. */
  readonly lines: readonly (string | undefined)[];
  /** What has no end yet; undefined: nothing that could become a command. */
  readonly rest: string | undefined;
}

/** What is complete with this chunk behind the rest of those before. */
export function splitLines(rest: string | undefined, chunk: string): Lines {
  const [first = '', ...others] = chunk.split('\n');
  const all = [rest === undefined ? undefined : limited(rest + first), ...others.map(limited)];
  return { lines: all.slice(0, -1), rest: all.at(-1) };
}

const limited = (line: string): string | undefined => (line.length > longestLine ? undefined : line);
