/** Firmware that otarc cannot push and that people have at hand: whose it is, for the words of a refusal. */

/** ` (MicroPython)`, or nothing: what is to stand behind the name of a file's kind. */
export function madeBy(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = ['MicroPython', 'CircuitPython', 'NodeMCU', 'Espruino'].find((each) => buffer.includes(each));
  return name === undefined ? '' : ` (${name})`;
}
