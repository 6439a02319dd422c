/**
 * What a setting may hold. A flag, a variable and a key of `.otarc` are read by the same kind, and refused in the same
 * words. Pure data and no zod: every start of otarc reads it.
 */

import { isAddress } from '../model/address.ts';
import { parseHost } from '../model/endpoint.ts';
import { leastPort, mostPort } from '../model/port.ts';
import { nearest } from './nearest.ts';

export type ItemKind = NumberKind | ChoiceKind | TextKind;
export type SettingKind = ItemKind | ListKind | SwitchKind;

export interface NumberKind {
  readonly type: 'number';
  readonly isWhole: boolean;
  readonly least: number;
  readonly most?: number;
  /** What is wrong with any other text: `must be …`. */
  readonly words: string;
}

export interface ChoiceKind<T extends string = string> {
  readonly type: 'choice';
  readonly values: readonly T[];
}

export interface TextKind {
  readonly type: 'text';
  readonly accepts?: (text: string) => boolean;
  /** As a JSON schema has it; it says the same as `accepts`. */
  readonly pattern?: RegExp;
  readonly words: string;
}

/** A flag that is repeated, a variable with commas, a list in a file. */
export interface ListKind<T extends ItemKind = ItemKind> {
  readonly type: 'list';
  readonly of: T;
}

/** On or off. As a flag `--x` means on, and `--no-x` off. */
export interface SwitchKind {
  readonly type: 'switch';
}

type ItemOf<K> = K extends NumberKind
  ? number
  : K extends ChoiceKind<infer T>
    ? T
    : K extends TextKind
      ? string
      : never;

/** The values of a kind. */
export type ValueOf<K extends SettingKind> = K extends SwitchKind
  ? boolean
  : K extends ListKind<infer T>
    ? readonly ItemOf<T>[]
    : ItemOf<K>;

export const kinds = {
  onOff: { type: 'switch' },
  text: { type: 'text', words: 'must not be empty' },
  port: {
    type: 'number',
    isWhole: true,
    least: leastPort,
    most: mostPort,
    words: `must be a port, ${leastPort} to ${mostPort}`,
  },
  amount: { type: 'number', isWhole: false, least: 0, words: 'must be a number, at least 0' },
  address: { type: 'text', accepts: isAddress, words: 'must be an IP address' },
  host: {
    type: 'text',
    accepts: (given: string) => parseHost(given) !== undefined,
    words: 'must be a host name or an address, with `:port` where needed',
  },
  /** A millisecond at least, a day at most. */
  seconds: {
    type: 'number',
    isWhole: false,
    least: 0.001,
    most: 86_400,
    words: 'must be a number of seconds, more than 0 and at most 86400',
  },
} as const satisfies Record<string, SettingKind>;

export function whole<const L extends number, const M extends number>(least: L, most?: M) {
  const words = `must be a whole number, ${most === undefined ? `at least ${least}` : `${least} to ${most}`}`;
  return { type: 'number', isWhole: true, least, ...(most !== undefined && { most }), words } as const;
}

export function choice<const T extends string>(values: readonly T[]): ChoiceKind<T> {
  return { type: 'choice', values };
}

export function list<const T extends ItemKind>(of: T): ListKind<T> {
  return { type: 'list', of };
}

/** The value that `given` stands for; undefined: none of this kind. */
export function readItem<K extends ItemKind>(kind: K, given: string): ValueOf<K> | undefined;
export function readItem(kind: ItemKind, given: string): string | number | undefined {
  switch (kind.type) {
    case 'number':
      return numberFrom(kind, given);
    case 'choice':
      return kind.values.find((each) => each === given);
    case 'text':
      return given !== '' && kind.accepts?.(given) !== false ? given : undefined;
  }
}

function numberFrom({ isWhole, least, most = Number.MAX_SAFE_INTEGER }: NumberKind, given: string) {
  const value = Number(given);
  const isNumber = (isWhole ? /^\d+$/ : /^\d+(\.\d+)?$/).test(given);
  return isNumber && value >= least && value <= most ? value : undefined;
}

/** The value that a variable stands for: of a list the items between commas, of a switch any word but those for off. */
export function readVariable(kind: SettingKind, given: string): unknown {
  if (kind.type === 'switch') return isOn(given);
  if (kind.type !== 'list') return readItem(kind, given);
  const items = given.split(',').map((each) => readItem(kind.of, each.trim()));
  return items.includes(undefined) ? undefined : items;
}

/** `0`, `false`, `no`, `off` and nothing switch nothing on. */
export function isOn(given: string | undefined): boolean {
  return given !== undefined && !/^(|0|false|no|off)$/i.test(given);
}

/** What is wrong with `given`, in the same words everywhere: `must be a port, 1 to 65535`. Never the value itself. */
export function complaint(kind: SettingKind, given: string): string {
  switch (kind.type) {
    case 'choice':
      return choiceWords(kind.values, given);
    case 'list':
      return complaint(kind.of, given.split(',').find((each) => isWrong(kind.of, each.trim())) ?? '');
    case 'switch':
      return 'must be 1 or 0';
    default:
      return kind.words;
  }
}

const isWrong = (kind: ItemKind, given: string): boolean => readItem(kind, given) === undefined;

export function choiceWords(values: readonly string[], given: string | undefined): string {
  const meant = given === undefined ? undefined : nearest(given, values);
  return `must be ${values.join(', ')}${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
}
