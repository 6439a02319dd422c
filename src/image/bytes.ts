/** Reading numbers and texts out of bytes; beyond the end everything is zero, so that no parser can throw. */

import { printable } from '../model/printable.ts';

/** Little endian, two bytes. */
export function u16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] ?? 0) | ((bytes[offset + 1] ?? 0) << 8);
}

/** Little endian, four bytes, never negative. */
export function u32(bytes: Uint8Array, offset: number): number {
  return (u16(bytes, offset) | (u16(bytes, offset + 2) << 16)) >>> 0;
}

export function isAllOf(bytes: Uint8Array, value: number): boolean {
  return bytes.every((byte) => byte === value);
}

export function startsWith(bytes: Uint8Array, prefix: readonly number[], offset = 0): boolean {
  return prefix.every((byte, index) => bytes[offset + index] === byte);
}

/** A text of C in a field of `length` bytes, safe to print. What is not UTF-8 is left out: fields that are not used hold 0xff. */
export function cText(bytes: Uint8Array, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  const text = new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
  return printable(text.replaceAll('\uFFFD', '').trim());
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** `0x40201010`: addresses and words, always eight digits. */
export function word(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/** `0x9a`. */
export function byteText(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}
