/** One more device in somebody's own `.otarc`: a few lines are put in, every other one stays. Pure. */

import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';
import { deviceLines, passwordOf } from './otarc-file.ts';
import { textLines, withLines } from './lines.ts';
import type { DeviceChoice, PasswordChoice } from './types.ts';

/** undefined: not a file that this can be done to. */
export function withDevice(text: string, device: DeviceChoice, password: PasswordChoice): string | undefined {
  const contents = documentOf(text);
  if (contents === undefined) return undefined;
  const lines = deviceLines(device, passwordOf(device, password));
  const devices = contents?.items.find(({ key }) => isScalar(key) && key.value === 'devices');
  if (devices === undefined)
    return checked(text, withLines(text, text.length, ['devices:', ...lines]), device);
  const { key, value } = devices;
  if (isMap(value) && value.flow !== true) {
    const [first] = value.items;
    const indent = isScalar(first?.key) ? columnOf(text, first.key.range?.[0] ?? 0) : 2;
    const own = lines.map((line) => ' '.repeat(indent) + line.slice(2));
    const end = value.items.at(-1)?.value;
    const last = isNode(end) ? end.range?.[1] : undefined;
    return checked(text, withLines(text, lineEndAfter(text, last ?? value.range?.[1] ?? 0), own), device);
  }
  if (value !== null && !(isScalar(value) && value.value === null)) return undefined;
  return checked(
    text,
    withLines(text, lineEndAfter(text, isScalar(key) ? (key.range?.[1] ?? 0) : 0), lines),
    device,
  );
}

/** null: empty. undefined: no map, or JSON, whose commas nobody wants to count. */
function documentOf(text: string): YAMLMap | null | undefined {
  if (/^\uFEFF?\s*(?:\{|\/\/|\/\*)/.test(text)) return undefined;
  const document = parseDocument(text, { prettyErrors: false, logLevel: 'silent' });
  if (document.errors.length > 0) return undefined;
  const { contents } = document;
  if (contents === null) return null;
  return isMap(contents) ? contents : undefined;
}

/** Only if it says what was meant. */
function checked(before: string, after: string, { name }: DeviceChoice): string | undefined {
  const [old, now] = [valueOf(before), valueOf(after)];
  const { [name]: added, ...others } = now.devices;
  const isGood =
    added !== undefined &&
    !Object.hasOwn(old.devices, name) &&
    isDeepStrictEqual(others, old.devices) &&
    isDeepStrictEqual(now.rest, old.rest);
  return isGood ? after : undefined;
}

function valueOf(text: string): { devices: Record<string, unknown>; rest: Record<string, unknown> } {
  const value: unknown = parseDocument(text, { logLevel: 'silent' }).toJS();
  const { devices, ...rest } = isRecord(value) ? value : {};
  return { devices: isRecord(devices) ? devices : {}, rest };
}

/** Where the line ends that holds the character before `offset`. */
function lineEndAfter(text: string, offset: number): number {
  const line = textLines(text).find(({ start, end }) => offset > start && offset <= end);
  return line?.end ?? text.length;
}

function columnOf(text: string, offset: number): number {
  return offset - (textLines(text).findLast(({ start }) => start <= offset)?.start ?? 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNode(value: unknown): value is { range?: [number, number, number] | null } {
  return typeof value === 'object' && value !== null && 'range' in value;
}
