/** Types and subtypes of partitions by name, as `partitions.csv` has them (IDF: "Partition Tables"). */

import { wholeNumber } from './partition-numbers.ts';

const types = new Map<string, number>([
  ['app', 0],
  ['data', 1],
  ['bootloader', 2],
  ['partition_table', 3],
]);

const appSubtypes = new Map<string, number>([
  ['factory', 0x00],
  ...Array.from({ length: 16 }, (_, slot): [string, number] => [`ota_${slot}`, 0x10 + slot]),
  ['test', 0x20],
  ['tee_0', 0x30],
  ['tee_1', 0x31],
]);

const dataSubtypes = new Map<string, number>([
  ['ota', 0x00],
  ['phy', 0x01],
  ['nvs', 0x02],
  ['coredump', 0x03],
  ['nvs_keys', 0x04],
  ['efuse', 0x05],
  ['undefined', 0x06],
  ['esphttpd', 0x80],
  ['fat', 0x81],
  ['spiffs', 0x82],
  ['littlefs', 0x83],
  ['tee_ota', 0x90],
]);

/** Boot loader and partition table have their own two, which no update over the air concerns. */
const otherSubtypes = new Map<string, number>([
  ['primary', 0x00],
  ['ota', 0x01],
  ['recovery', 0x02],
]);

/** A name in any case, or a number from 0 to 255; undefined: neither. */
export function typeNumber(text: string): number | undefined {
  return types.get(text.toLowerCase()) ?? byteNumber(text);
}

/** A name that this type has, or a number from 0 to 255. An empty one is `undefined` of data, and 0 else. */
export function subtypeNumber(type: number, text: string): number | undefined {
  if (text === '') return type === 1 ? 0x06 : 0;
  return subtypesOf(type).get(text.toLowerCase()) ?? byteNumber(text);
}

export function typeName(type: number): string {
  return nameIn(types, type);
}

export function subtypeName(type: number, subtype: number): string {
  return nameIn(subtypesOf(type), subtype);
}

function subtypesOf(type: number): ReadonlyMap<string, number> {
  if (type === 0) return appSubtypes;
  return type === 1 ? dataSubtypes : otherSubtypes;
}

function nameIn(names: ReadonlyMap<string, number>, value: number): string {
  for (const [name, number] of names) if (number === value) return name;
  return `0x${value.toString(16).padStart(2, '0')}`;
}

function byteNumber(text: string): number | undefined {
  const value = wholeNumber(text);
  return value !== undefined && value >= 0 && value <= 0xff ? value : undefined;
}
